package hubsim

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/hub"
	"github.com/souk-market/souk/protocol/p2p"
	"github.com/souk-market/souk/protocol/p2p/p2psim"
	"github.com/souk-market/souk/store"
)

// Places of the hub's hosts; shops take the ones after.
const (
	openPlace = iota
	closedPlace
	firstShop
)

// latency is one way, between any two places.
const latency = 10 * time.Millisecond

// Clock is the bubble's clock, moved by an offset.
type Clock struct{ ahead atomic.Int64 }

// Now implements exchange.Clock.
func (c *Clock) Now() exchange.Time {
	return exchange.TimeOf(time.Now().Add(time.Duration(c.ahead.Load())))
}

// Ahead sets the offset.
func (c *Clock) Ahead(d time.Duration) { c.ahead.Store(int64(d)) }

// World is a federation: keys, network, a hub that may run, and shops.
type World struct {
	T          testing.TB
	Net        *p2psim.World
	Federation membership.Federation
	Admission  ed25519.PrivateKey
	LogKey     ed25519.PrivateKey
	Store      kv.Store // the hub's, kept over a restart; a test may replace it between two
	Clock      *Clock   // the hub's
	Hub        *hub.Hub // nil while none runs

	open, closed ed25519.PrivateKey
	stopHub      func()
	places       int
	shops        []*Shop
}

// NewKey draws a key.
func NewKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// IDOf is the ShopID of a key.
func IDOf(k ed25519.PrivateKey) exchange.ShopID {
	return exchange.ShopID(k.Public().(ed25519.PublicKey))
}

// New makes a world without a running hub. Close must be called in the bubble.
func New(t testing.TB) *World {
	t.Helper()
	w := &World{
		T: t, Net: p2psim.New(latency), Admission: NewKey(t), LogKey: NewKey(t), Store: store.Memory(),
		Clock: &Clock{}, open: NewKey(t), closed: NewKey(t), places: firstShop,
	}
	var err error
	w.Federation, err = membership.NewFederation("riverside", w.LogKey.Public().(ed25519.PublicKey), w.Admission.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Close stops everything.
func (w *World) Close() {
	for _, s := range w.shops {
		s.Stop()
	}
	w.StopHub()
	w.Net.Close()
}

// Address is where the hub is, as invites say.
func (w *World) Address() membership.Hub {
	return membership.Hub{
		Open:   membership.HubHost{Peer: IDOf(w.open), Addrs: w.Net.Listen(openPlace)},
		Closed: membership.HubHost{Peer: IDOf(w.closed), Addrs: w.Net.Listen(closedPlace)},
	}
}

// HubPlaces are the hub's places in Net.
func (w *World) HubPlaces() []int { return []int{openPlace, closedPlace} }

// Parts are what StartHub composes the hub of.
func (w *World) Parts() hub.Parts {
	return hub.Parts{
		Federation: w.Federation, LogKey: w.LogKey, OpenKey: w.open, ClosedKey: w.closed,
		Store: w.Store, Clock: w.Clock, Hub: w.Address(), Logger: Log("hub"),
		Network: func(open *p2p.OpenConfig, closed *p2p.Config) {
			open.Listen, open.HostOptions = w.Net.Listen(openPlace), w.Net.HostOptions(openPlace)
			closed.Listen, closed.HostOptions = w.Net.Listen(closedPlace), w.Net.HostOptions(closedPlace)
		},
	}
}

// StartHub runs the hub on Store and waits until it listens.
func (w *World) StartHub() *hub.Hub {
	w.T.Helper()
	h, err := hub.New(w.Parts())
	if err != nil {
		w.T.Fatal(err)
	}
	stop, ended := run(w.T, "the hub", h.Run)
	select {
	case <-h.Ready():
	case err := <-ended:
		w.T.Fatalf("the hub did not start: %v", err)
	}
	w.Hub, w.stopHub = h, stop
	return h
}

// StopHub stops the hub, if one runs.
func (w *World) StopHub() {
	if w.stopHub != nil {
		w.stopHub()
		w.Hub, w.stopHub = nil, nil
	}
}

// run runs f until stop is called, which waits for it and reports its error. ended tells of an early end.
func run(t testing.TB, what string, f func(context.Context) error) (stop func(), ended <-chan error) {
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

// Invite makes an invite; zero options are one shop for a day.
func (w *World) Invite(o membership.InviteOptions) membership.Invite {
	w.T.Helper()
	if o.Uses == 0 {
		o.Uses = 1
	}
	if o.Expires == 0 {
		o.Expires = w.Clock.Now().Add(24 * time.Hour)
	}
	inv, err := membership.NewInvite(w.Federation, w.Address(), w.Admission, o, rand.Reader)
	if err != nil {
		w.T.Fatal(err)
	}
	return inv
}

// Wait passes virtual time until ok, at most limit.
func (w *World) Wait(limit time.Duration, what string, ok func() bool) {
	w.T.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			w.T.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// Log is silent unless SOUK_TEST_LOG is set.
func Log(who string) *slog.Logger {
	out := io.Discard
	if os.Getenv("SOUK_TEST_LOG") != "" {
		out = os.Stderr
	}
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug})).With("who", who)
}
