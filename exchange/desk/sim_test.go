package desk_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/audit"
	"github.com/souk-market/souk/exchange/reservation"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// The simulation: four shops, each supplier and retailer of others, in one
// goroutine, on stores whose commits fail and in processes that die between commit
// and send; over a network that loses, doubles, delays and reorders requests and
// answers and is cut in one direction; with clocks that are wrong by an hour and jump.
// Everything that happens follows from the seed.
//
// After every step the independent checker of package audit adds up every shop's
// stock (I1); at times, and at the end of a round, it verifies and replays
// everything. A round ends with a healed network and must be at rest within 30
// seconds of its time (I9).
var (
	simSeed   = flag.Uint64("seed", 0, "run the simulation from this seed only; 0 is SOUK_SEED or a new one")
	simRounds = flag.Int("rounds", 0, "rounds of the simulation; 0 is as many as fit ten seconds")
	simSteps  = flag.Int("steps", 400, "steps of a round")
)

func TestSimulation(t *testing.T) {
	seed := *simSeed
	if seed == 0 {
		seed, _ = strconv.ParseUint(os.Getenv("SOUK_SEED"), 10, 64)
	}
	rounds, one := *simRounds, seed != 0
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	deadline := time.Now().Add(10 * time.Second)
	seen := tally{}
	defer func() { t.Logf("seen: %v", seen) }()
	for i := 0; rounds == 0 || i < rounds; i++ {
		if rounds == 0 && (one && i > 0 || time.Now().After(deadline)) {
			break
		}
		s := newSim(t, seed+uint64(i))
		s.seen = seen
		seen["rounds"]++
		s.run(*simSteps)
		if t.Failed() {
			t.Fatalf("again with: go test ./exchange/desk -run TestSimulation -seed %d -steps %d", s.w.seed, *simSteps)
		}
	}
}

type sim struct {
	*testing.T
	w      *world
	rng    *rand.Rand
	events []event
	sent   int  // events so far
	calm   bool // the network is healed
	cut    map[[2]*shop]bool
	what   string // the step that runs

	requests []sentHold          // hold requests that were sent, for replays
	answers  map[[32]byte][]byte // of hold requests that were recorded: must never change
	short    map[counted]int64
	counts   map[counted]bool                // shelves that this step counts
	ends     map[audit.Key]reservation.State // how holds ended; the partner is the supplier
	heads    map[chainAt]head
	placed   []placedOrder // acknowledged to the owner
	full     int
	verifier *cachedVerifier
	seen     tally
}

type counted struct {
	shop *shop
	sku  exchange.SKU
}

// tally counts what happened, to show that a simulation reaches what it should.
type tally map[string]int

type event struct {
	at    exchange.Time
	order int
	run   func()
}

type sentHold struct {
	from, to *shop
	raw      []byte
}

// head is where a shop's copy of a ledger ended when it was last read.
type head struct {
	position uint64
	hash     [32]byte
}

type chainAt struct {
	shop *shop
	id   audit.ChainID
}

type placedOrder struct {
	by *shop
	id exchange.OrderID
}

func newSim(t *testing.T, seed uint64) *sim {
	s := &sim{
		T: t, rng: rand.New(rand.NewPCG(seed, 7)), cut: map[[2]*shop]bool{},
		answers: map[[32]byte][]byte{}, short: map[counted]int64{}, counts: map[counted]bool{}, ends: map[audit.Key]reservation.State{},
		heads: map[chainAt]head{},
	}
	s.w = newWorld(t, seed, 4)
	s.verifier = &cachedVerifier{Verifier: s.w.verifier(), seen: map[[32]byte]error{}}
	s.w.fate, s.w.late, s.w.answered = s.fate, s.late, s.answered
	for _, a := range s.w.shops {
		a.policy.AcceptByHand = s.chance(0.3)
		must(t, a.desk.SetPolicy(a.policy))
		for i := range 3 {
			a.stock(sku(i), int64(s.rng.IntN(30)), int64(100+s.rng.IntN(9000)))
		}
		for _, b := range s.w.shops {
			if a != b && s.chance(0.6) {
				s.calm = true
				s.w.partner(a, b, s.terms())
			}
		}
	}
	s.calm = false
	return s
}

func sku(i int) exchange.SKU { return exchange.SKU("sku" + strconv.Itoa(i)) }

