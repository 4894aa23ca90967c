package desk_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/order"
)

// TestDue: what is owed follows the units that are not cancelled, at both shops, and
// the events say by how much it fell.
func TestDue(t *testing.T) {
	const shoe, hat, shipping = 8415, 1063, 490 // less 15%; see pair
	w, acorn, birch := pair(t)
	acorn.policy.AcceptByHand = true
	acorn.restart()
	w.greet(acorn, birch)
	place := func() exchange.OrderID {
		res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2}, exchange.Line{SKU: "hat", Quantity: 1})
		_, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
		must(t, err)
		return res.Request.ID
	}
	want := func(what string, id exchange.OrderID, due, usd int64, by exchange.Party, reason string) {
		t.Helper()
		w.settle()
		for side, s := range map[exchange.Party]*shop{exchange.Supplier: acorn, exchange.Retailer: birch} {
			s.restart()
			got := orderAt(t, s, side, id)
			if got.Due() != due || got.DueUSD() != usd {
				t.Errorf("%s, %v: %d due, %d US cents; want %d, %d", what, side, got.Due(), got.DueUSD(), due, usd)
			}
			if got.CancelledBy != by || got.Reason != reason || (got.Cancelled == 0) != (by == 0) {
				t.Errorf("%s, %v: cancelled %v by %v, %q; want by %v, %q", what, side, got.Cancelled, got.CancelledBy, got.Reason, by, reason)
			}
		}
		w.greet(acorn, birch)
	}
	const full, fullUSD = 2*shoe + hat + shipping, 2*9257 + 1169 + 539

	id := place()
	if got := orderAt(t, birch, exchange.Retailer, id); got.Due() != full {
		t.Errorf("not answered yet: %d due", got.Due())
	}
	want("submitted", id, full, fullUSD, 0, "")
	_, err := birch.desk.CancelBought(ctx, id, []order.Units{{SKU: "shoe", Units: 1}}, "one is enough")
	must(t, err)
	want("one shoe cancelled", id, full-shoe, fullUSD-9257, exchange.Retailer, "one is enough")
	_, err = acorn.desk.AcceptOrder(ctx, id)
	must(t, err)
	events, stop := acorn.desk.Watch()
	_, err = acorn.desk.CancelSold(ctx, id, []order.Units{{SKU: "hat", Units: 1}}, "moths")
	must(t, err)
	for e := range events {
		if e.Type != desk.EventOrder {
			continue
		}
		if e.Due != shoe+shipping || e.Cancelled != hat {
			t.Errorf("the event: %d due, %d taken off", e.Due, e.Cancelled)
		}
		break
	}
	stop()
	want("the hat cancelled", id, shoe+shipping, 9257+539, exchange.Supplier, "moths")
	_, err = acorn.desk.CancelSold(ctx, id, nil, "")
	must(t, err)
	want("all cancelled", id, 0, 0, exchange.Supplier, "")

	id = place()
	w.settle()
	_, err = acorn.desk.RejectOrder(ctx, id, "damaged")
	must(t, err)
	want("rejected", id, 0, 0, exchange.Supplier, "damaged")

	id = place()
	w.settle()
	_, err = birch.desk.CancelBought(ctx, id, []order.Units{{SKU: "shoe", Units: 1}}, "one is enough")
	must(t, err)
	w.settle()
	w.now = orderAt(t, acorn, exchange.Supplier, id).Order.AcceptBy
	want("expired", id, 0, 0, exchange.Supplier, "")

	w.greet(acorn, birch)
	res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	w.now = res.Expires
	_, err = birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(t, err)
	w.settle()
	if got := orderAt(t, birch, exchange.Retailer, res.Request.ID); got.Due() != 0 || got.Refusal != exchange.CodeExpired {
		t.Errorf("refused: %d due, %v", got.Due(), got.Refusal)
	}
}
