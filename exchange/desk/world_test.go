package desk_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// A world is a few shops in one goroutine: real desks, codec, signatures and
// stores in memory, a clock that the test moves, and a network that calls the
// other desk. Nothing in it depends on the machine's time or chance.
type world struct {
	t     testing.TB
	now   exchange.Time // true time; each shop's clock may be off
	seed  uint64
	keys  memberKeys
	shops []*shop
	fate  func(from, to *shop) fate // nil: every request arrives and is answered
	late  func(from, to *shop, raw []byte)
	// answered sees every answer that a shop gives.
	answered func(from, to *shop, raw, reply []byte)
}

const origin = "souk.test/federation"

// start is the first moment of a world: away from the epoch, in the middle of a window.
const start = exchange.Time(1_790_000_000_000)

// fate is what becomes of one synchronous request.
type fate int

const (
	arrives     fate = iota
	lost             // the request never arrives
	replyLost        // it arrives and is done; the answer does not come back
	doneTwice        // it arrives, is answered, and arrives again later
	arrivesLate      // no answer now; the request arrives later
)

// shop is one member and what a restart keeps of it: its key and its store.
type shop struct {
	w      *world
	name   string
	key    ed25519.PrivateKey
	id     exchange.ShopID
	mem    *store.Mem
	desk   *desk.Desk
	skew   time.Duration
	policy desk.Policy
	random *rand.ChaCha8
	// changed is set by every commit, for who wants to look at what changed.
	changed bool
	life    int // restarts so far: what was in flight before one is gone with it
}

func newWorld(t testing.TB, seed uint64, shops int) *world {
	w := &world{t: t, now: start, seed: seed, keys: memberKeys{}}
	for i := range shops {
		random := chacha(seed, uint64(i)+1)
		var b [ed25519.SeedSize]byte
		random.Read(b[:])
		s := &shop{w: w, name: fmt.Sprintf("shop%d", i), key: ed25519.NewKeyFromSeed(b[:]), mem: store.Memory(), random: random}
		s.id = exchange.ShopID(s.key.Public().(ed25519.PublicKey))
		s.policy = desk.Policy{
			Tax:      exchange.Tax{Treatment: exchange.TaxIncluded, Rate: 2500},
			Rate:     exchange.Rate{From: "EUR", Num: 11, Den: 10, Text: "1.1", Source: "test", Date: "2026-09-21"},
			Shipping: exchange.ShippingTable{Zones: []exchange.ShippingZone{{Countries: []string{"SE"}, Flat: 490}, {Flat: 990}}},
		}
		w.keys[s.id] = s.key.Public().(ed25519.PublicKey)
		w.shops = append(w.shops, s)
	}
	for _, s := range w.shops {
		s.open()
	}
	return w
}

// chacha is a source of bytes for one purpose of one seed.
func chacha(seed, purpose uint64) *rand.ChaCha8 {
	var b [32]byte
	for i := range 8 {
		b[i], b[8+i] = byte(seed>>(8*i)), byte(purpose>>(8*i))
	}
	return rand.NewChaCha8(b)
}

// open starts the shop's desk on what is in its store.
func (s *shop) open() {
	s.w.t.Helper()
	var err error
	s.desk, err = desk.Open(s.config())
	if err != nil {
		s.w.t.Fatalf("opening %s: %v", s.name, err)
	}
}

func (s *shop) config() desk.Config {
	return desk.Config{
		Store: watched{s.mem, s}, Codec: protocol.Codec{}, Signer: protocol.NewSigner(s.key, origin, s.random),
		Verifier: s.w.verifier(), Network: link{s}, Clock: clock{s}, Members: s.w.keys, Random: s.random,
		Limits:   kv.Limits{BatchBytes: int(s.mem.Limits().BatchBytes), BatchWrites: s.mem.Limits().BatchWrites},
		Policy:   s.policy,
		Currency: "EUR", Inline: true,
	}
}

func (w *world) verifier() *protocol.Verifier { return protocol.NewVerifier(origin, w.keys) }

// restart ends the shop's process and starts it again on what was committed.
func (s *shop) restart() {
	s.life++
	s.mem, s.changed = s.mem.Clone(), true
	s.open()
}

// shopOf finds a shop by its id.
func (w *world) shopOf(id exchange.ShopID) *shop {
	for _, s := range w.shops {
		if s.id == id {
			return s
		}
	}
	return nil
}

// watched is a shop's store, which notes that it has changed.
type watched struct {
	*store.Mem
	s *shop
}

func (m watched) Commit(writes []kv.Write) error {
	m.s.changed = true
	return m.Mem.Commit(writes)
}

// memberKeys are the members and their keys.
type memberKeys map[exchange.ShopID]ed25519.PublicKey

