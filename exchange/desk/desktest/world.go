package desktest

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// World is a few shops in one goroutine: real desks, codec, signatures and stores in memory, a
// clock that the test moves, and a network that calls the other desk. Nothing in it depends on
// the machine's time or chance.
type World struct {
	T     testing.TB
	Now   exchange.Time // true time; each shop's clock may be off
	Seed  uint64
	Keys  MemberKeys
	Shops []*Shop
	Fate  func(from, to *Shop) Fate // nil: every request arrives and is answered
	Late  func(from, to *Shop, raw []byte)
	// Answered, if any, is called with every answer that a shop gives.
	Answered func(from, to *Shop, raw, reply []byte)
}

const Origin = "souk.test/federation"

// start is the time at which a world begins: away from the epoch, in the middle of a window.
const start = exchange.Time(1_790_000_000_000)

// Fate is what becomes of one synchronous request.
type Fate int

const (
	Arrives     Fate = iota
	Lost             // the request never arrives
	NotSent          // no connection: the request never arrives, and its sender knows it
	ReplyLost        // it arrives and is done; the answer does not come back
	DoneTwice        // it arrives, is answered, and arrives again later
	ArrivesLate      // no answer now; the request arrives later
)

// Shop is one member and what a restart keeps of it: its key and its store.
type Shop struct {
	W      *World
	Name   string
	Key    ed25519.PrivateKey
	ID     exchange.ShopID
	Mem    *store.Mem
	Desk   *desk.Desk
	Skew   time.Duration
	Policy trade.Policy
	Bridge bridge.Bridge // set before Open or Restart; nil = none
	Random *rand.ChaCha8
	// Changed is set by every commit; the test resets it.
	Changed bool
	// Committing, if any, is called before every commit: a test has one of them fail.
	Committing func()
	Life       int // restarts so far: what was in flight before a restart is lost
}

func NewWorld(t testing.TB, seed uint64, shops int) *World {
	w := &World{T: t, Now: start, Seed: seed, Keys: MemberKeys{}}
	for i := range shops {
		random := Chacha(seed, uint64(i)+1)
		var b [ed25519.SeedSize]byte
		random.Read(b[:])
		s := &Shop{W: w, Name: fmt.Sprintf("shop%d", i), Key: ed25519.NewKeyFromSeed(b[:]), Mem: store.Memory(), Random: random}
		s.ID = exchange.ShopID(s.Key.Public().(ed25519.PublicKey))
		s.Policy = trade.Policy{
			Tax:      exchange.Tax{Treatment: exchange.TaxIncluded, Rate: 2500},
			Rate:     exchange.Rate{From: "EUR", Num: 11, Den: 10, Text: "1.1", Source: "test", Date: "2026-09-21"},
			Shipping: exchange.ShippingTable{Zones: []exchange.ShippingZone{{Countries: []string{"SE"}, Flat: 490}, {Flat: 990}}},
		}
		w.Keys[s.ID] = s.Key.Public().(ed25519.PublicKey)
		w.Shops = append(w.Shops, s)
	}
	for _, s := range w.Shops {
		s.Open()
	}
	return w
}

// Chacha is a source of bytes for one purpose of one seed.
func Chacha(seed, purpose uint64) *rand.ChaCha8 {
	var b [32]byte
	for i := range 8 {
		b[i], b[8+i] = byte(seed>>(8*i)), byte(purpose>>(8*i))
	}
	return rand.NewChaCha8(b)
}

// Open starts the shop's desk on what is in its store.
func (s *Shop) Open() {
	s.W.T.Helper()
	var err error
	s.Desk, err = desk.Open(s.Config())
	if err != nil {
		s.W.T.Fatalf("opening %s: %v", s.Name, err)
	}
}

func (s *Shop) Config() desk.Config {
	return desk.Config{
		Store: Watched{s.Mem, s}, Codec: protocol.Codec{}, Signer: protocol.NewSigner(s.Key, Origin, s.Random),
		Verifier: s.W.Verifier(), Network: Link{s}, Clock: Clock{s}, Members: s.W.Keys, Random: s.Random,
		Limits:   kv.Limits{BatchBytes: int(s.Mem.Limits().BatchBytes), BatchWrites: s.Mem.Limits().BatchWrites},
		Policy:   s.Policy,
		Currency: "EUR", Inline: true, Bridge: s.Bridge,
	}
}

func (w *World) Verifier() *protocol.Verifier { return protocol.NewVerifier(Origin, w.Keys) }

// Restart ends the shop's process and starts it again on what was committed.
func (s *Shop) Restart() {
	s.Life++
	s.Mem, s.Changed = s.Mem.Clone(), true
	s.Open()
}

