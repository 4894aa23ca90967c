package desk_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/record"
)

// listed is a shop's reservations and where they stand, read in pages of a size.
func listed(t *testing.T, s *shop, page int) (ids []exchange.HoldID, standing map[exchange.HoldID]hold.State) {
	t.Helper()
	standing = make(map[exchange.HoldID]hold.State)
	for more := true; more; {
		n := 0
		var after exchange.HoldID
		if len(ids) > 0 {
			after = ids[len(ids)-1]
		}
		must(t, s.desk.Reservations(after, func(r *record.Reservation, state hold.State) bool {
			ids = append(ids, r.Request.ID)
			standing[r.Request.ID] = state
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
	w, acorn, birch := pair(t)
	acorn.stock("sock", 100, 500)
	var made []exchange.HoldID
	for i := range 9 {
		res := reserve(t, birch, acorn, exchange.Line{SKU: "sock", Quantity: 1})
		made = append(made, res.Request.ID)
		w.now = w.now.Add(time.Minute)
		if i%3 == 2 && i < 8 {
			w.now = w.now.Add(24 * time.Hour)
			w.greet(acorn, birch) // the new day's window
		}
	}
	_, err := birch.desk.PlaceOrder(ctx, made[8], stockholm)
	must(t, err)
	_, err = birch.desk.Release(ctx, made[7])
	must(t, err)
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
		w.settle()
		birch.restart()
		w.greet(acorn, birch)
	}
}

// TestReservationIsListedBeforeItsRecord: whoever asked and has no answer finds the
// reservation at once, before its record is durable, and after.
func TestReservationIsListedBeforeItsRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		acorn, birch, stop := runningPair(t)
		defer stop()
		lamp := desk.ReserveRequest{Supplier: acorn.id, Lines: []exchange.Line{{SKU: "lamp", Quantity: 1}}, Country: "SE"}
		held, err := birch.desk.Reserve(t.Context(), lamp)
		must(t, err)
		gone, cancel := context.WithCancel(t.Context())
		cancel() // the owner's Ctrl-C
		if _, err := birch.desk.Reserve(gone, lamp); err == nil {
			t.Fatal("a request that was broken off was answered")
		}
		for _, when := range []string{"at once", "a minute later"} {
			got, standing := listed(t, birch, 10)
			if len(got) != 2 || standing[held.Request.ID] != hold.Held {
				t.Fatalf("%s: %v", when, standing)
			}
			delete(standing, held.Request.ID)
			for id, state := range standing {
				if state != hold.None {
					t.Errorf("%s: %v, which was not answered, stands at %v", when, id, state)
				}
			}
			time.Sleep(time.Minute) // of the bubble
		}
	})
}

// TestRepeatKeepsItsCreation: a repeat of a request is the same reservation, made when the
// first one was asked for, whether that was answered, recorded, or neither.
func TestRepeatKeepsItsCreation(t *testing.T) {
	w, acorn, birch := pair(t)
	for name, happens := range map[string]fate{"answered": arrives, "not answered": replyLost} {
		id, err := birch.desk.NewReservationID(acorn.id, [12]byte{byte(len(name))})
		must(t, err)
		ask := func() (*record.Reservation, error) {
			return birch.desk.Reserve(ctx, desk.ReserveRequest{Supplier: acorn.id, Lines: []exchange.Line{{SKU: "shoe", Quantity: 1}}, Country: "SE", ID: id})
		}
		first := w.now
		w.fate = func(_, _ *shop) fate { return happens }
		_, err = ask()
		if (err == nil) != (happens == arrives) {
			t.Fatal(err)
		}
		w.fate = nil
		for range 3 {
			w.now = w.now.Add(time.Minute)
			again, err := ask()
			must(t, err)
			if again.Created != first {
				t.Errorf("%s: a repeat says it was made %v after the first", name, again.Created.Sub(first))
			}
			birch.restart()
			w.greet(acorn, birch)
			kept, err := birch.desk.Reservation(ctx, id)
			must(t, err)
			if kept.Created != first {
				t.Errorf("%s: the record says it was made %v after the first", name, kept.Created.Sub(first))
			}
		}
	}
}
