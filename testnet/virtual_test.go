package testnet_test

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/audit"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/roster"
	"github.com/souk-market/souk/hub"
	"github.com/souk-market/souk/node"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/members"
	"github.com/souk-market/souk/protocol/p2p"
	"github.com/souk-market/souk/protocol/p2p/p2psim"
	"github.com/souk-market/souk/store"
	"github.com/souk-market/souk/testnet"
)

// Places of the hub's two hosts in the simulated network; shops take those after.
const (
	openPlace = iota
	closedPlace
	firstShop
)

// oneWay is how long a packet travels between any two places.
const oneWay = 10 * time.Millisecond

// town is a federation in virtual time: a hub and shops, real hosts on a simulated
// network, stores in memory that outlive a stop.
type town struct {
	t     *testing.T
	world *p2psim.World
	fed   membership.Federation
	clock *townClock
	shops []*shop

	logKey, admission, open, closed ed25519.PrivateKey
	hubStore                        desk.Store
	stopHub                         func()
}

// shop is one shop of a town. Node is nil while it is stopped.
type shop struct {
	*node.Shop
	town  *town
	name  string
	place int
	key   ed25519.PrivateKey
	id    exchange.ShopID
	disks testnet.Disks
	// adjust may change the network before each start.
	adjust func(*p2p.Config)
	config node.Config
	folder string // for files; "" = none are written
	end    func()
}

// townClock is the bubble's clock, and may be moved ahead: the network does not
// notice, desks and member lists do.
type townClock struct{ ahead atomic.Int64 }

func (c *townClock) Now() exchange.Time {
	return exchange.TimeOf(time.Now().Add(time.Duration(c.ahead.Load())))
}

func (c *townClock) pass(d time.Duration) { c.ahead.Add(int64(d)) }

// inTown runs test in a bubble, with a running hub and no shops.
func inTown(t *testing.T, test func(t *testing.T, w *town)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &town{t: t, world: p2psim.New(oneWay), clock: &townClock{}, hubStore: store.Memory()}
		defer w.world.Close()
		for _, k := range []*ed25519.PrivateKey{&w.logKey, &w.admission, &w.open, &w.closed} {
			*k = newKey(t)
		}
		var err error
		w.fed, err = membership.NewFederation("riverside", w.logKey.Public().(ed25519.PublicKey), w.admission.Public().(ed25519.PublicKey))
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			for _, s := range w.shops {
				s.stop()
			}
			w.endHub()
		}()
		w.startHub()
		test(t, w)
	})
}

func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func idOf(k ed25519.PrivateKey) exchange.ShopID {
	return exchange.ShopID(k.Public().(ed25519.PublicKey))
}

// testLog is silent unless SOUK_TEST_LOG is set.
func testLog(who string) *slog.Logger {
	out := io.Discard
	if os.Getenv("SOUK_TEST_LOG") != "" {
		out = os.Stderr
	}
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug})).With("who", who)
}

// address is where the hub is, as invites say.
func (w *town) address() membership.Hub {
	return membership.Hub{
		Open:   membership.HubHost{Peer: idOf(w.open), Addrs: w.world.Listen(openPlace)},
		Closed: membership.HubHost{Peer: idOf(w.closed), Addrs: w.world.Listen(closedPlace)},
	}
}

