package desk_test

import (
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
)

// A retailer dies before it has recorded a reservation, and its caller repeats the key
// after midnight, when the supplier has issued another window: one hold, the first.
func TestKeyFindsItsReservationAfterMidnight(t *testing.T) {
	for _, recorded := range []bool{false, true} {
		w, acorn, birch := pair(t)
		tail := [12]byte{1, 2, 3}
		ask := func() *record.Reservation {
			t.Helper()
			id, err := birch.desk.KeyedReservationID(ctx, acorn.id, tail)
			must(t, err)
			rec, err := birch.desk.Reserve(ctx, desk.ReserveRequest{
				Supplier: acorn.id, Lines: []exchange.Line{{SKU: "shoe", Quantity: 2}}, Country: "SE", ID: id,
			})
			must(t, err)
			return rec
		}
		life := exchange.DefaultTerms("EUR")
		life.HoldLifetime = 48 * time.Hour
		w.partner(acorn, birch, life)
		before := birch.mem.Clone()
		first := ask()
		if !recorded {
			birch.mem = before
		}
		w.now = w.now.Add(24 * time.Hour)
		birch.restart()
		w.greet(birch, acorn)
		asked := 0
		w.fate = func(from, to *shop) fate { asked++; return arrives }
		again := ask()
		w.fate = nil
		if again.Request.ID != first.Request.ID || again.State != hold.Held {
			t.Errorf("recorded %v: the key made %v, and after midnight %v (%v)", recorded, first.Request.ID, again.Request.ID, again.State)
		}
		if s := stockOf(t, acorn, "shoe"); s.Held != 2 {
			t.Errorf("recorded %v: one key holds %d", recorded, s.Held)
		}
		if want := map[bool]int{false: 2, true: 1}[recorded]; asked != want {
			t.Errorf("recorded %v: the supplier was asked %d times, not %d", recorded, asked, want)
		}
	}
}

// A key is used again the next evening, over a day later, for a new wish: the hold of the
// day before is not taken for it.
func TestKeyIsForgottenAfterADay(t *testing.T) {
	w, acorn, birch := pair(t)
	w.now = exchange.Time(windowOf(w.now)+1) * exchange.Time(24*time.Hour/time.Millisecond) // a midnight
	w.greet(birch, acorn)
	var ids []exchange.HoldID
	for _, at := range []time.Duration{time.Hour, 24 * time.Hour, time.Hour + time.Millisecond} {
		w.now = w.now.Add(at) // 1:00, 1:00 the next day, a moment after 2:00
		w.greet(birch, acorn)
		id, err := birch.desk.KeyedReservationID(ctx, acorn.id, [12]byte{1})
		must(t, err)
		if ids = append(ids, id); len(ids) == 1 {
			_, err = birch.desk.Reserve(ctx, desk.ReserveRequest{
				Supplier: acorn.id, Lines: []exchange.Line{{SKU: "shoe", Quantity: 2}}, Country: "SE", ID: id,
			})
			must(t, err)
		}
	}
	if ids[1] != ids[0] || ids[2] == ids[0] {
		t.Errorf("a key made %v, %v after 24 hours, %v after more", ids[0], ids[1], ids[2])
	}
}

// A key that is new costs one look at the supplier on the first day after a start that
// may have lost something, and none later; while the supplier is out of reach nothing
// is known, so no id is made.
func TestNewKeyIsLookedForOnTheFirstDayOnly(t *testing.T) {
	w, acorn, birch := pair(t)
	w.now = w.now.Add(24 * time.Hour)
	birch.restart()
	w.greet(birch, acorn)
	asked, next := 0, byte(0)
	key := func(f fate) (exchange.HoldID, error) {
		w.fate = func(from, to *shop) fate { asked++; return f }
		next++
		return birch.desk.KeyedReservationID(ctx, acorn.id, [12]byte{next})
	}
	if id, err := key(arrives); err != nil || id.Window() != windowOf(w.now) || asked != 1 {
		t.Errorf("a new key made %v after %d looks: %v", id, asked, err)
	}
	if _, err := key(lost); exchange.CodeOf(err) != exchange.CodeUnavailable || asked != 2 {
		t.Errorf("a key that could not be looked for: %v", err)
	}
	w.now = w.now.Add(24 * time.Hour)
	w.greet(birch, acorn)
	if id, err := key(lost); err != nil || id.Window() != windowOf(w.now) || asked != 2 {
		t.Errorf("a day after the start a new key made %v after %d looks: %v", id, asked, err)
	}
	// A start in a window in which the shop has worked has lost nothing of the one before.
	w.fate = nil
	reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	birch.restart()
	w.greet(birch, acorn)
	if _, err := key(lost); err != nil || asked != 2 {
		t.Errorf("after a start at noon a new key was looked for %d times: %v", asked, err)
	}
}

