package feed

import (
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// DirtyMarks counts the rows of dirty marks.
func (f *Feed) DirtyMarks() (n int) {
	for _, err := range kv.Rows(f.cfg.Store, kv.Prefix([]byte(record.PrefixDirty))) {
		if err != nil {
			panic(err)
		}
		n++
	}
	return n
}

// PublishIn publishes in a batch in which other operations follow.
func (f *Feed) PublishIn(b *writer.Batch) error {
	_, err := f.publish(b)
	return err
}

// Expand has one operation mark n products for their stocks.
func (f *Feed) Expand(n int) { f.expands = n }

// Quiet reports whether the publisher found no new marks at its last turn.
func (f *Feed) Quiet() bool { return f.quiet.Load() }

// PublishRest is publishRest.
var PublishRest = publishRest
