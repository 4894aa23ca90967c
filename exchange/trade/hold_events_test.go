package trade_test

import (
	"slices"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/event"
)

// TestHoldEvents: a supplier is told of each hold, with its retailer and lines, and of
// its own stock.
func TestHoldEvents(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	events, stop := acorn.Desk.Events.Watch()
	defer stop()
	next := func(what string) (held event.Holds, stock event.Stock) {
		t.Helper()
		for len(events) > 0 {
			switch e := (<-events).(type) {
			case event.Holds:
				held = e
			case event.Stock:
				stock = e
			}
		}
		if !slices.Contains(stock.SKUs, "shoe") {
			t.Errorf("%s: the stock's event is %+v", what, stock)
		}
		return held, stock
	}
	want := func(what, status string, id exchange.HoldID, units exchange.Quantity) {
		t.Helper()
		e, _ := next(what)
		if e.Status != status || e.Partner != birch.ID || e.Side != exchange.Supplier || e.ID != id || e.Count != 1 ||
			!slices.Equal(e.Lines, []exchange.Line{{SKU: "shoe", Quantity: units}}) {
			t.Errorf("%s: %+v", what, e)
		}
	}
	first := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 3}).Request.ID
	want("placed", "held", first, 3)
	_, err := birch.Desk.Retailer.Release(desktest.Ctx, first)
	desktest.Must(t, err)
	want("released", "released", first, 3)
	_, err = birch.Desk.Retailer.Release(desktest.Ctx, first)
	desktest.Must(t, err)
	if len(events) > 0 {
		t.Errorf("a release that changed nothing: %+v", <-events)
	}
	second := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	next("placed again")
	w.Now = second.Expires
	desktest.Must(t, acorn.Desk.Tick())
	want("expired", "expired", second.Request.ID, 2)
	third := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1}).Request.ID
	next("placed a third time")
	desktest.Must(t, acorn.Desk.Partnerships.EndTrade(desktest.Ctx, birch.ID, exchange.Supplier, ""))
	desktest.Must(t, acorn.Desk.Tick())
	want("released by the end", "released", third, 1)
	_, err = acorn.Desk.Shelf.SetStock(desktest.Ctx, "shoe", 50, false)
	desktest.Must(t, err)
	if held, _ := next("counted"); held.Count != 0 {
		t.Errorf("a count of the shelf tells of a hold: %+v", held)
	}
}
