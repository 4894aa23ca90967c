package feed_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/writer"
)

// TestFlush: a flush ends when what was written before it is published, makes the publisher
// publish no more often, and fails where nothing is published.
func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := desktest.NewFeedWorld(t, 70)
		cfg := w.Supplier.Config()
		cfg.Inline = false
		d, err := desk.Open(cfg)
		desktest.Must(t, err)
		expired, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := d.Feed.Flush(expired); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while nothing runs: %v", err)
		}
		run, end := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(run) }()
		begin := time.Now()
		var last catalog.Position
		const writes = 50
		for i := range writes {
			_, err := d.Shelf.Import(t.Context(), shelf.Statement{}, []shelf.Item{{Product: desktest.SampleProduct(i), Stock: shelf.Figure{Set: true, Units: 1}}})
			desktest.Must(t, err)
			at, err := d.Feed.Flush(t.Context())
			desktest.Must(t, err)
			lacks, err := d.Feed.Lacks(at)
			desktest.Must(t, err)
			if at.Sequence != uint64(i+1) || len(lacks) != 0 {
				t.Errorf("flush %d ends at %+v and lacks %v", i, at, lacks)
			}
			last = at
		}
		if took := time.Since(begin); took < (writes-1)*100*time.Millisecond {
			t.Errorf("%d publishings in %v: more than one an interval", writes, took)
		}
		lacks, err := d.Feed.Lacks(catalog.Position{Epoch: last.Epoch, Sequence: last.Sequence - 2})
		desktest.Must(t, err)
		all, err := d.Feed.Lacks(catalog.Position{})
		desktest.Must(t, err)
		if len(lacks) != 2 || len(all) != writes {
			t.Errorf("a copy two changes behind lacks %d products, one that is empty %d", len(lacks), len(all))
		}
		desktest.Must(t, d.Writer.Do(t.Context(), func(b *writer.Batch) error {
			d.Selling.Stop(b, "a test")
			return nil
		}))
		_, err = d.Shelf.SetStock(t.Context(), desktest.SampleProduct(7).SKU, 99, false)
		desktest.Must(t, err)
		if _, err := d.Feed.Flush(t.Context()); exchange.CodeOf(err) != exchange.CodeRestored {
			t.Errorf("a shop that has stopped selling: %v", err)
		}
		if lacks, err = d.Feed.Lacks(last); err != nil || len(lacks) != 1 {
			t.Errorf("what a stopped shop has not published: %v, %v", lacks, err)
		}
		end()
		desktest.Must(t, <-done)
	})
}
