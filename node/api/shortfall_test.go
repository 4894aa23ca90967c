package api_test

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// TestShortfallStands: until it is resolved, a shortfall stands in the product and its list, in the
// order and its list, and in readyz, also after a restart; and it is told as an event.
func TestShortfallStands(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	held := must(birch.Reserve(ctx, reserve(acorn, "shoe", 4, "hat", 1)))(t)
	must(birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm}, patience))(t)
	events := make(chan view.Event, 64)
	go acorn.Follow(ctx, client.EventsFrom{}, func(e view.Event) error {
		if e.Type == "shortfall" || e.Type == "hello" {
			events <- e
		}
		return nil
	})
	<-events // hello

	want := func(when string, short int64) {
		t.Helper()
		inList := must(acorn.Products(ctx, replica.Query{Shop: acorn.id(), Text: "running"}))(t).Products
		alone := must(acorn.Product(ctx, acorn.product("shoe"), false))(t)
		if len(inList) != 1 || inList[0].Shortfall != short || alone.Shortfall != short || alone.Stock.Shortfall != short {
			t.Errorf("%s: the list says %+v, the product %d and %d; want %d", when, inList, alone.Shortfall, alone.Stock.Shortfall, short)
		}
		order := *must(acorn.Order(ctx, held.ID))(t)
		for _, o := range append(must(acorn.Orders(ctx, client.OrdersQuery{ToShip: true}))(t).Orders, order) {
			if o.Lines[0].Short != short || o.Lines[1].Short != 0 {
				t.Errorf("%s: the order says %+v", when, o.Lines)
			}
		}
		problem := ""
		for _, p := range must(acorn.Ready(ctx))(t).Problems {
			if p.Name == "shortfall" {
				problem = p.Detail
			}
		}
		if says := strings.Contains(problem, "shoe (3 missing)"); says != (short == 3) || short == 0 && problem != "" {
			t.Errorf("%s: readyz says %q", when, problem)
		}
		if bought := must(birch.Order(ctx, held.ID))(t); bought.Lines[0].Short != 0 {
			t.Errorf("%s: the retailer sees %+v", when, bought.Lines)
		}
	}
	count := func(n int64) {
		t.Helper()
		must(acorn.Stocks().Set(ctx, "shoe", view.SetStock{Units: &n, CountedAt: "now"}))(t)
		e := <-events
		if missing := max(0, 4-n); len(e.Missing) != 1 || e.Missing[0] != (view.MissingUnits{Product: acorn.product("shoe"), Units: missing}) || e.Side != "supplier" {
			t.Errorf("counted %d: told %+v", n, e)
		}
	}
	want("at first", 0)
	count(1)
	want("counted", 3)
	acorn.stop()
	acorn.start()
	acorn.await("the shortfalls", func() bool { return acorn.desk().Shelf.Shortfalls().Of("shoe") == 3 })
	want("after a restart", 3)
	count0 := int64(9)
	must(acorn.Stocks().Set(ctx, "shoe", view.SetStock{Units: &count0, CountedAt: "now"}))(t)
	want("found again", 0)
	answered(t, []*shop{acorn}, "list-orders", "get-product", "search-products", "ready")
}
