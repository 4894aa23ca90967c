package desk_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
)

// lapsed returns what a retailer's watcher has been told of its own holds since it asked
// last.
func lapsed(t *testing.T, s *shop) func() []desk.Event {
	t.Helper()
	events, stop := s.desk.Watch()
	t.Cleanup(stop)
	return func() (list []desk.Event) {
		for len(events) > 0 {
			if e := <-events; e.Type == desk.EventHold {
				list = append(list, e)
			}
		}
		return list
	}
}

// A retailer is told when a reservation of its own has expired: once, and of none that was
// ordered, given back, extended or ended with its partnership.
func TestOwnReservationExpires(t *testing.T) {
	w, acorn, birch := pair(t)
	told := lapsed(t, birch)
	one := func(units exchange.Quantity) *record.Reservation {
		return reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: units})
	}
	ordered, released := one(1), one(1)
	_, err := birch.desk.PlaceOrder(ctx, ordered.Request.ID, stockholm)
	must(t, err)
	_, err = birch.desk.Release(ctx, released.Request.ID)
	must(t, err)
	short, err := birch.desk.Reserve(ctx, desk.ReserveRequest{
		Supplier: acorn.id, Lines: []exchange.Line{{SKU: "shoe", Quantity: 2}}, Country: "SE", Lifetime: time.Minute,
	})
	must(t, err)
	left := short.Expires
	longer, err := birch.desk.Extend(ctx, short.Request.ID, left.Add(5*time.Minute))
	must(t, err)
	w.settle()

	w.now = left.Add(desk.LapseTick)
	must(t, birch.desk.Tick())
	if got := told(); len(got) != 0 {
		t.Errorf("before its extended end: %+v", got)
	}
	w.now = longer.Expires.Add(desk.LapseTick)
	for range 2 {
		must(t, birch.desk.Tick())
	}
	w.now = w.now.Add(time.Hour)
	must(t, birch.desk.Tick())
	got := told()
	if len(got) != 1 || got[0].Hold != short.Request.ID || got[0].Shop != acorn.id || got[0].Side != exchange.Retailer ||
		got[0].Status != "expired" || got[0].Count != 1 || !slices.Equal(got[0].Lines, []exchange.Line{{SKU: "shoe", Quantity: 2}}) {
		t.Errorf("told %+v", got)
	}

	one(1)
	must(t, birch.desk.EndTrade(ctx, acorn.id, exchange.Retailer, ""))
	w.now = w.now.Add(time.Hour)
	must(t, birch.desk.Tick())
	if got := told(); len(got) != 0 {
		t.Errorf("after the end of the partnership: %+v", got)
	}
}

// A restart tells of what expires after it, and of nothing that was over before.
func TestOwnReservationExpiresAfterRestart(t *testing.T) {
	w, acorn, birch := pair(t)
	first := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	w.now = w.now.Add(time.Minute)
	second := reserve(t, birch, acorn, exchange.Line{SKU: "hat", Quantity: 1})
	w.now = first.Expires.Add(desk.LapseTick)
	birch.restart()
	told := lapsed(t, birch)
	must(t, birch.desk.Tick())
	if got := told(); len(got) != 0 {
		t.Errorf("told of what expired before the start: %+v", got)
	}
	w.now = second.Expires.Add(desk.LapseTick)
	must(t, birch.desk.Tick())
	if got := told(); len(got) != 1 || got[0].Hold != second.Request.ID {
		t.Errorf("told %+v", got)
	}
}

// An answer that was lost and is asked for again is listed too.
func TestRecalledReservationExpires(t *testing.T) {
	w, acorn, birch := pair(t)
	told := lapsed(t, birch)
	w.fate = func(from, to *shop) fate { return replyLost }
	id, err := birch.desk.NewReservationID(acorn.id, [12]byte{7})
	must(t, err)
	_, err = birch.desk.Reserve(ctx, desk.ReserveRequest{Supplier: acorn.id, Lines: []exchange.Line{{SKU: "shoe", Quantity: 1}}, Country: "SE", ID: id})
	if err == nil {
		t.Fatal("the answer came")
	}
	w.fate = nil
	rec, err := birch.desk.Reservation(ctx, id)
	must(t, err)
	w.now = rec.Expires.Add(desk.LapseTick)
	must(t, birch.desk.Tick())
	if got := told(); len(got) != 1 || got[0].Hold != id {
		t.Errorf("told %+v", got)
	}
}

