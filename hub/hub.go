package hub

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
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
	// staleAfter is the age of a checkpoint that says that this hub was not running, or that its
	// list is a copy: one and a half times what a running hub lets pass.
	staleAfter = renewEvery + renewEvery/2
	// settleTime is how long a hub with members listens to them at start before it signs
	// anything; settleStale, where its checkpoint is over staleAfter. A shop dials a hub that
	// is back within a minute at most (p2p), and within seconds after a short absence.
	settleTime  = 8 * time.Second
	settleStale = 90 * time.Second
	// settleWait is how long a statement waits for that, less than the open host gives a request (15 s).
	settleWait = 10 * time.Second
	// leaveGrace lets the answer to a leave travel before the connection is cut.
	leaveGrace = 2 * time.Second
)

// Parts are what a Hub is composed of. What comes after Hub is optional.
type Parts struct {
	Federation membership.Federation
	LogKey     ed25519.PrivateKey
	OpenKey    ed25519.PrivateKey // of the host that strangers join through
	ClosedKey  ed25519.PrivateKey // of the host for members
	Store      desk.Store         // the member list's; stays the caller's to close
	Clock      desk.Clock
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
	parts   Parts
	log     *slog.Logger
	list    *list
	sync    *members.Syncer
	net     *p2p.Node
	open    p2p.OpenConfig
	metrics *metrics
	folder  folder // of Open; empty otherwise
	socket  string // path of the command socket; "" = none

	ready   chan struct{}
	settled chan struct{} // closed once statements may be appended
	failed  chan error    // capacity 1: a fault that must end the process
	gone    chan exchange.ShopID
}

// New composes a hub. It reads and verifies the member list and starts nothing.
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
		gone: make(chan exchange.ShopID, maxGone),
	}
	var err error
	if h.list, err = openList(p.Store, p.Federation, p.LogKey, p.Clock, p.Logger); err != nil {
		return nil, err
	}
	self, err := exchange.ShopIDFromKey(public(p.ClosedKey))
	if err != nil {
		return nil, err
	}
	h.sync, err = members.New(members.Config{Roster: h.list.roster, Self: self, Logger: p.Logger, Gone: h.cut})
	if err != nil {
		return nil, err
	}
	if err := h.network(); err != nil {
		return nil, err
	}
	h.metrics, err = newMetrics(h, p.Registry)
	return h, err
}

// maxGone is how many shops wait to be cut after leaving; one that finds no room is cut at once.
const maxGone = 64

// network makes both hosts' configurations and the closed host.
func (h *Hub) network() error {
	p := h.parts
	h.open = p2p.OpenConfig{
		Key: p.OpenKey, Federation: p.Federation.Label(), Logger: p.Logger,
		Listen: multiaddrs(p.Config.Listen, p.Config.OpenPort), Announce: announced(p.Config, p.Hub.Open),
	}
	closed := p2p.Config{
		Key: p.ClosedKey, Federation: p.Federation.Label(), Hub: true, Logger: p.Logger,
		Listen: multiaddrs(p.Config.Listen, p.Config.ClosedPort), Announce: announced(p.Config, p.Hub.Closed),
		Members: h.sync, Hellos: hellos{h}, Version: p.Version, Registerer: p.Registry,
	}
	if p.Network != nil {
		p.Network(&h.open, &closed)
	}
	var err error
	if h.net, err = p2p.New(closed); err != nil {
		return err
	}
	h.net.Handle(protocol.Leave, h.serveLeave)
	return h.sync.Bind(h.net)
}

func announced(c Config, h membership.HubHost) []string {
	if len(c.Announce) == 0 {
		return nil
	}
	return h.Addrs
}

// Ready is closed when the hosts listen and the status page is served.
func (h *Hub) Ready() <-chan struct{} { return h.ready }

// Federation is whose hub this is.
func (h *Hub) Federation() membership.Federation { return h.parts.Federation }

// JoinAddresses are where shops join, each a multiaddr ending in /p2p/<peer>.
func (h *Hub) JoinAddresses() []string { return withPeer(h.parts.Hub.Open) }

