package trade_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/record"
)

// TestOrdersNewestFirst places orders on three days and lists them, whole and in
// pages of any size, at both sides.
func TestOrdersNewestFirst(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	acorn.Stock("sock", 100, 500)
	var placed []exchange.OrderID
	for i := range 12 {
		res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "sock", Quantity: 1})
		_, err := birch.Desk.Retailer.PlaceOrder(context.Background(), res.Request.ID, desktest.Stockholm)
		desktest.Must(t, err)
		w.Settle()
		placed = append(placed, res.Request.ID)
		w.Now = w.Now.Add(time.Minute)
		if i%4 == 3 {
			w.Now = w.Now.Add(24 * time.Hour)
			w.Greet(acorn, birch) // the new day's window
		}
	}
	slices.Reverse(placed)
	for side, s := range map[exchange.Party]*desktest.Shop{exchange.Supplier: acorn, exchange.Retailer: birch} {
		for page := 1; page <= len(placed)+1; page++ {
			var got []exchange.OrderID
			for more := true; more; {
				n := 0
				var after exchange.OrderID
				if len(got) > 0 {
					after = got[len(got)-1]
				}
				desktest.Must(t, s.Desk.Orders.List(side, after, func(r *record.Order) bool {
					got = append(got, r.ID)
					n++
					return n < page
				}))
				more = n == page
			}
			if !slices.Equal(got, placed) {
				t.Fatalf("%v, pages of %d: %v, want %v", side, page, got, placed)
			}
		}
	}
}