func (s *sim) chance(p float64) bool { return s.rng.Float64() < p }
func (s *sim) shop() *shop           { return s.w.shops[s.rng.IntN(len(s.w.shops))] }
func (s *sim) two() (a, b *shop) {
	a = s.shop()
	for b = s.shop(); a == b; b = s.shop() {
	}
	return a, b
}

func (s *sim) terms() exchange.Terms {
	t := exchange.DefaultTerms("EUR")
	t.Discount = exchange.BasisPoints(s.rng.IntN(5000))
	t.HoldLifetime = []time.Duration{10 * time.Second, time.Minute, time.Hour, time.Hour, exchange.MaxHoldLifetime}[s.rng.IntN(5)]
	t.OpenQuantity = []int64{3, 20, 1000}[s.rng.IntN(3)]
	t.AcceptWithin = []time.Duration{time.Minute, time.Hour}[s.rng.IntN(2)]
	t.Cancel = exchange.CancelRule(1 + s.rng.IntN(3))
	return t
}

func (s *sim) run(steps int) {
	for i := range steps {
		s.step(fmt.Sprintf("%d", i))
		if s.Failed() {
			return
		}
	}
	s.heal()
}

func (s *sim) step(name string) {
	s.what = name
	pause := time.Duration(s.rng.IntN(1500)) * time.Millisecond
	switch {
	case s.chance(0.05):
		pause = time.Duration(s.rng.IntN(120)) * time.Second
	case s.chance(0.004):
		pause = time.Duration(s.rng.IntN(11*24)) * time.Hour
	}
	s.advance(pause)
	s.couriers()
	for range 1 + s.rng.IntN(4) {
		s.act()
	}
	s.misfortune()
	s.check()
}

// advance lets time pass, and what is under way arrive.
func (s *sim) advance(d time.Duration) {
	until := s.w.now.Add(d)
	for {
		i := -1
		for j, e := range s.events {
			if e.at <= until && (i < 0 || e.at < s.events[i].at || e.at == s.events[i].at && e.order < s.events[i].order) {
				i = j
			}
		}
		if i < 0 {
			break
		}
		e := s.events[i]
		s.events = slices.Delete(s.events, i, i+1)
		s.w.now = max(s.w.now, e.at)
		e.run()
	}
	s.w.now = until
}

func (s *sim) after(d time.Duration, run func()) {
	s.sent++
	s.events = append(s.events, event{s.w.now.Add(d), s.sent, run})
}

// delay of one message: links are short, unless they are not.
func (s *sim) delay() time.Duration {
	if !s.calm && s.chance(0.1) {
		return time.Duration(s.rng.IntN(60_000)) * time.Millisecond
	}
	return time.Duration(1+s.rng.IntN(200)) * time.Millisecond
}

func (s *sim) broken(from, to *shop) bool {
	return !s.calm && (s.cut[[2]*shop{from, to}] || s.chance(0.1))
}

// fate of a request whose caller waits.
func (s *sim) fate(from, to *shop) fate {
	switch {
	case s.calm:
		return arrives
	case s.broken(from, to):
		if s.chance(0.3) && !s.cut[[2]*shop{from, to}] {
			return arrivesLate
		}
		return lost
	case s.broken(to, from):
		return replyLost
	case s.chance(0.1):
		return doneTwice
	}
	return arrives
}

func (s *sim) late(from, to *shop, raw []byte) {
	s.after(s.delay(), func() { to.serve(context.Background(), from.id, raw) })
}

// couriers sends what the desks want sent.
func (s *sim) couriers() {
	for _, from := range s.w.shops {
		if !s.calm && s.chance(0.3) {
			continue // a slow process
		}
		if err := from.desk.Tick(); err != nil && !from.died() {
			s.Errorf("%s: %v", from.name, err)
		}
		list, _ := from.desk.Outgoing()
		if !s.calm && len(list) > 0 && s.chance(0.03) { // the process dies between its commit and its sends
			from.restart()
			continue
		}
		for _, out := range list {
			s.send(from, out)
		}
	}
}

// send is one attempt of a courier: a request, and an answer or a time-out.
func (s *sim) send(from *shop, out desk.Outgoing) {
	to, life, done := s.w.shopOf(out.To), from.life, false
	finish := func(reply []byte, err error) {
		if done || from.life != life {
			return
		}
		done = true
		out.Done(context.Background(), reply, err)
		from.died()
	}
	deliver := func() {
		reply, err := to.serve(context.Background(), from.id, out.Raw)
		if !s.broken(to, from) {
			s.after(s.delay(), func() { finish(reply, err) })
		}
	}
	s.after(10*time.Second, func() { finish(nil, context.DeadlineExceeded) })
	if !s.broken(from, to) {
		s.after(s.delay(), deliver)
	}
	if !s.calm && s.chance(0.1) {
		s.after(s.delay(), deliver)
	}
}

