package trade_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/basket"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// The simulation of baskets: a retailer with products of its own and three suppliers. A round is one
// customer or two, who hold, repeat, extend, order and release, over a network that loses, doubles,
// delays and reorders, at suppliers that are silent, slow, refuse, recall, or run on an older copy
// for a while; every process dies at any of its commits. Then everything is healed, and judged; then
// time passes until all holds are over, and is judged again. Everything follows from the seed.
var (
	basketRounds = flag.Int("basket.rounds", 0, "rounds of the simulation of baskets; 0 is as many as fit five seconds")
	basketSeed   = flag.Uint64("basket.seed", 0, "its seed; 0 is SOUK_SEED or a new one")
)

func TestBasketSimulation(t *testing.T) {
	seed := *basketSeed
	if seed == 0 {
		if seed, _ = strconv.ParseUint(os.Getenv("SOUK_SEED"), 10, 64); seed == 0 {
			seed = rand.Uint64() >> 11
		}
	}
	t.Logf("seed %d", seed)
	seen := tally{}
	deadline := time.Now().Add(5 * time.Second)
	began := time.Now()
	for n := uint64(0); *basketRounds > 0 && seen["rounds"] < *basketRounds || *basketRounds == 0 && time.Now().Before(deadline); n++ {
		s := newBasketSim(t, seed+n, seen)
		for range roundsOfAWorld {
			s.round()
			if t.Failed() {
				t.Fatalf("again with: go test ./exchange/trade -run TestBasketSimulation -basket.rounds %d -basket.seed %d", roundsOfAWorld, seed+n)
			}
		}
	}
	t.Logf("%.0f rounds a second; seen: %v", float64(seen["rounds"])/time.Since(began).Seconds(), seen)
}

// roundsOfAWorld bounds what a world's stores hold; making one costs as much as some rounds.
const roundsOfAWorld = 20

type basketSim struct {
	*stall
	rng   *rand.Rand
	seen  tally
	calm  bool
	mood  map[*desktest.Shop]mood
	fuses map[*desktest.Shop]*fuse
	late  []func()
	keys  byte
	n     int // the round
	wraps *cachedVerifier

	wishes  []*basketWish // of this round
	backup  map[*desktest.Shop]*store.Mem
	newest  map[*desktest.Shop]*store.Mem // of suppliers that run on an older copy
	lost    bool                          // a process died while suppliers were asked: its intent may be lost
	olden   bool                          // a supplier has run on an older copy
	copied  bool                          // the same, in any round: what the copy has answered, the newest does not know
	ordered map[exchange.BasketID]bool    // acknowledged
}

// mood is how a supplier is in a round.
type mood int

const (
	fine mood = iota
	silent
	slow
	empty
	byHand
)

// fuse has a process die, or its store refuse, at its n-th commit from now.
type fuse struct {
	n     int
	fault store.Fault
}

// basketWish is what one customer wants, and was told.
type basketWish struct {
	req  trade.BasketRequest
	id   exchange.BasketID // zero = not known
	told bool              // it is held, and nobody was told otherwise
	// spoiled: a part has ended by itself, of which the retailer may not have heard yet.
	spoiled bool
}

func newBasketSim(t *testing.T, seed uint64, seen tally) *basketSim {
	s := &basketSim{
		rng: rand.New(rand.NewPCG(seed, 9)), seen: seen, calm: true, mood: map[*desktest.Shop]mood{}, fuses: map[*desktest.Shop]*fuse{},
		backup: map[*desktest.Shop]*store.Mem{}, newest: map[*desktest.Shop]*store.Mem{}, ordered: map[exchange.BasketID]bool{},
	}
	w := desktest.NewWorld(t, seed, 4)
	s.stall = &stall{World: w, retailer: w.Shops[0], suppliers: w.Shops[1:]}
	s.wraps = &cachedVerifier{Verifier: w.Verifier(), seen: map[[32]byte]error{}}
	s.retailer.Stock("cup", 200, 700)
	terms := exchange.DefaultTerms("EUR")
	terms.OpenQuantity = 10_000
	terms.AcceptWithin = time.Hour
	for _, shop := range s.suppliers {
		shop.Stock("shoe", 200, 9900)
		w.Partner(shop, s.retailer, terms)
	}
	for _, shop := range w.Shops {
		shop.Committing = func() { s.committing(shop) }
	}
	w.Fate, w.Late = s.fate, func(from, to *desktest.Shop, raw []byte) {
		s.late = append(s.late, func() { _, _ = to.Serve(context.Background(), from.ID, raw) })
	}
	return s
}

