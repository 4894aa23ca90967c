package trade_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/trade"
)

// listed is a shop's reservations and where they stand, read in pages of a size.
func listed(t *testing.T, s *desktest.Shop, page int) (ids []exchange.HoldID, standing map[exchange.HoldID]hold.State) {
	t.Helper()
	standing = make(map[exchange.HoldID]hold.State)
	for more := true; more; {
		n := 0
		var after exchange.HoldID
		if len(ids) > 0 {
			after = ids[len(ids)-1]
		}
		desktest.Must(t, s.Desk.Retailer.Reservations(after, func(r *trade.Reservation) bool {
			ids = append(ids, r.Request.ID)
			standing[r.Request.ID] = r.State
			n++
			return n < page
		}))
		more = n == page
	}
	return ids, standing
}

// TestReservationsNewestFirst reserves on three days and lists what was reserved, whole and
// in pages of any size; each as it stands by then.
func TestReservationsNewestFirst(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	acorn.Stock("sock", 100, 500)
	var made []exchange.HoldID
	for i := range 9 {
		res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "sock", Quantity: 1})
		made = append(made, res.Request.ID)
		w.Now = w.Now.Add(time.Minute)
		if i%3 == 2 && i < 8 {
			w.Now = w.Now.Add(24 * time.Hour)
			w.Greet(acorn, birch) // the new day's window
		}
	}
	_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, made[8], desktest.Stockholm)
	desktest.Must(t, err)
	_, err = birch.Desk.Retailer.Release(desktest.Ctx, made[7])
	desktest.Must(t, err)
	want := map[exchange.HoldID]hold.State{made[8]: hold.Committed, made[7]: hold.Released, made[6]: hold.Held, made[0]: hold.Expired}
	slices.Reverse(made)
	for _, when := range []string{"at once", "after a restart"} {
		for page := 1; page <= len(made)+1; page++ {
			got, standing := listed(t, birch, page)
			if !slices.Equal(got, made) {
				t.Fatalf("%s, pages of %d: %v, want %v", when, page, got, made)
			}
			for id, state := range want {
				if standing[id] != state {
					t.Errorf("%s: %v stands at %v, want %v", when, id, standing[id], state)
				}
			}
		}
		w.Settle()
		birch.Restart()
		w.Greet(acorn, birch)
	}
}

// TestReservationIsListedBeforeItsRecord: whoever asked and has no answer finds the
// reservation at once, before its record is durable, and what became of it later.
func TestReservationIsListedBeforeItsRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		acorn, birch, stop := runningPair(t)
		defer stop()
		lamp := trade.ReserveRequest{Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "lamp", Quantity: 1}), Country: "SE"}
		held, err := birch.Desk.Retailer.Reserve(t.Context(), lamp)
		desktest.Must(t, err)
		gone, cancel := context.WithCancel(t.Context())
		cancel() // the owner's Ctrl-C
		if _, err := birch.Desk.Retailer.Reserve(gone, lamp); err == nil {
			t.Fatal("a request that was broken off was answered")
		}
		for _, when := range []string{"at once", "a minute later"} {
			got, standing := listed(t, birch, 10)
			if len(got) != 2 || standing[held.Request.ID] != hold.Held {
				t.Fatalf("%s: %v", when, standing)
			}
			delete(standing, held.Request.ID)
			want := hold.None
			if when != "at once" {
				want = hold.Released // nobody waited for it
			}
			for id, state := range standing {
				if state != want {
					t.Errorf("%s: %v, which was not answered, stands at %v, want %v", when, id, state, want)
				}
			}
			time.Sleep(time.Minute) // of the bubble
		}
	})
}

