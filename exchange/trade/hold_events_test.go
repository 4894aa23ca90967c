package trade_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
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

// TestHotProductEvents: however many holds a second there are, watchers are told of them
// together, and of each.
func TestHotProductEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := desktest.NewWorld(t, 1, 2)
		acorn, birch := w.Shops[0], w.Shops[1]
		acorn.Stock("shoe", 10_000, 9900)
		terms := exchange.DefaultTerms("EUR")
		terms.OpenQuantity = 10_000
		w.Partner(acorn, birch, terms)
		cfg := acorn.Config()
		cfg.Inline = false
		d, err := desk.Open(cfg)
		desktest.Must(t, err)
		run, end := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(run) }()
		events, stop := d.Events.Watch()
		defer stop()
		const holds = 2000
		for i := range holds {
			raw := framed(t, &message.Hold{
				ID: exchange.NewHoldID(windowOf(w.Now), [12]byte{1, byte(i), byte(i >> 8)}), Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 2}), Country: "SE",
			})
			_, err := d.Serve(t.Context(), birch.ID, raw)
			desktest.Must(t, err)
		}
		time.Sleep(time.Second) // of the bubble
		told, units, n := 0, exchange.Quantity(0), 0
		for len(events) > 0 {
			e, ok := (<-events).(event.Holds)
			if n++; !ok {
				continue
			}
			told += e.Count
			for _, l := range e.Lines {
				units += l.Quantity
			}
		}
		if told != holds || units != 2*holds || n > 40 {
			t.Errorf("%d events tell of %d holds and %d units; want %d holds in few events", n, told, units, holds)
		}
		// An event names as many products as a reservation has lines, or none.
		for products, named := range map[int]int{exchange.MaxLines: exchange.MaxLines, exchange.MaxLines + 1: 0} {
			var items []shelf.Item
			for i := range products {
				items = append(items, shelf.Item{
					Product: exchange.Product{SKU: exchange.SKU(fmt.Sprintf("P%d-%d", products, i)), Title: "P", Price: exchange.Money{Minor: 100, Currency: "EUR"}},
					Stock:   record.FileStock{Set: true, Units: 1},
				})
			}
			_, err := d.Shelf.Import(t.Context(), items, false)
			desktest.Must(t, err)
			time.Sleep(time.Second)
			for len(events) > 0 {
				if e, ok := (<-events).(event.Stock); ok && len(e.SKUs) != named {
					t.Errorf("%d products change, and the event names %d", products, len(e.SKUs))
				}
			}
		}
		end()
		desktest.Must(t, <-done)
	})
}
