package testnet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// TestVirtualEveryRequestEnds (invariant I9, faults 9, 15 and 43): the network is cut while a request
// of every kind is under way, before it arrives or before its answer does, and shops are killed
// meanwhile. 30 seconds after the network heals every request has ended, at both shops alike.
func TestVirtualEveryRequestEnds(t *testing.T) {
	cuts := []cut{
		{name: "requests are lost", to: true},
		{name: "answers are lost", from: true},
		{name: "both are lost", to: true, from: true},
		{name: "the direct ways are lost", to: true, from: true, direct: true},
		{name: "the shops are alone", to: true, from: true, hub: true},
		{name: "both are lost, the retailers are killed", to: true, from: true, killed: retailers},
		{name: "answers are lost, the retailers are killed", from: true, killed: retailers},
		{name: "both are lost, the supplier is killed", to: true, from: true, killed: supplier},
		{name: "all are killed", to: true, from: true, hub: true, killed: supplier | retailers},
	}
	for _, c := range cuts {
		for _, late := range []bool{false, true} {
			// Callers wait for longer than the first, and connections live for less than the last.
			for _, lasts := range []time.Duration{3 * time.Second, 12 * time.Second, 50 * time.Second} {
				if c.killed != 0 && lasts < callerWaits || testing.Short() && lasts != 12*time.Second {
					continue
				}
				c.late, c.lasts = late, lasts
				t.Run(c.String(), func(t *testing.T) { inTown(t, c.everyRequest) })
			}
		}
	}
}

// Who is killed.
const (
	supplier = 1 << iota
	retailers
)

// cut is a fault of the network around a supplier.
type cut struct {
	name     string
	to, from bool // what goes to the supplier, or leaves it, is lost
	direct   bool // but not what the hub relays
	hub      bool // and between all shops and the hub
	killed   int
	late     bool // the requests have left when it begins, and their answers have not
	lasts    time.Duration
}

func (c cut) String() string {
	when := "before the requests"
	if c.late {
		when = "before the answers"
	}
	return fmt.Sprintf("%s, %s, for %v", c.name, when, c.lasts)
}

func (c cut) begin(w *town) {
	var others []int
	if !c.direct {
		others = []int{openPlace, closedPlace}
	}
	for _, s := range w.shops[1:] {
		others = append(others, s.place)
	}
	for _, place := range others {
		if c.to {
			w.world.Cut(place, w.shops[0].place)
		}
		if c.from {
			w.world.Cut(w.shops[0].place, place)
		}
	}
	if c.hub {
		for _, s := range w.shops {
			w.world.Partition([]int{openPlace, closedPlace}, []int{s.place})
		}
	}
}

// kill ends shops at once, as kill -9 does: nothing of theirs is written or sent any more. Then they
// start again, under the same cut.
func (c cut) kill(w *town, shops ...*shop) {
	var places []int
	for _, s := range w.shops {
		places = append(places, s.place)
	}
	for _, s := range shops {
		w.world.Partition([]int{s.place}, append(places, openPlace, closedPlace))
		disk := s.disks.Store.(*store.Mem).Clone()
		s.stop()
		s.disks.Store = disk
	}
	w.world.Heal()
	c.begin(w)
	for _, s := range shops {
		s.start()
	}
}

// request is one request of the table.
type request struct {
	name  string
	send  func(context.Context)
	ended func() bool // at both shops, alike
}

// callerWaits is how long the API has a caller wait for a partner's answer.
const callerWaits = 8 * time.Second