// ShopOf finds a shop by its id.
func (w *World) ShopOf(id exchange.ShopID) *Shop {
	for _, s := range w.Shops {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// Watched is a shop's store, which notes that it has changed.
type Watched struct {
	*store.Mem
	Shop *Shop
}

func (m Watched) Commit(writes []kv.Write) error {
	m.Shop.Changed = true
	if m.Shop.Committing != nil {
		m.Shop.Committing()
	}
	return m.Mem.Commit(writes)
}

// MemberKeys are the members and their keys.
type MemberKeys map[exchange.ShopID]ed25519.PublicKey

func (k MemberKeys) Key(shop exchange.ShopID) (ed25519.PublicKey, bool) {
	key, ok := k[shop]
	return key, ok
}

func (k MemberKeys) IsMember(shop exchange.ShopID) bool { return k[shop] != nil }
func (k MemberKeys) MayTakeOn() error                   { return nil }
func (k MemberKeys) MayTrade() error                    { return nil }

// Clock is a shop's clock: the world's, skewed.
type Clock struct{ Shop *Shop }

func (c Clock) Now() exchange.Time { return c.Shop.W.Now.Add(c.Shop.Skew) }

// Link is a shop's network: a request is a call of the other desk.
type Link struct{ From *Shop }

var ErrLost = errors.New("connection lost")

func (l Link) Request(ctx context.Context, to exchange.ShopID, raw []byte) ([]byte, error) {
	w := l.From.W
	target := w.ShopOf(to)
	if target == nil {
		return nil, ErrLost
	}
	f := Arrives
	if w.Fate != nil {
		f = w.Fate(l.From, target)
	}
	switch f {
	case Lost:
		return nil, ErrLost
	case NotSent:
		return nil, exchange.Errorf(exchange.CodeUnavailable, "%s: %w", target.Name, message.ErrNotAsked)
	case ArrivesLate:
		w.Late(l.From, target, raw)
		return nil, ErrLost
	}
	reply, err := target.Serve(ctx, l.From.ID, raw)
	switch f {
	case ReplyLost:
		return nil, ErrLost
	case DoneTwice:
		w.Late(l.From, target, raw)
	}
	return reply, err
}

// Away reports nothing: this network never knows.
func (l Link) Away(exchange.ShopID) bool { return false }

// Serve is what arrives at a shop. A process that dies on the way answers nothing.
func (s *Shop) Serve(ctx context.Context, from exchange.ShopID, raw []byte) ([]byte, error) {
	reply, err := s.Desk.Serve(ctx, from, raw)
	if s.Died() {
		return nil, ErrLost
	}
	if err == nil && s.W.Answered != nil {
		s.W.Answered(s.W.ShopOf(from), s, raw, reply)
	}
	var e *exchange.Error
	if err != nil && !errors.As(err, &e) {
		return nil, ErrLost
	}
	return reply, err
}

// Died restarts a shop whose last commit failed with an unknown outcome, and
// says whether it did.
func (s *Shop) Died() bool {
	if _, _, err := s.Mem.Get([]byte("m")); err == nil {
		return false
	}
	s.Restart()
	return true
}

// Settle carries messages without faults, the clock advancing, until nobody has
// anything to send within the next ten seconds.
func (w *World) Settle() {
	w.T.Helper()
	for range 200 {
		next := exchange.Time(0)
		for _, s := range w.Shops {
			if err := s.Desk.Tick(); err != nil {
				w.T.Fatalf("%s: %v", s.Name, err)
			}
			s.Desk.Bridged.Pump(context.Background())
			list, due := s.Desk.Outgoing()
			for _, out := range list {
				reply, err := w.ShopOf(out.To).Serve(context.Background(), s.ID, out.Raw)
				out.Done(context.Background(), reply, err)
				next = w.Now
			}
			if due != 0 {
				due = due.Add(-s.Skew)
				if next == 0 || due < next {
					next = due
				}
			}
		}
		if next == 0 || next > w.Now.Add(10*time.Second) {
			return
		}
		w.Now = max(next, w.Now)
	}
	w.T.Fatal("the shops never come to rest")
}

// Greet has two shops exchange greetings, as on a new connection.
func (w *World) Greet(a, b *Shop) {
	w.T.Helper()
	for range 2 {
		g, err := a.Desk.Ledgers.Greeting(b.ID)
		if err == nil {
			err = b.Desk.Ledgers.Greeted(context.Background(), a.ID, g)
		}
		if err != nil {
			w.T.Fatalf("%s greets %s: %v", a.Name, b.Name, err)
		}
		a, b = b, a
	}
}

// Partner makes a partnership, proposed by the supplier and accepted by the retailer.
func (w *World) Partner(supplier, retailer *Shop, terms exchange.Terms) {
	w.T.Helper()
	ctx := context.Background()
	Must(w.T, supplier.Desk.Partnerships.Propose(ctx, retailer.ID, exchange.Supplier, terms))
	w.Settle()
	p, err := retailer.Desk.Partnerships.Get(supplier.ID, exchange.Retailer)
	Must(w.T, err)
	Must(w.T, retailer.Desk.Partnerships.AcceptTerms(ctx, supplier.ID, exchange.Retailer, p.State.Open.Hash))
	w.Settle()
	w.Greet(supplier, retailer)
	w.Settle()
}

// Stock puts products on a shop's shelf.
func (s *Shop) Stock(sku exchange.SKU, units int64, cents int64) {
	s.W.T.Helper()
	_, err := s.Desk.Shelf.Import(context.Background(), shelf.Statement{}, []shelf.Item{{
		Product: exchange.Product{SKU: sku, Title: "A " + string(sku), Grams: 300, Price: exchange.Money{Minor: cents, Currency: "EUR"}},
		Stock:   shelf.Figure{Set: true, Units: units},
	}})
	Must(s.W.T, err)
}

func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var Stockholm = exchange.Delivery{ShipTo: exchange.ShipTo{Name: "Åsa Berg", Lines: []string{"Storgatan 1"}, City: "Stockholm", PostalCode: "111 22", Country: "SE"}}
