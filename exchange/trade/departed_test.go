package trade_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
)

// TestSupplierDeparted: of a supplier that is out of the federation its retailer's holds are
// lost, and told of one by one; what it bought there it closes in its own record, which
// needs no answer, agrees with the ledger, and leaves the order as it was should the
// supplier be let in again.
func TestSupplierDeparted(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	lost := []*record.Reservation{
		desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1}).Reservation,
		desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2}).Reservation,
	}
	ordered := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1}).Request.ID
	_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, ordered, desktest.Stockholm)
	desktest.Must(t, err)
	w.Settle()
	events, stop := birch.Desk.Events.Watch()
	defer stop()

	key := w.Keys[acorn.ID]
	delete(w.Keys, acorn.ID)
	desktest.Must(t, birch.Desk.Retailer.NotifyDeparted(desktest.Ctx, acorn.ID, "revoked", w.Now, "sold counterfeits"))
	birch.Restart()
	desktest.Must(t, birch.Desk.Retailer.NotifyDeparted(desktest.Ctx, acorn.ID, "revoked", w.Now, "sold counterfeits"))
	if page := logged(t, birch); len(page) == 0 || page[len(page)-1] != (event.Partnership{At: w.Now, Partner: acorn.ID, Side: exchange.Retailer, Status: "revoked", Detail: "sold counterfeits"}) ||
		page[len(page)-2] == page[len(page)-1] {
		t.Errorf("the log ends with %+v", page)
	}
	stop()
	told := map[exchange.HoldID]bool{}
	for range len(events) {
		switch e := (<-events).(type) {
		case event.Holds:
			if e.Status != "released" || e.Side != exchange.Retailer || e.Partner != acorn.ID || e.Count != 1 || len(e.Lines) != 1 {
				t.Errorf("a lost hold is told as %+v", e)
			}
			told[e.ID] = true
		case event.Partnership:
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
	for _, rec := range append(lost, &record.Reservation{Supplier: acorn.ID, Request: message.Hold{ID: exchange.HoldID{1}}}) {
		if got, err := birch.Desk.Retailer.StateOf(rec); err != nil || got != hold.Released {
			t.Errorf("a hold at a shop that is out is %v, %v", got, err)
		}
	}

	rec, err := birch.Desk.Retailer.Release(desktest.Ctx, lost[0].Request.ID)
	if err != nil || rec.Supplier != acorn.ID {
		t.Errorf("giving a hold back to a shop that is out: %+v, %v", rec, err)
	}

	before, err := birch.Desk.Partnerships.Get(acorn.ID, exchange.Retailer)
	desktest.Must(t, err)
	_, err = birch.Desk.Retailer.CancelPurchase(desktest.Ctx, ordered, []order.Units{{SKU: "shoe", Units: 1}}, "")
	if exchange.CodeOf(err) != exchange.CodeInvalid {
		t.Errorf("closing a part: %v", err)
	}
	closed, err := birch.Desk.Retailer.CancelPurchase(desktest.Ctx, ordered, nil, "")
	desktest.Must(t, err)
	w.Now++
	again, err := birch.Desk.Retailer.CancelPurchase(desktest.Ctx, ordered, nil, "")
	desktest.Must(t, err)
	if closed.CancelAt == 0 || again.CancelAt != closed.CancelAt {
		t.Errorf("closed at %v, and again at %v", closed.CancelAt, again.CancelAt)
	}
	if after, err := birch.Desk.Partnerships.Get(acorn.ID, exchange.Retailer); err != nil || after.Waiting != before.Waiting {
		t.Errorf("%d requests wait for a shop that is out, %v", after.Waiting, err)
	}

	w.Keys[acorn.ID] = key
	audited(t, acorn, birch)
	_, err = birch.Desk.Retailer.CancelPurchase(desktest.Ctx, ordered, nil, "still not wanted")
	desktest.Must(t, err)
	w.Settle()
	o, err := birch.Desk.Orders.Find(exchange.Retailer, ordered)
	desktest.Must(t, err)
	if o.Order.Status() != order.Cancelled || o.CancelAt != 0 {
		t.Errorf("a supplier that is back was not asked: %v, %v", o.Order.Status(), o.CancelAt)
	}
	audited(t, acorn, birch)
}

// TestNothingLeftToClose: an order that is shipped whole is owed, whoever is out.
func TestNothingLeftToClose(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	id := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1}).Request.ID
	_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, id, desktest.Stockholm)
	desktest.Must(t, err)
	w.Settle()
	_, err = acorn.Desk.Supplier.ShipOrder(desktest.Ctx, id, nil, "", "")
	desktest.Must(t, err)
	w.Settle()
	delete(w.Keys, acorn.ID)
	_, err = birch.Desk.Retailer.CancelPurchase(desktest.Ctx, id, nil, "")
	if exchange.CodeOf(err) != exchange.CodeState {
		t.Errorf("closing a shipped order: %v", err)
	}
}

// logged is what a shop's event log has.
func logged(t *testing.T, s *desktest.Shop) (list []event.Event) {
	t.Helper()
	page, err := s.Desk.Log.Read(1, 1<<20)
	desktest.Must(t, err)
	for _, told := range page {
		list = append(list, told.Event)
	}
	return list
}
