package trade_test

import (
	"context"
	"slices"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/trade"
)

// The shop's own channels in the simulation: a web shop and a till sell from the shelf that
// partners hold from.

// own does one thing at an own channel.
func (s *sim) own(a *desktest.Shop) {
	ctx := context.Background()
	switch s.rng.IntN(8) {
	case 0, 1:
		s.reserveOwn(a)
	case 2:
		s.sell(a, trade.SaleRequest{Lines: s.ownLines(), Left: s.chance(0.5), Reference: "till"})
	case 3:
		if r := s.ownReservation(a, hold.Held, hold.Expired); r != nil {
			s.sell(a, trade.SaleRequest{Reservation: r.Request.ID, IfStillThere: s.chance(0.8), Left: s.chance(0.2)})
		}
	case 4:
		r := s.ownReservation(a, hold.Held, hold.Released)
		if r == nil {
			return
		}
		var err error
		if s.chance(0.5) {
			_, err = a.Desk.Own.Release(ctx, r.Request.ID)
		} else {
			_, err = a.Desk.Own.Extend(ctx, r.Request.ID, s.w.Now.Add(time.Duration(s.rng.IntN(7200))*time.Second))
		}
		s.allow(a, err)
	default:
		s.handleSale(a)
	}
}

func (s *sim) ownLines() exchange.Lines {
	var lines []exchange.Line
	for _, i := range s.rng.Perm(3)[:1+s.rng.IntN(2)] {
		lines = append(lines, exchange.Line{SKU: sku(i), Quantity: exchange.Quantity(1 + s.rng.IntN(4))})
	}
	return exchangetest.Lines(lines...)
}

// reserveOwn reserves, at times under a key and again; the repeat must be the same reservation.
func (s *sim) reserveOwn(a *desktest.Shop) {
	req := trade.OwnRequest{Lines: s.ownLines(), Lifetime: time.Duration(s.rng.IntN(90)) * time.Second}
	if s.chance(0.5) {
		a.Random.Read(req.Key[:])
	}
	ctx := context.Background()
	first, err := a.Desk.Own.Reserve(ctx, req)
	s.allow(a, err)
	if err != nil || req.Key == (trade.ReservationKey{}) {
		return
	}
	again, err := a.Desk.Own.Reserve(ctx, req)
	s.allow(a, err)
	if err == nil && again.Request.ID != first.Request.ID {
		s.Errorf("seed %d, step %s: one key made the reservations %v and %v", s.w.Seed, s.what, first.Request.ID, again.Request.ID)
	}
	if err == nil && s.chance(0.5) {
		s.sell(a, trade.SaleRequest{Reservation: first.Request.ID, Reference: "web"})
	}
}

// sell sells, and at times again: a reservation is sold once.
func (s *sim) sell(a *desktest.Shop, req trade.SaleRequest) {
	if req.Reservation.IsZero() && s.chance(0.5) {
		a.Random.Read(req.Key[:])
	}
	var first *record.OwnSale
	left := req.Left
	for range 1 + s.rng.IntN(2) {
		req.Left = left && s.canLeave(a, req)
		sale, err := a.Desk.Own.Sell(context.Background(), req)
		s.allow(a, err)
		if err != nil {
			continue
		}
		if first != nil && (req.Key != (trade.ReservationKey{}) || !req.Reservation.IsZero()) && sale.Sale.ID != first.Sale.ID {
			s.Errorf("seed %d, step %s: one request made the sales %v and %v", s.w.Seed, s.what, first.Sale.ID, sale.Sale.ID)
		}
		first = sale
	}
}

// canLeave reports whether what is to be sold lies on the shelf, so that it can be taken along.
func (s *sim) canLeave(a *desktest.Shop, req trade.SaleRequest) bool {
	p, lines := s.premises[a], req.Lines
	if p == nil {
		return true
	}
	if !req.Reservation.IsZero() {
		r, err := a.Desk.Own.Reservation(req.Reservation)
		s.allow(a, err)
		if err != nil {
			return false
		}
		lines = r.Request.Lines
	}
	var wanted []shelfLine
	for _, l := range lines.All() {
		wanted = append(wanted, shelfLine{l.SKU, int64(l.Quantity)})
	}
	return slices.Equal(p.there(wanted), wanted)
}

// ownReservation is a reservation in one of two states; nil where there is none.
func (s *sim) ownReservation(a *desktest.Shop, x, y hold.State) *trade.Reservation {
	var list []*trade.Reservation
	err := a.Desk.Own.Reservations(exchange.HoldID{}, func(r *trade.Reservation) bool {
		if r.State == x || r.State == y {
			list = append(list, r)
		}
		return len(list) < 10
	})
	s.allow(a, err)
	if len(list) == 0 {
		return nil
	}
	return list[s.rng.IntN(len(list))]
}

// handleSale ships, cancels or takes back units of a sale.
func (s *sim) handleSale(a *desktest.Shop) {
	var list []*record.OwnSale
	err := a.Desk.Own.Visit(trade.OrderRange{}, func(sale *record.OwnSale) bool {
		if sale.Sale.Order.Status() != order.Cancelled {
			list = append(list, sale)
		}
		return len(list) < 10
	})
	s.allow(a, err)
	if len(list) == 0 {
		return
	}
	sale := list[s.rng.IntN(len(list))]
	id, ctx := sale.Sale.ID, context.Background()
	switch s.rng.IntN(3) {
	case 0:
		if lines, there := s.parcel(a, &sale.Sale); there {
			_, err = a.Desk.Own.Ship(ctx, id, lines, "PostNord", "T")
		}
	case 1:
		_, err = a.Desk.Own.Cancel(ctx, id, s.some(&sale.Sale), "changed their mind")
	case 2:
		err = s.takeBack(a, sale)
	}
	s.allow(a, err)
}

// takeBack has units of a sale come back: onto the shelf, into the system, and to the desk, which takes
// them if they may come so. Else nobody tells of them but files and counts.
func (s *sim) takeBack(a *desktest.Shop, sale *record.OwnSale) error {
	p, lines, damaged := s.premises[a], s.some(&sale.Sale), s.chance(0.3)
	if p != nil && p.back[sale.Sale.ID] {
		return nil
	}
	_, err := a.Desk.Own.Return(context.Background(), sale.Sale.ID, lines, damaged)
	after := *sale
	if back, fit := after.Return(lines); p != nil && fit == nil && !damaged && exchange.CodeOf(err) == exchange.CodeState {
		p.follow()
		p.back[sale.Sale.ID] = true
		for _, u := range back {
			p.happened(p.of(u.SKU), record.CauseOwnReturned, u.Units)
		}
	}
	return err
}

// bound sets what is kept back and what one partner may hold.
func (s *sim) bound(a *desktest.Shop) {
	some := func(n int) *record.Bound {
		if s.chance(0.3) {
			return &record.Bound{}
		}
		return &record.Bound{Set: true, Units: int64(s.rng.IntN(n))}
	}
	s.allow(a, a.Desk.Shelf.Bounds.Set(context.Background(), []shelf.SetBounds{{SKU: sku(s.rng.IntN(3)), Keep: some(5), Share: some(6)}}))
}
