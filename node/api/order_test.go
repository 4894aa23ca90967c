package api_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node"
	"github.com/souk-market/souk/node/api/view"
)

// TestOrderElsewhere: an order placed again is for the same address, or a conflict;
// the country may be left out.
func TestOrderElsewhere(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	held := must(birch.Reserve(ctx, reserve(acorn, "hat", 1)))(t)
	home := stockholm
	home.Country = ""
	away := view.PlaceOrder{Reservation: held.ID, ShipTo: home}
	away.ShipTo.Country = "dk"
	_, err := birch.PlaceOrder(ctx, away, patience)
	wantCode(t, "another country than was quoted for", err, exchange.CodeCountry)
	for _, country := range []string{"", "SE", "se"} {
		home.Country = country
		if got := must(birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: held.ID, ShipTo: home}, patience))(t); got.ID != held.ID || got.Status != "accepted" {
			t.Errorf("ordered to %q: %+v", country, got)
		}
	}
	home.Name = "Other"
	_, err = birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: held.ID, ShipTo: home}, patience)
	wantCode(t, "another address", err, exchange.CodeConflict)
	if to := must(acorn.Order(ctx, held.ID))(t).ShipTo; to.Name != stockholm.Name || to.Country != "SE" {
		t.Errorf("it goes to %+v", to)
	}
}

// TestOrderDue: what is owed, since when, and by whose doing.
func TestOrderDue(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	held := must(birch.Reserve(ctx, reserve(acorn, "shoe", 2, "hat", 1)))(t)
	placed := must(birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm}, patience))(t)
	if placed.Due.Amount != "183.83" || placed.Due != placed.Quote.Total || *placed.DueUSD != *placed.Quote.TotalUSD || !placed.Cancelled.IsZero() {
		t.Errorf("placed: %+v", placed)
	}
	some := must(birch.CancelOrder(ctx, placed.ID, view.Cancel{Lines: []view.Units{{SKU: "shoe", Units: 2}}, Reason: "too small"}))(t)
	if some.Due.Amount != "15.53" || some.Quote.Total.Amount != "183.83" || some.CancelledBy != "retailer" || some.Cancelled.IsZero() || some.Reason != "too small" {
		t.Errorf("some of it cancelled: %+v", some)
	}
	all := must(acorn.CancelOrder(ctx, placed.ID, view.Cancel{}))(t)
	if all.Due.Amount != "0.00" || all.DueUSD.Amount != "0.00" || all.CancelledBy != "supplier" || all.Reason != "" || all.Status != "cancelled" {
		t.Errorf("all of it cancelled: %+v", all)
	}
}

// TestSuppliersActs: the shop that bought an order is told whose it is to ship.
func TestSuppliersActs(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	held := must(birch.Reserve(ctx, reserve(acorn, "hat", 1)))(t)
	must(birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm}, patience))(t)
	for what, act := range map[string]func() error{
		"accept":  func() error { _, err := birch.AcceptOrder(ctx, held.ID); return err },
		"reject":  func() error { _, err := birch.RejectOrder(ctx, held.ID, view.Reject{}); return err },
		"ship":    func() error { _, err := birch.ShipOrder(ctx, held.ID, view.Ship{}); return err },
		"deliver": func() error { _, err := birch.DeliverOrder(ctx, held.ID, view.Deliver{}); return err },
	} {
		t.Run(what, func(t *testing.T) {
			err := act()
			wantCode(t, "the retailer", err, exchange.CodeState)
			if err != nil && !strings.Contains(err.Error(), "only the supplier, Acorn Shoes") {
				t.Error(err)
			}
		})
	}
	_, err := acorn.ShipOrder(ctx, held.ID, view.Ship{Lines: []view.Units{{SKU: "hat", Units: 5}}})
	wantCode(t, "more than was ordered", err, exchange.CodeState)
}

// TestReservationOver: a reservation shows that its time or its partnership is over.
func TestReservationOver(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	brief := reserve(acorn, "hat", 1)
	brief.Seconds = 0.05
	first, second := must(birch.Reserve(ctx, brief))(t), must(birch.Reserve(ctx, reserve(acorn, "hat", 1)))(t)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for must(birch.Reservation(ctx, first.ID))(t).State != "expired" {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the reservation never expires")
		}
	}
	must(birch.EndTrade(ctx, acorn.id(), view.End{Direction: view.Buy}))(t)
	if got := must(birch.Reservation(ctx, second.ID))(t); got.State != "released" {
		t.Errorf("after the end: %s", got.State)
	}
}

// TestCountries: countries are countries.
func TestCountries(t *testing.T) {
	acorn, birch := partners(t, func(c *node.Config) {})
	ctx := waiting(t)
	for _, country := range []string{"XX", "Sweden", "UK", ""} {
		t.Run(strconv.Quote(country), func(t *testing.T) {
			wish := reserve(acorn, "hat", 1)
			wish.Country = country
			_, err := birch.Reserve(ctx, wish)
			wantCode(t, "a reservation", err, exchange.CodeInvalid)
			_, err = acorn.Propose(ctx, view.Propose{Partner: birch.id(), Direction: view.Sell, Terms: view.ProposedTerms{Countries: []string{"SE", country}}})
			wantCode(t, "terms", err, exchange.CodeInvalid)
		})
	}
	res, body := birch.raw(http.MethodPost, "/api/v1/reservations", `{"lines":[{"product":"`+acorn.product("hat").String()+`","quantity":0}],"country":"SE"}`)
	if res.StatusCode != 422 || !strings.Contains(body, `"detail":"the request is not valid: lines[0].quantity is less than 1"`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}
