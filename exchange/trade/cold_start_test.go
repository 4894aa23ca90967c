package trade_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/trade"
)

// A retailer dies before it has recorded a reservation, and its caller repeats the key
// after midnight, when the supplier has issued another window: one hold, the first.
func TestKeyFindsItsReservationAfterMidnight(t *testing.T) {
	for _, recorded := range []bool{false, true} {
		t.Run(fmt.Sprintf("recorded %v", recorded), func(t *testing.T) {
			w, acorn, birch := desktest.Pair(t)
			tail := [12]byte{1, 2, 3}
			ask := func() *trade.Reservation {
				t.Helper()
				rec, err := birch.Desk.Retailer.Reserve(desktest.Ctx, trade.ReserveRequest{
					Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 2}), Country: "SE", Key: tail,
				})
				desktest.Must(t, err)
				return rec
			}
			life := exchange.DefaultTerms("EUR")
			life.HoldLifetime = 4 * 24 * time.Hour // a hold lives half of it
			w.Partner(acorn, birch, life)
			before := birch.Mem.Clone()
			first := ask()
			if !recorded {
				birch.Mem = before
			}
			w.Now = w.Now.Add(24 * time.Hour)
			birch.Restart()
			w.Greet(birch, acorn)
			asked := 0
			w.Fate = func(from, to *desktest.Shop) desktest.Fate { asked++; return desktest.Arrives }
			again := ask()
			w.Fate = nil
			if again.Request.ID != first.Request.ID || again.State != hold.Held {
				t.Errorf("the key made %v, and after midnight %v (%v)", first.Request.ID, again.Request.ID, again.State)
			}
			if s := desktest.StockOf(t, acorn, "shoe"); s.Held != 2 {
				t.Errorf("one key holds %d", s.Held)
			}
			if want := map[bool]int{false: 2, true: 1}[recorded]; asked != want {
				t.Errorf("the supplier was asked %d times, not %d", asked, want)
			}
		})
	}
}

// A key is used again the next evening, over a day later, for a new wish: the hold of the
// day before is not taken for it.
func TestKeyIsForgottenAfterADay(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	w.Now = exchange.Time(windowOf(w.Now)+1) * exchange.Time(24*time.Hour/time.Millisecond) // a midnight
	w.Greet(birch, acorn)
	var ids []exchange.HoldID
	for _, at := range []time.Duration{time.Hour, 24 * time.Hour, time.Hour + time.Millisecond} {
		w.Now = w.Now.Add(at) // 1:00, 1:00 the next day, a moment after 2:00
		w.Greet(birch, acorn)
		id, err := birch.Desk.Retailer.KeyedID(desktest.Ctx, acorn.ID, [12]byte{1})
		desktest.Must(t, err)
		if ids = append(ids, id); len(ids) == 1 {
			_, err = birch.Desk.Retailer.Reserve(desktest.Ctx, trade.ReserveRequest{
				Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 2}), Country: "SE", ID: id,
			})
			desktest.Must(t, err)
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
	w, acorn, birch := desktest.Pair(t)
	w.Now = w.Now.Add(24 * time.Hour)
	birch.Restart()
	w.Greet(birch, acorn)
	asked, next := 0, byte(0)
	key := func(f desktest.Fate) (exchange.HoldID, error) {
		w.Fate = func(from, to *desktest.Shop) desktest.Fate { asked++; return f }
		next++
		return birch.Desk.Retailer.KeyedID(desktest.Ctx, acorn.ID, [12]byte{next})
	}
	if id, err := key(desktest.Arrives); err != nil || id.Window() != windowOf(w.Now) || asked != 1 {
		t.Errorf("a new key made %v after %d looks: %v", id, asked, err)
	}
	if _, err := key(desktest.Lost); exchange.CodeOf(err) != exchange.CodeUnavailable || asked != 2 {
		t.Errorf("a key that could not be looked for: %v", err)
	}
	w.Now = w.Now.Add(24 * time.Hour)
	w.Greet(birch, acorn)
	if id, err := key(desktest.Lost); err != nil || id.Window() != windowOf(w.Now) || asked != 2 {
		t.Errorf("a day after the start a new key made %v after %d looks: %v", id, asked, err)
	}
	// A start in a window in which the shop has worked has lost nothing of the one before.
	w.Fate = nil
	desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	birch.Restart()
	w.Greet(birch, acorn)
	if _, err := key(desktest.Lost); err != nil || asked != 2 {
		t.Errorf("after a start at noon a new key was looked for %d times: %v", asked, err)
	}
}

