package desk_test

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/store"
)

// TestWhoHearsOfALoss: the owner of a shop that has lost records hears who proved it and
// what to do; another partner hears neither.
func TestWhoHearsOfALoss(t *testing.T) {
	w, acorn, birch := pair(t)
	backup := acorn.mem.Clone()
	buy(t, birch, acorn, "shoe", 2)
	w.settle()
	acorn.mem = backup
	acorn.restart()
	w.greet(birch, acorn)

	err := acorn.desk.Propose(ctx, birch.id, exchange.Supplier, exchange.DefaultTerms("EUR"))
	for _, want := range []string{birch.id.String(), "newest copy of its folder", "cannot be taken back", "begin a new shop"} {
		if exchange.CodeOf(err) != exchange.CodeRestored || !strings.Contains(err.Error(), want) {
			t.Errorf("the owner does not hear %q: %v", want, err)
		}
	}
	raw, _ := holdRequest(t, windowOf(w.now), 77, exchange.Line{SKU: "shoe", Quantity: 1})
	_, err = acorn.desk.Serve(ctx, birch.id, raw)
	if exchange.CodeOf(err) != exchange.CodeRestored || strings.Contains(err.Error(), birch.id.String()) || strings.Contains(err.Error(), "folder") {
		t.Errorf("a partner hears: %v", err)
	}
}

// A supplier that has stopped sells again once its owner has put the newest copy of the
// folder back, whatever proved the loss and whatever the stopped shop was used for.
func TestNewestCopyPutBack(t *testing.T) {
	for name, c := range map[string]struct {
		lose  func(t *testing.T, w *world, acorn, birch *shop) *record.Order // after the backup
		prove func(w *feedWorld, birch *shop)
		proof string
	}{
		"ledger entry": {
			lose: func(t *testing.T, w *world, acorn, birch *shop) *record.Order {
				placed := buy(t, birch, acorn, "shoe", 2)
				w.settle()
				return placed
			},
			prove: func(w *feedWorld, birch *shop) { w.greet(birch, w.supplier) },
			proof: "holds an entry sealed",
		},
		"quote": {
			lose: func(t *testing.T, _ *world, acorn, birch *shop) *record.Order {
				return buy(t, birch, acorn, "shoe", 2)
			},
			prove: func(_ *feedWorld, birch *shop) { birch.deliver() },
			proof: "holds a quote sealed",
		},
		"catalog head": {
			lose: func(_ *testing.T, _ *world, acorn, _ *shop) *record.Order {
				acorn.stock("hat", 7, 1300)
				return nil
			},
			prove: func(w *feedWorld, _ *shop) { _ = w.pull() },
			proof: "holds a catalog head signed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			base, acorn, birch := pair(t)
			w := &feedWorld{world: base, supplier: acorn, mem: store.Memory(), keep: catalog.MaxTombstones}
			w.reopen()
			w.reopenCopy()
			w.publish()
			backup := acorn.mem.Clone()
			lost := c.lose(t, base, acorn, birch)
			w.publish()
			must(t, w.pull())

			newest := acorn.mem.Clone()
			acorn.mem = backup
			w.restartSupplier()
			c.prove(w, birch)
			if !strings.Contains(acorn.desk.Stopped(), c.proof) {
				t.Fatalf("stopped: %q", acorn.desk.Stopped())
			}
			acorn.stock("hat", 30, 900)
			w.publish()
			if err := w.pull(); exchange.CodeOf(err) != exchange.CodeRestored {
				t.Errorf("a pull from the stopped shop: %v", err)
			}

			acorn.mem = newest
			w.restartSupplier()
			w.greet(birch, acorn)
			acorn.stock("cap", 3, 700)
			w.publish()
			must(t, w.pull())
			w.equal()
			placed := buy(t, birch, acorn, "cap", 1)
			w.settle()
			for _, o := range []*record.Order{lost, placed} {
				if o != nil && bothSee(t, acorn, birch, o.ID) != order.Accepted {
					t.Errorf("order %v is %v", o.ID, bothSee(t, acorn, birch, o.ID))
				}
			}
			if why := acorn.desk.Stopped(); why != "" {
				t.Errorf("the newest copy, put back, stops again: %s", why)
			}
			audited(t, acorn, birch)
		})
	}
}
