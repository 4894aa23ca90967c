package desk_test

import (
	"context"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
)

// pair is a world of a supplier with 10 shoes and 5 hats, and its retailer.
func pair(t testing.TB) (w *world, acorn, birch *shop) {
	w = newWorld(t, 1, 2)
	acorn, birch = w.shops[0], w.shops[1]
	acorn.stock("shoe", 10, 9900)
	acorn.stock("hat", 5, 1250)
	terms := exchange.DefaultTerms("EUR")
	terms.Discount = 1500
	w.partner(acorn, birch, terms)
	return w, acorn, birch
}

func reserve(t testing.TB, s *shop, supplier *shop, lines ...exchange.Line) *record.Reservation {
	t.Helper()
	rec, err := s.desk.Reserve(context.Background(), desk.ReserveRequest{Supplier: supplier.id, Lines: lines, Country: "SE"})
	must(t, err)
	return rec
}

// buy reserves some units of one product and places the order.
func buy(t testing.TB, s, supplier *shop, sku exchange.SKU, n exchange.Quantity) *record.Order {
	t.Helper()
	res := reserve(t, s, supplier, exchange.Line{SKU: sku, Quantity: n})
	placed, err := s.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(t, err)
	return placed
}

func stockOf(t testing.TB, s *shop, sku exchange.SKU) hold.Stock {
	t.Helper()
	got, err := s.desk.Stock(sku)
	must(t, err)
	return got
}

func orderAt(t testing.TB, s *shop, side exchange.Party, id exchange.OrderID) *record.Order {
	t.Helper()
	rec, err := s.desk.Order(side, id)
	must(t, err)
	return rec
}

// bothSee reports the status that both shops see, and fails where they differ.
func bothSee(t testing.TB, supplier, retailer *shop, id exchange.OrderID) order.Status {
	t.Helper()
	a, b := orderAt(t, supplier, exchange.Supplier, id), orderAt(t, retailer, exchange.Retailer, id)
	if a.Order.Status() != b.Order.Status() {
		t.Fatalf("order %v is %v at the supplier and %v at the retailer", id, a.Order.Status(), b.Order.Status())
	}
	return a.Order.Status()
}

// ledgersEqual checks that both sides of a ledger end alike and that the
// supplier holds the retailer's countersigned head of that end.
func ledgersEqual(t testing.TB, supplier, retailer *shop) {
	t.Helper()
	a, err := supplier.desk.Trade(retailer.id, exchange.Supplier)
	must(t, err)
	b, err := retailer.desk.Trade(supplier.id, exchange.Retailer)
	must(t, err)
	if a.Position != b.Position || a.Hash != b.Hash || a.Acked != a.Position || b.Waiting != 0 {
		t.Fatalf("ledgers differ: supplier at %d (countersigned %d), retailer at %d with %d waiting", a.Position, a.Acked, b.Position, b.Waiting)
	}
}

// TestTrade follows one partnership from its proposal to its end.
func TestTrade(t *testing.T) {
	w, acorn, birch := pair(t)
	ctx := context.Background()

	res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 3}, exchange.Line{SKU: "hat", Quantity: 1})
	quote, err := birch.desk.ReservationQuote(res)
	must(t, err)
	if want := int64(3*8415 + 1063 + 490); quote.Total != want {
		t.Errorf("the quote's total is %d, want %d", quote.Total, want)
	}
	if s := stockOf(t, acorn, "shoe"); s.Held != 3 || s.Available() != 7 {
		t.Errorf("shoe after the hold: %+v", s)
	}

	placed, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(t, err)
	id := placed.ID
	w.settle()
	if got := bothSee(t, acorn, birch, id); got != order.Accepted {
		t.Fatalf("the order is %v, want accepted", got)
	}
	to, err := acorn.desk.ShipTo(orderAt(t, acorn, exchange.Supplier, id))
	must(t, err)
	if to.Name != stockholm.Name {
		t.Errorf("the supplier reads the address of %q", to.Name)
	}

	_, err = acorn.desk.ShipOrder(ctx, id, []order.Units{{SKU: "shoe", Units: 2}}, "PostNord", "P1")
	must(t, err)
	_, err = birch.desk.CancelBought(ctx, id, []order.Units{{SKU: "hat", Units: 1}}, "changed my mind")
	must(t, err)
	w.settle()
	if got := bothSee(t, acorn, birch, id); got != order.PartlyShipped {
		t.Fatalf("the order is %v, want partly shipped", got)
	}
	_, err = acorn.desk.ShipOrder(ctx, id, nil, "PostNord", "P2")
	must(t, err)
	_, err = acorn.desk.DeliverOrder(ctx, id, nil)
	must(t, err)
	w.settle()
	if got := bothSee(t, acorn, birch, id); got != order.Delivered {
		t.Fatalf("the order is %v, want delivered", got)
	}
	if got := orderAt(t, birch, exchange.Retailer, id).Parcels; len(got) != 2 || got[1].Tracking != "P2" || got[1].Lines[0].Units != 1 {
		t.Errorf("the retailer sees parcels %+v", got)
	}
	if s := stockOf(t, acorn, "shoe"); s != (hold.Stock{Stocked: 10, Sold: 3, Shipped: 3}) {
		t.Errorf("shoe after delivery: %+v", s)
	}
	if s := stockOf(t, acorn, "hat"); s != (hold.Stock{Stocked: 5}) {
		t.Errorf("hat after the cancel: %+v", s)
	}

	must(t, birch.desk.EndTrade(ctx, acorn.id, exchange.Retailer, "moving on"))
	if _, err := birch.desk.Reserve(ctx, desk.ReserveRequest{Supplier: acorn.id, Lines: []exchange.Line{{SKU: "hat", Quantity: 1}}, Country: "SE"}); exchange.CodeOf(err) != exchange.CodeNoPartnership {
		t.Errorf("a hold after the own end: %v", err)
	}
	w.settle()
	ledgersEqual(t, acorn, birch)
	for _, s := range w.shops {
		s.restart() // verifies the chains
	}
	ledgersEqual(t, acorn, birch)
}