func (c cut) everyRequest(t *testing.T, w *town) {
	a := w.shop()
	a.config.AcceptByHand = true
	a.start()
	shops := []*shop{a}
	for range 3 {
		shops = append(shops, w.shop().start())
	}
	for _, s := range shops {
		for _, other := range shops {
			w.known(s, other)
		}
	}
	p := newParties(w, shops)
	requests := p.requests()

	ctx, cancel := context.WithTimeout(context.Background(), callerWaits)
	defer cancel()
	var calls sync.WaitGroup
	send := func() {
		for _, r := range requests {
			calls.Go(func() { r.send(ctx) })
		}
	}
	if c.late {
		send()
		time.Sleep(oneWay / 2)
		c.begin(w)
	} else {
		c.begin(w)
		send()
	}
	time.Sleep(2 * time.Second)
	if c.killed != 0 {
		cancel() // callers end with their process
		calls.Wait()
	}
	if c.killed&retailers != 0 {
		c.kill(w, shops[1:]...)
	}
	if c.killed&supplier != 0 {
		c.kill(w, a)
	}
	time.Sleep(c.lasts - 2*time.Second)
	w.world.Heal()

	healed := time.Now()
	for left := requests; len(left) > 0; time.Sleep(100 * time.Millisecond) {
		left = slices.DeleteFunc(left, func(r request) bool { return r.ended() })
		if len(left) == 0 {
			t.Logf("every request has ended %v after the network healed", time.Since(healed))
		} else if time.Since(healed) > healing {
			for _, r := range left {
				t.Errorf("%s has not ended %v after the network healed", r.name, healing)
			}
			break
		}
	}
	calls.Wait()
	time.Sleep(time.Until(healed.Add(healing)))
	for _, s := range shops[1:] {
		w.quiet(0, a, s)
		w.quiet(0, s, a)
	}
	p.sameHolds()
	w.audit(shops...)
}

// parties are the shops of the table: a sells to all others; b trades, c is about to be a partner and d
// to be none any more.
type parties struct {
	w          *town
	a, b, c, d *shop
	kept       exchange.HoldID // held before the cut, and left alone
}

func newParties(w *town, shops []*shop) *parties {
	p := &parties{w: w, a: shops[0], b: shops[1], c: shops[2], d: shops[3]}
	for _, s := range shops {
		s.stock(12, 100)
	}
	w.partner(p.a, p.b)
	w.partner(p.a, p.d)
	w.partner(p.d, p.a)
	p.kept = must(p.b.reserve(p.a, sku(0), 1)).Request.ID
	must[any](nil, p.a.Desk().Partnerships.Propose(w.ctx(), p.c.id, exchange.Supplier, exchange.DefaultTerms("EUR")))
	w.wait(healing, "the proposal is there", func() bool { return open(p.c, p.a, exchange.Retailer).By == exchange.Supplier })
	w.wait(healing, "the catalog is there", func() bool { return p.b.equal(p.a) })
	w.quiet(healing, p.a, p.b)
	w.quiet(healing, p.a, p.c)
	w.quiet(healing, p.a, p.d)
	w.quiet(healing, p.d, p.a)
	return p
}

func open(s, partner *shop, side exchange.Party) (p struct {
	By   exchange.Party
	Hash [32]byte
}) {
	got, err := s.Desk().Partnerships.Get(partner.id, side)
	if err == nil {
		p.By, p.Hash = got.State.Open.By, got.State.Open.Hash
	}
	return p
}

func (p *parties) requests() []request {
	return append(append(p.holds(), p.orders()...), p.others()...)
}

// ordered is an order of b's that a has accepted and, as asked for, shipped.
func (p *parties) ordered(k int, status string) exchange.OrderID {
	id := p.b.order(p.a, sku(k), 2)
	p.w.bought(healing, p.b, id, "submitted")
	if status != "submitted" {
		must(p.a.Desk().Supplier.AcceptOrder(p.w.ctx(), id))
		p.w.bought(healing, p.b, id, "accepted")
	}
	if status == "shipped" {
		must(p.a.Desk().Supplier.ShipOrder(p.w.ctx(), id, nil, "Post", "1Z"))
		p.w.bought(healing, p.b, id, "shipped")
	}
	return id
}

// orders are what retailer and supplier do about orders.
func (p *parties) orders() []request {
	b, a := func() *trade.Retailer { return p.b.Desk().Retailer }, func() *trade.Supplier { return p.a.Desk().Supplier }
	res := must(p.b.reserve(p.a, sku(1), 2)).Request.ID
	accepted, waits, also := p.ordered(2, "accepted"), p.ordered(3, "submitted"), p.ordered(4, "submitted")
	ready, shipped := p.ordered(5, "accepted"), p.ordered(6, "shipped")
	p.w.quiet(healing, p.a, p.b)
	both := func(id exchange.OrderID, status string) func() bool {
		return func() bool {
			return p.a.status(exchange.Supplier, id) == status && p.b.status(exchange.Retailer, id) == status
		}
	}
	return []request{
		{"an order", func(ctx context.Context) { must(b().PlaceOrder(ctx, res, shipTo)) }, both(res, "submitted")},
		{"a cancellation", func(ctx context.Context) { must(b().CancelPurchase(ctx, accepted, nil, "no")) }, both(accepted, "cancelled")},
		{"an acceptance", func(ctx context.Context) { must(a().AcceptOrder(ctx, waits)) }, both(waits, "accepted")},
		{"a rejection", func(ctx context.Context) { must(a().RejectOrder(ctx, also, "no")) }, both(also, "rejected")},
		{"a parcel", func(ctx context.Context) { must(a().ShipOrder(ctx, ready, nil, "Post", "2Z")) }, both(ready, "shipped")},
		{"a delivery", func(ctx context.Context) { must(a().DeliverOrder(ctx, shipped, nil)) }, both(shipped, "delivered")},
	}
}

