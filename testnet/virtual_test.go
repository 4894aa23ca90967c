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
	"github.com/souk-market/souk/exchange/kv"
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
	hubStore                        kv.Store
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
	folder string       // for files; "" = none are written
	log    *slog.Logger // nil = testLog
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
		Clock: w.clock, Random: rand.Reader, Logger: cmp.Or(s.log, testLog(s.name)), Registry: prometheus.NewRegistry(), Version: "test", Folder: s.folder,
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

// listSpreads is how soon a shop knows who joined, whatever it was doing then: gossip brings
// it at once, or a pull after the shop's neighbours began to gossip with it.
const listSpreads = 10 * time.Second

// known waits until s has learned that another shop joined.
func (w *town) known(s, other *shop) {
	w.t.Helper()
	w.wait(listSpreads, s.name+" knows "+other.name, func() bool { return s.Roster().IsMember(other.id) })
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

// percentile of durations, in their order.
func percentile[T cmp.Ordered](list []T, p int) T {
	list = slices.Sorted(slices.Values(list))
	return list[(len(list)-1)*p/100]
}
