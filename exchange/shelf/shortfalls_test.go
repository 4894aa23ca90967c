package shelf_test

import (
	"context"
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/shelf"
)

// TestShortfallStands: a shortfall is told once, stands across restarts, says what of it concerns
// orders, and is gone when it is resolved, by whichever way.
func TestShortfallStands(t *testing.T) {
	for name, resolve := range map[string]func(acorn *desktest.Shop, id exchange.OrderID) error{
		"counted": func(acorn *desktest.Shop, _ exchange.OrderID) error {
			_, err := acorn.Desk.Shelf.SetStock(desktest.Ctx, "shoe", 10, false)
			return err
		},
		"not counted any more": func(acorn *desktest.Shop, _ exchange.OrderID) error {
			_, err := acorn.Desk.Shelf.SetStock(desktest.Ctx, "shoe", 0, true)
			return err
		},
		"cancelled": func(acorn *desktest.Shop, id exchange.OrderID) error {
			_, err := acorn.Desk.Supplier.CancelSale(desktest.Ctx, id, nil, "gone")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, acorn, birch := desktest.Pair(t)
			ordered := desktest.Buy(t, birch, acorn, "shoe", 4)
			w.Settle()
			desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
			told := toldOf(acorn)
			want := func(when string, units, ofOrders int64, events ...event.MissingUnits) {
				t.Helper()
				l := acorn.Desk.Shelf.Shortfalls()
				list, all := l.First(9)
				if l.Of("shoe") != units || l.OfOrders(exchange.OwnStock("shoe")) != ofOrders || units > 0 && (all != 1 || list[0] != shelf.Shortfall{Stock: "shoe", Units: units}) || units == 0 && all != 0 {
					t.Errorf("%s: %d short, %d of orders, %v of %d; want %d and %d", when, l.Of("shoe"), l.OfOrders(exchange.OwnStock("shoe")), list, all, units, ofOrders)
				}
				if got := told(); !reflect.DeepEqual(got, events) {
					t.Errorf("%s: told %v, want %v", when, got, events)
				}
			}
			want("at first", 0, 0)
			_, err := acorn.Desk.Shelf.SetStock(desktest.Ctx, "shoe", 5, false) // 6 are promised
			desktest.Must(t, err)
			want("one held unit is missing", 1, 0, event.MissingUnits{SKU: "shoe", Units: 1})
			_, err = acorn.Desk.Shelf.SetStock(desktest.Ctx, "shoe", 3, false)
			desktest.Must(t, err)
			want("a sold one, too", 3, 1, event.MissingUnits{SKU: "shoe", Units: 3})
			_, err = acorn.Desk.Shelf.SetStock(desktest.Ctx, "hat", 4, false)
			desktest.Must(t, err)
			want("another product", 3, 1)
			acorn.Restart()
			w.Greet(acorn, birch)
			told = toldOf(acorn)
			want("after a restart", 3, 1)
			desktest.Must(t, resolve(acorn, ordered.ID))
			want("resolved", 0, 0, event.MissingUnits{SKU: "shoe"})
			acorn.Restart()
			told = toldOf(acorn)
			want("after another restart", 0, 0)
		})
	}
}

// toldOf returns what a shop told of shortfalls since the last call.
func toldOf(s *desktest.Shop) func() []event.MissingUnits {
	events, stop := s.Desk.Events.Watch()
	s.W.T.Cleanup(stop)
	return func() (list []event.MissingUnits) {
		for len(events) > 0 {
			if e, ok := (<-events).(event.Shortfall); ok {
				list = append(list, e.Lines...)
			}
		}
		return list
	}
}

// TestShortfallsFollowTheStock: whatever is counted, held, released and sold, the shortfalls in
// memory are those of the stock records, also after a restart, and each change of one is in the event
// log once.
func TestShortfallsFollowTheStock(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := desktest.NewWorld(t, 1, 2)
		acorn, birch := w.Shops[0], w.Shops[1]
		skus := []exchange.SKU{"a", "b", "c"}
		for _, sku := range skus {
			acorn.Stock(sku, 6, 100)
		}
		w.Partner(acorn, birch, exchange.DefaultTerms("EUR"))
		var held []exchange.HoldID
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			sku := rapid.SampledFrom(skus).Draw(rt, "product")
			switch rapid.IntRange(0, 4).Draw(rt, "act") {
			case 0:
				_, err := acorn.Desk.Shelf.SetStock(desktest.Ctx, sku, int64(rapid.IntRange(0, 8).Draw(rt, "counted")), rapid.IntRange(0, 5).Draw(rt, "unlimited") == 0)
				desktest.Must(t, err)
			case 1:
				if desktest.StockOf(t, acorn, sku).Availability().Any() {
					held = append(held, desktest.Reserve(t, birch, acorn, exchange.Line{SKU: sku, Quantity: 1}).Request.ID)
				}
			case 2:
				if len(held) > 0 {
					_, err := birch.Desk.Retailer.Release(desktest.Ctx, held[0])
					desktest.Must(t, err)
					held = held[1:]
				}
			case 3:
				if len(held) > 0 {
					_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, held[0], desktest.Stockholm)
					desktest.Must(t, err)
					held = held[1:]
					w.Settle()
				}
			case 4:
				acorn.Restart()
				w.Greet(acorn, birch)
			}
			told, err := acorn.Desk.Log.Read(1, 1<<20)
			desktest.Must(t, err)
			logged := map[exchange.SKU]int64{}
			for _, e := range told {
				if e, ok := e.Event.(event.Shortfall); ok {
					for _, l := range e.Lines {
						if logged[l.SKU] == l.Units {
							rt.Fatalf("%s: a shortfall of %d units is told twice", l.SKU, l.Units)
						}
						logged[l.SKU] = l.Units
					}
				}
			}
			for _, sku := range skus {
				if units := desktest.StockOf(t, acorn, sku).Shortfall(); logged[sku] != units {
					rt.Fatalf("%s: the log tells of %d missing units, the store has %d", sku, logged[sku], units)
				}
				stock, l := desktest.StockOf(t, acorn, sku), acorn.Desk.Shelf.Shortfalls()
				if got := fmt.Sprint(l.Of(sku), l.OfOrders(exchange.OwnStock(sku))); got != fmt.Sprint(stock.Shortfall(), max(0, stock.Shortfall()-stock.Held)) {
					rt.Fatalf("%s: %s in memory, %+v in the store", sku, got, stock)
				}
			}
		}
	})
}

// TestLoadShortfallsEnds: a start that is broken off leaves no goroutine reading.
func TestLoadShortfallsEnds(t *testing.T) {
	acorn := desktest.NewWorld(t, 1, 1).Shops[0]
	acorn.Stock("shoe", 1, 100)
	ctx, cancel := context.WithCancel(desktest.Ctx)
	cancel()
	if err := acorn.Desk.Shelf.LoadShortfalls(ctx); err != context.Canceled {
		t.Error(err)
	}
}