func (k memberKeys) Key(shop exchange.ShopID) (ed25519.PublicKey, bool) {
	key, ok := k[shop]
	return key, ok
}

func (k memberKeys) IsMember(shop exchange.ShopID) bool { return k[shop] != nil }
func (k memberKeys) MayTakeOn() error                   { return nil }
func (k memberKeys) MayTrade() error                    { return nil }

// clock is a shop's clock: the world's, skewed.
type clock struct{ s *shop }

func (c clock) Now() exchange.Time { return c.s.w.now.Add(c.s.skew) }

// link is a shop's network: a request is a call of the other desk.
type link struct{ from *shop }

var errLost = errors.New("connection lost")

func (l link) Request(ctx context.Context, to exchange.ShopID, raw []byte) ([]byte, error) {
	w := l.from.w
	target := w.shopOf(to)
	if target == nil {
		return nil, errLost
	}
	f := arrives
	if w.fate != nil {
		f = w.fate(l.from, target)
	}
	switch f {
	case lost:
		return nil, errLost
	case arrivesLate:
		w.late(l.from, target, raw)
		return nil, errLost
	}
	reply, err := target.serve(ctx, l.from.id, raw)
	switch f {
	case replyLost:
		return nil, errLost
	case doneTwice:
		w.late(l.from, target, raw)
	}
	return reply, err
}

// serve is what arrives at a shop. A process that dies on the way answers nothing.
func (s *shop) serve(ctx context.Context, from exchange.ShopID, raw []byte) ([]byte, error) {
	reply, err := s.desk.Serve(ctx, from, raw)
	if s.died() {
		return nil, errLost
	}
	if err == nil && s.w.answered != nil {
		s.w.answered(s.w.shopOf(from), s, raw, reply)
	}
	var e *exchange.Error
	if err != nil && !errors.As(err, &e) {
		return nil, errLost
	}
	return reply, err
}

// died restarts a shop whose last commit failed with an unknown outcome, and
// says whether it did.
func (s *shop) died() bool {
	if _, _, err := s.mem.Get([]byte("m")); err == nil {
		return false
	}
	s.restart()
	return true
}

// settle carries messages without faults, the clock advancing, until nobody has
// anything to send within the next ten seconds.
func (w *world) settle() {
	w.t.Helper()
	for range 200 {
		next := exchange.Time(0)
		for _, s := range w.shops {
			if err := s.desk.Tick(); err != nil {
				w.t.Fatalf("%s: %v", s.name, err)
			}
			list, due := s.desk.Outgoing()
			for _, out := range list {
				reply, err := w.shopOf(out.To).serve(context.Background(), s.id, out.Raw)
				out.Done(context.Background(), reply, err)
				next = w.now
			}
			if due != 0 {
				due = due.Add(-s.skew)
				if next == 0 || due < next {
					next = due
				}
			}
		}
		if next == 0 || next > w.now.Add(10*time.Second) {
			return
		}
		w.now = max(next, w.now)
	}
	w.t.Fatal("the shops never come to rest")
}

// greet has two shops exchange greetings, as on a new connection.
func (w *world) greet(a, b *shop) {
	w.t.Helper()
	for range 2 {
		g, err := a.desk.Greeting(b.id)
		if err == nil {
			err = b.desk.Greeted(context.Background(), a.id, g)
		}
		if err != nil {
			w.t.Fatalf("%s greets %s: %v", a.name, b.name, err)
		}
		a, b = b, a
	}
}

// partner makes a direction of trade, proposed by the supplier and accepted by
// the retailer.
func (w *world) partner(supplier, retailer *shop, terms exchange.Terms) {
	w.t.Helper()
	ctx := context.Background()
	must(w.t, supplier.desk.Propose(ctx, retailer.id, exchange.Supplier, terms))
	w.settle()
	trade, err := retailer.desk.Trade(supplier.id, exchange.Retailer)
	must(w.t, err)
	must(w.t, retailer.desk.AcceptTerms(ctx, supplier.id, exchange.Retailer, trade.State.Open.Hash))
	w.settle()
	w.greet(supplier, retailer)
	w.settle()
}

// stock puts products on a shop's shelf.
func (s *shop) stock(sku exchange.SKU, units int64, cents int64) {
	s.w.t.Helper()
	_, err := s.desk.Import(context.Background(), []desk.ImportItem{{
		Product: exchange.Product{SKU: sku, Title: "A " + string(sku), Grams: 300, Price: exchange.Money{Minor: cents, Currency: "EUR"}},
		Stock:   record.FileStock{Set: true, Units: units},
	}}, false)
	must(s.w.t, err)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var stockholm = exchange.ShipTo{Name: "Åsa Berg", Lines: []string{"Storgatan 1"}, City: "Stockholm", PostalCode: "111 22", Country: "SE"}
