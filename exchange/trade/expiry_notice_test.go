package trade_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/trade"
)

// expiryNotices returns what a retailer's watcher has been told of its own holds since it asked
// last.
func expiryNotices(t *testing.T, s *desktest.Shop) func() []event.Holds {
	t.Helper()
	events, stop := s.Desk.Events.Watch()
	t.Cleanup(stop)
	return func() (list []event.Holds) {
		for len(events) > 0 {
			if e, ok := (<-events).(event.Holds); ok {
				list = append(list, e)
			}
		}
		return list
	}
}

// A retailer is told when a reservation of its own has expired: once, and of none that was
// ordered, given back, extended or ended with its partnership.
func TestOwnReservationExpires(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	told := expiryNotices(t, birch)
	one := func(units exchange.Quantity) *trade.Reservation {
		return desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: units})
	}
	ordered, released := one(1), one(1)
	_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, ordered.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	_, err = birch.Desk.Retailer.Release(desktest.Ctx, released.Request.ID)
	desktest.Must(t, err)
	short, err := birch.Desk.Retailer.Reserve(desktest.Ctx, trade.ReserveRequest{
		Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 2}), Country: "SE", Lifetime: time.Minute,
	})
	desktest.Must(t, err)
	left := short.Expires
	longer, err := birch.Desk.Retailer.Extend(desktest.Ctx, short.Request.ID, left.Add(5*time.Minute))
	desktest.Must(t, err)
	w.Settle()

	w.Now = left.Add(trade.NoticeTick)
	desktest.Must(t, birch.Desk.Tick())
	if got := told(); len(got) != 0 {
		t.Errorf("before its extended end: %+v", got)
	}
	w.Now = longer.Expires.Add(trade.NoticeTick)
	for range 2 {
		desktest.Must(t, birch.Desk.Tick())
	}
	w.Now = w.Now.Add(time.Hour)
	desktest.Must(t, birch.Desk.Tick())
	got := told()
	if len(got) != 1 || got[0].ID != short.Request.ID || got[0].Partner != acorn.ID || got[0].Side != exchange.Retailer ||
		got[0].Status != "expired" || got[0].Count != 1 || !slices.Equal(got[0].Lines, []exchange.Line{{SKU: "shoe", Quantity: 2}}) {
		t.Errorf("told %+v", got)
	}

	one(1)
	desktest.Must(t, birch.Desk.Partnerships.EndTrade(desktest.Ctx, acorn.ID, exchange.Retailer, ""))
	w.Now = w.Now.Add(time.Hour)
	desktest.Must(t, birch.Desk.Tick())
	if got := told(); len(got) != 0 {
		t.Errorf("after the end of the partnership: %+v", got)
	}
}

// A restart tells of what expires after it, and of nothing that was over before.
func TestOwnReservationExpiresAfterRestart(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	first := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	w.Now = w.Now.Add(time.Minute)
	second := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "hat", Quantity: 1})
	w.Now = first.Expires.Add(trade.NoticeTick)
	birch.Restart()
	told := expiryNotices(t, birch)
	desktest.Must(t, birch.Desk.Tick())
	if got := told(); len(got) != 0 {
		t.Errorf("told of what expired before the start: %+v", got)
	}
	w.Now = second.Expires.Add(trade.NoticeTick)
	desktest.Must(t, birch.Desk.Tick())
	if got := told(); len(got) != 1 || got[0].ID != second.Request.ID {
		t.Errorf("told %+v", got)
	}
}

// An answer that was lost and is asked for again is listed too.
func TestRecalledReservationExpires(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	told := expiryNotices(t, birch)
	w.Fate = func(from, to *desktest.Shop) desktest.Fate { return desktest.ReplyLost }
	id, err := birch.Desk.Retailer.NewID(acorn.ID, [12]byte{7})
	desktest.Must(t, err)
	_, err = birch.Desk.Retailer.Reserve(desktest.Ctx, trade.ReserveRequest{Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 1}), Country: "SE", ID: id})
	if err == nil {
		t.Fatal("the answer came")
	}
	w.Fate = nil
	rec, err := birch.Desk.Retailer.Reservation(desktest.Ctx, id)
	desktest.Must(t, err)
	w.Now = rec.Expires.Add(trade.NoticeTick)
	desktest.Must(t, birch.Desk.Tick())
	if got := told(); len(got) != 1 || got[0].ID != id {
		t.Errorf("told %+v", got)
	}
}

