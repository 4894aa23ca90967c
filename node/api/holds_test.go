package api_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// TestHolds: a supplier sees who holds what, by product and by partner, in pages, until it is
// released or ordered; then what is to be shipped is in its orders.
func TestHolds(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	both := must(birch.Reserve(ctx, reserve(acorn, "shoe", 3, "hat", 1)))(t)
	short := reserve(acorn, "shoe", 2)
	short.Seconds = 60
	soon := must(birch.Reserve(ctx, short))(t)
	for name, c := range map[string]struct {
		q    client.HoldsQuery
		want map[exchange.HoldID]int64 // units
	}{
		"all":              {client.HoldsQuery{}, map[exchange.HoldID]int64{soon.ID: 2, both.ID: 4}},
		"one product":      {client.HoldsQuery{SKU: "shoe"}, map[exchange.HoldID]int64{soon.ID: 2, both.ID: 3}},
		"another":          {client.HoldsQuery{SKU: "hat"}, map[exchange.HoldID]int64{both.ID: 1}},
		"none":             {client.HoldsQuery{SKU: "sock"}, nil},
		"of a partner":     {client.HoldsQuery{Partner: birch.id()}, map[exchange.HoldID]int64{soon.ID: 2, both.ID: 4}},
		"of somebody else": {client.HoldsQuery{Partner: acorn.id()}, nil},
	} {
		for _, limit := range []int{0, 1} {
			t.Run(name, func(t *testing.T) {
				c.q.Limit, c.q.Cursor = limit, ""
				var got []view.Hold
				for pages := 0; pages < 5; pages++ {
					page := must(acorn.Holds(ctx, c.q))(t)
					got = append(got, page.Holds...)
					if c.q.Cursor = page.Next; page.Next == "" {
						break
					}
				}
				if len(got) != len(c.want) {
					t.Fatalf("%+v, want %v", got, c.want)
				}
				for i, h := range got {
					if h.Units != c.want[h.ID] || h.RetailerName != "Birch Books" || h.Issued.IsZero() || i > 0 && h.Expires.Before(got[i-1].Expires) {
						t.Errorf("%+v", h)
					}
				}
			})
		}
	}
	must(birch.Release(ctx, soon.ID))(t)
	must(birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: both.ID, ShipTo: stockholm}, patience))(t)
	if got := must(acorn.Holds(ctx, client.HoldsQuery{}))(t).Holds; len(got) != 0 {
		t.Errorf("after a release and an order: %+v", got)
	}
	if got := must(acorn.Orders(ctx, client.OrdersQuery{Role: view.Sold, SKU: "shoe", ToShip: true}))(t).Orders; len(got) != 1 || got[0].ID != both.ID {
		t.Errorf("to be shipped: %+v", got)
	}
	for _, bad := range []url.Values{{"cursor": {"17"}}, {"cursor": {"1-2-3"}}, {"limit": {"0"}}} {
		if res, body := acorn.raw(http.MethodGet, "/api/v1/holds?"+bad.Encode(), ""); res.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%v: %s: %s", bad, res.Status, body)
		}
	}
	answered(t, []*shop{acorn}, "list-holds", "list-orders")
}
