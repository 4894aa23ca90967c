package trade_test

import (
	"context"
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/bridge"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

var bridgeRounds = flag.Int("bridge.rounds", 0, "rounds of the simulation of a bridge; 0 is as many as fit five seconds")

// TestFault45 is the simulation with a bridge at the first shop, whose own system is slow, fails,
// answers late or nonsense, does things twice, and dies, as the shop does between any two steps. It
// sells at a checkout of its own meanwhile. In half of the rounds it lies and is put back from old
// copies too.
//
// At every step: no order is accepted without a yes to its commit; and as long as the system keeps
// its word, what is held or accepted at the shop is set aside there. After healing: nothing is set
// aside there that is not held or ordered here, and every unit is accounted for.
func TestFault45(t *testing.T) {
	seed := *simSeed
	if seed == 0 {
		seed, _ = strconv.ParseUint(os.Getenv("SOUK_SEED"), 10, 64)
	}
	rounds, one := *bridgeRounds, seed != 0
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	deadline := time.Now().Add(5 * time.Second)
	seen := tally{}
	defer func() { t.Logf("seen: %v", seen) }()
	for i := 0; rounds == 0 || i < rounds; i++ {
		if rounds == 0 && (one && i > 0 || time.Now().After(deadline)) {
			break
		}
		s := newSim(t, seed+uint64(i))
		s.seen = seen
		seen["rounds"]++
		h := s.bridge()
		s.run(*simSteps)
		if !t.Failed() {
			h.rest()
		}
		if t.Failed() {
			t.Fatalf("again with: go test ./exchange/trade -run TestFault45 -seed %d -steps %d", s.w.Seed, *simSteps)
		}
	}
}

// hostile is the own system of a shop in the simulation.
type hostile struct {
	*system
	s    *sim
	shop *desktest.Shop
	lies bool // it lies, and is put back from old copies

	total, sold map[exchange.SKU]int64   // that there ever were; that its own checkout sold
	down        exchange.Time            // it is off until then
	saw         map[exchange.HoldID]bool // that it said yes to their commits
	no          map[exchange.HoldID]bool // that it said no
	broken      map[exchange.HoldID]bool // it has not kept its word of these
	copy        *system
	soldThen    map[exchange.SKU]int64
	depth       int
	lives       map[*desktest.Shop]int // of the shops, as the step began
}

// bridge gives the first shop a system of its own.
func (s *sim) bridge() *hostile {
	h := &hostile{
		system: newSystem(func() exchange.Time { return s.w.Now }), s: s, shop: s.w.Shops[0], lies: s.chance(0.5),
		total: map[exchange.SKU]int64{}, sold: map[exchange.SKU]int64{}, saw: map[exchange.HoldID]bool{}, no: map[exchange.HoldID]bool{}, broken: map[exchange.HoldID]bool{},
	}
	for i := range 3 {
		h.free[sku(i)] = int64(s.rng.IntN(30))
		h.total[sku(i)] = h.free[sku(i)]
	}
	h.lives = map[*desktest.Shop]int{}
	delete(s.premises, h.shop) // its shelves are its system's
	h.shop.Bridge = h
	h.shop.Restart()
	for _, b := range s.w.Shops[1:] {
		s.connect(h.shop, b)
	}
	s.hostile = h
	return h
}

// fault does what goes wrong with a call: it reports that nothing was done, that what do does is done
// at once, or both, and the error with which the call ends.
func (h *hostile) fault(do func()) (err error) {
	s := h.s
	if s.calm {
		do()
		return nil
	}
	if s.w.Now < h.down {
		return errSystem
	}
	s.seen["calls"]++
	switch n := s.rng.IntN(100); {
	case n < 4:
		h.down = s.w.Now.Add(time.Duration(s.rng.IntN(60)) * time.Second)
		return errSystem
	case n < 12:
		return errSystem
	case n < 20:
		do()
		return errSystem
	case n < 28: // the call arrives, but not now
		s.seen["late calls"]++
		s.after(s.delay(), do)
		return errSystem
	case n < 34: // twice
		do()
		s.after(s.delay(), do)
	case n < 46: // slow: other things happen meanwhile
		if h.depth < 3 {
			h.depth++
			s.seen["slow calls"]++
			first := s.chance(0.5)
			if first {
				do()
			}
			s.advance(time.Duration(s.rng.IntN(2600)) * time.Millisecond)
			h.depth--
			if !first {
				do()
			}
			return nil
		}
		do()
	case n < 50: // the shop dies before it has noted the answer
		if s.chance(0.5) {
			do()
		}
		s.seen["deaths in a call"]++
		h.shop.Mem.FailNext([]store.Fault{store.FaultBefore, store.FaultAfter}[s.rng.IntN(2)])
	default:
		do()
	}
	return nil
}

func (h *hostile) Hold(ctx context.Context, asks []bridge.Ask) (list []bridge.Answer, err error) {
	if !h.s.calm && h.s.chance(0.1) { // its release overtakes it
		ask := asks[h.s.rng.IntN(len(asks))]
		if from := h.s.w.ShopOf(ask.Partner); from != nil && from != h.shop {
			h.s.seen["overtaken"]++
			h.s.late(from, h.shop, frameOf(h.s, ask.ID))
		}
	}
	err = h.fault(func() { list, _ = h.system.Hold(ctx, asks) })
	list = h.bend(list)
	if err == nil {
		for _, a := range list {
			h.no[a.ID] = h.no[a.ID] || !a.OK
		}
	}
	return list, err
}

func (h *hostile) Commit(ctx context.Context, refs []bridge.Ref) (list []bridge.Answer, err error) {
	err = h.fault(func() { list, _ = h.system.Commit(ctx, refs) })
	list = h.bend(list)
	if err == nil {
		for _, a := range list {
			h.saw[a.ID], h.no[a.ID] = h.saw[a.ID] || a.OK, h.no[a.ID] || !a.OK
		}
	}
	return list, err
}

func (h *hostile) Release(ctx context.Context, parts []bridge.Part) (list []bridge.Answer, err error) {
	err = h.fault(func() { list, _ = h.system.Release(ctx, parts) })
	if h.s.calm || h.s.chance(0.9) {
		return list, err
	}
	return list[:0], err
}

func (h *hostile) Changes(ctx context.Context, since string) (page bridge.Page, err error) {
	if !h.s.calm && h.s.chance(0.2) {
		return page, errSystem
	}
	return h.system.Changes(ctx, since)
}

func (h *hostile) Open(ctx context.Context, after exchange.HoldID) ([]bridge.Standing, error) {
	switch {
	case !h.s.calm && (h.s.w.Now < h.down || h.s.chance(0.2)):
		return nil, errSystem
	case !h.lies: // what is given back, is so without a comparison that finds it
		return nil, nil
	}
	return h.system.Open(ctx, after)
}

// bend makes nonsense, or lies, of answers.
func (h *hostile) bend(list []bridge.Answer) []bridge.Answer {
	s := h.s
	if s.calm || len(list) == 0 {
		return list
	}
	a := &list[s.rng.IntN(len(list))]
	switch n := s.rng.IntN(100); {
	case n < 2:
		return list[1:]
	case n < 4:
		return append(list, *a)
	case n < 6:
		a.ID[7]++
	case n < 8:
		*a = bridge.Answer{ID: a.ID, Problem: bridge.Busy}
	case n < 10 && h.lies:
		s.seen["lies"]++
		h.broken[a.ID] = true
		*a = bridge.Answer{ID: a.ID, OK: !a.OK}
	}
	return list
}

func frameOf(s *sim, id exchange.HoldID) []byte { return frame(s, &message.Release{ID: id}) }

// live is what the system does by itself between two steps.
func (h *hostile) live() {
	s := h.s
	i := sku(s.rng.IntN(3))
	h.deal()
	switch n := s.rng.IntN(20); {
	case n < 6:
		if want := int64(1 + s.rng.IntN(3)); want <= h.free[i] {
			h.free[i] -= want
			h.sold[i] += want
			s.seen["own checkout"]++
		}
	case n < 9:
		more := int64(1 + s.rng.IntN(12))
		h.free[i] += more
		h.total[i] += more
		if h.copy != nil { // what has come lies there, whatever a copy says
			h.copy.free[i] += more
		}
	case n < 10 && h.lies:
		h.copy, h.soldThen = h.system.clone(), cloned(h.sold)
	case n < 11 && h.lies && h.copy != nil && s.chance(0.3):
		s.seen["old copies"]++
		for id := range h.asks {
			h.broken[id] = true
		}
		h.system, h.sold, h.copy = h.copy, h.soldThen, nil
	case n < 14:
		h.shop.Desk.Bridged.Poll(context.Background())
	case n < 15:
		s.allowCall(h.shop, h.shop.Desk.Bridged.Compare(context.Background()))
	}
	h.shop.Died()
}

// deal has a partner reserve at the shop, and order at times, beside what all shops do.
func (h *hostile) deal() {
	s := h.s
	a := s.w.Shops[1+s.rng.IntN(len(s.w.Shops)-1)]
	if !slices.Contains(a.Desk.Partnerships.Suppliers(), h.shop.ID) || s.chance(0.3) {
		return
	}
	var tail [12]byte
	a.Random.Read(tail[:])
	id, err := a.Desk.Retailer.NewID(h.shop.ID, tail)
	if err != nil {
		return
	}
	r := trade.ReserveRequest{Supplier: h.shop.ID, ID: id, Country: "SE", Lines: exchangetest.Lines(exchange.Line{SKU: sku(s.rng.IntN(3)), Quantity: exchange.Quantity(1 + s.rng.IntN(2))})}
	_, err = a.Desk.Retailer.Reserve(context.Background(), r)
	s.allow(a, err)
	if err == nil && s.chance(0.7) {
		s.order(a, id)
	}
}

// allowCall reports an error of a call that is neither the system's nor a misfortune.
func (s *sim) allowCall(a *desktest.Shop, err error) {
	var ours *exchange.Error
	if errors.As(err, &ours) {
		s.allow(a, err)
	}
	a.Died()
}

// tells makes the calls that are due, and at times dies before it has noted the answers, or notes
// them later.
func (h *hostile) tells() {
	s, life := h.s, h.shop.Life
	list, _ := h.shop.Desk.Bridged.Calls()
	for _, c := range list {
		c.Make(context.Background())
		switch {
		case h.shop.Died() || h.shop.Life != life:
			return
		case !s.calm && s.chance(0.04):
			h.shop.Restart()
			return
		case !s.calm && s.chance(0.2):
			s.after(s.delay(), func() {
				if h.shop.Life == life {
					c.Done(context.Background())
					h.shop.Died()
				}
			})
		default:
			c.Done(context.Background())
		}
	}
	h.shop.Died()
}

// judge checks what must be so at every step.
func (h *hostile) judge() {
	b, err := audit.Shop(h.shop.ID, h.shop.Mem, protocol.Codec{}, h.s.verifier)
	if err != nil {
		h.s.Errorf("seed %d, step %s: %v", h.s.w.Seed, h.s.what, err)
	}
	if b == nil {
		return
	}
	for k, o := range b.Sales {
		if o.Order.Accepted != 0 && !h.saw[k.ID] {
			h.s.Errorf("seed %d, step %s: order %v was accepted, and the system never said yes to it", h.s.w.Seed, h.s.what, k.ID)
		}
	}
	for id := range b.Own {
		if !h.saw[id] {
			h.s.Errorf("seed %d, step %s: %v was sold, and the system never said yes to it", h.s.w.Seed, h.s.what, id)
		}
	}
	for _, k := range b.Unconfirmed() {
		h.s.Errorf("seed %d, step %s: order %v was accepted, and no yes is noted", h.s.w.Seed, h.s.what, k.ID)
	}
	h.backed(b)
	for i := range 3 {
		h.accounted(sku(i))
	}
}

// backed checks that what is promised here is set aside there.
func (h *hostile) backed(b *audit.Books) {
	needs := func(what string, id exchange.HoldID, sku exchange.SKU, units int64, states ...bridge.State) {
		if units == 0 || h.broken[id] {
			return
		}
		a := h.asks[id]
		for _, st := range states {
			if a != nil && a.state == st && a.left[sku] >= units {
				return
			}
		}
		h.s.Errorf("seed %d, step %s: %s %v has %d of %s, and the system has %+v", h.s.w.Seed, h.s.what, what, id, units, sku, a)
	}
	for k, held := range b.Holds {
		for _, l := range held.Hold.Lines.All() {
			if held.Hold.State == hold.Held {
				needs("hold", k.ID, l.SKU, int64(l.Quantity), bridge.Held, bridge.Committed)
			}
		}
	}
	for k, o := range b.Sales {
		if o.Order.Accepted == 0 {
			continue
		}
		for _, l := range o.Order.Lines {
			needs("accepted order", k.ID, l.SKU, l.Ordered-l.Cancelled, bridge.Committed)
		}
	}
	for id, sale := range b.Own {
		for _, l := range sale.Sale.Order.Lines {
			needs("sale", id, l.SKU, l.Ordered-l.Cancelled, bridge.Committed)
		}
	}
}

// accounted checks that the system has promised and sold no more than there was.
func (h *hostile) accounted(sku exchange.SKU) {
	held, committed := h.setAsideOf(sku)
	if h.free[sku] < 0 || h.free[sku]+held+committed+h.sold[sku] != h.total[sku] {
		h.s.Errorf("seed %d, step %s: of %d %s, %d are free, %d set aside, %d ordered and %d sold at the own checkout",
			h.s.w.Seed, h.s.what, h.total[sku], sku, h.free[sku], held, committed, h.sold[sku])
	}
}

// rest lets a quarter of an hour pass after healing, and checks that the system has set aside what
// is held and ordered here, and nothing else.
func (h *hostile) rest() {
	s := h.s
	s.what = "at rest"
	for range 90 {
		s.advance(10 * time.Second)
		s.senders()
		h.shop.Desk.Bridged.Poll(context.Background())
	}
	b, err := audit.Shop(h.shop.ID, h.shop.Mem, protocol.Codec{}, s.verifier)
	if err != nil {
		s.Errorf("seed %d, at rest: %v", s.w.Seed, err)
	}
	if b.Untold() > 0 {
		s.Errorf("seed %d: %d messages to the system wait at rest: %+v", s.w.Seed, b.Untold(), h.shop.Desk.Bridged.Status())
	}
	h.judge()
	for id, a := range h.asks {
		var here *record.Order
		held := false
		for _, p := range s.w.Shops {
			k := audit.Key{Partner: p.ID, ID: id}
			if r := b.Holds[k]; r != nil {
				held = held || r.Hold.State == hold.Held
			}
			if o := b.Sales[k]; o != nil {
				here = o
			}
		}
		if sale := b.Own[id]; sale != nil {
			here = &sale.Sale
		}
		switch a.state {
		case bridge.Held:
			if !held {
				s.Errorf("seed %d, at rest: %v is set aside at the system for nobody: %+v", s.w.Seed, id, a)
			}
		case bridge.Committed:
			if here == nil && !held {
				s.Errorf("seed %d, at rest: %v is ordered at the system and not here: %+v", s.w.Seed, id, a)
				continue
			}
			for sku, left := range a.left {
				if here == nil {
					continue
				}
				want := int64(0)
				for _, l := range here.Order.Lines {
					if l.SKU == sku {
						want = l.Ordered - l.Cancelled
					}
				}
				if left > want || left < want && !h.broken[id] {
					s.Errorf("seed %d, at rest: %v has %d of %s at the system, %d here", s.w.Seed, id, left, sku, want)
				}
			}
		}
		s.seen["system "+string(a.state)]++
	}
	for k, r := range b.Holds {
		if a := h.asks[k.ID]; r.Hold.State == hold.Held && !h.no[k.ID] && (a == nil || a.state != bridge.Held && a.state != bridge.Committed) {
			s.Errorf("seed %d, at rest: hold %v is not set aside at the system, which was not asked again", s.w.Seed, k.ID)
		}
	}
	for k, o := range b.Sales {
		if a := h.asks[k.ID]; o.Order.Accepted != 0 && !o.Order.Status().Terminal() && openUnits(o) && !h.no[k.ID] && (a == nil || a.state != bridge.Committed) {
			s.Errorf("seed %d, at rest: order %v is not committed at the system, which was not told again", s.w.Seed, k.ID)
		}
	}
	st := h.shop.Desk.Bridged.Status()
	s.seen["denied"] += int(st.Denied)
	s.seen["lost"] += int(st.Lost)
}

func openUnits(o *record.Order) bool {
	return slices.ContainsFunc(o.Order.Lines, func(l order.Line) bool { return l.Open() > 0 })
}

func (s *system) clone() *system {
	c := newSystem(s.now)
	c.free = cloned(s.free)
	for id, a := range s.asks {
		n := *a
		n.left, n.parts = cloned(a.left), cloned(a.parts)
		c.asks[id] = &n
	}
	return c
}

func cloned[K comparable, V any](m map[K]V) map[K]V {
	c := make(map[K]V, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}
