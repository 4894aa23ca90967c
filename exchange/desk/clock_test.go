package desk_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/order"
)

// TestClockBehindIsTold: a commit of a wrong year stops the writer's time; the shop
// says by how much, until the clock has caught up.
func TestClockBehindIsTold(t *testing.T) {
	_, acorn, _ := pair(t)
	if behind := acorn.desk.ClockBehind(); behind != 0 {
		t.Errorf("the clock is %v behind at the start", behind)
	}
	const years = 10 * 365 * 24 * time.Hour
	acorn.skew = years
	acorn.stock("sock", 1, 500)
	acorn.skew = 0
	for range 2 {
		if behind := acorn.desk.ClockBehind(); behind != years {
			t.Errorf("the clock is %v behind, want %v", behind, years)
		}
		acorn.restart()
	}
	acorn.skew = years + time.Second
	if behind := acorn.desk.ClockBehind(); behind != 0 {
		t.Errorf("the clock has caught up and is %v behind", behind)
	}
}

// A clock that falls back by hours keeps nothing from being sent.
func TestClockFallsBack(t *testing.T) {
	w, acorn, birch := pair(t)
	res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	placed, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(t, err)
	list, _ := birch.desk.Outgoing()
	list[0].Done(ctx, nil, errLost) // the next attempt is planned by the clock that is about to fall back
	birch.skew, acorn.skew = -5*time.Hour, -2*time.Hour
	began := w.now
	w.settle()
	if took := w.now.Sub(began); bothSee(t, acorn, birch, placed.ID) != order.Accepted || took > 30*time.Second {
		t.Errorf("the order was accepted after %v", took)
	}
	audited(t, acorn, birch)
}

// A clock that fell back after a look for what had expired, which found nothing and so
// wrote nothing, hides no later hold from the next look.
func TestClockFallsBackAfterALook(t *testing.T) {
	_, acorn, birch := pair(t)
	given := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	_, err := birch.desk.Release(ctx, given.Request.ID)
	must(t, err)
	before, err := acorn.desk.Stock("shoe")
	must(t, err)
	acorn.skew = 2 * time.Hour
	must(t, acorn.desk.Tick())
	acorn.skew = 0
	reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	acorn.skew = time.Hour
	must(t, acorn.desk.Tick())
	if after, err := acorn.desk.Stock("shoe"); err != nil || after != before {
		t.Errorf("the hold did not expire: %+v, %+v before it (%v)", after, before, err)
	}
	audited(t, acorn, birch)
}