func (s *basketSim) chance(p float64) bool { return s.rng.Float64() < p }

func (s *basketSim) committing(shop *desktest.Shop) {
	f := s.fuses[shop]
	if f == nil {
		return
	}
	if f.n--; f.n <= 0 {
		delete(s.fuses, shop)
		s.seen[fmt.Sprintf("fault %d", f.fault)]++
		shop.Mem.FailNext(f.fault)
	}
}

func (s *basketSim) fate(from, to *desktest.Shop) desktest.Fate {
	if s.calm {
		return desktest.Arrives
	}
	supplier := to
	if from != s.retailer {
		supplier = from
	}
	switch {
	case s.mood[supplier] == silent:
		return []desktest.Fate{desktest.Lost, desktest.Lost, desktest.NotSent}[s.rng.IntN(3)]
	case s.mood[supplier] == slow && s.chance(0.5):
		return desktest.ArrivesLate
	case s.chance(0.04):
		return desktest.Lost
	case s.chance(0.06):
		return desktest.ReplyLost
	case s.chance(0.06):
		return desktest.ArrivesLate
	case s.chance(0.1):
		return desktest.DoneTwice
	case s.chance(0.02):
		return desktest.NotSent
	}
	return desktest.Arrives
}

// arrive delivers some of what is under way, in any order.
func (s *basketSim) arrive(all bool) {
	for len(s.late) > 0 && (all || s.chance(0.6)) {
		i := s.rng.IntN(len(s.late))
		run := s.late[i]
		s.late = append(s.late[:i], s.late[i+1:]...)
		run()
		s.died()
	}
}

// died restarts whoever has died.
func (s *basketSim) died() {
	for _, shop := range s.Shops {
		if shop.Died() {
			s.seen["died"]++
		}
	}
}

// send does what the desks have to do and want sent.
func (s *basketSim) send() {
	for _, from := range s.Shops {
		if err := from.Desk.Tick(); err != nil && !from.Died() {
			s.T.Errorf("%s: %v", from.Name, err)
		}
		s.died()
		life := from.Life
		list, _ := from.Desk.Outgoing()
		for _, out := range list {
			if from.Life != life {
				break
			}
			to := s.ShopOf(out.To)
			reply, err := []byte(nil), error(desktest.ErrLost)
			serve := func() { reply, err = to.Serve(context.Background(), from.ID, out.Raw) }
			switch s.fate(from, to) {
			case desktest.Arrives:
				serve()
			case desktest.DoneTwice:
				serve()
				s.late = append(s.late, func() { _, _ = to.Serve(context.Background(), from.ID, out.Raw) })
			case desktest.ReplyLost:
				serve()
				reply, err = nil, desktest.ErrLost
			case desktest.ArrivesLate:
				s.late = append(s.late, func() { _, _ = to.Serve(context.Background(), from.ID, out.Raw) })
			}
			if from.Life == life && !from.Died() {
				out.Done(context.Background(), reply, err)
			}
			s.died()
		}
	}
}

func (s *basketSim) round() {
	s.seen["rounds"]++
	s.n++
	s.begin()
	for range 3 + s.rng.IntN(9) {
		s.act()
		s.died()
		if s.chance(0.6) {
			s.arrive(false)
		}
		if s.chance(0.6) {
			s.send()
		}
		s.Now = s.Now.Add(time.Duration(s.rng.IntN(4000)) * time.Millisecond)
	}
	s.heal()
	s.judge(false)
	s.Now = s.Now.Add(31 * time.Minute)
	s.rest(90 * time.Second)
	s.judge(true)
	if s.n == roundsOfAWorld {
		s.audit()
	}
}

