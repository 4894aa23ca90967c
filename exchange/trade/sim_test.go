package trade_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/store"
)

// The simulation: four shops, each supplier and retailer of others, in one
// goroutine, on stores whose commits fail and in processes that die between commit
// and send; over a network that loses, doubles, delays and reorders requests and
// answers and is cut in one direction; with clocks that are wrong by an hour and jump.
// Everything that happens follows from the seed.
//
// Most shops sell from the same shelves at a till and a web shop, too, and import the files of a
// system, count, lose and take back goods. The world knows what is there (premises): what a desk
// believes to be there never exceeds that by more than what nobody has told it.
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
			t.Fatalf("again with: go test ./exchange/trade -run TestSimulation -seed %d -steps %d", s.w.Seed, *simSteps)
		}
	}
}

type sim struct {
	*testing.T
	w      *desktest.World
	rng    *rand.Rand
	events []arrival
	sent   int  // events so far
	calm   bool // the network is healed
	cut    map[[2]*desktest.Shop]bool
	what   string // the step that runs

	requests []sentHold          // hold requests as they arrived, for replays
	answers  map[[32]byte][]byte // of hold requests that were recorded: must never change
	short    map[counted]int64
	counts   map[counted]bool         // shelves that this step counts
	ends     map[audit.Key]hold.State // how holds ended; the partner is the supplier
	heads    map[chainAt]head
	placed   []placedOrder         // acknowledged to the owner
	taken    map[chainAt]takenBack // a retailer's proposals that its owner has withdrawn
	full     int
	verifier *cachedVerifier
	seen     tally
	gone     context.Context              // of callers that have left
	premises map[*desktest.Shop]*premises // of the shops of whose shelves the truth is known
	hostile  *hostile                     // the own system of the first shop; nil = none has one
}

type counted struct {
	shop  *desktest.Shop
	stock exchange.StockID
}

// tally counts what happened, to show that a simulation reaches what it should.
type tally map[string]int

type sentHold struct {
	from, to *desktest.Shop
	raw      []byte
}

// head is where a shop's copy of a ledger ended when it was last read.
type head struct {
	position uint64
	hash     [32]byte
}

type chainAt struct {
	shop *desktest.Shop
	id   ledger.ID
}

type placedOrder struct {
	by *desktest.Shop
	id exchange.OrderID
}

func newSim(t *testing.T, seed uint64) *sim {
	s := &sim{
		T: t, rng: rand.New(rand.NewPCG(seed, 7)), cut: map[[2]*desktest.Shop]bool{},
		answers: map[[32]byte][]byte{}, short: map[counted]int64{}, counts: map[counted]bool{}, ends: map[audit.Key]hold.State{},
		heads: map[chainAt]head{}, taken: map[chainAt]takenBack{},
		premises: map[*desktest.Shop]*premises{}, seen: tally{},
	}
	gone, leave := context.WithCancel(context.Background())
	leave()
	s.gone = gone
	s.w = desktest.NewWorld(t, seed, 4)
	s.verifier = &cachedVerifier{Verifier: s.w.Verifier(), seen: map[[32]byte]error{}}
	s.w.Fate, s.w.Late, s.w.Answered = s.fate, s.late, s.answered
	for _, a := range s.w.Shops {
		a.Policy.AcceptByHand = s.chance(0.3)
		desktest.Must(t, a.Desk.SetPolicy(a.Policy))
		if s.chance(0.75) {
			s.premises[a] = newPremises(s, a)
		}
		for i := range 3 {
			if s.premises[a] == nil {
				a.Stock(sku(i), int64(s.rng.IntN(30)), int64(100+s.rng.IntN(9000)))
			}
		}
		for _, b := range s.w.Shops {
			if a != b && s.chance(0.6) {
				s.calm = true
				s.w.Partner(a, b, s.terms())
			}
		}
	}
	s.calm = false
	return s
}

func sku(i int) exchange.SKU { return exchange.SKU("sku" + strconv.Itoa(i)) }

func (s *sim) chance(p float64) bool { return s.rng.Float64() < p }
func (s *sim) shop() *desktest.Shop  { return s.w.Shops[s.rng.IntN(len(s.w.Shops))] }
func (s *sim) two() (a, b *desktest.Shop) {
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
	s.seen["steps"]++
	if s.hostile != nil {
		for _, a := range s.w.Shops {
			s.hostile.lives[a] = a.Life
		}
	}
	pause := time.Duration(s.rng.IntN(1500)) * time.Millisecond
	switch {
	case s.chance(0.05):
		pause = time.Duration(s.rng.IntN(120)) * time.Second
	case s.chance(0.004):
		pause = time.Duration(s.rng.IntN(11*24)) * time.Hour
	}
	s.advance(pause)
	s.senders()
	for range 1 + s.rng.IntN(4) {
		s.act()
	}
	s.misfortune()
	if s.hostile != nil {
		s.hostile.live()
	}
	s.check()
}

// misfortune strikes stores, processes, clocks and links.
func (s *sim) misfortune() {
	a, b := s.two()
	switch {
	case s.chance(0.01):
		a.Restart()
	case s.chance(0.03):
		a.Mem.FailNext([]store.Fault{store.FaultRefuse, store.FaultBefore, store.FaultAfter}[s.rng.IntN(3)])
	case s.chance(0.02):
		s.cut[[2]*desktest.Shop{a, b}] = true
	case s.chance(0.04):
		clear(s.cut)
	case s.chance(0.02):
		skew := time.Duration(s.rng.IntN(7200)-3600) * time.Second
		if p := s.premises[a]; p != nil {
			p.clockSet(skew)
		}
		a.Skew = skew
	case s.chance(0.06):
		s.connect(a, b)
	}
}

// heal repairs everything and lets 30 seconds pass.
func (s *sim) heal() {
	s.what, s.calm = "healing", true
	for _, a := range s.w.Shops {
		a.Mem.FailNext(store.FaultNone)
		a.Died()
	}
	s.advance(time.Minute) // what was under way arrives, however late
	for i, a := range s.w.Shops {
		for _, b := range s.w.Shops[:i] {
			s.connect(a, b)
		}
	}
	for range 60 {
		s.advance(500 * time.Millisecond)
		s.senders()
		s.check()
	}
	books := s.audit()
	s.tally(books)
	for i := range books {
		for j := range i {
			if err := audit.Healed(books[i], books[j]); err != nil {
				s.Errorf("30 s after healing: %v", err)
			}
			s.sameHolds(books[i], books[j])
			s.sameHolds(books[j], books[i])
		}
	}
	for _, a := range s.w.Shops {
		if why := a.Desk.Selling.Stopped(); why != "" {
			s.Errorf("%s stopped selling: %s", a.Name, why)
		}
	}
	for _, p := range s.placed {
		o := books[slices.Index(s.w.Shops, p.by)].Purchases
		if !slices.ContainsFunc(keys(o), func(k audit.Key) bool {
			return k.ID == p.id && (o[k].Order.Submitted != 0 || o[k].Refusal != exchange.CodeOK)
		}) {
			s.Errorf("order %v of %s was acknowledged and is lost or unanswered", p.id, p.by.Name)
		}
	}
}
