package api

import (
	"context"

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
	var after exchange.HoldID
	if in.Cursor != "" {
		var err error
		if after, err = exchange.ParseHoldID(in.Cursor); err != nil {
			return nil, exchange.Errorf(exchange.CodeInvalid, "the cursor is not one of this list; start again without it")
		}
	}
	out := view.Reservations{Reservations: []view.Reservation{}}
	read, more := 0, false
	err := s.desk.Retailer.Reservations(after, func(res *trade.Reservation) bool {
		if more = read == maxReservationsRead || len(out.Reservations) == in.Limit; more {
			return false
		}
		read++
		after = res.Request.ID
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
