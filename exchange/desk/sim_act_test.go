package desk_test

import (
	"context"
	"slices"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/protocol"
)

// What owners and hostile or confused partners do in the simulation.

// act does one thing at random.
func (s *sim) act() {
	a := s.shop()
	switch n := s.rng.IntN(100); {
	case n < 25:
		s.reserve(a)
	case n < 40:
		s.place(a)
	case n < 48:
		s.changeHold(a)
	case n < 56:
		s.replay()
	case n < 61:
		s.count(a)
	case n < 85:
		s.handle(a)
	case n < 90:
		s.cancel(a)
	case n < 97:
		s.negotiate(a)
	case n < 98:
		_, err := a.desk.Prune(context.Background())
		s.allow(a, err)
	default:
		s.allow(a, a.desk.Publish(context.Background()))
	}
}

// allow reports an error that no misfortune explains. Refusals are part of life.
func (s *sim) allow(a *shop, err error) {
	s.Helper()
	if code := exchange.CodeOf(err); code == exchange.CodeInternal && !a.died() {
		s.Errorf("seed %d, step %s: %s: %v", s.w.seed, s.what, a.name, err)
	}
	a.died()
}

func (s *sim) reserve(a *shop) {
	suppliers := a.desk.Suppliers()
	if len(suppliers) == 0 {
		return
	}
	r := desk.ReserveRequest{Supplier: suppliers[s.rng.IntN(len(suppliers))], Country: []string{"SE", "DE"}[s.rng.IntN(2)]}
	for _, i := range s.rng.Perm(4)[:1+s.rng.IntN(3)] { // sku3 does not exist
		if i < 3 || s.chance(0.1) {
			r.Lines = append(r.Lines, exchange.Line{SKU: sku(i), Quantity: exchange.Quantity(1 + s.rng.IntN(4))})
		}
	}
	if s.chance(0.2) {
		r.Lifetime = time.Duration(1+s.rng.IntN(60)) * time.Second
	}
	if s.chance(0.1) {
		r.MaxTotal = int64(s.rng.IntN(20000))
	}
	var tail [12]byte
	a.random.Read(tail[:])
	id, err := a.desk.NewReservationID(r.Supplier, tail)
	if err != nil || len(r.Lines) == 0 {
		return
	}
	r.ID = id
	s.remember(a, r)
	if s.chance(0.05) { // a release that overtakes its hold
		s.late(a, s.w.shopOf(r.Supplier), frame(s, &message.Release{ID: id}))
		s.advance(200 * time.Millisecond)
	}
	for range 1 + s.rng.IntN(2) {
		_, err = a.desk.Reserve(context.Background(), r)
		s.allow(a, err)
	}
	if err == nil && s.chance(0.5) {
		s.order(a, id)
	}
}

// remember keeps a hold request for replays.
func (s *sim) remember(a *shop, r desk.ReserveRequest) {
	raw := frame(s, &message.Hold{ID: r.ID, Lines: r.Lines, Country: r.Country, MaxTotal: r.MaxTotal, Lifetime: r.Lifetime.Milliseconds()})
	s.requests = append(s.requests, sentHold{a, s.w.shopOf(r.Supplier), raw})
}

func frame(s *sim, v message.Value) []byte {
	s.Helper()
	raw, err := protocol.Codec{}.Encode(v)
	must(s, err)
	return append([]byte{byte(v.Kind())}, raw...)
}

// replay sends an old hold request again, now or later, as it was or changed.
func (s *sim) replay() {
	if len(s.requests) == 0 {
		return
	}
	r := s.requests[s.rng.IntN(len(s.requests))]
	raw := slices.Clone(r.raw)
	if s.chance(0.3) {
		v, err := protocol.Codec{}.Decode(message.KindHold, raw[1:])
		must(s, err)
		hold := v.(*message.Hold)
		hold.Lines[0].Quantity++
		raw = frame(s, hold)
	}
	s.late(r.from, r.to, raw)
}

// reservations of a shop, in the order of their ids.
func (s *sim) reservation(a *shop) exchange.HoldID {
	var ids []exchange.HoldID
	err := a.mem.Scan(kv.Prefix([]byte("r/")), func(key, _ []byte) bool {
		id, err := exchange.HoldIDFromBytes(key[2:])
		must(s, err)
		ids = append(ids, id)
		return true
	})
	if err != nil || len(ids) == 0 {
		return exchange.HoldID{}
	}
	if s.chance(0.7) { // one of the latest, whatever their order
		return s.newest(a, ids)
	}
	return ids[s.rng.IntN(len(ids))]
}

// newest is a reservation that is held, if there is one.
func (s *sim) newest(a *shop, ids []exchange.HoldID) exchange.HoldID {
	at := s.rng.IntN(len(ids))
	for i := range ids {
		id := ids[(at+i)%len(ids)]
		if rec, err := a.desk.Reservation(context.Background(), id); err == nil && rec.State == hold.Held && rec.Expires > s.w.now {
			return id
		}
	}
	return ids[at]
}

func (s *sim) place(a *shop) {
	if id := s.reservation(a); !id.IsZero() {
		s.order(a, id)
	}
}