// An order of a shop that takes them by hand is overdue at its start after a night:
// it expires when its retailer has been heard, since the store might be an old copy in
// which that order is not known to be shipped. After a short absence it expires at once.
func TestOverdueOrdersWaitForTheirRetailer(t *testing.T) {
	for _, away := range []time.Duration{time.Minute, 8 * time.Hour} {
		w, acorn, birch := pair(t)
		acorn.policy.AcceptByHand = true
		acorn.restart()
		terms := exchange.DefaultTerms("EUR")
		terms.AcceptWithin = time.Minute
		w.partner(acorn, birch, terms)
		res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
		placed, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
		must(t, err)
		w.settle()
		w.now = w.now.Add(away)
		acorn.restart()
		w.now = w.now.Add(time.Hour)
		must(t, acorn.desk.Tick())
		want := order.Submitted
		if away == time.Minute {
			want = order.Expired
		}
		if got := orderAt(t, acorn, exchange.Supplier, placed.ID).Order.Status(); got != want {
			t.Errorf("%v away, nobody greeted: the order is %v", away, got)
		}
		waiting, err := acorn.desk.Unheard()
		must(t, err)
		if named := len(waiting) == 1 && waiting[0].ID == placed.ID && waiting[0].Retailer == birch.id && waiting[0].Due < w.now; named != (want == order.Submitted) {
			t.Errorf("%v away: the orders that wait for a greeting: %+v", away, waiting)
		}
		if wait := acorn.desk.UntilNextExpiry(); wait < time.Second {
			t.Errorf("%v away: the writer wakes after %v", away, wait)
		}
		w.greet(birch, acorn)
		must(t, acorn.desk.Tick())
		if got := orderAt(t, acorn, exchange.Supplier, placed.ID).Order.Status(); got != order.Expired {
			t.Errorf("%v away, greeted: the order is %v", away, got)
		}
		w.settle()
		ledgersEqual(t, acorn, birch)
		audited(t, acorn, birch)
	}
}

// The greeting comes while the queue of what may wait is full: it is not lost for the
// order that waited for it.
func TestGreetingIsNotLost(t *testing.T) {
	w, acorn, birch := pair(t)
	acorn.policy.AcceptByHand = true
	acorn.restart()
	terms := exchange.DefaultTerms("EUR")
	terms.AcceptWithin = time.Minute
	w.partner(acorn, birch, terms)
	res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	placed, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(t, err)
	w.settle()
	w.now = w.now.Add(8 * time.Hour)
	cfg := acorn.config()
	cfg.Inline = false
	acorn.desk, err = desk.Open(cfg)
	must(t, err)
	must(t, acorn.desk.Together(nil))
	acorn.desk.FillLater()
	acorn.desk.Heard(birch.id)
	must(t, acorn.desk.Together(nil))
	if got := orderAt(t, acorn, exchange.Supplier, placed.ID).Order.Status(); got != order.Expired {
		t.Errorf("greeted: the order is %v", got)
	}
}

// The same on a copy of last night, made before the order was accepted and shipped: the
// order does not expire by itself, which would fork an honest supplier's ledger, and the
// greeting stops the shop.
func TestOldCopyForksNothingByItself(t *testing.T) {
	w, acorn, birch := pair(t)
	acorn.policy.AcceptByHand = true
	acorn.restart()
	res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	placed, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(t, err)
	w.settle()
	copied := acorn.mem.Clone()
	_, err = acorn.desk.AcceptOrder(ctx, placed.ID)
	must(t, err)
	_, err = acorn.desk.ShipOrder(ctx, placed.ID, nil, "PostNord", "P1")
	must(t, err)
	w.settle()
	acorn.mem = copied
	w.now = w.now.Add(30 * 24 * time.Hour)
	acorn.restart()
	must(t, acorn.desk.Tick())
	w.greet(birch, acorn)
	must(t, acorn.desk.Tick())
	w.settle()
	if !strings.Contains(acorn.desk.Stopped(), "entry sealed by this shop") {
		t.Errorf("the restored shop goes on: %q", acorn.desk.Stopped())
	}
	if s := stockOf(t, acorn, "shoe"); s.Sold != 2 {
		t.Errorf("units that were shipped are for sale again: %+v", s)
	}
	trade, err := birch.desk.Trade(acorn.id, exchange.Retailer)
	must(t, err)
	if trade.Frozen || orderAt(t, birch, exchange.Retailer, placed.ID).Order.Status() != order.Shipped {
		t.Error("the retailer took its supplier for a forger")
	}
}
