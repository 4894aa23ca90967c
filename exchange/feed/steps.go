package feed

// What a simulation sets to reach within seconds what takes a large catalog otherwise.

// KeepTombstones makes the feed forget removals beyond n. Call it while nothing publishes.
func (f *Feed) KeepTombstones(n int) { f.tombstones = n }

// KeepMarks makes the feed keep at most n dirty marks in memory, from the next on. Call it
// while nothing is written.
func (f *Feed) KeepMarks(n int) { f.marks.max = n }