// begin is a round's beginning: moods, wishes, and who will die when.
func (s *basketSim) begin() {
	s.calm, s.lost, s.olden, s.wishes = false, false, false, nil
	for _, shop := range s.suppliers {
		s.mood[shop] = []mood{fine, fine, fine, fine, slow, silent, empty, byHand}[s.rng.IntN(8)]
		shop.Policy.AcceptByHand = s.mood[shop] == byHand
		desktest.Must(s.T, shop.Desk.SetPolicy(shop.Policy))
	}
	for range 1 + s.rng.IntN(2) {
		s.wishes = append(s.wishes, s.wish())
	}
	for _, shop := range s.Shops {
		p := 0.15
		if shop == s.retailer {
			p = 0.8
		}
		delete(s.fuses, shop)
		if s.chance(p) {
			s.fuses[shop] = &fuse{1 + s.rng.IntN(14), []store.Fault{store.FaultBefore, store.FaultAfter, store.FaultAfter, store.FaultRefuse}[s.rng.IntN(4)]}
		}
	}
	s.backup[s.suppliers[0]] = nil
	if s.chance(0.2) {
		s.backup[s.suppliers[0]] = s.suppliers[0].Mem.Clone()
	}
}

func (s *basketSim) wish() *basketWish {
	s.keys++
	w := &basketWish{req: trade.BasketRequest{Country: "SE", Partial: s.chance(0.3), Lifetime: 20 * time.Minute}}
	w.req.Key = trade.ReservationKey{s.keys, byte(s.n), 1}
	line := func(sku exchange.SKU, n int) exchange.Lines {
		return exchangetest.Lines(exchange.Line{SKU: sku, Quantity: exchange.Quantity(n)})
	}
	for _, shop := range s.suppliers {
		units := 1 + s.rng.IntN(2)
		if s.mood[shop] == empty && s.chance(0.7) {
			units = 500
		}
		if s.chance(0.8) {
			w.req.Parts = append(w.req.Parts, trade.BasketPart{Supplier: shop.ID, Lines: line("shoe", units)})
		}
	}
	if s.chance(0.6) || len(w.req.Parts) == 0 {
		units := 1 + s.rng.IntN(2)
		if s.chance(0.05) {
			units = 500
		}
		w.req.Parts = append(w.req.Parts, trade.BasketPart{Supplier: s.retailer.ID, Lines: line("cup", units)})
	}
	return w
}

// act is one thing that a customer, an owner or a machine does.
func (s *basketSim) act() {
	w := s.wishes[s.rng.IntN(len(s.wishes))]
	switch n := s.rng.IntN(20); {
	case w.id.IsZero() || n < 3:
		s.holdIt(w)
	case n < 10:
		s.orderIt(w)
	case n < 12:
		_, _ = s.baskets().Extend(desktest.Ctx, w.id, s.Now.Add(25*time.Minute))
	case n < 13:
		w.told = false
		_, _ = s.baskets().Release(desktest.Ctx, w.id)
	case n < 14:
		s.byHand(w)
	case n < 15:
		shop := s.Shops[s.rng.IntN(4)]
		shop.Restart()
	case n < 16:
		if shop := s.suppliers[s.rng.IntN(3)]; s.mood[shop] == byHand {
			s.decide(shop)
		}
	case n < 18:
		s.older()
	}
}

func (s *basketSim) holdIt(w *basketWish) {
	s.baskets().AsksFirst(s.chance(0.3))
	life := s.retailer.Life
	b, err := s.baskets().Hold(desktest.Ctx, w.req)
	var no *trade.BasketError
	switch {
	case err == nil:
		w.id = b.ID
		if b.State.IsHeld() {
			s.seen["held"]++
			w.told = !w.spoiled
		}
	case errors.As(err, &no):
		w.id, w.told = no.Basket.ID, false
		s.seen["not held"]++
	default:
		w.told = false
		s.seen["not answered"]++
	}
	if s.retailer.Died() || s.retailer.Life != life {
		s.lost = true
	}
}

func (s *basketSim) orderIt(w *basketWish) {
	o := trade.BasketOrder{Delivery: desktest.Stockholm, CancelRest: w.req.Key[0]%3 == 0}
	b, err := s.baskets().Order(desktest.Ctx, w.id, o)
	if err == nil {
		s.ordered[b.ID] = true
		s.seen["ordered"]++
	} else if code := exchange.CodeOf(err); w.told && (code == exchange.CodeReleased || code == exchange.CodeExpired) {
		s.T.Errorf("seed %d: a basket that is held was not ordered: %v", s.Seed, err)
	}
}