// others are what is about partnerships and catalogs.
func (p *parties) others() []request {
	acts := func(s *shop) *trade.Partnerships { return s.Desk().Partnerships }
	active := func(supplier, retailer *shop, want bool) func() bool {
		return func() bool {
			s, err := acts(supplier).Get(retailer.id, exchange.Supplier)
			r, err2 := acts(retailer).Get(supplier.id, exchange.Retailer)
			return err == nil && err2 == nil && s.State.Active == want && r.State.Active == want && !r.Ending
		}
	}
	proposed := func(supplier, retailer *shop, by exchange.Party) func() bool {
		return func() bool {
			s, r := open(supplier, retailer, exchange.Supplier), open(retailer, supplier, exchange.Retailer)
			return s == r && s.By == by
		}
	}
	terms := exchange.DefaultTerms("EUR")
	asked := make(chan struct{}) // closed when the live check has ended
	return []request{
		{"an accepted proposal", func(ctx context.Context) {
			must[any](nil, acts(p.c).AcceptTerms(ctx, p.a.id, exchange.Retailer, open(p.c, p.a, exchange.Retailer).Hash))
		}, active(p.a, p.c, true)},
		{"a supplier's proposal", func(ctx context.Context) { must[any](nil, acts(p.b).Propose(ctx, p.a.id, exchange.Supplier, terms)) }, proposed(p.b, p.a, exchange.Supplier)},
		{"a retailer's proposal", func(ctx context.Context) { must[any](nil, acts(p.a).Propose(ctx, p.c.id, exchange.Retailer, terms)) }, proposed(p.c, p.a, exchange.Retailer)},
		{"a retailer's end", func(ctx context.Context) { must[any](nil, acts(p.d).EndTrade(ctx, p.a.id, exchange.Retailer, "no")) }, active(p.a, p.d, false)},
		{"a supplier's end", func(ctx context.Context) { must[any](nil, acts(p.d).EndTrade(ctx, p.a.id, exchange.Supplier, "no")) }, active(p.d, p.a, false)},
		{"a live check", func(ctx context.Context) {
			defer close(asked)
			if lines, err := p.b.Desk().Retailer.AskStock(ctx, p.a.id, []exchange.SKU{sku(0)}); err == nil && lines[0].Available.Units != 99 {
				p.w.t.Errorf("a live check says %+v", lines)
			} else if err != nil && exchange.CodeOf(err) != exchange.CodeUnavailable {
				p.w.t.Errorf("a live check: %v", err)
			}
		}, func() bool { return isClosed(asked) }},
		{"a catalog's change", func(ctx context.Context) { p.a.setStock(sku(11), 3) }, func() bool {
			n, ok := p.b.seen(p.a, sku(11))
			return ok && n == 3 && p.b.equal(p.a)
		}},
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// holds are holds, releases and extensions, by callers that give up after callerWaits.
func (p *parties) holds() []request {
	r := func() *trade.Retailer { return p.b.Desk().Retailer }
	hold1 := &holding{p: p, req: trade.ReserveRequest{Supplier: p.a.id, Lines: exchangetest.Lines(exchange.Line{SKU: sku(7), Quantity: 2}), Country: "SE"}}
	hold2 := &holding{p: p, req: hold1.req}
	hold2.req.Key = trade.ReservationKey{1}
	back := &holding{p: p, req: hold1.req, returns: true}
	back.req.Key = trade.ReservationKey{2}
	given, longer := must(p.b.reserve(p.a, sku(8), 2)), must(p.b.reserve(p.a, sku(9), 2))
	until := longer.Expires.Add(time.Minute)
	return []request{
		{"a hold", hold1.send, hold1.ended},
		{"a hold with a key", hold2.send, hold2.ended},
		{"a hold whose caller comes back", back.send, back.ended},
		{"a release", func(ctx context.Context) {
			if _, err := r().Release(ctx, given.Request.ID); err != nil && !errors.Is(err, trade.ErrUnanswered) && !errors.Is(err, message.ErrNotAsked) {
				p.w.t.Errorf("a release: %v", err)
			} else if errors.Is(err, message.ErrNotAsked) {
				p.w.t.Error("nothing was asked")
			}
		}, func() bool { return p.stands(given.Request.ID, hold.Released) }},
		{"an extension", func(ctx context.Context) {
			if _, err := r().Extend(ctx, longer.Request.ID, until); err != nil && !errors.Is(err, trade.ErrUnanswered) {
				p.w.t.Errorf("an extension: %v", err)
			}
		}, func() bool {
			return p.stands(longer.Request.ID, hold.Held) && p.at(longer.Request.ID).Hold.Expires == until
		}},
	}
}

// holding is a hold that is asked for during a cut.
type holding struct {
	p       *parties
	req     trade.ReserveRequest
	returns bool // its caller asks again until it has an answer

	mu  sync.Mutex
	got *trade.Reservation // guarded by mu: the answer, or what came beside the error
	err error              // guarded by mu
}

func (h *holding) send(ctx context.Context) {
	res, err := h.p.b.Desk().Retailer.Reserve(ctx, h.req)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got, h.err = res, err
}

// ended reports that the hold is the caller's at both shops or, where the caller has gone, nobody's.
func (h *holding) ended() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.got == nil {
		return h.err != nil // nothing was asked
	}
	id := h.got.Request.ID
	if h.err != nil && h.returns {
		h.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), callerWaits)
		h.send(ctx)
		cancel()
		h.mu.Lock()
		if h.err != nil && exchange.CodeOf(h.err) != exchange.CodeUnavailable && exchange.CodeOf(h.err) != exchange.CodeReleased {
			h.p.w.t.Errorf("who comes back is answered %v", h.err)
		}
	}
	if h.err != nil {
		return h.p.stands(id, hold.Released)
	}
	if h.got.State == hold.Released { // nobody was back in time
		return h.p.stands(id, hold.Released)
	}
	at := h.p.at(id)
	return h.p.stands(id, hold.Held) && at != nil && bytes.Equal(h.got.Answer, at.Placed)
}

