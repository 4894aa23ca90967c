package api_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// TestSupplierAway: of a supplier that is off nothing is asked, nothing may be held, and its products
// are not sellable, at once. They are again as soon as it is back.
func TestSupplierAway(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	shoe := acorn.product("shoe")
	birch.await("the shoe", func() bool {
		p, err := birch.Product(ctx, shoe, false)
		return err == nil && p.Sellable
	})
	held := must(birch.Reserve(ctx, reserve(acorn, "hat", 1)))(t)

	acorn.stop()
	birch.await("the loss", func() bool { return !birch.node.Net().Connected(acorn.id()) })
	if p := must(birch.Product(ctx, shoe, false))(t); p.Sellable || !strings.Contains(p.Why, "not reachable since") {
		t.Errorf("the supplier is off, and its product is sellable: %v (%s)", p.Sellable, p.Why)
	}
	wantNothingAsked := func(t *testing.T, err error) {
		t.Helper()
		var p *view.Problem
		if !errors.As(err, &p) || p.Code != exchange.CodeUnavailable.String() || !p.Retry || p.Reservation != nil || !strings.Contains(p.Detail, "nothing was asked") {
			t.Errorf("%v: %+v", err, p)
		}
	}
	for range 2 { // with one key: nothing is kept of it
		_, err := birch.Reserve(client.WithKey(ctx, "basket 17"), reserve(acorn, "shoe", 1))
		wantNothingAsked(t, err)
		if err != nil && !strings.Contains(err.Error(), "Acorn Shoes is not reachable") {
			t.Error(err)
		}
	}
	_, err := birch.Release(ctx, held.ID)
	wantNothingAsked(t, err)
	_, err = birch.Extend(ctx, held.ID, held.Expires.Add(1))
	wantNothingAsked(t, err)
	if list := must(birch.Reservations(ctx, client.ReservationsQuery{Status: view.OpenReservations}))(t).Reservations; len(list) != 1 || list[0].ID != held.ID {
		t.Errorf("listed as held: %+v", list)
	}

	birch.await("that it is known", func() bool { return birch.desk().Retailer.Away(acorn.id()) })
	if placed := must(birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm}, patience))(t); placed.Status != "requested" {
		t.Errorf("an order, for which nobody waits, is %s", placed.Status)
	}

	acorn.start()
	birch.await("the supplier", func() bool { return birch.node.Net().Connected(acorn.id()) })
	if p := must(birch.Product(ctx, shoe, false))(t); !p.Sellable {
		t.Errorf("the supplier is back, and its product is not sellable: %s", p.Why)
	}
	birch.await("the order", func() bool { return must(birch.Order(ctx, held.ID))(t).Status == "accepted" })
	must(birch.Reserve(client.WithKey(ctx, "basket 17"), reserve(acorn, "shoe", 1)))(t)
}