// byHand ends a part of a basket by itself.
func (s *basketSim) byHand(w *basketWish) {
	b, err := s.baskets().Find(w.id)
	if err != nil || !b.State.IsHeld() {
		return
	}
	w.told, w.spoiled = false, true
	p := b.Parts[s.rng.IntN(len(b.Parts))]
	s.seen["by hand"]++
	switch {
	case p.Supplier == s.retailer.ID:
		_, _ = s.retailer.Desk.Own.Release(desktest.Ctx, p.Hold)
	case s.chance(0.5):
		_, _ = s.retailer.Desk.Retailer.Release(desktest.Ctx, p.Hold)
	default:
		for _, w := range s.wishes {
			w.told, w.spoiled = false, true
		}
		_, _ = s.ShopOf(p.Supplier).Desk.Supplier.ReleaseProduct(desktest.Ctx, "shoe")
	}
}

// decide has an owner accept or reject what was ordered.
func (s *basketSim) decide(shop *desktest.Shop) {
	var open []exchange.OrderID
	_ = shop.Desk.Orders.Visit(trade.OrderRange{Sides: []exchange.Party{exchange.Supplier}}, func(r trade.OrderRow) bool {
		if r.Order.Order.Status() == order.Submitted {
			open = append(open, r.Order.ID)
		}
		return true
	})
	for _, id := range open {
		if s.chance(0.5) {
			_, _ = shop.Desk.Supplier.AcceptOrder(desktest.Ctx, id)
		} else {
			_, _ = shop.Desk.Supplier.RejectOrder(desktest.Ctx, id, "broken")
		}
		s.died()
	}
}

// older has a supplier run on an older copy of its folder, where a greeting proves it; the newest
// copy is put back when the round is healed.
func (s *basketSim) older() {
	shop := s.suppliers[0]
	old := s.backup[shop]
	if old == nil || s.newest[shop] != nil {
		return
	}
	proof, err := s.retailer.Desk.Partnerships.Get(shop.ID, exchange.Retailer)
	if err != nil {
		return
	}
	newest := shop.Mem.Clone()
	shop.Mem = old
	shop.Restart()
	now, err := shop.Desk.Partnerships.Get(s.retailer.ID, exchange.Supplier)
	if err != nil || now.Position >= proof.Position { // nobody could tell
		shop.Mem = newest
		shop.Restart()
		return
	}
	s.newest[shop] = newest
	s.olden, s.copied = true, true
	s.seen["older copy"]++
	for _, w := range s.wishes {
		w.told, w.spoiled = false, true
	}
	s.greet(shop)
}

func (s *basketSim) greet(shop *desktest.Shop) {
	a, b := s.retailer, shop
	for range 2 {
		if g, err := a.Desk.Ledgers.Greeting(b.ID); err == nil {
			_ = b.Desk.Ledgers.Greeted(context.Background(), a.ID, g)
		}
		s.died()
		a, b = b, a
	}
}

// heal repairs everything and lets time pass, until nobody owes an answer.
func (s *basketSim) heal() {
	s.calm = true
	clear(s.fuses)
	for _, shop := range s.Shops {
		shop.Mem.FailNext(store.FaultNone)
		if newest := s.newest[shop]; newest != nil {
			shop.Mem = newest
			shop.Restart()
			delete(s.newest, shop)
		}
	}
	s.died()
	s.arrive(true)
	for _, shop := range s.suppliers {
		s.greet(shop)
	}
	s.rest(50 * time.Second)
	for _, shop := range s.suppliers {
		s.decide(shop)
	}
	s.rest(10 * time.Second)
}

// rest lets time pass while everything arrives.
func (s *basketSim) rest(d time.Duration) {
	for until := s.Now.Add(d); s.Now < until; {
		s.send()
		s.arrive(true)
		s.Now = s.Now.Add(5 * time.Second)
	}
}

