package trade_test

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/order"
)

// A shop whose store is older than what its partners hold.

// A supplier restored from yesterday's backup stops selling when a partner
// proves what it has lost, and is still stopped after a restart.
func TestRestoredSupplierStops(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	backup := acorn.Mem.Clone()
	desktest.Buy(t, birch, acorn, "shoe", 2)
	w.Settle()
	acorn.Mem = backup
	acorn.Restart()
	w.Greet(birch, acorn)
	for range 2 {
		if acorn.Desk.Selling.Stopped() == "" {
			t.Fatal("the restored shop goes on selling")
		}
		raw, _ := holdRequest(t, windowOf(w.Now), 77, exchange.Line{SKU: "shoe", Quantity: 1})
		if _, err := acorn.Desk.Serve(desktest.Ctx, birch.ID, raw); exchange.CodeOf(err) != exchange.CodeRestored {
			t.Errorf("a hold at a stopped shop: %v", err)
		}
		acorn.Restart()
	}
}

// A supplier that lost only a hold learns it from the order of it: it enters
// nothing, stops, and is still stopped after a restart.
func TestLostHoldStops(t *testing.T) {
	_, acorn, birch := desktest.Pair(t)
	backup := acorn.Mem.Clone()
	desktest.Buy(t, birch, acorn, "shoe", 2)
	acorn.Mem = backup
	acorn.Restart()
	before, err := acorn.Desk.Partnerships.Get(birch.ID, exchange.Supplier)
	desktest.Must(t, err)
	deliverTo(birch)
	for range 2 {
		if !strings.Contains(acorn.Desk.Selling.Stopped(), "quote sealed by this shop") {
			t.Fatalf("the shop goes on: %q", acorn.Desk.Selling.Stopped())
		}
		after, err := acorn.Desk.Partnerships.Get(birch.ID, exchange.Supplier)
		desktest.Must(t, err)
		if after.Position != before.Position {
			t.Error("a stopped shop wrote into its ledger")
		}
		if err := acorn.Desk.Partnerships.Propose(desktest.Ctx, birch.ID, exchange.Supplier, exchange.DefaultTerms("EUR")); exchange.CodeOf(err) != exchange.CodeRestored {
			t.Errorf("a proposal by a stopped shop: %v", err)
		}
		acorn.Restart()
	}
}

// A supplier that lost entries is asked to enter a request before it was
// greeted: it refuses, so that no position is taken twice.
func TestLostEntriesTakeNoRequest(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	backup := acorn.Mem.Clone()
	desktest.Must(t, acorn.Desk.Partnerships.Propose(desktest.Ctx, birch.ID, exchange.Supplier, exchange.DefaultTerms("EUR")))
	w.Settle()
	acorn.Mem = backup
	acorn.Restart()
	desktest.Must(t, birch.Desk.Partnerships.EndTrade(desktest.Ctx, acorn.ID, exchange.Retailer, ""))
	list, _ := birch.Desk.Outgoing()
	if _, err := acorn.Desk.Serve(desktest.Ctx, birch.ID, list[0].Raw); exchange.CodeOf(err) != exchange.CodeRestored {
		t.Errorf("a request from ahead: %v", err)
	}
	if acorn.Desk.Selling.Stopped() != "" {
		t.Error("a bare claim stopped the shop")
	}
	w.Greet(birch, acorn)
	if acorn.Desk.Selling.Stopped() == "" {
		t.Error("a proof did not")
	}
}

// A retailer restored from a backup adopts the ledger, and what it queued in the
// meantime follows under the next numbers.
func TestRestoredRetailerContinues(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	backup := birch.Mem.Clone()
	for range 3 {
		desktest.Buy(t, birch, acorn, "shoe", 1)
		w.Settle()
	}
	birch.Mem = backup
	birch.Restart()
	w.Greet(birch, acorn)
	var placed []exchange.OrderID
	for range 2 { // before it knows what it has lost
		rec := desktest.Buy(t, birch, acorn, "hat", 1)
		placed = append(placed, rec.ID)
	}
	_, err := birch.Desk.Retailer.CancelBought(desktest.Ctx, placed[1], nil, "")
	desktest.Must(t, err)
	w.Settle()
	if got := desktest.BothSee(t, acorn, birch, placed[0]); got != order.Accepted {
		t.Errorf("the first new order is %v", got)
	}
	if got := desktest.BothSee(t, acorn, birch, placed[1]); got != order.Cancelled {
		t.Errorf("the second new order is %v", got)
	}
	audited(t, acorn, birch)
}

// One that has adopted everything before it asks for anything goes on after the last
// number that it had used.
func TestRestoredRetailerGoesOnAfterAdopting(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	backup := birch.Mem.Clone()
	for range 3 {
		desktest.Buy(t, birch, acorn, "shoe", 1)
		w.Settle()
	}
	birch.Mem = backup
	birch.Restart()
	w.Greet(birch, acorn)
	w.Settle()
	desktest.LedgersEqual(t, acorn, birch) // nothing waits
	placed := desktest.Buy(t, birch, acorn, "hat", 1)
	w.Settle()
	if got := desktest.BothSee(t, acorn, birch, placed.ID); got != order.Accepted {
		t.Errorf("the order after adopting is %v", got)
	}
	desktest.LedgersEqual(t, acorn, birch)
	audited(t, acorn, birch)
}
