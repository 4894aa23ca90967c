package trade_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/order"
)

// TestClockBehindIsTold: a commit of a wrong year stops the writer's time; the shop
// says by how much, until the clock has caught up.
func TestClockBehindIsTold(t *testing.T) {
	_, acorn, _ := desktest.Pair(t)
	if behind := acorn.Desk.Selling.ClockBehind(); behind != 0 {
		t.Errorf("the clock is %v behind at the start", behind)
	}
	const years = 10 * 365 * 24 * time.Hour
	acorn.Skew = years
	acorn.Stock("sock", 1, 500)
	acorn.Skew = 0
	for range 2 {
		if behind := acorn.Desk.Selling.ClockBehind(); behind != years {
			t.Errorf("the clock is %v behind, want %v", behind, years)
		}
		acorn.Restart()
	}
	acorn.Skew = years + time.Second
	if behind := acorn.Desk.Selling.ClockBehind(); behind != 0 {
		t.Errorf("the clock has caught up and is %v behind", behind)
	}
}

// A clock that falls back by hours keeps nothing from being sent.
func TestClockFallsBack(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	placed, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	list, _ := birch.Desk.Outgoing()
	list[0].Done(desktest.Ctx, nil, desktest.ErrLost) // the next attempt is planned by the clock that is about to fall back
	birch.Skew, acorn.Skew = -5*time.Hour, -2*time.Hour
	began := w.Now
	w.Settle()
	if took := w.Now.Sub(began); desktest.BothSee(t, acorn, birch, placed.ID) != order.Accepted || took > 30*time.Second {
		t.Errorf("the order was accepted after %v", took)
	}
	audited(t, acorn, birch)
}

// A clock that fell back after a look for what had expired, which found nothing and so
// wrote nothing, hides no later hold from the next look.
func TestClockFallsBackAfterALook(t *testing.T) {
	_, acorn, birch := desktest.Pair(t)
	given := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	_, err := birch.Desk.Retailer.Release(desktest.Ctx, given.Request.ID)
	desktest.Must(t, err)
	before, err := acorn.Desk.Shelf.Stock("shoe")
	desktest.Must(t, err)
	acorn.Skew = 2 * time.Hour
	desktest.Must(t, acorn.Desk.Tick())
	acorn.Skew = 0
	desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	acorn.Skew = time.Hour
	desktest.Must(t, acorn.Desk.Tick())
	if after, err := acorn.Desk.Shelf.Stock("shoe"); err != nil || after != before {
		t.Errorf("the hold did not expire: %+v, %+v before it (%v)", after, before, err)
	}
	audited(t, acorn, birch)
}