// judge checks what must be true once everything is healed; over says that every hold's time is up.
func (s *basketSim) judge(over bool) {
	owned, known := map[exchange.HoldID]bool{}, map[exchange.HoldID]bool{}
	fail := func(format string, args ...any) {
		s.T.Helper()
		s.T.Errorf("seed %d, round %d, over %v: %s", s.Seed, s.n, over, fmt.Sprintf(format, args...))
	}
	err := s.baskets().Visit(exchange.BasketID{}, func(b *trade.Basket) bool {
		for i := range b.Parts {
			p := &b.Parts[i]
			known[p.Hold] = true
			if p.State == basket.PartHeld {
				owned[p.Hold] = true
			} else if !p.State.Ended() {
				fail("basket %v is %v, and its part %d is %v: %s", b.ID, b.State, i, p.State, p.Detail)
			}
		}
		switch {
		case b.State.IsHeld() && !over, b.State.Terminal():
		default:
			fail("basket %v is %v", b.ID, b.State)
		}
		if s.ordered[b.ID] && b.State != basket.Done {
			fail("basket %v was ordered, and is %v", b.ID, b.State)
		}
		s.paidBack(b, fail)
		return true
	})
	desktest.Must(s.T, err)
	for _, w := range s.wishes {
		if w.id.IsZero() {
			continue
		}
		b, err := s.baskets().Find(w.id)
		if err != nil {
			fail("basket %v: %v", w.id, err)
			continue
		}
		if over {
			s.seen[b.State.String()]++
		}
		if w.told && !over && !b.State.IsHeld() && b.State != basket.Done {
			fail("basket %v is %v, and its caller was told that it is held", w.id, b.State)
		}
	}
	for _, shop := range s.Shops {
		books, err := audit.Counts(shop.ID, shop.Mem, protocol.Codec{})
		if err != nil {
			fail("%s: %v", shop.Name, err)
			continue
		}
		for k, h := range books.Holds {
			if h.Hold.State != hold.Held || s.olden && !over {
				continue
			}
			switch {
			case over:
				fail("%s holds %v past its time", shop.Name, k.ID)
			case owned[k.ID]:
			case !known[k.ID] && s.lost:
				s.seen["held without an intent"]++
			default:
				fail("%s holds %v, which no basket keeps", shop.Name, k.ID)
			}
		}
		if n := len(books.Shortfalls()); n > 0 {
			fail("%s has promised more than it has", shop.Name)
		}
	}
}

// paidBack checks that each part of a basket that is done has its order, or a refund.
func (s *basketSim) paidBack(b *trade.Basket, fail func(string, ...any)) {
	if b.State != basket.Done {
		return
	}
	back := map[int]trade.Refund{}
	for _, r := range b.Refunds() {
		back[r.Part] = r
	}
	for i := range b.Parts {
		p, d := &b.Parts[i], &b.Details[i]
		r, refunded := back[i]
		var o *record.Order
		if o = d.Order; d.Sale != nil {
			o = &d.Sale.Sale
		}
		switch {
		case !p.State.IsOrdered():
			if !b.Partial {
				fail("basket %v is all or none and done, and part %d is %v", b.ID, i, p.State)
			}
		case o == nil:
			fail("basket %v is done, and part %d has no order", b.ID, i)
		case p.State == basket.PartRejected:
			s.seen["rejected"]++
			if !refunded || r.Amount.Minor != o.Quote.Total {
				fail("part %d of basket %v was rejected, and %+v is paid back of %d", i, b.ID, r, o.Quote.Total)
			}
		case r.Amount.Minor+o.Due() != o.Quote.Total:
			fail("part %d of basket %v: %d due and %d paid back of %d", i, b.ID, o.Due(), r.Amount.Minor, o.Quote.Total)
		}
	}
}

// audit reads, verifies and compares all books.
func (s *basketSim) audit() {
	var books []*audit.Books
	for _, shop := range s.Shops {
		b, err := audit.Shop(shop.ID, shop.Mem, protocol.Codec{}, s.wraps)
		if err != nil {
			s.T.Fatalf("seed %d: %s: %v", s.Seed, shop.Name, err)
		}
		books = append(books, b)
	}
	for i := range books {
		for j := range i {
			if s.copied && i == 1 {
				continue
			}
			if err := audit.Healed(books[i], books[j]); err != nil {
				s.T.Errorf("seed %d: %v", s.Seed, err)
			}
		}
	}
}