// startHub runs the hub on its store.
func (w *town) startHub() {
	w.t.Helper()
	h, err := hub.New(hub.Parts{
		Federation: w.fed, LogKey: w.logKey, OpenKey: w.open, ClosedKey: w.closed,
		Store: w.hubStore, Clock: w.clock, Hub: w.address(), Logger: testLog("hub"),
		Network: func(open *p2p.OpenConfig, closed *p2p.Config) {
			open.Listen, open.HostOptions = w.world.Listen(openPlace), w.world.HostOptions(openPlace)
			closed.Listen, closed.HostOptions = w.world.Listen(closedPlace), w.world.HostOptions(closedPlace)
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	var ended <-chan error
	w.stopHub, ended = running(w.t, "the hub", h.Run)
	select {
	case <-h.Ready():
	case err := <-ended:
		w.t.Fatalf("the hub did not start: %v", err)
	}
}

func (w *town) endHub() {
	if w.stopHub != nil {
		w.stopHub()
		w.stopHub = nil
	}
}

// running runs f until stop is called, which waits for it and reports its error.
func running(t *testing.T, what string, f func(context.Context) error) (stop func(), ended <-chan error) {
	ctx, cancel := context.WithCancel(context.Background())
	out := make(chan error, 1)
	go func() { out <- f(ctx) }()
	return func() {
		cancel()
		if err := <-out; err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}, out
}

// shop makes a shop that joins through the hub's open host, as any stranger does,
// and is not started.
func (w *town) shop() *shop {
	w.t.Helper()
	s := &shop{
		town: w, name: fmt.Sprintf("Shop %d", len(w.shops)), place: firstShop + len(w.shops),
		key: newKey(w.t), disks: testnet.MemoryDisks(),
	}
	s.id = idOf(s.key)
	s.config = node.Config{
		Name: s.name, Currency: "EUR", Listen: w.world.Listen(s.place), Tax: node.TaxConfig{Treatment: "none"},
	}
	w.shops = append(w.shops, s)
	s.join()
	return s
}

func (s *shop) join() {
	w := s.town
	w.t.Helper()
	invite, err := membership.NewInvite(w.fed, w.address(), w.admission, membership.InviteOptions{Uses: 1, Expires: w.clock.Now().Add(time.Hour)}, rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	ask := p2p.AskConfig{
		Addrs: []string{w.world.Listen(openPlace)[0] + "/p2p/" + idOf(w.open).String()}, Federation: w.fed.Label(),
		HostOptions: w.world.HostOptions(s.place),
	}
	bundle, err := members.Join(context.Background(), members.JoinRequest{
		Invite: invite, Key: s.key, Name: s.name, Recovery: sha256.Sum256([]byte(s.name)),
	}, func(ctx context.Context, req []byte) ([]byte, error) { return p2p.Ask(ctx, ask, protocol.Join, req) })
	if err != nil {
		w.t.Fatal(err)
	}
	list, err := roster.Open(roster.Config{Store: s.disks.Store, Federation: w.fed, Clock: w.clock})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := list.Apply(bundle); err != nil {
		w.t.Fatal(err)
	}
}

// start runs the shop on its disks.
func (s *shop) start() *shop {
	w := s.town
	w.t.Helper()
	n, err := node.New(node.Parts{
		Key: s.key, Config: s.config, Federation: w.fed, Hub: w.address(),
		Store: s.disks.Store, Limits: s.disks.Limits, Replicas: s.disks.Replicas, ReplicaLimits: s.disks.ReplicaLimits,
		Clock: w.clock, Random: rand.Reader, Logger: testLog(s.name), Registry: prometheus.NewRegistry(), Version: "test", Folder: s.folder,
		Rate: exchange.Rate{From: "EUR", Num: 11, Den: 10, Text: "1.1", Source: "test", Date: "2026-01-15"},
		Network: func(c *p2p.Config) {
			c.HostOptions = w.world.HostOptions(s.place)
			if s.adjust != nil {
				s.adjust(c)
			}
		},
	})
	if err != nil {
		w.t.Fatalf("%s: %v", s.name, err)
	}
	stop, ended := running(w.t, s.name, n.Run)
	select {
	case <-n.Ready():
	case err := <-ended:
		w.t.Fatalf("%s did not start: %v", s.name, err)
	}
	s.Shop, s.end = n, stop
	return s
}

// stop stops the shop, if it runs; its disks stay.
func (s *shop) stop() {
	if s.end != nil {
		s.end()
		s.Shop, s.end = nil, nil
	}
}

// settle makes n shops that run and know each other.
func (w *town) settle(n int) []*shop {
	w.t.Helper()
	var list []*shop
	for range n {
		list = append(list, w.shop().start())
	}
	for _, s := range list {
		for _, other := range list {
			w.known(s, other)
		}
	}
	return list
}

// listRefresh outlasts the quarter of an hour after which a shop asks for the member list
// whatever it heard: gossip of a new entry may be lost, and then this brings it.
const listRefresh = 16 * time.Minute

// known waits until s has learned that another shop joined.
func (w *town) known(s, other *shop) {
	w.t.Helper()
	took := w.wait(listRefresh, s.name+" knows "+other.name, func() bool { return s.Roster().IsMember(other.id) })
	if took > 10*time.Second {
		w.t.Logf("%s learned of %s only after %v", s.name, other.name, took)
	}
}

// wait passes virtual time until ok, at most limit.
func (w *town) wait(limit time.Duration, what string, ok func() bool) time.Duration {
	w.t.Helper()
	begin := time.Now()
	for !ok() {
		passed := time.Since(begin)
		if passed > limit {
			w.t.Fatalf("not within %v: %s", limit, what)
		}
		time.Sleep(max(5*time.Millisecond, passed/100))
	}
	return time.Since(begin)
}

// ctx is a minute of virtual time.
func (w *town) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	w.t.Cleanup(cancel)
	return ctx
}

// partner makes retailer a partner of supplier.
func (w *town) partner(supplier, retailer *shop) {
	w.t.Helper()
	if err := testnet.Partner(w.ctx(), supplier.Shop, retailer.Shop, exchange.DefaultTerms("EUR")); err != nil {
		w.t.Fatalf("%s to %s: %v", supplier.name, retailer.name, err)
	}
	w.ready(supplier, retailer)
}

// ready waits until retailer may place holds at supplier: it is connected, and was told
// the window of the day.
func (w *town) ready(supplier, retailer *shop) {
	w.t.Helper()
	w.wait(time.Minute, retailer.name+" may place holds at "+supplier.name, func() bool {
		_, err := retailer.Desk().NewReservationID(supplier.id, [12]byte{})
		return err == nil && retailer.Net().Connected(supplier.id)
	})
}

// sku names the i-th product of any shop.
func sku(i int) exchange.SKU { return exchange.SKU(fmt.Sprintf("SHOE-%03d", i)) }

// stock imports products SHOE-000 … with so many units of each.
func (s *shop) stock(products int, units int64) {
	s.town.t.Helper()
	var items []desk.ImportItem
	for i := range products {
		items = append(items, desk.ImportItem{
			Product: exchange.Product{
				SKU: sku(i), Title: fmt.Sprintf("Running shoe %d of %s", i, s.name),
				Price: exchange.Money{Minor: 4990 + int64(i), Currency: "EUR"},
			},
			Stock: desk.FileStock{Set: true, Units: units},
		})
	}
	for chunk := range slices.Chunk(items, desk.ImportChunk) {
		if _, err := s.Desk().Import(s.town.ctx(), chunk, false); err != nil {
			s.town.t.Fatal(err)
		}
	}
}

// setStock counts a shelf.
func (s *shop) setStock(k exchange.SKU, units int64) {
	s.town.t.Helper()
	if _, err := s.Desk().SetStock(s.town.ctx(), k, units, false); err != nil {
		s.town.t.Fatal(err)
	}
}

// seen is what s's copy of supplier's catalog says is available of a product; ok is
// false where it shows none.
func (s *shop) seen(supplier *shop, k exchange.SKU) (units int64, ok bool) {
	found, err := s.Product(context.Background(), exchange.ProductID{Shop: supplier.id, SKU: k})
	if err != nil {
		return 0, false
	}
	return found.Product.Available.Units, true
}

// sees waits until s's copy of supplier's catalog says that so many units are available.
func (w *town) sees(s, supplier *shop, k exchange.SKU, units int64) time.Duration {
	w.t.Helper()
	return w.wait(5*time.Second, fmt.Sprintf("%s sees %d of %s", s.name, units, k), func() bool {
		n, ok := s.seen(supplier, k)
		return ok && n == units
	})
}

// equal reports whether s's copy of supplier's catalog is proven equal to the
// supplier's own copy.
func (s *shop) equal(supplier *shop) bool {
	own, ok := supplier.Replicas().Status(supplier.id)
	copied, also := s.Replicas().Status(supplier.id)
	return ok && also && own.Proven && copied.Proven && own.Head.Count > 0 &&
		own.Head.Digest == copied.Head.Digest && own.Head.Sequence == copied.Head.Sequence
}

var shipTo = exchange.ShipTo{Name: "Ada", Lines: []string{"Main street 1"}, City: "Lund", PostalCode: "22100", Country: "SE"}

// reserve holds units of a supplier's product.
func (s *shop) reserve(supplier *shop, k exchange.SKU, units exchange.Quantity) (*desk.ReservationRecord, error) {
	return s.Desk().Reserve(s.town.ctx(), desk.ReserveRequest{
		Supplier: supplier.id, Lines: []exchange.Line{{SKU: k, Quantity: units}}, Country: "SE",
	})
}

// order buys units of a supplier's product and returns the order's id.
func (s *shop) order(supplier *shop, k exchange.SKU, units exchange.Quantity) exchange.OrderID {
	s.town.t.Helper()
	res, err := s.reserve(supplier, k, units)
	if err != nil {
		s.town.t.Fatalf("%s reserves at %s: %v", s.name, supplier.name, err)
	}
	rec, err := s.Desk().PlaceOrder(s.town.ctx(), res.Request.ID, shipTo)
	if err != nil {
		s.town.t.Fatalf("%s orders at %s: %v", s.name, supplier.name, err)
	}
	return rec.ID
}

// status is an order's, as s has it in the given role; "" where it has none.
func (s *shop) status(side exchange.Party, id exchange.OrderID) string {
	rec, err := s.Desk().Order(side, id)
	if err != nil {
		return ""
	}
	if rec.Refusal != exchange.CodeOK && rec.Order.Submitted == 0 {
		return "refused: " + rec.Refusal.String()
	}
	return rec.Order.Status().String()
}

// bought waits until s knows that its order has a status.
func (w *town) bought(limit time.Duration, s *shop, id exchange.OrderID, status string) time.Duration {
	w.t.Helper()
	return w.wait(limit, fmt.Sprintf("%s sees its order %s", s.name, status), func() bool { return s.status(exchange.Retailer, id) == status })
}

// quiet waits until neither of two shops owes the other anything.
func (w *town) quiet(limit time.Duration, a, b *shop) {
	w.t.Helper()
	w.wait(limit, a.name+" and "+b.name+" owe each other nothing", func() bool {
		return settled(a, b) && settled(b, a)
	})
}

func settled(supplier, retailer *shop) bool {
	s, err := supplier.Desk().Trade(retailer.id, exchange.Supplier)
	if err != nil {
		return false
	}
	r, err := retailer.Desk().Trade(supplier.id, exchange.Retailer)
	return err == nil && s.Position == r.Position && s.Hash == r.Hash && s.Acked == s.Position && r.Waiting == 0
}

// everKnown verifies with the key of everybody who ever joined: what a shop signed
// while it was a member stays signed (invariant I8).
type everKnown struct{ list *roster.Roster }

func (k everKnown) Key(shop exchange.ShopID) (ed25519.PublicKey, bool) {
	m, ok := k.list.Member(shop)
	return m.Key, ok
}

// audit stops the shops and checks invariants I1 to I9 on their stores, of each
// and between any two of them.
func (w *town) audit(shops ...*shop) {
	w.t.Helper()
	var books []*audit.Books
	for _, s := range shops {
		s.stop()
		list, err := roster.Open(roster.Config{Store: s.disks.Store, Federation: w.fed, Clock: w.clock})
		if err != nil {
			w.t.Fatal(err)
		}
		b, err := audit.Shop(s.id, s.disks.Store, protocol.Codec{}, protocol.NewVerifier(w.fed.Origin, everKnown{list}))
		if err != nil {
			w.t.Errorf("%s: %v", s.name, err)
		}
		books = append(books, b)
	}
	for i, a := range books {
		for _, b := range books[:i] {
			if err := audit.Healed(a, b); err != nil {
				w.t.Error(err)
			}
		}
	}
}

// percentile of durations, in their order.
func percentile[T cmp.Ordered](list []T, p int) T {
	list = slices.Sorted(slices.Values(list))
	return list[(len(list)-1)*p/100]
}
