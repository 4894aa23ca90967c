package hub

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/roster"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/members"
	"github.com/souk-market/souk/protocol/p2p"
)

const (
	// renewEvery is how often the checkpoint is signed again (design: Membership and the hub).
	renewEvery = time.Hour
	// retryEvery is how soon a signature that could not be stored is tried again.
	retryEvery = time.Minute
	// staleAfter is the age of a checkpoint from which on this hub was not running, or its list is
	// an old copy. A running hub signs each renewEvery; staleAfter is half as much again.
	staleAfter = renewEvery + renewEvery/2
	// settleTime is how long a hub with members listens to them at start before it signs anything.
	// Where its checkpoint is older than staleAfter it listens for settleStale. A restarted hub calls
	// its members at once (package p2p). Members that it cannot reach call it within p2p's longest
	// pause for a hub.
	settleTime  = 8 * time.Second
	settleStale = 90 * time.Second
	// settleWait is how long a statement waits for the hub to settle. It is less than the time that
	// p2p's open host gives a request.
	settleWait = 10 * time.Second
	// leaveGrace lets the answer to a leave travel before the connection is cut.
	leaveGrace = 2 * time.Second
)

// Parts are what a Hub is composed of. The fields after Hub are optional.
type Parts struct {
	Federation membership.Federation
	LogKey     ed25519.PrivateKey
	OpenKey    ed25519.PrivateKey // of the host that strangers join through
	ClosedKey  ed25519.PrivateKey // of the host for members
	Store      kv.Store           // the member list's; the caller closes it
	Clock      exchange.Clock
	Config     Config         // Status "" = no status page
	Hub        membership.Hub // where shops reach it, as invites say

	Logger   *slog.Logger
	Registry *prometheus.Registry
	Version  string
	Healthy  func() error                                   // the store's; nil = always
	Network  func(open *p2p.OpenConfig, closed *p2p.Config) // may change the hosts, as simulations do
}

// Hub is a federation's hub. It does nothing until Run.
type Hub struct {
	parts  Parts
	log    *slog.Logger
	list   *list
	sync   *members.Syncer
	net    *p2p.Node
	open   p2p.OpenConfig
	shared *p2p.SharedPort // of both hosts; nil = none
	askers askers

	announced announced
	metrics   *metrics
	folder    folder // of Open; empty otherwise
	dir       string // of Open, where commands and invites are; "" = none

	ready    chan struct{}
	settled  chan struct{} // closed once statements may be appended
	failed   chan error    // capacity 1: a fault after which the process must end
	departed chan exchange.ShopID
}

// New composes a hub: it reads and verifies the member list, and starts nothing.
func New(p Parts) (*Hub, error) {
	if p.Logger == nil {
		p.Logger = slog.New(slog.DiscardHandler)
	}
	if p.Registry == nil {
		p.Registry = prometheus.NewRegistry()
	}
	if p.Version == "" {
		p.Version = "dev"
	}
	h := &Hub{
		parts: p, log: p.Logger,
		ready: make(chan struct{}), settled: make(chan struct{}), failed: make(chan error, 1),
		departed: make(chan exchange.ShopID, maxDeparted),
	}
	var err error
	if h.list, err = openList(p.Store, p.Federation, p.LogKey, p.Clock, p.Logger); err != nil {
		return nil, err
	}
	self, err := exchange.ShopIDFromKey(public(p.ClosedKey))
	if err != nil {
		return nil, err
	}
	h.sync, err = members.New(members.Config{Roster: h.list.roster, Self: self, Logger: p.Logger, Departed: h.cut})
	if err != nil {
		return nil, err
	}
	if err := h.network(); err != nil {
		return nil, err
	}
	h.metrics, err = newMetrics(h, p.Registry)
	return h, err
}

// maxDeparted is how many shops that left wait to be disconnected. A shop beyond that is disconnected
// at once.
const maxDeparted = 64