func (s *sim) order(a *shop, id exchange.HoldID) {
	to := stockholm
	rec, err := a.desk.Reservation(context.Background(), id)
	s.allow(a, err)
	if err == nil && s.chance(0.98) {
		to.Country = rec.Request.Country
	}
	placed, err := a.desk.PlaceOrder(context.Background(), id, to)
	s.allow(a, err)
	if err == nil {
		s.placed = append(s.placed, placedOrder{a, placed.ID})
	}
}

func (s *sim) changeHold(a *shop) {
	id := s.reservation(a)
	if id.IsZero() {
		return
	}
	var err error
	if s.chance(0.5) {
		_, err = a.desk.Release(context.Background(), id)
	} else {
		_, err = a.desk.Extend(context.Background(), id, s.w.now.Add(time.Duration(s.rng.IntN(3600))*time.Second))
	}
	s.allow(a, err)
}

// count counts a shelf, imports a file or changes what is offered.
func (s *sim) count(a *shop) {
	i := s.rng.IntN(3)
	s.counts[counted{a, sku(i)}] = true
	var err error
	switch s.rng.IntN(6) {
	case 0:
		_, err = a.desk.SetStock(context.Background(), sku(i), 0, true)
	case 1:
		err = a.desk.RemoveProduct(context.Background(), sku(i))
	case 2:
		_, err = a.desk.Import(context.Background(), []desk.ImportItem{{
			Product: exchange.Product{SKU: sku(i), Title: "New " + string(sku(i)), Price: exchange.Money{Minor: int64(s.rng.IntN(9000)), Currency: "EUR"}},
			Stock:   record.FileStock{Set: true, Units: int64(s.rng.IntN(30))},
		}}, false)
	default:
		_, err = a.desk.SetStock(context.Background(), sku(i), int64(s.rng.IntN(30)), false)
	}
	s.allow(a, err)
}

// orders of a shop in one role that are not finished.
func (s *sim) orders(a *shop, side exchange.Party) []*record.Order {
	var list []*record.Order
	err := a.desk.Orders(side, exchange.OrderID{}, func(r *record.Order) bool {
		if !r.Order.Status().Terminal() {
			list = append(list, r)
		}
		return true
	})
	s.allow(a, err)
	return list
}

// handle is what a supplier does with an order it received.
func (s *sim) handle(a *shop) {
	list := s.orders(a, exchange.Supplier)
	if len(list) == 0 {
		return
	}
	o := list[s.rng.IntN(len(list))]
	ctx := context.Background()
	var err error
	switch s.rng.IntN(9) {
	case 0, 1:
		_, err = a.desk.AcceptOrder(ctx, o.ID)
	case 2:
		_, err = a.desk.RejectOrder(ctx, o.ID, "sold out")
	case 3, 4, 5:
		_, err = a.desk.ShipOrder(ctx, o.ID, s.some(o), "PostNord", "T")
	case 6, 7:
		_, err = a.desk.DeliverOrder(ctx, o.ID, s.some(o))
	case 8:
		_, err = a.desk.CancelSold(ctx, o.ID, s.some(o), "broken")
	}
	s.allow(a, err)
}

// some is a part of an order, or everything.
func (s *sim) some(o *record.Order) []order.Units {
	if s.chance(0.4) {
		return nil
	}
	l := o.Order.Lines[s.rng.IntN(len(o.Order.Lines))]
	return []order.Units{{SKU: l.SKU, Units: 1 + s.rng.Int64N(l.Ordered)}}
}

func (s *sim) cancel(a *shop) {
	list := s.orders(a, exchange.Retailer)
	if len(list) == 0 {
		return
	}
	o := list[s.rng.IntN(len(list))]
	var lines []order.Units
	if len(o.Order.Lines) > 0 {
		lines = s.some(o)
	}
	_, err := a.desk.CancelBought(context.Background(), o.ID, lines, "not needed")
	s.allow(a, err)
}

// negotiate proposes, answers, takes back or ends a direction of trade.
func (s *sim) negotiate(a *shop) {
	b := s.shop()
	if a == b {
		return
	}
	side := exchange.Party(1 + s.rng.IntN(2))
	trade, err := a.desk.Trade(b.id, side)
	s.allow(a, err)
	ctx := context.Background()
	switch open := trade.State.Open; {
	case open.By == side.Other() && s.chance(0.9):
		err = a.desk.AcceptTerms(ctx, b.id, side, open.Hash)
	case open.By != 0 && s.chance(0.3):
		err = a.desk.DeclineTerms(ctx, b.id, side, open.Hash)
	case (open.By == side || trade.Queued == "propose") && s.chance(0.3):
		if err = a.desk.WithdrawTerms(ctx, b.id, side); err == nil && side == exchange.Retailer {
			s.tookBack(a, b, trade)
		}
	case trade.State.Active && s.chance(0.3):
		err = a.desk.EndTrade(ctx, b.id, side, "enough")
	default:
		terms := s.terms()
		if s.chance(0.3) {
			terms.Currency = "USD" // which a supplier refuses
		}
		err = a.desk.Propose(ctx, b.id, side, terms)
	}
	s.allow(a, err)
}
