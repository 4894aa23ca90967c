package trade_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/protocol"
)

// What owners and hostile or confused partners do in the simulation.

// act does one thing at random.
func (s *sim) act() {
	a := s.shop()
	switch n := s.rng.IntN(100); {
	case n < 22:
		s.reserve(a)
	case n < 30:
		s.place(a)
	case n < 39:
		s.own(a)
	case n < 45:
		s.changeHold(a)
	case n < 50:
		s.replay()
	case n < 67 && s.premises[a] != nil:
		s.premises[a].act()
	case n < 67:
		s.count(a)
	case n < 85:
		s.handle(a)
	case n < 88:
		s.cancel(a)
	case n < 91:
		s.bound(a)
	case n < 97:
		s.negotiate(a)
	case n < 98:
		_, err := a.Desk.Prune(context.Background())
		s.allow(a, err)
	default:
		s.allow(a, a.Desk.Feed.Publish(context.Background()))
	}
}

// allow reports an error that no misfortune explains. Refusals are part of life.
func (s *sim) allow(a *desktest.Shop, err error) {
	s.Helper()
	// A call of a hostile system lets time pass, in which the shop may have died and started again.
	again := s.hostile != nil && a.Life != s.hostile.lives[a]
	if code := exchange.CodeOf(err); code == exchange.CodeInternal && !a.Died() && !again {
		s.Errorf("seed %d, step %s: %s: %v", s.w.Seed, s.what, a.Name, err)
	}
	a.Died()
}

func (s *sim) reserve(a *desktest.Shop) {
	suppliers := a.Desk.Partnerships.Suppliers()
	if len(suppliers) == 0 {
		return
	}
	r := trade.ReserveRequest{Supplier: suppliers[s.rng.IntN(len(suppliers))], Country: []string{"SE", "DE"}[s.rng.IntN(2)]}
	var lines []exchange.Line
	for _, i := range s.rng.Perm(4)[:1+s.rng.IntN(3)] { // sku3 does not exist
		if i < 3 || s.chance(0.1) {
			lines = append(lines, exchange.Line{SKU: sku(i), Quantity: exchange.Quantity(1 + s.rng.IntN(4))})
		}
	}
	if s.chance(0.2) {
		r.Lifetime = time.Duration(1+s.rng.IntN(60)) * time.Second
	}
	if s.chance(0.1) {
		r.MaxTotal = exchange.Money{Minor: int64(1 + s.rng.IntN(20000)), Currency: "EUR"}
	}
	var tail [12]byte
	a.Random.Read(tail[:])
	id, err := a.Desk.Retailer.NewID(r.Supplier, tail)
	if err != nil || len(lines) == 0 {
		return
	}
	r.ID, r.Lines = id, exchangetest.Lines(lines...)
	if s.chance(0.05) { // a release that overtakes its hold
		s.late(a, s.w.ShopOf(r.Supplier), frame(s, &message.Release{ID: id}))
		s.advance(200 * time.Millisecond)
	}
	ctx := context.Background()
	if s.chance(0.2) { // a caller that breaks off, and cannot name what it asked for
		r.ID, ctx = exchange.HoldID{}, s.gone
	}
	for range 1 + s.rng.IntN(2) {
		_, err = a.Desk.Retailer.Reserve(ctx, r)
		s.allow(a, err)
	}
	if r.ID.IsZero() {
		return
	}
	if err == nil && s.chance(0.5) {
		s.order(a, id)
	}
}

func frame(s *sim, v message.Value) []byte {
	s.Helper()
	raw, err := protocol.Codec{}.Encode(v)
	desktest.Must(s, err)
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
		desktest.Must(s, err)
		hold := v.(*message.Hold)
		lines := hold.Lines.Slice()
		lines[0].Quantity++
		hold.Lines = exchangetest.Lines(lines...)
		raw = frame(s, hold)
	}
	s.late(r.from, r.to, raw)
}

