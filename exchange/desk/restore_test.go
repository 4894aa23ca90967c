package desk_test

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/order"
)

// A shop whose store is older than what its partners hold.

// A supplier restored from yesterday's backup stops selling when a partner
// proves what it has lost, and is still stopped after a restart.
func TestRestoredSupplierStops(t *testing.T) {
	w, acorn, birch := pair(t)
	backup := acorn.mem.Clone()
	buy(t, birch, acorn, "shoe", 2)
	w.settle()
	acorn.mem = backup
	acorn.restart()
	w.greet(birch, acorn)
	for range 2 {
		if acorn.desk.Stopped() == "" {
			t.Fatal("the restored shop goes on selling")
		}
		raw, _ := holdRequest(t, windowOf(w.now), 77, exchange.Line{SKU: "shoe", Quantity: 1})
		if _, err := acorn.desk.Serve(ctx, birch.id, raw); exchange.CodeOf(err) != exchange.CodeRestored {
			t.Errorf("a hold at a stopped shop: %v", err)
		}
		acorn.restart()
	}
}

// A supplier that lost only a hold learns it from the order of it: it enters
// nothing, stops, and is still stopped after a restart.
func TestLostHoldStops(t *testing.T) {
	_, acorn, birch := pair(t)
	backup := acorn.mem.Clone()
	buy(t, birch, acorn, "shoe", 2)
	acorn.mem = backup
	acorn.restart()
	before, err := acorn.desk.Trade(birch.id, exchange.Supplier)
	must(t, err)
	birch.deliver()
	for range 2 {
		if !strings.Contains(acorn.desk.Stopped(), "quote sealed by this shop") {
			t.Fatalf("the shop goes on: %q", acorn.desk.Stopped())
		}
		after, err := acorn.desk.Trade(birch.id, exchange.Supplier)
		must(t, err)
		if after.Position != before.Position {
			t.Error("a stopped shop wrote into its ledger")
		}
		if err := acorn.desk.Propose(ctx, birch.id, exchange.Supplier, exchange.DefaultTerms("EUR")); exchange.CodeOf(err) != exchange.CodeRestored {
			t.Errorf("a proposal by a stopped shop: %v", err)
		}
		acorn.restart()
	}
}

// A supplier that lost entries is asked to enter a request before it was
// greeted: it refuses, so that no position is taken twice.
func TestLostEntriesTakeNoRequest(t *testing.T) {
	w, acorn, birch := pair(t)
	backup := acorn.mem.Clone()
	must(t, acorn.desk.Propose(ctx, birch.id, exchange.Supplier, exchange.DefaultTerms("EUR")))
	w.settle()
	acorn.mem = backup
	acorn.restart()
	must(t, birch.desk.EndTrade(ctx, acorn.id, exchange.Retailer, ""))
	list, _ := birch.desk.Outgoing()
	if _, err := acorn.desk.Serve(ctx, birch.id, list[0].Raw); exchange.CodeOf(err) != exchange.CodeRestored {
		t.Errorf("a request from ahead: %v", err)
	}
	if acorn.desk.Stopped() != "" {
		t.Error("a bare claim stopped the shop")
	}
	w.greet(birch, acorn)
	if acorn.desk.Stopped() == "" {
		t.Error("a proof did not")
	}
}

// A retailer restored from a backup adopts the ledger, and what it queued in the
// meantime follows under the next numbers.
func TestRestoredRetailerContinues(t *testing.T) {
	w, acorn, birch := pair(t)
	backup := birch.mem.Clone()
	for range 3 {
		buy(t, birch, acorn, "shoe", 1)
		w.settle()
	}
	birch.mem = backup
	birch.restart()
	w.greet(birch, acorn)
	var placed []exchange.OrderID
	for range 2 { // before it knows what it has lost
		rec := buy(t, birch, acorn, "hat", 1)
		placed = append(placed, rec.ID)
	}
	_, err := birch.desk.CancelBought(ctx, placed[1], nil, "")
	must(t, err)
	w.settle()
	if got := bothSee(t, acorn, birch, placed[0]); got != order.Accepted {
		t.Errorf("the first new order is %v", got)
	}
	if got := bothSee(t, acorn, birch, placed[1]); got != order.Cancelled {
		t.Errorf("the second new order is %v", got)
	}
	audited(t, acorn, birch)
}

// One that has adopted everything before it asks for anything goes on after the last
// number that it had used.
func TestRestoredRetailerGoesOnAfterAdopting(t *testing.T) {
	w, acorn, birch := pair(t)
	backup := birch.mem.Clone()
	for range 3 {
		buy(t, birch, acorn, "shoe", 1)
		w.settle()
	}
	birch.mem = backup
	birch.restart()
	w.greet(birch, acorn)
	w.settle()
	ledgersEqual(t, acorn, birch) // nothing waits
	placed := buy(t, birch, acorn, "hat", 1)
	w.settle()
	if got := bothSee(t, acorn, birch, placed.ID); got != order.Accepted {
		t.Errorf("the order after adopting is %v", got)
	}
	ledgersEqual(t, acorn, birch)
	audited(t, acorn, birch)
}
