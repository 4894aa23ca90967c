package api

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"strconv"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/node/api/view"
)

// maxReservationsRead bounds the work for one page of reservations that a filter thins
// out: each costs some 20 µs, three reads and as many decodings, so 100 ms. The page then
// ends early and has a cursor.
const maxReservationsRead = 5000

type listReservationsInput struct {
	Status string `query:"status" enum:"open,none,held,committed,released,expired,refused" doc:"Only these; open: held, or asked for and not answered, which may be held."`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"64" doc:"next of the page before."`
}

// takes reports whether the list is to show reservations in state.
func (in *listReservationsInput) takes(state hold.State) bool {
	switch in.Status {
	case "":
		return true
	case view.OpenReservations:
		return state == hold.Held || state == hold.None
	}
	return state.String() == in.Status
}

func (s *reservationRoutes) listReservations(ctx context.Context, in *listReservationsInput) (*body[view.Reservations], error) {
	after, err := s.readPlace(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	out := view.Reservations{Reservations: []view.Reservation{}}
	read, more := 0, false
	err = s.visitReservations(after, func(res *trade.Reservation) bool {
		if more = read == maxReservationsRead || len(out.Reservations) == in.Limit; more {
			return false
		}
		read++
		after = placeOf(res)
		if !in.takes(res.State) {
			return true
		}
		out.Reservations = append(out.Reservations, s.reservationView(ctx, res))
		return true
	})
	if more {
		out.Next = after.String()
	}
	return answer(out, err)
}

// place is where a reservation stands in the list: the latest window first, within it the latest
// asked for, then by id.
type place struct {
	id exchange.HoldID
	at exchange.Time
}

func placeOf(res *trade.Reservation) place { return place{res.Request.ID, res.Created} }

func (p place) String() string { return p.id.String() + "." + strconv.FormatInt(int64(p.at), 10) }

// readPlace reads a cursor: a place, or an id alone, as older versions and the list's readers make it.
func (s *reservationRoutes) readPlace(ctx context.Context, cursor string) (p place, err error) {
	if cursor == "" {
		return p, nil
	}
	id, at, told := strings.Cut(cursor, ".")
	if !told {
		if p.id, err = exchange.ParseHoldID(id); err != nil {
			return p, errCursor
		}
		res, err := s.own(p.id)
		if err == nil && res == nil {
			res, err = s.desk.Retailer.Reservation(ctx, p.id)
		}
		if res == nil {
			return p, cmp.Or(err, error(errCursor))
		}
		return placeOf(res), nil
	}
	ms, failed := strconv.ParseInt(at, 10, 64)
	if p.id, err = exchange.ParseHoldID(id); err != nil || failed != nil {
		return p, errCursor
	}
	p.at = exchange.Time(ms)
	return p, nil
}

var errCursor = exchange.Errorf(exchange.CodeInvalid, "the cursor is not one of this list; start again without it")

// compare is negative where p comes before q in the list.
func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(q.id.Window(), p.id.Window()), cmp.Compare(q.at, p.at), bytes.Compare(p.id[:], q.id[:]))
}

// visitReservations visits the reservations at suppliers and those of own products in one order, from
// after on.
func (s *reservationRoutes) visitReservations(after place, visit func(*trade.Reservation) bool) error {
	var errs [2]error
	from := func(i int, list func(exchange.HoldID, func(*trade.Reservation) bool) error) (next func() (*trade.Reservation, bool), stop func()) {
		return iter.Pull(func(yield func(*trade.Reservation) bool) {
			errs[i] = list(after.id, func(res *trade.Reservation) bool {
				// A list that does not have after's id begins with its window.
				return !after.id.IsZero() && placeOf(res).compare(after) <= 0 || yield(res)
			})
		})
	}
	next, stop := from(0, s.desk.Retailer.Reservations)
	defer stop()
	nextOwn, stopOwn := from(1, s.desk.Own.Reservations)
	defer stopOwn()
	bought, more := next()
	own, moreOwn := nextOwn()
	for more || moreOwn {
		if !moreOwn || more && placeOf(bought).compare(placeOf(own)) < 0 {
			if !visit(bought) {
				break
			}
			bought, more = next()
			continue
		}
		if !visit(own) {
			break
		}
		own, moreOwn = nextOwn()
	}
	return cmp.Or(errs[0], errs[1])
}
