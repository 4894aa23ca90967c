package order_test

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/order"
)

// TestRandomOrders runs random events on one order. At every step the counts'
// inequalities hold, the effects are exactly the change of the counts, units are
// neither made nor lost, and terminal orders rest. The retailer, which steps only
// through the entries the supplier took, ends in the same state.
func TestRandomOrders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var supplier, retailer order.Order
		now := exchange.Time(1000)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now += exchange.Time(rapid.Int64Range(0, 20).Draw(t, "ms"))
			e := drawEvent(t, now)
			before, lines := supplier, slices.Clone(supplier.Lines)
			next, fx, err := order.Step(before, e, now)
			if !slices.Equal(before.Lines, lines) {
				t.Fatalf("%T wrote to its input's lines", e)
			}
			if err != nil {
				if !reflect.DeepEqual(next, before) || fx.Shipped != nil || fx.Freed != nil {
					t.Fatalf("%T was refused (%v), but did something", e, err)
				}
				if exchange.CodeOf(err) == exchange.CodeInternal {
					t.Fatalf("%T: %v", e, err)
				}
				continue
			}
			if before.Status().Terminal() {
				t.Fatalf("%T moved an order that was %v", e, before.Status())
			}
			checkCounts(t, before, next, fx)
			checkStatus(t, before, next, e)
			supplier = next

			copied, copiedFx, err := order.Step(retailer, e, now)
			if err != nil || !reflect.DeepEqual(copied, supplier) || !reflect.DeepEqual(copiedFx, fx) {
				t.Fatalf("%T: the retailer has %+v, %v; the supplier %+v", e, copied, err, supplier)
			}
			retailer = copied
		}
	})
}

func checkCounts(t *rapid.T, before, after order.Order, fx order.Effects) {
	t.Helper()
	for i, l := range after.Lines {
		var was order.Line
		if i < len(before.Lines) {
			was = before.Lines[i]
		} else {
			was = order.Line{SKU: l.SKU, Ordered: l.Ordered}
		}
		switch {
		case l.SKU != was.SKU || l.Ordered != was.Ordered:
			t.Fatalf("%+v became %+v", was, l)
		case l.Shipped+l.Cancelled > l.Ordered || l.Delivered > l.Shipped || l.Delivered < 0 || l.Cancelled < 0:
			t.Fatalf("%+v breaks shipped + cancelled ≤ ordered, delivered ≤ shipped", l)
		case l.Shipped < was.Shipped || l.Delivered < was.Delivered || l.Cancelled < was.Cancelled:
			t.Fatalf("%+v went back to %+v", was, l)
		case sumOf(fx.Shipped, l.SKU) != l.Shipped-was.Shipped || sumOf(fx.Freed, l.SKU) != l.Cancelled-was.Cancelled:
			t.Fatalf("%+v became %+v, but the effects are %+v", was, l, fx)
		}
	}
}

func sumOf(units []order.Units, sku exchange.SKU) (n int64) {
	for _, u := range units {
		if u.SKU == sku {
			n += u.Units
		}
	}
	return n
}

// follows lists the statuses that may come after each, itself included; those
// before None and after the terminal ones are none.
var follows = map[order.Status][]order.Status{
	order.None:          {order.Submitted},
	order.Submitted:     {order.Submitted, order.Accepted, order.Cancelled, order.Rejected, order.Expired},
	order.Accepted:      {order.Accepted, order.PartlyShipped, order.Shipped, order.Cancelled},
	order.PartlyShipped: {order.PartlyShipped, order.Shipped, order.Delivered},
	order.Shipped:       {order.Shipped, order.Delivered},
}

func checkStatus(t *rapid.T, before, after order.Order, e order.Event) {
	t.Helper()
	from, to := before.Status(), after.Status()
	if !slices.Contains(follows[from], to) {
		t.Fatalf("%T took the order from %v to %v", e, from, to)
	}
	if to.Terminal() != (after.Closed != 0) {
		t.Fatalf("the order is %v and closed at %v", to, after.Closed)
	}
	if !to.Terminal() {
		return
	}
	for _, l := range after.Lines {
		if l.Open() != 0 || l.Delivered != l.Shipped {
			t.Fatalf("the order is %v and %+v is not settled", to, l)
		}
	}
}

func drawEvent(t *rapid.T, now exchange.Time) order.Event {
	switch rapid.IntRange(0, 10).Draw(t, "event") {
	case 0, 1:
		return order.Submit{
			Lines:    exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: exchange.Quantity(rapid.IntRange(1, 6).Draw(t, "shoes"))}, exchange.Line{SKU: "lace", Quantity: 2}),
			Cancel:   exchange.CancelRule(rapid.IntRange(1, 3).Draw(t, "rule")),
			AcceptBy: now + exchange.Time(rapid.Int64Range(0, 60).Draw(t, "accept within")),
		}
	case 2, 3:
		return order.Accept{}
	case 4:
		return order.Reject{}
	case 5:
		return order.Expire{}
	case 6, 7:
		return order.Ship{Lines: drawUnits(t)}
	case 8, 9:
		return order.Deliver{Lines: drawUnits(t)}
	}
	return order.Cancel{By: exchange.Party(rapid.IntRange(1, 2).Draw(t, "by")), Lines: drawUnits(t)}
}

func drawUnits(t *rapid.T) []order.Units {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) order.Units {
		return order.Units{
			SKU:   rapid.SampledFrom([]exchange.SKU{"shoe", "lace", "shoe", "lace", "sock"}).Draw(t, "sku"),
			Units: rapid.Int64Range(0, 3).Draw(t, "units"),
		}
	}), 0, 3).Draw(t, "lines")
}