// network makes both hosts' configurations and the closed host.
func (h *Hub) network() error {
	p := h.parts
	var err error
	if at := p.Config.sharedListens(); len(at) > 0 {
		if h.shared, err = p2p.NewSharedPort(at, p.Logger); err != nil {
			return err
		}
	}
	h.open = p2p.OpenConfig{
		Key: p.OpenKey, Federation: p.Federation.Label(), Logger: p.Logger,
		Listen: multiaddrs(p.Config.Listen, p.Config.OpenPort), Announce: p.Config.announced(p.Config.OpenPort),
		Question: members.IsQuestion, Shared: h.shared,
	}
	closed := p2p.Config{
		Key: p.ClosedKey, Federation: p.Federation.Label(), Hub: true, Logger: p.Logger,
		Listen: multiaddrs(p.Config.Listen, p.Config.ClosedPort), Announce: p.Config.announced(p.Config.ClosedPort),
		Members: h.sync, Hellos: hellos{h}, Book: members.AddressBook{Store: p.Store}, Version: p.Version, Registerer: p.Registry, Shared: h.shared,
	}
	if p.Network != nil {
		p.Network(&h.open, &closed)
	}
	if h.net, err = p2p.New(closed); err != nil {
		return err
	}
	h.net.Handle(protocol.Leave, h.serveLeave)
	return h.sync.Bind(h.net)
}

// announced is what a host tells members instead of its own addresses: all that the operator announces.
func (c Config) announced(port int) []string {
	return slices.Concat(multiaddrs(c.Announce, port), c.sharedAddrs(c.Announce), c.webAddrs())
}

// Ready is closed when the hosts listen and the status page is served.
func (h *Hub) Ready() <-chan struct{} { return h.ready }

// Federation is the federation that the hub serves.
func (h *Hub) Federation() membership.Federation { return h.parts.Federation }

// JoinAddresses are where shops join, each a multiaddr ending in /p2p/<peer>.
func (h *Hub) JoinAddresses() []string { return withPeer(h.parts.Hub.Open) }

// Addresses are where shops reach the hub, as invites say.
func (h *Hub) Addresses() membership.Hub { return h.parts.Hub }

// StatusURL is where the status page can be opened on this machine; "" where none is served.
func (h *Hub) StatusURL() string {
	if h.parts.Config.Status == "" {
		return ""
	}
	return "http://" + Dialable(h.parts.Config.Status)
}

// List is the member list, for reading.
func (h *Hub) List() *roster.Roster { return h.list.roster }

// Run serves until ctx ends, and returns nil after an ordered stop: joins, commands and pages end
// first, the members' network last. A Hub runs once. Run returns an error as soon as the hub
// cannot go on. Then only what was answered is known to be stored; a restart reads what else is.
func (h *Hub) Run(ctx context.Context) error {
	err := errors.Join(h.run(ctx), h.Close())
	if err != nil {
		h.log.Error("stopped", "err", err)
	} else {
		h.log.Info("stopped")
	}
	return err
}

func (h *Hub) run(ctx context.Context) error {
	listeners, err := h.listen()
	if err != nil {
		return err
	}
	defer listeners.close()
	context.AfterFunc(ctx, func() { h.log.Info("stopping: what was taken is finished first", "why", context.Cause(ctx)) })
	if h.shared != nil {
		if err := h.shared.Listen(); err != nil {
			return err
		}
		defer h.shared.Close()
	}
	if err := h.net.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	defer h.net.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	open, err := p2p.OpenServe(ctx, h.open, protocol.Join, h.serveJoin)
	if err != nil {
		return err
	}
	defer open.Close()
	group, ctx := errgroup.WithContext(ctx)
	h.settle(ctx, group)
	listeners.serve(ctx, group, h)
	group.Go(func() error { return h.sync.Run(ctx) })
	group.Go(func() error { return h.renewals(ctx) })
	group.Go(func() error { return h.disconnectDeparted(ctx) })
	group.Go(func() error { return h.watchAnnounced(ctx) })
	group.Go(func() error {
		select {
		case err := <-h.failed:
			return err
		case <-ctx.Done():
			return nil
		}
	})
	close(h.ready)
	h.log.Info("hub open", "federation", h.parts.Federation.Origin, "join", h.JoinAddresses(), "status", h.StatusURL())
	return group.Wait()
}
