package desk_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
)

// TestSupplierGone: of a supplier that is out of the federation its retailer's holds are
// lost, and told of one by one; what it bought there it closes in its own record, which
// needs no answer, agrees with the ledger, and leaves the order as it was should the
// supplier be let in again.
func TestSupplierGone(t *testing.T) {
	w, acorn, birch := pair(t)
	lost := []*record.Reservation{
		reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1}),
		reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2}),
	}
	ordered := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1}).Request.ID
	_, err := birch.desk.PlaceOrder(ctx, ordered, stockholm)
	must(t, err)
	w.settle()
	events, stop := birch.desk.Watch()
	defer stop()

	key := w.keys[acorn.id]
	delete(w.keys, acorn.id)
	must(t, birch.desk.TellGone(ctx, acorn.id, "revoked", "sold counterfeits"))
	stop()
	told := map[exchange.HoldID]bool{}
	for range len(events) {
		switch e := <-events; e.Type {
		case desk.EventHold:
			if e.Status != "released" || e.Side != exchange.Retailer || e.Shop != acorn.id || e.Count != 1 || len(e.Lines) != 1 {
				t.Errorf("a lost hold is told as %+v", e)
			}
			told[e.Hold] = true
		case desk.EventPartnership:
			if e.Status != "revoked" || e.Detail != "sold counterfeits" || e.Side != exchange.Retailer {
				t.Errorf("the partnership is told as %+v", e)
			}
			told[exchange.HoldID{}] = true
		default:
			t.Errorf("told of %+v", e)
		}
	}
	if !told[lost[0].Request.ID] || !told[lost[1].Request.ID] || !told[exchange.HoldID{}] || len(told) != 3 {
		t.Errorf("told of %v", told)
	}
	for _, rec := range append(lost, &record.Reservation{Supplier: acorn.id, Request: message.Hold{ID: exchange.HoldID{1}}}) {
		if got, err := birch.desk.Standing(rec); err != nil || got != hold.Released {
			t.Errorf("a hold at a shop that is out is %v, %v", got, err)
		}
	}

	rec, err := birch.desk.Release(ctx, lost[0].Request.ID)
	if err != nil || rec.Supplier != acorn.id {
		t.Errorf("giving a hold back to a shop that is out: %+v, %v", rec, err)
	}

	before, err := birch.desk.Trade(acorn.id, exchange.Retailer)
	must(t, err)
	_, err = birch.desk.CancelBought(ctx, ordered, []order.Units{{SKU: "shoe", Units: 1}}, "")
	if exchange.CodeOf(err) != exchange.CodeInvalid {
		t.Errorf("closing a part: %v", err)
	}
	closed, err := birch.desk.CancelBought(ctx, ordered, nil, "")
	must(t, err)
	w.now++
	again, err := birch.desk.CancelBought(ctx, ordered, nil, "")
	must(t, err)
	if closed.CancelAt == 0 || again.CancelAt != closed.CancelAt {
		t.Errorf("closed at %v, and again at %v", closed.CancelAt, again.CancelAt)
	}
	if after, err := birch.desk.Trade(acorn.id, exchange.Retailer); err != nil || after.Waiting != before.Waiting {
		t.Errorf("%d requests wait for a shop that is out, %v", after.Waiting, err)
	}

	w.keys[acorn.id] = key
	audited(t, acorn, birch)
	_, err = birch.desk.CancelBought(ctx, ordered, nil, "still not wanted")
	must(t, err)
	w.settle()
	o, err := birch.desk.Order(exchange.Retailer, ordered)
	must(t, err)
	if o.Order.Status() != order.Cancelled || o.CancelAt != 0 {
		t.Errorf("a supplier that is back was not asked: %v, %v", o.Order.Status(), o.CancelAt)
	}
	audited(t, acorn, birch)
}

// TestNothingLeftToClose: an order that is shipped whole is owed, whoever is out.
func TestNothingLeftToClose(t *testing.T) {
	w, acorn, birch := pair(t)
	id := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1}).Request.ID
	_, err := birch.desk.PlaceOrder(ctx, id, stockholm)
	must(t, err)
	w.settle()
	_, err = acorn.desk.ShipOrder(ctx, id, nil, "", "")
	must(t, err)
	w.settle()
	delete(w.keys, acorn.id)
	_, err = birch.desk.CancelBought(ctx, id, nil, "")
	if exchange.CodeOf(err) != exchange.CodeState {
		t.Errorf("closing a shipped order: %v", err)
	}
}
