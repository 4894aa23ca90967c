package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// TestNextForOrder: what is named next is what the units still call for.
func TestNextForOrder(t *testing.T) {
	units := func(ordered, shipped, delivered, cancelled int64) view.OrderLine {
		return view.OrderLine{Ordered: ordered, Shipped: shipped, Delivered: delivered, Cancelled: cancelled}
	}
	for _, c := range []struct {
		role, status string
		lines        []view.OrderLine
		asked        bool // for a cancellation
		want         []string
	}{
		{view.Sold, "submitted", []view.OrderLine{units(2, 0, 0, 0)}, false, []string{"accept", "reject"}},
		{view.Sold, "accepted", []view.OrderLine{units(2, 0, 0, 0)}, false, []string{"ship"}},
		{view.Sold, "partly_shipped", []view.OrderLine{units(2, 1, 0, 0)}, false, []string{"ship", "deliver"}},
		{view.Sold, "partly_shipped", []view.OrderLine{units(2, 1, 1, 0), units(1, 0, 0, 1)}, false, []string{"ship"}},
		{view.Sold, "shipped", []view.OrderLine{units(2, 2, 1, 0)}, false, []string{"deliver"}},
		{view.Sold, "shipped", []view.OrderLine{units(2, 1, 1, 1)}, false, nil},
		{view.Sold, "delivered", []view.OrderLine{units(2, 2, 2, 0)}, false, nil},
		{view.Sold, "cancelled", []view.OrderLine{units(2, 0, 0, 2)}, false, nil},
		{view.Bought, "requested", []view.OrderLine{units(2, 0, 0, 0)}, false, []string{"show"}},
		{view.Bought, "refused", []view.OrderLine{units(2, 0, 0, 0)}, false, nil},
		{view.Bought, "accepted", []view.OrderLine{units(2, 0, 0, 0)}, false, []string{"cancel"}},
		{view.Bought, "accepted", []view.OrderLine{units(2, 0, 0, 0)}, true, nil},
		{view.Bought, "partly_shipped", []view.OrderLine{units(2, 1, 0, 0)}, false, []string{"cancel"}},
		{view.Bought, "shipped", []view.OrderLine{units(2, 2, 0, 0)}, false, nil},
	} {
		t.Run(fmt.Sprintf("%s %s, next %v", c.role, c.status, c.want), func(t *testing.T) {
			o := &view.Order{Role: c.role, Status: c.status, Lines: c.lines}
			if c.asked {
				o.Cancelling = time.Unix(1, 0)
			}
			if got := nextVerbs(o); !slices.Equal(got, c.want) {
				t.Errorf("%+v: next is %v", c.lines, got)
			}
			if got := orderState(o); strings.Contains(got, "cancellation asked for") != c.asked {
				t.Errorf("its state is %q", got)
			}
		})
	}
}

// TestOrderPageShowsPrices: each line shows what one unit costs and the line in all.
func TestOrderPageShowsPrices(t *testing.T) {
	eur := func(amount string) view.Money { return view.Money{Amount: amount, Currency: "EUR"} }
	o := &view.Order{
		Role: view.Bought, Status: "accepted", Lines: []view.OrderLine{{SKU: "L-1", Title: "Lamp", Ordered: 2}, {SKU: "L-2", Title: "Shade", Ordered: 1}},
		Quote: view.Quote{Lines: []view.QuoteLine{ // in an order of its own
			{SKU: "L-2", Unit: eur("3.50"), Total: eur("3.50")}, {SKU: "L-1", Unit: eur("9.00"), Total: eur("18.00")},
		}},
	}
	var out strings.Builder
	orderCommands{&app{now: time.Now}}.orderPage(&page{w: &out}, o)
	for _, sku := range []exchange.SKU{"L-1", "L-2"} {
		want := map[exchange.SKU][]string{"L-1": {"9.00", "2", "18.00", "EUR"}, "L-2": {"3.50", "1", "3.50", "EUR"}}[sku]
		line := out.String()[strings.Index(out.String(), string(sku)):]
		if got := strings.Fields(line)[2:6]; !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v in\n%s", sku, got, want, out.String())
		}
	}
}