// misfortune strikes stores, processes, clocks and links.
func (s *sim) misfortune() {
	a, b := s.two()
	switch {
	case s.chance(0.01):
		a.restart()
	case s.chance(0.03):
		a.mem.FailNext([]store.Fault{store.FaultRefuse, store.FaultBefore, store.FaultAfter}[s.rng.IntN(3)])
	case s.chance(0.02):
		s.cut[[2]*shop{a, b}] = true
	case s.chance(0.04):
		clear(s.cut)
	case s.chance(0.02):
		a.skew = time.Duration(s.rng.IntN(7200)-3600) * time.Second
	case s.chance(0.06):
		s.connect(a, b)
	}
}

// connect has two shops greet each other, if both can be reached.
func (s *sim) connect(a, b *shop) {
	if s.cut[[2]*shop{a, b}] || s.cut[[2]*shop{b, a}] {
		return
	}
	for range 2 {
		g, err := a.desk.Greeting(b.id)
		if err != nil {
			if !a.died() {
				s.Errorf("%s greets: %v", a.name, err)
			}
			return
		}
		if err := b.desk.Greeted(context.Background(), a.id, g); err != nil && !b.died() && !errors.Is(err, desk.ErrRefused) {
			s.Errorf("%s is greeted: %v", b.name, err)
		}
		a, b = b, a
	}
}

// heal repairs everything and lets 30 seconds pass.
func (s *sim) heal() {
	s.what, s.calm = "healing", true
	for _, a := range s.w.shops {
		a.mem.FailNext(store.FaultNone)
		a.died()
	}
	s.advance(time.Minute) // what was under way arrives, however late
	for i, a := range s.w.shops {
		for _, b := range s.w.shops[:i] {
			s.connect(a, b)
		}
	}
	for range 60 {
		s.advance(500 * time.Millisecond)
		s.couriers()
		s.check()
	}
	books := s.audit()
	s.tally(books)
	for i := range books {
		for j := range i {
			if err := audit.Healed(books[i], books[j]); err != nil {
				s.Errorf("30 s after healing: %v", err)
			}
		}
	}
	for _, a := range s.w.shops {
		if why := a.desk.Stopped(); why != "" {
			s.Errorf("%s stopped selling: %s", a.name, why)
		}
	}
	for _, p := range s.placed {
		o := books[slices.Index(s.w.shops, p.by)].Bought
		if !slices.ContainsFunc(keys(o), func(k audit.Key) bool {
			return k.ID == p.id && (o[k].Order.Submitted != 0 || o[k].Refusal != exchange.CodeOK)
		}) {
			s.Errorf("order %v of %s was acknowledged and is lost or unanswered", p.id, p.by.name)
		}
	}
}

func (s *sim) tally(books []*audit.Books) {
	for _, b := range books {
		for _, h := range b.Holds {
			s.seen["hold "+h.Hold.State.String()]++
			if h.Latest != nil {
				s.seen["hold changed"]++
			}
		}
		for _, o := range b.Sold {
			s.seen["order "+o.Order.Status().String()]++
		}
		for id, c := range b.Chains {
			if id.Supplier == b.Shop {
				s.seen["entries"] += len(c.Entries)
				s.seen["versions of terms"] += int(c.Partnership.State.Version)
				for _, e := range c.Entries {
					if e.Outcome != exchange.CodeOK {
						s.seen["request "+e.Outcome.String()]++
					}
				}
			}
		}
	}
}

func keys[K comparable, V any](m map[K]V) []K {
	var list []K
	for k := range m {
		list = append(list, k)
	}
	return list
}

// check adds up every shop's stock, and now and then audits everything.
func (s *sim) check() {
	for _, a := range s.w.shops {
		if a.died(); !a.changed {
			continue
		}
		a.changed = false
		b, err := audit.Counts(a.id, a.mem, protocol.Codec{})
		if err != nil {
			s.Errorf("seed %d, step %s: %s: %v", s.w.seed, s.what, a.name, err)
			continue
		}
		s.oversold(a, b)
	}
	clear(s.counts)
	if s.full++; s.full%50 == 0 {
		s.audit()
	}
}