// Addresses are where shops reach the hub, as invites say.
func (h *Hub) Addresses() membership.Hub { return h.parts.Hub }

// StatusURL is the status page's address; "" where none is served.
func (h *Hub) StatusURL() string {
	if h.parts.Config.Status == "" {
		return ""
	}
	return "http://" + h.parts.Config.Status
}

// List is the member list, for reading.
func (h *Hub) List() *roster.Roster { return h.list.roster }

// Run serves until ctx ends, and returns nil after an ordered stop: joins end first, then
// commands and pages, then the members' network. A Hub runs once. It returns an error as
// soon as the hub cannot go on; then nothing is known to be stored that was not
// answered before, and a restart finds out.
func (h *Hub) Run(ctx context.Context) error { return errors.Join(h.run(ctx), h.Close()) }

func (h *Hub) run(ctx context.Context) error {
	listeners, err := h.listen()
	if err != nil {
		return err
	}
	defer listeners.close()
	// The members' network outlives the group, so that joins and commands are answered first.
	netCtx, stopNet := context.WithCancel(context.WithoutCancel(ctx))
	defer stopNet()
	group, ctx := errgroup.WithContext(ctx)
	h.settle(ctx, group)
	if err := h.net.Start(netCtx); err != nil {
		return err
	}
	defer h.net.Close()
	open, err := p2p.OpenServe(ctx, h.open, protocol.Join, h.serveJoin)
	if err != nil {
		return err
	}
	defer open.Close()
	listeners.serve(ctx, group, h)
	group.Go(func() error { return h.sync.Run(ctx) })
	group.Go(func() error { return h.renewals(ctx) })
	group.Go(func() error { return h.partings(ctx) })
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

// settle opens the list for signing: at once where it names no member, else after
// listening to them (see the package's doc).
func (h *Hub) settle(ctx context.Context, group *errgroup.Group) {
	state := h.list.roster.State()
	if !slices.ContainsFunc(state.Members(), func(m membership.Member) bool { return m.Status == membership.Active }) {
		close(h.settled)
		return
	}
	wait := settleTime
	if state.Age(h.parts.Clock.Now()) > staleAfter {
		wait = settleStale
		h.log.Warn("the member list was last signed long ago; asking members for a newer one before anything is signed",
			"signed", state.Checkpoint().Time, "entries", state.Size(), "wait", wait)
	}
	group.Go(func() error {
		select {
		case <-time.After(wait):
			close(h.settled)
		case <-ctx.Done():
		}
		return nil
	})
}

// submit enters a statement, when the hub is ready to.
func (h *Hub) submit(ctx context.Context, st membership.Statement) error {
	select {
	case <-h.settled:
	case <-ctx.Done():
	case <-time.After(settleWait):
	}
	select {
	case <-h.settled:
	default:
		return exchange.Errorf(exchange.CodeUnavailable, "the hub was away and asks its members for a newer list first; try again in %v", settleStale)
	}
	_, err := h.list.submit(st)
	h.metrics.submitted(st.Kind(), err)
	if fatal(err) {
		h.fail(err)
	}
	return err
}

func (h *Hub) fail(err error) {
	select {
	case h.failed <- err:
	default:
	}
}

// renewals signs the list when it is settled, and hourly.
func (h *Hub) renewals(ctx context.Context) error {
	select {
	case <-h.settled:
	case <-ctx.Done():
		return nil
	}
	for {
		wait := renewEvery
		if err := h.list.renew(); err != nil {
			if fatal(err) {
				return err
			}
			h.log.Error("the member list could not be signed again", "err", err)
			wait = retryEvery
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

// serveJoin answers the open host: a statement of anybody, judged by its signatures alone.
func (h *Hub) serveJoin(ctx context.Context, _ exchange.ShopID, req []byte) ([]byte, error) {
	from, st, err := members.ParseSubmission(req)
	if err != nil {
		return nil, err
	}
	if err := h.submit(ctx, st); err != nil {
		return nil, err
	}
	if st.Kind() != membership.KindJoin {
		return nil, nil
	}
	return h.bundle(from, p2p.MaxOpenReply)
}

// serveLeave answers a member that leaves.
func (h *Hub) serveLeave(ctx context.Context, _ exchange.ShopID, req []byte) ([]byte, error) {
	st, err := membership.DecodeStatement(req)
	if err != nil {
		return nil, err
	}
	if st.Kind() != membership.KindLeave {
		return nil, exchange.Errorf(exchange.CodeInvalid, "this is no leave statement")
	}
	if err := h.submit(ctx, st); err != nil {
		return nil, err
	}
	const newest = 8 // entries; a shop further behind pulls
	size := h.list.roster.State().Size()
	return h.bundle(size-min(size, newest), p2p.MaxMessage)
}

func (h *Hub) bundle(from uint64, limit int) ([]byte, error) {
	b, err := h.list.roster.Bundle(from, limit)
	if err != nil {
		return nil, err
	}
	return b.Encode()
}

// cut disconnects a shop that is no member any more: one that was revoked at once, one that
// left when its answer has travelled.
func (h *Hub) cut(shop exchange.ShopID, why string) {
	if m, _ := h.list.roster.Member(shop); m.Status == membership.Left {
		select {
		case h.gone <- shop:
			return
		default:
		}
	}
	h.net.Disconnect(shop, why)
}

// partings cuts the shops that left.
func (h *Hub) partings(ctx context.Context) error {
	var waiting sync.WaitGroup
	defer waiting.Wait()
	for {
		select {
		case shop := <-h.gone:
			waiting.Go(func() {
				select {
				case <-time.After(leaveGrace):
				case <-ctx.Done():
				}
				if !h.list.roster.IsMember(shop) {
					h.net.Disconnect(shop, "left the federation")
				}
			})
		case <-ctx.Done():
			return nil
		}
	}
}

// hellos is what the hub says and hears first on each connection. It does not trade: its
// greeting is empty.
type hellos struct{ h *Hub }

// Hello implements p2p.Hellos.
func (s hellos) Hello(to exchange.ShopID) []byte {
	checkpoint, _ := s.h.sync.HelloPart()
	raw, err := protocol.Codec{}.Encode(&desk.Hello{Agent: "souk-hub/" + s.h.parts.Version, Members: checkpoint})
	if err != nil {
		s.h.log.Error("making a hello", "to", to, "err", err)
	}
	return raw
}

// Greet implements p2p.Hellos.
func (s hellos) Greet(from exchange.ShopID, raw []byte) error {
	v, err := protocol.Codec{}.Decode(desk.KindHello, raw)
	if err != nil {
		return err
	}
	hello := v.(*desk.Hello)
	s.h.sync.Heard(from, hello.Members, hello.Profile)
	return nil
}

// listeners are the sockets of pages and commands; either may be nil.
type listeners struct{ status, commands net.Listener }

func (h *Hub) listen() (listeners, error) {
	var l listeners
	var err error
	if h.parts.Config.Status != "" {
		if l.status, err = net.Listen("tcp", h.parts.Config.Status); err != nil {
			return l, exchange.Errorf(exchange.CodeUnavailable, "the status page cannot listen on %s; change status in %s, or stop what uses that port: %w", h.parts.Config.Status, configFile, err)
		}
	}
	if h.socket != "" {
		if l.commands, err = listenSocket(h.socket); err != nil {
			return l, errors.Join(err, l.close())
		}
	}
	return l, nil
}

func (l listeners) close() error {
	var errs []error
	for _, x := range []net.Listener{l.status, l.commands} {
		if x == nil {
			continue
		}
		if err := x.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (l listeners) serve(ctx context.Context, group *errgroup.Group, h *Hub) {
	if l.status != nil {
		group.Go(func() error { return serveHTTP(ctx, l.status, h.pages()) })
	}
	if l.commands != nil {
		group.Go(func() error { return serveHTTP(ctx, l.commands, h.commands()) })
	}
}
