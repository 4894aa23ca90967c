package trade_test

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/store"
)

// TestWhoHearsOfALoss: the owner of a shop that has lost records hears who proved it and
// what to do; another partner hears neither.
func TestWhoHearsOfALoss(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	backup := acorn.Mem.Clone()
	desktest.Buy(t, birch, acorn, "shoe", 2)
	w.Settle()
	acorn.Mem = backup
	acorn.Restart()
	w.Greet(birch, acorn)

	err := acorn.Desk.Partnerships.Propose(desktest.Ctx, birch.ID, exchange.Supplier, exchange.DefaultTerms("EUR"))
	for _, want := range []string{birch.ID.String(), "newest copy of its folder", "cannot be taken back", "begin a new shop"} {
		if exchange.CodeOf(err) != exchange.CodeRestored || !strings.Contains(err.Error(), want) {
			t.Errorf("the owner does not hear %q: %v", want, err)
		}
	}
	raw, _ := holdRequest(t, windowOf(w.Now), 77, exchange.Line{SKU: "shoe", Quantity: 1})
	_, err = acorn.Desk.Serve(desktest.Ctx, birch.ID, raw)
	if exchange.CodeOf(err) != exchange.CodeRestored || strings.Contains(err.Error(), birch.ID.String()) || strings.Contains(err.Error(), "folder") {
		t.Errorf("a partner hears: %v", err)
	}
}

// A supplier that has stopped sells again once its owner has put the newest copy of the
// folder back, whatever proved the loss and whatever the stopped shop was used for.
func TestNewestCopyPutBack(t *testing.T) {
	for name, c := range map[string]struct {
		lose  func(t *testing.T, w *desktest.World, acorn, birch *desktest.Shop) *record.Order // after the backup
		prove func(w *desktest.FeedWorld, birch *desktest.Shop)
		proof string
	}{
		"ledger entry": {
			lose: func(t *testing.T, w *desktest.World, acorn, birch *desktest.Shop) *record.Order {
				placed := desktest.Buy(t, birch, acorn, "shoe", 2)
				w.Settle()
				return placed
			},
			prove: func(w *desktest.FeedWorld, birch *desktest.Shop) { w.Greet(birch, w.Supplier) },
			proof: "holds an entry sealed",
		},
		"quote": {
			lose: func(t *testing.T, _ *desktest.World, acorn, birch *desktest.Shop) *record.Order {
				return desktest.Buy(t, birch, acorn, "shoe", 2)
			},
			prove: func(_ *desktest.FeedWorld, birch *desktest.Shop) { sendFrom(birch) },
			proof: "holds a quote sealed",
		},
		"catalog head": {
			lose: func(_ *testing.T, _ *desktest.World, acorn, _ *desktest.Shop) *record.Order {
				acorn.Stock("hat", 7, 1300)
				return nil
			},
			prove: func(w *desktest.FeedWorld, _ *desktest.Shop) { _ = w.PullCopy() },
			proof: "holds a catalog head signed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			base, acorn, birch := desktest.Pair(t)
			w := &desktest.FeedWorld{World: base, Supplier: acorn, Mem: store.Memory(), Keep: catalog.MaxTombstones}
			w.Reopen()
			w.ReopenCopy()
			w.Publish()
			backup := acorn.Mem.Clone()
			lost := c.lose(t, base, acorn, birch)
			w.Publish()
			desktest.Must(t, w.PullCopy())

			newest := acorn.Mem.Clone()
			acorn.Mem = backup
			w.RestartSupplier()
			c.prove(w, birch)
			if !strings.Contains(acorn.Desk.Selling.Stopped(), c.proof) {
				t.Fatalf("stopped: %q", acorn.Desk.Selling.Stopped())
			}
			acorn.Stock("hat", 30, 900)
			w.Publish()
			if err := w.PullCopy(); exchange.CodeOf(err) != exchange.CodeRestored {
				t.Errorf("a pull from the stopped shop: %v", err)
			}

			acorn.Mem = newest
			w.RestartSupplier()
			w.Greet(birch, acorn)
			acorn.Stock("cap", 3, 700)
			w.Publish()
			desktest.Must(t, w.PullCopy())
			w.Equal()
			placed := desktest.Buy(t, birch, acorn, "cap", 1)
			w.Settle()
			for _, o := range []*record.Order{lost, placed} {
				if o != nil && desktest.BothSee(t, acorn, birch, o.ID) != order.Accepted {
					t.Errorf("order %v is %v", o.ID, desktest.BothSee(t, acorn, birch, o.ID))
				}
			}
			if why := acorn.Desk.Selling.Stopped(); why != "" {
				t.Errorf("the newest copy, put back, stops again: %s", why)
			}
			audited(t, acorn, birch)
		})
	}
}