// at is what the supplier a has of a hold of b's; nil = nothing.
func (p *parties) at(id exchange.HoldID) *record.Hold {
	return must(record.Get[record.Hold](p.a.disks.Store, protocol.Codec{}, record.HoldKey(p.b.id, id)))
}

// of is what b has of a reservation of its own.
func (p *parties) of(id exchange.HoldID) *record.Reservation {
	return must(record.Get[record.Reservation](p.b.disks.Store, protocol.Codec{}, record.ReservationKey(id)))
}

// stands reports that both shops have a hold in a state, and owe each other nothing about it.
func (p *parties) stands(id exchange.HoldID, state hold.State) bool {
	at, of := p.at(id), p.of(id)
	return at != nil && of != nil && at.Hold.State == state && of.State == state && of.Settled() &&
		(state != hold.Held || at.Hold.Expires == of.Expires)
}

// sameHolds checks that b knows of all its holds at a, that none of b's is lost, and that nothing is owed.
func (p *parties) sameHolds() {
	p.w.t.Helper()
	if !p.stands(p.kept, hold.Held) {
		p.w.t.Errorf("a hold that was there before the cut: %+v at its supplier, %+v at its retailer", p.at(p.kept), p.of(p.kept))
	}
	for key, h := range booksOf(p.w, p.a).Holds {
		if key.Partner == p.b.id && h.Hold.State == hold.Held && !p.stands(key.ID, hold.Held) {
			p.w.t.Errorf("%d units are held, and their retailer has %+v", h.Hold.Units(), p.of(key.ID))
		}
	}
	for id, res := range booksOf(p.w, p.b).Reservations {
		if !res.Settled() || res.State == hold.Held && !p.stands(id, hold.Held) {
			p.w.t.Errorf("reservation %v is %+v, and its hold is %+v", id, res, p.at(id))
		}
	}
}