// An expiry that was told is not told again, though the clock is set back and the same
// reservation is asked for again; one that is extended after that is.
func TestExpiryToldOnce(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	told := expiryNotices(t, birch)
	id, err := birch.Desk.Retailer.NewID(acorn.ID, [12]byte{7})
	desktest.Must(t, err)
	req := trade.ReserveRequest{Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 1}), Country: "SE", ID: id, Lifetime: time.Minute}
	rec, err := birch.Desk.Retailer.Reserve(desktest.Ctx, req)
	desktest.Must(t, err)
	birch.Skew = rec.Expires.Sub(w.Now) + time.Second
	desktest.Must(t, birch.Desk.Tick())
	birch.Skew = 0
	_, err = birch.Desk.Retailer.Reserve(desktest.Ctx, req)
	desktest.Must(t, err)
	longer, err := birch.Desk.Retailer.Extend(desktest.Ctx, id, rec.Expires.Add(time.Minute))
	desktest.Must(t, err)
	w.Now = rec.Expires.Add(trade.NoticeTick)
	desktest.Must(t, birch.Desk.Tick())
	if got := told(); len(got) != 1 {
		t.Errorf("told %d times", len(got))
	}
	w.Now = longer.Expires.Add(trade.NoticeTick)
	desktest.Must(t, birch.Desk.Tick())
	if got := told(); len(got) != 1 || got[0].ID != id {
		t.Errorf("extended, and told %+v", got)
	}
}

// By a clock that is ahead a short reservation is over when its answer comes, and is told
// like another.
func TestShortReservationExpires(t *testing.T) {
	_, acorn, birch := desktest.Pair(t)
	told := expiryNotices(t, birch)
	birch.Skew = 5 * time.Minute
	rec, err := birch.Desk.Retailer.Reserve(desktest.Ctx, trade.ReserveRequest{
		Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 1}), Country: "SE", Lifetime: time.Minute,
	})
	desktest.Must(t, err)
	for range 2 {
		desktest.Must(t, birch.Desk.Tick())
	}
	if got := told(); len(got) != 1 || got[0].ID != rec.Request.ID {
		t.Errorf("told %+v", got)
	}
}

// What could not be read when its time passed is told when it can.
func TestUnreadableExpiryToldLater(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	told := expiryNotices(t, birch)
	rec := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	w.Settle() // the record is written behind
	p := record.ReservationKey(rec.Request.ID)
	whole, _, err := birch.Mem.Get(p)
	desktest.Must(t, err)
	desktest.Must(t, birch.Mem.Commit([]kv.Write{{Key: p, Value: []byte("damaged")}}))
	w.Now = rec.Expires.Add(trade.NoticeTick)
	desktest.Must(t, birch.Desk.Tick())
	if got := told(); len(got) != 0 {
		t.Errorf("told, and nobody knows: %+v", got)
	}
	desktest.Must(t, birch.Mem.Commit([]kv.Write{{Key: p, Value: whole}}))
	w.Now = w.Now.Add(time.Minute + trade.NoticeTick)
	desktest.Must(t, birch.Desk.Tick())
	if got := told(); len(got) != 1 || got[0].ID != rec.Request.ID {
		t.Errorf("told %+v", got)
	}
}

// Beyond what is listed an event tells that there is more to read.
func TestUnlistedReservationsExpire(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	birch.Desk.Retailer.FillNotices()
	told := expiryNotices(t, birch)
	rec := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	w.Now = rec.Expires.Add(trade.NoticeTick)
	desktest.Must(t, birch.Desk.Tick())
	if got := told(); len(got) != 1 || got[0].Side != exchange.Retailer || got[0].Status != "expired" || got[0].Count != 0 || !got[0].ID.IsZero() {
		t.Errorf("told %+v", got)
	}
}

// A running desk tells by itself, at most a tick and the events' delay late.
func TestRunningDeskTellsOfExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		acorn, birch, stop := runningPair(t)
		defer stop()
		events, unwatch := birch.Desk.Events.Watch()
		defer unwatch()
		rec, err := birch.Desk.Retailer.Reserve(t.Context(), trade.ReserveRequest{
			Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "lamp", Quantity: 1}), Country: "SE",
		})
		desktest.Must(t, err)
		given := time.After(rec.Expires.Sub(exchange.TimeOf(time.Now())) + time.Minute)
		for {
			select {
			case told := <-events:
				e, ok := told.(event.Holds)
				if !ok {
					continue
				}
				late := exchange.TimeOf(time.Now()).Sub(rec.Expires)
				if e.ID != rec.Request.ID || late < 0 || late > 2*trade.NoticeTick {
					t.Errorf("%v after the end: %+v", late, e)
				}
			case <-given:
				t.Error("not told a minute after the end")
			}
			return
		}
	})
}
