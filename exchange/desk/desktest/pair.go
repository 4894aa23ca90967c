package desktest

import (
	"context"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/trade"
)

// Pair is a world of a supplier with 10 shoes and 5 hats, and its retailer.
func Pair(t testing.TB) (w *World, acorn, birch *Shop) {
	w = NewWorld(t, 1, 2)
	acorn, birch = w.Shops[0], w.Shops[1]
	acorn.Stock("shoe", 10, 9900)
	acorn.Stock("hat", 5, 1250)
	terms := exchange.DefaultTerms("EUR")
	terms.Discount = 1500
	w.Partner(acorn, birch, terms)
	return w, acorn, birch
}

func Reserve(t testing.TB, s *Shop, supplier *Shop, lines ...exchange.Line) *trade.Reservation {
	t.Helper()
	rec, err := s.Desk.Retailer.Reserve(context.Background(), trade.ReserveRequest{Supplier: supplier.ID, Lines: exchangetest.Lines(lines...), Country: "SE"})
	Must(t, err)
	return rec
}

// Buy reserves some units of one product and places the order.
func Buy(t testing.TB, s, supplier *Shop, sku exchange.SKU, n exchange.Quantity) *record.Order {
	t.Helper()
	res := Reserve(t, s, supplier, exchange.Line{SKU: sku, Quantity: n})
	placed, err := s.Desk.Retailer.PlaceOrder(Ctx, res.Request.ID, Stockholm)
	Must(t, err)
	return placed
}

func StockOf(t testing.TB, s *Shop, sku exchange.SKU) hold.Stock {
	t.Helper()
	got, err := s.Desk.Shelf.Stock(sku)
	Must(t, err)
	return got
}

func OrderAt(t testing.TB, s *Shop, side exchange.Party, id exchange.OrderID) *record.Order {
	t.Helper()
	rec, err := s.Desk.Orders.Find(side, id)
	Must(t, err)
	return rec
}

// BothSee reports the status that both shops see, and fails where they differ.
func BothSee(t testing.TB, supplier, retailer *Shop, id exchange.OrderID) order.Status {
	t.Helper()
	a, b := OrderAt(t, supplier, exchange.Supplier, id), OrderAt(t, retailer, exchange.Retailer, id)
	if a.Order.Status() != b.Order.Status() {
		t.Fatalf("order %v is %v at the supplier and %v at the retailer", id, a.Order.Status(), b.Order.Status())
	}
	return a.Order.Status()
}

// LedgersEqual checks that both sides of a ledger end alike and that the
// supplier holds the retailer's countersigned head of that end.
func LedgersEqual(t testing.TB, supplier, retailer *Shop) {
	t.Helper()
	a, err := supplier.Desk.Partnerships.Get(retailer.ID, exchange.Supplier)
	Must(t, err)
	b, err := retailer.Desk.Partnerships.Get(supplier.ID, exchange.Retailer)
	Must(t, err)
	if a.Position != b.Position || a.Hash != b.Hash || a.Acked != a.Position || b.Waiting != 0 {
		t.Fatalf("ledgers differ: supplier at %d (countersigned %d), retailer at %d with %d waiting", a.Position, a.Acked, b.Position, b.Waiting)
	}
}

var Ctx = context.Background()
