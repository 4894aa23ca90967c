package trade_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/order"
)

// TestErase: an address is erased at both shops, each by its own setting, so many days after
// nothing of the order is left to ship; never before, and never without a setting.
func TestErase(t *testing.T) {
	const day = 24 * time.Hour
	w, acorn, birch := desktest.Pair(t)
	acorn.Stock("sock", 100, 500)
	acorn.Policy.KeepAddresses, birch.Policy.KeepAddresses = 30*day, 60*day
	for _, s := range w.Shops {
		s.Restart()
	}
	w.Greet(acorn, birch)
	buy := func() exchange.OrderID {
		id := desktest.Buy(t, birch, acorn, "sock", 2).ID
		w.Settle()
		return id
	}
	waits, partly, shipped, cancelled := buy(), buy(), buy(), buy()
	_, err := acorn.Desk.Supplier.ShipOrder(desktest.Ctx, partly, []order.Units{{SKU: "sock", Units: 1}}, "", "")
	desktest.Must(t, err)
	_, err = acorn.Desk.Supplier.ShipOrder(desktest.Ctx, shipped, nil, "", "")
	desktest.Must(t, err)
	_, err = acorn.Desk.Supplier.CancelSale(desktest.Ctx, cancelled, nil, "")
	desktest.Must(t, err)
	w.Settle()
	ended := w.Now
	want := func(after time.Duration, s *desktest.Shop, side exchange.Party, kept ...exchange.OrderID) {
		t.Helper()
		w.Now = ended.Add(after)
		for more := true; more; {
			more, err = s.Desk.Prune(desktest.Ctx)
			desktest.Must(t, err)
		}
		keeps := map[exchange.OrderID]bool{}
		for _, id := range kept {
			keeps[id] = true
		}
		for name, id := range map[string]exchange.OrderID{"waits": waits, "partly shipped": partly, "shipped": shipped, "cancelled": cancelled} {
			_, err := s.Desk.Orders.Delivery(side, desktest.OrderAt(t, s, side, id))
			if err != nil && exchange.CodeOf(err) != exchange.CodeNotFound || (err == nil) != keeps[id] {
				t.Errorf("%v, %v after: %s: %v", side, after, name, err)
			}
		}
	}
	want(29*day, acorn, exchange.Supplier, waits, partly, shipped, cancelled)
	want(31*day, acorn, exchange.Supplier, waits, partly)
	want(59*day, birch, exchange.Retailer, waits, partly, shipped, cancelled)
	want(400*day, birch, exchange.Retailer, waits, partly)
	want(400*day, acorn, exchange.Supplier, waits, partly)
	audited(t, acorn, birch)

	acorn.Policy.KeepAddresses = 0
	acorn.Restart()
	w.Greet(acorn, birch)
	_, err = acorn.Desk.Supplier.ShipOrder(desktest.Ctx, partly, nil, "", "")
	desktest.Must(t, err)
	want(9000*day, acorn, exchange.Supplier, waits, partly)
}

// TestEraseClosedHere: where its supplier has departed, a purchase that its owner has closed here
// keeps its address as long as any other, whether the supplier had answered it or not; one that
// is not closed keeps it. No row of the store has the address afterwards, and a supplier that
// comes back refuses what it never saw.
func TestEraseClosedHere(t *testing.T) {
	const day = 24 * time.Hour
	w, acorn, birch := desktest.Pair(t)
	acorn.Stock("sock", 100, 500)
	birch.Policy.KeepAddresses = 30 * day
	birch.Restart()
	w.Greet(acorn, birch)
	buy := func(street string) exchange.OrderID {
		to := desktest.Stockholm
		to.Lines = []string{street}
		res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "sock", Quantity: 2})
		_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, to)
		desktest.Must(t, err)
		return res.Request.ID
	}
	answered, open := buy("Answered 1"), buy("Open 2")
	w.Settle()
	unanswered, waits := buy("Unanswered 3"), buy("Waits 4")
	key := w.Keys[acorn.ID]
	delete(w.Keys, acorn.ID)
	closed := w.Now.Add(day)
	w.Now = closed
	for _, id := range []exchange.OrderID{answered, unanswered} {
		_, err := birch.Desk.Retailer.CancelPurchase(desktest.Ctx, id, nil, "")
		desktest.Must(t, err)
	}
	kept := func(after time.Duration, want map[string]bool) {
		t.Helper()
		w.Now = closed.Add(after)
		for more := true; more; {
			var err error
			more, err = birch.Desk.Prune(desktest.Ctx)
			desktest.Must(t, err)
		}
		for street, want := range want {
			found := false
			for row, err := range kv.Rows(birch.Mem, kv.Range{}) {
				desktest.Must(t, err)
				found = found || bytes.Contains(row.Value, []byte(street))
			}
			if found != want {
				t.Errorf("%v after: %s is kept: %v", after, street, found)
			}
		}
	}
	kept(29*day, map[string]bool{"Answered 1": true, "Open 2": true, "Unanswered 3": true, "Waits 4": true})
	kept(31*day, map[string]bool{"Answered 1": false, "Open 2": true, "Unanswered 3": false, "Waits 4": true})

	w.Keys[acorn.ID] = key
	acorn.Restart()
	birch.Restart()
	w.Greet(acorn, birch)
	w.Settle()
	for _, id := range []exchange.OrderID{unanswered, waits} {
		if o := desktest.OrderAt(t, birch, exchange.Retailer, id); o.Order.Submitted != 0 || o.Refusal == exchange.CodeOK {
			t.Errorf("a supplier that is back was sent an order of a month ago: %v, %v", o.Order.Status(), o.Refusal)
		}
	}
	if o := desktest.OrderAt(t, birch, exchange.Retailer, open); o.Order.Status() == order.None {
		t.Errorf("the order that stands is %v", o.Order.Status())
	}
	audited(t, acorn, birch)
}
