package desk_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/order"
)

// TestSecondRetailerWithOneOrderID: whoever orders first under an id has it; the
// second order is refused, and the first can be worked on.
func TestSecondRetailerWithOneOrderID(t *testing.T) {
	w := newWorld(t, 1, 3)
	acorn, birch, cedar := w.shops[0], w.shops[1], w.shops[2]
	acorn.stock("shoe", 10, 9900)
	w.partner(acorn, birch, exchange.DefaultTerms("EUR"))
	w.partner(acorn, cedar, exchange.DefaultTerms("EUR"))
	id := exchange.NewHoldID(windowOf(w.now), [12]byte{1})
	for _, s := range []*shop{birch, cedar} {
		_, err := s.desk.Reserve(ctx, desk.ReserveRequest{Supplier: acorn.id, Lines: []exchange.Line{{SKU: "shoe", Quantity: 2}}, Country: "SE", ID: id})
		must(t, err)
	}
	for _, s := range []*shop{birch, cedar} {
		_, err := s.desk.PlaceOrder(ctx, id, stockholm)
		must(t, err)
		w.settle()
	}
	if rec := orderAt(t, cedar, exchange.Retailer, id); rec.Refusal != exchange.CodeConflict {
		t.Errorf("the second order under one id was answered %v, %v", rec.Order.Status(), rec.Refusal)
	}
	_, err := acorn.desk.ShipOrder(ctx, id, nil, "PostNord", "P1")
	must(t, err)
	_, err = acorn.desk.DeliverOrder(ctx, id, nil)
	must(t, err)
	w.settle()
	if got := bothSee(t, acorn, birch, id); got != order.Delivered {
		t.Errorf("the first order is %v", got)
	}
	if s := stockOf(t, acorn, "shoe"); s.Held != 2 || s.Sold != 2 || s.Shipped != 2 {
		t.Errorf("stock: %+v", s)
	}
}