// An order of a shop that takes them by hand is overdue at its start after a night:
// it expires when its retailer has been heard, since the store might be an old copy in
// which that order is not known to be shipped. After a short absence it expires at once.
func TestOverdueOrdersWaitForTheirRetailer(t *testing.T) {
	for _, away := range []time.Duration{time.Minute, 8 * time.Hour} {
		t.Run(fmt.Sprintf("%v away", away), func(t *testing.T) {
			w, acorn, birch := desktest.Pair(t)
			acorn.Policy.AcceptByHand = true
			acorn.Restart()
			terms := exchange.DefaultTerms("EUR")
			terms.AcceptWithin = time.Minute
			w.Partner(acorn, birch, terms)
			res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
			placed, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
			desktest.Must(t, err)
			w.Settle()
			w.Now = w.Now.Add(away)
			acorn.Restart()
			w.Now = w.Now.Add(time.Hour)
			desktest.Must(t, acorn.Desk.Tick())
			want := order.Submitted
			if away == time.Minute {
				want = order.Expired
			}
			if got := desktest.OrderAt(t, acorn, exchange.Supplier, placed.ID).Order.Status(); got != want {
				t.Errorf("nobody greeted: the order is %v", got)
			}
			waiting, err := acorn.Desk.Supplier.Ungreeted()
			desktest.Must(t, err)
			if named := len(waiting) == 1 && waiting[0].ID == placed.ID && waiting[0].Retailer == birch.ID && waiting[0].Due < w.Now; named != (want == order.Submitted) {
				t.Errorf("the orders that wait for a greeting: %+v", waiting)
			}
			if wait := acorn.Desk.Writer.UntilDue(); wait < time.Second {
				t.Errorf("the writer wakes after %v", wait)
			}
			w.Greet(birch, acorn)
			desktest.Must(t, acorn.Desk.Tick())
			if got := desktest.OrderAt(t, acorn, exchange.Supplier, placed.ID).Order.Status(); got != order.Expired {
				t.Errorf("greeted: the order is %v", got)
			}
			w.Settle()
			desktest.LedgersEqual(t, acorn, birch)
			audited(t, acorn, birch)
		})
	}
}

// The greeting comes while the queue of what may wait is full: it is not lost for the
// order that waited for it.
func TestGreetingIsNotLost(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	acorn.Policy.AcceptByHand = true
	acorn.Restart()
	terms := exchange.DefaultTerms("EUR")
	terms.AcceptWithin = time.Minute
	w.Partner(acorn, birch, terms)
	res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	placed, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	w.Settle()
	w.Now = w.Now.Add(8 * time.Hour)
	cfg := acorn.Config()
	cfg.Inline = false
	acorn.Desk, err = desk.Open(cfg)
	desktest.Must(t, err)
	desktest.Must(t, acorn.Desk.Writer.Together(nil))
	acorn.Desk.Writer.FillWriteBehind()
	acorn.Desk.Ledgers.GreetedBy(birch.ID)
	desktest.Must(t, acorn.Desk.Writer.Together(nil))
	if got := desktest.OrderAt(t, acorn, exchange.Supplier, placed.ID).Order.Status(); got != order.Expired {
		t.Errorf("greeted: the order is %v", got)
	}
}
