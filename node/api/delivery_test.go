package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// TestReference: the retailer's reference and note are in both shops' orders and lists with the
// address, also of an order by the original protocol's path, and never in an answer that is kept.
func TestReference(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	held := must(birch.Reserve(ctx, reserve(acorn, "hat", 1)))(t)
	want := view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm, Reference: "#1001", Note: "A gift.\r\nNo invoice."}
	placed := must(birch.PlaceOrder(ctx, want, patience))(t)
	if placed.Reference != "" || placed.ShipTo != nil {
		t.Errorf("the answer, which is kept, has %q and %+v", placed.Reference, placed.ShipTo)
	}
	for role, s := range map[string]*shop{view.Bought: birch, view.Sold: acorn} {
		t.Run(role, func(t *testing.T) {
			shown := *must(s.Order(ctx, held.ID))(t)
			listed := must(s.Orders(ctx, client.OrdersQuery{Role: role}))(t).Orders
			for _, o := range append(listed, shown) {
				if o.Reference != "#1001" || o.Note != "A gift.\nNo invoice." || o.ShipTo == nil || o.ShipTo.Name != stockholm.Name {
					t.Errorf("%+v", o)
				}
			}
			if len(listed) != 1 {
				t.Errorf("%d orders are listed", len(listed))
			}
		})
	}
	want.Reference = "#1002"
	_, err := birch.PlaceOrder(ctx, want, patience)
	wantCode(t, "another reference", err, exchange.CodeConflict)
	want.Reference = "10\x0001"
	_, err = birch.PlaceOrder(ctx, want, patience)
	var p *view.Problem
	if !errors.As(err, &p) || p.Code != exchange.CodeInvalid.String() || !strings.Contains(p.Detail, "invisible") {
		t.Errorf("an invisible character: %v", err)
	}

	held = must(birch.Reserve(ctx, reserve(acorn, "hat", 1)))(t)
	if res, body := birch.raw(http.MethodPost, "/api/v1/order", `{"reservation":"`+held.ID.String()+`","reference":"web-7","ship_to":`+address+`}`); res.StatusCode != http.StatusCreated {
		t.Fatalf("by the original path: %d %s", res.StatusCode, body)
	}
	if o := must(acorn.Order(ctx, held.ID))(t); o.Reference != "web-7" {
		t.Errorf("the supplier sees %q", o.Reference)
	}
}
