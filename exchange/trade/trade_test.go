package trade_test

import (
	"context"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/trade"
)

// TestTrade follows one partnership from its proposal to its end.
func TestTrade(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	ctx := context.Background()

	res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 3}, exchange.Line{SKU: "hat", Quantity: 1})
	quote, err := birch.Desk.Retailer.ReservationQuote(res)
	desktest.Must(t, err)
	if want := int64(3*8415 + 1063 + 490); quote.Total != want {
		t.Errorf("the quote's total is %d, want %d", quote.Total, want)
	}
	if s := desktest.StockOf(t, acorn, "shoe"); s.Held != 3 || s.Available() != 7 {
		t.Errorf("shoe after the hold: %+v", s)
	}

	placed, err := birch.Desk.Retailer.PlaceOrder(ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	id := placed.ID
	w.Settle()
	if got := desktest.BothSee(t, acorn, birch, id); got != order.Accepted {
		t.Fatalf("the order is %v, want accepted", got)
	}
	to, err := acorn.Desk.Supplier.ShipTo(desktest.OrderAt(t, acorn, exchange.Supplier, id))
	desktest.Must(t, err)
	if to.Name != desktest.Stockholm.Name {
		t.Errorf("the supplier reads the address of %q", to.Name)
	}

	_, err = acorn.Desk.Supplier.ShipOrder(ctx, id, []order.Units{{SKU: "shoe", Units: 2}}, "PostNord", "P1")
	desktest.Must(t, err)
	_, err = birch.Desk.Retailer.CancelBought(ctx, id, []order.Units{{SKU: "hat", Units: 1}}, "changed my mind")
	desktest.Must(t, err)
	w.Settle()
	if got := desktest.BothSee(t, acorn, birch, id); got != order.PartlyShipped {
		t.Fatalf("the order is %v, want partly shipped", got)
	}
	_, err = acorn.Desk.Supplier.ShipOrder(ctx, id, nil, "PostNord", "P2")
	desktest.Must(t, err)
	_, err = acorn.Desk.Supplier.DeliverOrder(ctx, id, nil)
	desktest.Must(t, err)
	w.Settle()
	if got := desktest.BothSee(t, acorn, birch, id); got != order.Delivered {
		t.Fatalf("the order is %v, want delivered", got)
	}
	if got := desktest.OrderAt(t, birch, exchange.Retailer, id).Parcels; len(got) != 2 || got[1].Tracking != "P2" || got[1].Lines[0].Units != 1 {
		t.Errorf("the retailer sees parcels %+v", got)
	}
	if s := desktest.StockOf(t, acorn, "shoe"); s != (hold.Stock{Stocked: 10, Sold: 3, Shipped: 3}) {
		t.Errorf("shoe after delivery: %+v", s)
	}
	if s := desktest.StockOf(t, acorn, "hat"); s != (hold.Stock{Stocked: 5}) {
		t.Errorf("hat after the cancel: %+v", s)
	}

	desktest.Must(t, birch.Desk.Partnerships.EndTrade(ctx, acorn.ID, exchange.Retailer, "moving on"))
	if _, err := birch.Desk.Retailer.Reserve(ctx, trade.ReserveRequest{Supplier: acorn.ID, Lines: []exchange.Line{{SKU: "hat", Quantity: 1}}, Country: "SE"}); exchange.CodeOf(err) != exchange.CodeNoPartnership {
		t.Errorf("a hold after the own end: %v", err)
	}
	w.Settle()
	desktest.LedgersEqual(t, acorn, birch)
	for _, s := range w.Shops {
		s.Restart() // verifies the chains
	}
	desktest.LedgersEqual(t, acorn, birch)
}