// oversold checks that only a count of the shelf finds units missing.
func (s *sim) oversold(a *shop, b *audit.Books) {
	for sku, n := range b.Shortfalls() {
		k := counted{a, sku}
		if n > s.short[k] && !s.counts[k] {
			s.Errorf("seed %d, step %s: %s oversold %s by %d", s.w.seed, s.what, a.name, sku, n)
		}
		s.short[k] = n
	}
}

// audit reads, verifies and replays every shop's store, and compares what it
// finds with what was seen before.
func (s *sim) audit() []*audit.Books {
	var books []*audit.Books
	for _, a := range s.w.shops {
		b, err := audit.Shop(a.id, a.mem, protocol.Codec{}, s.verifier)
		if err != nil {
			s.Errorf("seed %d, step %s: %s: %v", s.w.seed, s.what, a.name, err)
		}
		if b == nil {
			s.FailNow()
		}
		books = append(books, b)
		s.endedOnce(a, b)
		s.grown(a, b)
	}
	for i := range books {
		for j := range i {
			if err := audit.Pair(books[i], books[j]); err != nil {
				s.Errorf("seed %d, step %s: %v", s.w.seed, s.what, err)
			}
		}
	}
	return books
}

// endedOnce checks that a hold that ended stays as it is (I6).
func (s *sim) endedOnce(a *shop, b *audit.Books) {
	for k, h := range b.Holds {
		k.Partner = a.id
		if before, ended := s.ends[k]; ended && before != h.Hold.State {
			s.Errorf("step %s: hold %v was %v and is %v", s.what, k.ID, before, h.Hold.State)
		}
		if h.Hold.State.Terminal() {
			s.ends[k] = h.Hold.State
		}
	}
}

// grown checks that a ledger only ever grows at its end.
func (s *sim) grown(a *shop, b *audit.Books) {
	for id, c := range b.Chains {
		k := chainAt{a, id}
		if h := s.heads[k]; h.position > 0 && (len(c.Entries) < int(h.position) || c.Entries[h.position-1].Hash != h.hash) {
			s.Errorf("seed %d, step %s: %s: entry %d is lost or changed", s.w.seed, s.what, a.name, h.position)
		}
		s.heads[k] = head{c.Record.Chain.Position, c.Record.Chain.Hash}
	}
}

// answered sees every answer to a trade request that a shop gave, delivered or
// not: the same request gets the same bytes, as long as a record is kept (I2, I4).
func (s *sim) answered(from, to *shop, raw, reply []byte) {
	if desk.Kind(raw[0]) != desk.KindHold {
		return
	}
	key := sha256.Sum256(slices.Concat(from.id[:], to.id[:], raw))
	a := s.open(to, reply)
	before, known := s.answers[key]
	switch {
	case !known && a.Refusal != exchange.CodeConflict && a.Refusal != exchange.CodeTooOld && a.Refusal != exchange.CodeInvalid:
		s.answers[key] = reply
	case known && a.Refusal != exchange.CodeTooOld && !bytes.Equal(before, reply):
		s.Errorf("seed %d, step %s: a hold request got two answers: %+v then %+v", s.w.seed, s.what, s.open(to, before), a)
	case known && a.Refusal == exchange.CodeTooOld && a.Hold.Window()+exchange.WindowsKept >= exchange.Window(a.At/86_400_000):
		s.Errorf("step %s: a hold's record was pruned while its window is kept", s.what)
	}
}

func (s *sim) open(by *shop, reply []byte) *desk.HoldAnswer {
	s.Helper()
	v, err := protocol.Codec{}.Decode(desk.KindSealedAnswer, reply[1:])
	must(s, err)
	payload, err := s.verifier.Open(by.id, v.(*desk.SealedAnswer).Sealed)
	must(s, err)
	v, err = protocol.Codec{}.Decode(desk.KindHoldAnswer, payload)
	must(s, err)
	return v.(*desk.HoldAnswer)
}

// cachedVerifier verifies each signature once, however often books are read.
type cachedVerifier struct {
	*protocol.Verifier
	seen map[[32]byte]error
}

func (v *cachedVerifier) Verify(domain string, by exchange.ShopID, payload, sig []byte) error {
	key := sha256.Sum256(slices.Concat([]byte(domain), by[:], sig, payload))
	err, ok := v.seen[key]
	if !ok {
		err = v.Verifier.Verify(domain, by, payload, sig)
		v.seen[key] = err
	}
	return err
}
