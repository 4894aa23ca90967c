package desk_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// TestHoldNews: a supplier is told of each hold, with its retailer and lines, and of
// its own stock.
func TestHoldNews(t *testing.T) {
	w, acorn, birch := pair(t)
	events, stop := acorn.desk.Watch()
	defer stop()
	next := func(what string) (hold, stock desk.Event) {
		t.Helper()
		for len(events) > 0 {
			switch e := <-events; e.Type {
			case desk.EventHold:
				hold = e
			case desk.EventStock:
				stock = e
			}
		}
		if stock.Type == "" || !slices.Contains(stock.SKUs, "shoe") {
			t.Errorf("%s: the stock's event is %+v", what, stock)
		}
		return hold, stock
	}
	want := func(what, status string, id exchange.HoldID, units exchange.Quantity) {
		t.Helper()
		e, _ := next(what)
		if e.Status != status || e.Shop != birch.id || e.Side != exchange.Supplier || e.Hold != id || e.Count != 1 ||
			!slices.Equal(e.Lines, []exchange.Line{{SKU: "shoe", Quantity: units}}) {
			t.Errorf("%s: %+v", what, e)
		}
	}
	first := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 3}).Request.ID
	want("placed", "held", first, 3)
	_, err := birch.desk.Release(ctx, first)
	must(t, err)
	want("released", "released", first, 3)
	_, err = birch.desk.Release(ctx, first)
	must(t, err)
	if len(events) > 0 {
		t.Errorf("a release that changed nothing: %+v", <-events)
	}
	second := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	next("placed again")
	w.now = second.Expires
	must(t, acorn.desk.Tick())
	want("expired", "expired", second.Request.ID, 2)
	third := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1}).Request.ID
	next("placed a third time")
	must(t, acorn.desk.EndTrade(ctx, birch.id, exchange.Supplier, ""))
	must(t, acorn.desk.Tick())
	want("released by the end", "released", third, 1)
	_, err = acorn.desk.SetStock(ctx, "shoe", 50, false)
	must(t, err)
	if hold, _ := next("counted"); hold.Type != "" {
		t.Errorf("a count of the shelf tells of a hold: %+v", hold)
	}
}

// TestHotNews: however many holds a second there are, watchers are told of them
// together, and of each.
func TestHotNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, 2)
		acorn, birch := w.shops[0], w.shops[1]
		acorn.stock("shoe", 10_000, 9900)
		terms := exchange.DefaultTerms("EUR")
		terms.OpenQuantity = 10_000
		w.partner(acorn, birch, terms)
		cfg := acorn.config()
		cfg.Inline = false
		d, err := desk.Open(cfg)
		must(t, err)
		run, end := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(run) }()
		events, stop := d.Watch()
		defer stop()
		const holds = 2000
		for i := range holds {
			raw := framed(t, &message.Hold{
				ID: exchange.NewHoldID(windowOf(w.now), [12]byte{1, byte(i), byte(i >> 8)}), Lines: []exchange.Line{{SKU: "shoe", Quantity: 2}}, Country: "SE",
			})
			_, err := d.Serve(t.Context(), birch.id, raw)
			must(t, err)
		}
		time.Sleep(time.Second) // of the bubble
		told, units, n := 0, exchange.Quantity(0), 0
		for len(events) > 0 {
			e := <-events
			if n++; e.Type != desk.EventHold {
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
			var items []desk.ImportItem
			for i := range products {
				items = append(items, desk.ImportItem{
					Product: exchange.Product{SKU: exchange.SKU(fmt.Sprintf("P%d-%d", products, i)), Title: "P", Price: exchange.Money{Minor: 100, Currency: "EUR"}},
					Stock:   record.FileStock{Set: true, Units: 1},
				})
			}
			_, err := d.Import(t.Context(), items, false)
			must(t, err)
			time.Sleep(time.Second)
			for len(events) > 0 {
				if e := <-events; e.Type == desk.EventStock && len(e.SKUs) != named {
					t.Errorf("%d products change, and the event names %d", products, len(e.SKUs))
				}
			}
		}
		end()
		must(t, <-done)
	})
}
