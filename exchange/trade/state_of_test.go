package trade_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/hold"
)

// TestStateOf: what a retailer is told of its reservation, though the supplier says
// nothing when a hold ends by time or with the partnership.
func TestStateOf(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	held := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	ordered := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	late := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	want := func(what string, id exchange.HoldID, want hold.State) {
		t.Helper()
		rec, err := birch.Desk.Retailer.Reservation(desktest.Ctx, id)
		desktest.Must(t, err)
		if rec.State != want {
			t.Errorf("%s: %v; want %v", what, rec.State, want)
		}
	}
	want("a fresh one", held.Request.ID, hold.Held)
	_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, ordered.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	want("one whose order is on its way", ordered.Request.ID, hold.Committed)
	w.Settle()
	want("an ordered one", ordered.Request.ID, hold.Committed)

	w.Now = held.Expires - 1
	want("one at its last moment", held.Request.ID, hold.Held)
	w.Now = held.Expires
	want("one whose time has passed", held.Request.ID, hold.Expired)
	birch.Skew = -time.Hour // its clock is behind: only the supplier's answer tells
	want("one whose time has passed, by a slow clock", late.Request.ID, hold.Held)
	_, err = birch.Desk.Retailer.PlaceOrder(desktest.Ctx, late.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	w.Settle()
	want("one whose order came too late", late.Request.ID, hold.Expired)
	birch.Skew = 0

	left := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	desktest.Must(t, birch.Desk.Partnerships.EndTrade(desktest.Ctx, acorn.ID, exchange.Retailer, "moving on"))
	want("one of a partnership that this shop has ended", left.Request.ID, hold.Released)
	w.Settle()
	want("one of a partnership that is over", left.Request.ID, hold.Released)
}