// An expiry that was told is not told again, though the clock is set back and the same
// reservation is asked for again; one that is extended after that is.
func TestExpiryToldOnce(t *testing.T) {
	w, acorn, birch := pair(t)
	told := lapsed(t, birch)
	id, err := birch.desk.NewReservationID(acorn.id, [12]byte{7})
	must(t, err)
	req := desk.ReserveRequest{Supplier: acorn.id, Lines: []exchange.Line{{SKU: "shoe", Quantity: 1}}, Country: "SE", ID: id, Lifetime: time.Minute}
	rec, err := birch.desk.Reserve(ctx, req)
	must(t, err)
	birch.skew = rec.Expires.Sub(w.now) + time.Second
	must(t, birch.desk.Tick())
	birch.skew = 0
	_, err = birch.desk.Reserve(ctx, req)
	must(t, err)
	longer, err := birch.desk.Extend(ctx, id, rec.Expires.Add(time.Minute))
	must(t, err)
	w.now = rec.Expires.Add(desk.LapseTick)
	must(t, birch.desk.Tick())
	if got := told(); len(got) != 1 {
		t.Errorf("told %d times", len(got))
	}
	w.now = longer.Expires.Add(desk.LapseTick)
	must(t, birch.desk.Tick())
	if got := told(); len(got) != 1 || got[0].Hold != id {
		t.Errorf("extended, and told %+v", got)
	}
}

// By a clock that is ahead a short reservation is over when its answer comes, and is told
// like another.
func TestShortReservationExpires(t *testing.T) {
	_, acorn, birch := pair(t)
	told := lapsed(t, birch)
	birch.skew = 5 * time.Minute
	rec, err := birch.desk.Reserve(ctx, desk.ReserveRequest{
		Supplier: acorn.id, Lines: []exchange.Line{{SKU: "shoe", Quantity: 1}}, Country: "SE", Lifetime: time.Minute,
	})
	must(t, err)
	for range 2 {
		must(t, birch.desk.Tick())
	}
	if got := told(); len(got) != 1 || got[0].Hold != rec.Request.ID {
		t.Errorf("told %+v", got)
	}
}

// What could not be read when its time passed is told when it can.
func TestUnreadableExpiryToldLater(t *testing.T) {
	w, acorn, birch := pair(t)
	told := lapsed(t, birch)
	rec := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	trade := slices.Concat([]byte("t/"), acorn.id[:], birch.id[:])
	whole, _, err := birch.mem.Get(trade)
	must(t, err)
	must(t, birch.mem.Commit([]kv.Write{{Key: trade, Value: []byte("damaged")}}))
	w.now = rec.Expires.Add(desk.LapseTick)
	must(t, birch.desk.Tick())
	if got := told(); len(got) != 0 {
		t.Errorf("told, and nobody knows: %+v", got)
	}
	must(t, birch.mem.Commit([]kv.Write{{Key: trade, Value: whole}}))
	w.now = w.now.Add(time.Minute + desk.LapseTick)
	must(t, birch.desk.Tick())
	if got := told(); len(got) != 1 || got[0].Hold != rec.Request.ID {
		t.Errorf("told %+v", got)
	}
}

// Beyond what is listed an event tells that there is more to read.
func TestUnlistedReservationsExpire(t *testing.T) {
	w, acorn, birch := pair(t)
	birch.desk.FillLapses()
	told := lapsed(t, birch)
	rec := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	w.now = rec.Expires.Add(desk.LapseTick)
	must(t, birch.desk.Tick())
	if got := told(); len(got) != 1 || got[0].Side != exchange.Retailer || got[0].Status != "expired" || got[0].Count != 0 || !got[0].Hold.IsZero() {
		t.Errorf("told %+v", got)
	}
}

// A running desk tells by itself, at most a tick and the news' delay late.
func TestRunningDeskTellsOfExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		acorn, birch, stop := runningPair(t)
		defer stop()
		events, unwatch := birch.desk.Watch()
		defer unwatch()
		rec, err := birch.desk.Reserve(t.Context(), desk.ReserveRequest{
			Supplier: acorn.id, Lines: []exchange.Line{{SKU: "lamp", Quantity: 1}}, Country: "SE",
		})
		must(t, err)
		given := time.After(rec.Expires.Sub(exchange.TimeOf(time.Now())) + time.Minute)
		for {
			select {
			case e := <-events:
				if e.Type != desk.EventHold {
					continue
				}
				late := exchange.TimeOf(time.Now()).Sub(rec.Expires)
				if e.Hold != rec.Request.ID || late < 0 || late > 2*desk.LapseTick {
					t.Errorf("%v after the end: %+v", late, e)
				}
			case <-given:
				t.Error("not told a minute after the end")
			}
			return
		}
	})
}
