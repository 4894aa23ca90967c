package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// TestOwnSales: reserve, pay, sell, ship, take back, over the API, beside a partner that reads the
// same shelf; everything as the document says.
func TestOwnSales(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	before := must(acorn.Stocks().Set(ctx, "shoe", view.SetStock{Units: ptr(int64(10)), CountedAt: "now"}))(t)
	if before.Available != 10 {
		t.Fatalf("%+v", before)
	}
	own := view.Reserve{Lines: []view.ReserveLine{{Product: acorn.product("shoe"), Quantity: 4}}}
	keyed := client.WithKey(ctx, "basket-1")
	held := must(acorn.Reserve(keyed, own))(t)
	if again := must(acorn.Reserve(keyed, own))(t); again.ID != held.ID || !held.Own || held.Quote.Shipping.Minor != 0 {
		t.Errorf("%+v, then %+v", held, again)
	}
	other := must(birch.Reserve(ctx, view.Reserve{Lines: []view.ReserveLine{{Product: acorn.product("shoe"), Quantity: 2}}, Country: "SE"}))(t)
	if other.Own {
		t.Error("a partner's reservation is own")
	}
	list := must(acorn.Reservations(ctx, client.ReservationsQuery{}))(t)
	if len(list.Reservations) != 1 || list.Reservations[0].ID != held.ID {
		t.Errorf("%+v", list)
	}
	to := view.ShipTo{Name: "Maja", Lines: []string{"Storgatan 1"}, City: "Malmö", Country: "SE"}
	wish := view.NewSale{Reservation: &held.ID, Reference: "#1", ShipTo: &to}
	sale := must(acorn.Sales().Sell(client.WithKey(ctx, "pay-1"), wish))(t)
	if again := must(acorn.Sales().Sell(client.WithKey(ctx, "pay-1"), wish))(t); again.ID != sale.ID || sale.Status != "sold" || sale.ShipTo != nil {
		t.Errorf("%+v, then %+v", sale, again)
	}
	till := must(acorn.Sales().Sell(client.WithKey(ctx, "till-1"), view.NewSale{Lines: []view.Units{{SKU: "shoe", Units: 3}}, Left: true}))(t)
	if again := must(acorn.Sales().Sell(client.WithKey(ctx, "till-1"), view.NewSale{Lines: []view.Units{{SKU: "shoe", Units: 3}}, Left: true}))(t); again.ID != till.ID || till.Status != "shipped" {
		t.Errorf("%+v, then %+v", till, again)
	}
	_, err := acorn.Sales().Sell(ctx, view.NewSale{Lines: []view.Units{{SKU: "shoe", Units: 2}}})
	if exchange.CodeOf(err) != exchange.CodeInsufficient || !strings.Contains(err.Error(), "1 available") {
		t.Errorf("two of one: %v", err)
	}
	shipped := must(acorn.Sales().Ship(client.WithKey(ctx, "ship-1"), sale.ID, view.Ship{Lines: []view.Units{{SKU: "shoe", Units: 1}}}))(t)
	if shipped.Status != "partly_shipped" || len(shipped.Parcels) != 1 {
		t.Errorf("%+v", shipped)
	}
	must(acorn.Sales().Cancel(ctx, sale.ID, view.Cancel{Lines: []view.Units{{SKU: "shoe", Units: 2}}, Reason: "too big"}))(t)
	must(acorn.Sales().Return(ctx, till.ID, view.Return{Lines: []view.Units{{SKU: "shoe", Units: 1}}, Damaged: true}))(t)
	got := must(acorn.Sales().Get(ctx, sale.ID))(t)
	if got.ShipTo == nil || got.ShipTo.Name != "Maja" || got.Due.Minor != 2*9900 {
		t.Errorf("%+v", got)
	}
	open := must(acorn.Sales().List(ctx, client.SalesQuery{Status: view.OpenSales}))(t)
	if len(open.Sales) != 1 || open.Sales[0].ID != sale.ID {
		t.Errorf("%+v", open)
	}
	limits := must(acorn.Sales().SetLimits(ctx, "shoe", view.SetLimits{Keep: ptr(int64(2)), Share: ptr(int64(-1))}))(t)
	if limits.Keep != 2 || limits.KeepDefault || !limits.ShareDefault {
		t.Errorf("%+v", limits)
	}
	must(acorn.Sales().Limits(ctx, "shoe"))(t)
	_, err = birch.Reserve(ctx, view.Reserve{Lines: []view.ReserveLine{{Product: acorn.product("shoe"), Quantity: 2}}, Country: "SE"})
	if exchange.CodeOf(err) != exchange.CodeInsufficient { // 3 are available, 2 of them kept back
		t.Errorf("a partner was sold what is kept back: %v", err)
	}
	res, body := acorn.raw(http.MethodPost, "/api/v1/sales", `{"reservation":"`+other.ID.String()+`"}`)
	if res.StatusCode != http.StatusNotFound {
		t.Errorf("a partner's reservation was sold: %s", body)
	}
	answered(t, []*shop{acorn}, "sell", "list-sales", "get-sale", "ship-sale", "cancel-sale", "return-sale", "get-limits", "set-limits")
}