// reservations of a shop, in the order of their ids.
func (s *sim) reservation(a *desktest.Shop) exchange.HoldID {
	var ids []exchange.HoldID
	err := a.Mem.Scan(kv.Prefix([]byte("r/")), func(key, _ []byte) bool {
		ids = append(ids, exchange.HoldID(key[2:]))
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
func (s *sim) newest(a *desktest.Shop, ids []exchange.HoldID) exchange.HoldID {
	at := s.rng.IntN(len(ids))
	for i := range ids {
		id := ids[(at+i)%len(ids)]
		if rec, err := a.Desk.Retailer.Reservation(context.Background(), id); err == nil && rec.State == hold.Held && rec.Expires > s.w.Now {
			return id
		}
	}
	return ids[at]
}

func (s *sim) place(a *desktest.Shop) {
	if id := s.reservation(a); !id.IsZero() {
		s.order(a, id)
	}
}

func (s *sim) order(a *desktest.Shop, id exchange.HoldID) {
	to := desktest.Stockholm
	rec, err := a.Desk.Retailer.Reservation(context.Background(), id)
	s.allow(a, err)
	if err == nil && s.chance(0.98) {
		to.Country = rec.Request.Country
	}
	placed, err := a.Desk.Retailer.PlaceOrder(context.Background(), id, to)
	s.allow(a, err)
	if err == nil {
		s.placed = append(s.placed, placedOrder{a, placed.ID})
	}
}

func (s *sim) changeHold(a *desktest.Shop) {
	id := s.reservation(a)
	if id.IsZero() {
		return
	}
	var err error
	if s.chance(0.5) {
		_, err = a.Desk.Retailer.Release(context.Background(), id)
	} else {
		_, err = a.Desk.Retailer.Extend(context.Background(), id, s.w.Now.Add(time.Duration(s.rng.IntN(3600))*time.Second))
	}
	s.allow(a, err)
}

// count counts a shelf, imports a file or changes what is offered, at a shop of whose shelves nothing
// is known: its owner says anything.
func (s *sim) count(a *desktest.Shop) {
	i := s.rng.IntN(3)
	pool, err := exchange.PoolStock("pool")
	if err != nil {
		s.Fatal(err)
	}
	s.counts[counted{a, exchange.OwnStock(sku(i))}], s.counts[counted{a, pool}] = true, true
	switch s.rng.IntN(10) {
	case 8, 9:
		err = s.tell(a)
	case 0:
		_, err = a.Desk.Shelf.SetStock(context.Background(), sku(i), 0, true)
	case 1:
		err = a.Desk.Shelf.Remove(context.Background(), sku(i))
		if err == nil && s.chance(0.5) { // a recall
			_, err = a.Desk.Supplier.ReleaseProduct(context.Background(), sku(i))
		}
	case 2:
		err = a.Desk.Shelf.Publish(context.Background(), sku(i))
	case 3, 4:
		item := shelf.Item{
			Product: exchange.Product{SKU: sku(i), Title: "New " + string(sku(i)), Price: exchange.Money{Minor: int64(s.rng.IntN(9000)), Currency: "EUR"}},
			Stock:   shelf.Figure{Set: true, Units: int64(s.rng.IntN(33) - 3)},
		}
		switch s.rng.IntN(6) {
		case 0:
			item.Withdrawn = "draft"
		case 1, 2:
			item.Pool = pool
		}
		st := shelf.Statement{Figure: record.Figure(s.rng.IntN(4)), AllowRenamed: true}
		_, err = a.Desk.Shelf.Import(context.Background(), st, []shelf.Item{item})
	default:
		_, err = a.Desk.Shelf.SetStock(context.Background(), sku(i), int64(s.rng.IntN(30)), false)
	}
	s.allow(a, err)
}

// tell tells what other channels of a shop did: at once or late, under an id that may come again.
func (s *sim) tell(a *desktest.Shop) error {
	causes := []record.Cause{record.CauseSold, record.CauseSold, record.CauseReturned, record.CauseReceived, record.CauseDamaged, record.CauseCounted}
	var lines []shelf.Line
	for range 1 + s.rng.IntN(3) {
		i := s.rng.IntN(3)
		s.counts[counted{a, exchange.OwnStock(sku(i))}] = true
		l := shelf.Line{SKU: sku(i), Cause: causes[s.rng.IntN(len(causes))], Units: int64(1 + s.rng.IntN(4)), When: shelf.Now, ID: fmt.Sprint(s.rng.IntN(200))}
		if s.chance(0.5) {
			l.When = shelf.Moment{Ago: time.Duration(s.rng.IntN(7200)) * time.Second}
		}
		lines = append(lines, l)
	}
	told, err := a.Desk.Moves.Tell(context.Background(), lines, s.chance(0.5))
	for i, t := range told {
		switch exchange.CodeOf(t.Err) {
		case exchange.CodeOK, exchange.CodeConflict, exchange.CodeStale, exchange.CodeState, exchange.CodeNotFound:
		default:
			s.Fatalf("telling %+v: %v", lines[i], t.Err)
		}
	}
	if code := exchange.CodeOf(err); code == exchange.CodeConflict || code == exchange.CodeStale || code == exchange.CodeState || code == exchange.CodeNotFound {
		return nil
	}
	return err
}

// orders of a shop in one role that are not finished.
func (s *sim) orders(a *desktest.Shop, side exchange.Party) []*record.Order {
	var list []*record.Order
	err := a.Desk.Orders.List(side, exchange.OrderID{}, func(r *record.Order) bool {
		if !r.Order.Status().Terminal() {
			list = append(list, r)
		}
		return true
	})
	s.allow(a, err)
	return list
}

// handle is what a supplier does with an order it received.
func (s *sim) handle(a *desktest.Shop) {
	list := s.orders(a, exchange.Supplier)
	if len(list) == 0 {
		return
	}
	o := list[s.rng.IntN(len(list))]
	ctx := context.Background()
	var err error
	switch s.rng.IntN(9) {
	case 0, 1:
		_, err = a.Desk.Supplier.AcceptOrder(ctx, o.ID)
	case 2:
		_, err = a.Desk.Supplier.RejectOrder(ctx, o.ID, "sold out")
	case 3, 4, 5:
		if lines, there := s.parcel(a, o); there {
			_, err = a.Desk.Supplier.ShipOrder(ctx, o.ID, lines, "PostNord", "T")
		}
	case 6, 7:
		_, err = a.Desk.Supplier.DeliverOrder(ctx, o.ID, s.some(o))
	case 8:
		_, err = a.Desk.Supplier.CancelSale(ctx, o.ID, s.some(o), "broken")
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

// parcel is units of an order that are there to be sent.
func (s *sim) parcel(a *desktest.Shop, o *record.Order) ([]order.Units, bool) {
	p := s.premises[a]
	if p == nil {
		return s.some(o), true
	}
	var lines []order.Units
	for _, l := range p.there(open(o)) {
		if s.chance(0.4) {
			l.units = 1 + s.rng.Int64N(l.units)
		}
		lines = append(lines, order.Units{SKU: l.sku, Units: l.units})
	}
	return lines, len(lines) > 0
}

func (s *sim) cancel(a *desktest.Shop) {
	list := s.orders(a, exchange.Retailer)
	if len(list) == 0 {
		return
	}
	o := list[s.rng.IntN(len(list))]
	var lines []order.Units
	if len(o.Order.Lines) > 0 {
		lines = s.some(o)
	}
	_, err := a.Desk.Retailer.CancelPurchase(context.Background(), o.ID, lines, "not needed")
	s.allow(a, err)
}

// negotiate proposes, answers, takes back or ends a direction of trade.
func (s *sim) negotiate(a *desktest.Shop) {
	b := s.shop()
	if a == b {
		return
	}
	side := exchange.Party(1 + s.rng.IntN(2))
	p, err := a.Desk.Partnerships.Get(b.ID, side)
	s.allow(a, err)
	ctx := context.Background()
	switch open := p.State.Open; {
	case open.By == side.Other() && s.chance(0.9):
		err = a.Desk.Partnerships.AcceptTerms(ctx, b.ID, side, open.Hash)
	case open.By != 0 && s.chance(0.3):
		err = a.Desk.Partnerships.DeclineTerms(ctx, b.ID, side, open.Hash)
	case (open.By == side || p.Queued == "propose") && s.chance(0.3):
		if err = a.Desk.Partnerships.WithdrawTerms(ctx, b.ID, side); err == nil && side == exchange.Retailer {
			s.tookBack(a, b, p)
		}
	case p.State.Active && s.chance(0.3):
		err = a.Desk.Partnerships.EndTrade(ctx, b.ID, side, "enough")
	default:
		terms := s.terms()
		if s.chance(0.3) {
			terms.Currency = "USD" // which a supplier refuses
		}
		err = a.Desk.Partnerships.Propose(ctx, b.ID, side, terms)
	}
	s.allow(a, err)
}
