package trade_test

import (
	"slices"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/trade"
)

// TestEveryShortLine: a refusal names every line that is short, at once, to every repeat and
// after restarts of both shops; what is in stock stays there.
func TestEveryShortLine(t *testing.T) {
	_, acorn, birch := desktest.Pair(t) // 10 shoes, 5 hats
	acorn.Stock("sock", 0, 500)
	acorn.Stock("belt", 7, 500)
	want := []exchange.Short{{SKU: "shoe", Asked: 11, Available: 10}, {SKU: "sock", Asked: 1}, {SKU: "hat", Asked: 6, Available: 5}}
	req := trade.ReserveRequest{Supplier: acorn.ID, Country: "SE", Key: trade.ReservationKey{7}, Lines: exchangetest.Lines(
		exchange.Line{SKU: "shoe", Quantity: 11}, exchange.Line{SKU: "belt", Quantity: 7},
		exchange.Line{SKU: "sock", Quantity: 1}, exchange.Line{SKU: "hat", Quantity: 6})}
	const says = "shoe: 11 asked, 10 available; sock: 1 asked, 0 available; hat: 6 asked, 5 available"
	var id exchange.HoldID
	for _, when := range []string{"at first", "again", "after a restart of the supplier", "after a restart of the retailer"} {
		t.Run(when, func(t *testing.T) {
			res, err := birch.Desk.Retailer.Reserve(desktest.Ctx, req)
			if exchange.CodeOf(err) != exchange.CodeInsufficient || err.Error() != says || !slices.Equal(exchange.ShortLines(err), want) {
				t.Fatalf("%v: %q, %v", exchange.CodeOf(err), err, exchange.ShortLines(err))
			}
			id = res.Request.ID
			kept, err := birch.Desk.Retailer.Reservation(desktest.Ctx, id)
			if err != nil || kept.State != hold.Refused || !slices.Equal(kept.Short, want) {
				t.Errorf("the reservation has %v, %v", kept, err)
			}
			acorn.Restart()
			if when == "after a restart of the supplier" {
				desktest.Must(t, birch.Desk.Tick())
				birch.Restart()
			}
			acorn.W.Greet(acorn, birch)
		})
	}
	for sku, units := range map[exchange.SKU]int64{"shoe": 10, "belt": 7, "sock": 0, "hat": 5} {
		if got := desktest.StockOf(t, acorn, sku).Available(); got != units {
			t.Errorf("%s: %d available, want %d", sku, got, units)
		}
	}
}

// TestShortLinesNotAsked: the refusal stands, and shows no line that was not asked for so.
func TestShortLinesNotAsked(t *testing.T) {
	asked := exchange.Line{SKU: "shoe", Quantity: 11}
	short := exchange.Short{SKU: "shoe", Asked: 11, Available: 10}
	for name, c := range map[string]struct {
		lie  func(*message.HoldAnswer)
		want []exchange.Short
	}{
		"as asked":         {func(*message.HoldAnswer) {}, []exchange.Short{short}},
		"another product":  {func(a *message.HoldAnswer) { a.Short = append(a.Short, exchange.Short{SKU: "hat", Asked: 11}) }, []exchange.Short{short}},
		"another quantity": {func(a *message.HoldAnswer) { a.Short[0].Asked = 12 }, nil},
		"enough":           {func(a *message.HoldAnswer) { a.Short[0].Available = 11 }, nil},
		"twice":            {func(a *message.HoldAnswer) { a.Short = append(a.Short, a.Short[0]) }, []exchange.Short{short}},
		"another reason":   {func(a *message.HoldAnswer) { a.Refusal = exchange.CodeCountry }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, acorn, birch := desktest.Pair(t)
			lied(t, acorn, birch, message.KindHold, c.lie)
			res, err := birch.Desk.Retailer.Reserve(desktest.Ctx, trade.ReserveRequest{Supplier: acorn.ID, Country: "SE", Lines: exchangetest.Lines(asked)})
			if code := exchange.CodeOf(err); code != exchange.CodeInsufficient && code != exchange.CodeCountry || !slices.Equal(exchange.ShortLines(err), c.want) {
				t.Fatalf("%v (%v): %v", err, code, exchange.ShortLines(err))
			}
			kept, err := birch.Desk.Retailer.Reservation(desktest.Ctx, res.Request.ID)
			if err != nil || kept.State != hold.Refused || !slices.Equal(kept.Short, c.want) {
				t.Errorf("the reservation has %+v, %v", kept, err)
			}
		})
	}
}
