package event_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/exchangetest"
)

// clock stands still.
type clock exchange.Time

func (c clock) Now() exchange.Time { return exchange.Time(c) }

const now = exchange.Time(1_790_000_000_000)

// collect returns what a watcher is told within an interval of what do collects.
func collect(t *testing.T, do func(*event.Watchers)) (told []event.Event) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := event.NewWatchers(clock(now), false)
		events, stop := w.Watch()
		defer stop()
		do(w)
		if len(events) > 0 {
			t.Errorf("told before the interval ends: %+v", <-events)
		}
		time.Sleep(event.Interval) // of the bubble
		synctest.Wait()
		for len(events) > 0 {
			told = append(told, <-events)
		}
	})
	return told
}

func shop(n int) (id exchange.ShopID) {
	id[0], id[1] = byte(n>>8), byte(n)
	return id
}

func holdID(n int) exchange.HoldID {
	return exchange.NewHoldID(1, [12]byte{byte(n >> 8), byte(n)})
}

// lines are one unit each of n products.
func lines(n int) (list []exchange.Line) {
	for i := range n {
		list = append(list, exchange.Line{SKU: exchange.SKU(fmt.Sprintf("p%03d", i)), Quantity: 1})
	}
	return list
}

// TestHoldsAreSummedUp: holds of one partner, side and status are one event.
func TestHoldsAreSummedUp(t *testing.T) {
	shoe := []exchange.Line{{SKU: "shoe", Quantity: 2}}
	for _, c := range []struct {
		name  string
		holds [][]exchange.Line
		want  event.Holds
	}{
		{"one", [][]exchange.Line{shoe}, event.Holds{Count: 1, ID: holdID(0), Lines: shoe}},
		{"of one product", slices.Repeat([][]exchange.Line{shoe}, 2000), event.Holds{Count: 2000, Lines: []exchange.Line{{SKU: "shoe", Quantity: 4000}}}},
		{"of two products", [][]exchange.Line{lines(1), shoe}, event.Holds{Count: 2, Lines: append(lines(1), shoe...)}},
		{"of as many products as an event names", [][]exchange.Line{lines(exchange.MaxLines), lines(1)}, event.Holds{
			Count: 2, Lines: append([]exchange.Line{{SKU: "p000", Quantity: 2}}, lines(exchange.MaxLines)[1:]...),
		}},
		{"of too many products", [][]exchange.Line{lines(exchange.MaxLines), shoe, shoe}, event.Holds{Count: 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			told := collect(t, func(w *event.Watchers) {
				for i, lines := range c.holds {
					w.Hold(now, shop(1), exchange.Supplier, "held", holdID(i), exchangetest.Lines(lines...))
				}
			})
			want := c.want
			want.At, want.Partner, want.Side, want.Status = now, shop(1), exchange.Supplier, "held"
			if len(told) != 1 || fmt.Sprintf("%+v", told[0]) != fmt.Sprintf("%+v", want) {
				t.Errorf("told %+v, want %+v", told, want)
			}
		})
	}
}

// TestHoldsOfManyPartners: an interval has at most MaxTold events that name a partner. Holds
// of more partners are in one event for each side and status, which names none; a retailer's
// does not sum up the products of several suppliers.
func TestHoldsOfManyPartners(t *testing.T) {
	const partners = event.MaxHoldEvents + 10
	for name, side := range map[string]exchange.Party{"supplier": exchange.Supplier, "retailer": exchange.Retailer} {
		t.Run(name, func(t *testing.T) {
			told := collect(t, func(w *event.Watchers) {
				for i := range partners {
					w.Hold(now, shop(i+1), side, "held", holdID(i), exchangetest.Lines(lines(1)...))
				}
			})
			if len(told) != event.MaxHoldEvents+1 {
				t.Fatalf("told %d events, want %d", len(told), event.MaxHoldEvents+1)
			}
			count := 0
			for _, e := range told {
				h := e.(event.Holds)
				count += h.Count
				if summed := len(h.Lines) > 0; h.Partner.IsZero() && summed != (side == exchange.Supplier) {
					t.Errorf("of several partners: %+v", h)
				}
			}
			if count != partners {
				t.Errorf("told of %d holds, want %d", count, partners)
			}
		})
	}
}

// TestStockIsToldTogether: an event names as many products as a reservation has lines, or none.
func TestStockIsToldTogether(t *testing.T) {
	for _, c := range []struct{ changed, named int }{
		{1, 1}, {exchange.MaxLines, exchange.MaxLines}, {exchange.MaxLines + 1, 0}, {2000, 0},
	} {
		t.Run(fmt.Sprintf("%d products", c.changed), func(t *testing.T) {
			told := collect(t, func(w *event.Watchers) {
				for range 2 {
					for _, l := range lines(c.changed) {
						w.StockChanged(l.SKU)
					}
				}
			})
			if len(told) != 1 || len(told[0].(event.Stock).SKUs) != c.named {
				t.Errorf("told %+v, want one event with %d products", told, c.named)
			}
		})
	}
}

// TestSlowWatcher: a watcher that falls behind loses the oldest events and delays nobody.
func TestSlowWatcher(t *testing.T) {
	w := event.NewWatchers(clock(now), true)
	events, stop := w.Watch()
	const more = 10
	for i := range event.Buffer + more {
		w.Notify(event.Catalog{Shop: shop(i)})
	}
	if first := (<-events).(event.Catalog); first.Shop != shop(more) {
		t.Errorf("the first event left is of %v, want %v", first.Shop, shop(more))
	}
	stop()
	left := len(events)
	w.Notify(event.Catalog{})
	if len(events) != left {
		t.Error("a watcher that ended is told")
	}
}
