package trade_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/store"
)

// stopByRollback has a supplier lose an entry that its retailer has, and find out.
func stopByRollback(t *testing.T, w *desktest.World, supplier, retailer *desktest.Shop) {
	t.Helper()
	backup := supplier.Mem.Clone()
	desktest.Must(t, supplier.Desk.Partnerships.Propose(desktest.Ctx, retailer.ID, exchange.Supplier, exchange.DefaultTerms("EUR")))
	w.Settle()
	supplier.Mem = backup
	supplier.Restart()
	w.Greet(supplier, retailer)
	if supplier.Desk.Selling.Stopped() == "" {
		t.Fatal("the restored shop goes on")
	}
}

// A stopped supplier can end: it holds and shows its catalog no more, releases what
// is held, also over a restart, and writes nothing into its ledger.
func TestStoppedSupplierEnds(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	stopByRollback(t, w, acorn, birch)
	before, err := acorn.Desk.Partnerships.Get(birch.ID, exchange.Supplier)
	desktest.Must(t, err)
	for range 2 { // a second end changes nothing
		desktest.Must(t, acorn.Desk.Partnerships.EndTrade(desktest.Ctx, birch.ID, exchange.Supplier, "bye"))
	}
	for _, restarted := range []bool{false, true} {
		if restarted {
			acorn.Restart()
		}
		desktest.Must(t, acorn.Desk.Tick())
		after, err := acorn.Desk.Partnerships.Get(birch.ID, exchange.Supplier)
		desktest.Must(t, err)
		if !after.Ending || after.Position != before.Position {
			t.Errorf("restarted %v: ending %v, position %d; it was %d", restarted, after.Ending, after.Position, before.Position)
		}
		if len(acorn.Desk.Partnerships.Retailers()) != 0 {
			t.Errorf("restarted %v: the catalog is still shown", restarted)
		}
		if s := desktest.StockOf(t, acorn, "shoe"); s.Held != 0 {
			t.Errorf("restarted %v: %d are held after the end", restarted, s.Held)
		}
	}
}

// A full outbox takes an end, once, and nothing else.
func TestFullOutboxTakesAnEnd(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	w.Fate = func(from, to *desktest.Shop) desktest.Fate { return desktest.Lost }
	for n := range trade.MaxOutbox {
		err := birch.Desk.Partnerships.Propose(desktest.Ctx, acorn.ID, exchange.Retailer, exchange.DefaultTerms("EUR"))
		if n < trade.MaxOutbox-1 {
			desktest.Must(t, err)
		} else if exchange.CodeOf(err) != exchange.CodeLimit {
			t.Fatalf("the last place went to a proposal: %v", err)
		}
	}
	for range 3 {
		desktest.Must(t, birch.Desk.Partnerships.EndTrade(desktest.Ctx, acorn.ID, exchange.Retailer, "bye"))
	}
	p, err := birch.Desk.Partnerships.Get(acorn.ID, exchange.Retailer)
	desktest.Must(t, err)
	if p.Waiting != trade.MaxOutbox || !p.Ending || p.Queued != "end" {
		t.Errorf("%d waiting, ending %v, queued %q", p.Waiting, p.Ending, p.Queued)
	}
}

// A hold of a partnership that ended cannot be ordered, though another
// partnership is in force by then, and is released, also across a restart.
func TestEndReleasesHolds(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	desktest.Must(t, acorn.Desk.Partnerships.EndTrade(desktest.Ctx, birch.ID, exchange.Supplier, "pause"))
	desktest.Must(t, acorn.Desk.Partnerships.Propose(desktest.Ctx, birch.ID, exchange.Supplier, exchange.DefaultTerms("EUR")))
	acorn.Mem.FailNext(store.FaultBefore)
	acorn.Desk.Tick() // the release is lost in a crash
	acorn.Restart()
	w.Settle()
	p, err := birch.Desk.Partnerships.Get(acorn.ID, exchange.Retailer)
	desktest.Must(t, err)
	desktest.Must(t, birch.Desk.Partnerships.AcceptTerms(desktest.Ctx, acorn.ID, exchange.Retailer, p.State.Open.Hash))
	w.Settle()
	if s := desktest.StockOf(t, acorn, "shoe"); s.Held != 0 {
		t.Errorf("%d are still held", s.Held)
	}
	placed, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	w.Settle()
	if got := desktest.OrderAt(t, birch, exchange.Retailer, placed.ID); got.Refusal != exchange.CodeReleased {
		t.Errorf("an order of a released hold: %v %v", got.Order.Status(), got.Refusal)
	}
	audited(t, acorn, birch)
}