// TestRepeatKeepsItsCreation: a repeat of a request is the same reservation, made when the
// first one was asked for, whether that was answered, recorded, or neither.
func TestRepeatKeepsItsCreation(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	for name, happens := range map[string]desktest.Fate{"answered": desktest.Arrives, "not answered": desktest.ReplyLost} {
		t.Run(name, func(t *testing.T) {
			id, err := birch.Desk.Retailer.NewID(acorn.ID, [12]byte{byte(len(name))})
			desktest.Must(t, err)
			ask := func() (*trade.Reservation, error) {
				return birch.Desk.Retailer.Reserve(desktest.Ctx, trade.ReserveRequest{Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 1}), Country: "SE", ID: id})
			}
			first := w.Now
			w.Fate = func(_, _ *desktest.Shop) desktest.Fate { return happens }
			_, err = ask()
			if (err == nil) != (happens == desktest.Arrives) {
				t.Fatal(err)
			}
			w.Fate = nil
			for range 3 {
				w.Now = w.Now.Add(15 * time.Second) // within the time in which a caller may come back
				again, err := ask()
				desktest.Must(t, err)
				if again.Created != first {
					t.Errorf("a repeat says it was made %v after the first", again.Created.Sub(first))
				}
				birch.Restart()
				w.Greet(acorn, birch)
				kept, err := birch.Desk.Retailer.Reservation(desktest.Ctx, id)
				desktest.Must(t, err)
				if kept.Created != first {
					t.Errorf("the record says it was made %v after the first", kept.Created.Sub(first))
				}
			}
		})
	}
}

// TestRepeatTellsHowItStands: the supplier repeats the answer that placed the hold, whatever
// has become of it. The repeat's caller, and whoever looks at the reservation afterwards,
// is told how it stands now.
func TestRepeatTellsHowItStands(t *testing.T) {
	type change func(t *testing.T, birch *desktest.Shop, rec *trade.Reservation) exchange.Time // the expiry after it
	for name, c := range map[string]struct {
		change change
		state  hold.State
	}{
		"left": {func(_ *testing.T, _ *desktest.Shop, rec *trade.Reservation) exchange.Time { return rec.Expires }, hold.Held},
		"released": {func(t *testing.T, birch *desktest.Shop, rec *trade.Reservation) exchange.Time {
			_, err := birch.Desk.Retailer.Release(t.Context(), rec.Request.ID)
			desktest.Must(t, err)
			return rec.Expires
		}, hold.Released},
		"extended": {func(t *testing.T, birch *desktest.Shop, rec *trade.Reservation) exchange.Time {
			longer, err := birch.Desk.Retailer.Extend(t.Context(), rec.Request.ID, rec.Expires.Add(time.Minute))
			desktest.Must(t, err)
			return longer.Expires
		}, hold.Held},
		"ordered": {func(t *testing.T, birch *desktest.Shop, rec *trade.Reservation) exchange.Time {
			_, err := birch.Desk.Retailer.PlaceOrder(t.Context(), rec.Request.ID, desktest.Stockholm)
			desktest.Must(t, err)
			return rec.Expires
		}, hold.Committed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				acorn, birch, stop := runningPair(t)
				defer stop()
				req := trade.ReserveRequest{
					Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "lamp", Quantity: 1}), Country: "SE",
					Lifetime: time.Minute, Key: trade.ReservationKey{1},
				}
				first, err := birch.Desk.Retailer.Reserve(t.Context(), req)
				desktest.Must(t, err)
				expires := c.change(t, birch, first)
				again, err := birch.Desk.Retailer.Reserve(t.Context(), req)
				desktest.Must(t, err)
				seen, err := birch.Desk.Retailer.Reservation(t.Context(), first.Request.ID)
				desktest.Must(t, err)
				for who, got := range map[string]*trade.Reservation{"the repeat's caller": again, "who looks at it": seen} {
					if got.Request.ID != first.Request.ID || got.State != c.state || got.Expires != expires || got.Quote == nil {
						t.Errorf("%s is told %v, %v until %v (quote: %v), want %v until %v", who, got.Request.ID, got.State, got.Expires, got.Quote != nil, c.state, expires)
					}
				}
			})
		})
	}
}
