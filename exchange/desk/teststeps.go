package desk

import (
	"context"

	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
)

// KeepTombstones makes d forget removals beyond n, so that tests reach the floor.
func (d *Desk) KeepTombstones(n int) { d.feed.tombstones = n }

// KeepMarks makes d keep at most n dirty marks in memory, from the next on.
func (d *Desk) KeepMarks(n int) { d.feed.marks.max = n }

// DirtyMarks counts the rows of dirty marks.
func (d *Desk) DirtyMarks() (n int) {
	if err := d.store.Scan(kv.Prefix([]byte(record.PrefixDirty)), func(_, _ []byte) bool { n++; return true }); err != nil {
		panic(err)
	}
	return n
}

// PublishSome is one operation of the publisher.
func (d *Desk) PublishSome(ctx context.Context) (more bool, err error) { return d.publishSome(ctx) }

// PublisherQuiet reports whether the publisher found no new marks at its last turn.
func (d *Desk) PublisherQuiet() bool { return d.feed.quiet.Load() }

// PublishRest is publishRest.
var PublishRest = publishRest
