package desk_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
)

// TestStanding: what a retailer is told of its reservation, though the supplier says
// nothing when a hold ends by time or with the partnership.
func TestStanding(t *testing.T) {
	w, acorn, birch := pair(t)
	held := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	ordered := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	late := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	want := func(what string, id exchange.HoldID, want hold.State) {
		t.Helper()
		rec, err := birch.desk.Reservation(ctx, id)
		must(t, err)
		if got, err := birch.desk.Standing(rec); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", what, got, err, want)
		}
	}
	want("a fresh one", held.Request.ID, hold.Held)
	_, err := birch.desk.PlaceOrder(ctx, ordered.Request.ID, stockholm)
	must(t, err)
	want("one whose order is on its way", ordered.Request.ID, hold.Committed)
	w.settle()
	want("an ordered one", ordered.Request.ID, hold.Committed)

	w.now = held.Expires - 1
	want("one at its last moment", held.Request.ID, hold.Held)
	w.now = held.Expires
	want("one whose time has passed", held.Request.ID, hold.Expired)
	birch.skew = -time.Hour // its clock is behind: only the supplier's answer tells
	want("one whose time has passed, by a slow clock", late.Request.ID, hold.Held)
	_, err = birch.desk.PlaceOrder(ctx, late.Request.ID, stockholm)
	must(t, err)
	w.settle()
	want("one whose order came too late", late.Request.ID, hold.Expired)
	birch.skew = 0

	left := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	must(t, birch.desk.EndTrade(ctx, acorn.id, exchange.Retailer, "moving on"))
	want("one of a partnership that this shop has ended", left.Request.ID, hold.Released)
	w.settle()
	want("one of a partnership that is over", left.Request.ID, hold.Released)
}
