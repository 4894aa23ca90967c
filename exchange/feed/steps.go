package feed

// A simulation sets these limits low, so that it reaches them without a large catalog.

// KeepTombstones makes the feed keep the n latest removals. Call it while nothing publishes.
func (f *Feed) KeepTombstones(n int) { f.tombstones = n }

// KeepMarks makes the feed learn no dirty mark while it knows n. Call it while nothing is
// written.
func (f *Feed) KeepMarks(n int) { f.marks.max = n }
