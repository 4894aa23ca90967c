package trade_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/order"
)

// TestDue: what is owed follows the units that are not cancelled, at both shops, and
// the events say by how much it fell.
func TestDue(t *testing.T) {
	const shoe, hat, shipping = 8415, 1063, 490 // less 15%; see pair
	w, acorn, birch := desktest.Pair(t)
	acorn.Policy.AcceptByHand = true
	acorn.Restart()
	w.Greet(acorn, birch)
	place := func() exchange.OrderID {
		res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2}, exchange.Line{SKU: "hat", Quantity: 1})
		_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
		desktest.Must(t, err)
		return res.Request.ID
	}
	want := func(what string, id exchange.OrderID, due, cents int64, by exchange.Party, reason string) {
		t.Helper()
		w.Settle()
		for side, s := range map[exchange.Party]*desktest.Shop{exchange.Supplier: acorn, exchange.Retailer: birch} {
			s.Restart()
			got := desktest.OrderAt(t, s, side, id)
			if got.Due() != due || got.DueUSD() != cents {
				t.Errorf("%s, %v: %d due, %d US cents; want %d, %d", what, side, got.Due(), got.DueUSD(), due, cents)
			}
			if got.CancelledBy != by || got.Reason != reason || (got.Cancelled == 0) != (by == 0) {
				t.Errorf("%s, %v: cancelled %v by %v, %q; want by %v, %q", what, side, got.Cancelled, got.CancelledBy, got.Reason, by, reason)
			}
		}
		w.Greet(acorn, birch)
	}
	const full = 2*shoe + hat + shipping
	usd := func(due int64) int64 { return (due*11 + 5) / 10 } // half up, at the rate of 1.1

	id := place()
	if got := desktest.OrderAt(t, birch, exchange.Retailer, id); got.Due() != full {
		t.Errorf("not answered yet: %d due", got.Due())
	}
	want("submitted", id, full, usd(full), 0, "")
	_, err := birch.Desk.Retailer.CancelPurchase(desktest.Ctx, id, []order.Units{{SKU: "shoe", Units: 1}}, "one is enough")
	desktest.Must(t, err)
	want("one shoe cancelled", id, full-shoe, usd(full-shoe), exchange.Retailer, "one is enough")
	_, err = acorn.Desk.Supplier.AcceptOrder(desktest.Ctx, id)
	desktest.Must(t, err)
	events, stop := acorn.Desk.Events.Watch()
	_, err = acorn.Desk.Supplier.CancelSale(desktest.Ctx, id, []order.Units{{SKU: "hat", Units: 1}}, "moths")
	desktest.Must(t, err)
	for told := range events {
		e, ok := told.(event.Order)
		if !ok {
			continue
		}
		if e.Due != shoe+shipping || e.Cancelled != hat {
			t.Errorf("the event: %d due, %d taken off", e.Due, e.Cancelled)
		}
		break
	}
	stop()
	want("the hat cancelled", id, shoe+shipping, usd(shoe+shipping), exchange.Supplier, "moths")
	_, err = acorn.Desk.Supplier.CancelSale(desktest.Ctx, id, nil, "")
	desktest.Must(t, err)
	want("all cancelled", id, 0, 0, exchange.Supplier, "")

	id = place()
	w.Settle()
	_, err = acorn.Desk.Supplier.RejectOrder(desktest.Ctx, id, "damaged")
	desktest.Must(t, err)
	want("rejected", id, 0, 0, exchange.Supplier, "damaged")

	id = place()
	w.Settle()
	_, err = birch.Desk.Retailer.CancelPurchase(desktest.Ctx, id, []order.Units{{SKU: "shoe", Units: 1}}, "one is enough")
	desktest.Must(t, err)
	w.Settle()
	w.Now = desktest.OrderAt(t, acorn, exchange.Supplier, id).Order.AcceptBy
	want("expired", id, 0, 0, exchange.Supplier, "")

	w.Greet(acorn, birch)
	res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	w.Now = res.Expires
	_, err = birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	w.Settle()
	if got := desktest.OrderAt(t, birch, exchange.Retailer, res.Request.ID); got.Due() != 0 || got.Refusal != exchange.CodeExpired {
		t.Errorf("refused: %d due, %v", got.Due(), got.Refusal)
	}
}
