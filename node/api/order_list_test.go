package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/testnet"
)

// TestOrderFilters: each filter finds what it names, in both roles at once and in one, alone and
// with others, and in pages of any size.
func TestOrderFilters(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	birch.stock("lamp", "Bike lamp", 9, 2500)
	if err := testnet.Partner(ctx, birch.node, acorn.node, exchange.DefaultTerms("EUR")); err != nil {
		t.Fatal(err)
	}
	acorn.await("the supplier's window", func() bool {
		_, ready := acorn.desk().Retailer.Window(birch.id())
		return ready
	})
	place := func(by, from *shop, sku, reference string) view.Order {
		t.Helper()
		held := must(by.Reserve(ctx, reserve(from, sku, 1)))(t)
		return *must(by.PlaceOrder(ctx, view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm, Reference: reference}, patience))(t)
	}
	shoe, hat := place(birch, acorn, "shoe", "#1"), place(birch, acorn, "hat", "#2")
	lamp, again := place(acorn, birch, "lamp", "#1"), place(birch, acorn, "shoe", "")
	must(acorn.ShipOrder(ctx, shoe.ID, view.Ship{Tracking: "P1"}))(t)
	must(acorn.CancelOrder(ctx, again.ID, view.Cancel{}))(t)
	birch.await("the shipment and the cancellation", func() bool {
		return must(birch.Order(ctx, shoe.ID))(t).Status == "shipped" && must(birch.Order(ctx, again.ID))(t).Status == "cancelled"
	})
	moment := must(birch.Order(ctx, hat.ID))(t).Requested

	for name, c := range map[string]struct {
		q    client.OrdersQuery
		want []view.Order
	}{
		"all":                             {client.OrdersQuery{}, []view.Order{again, lamp, hat, shoe}},
		"bought":                          {client.OrdersQuery{Role: view.Bought}, []view.Order{again, hat, shoe}},
		"sold":                            {client.OrdersQuery{Role: view.Sold}, []view.Order{lamp}},
		"reference, of both roles":        {client.OrdersQuery{Reference: "#1"}, []view.Order{lamp, shoe}},
		"reference, of one role":          {client.OrdersQuery{Reference: "#1", Role: view.Bought}, []view.Order{shoe}},
		"a part of a reference":           {client.OrdersQuery{Reference: "#"}, nil},
		"tracking":                        {client.OrdersQuery{Tracking: "P1"}, []view.Order{shoe}},
		"status":                          {client.OrdersQuery{Status: "cancelled"}, []view.Order{again}},
		"open":                            {client.OrdersQuery{Status: view.OpenOrders}, []view.Order{lamp, hat, shoe}},
		"from":                            {client.OrdersQuery{From: moment}, []view.Order{again, lamp, hat}},
		"to":                              {client.OrdersQuery{To: moment}, []view.Order{shoe}},
		"a moment":                        {client.OrdersQuery{From: moment, To: moment.Add(time.Millisecond)}, []view.Order{hat}},
		"long ago":                        {client.OrdersQuery{To: moment.Add(-30 * 24 * time.Hour)}, nil},
		"partner":                         {client.OrdersQuery{Partner: acorn.id()}, []view.Order{again, lamp, hat, shoe}},
		"nobody":                          {client.OrdersQuery{Partner: birch.id()}, nil},
		"product":                         {client.OrdersQuery{SKU: "shoe"}, []view.Order{again, shoe}},
		"to ship":                         {client.OrdersQuery{ToShip: true}, []view.Order{lamp, hat}},
		"to ship of a product":            {client.OrdersQuery{ToShip: true, SKU: "shoe"}, nil},
		"two conditions, one of no order": {client.OrdersQuery{Tracking: "P1", Reference: "#2"}, nil},
	} {
		for _, limit := range []int{0, 1, 3} {
			t.Run(fmt.Sprintf("%s, pages of %d", name, limit), func(t *testing.T) {
				var got, want []string
				c.q.Limit, c.q.Cursor = limit, ""
				for pages := 0; pages < 9; pages++ {
					page := must(birch.Orders(ctx, c.q))(t)
					for _, o := range page.Orders {
						got = append(got, o.ID.String()+" "+o.Role)
					}
					if c.q.Cursor = page.Next; page.Next == "" {
						break
					}
				}
				for _, o := range c.want {
					role := view.Bought
					if o.ID == lamp.ID {
						role = view.Sold
					}
					want = append(want, o.ID.String()+" "+role)
				}
				if !slices.Equal(got, want) {
					t.Errorf("got %v, want %v", got, want)
				}
			})
		}
	}
	for _, bad := range []url.Values{{"cursor": {"17"}}, {"cursor": {lamp.ID.String()}}, {"role": {"sold"}, "cursor": {"s-" + lamp.ID.String()}}, {"from": {"yesterday"}}, {"status": {"lost"}}} {
		t.Run(bad.Encode(), func(t *testing.T) {
			if res, body := birch.raw(http.MethodGet, "/api/v1/orders?"+bad.Encode(), ""); res.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("%s: %s", res.Status, body)
			}
		})
	}
	answered(t, []*shop{birch}, "list-orders")
}
