package node

import (
	"context"
	"crypto/ed25519"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/roster"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/exchange/wake"
	"github.com/souk-market/souk/node/inventory"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/members"
	"github.com/souk-market/souk/protocol/p2p"
)

// Parts are what a Shop is composed of. Everything without "optional" is required.
type Parts struct {
	Key        ed25519.PrivateKey
	Config     Config
	Federation membership.Federation
	Hub        membership.Hub
	Store      kv.Store // synced
	Limits     kv.Limits
	Replicas   kv.Store // unsynced, its own
	// Limits of one commit of Store and of Replicas; zero = the defaults of desk.Open.
	ReplicaLimits kv.Limits
	Clock         exchange.Clock
	Random        io.Reader
	Logger        *slog.Logger
	Registry      *prometheus.Registry
	Rate          exchange.Rate // optional: newest US dollar rate of the shop's currency
	Version       string        // optional
	Folder        string        // optional: where files are kept
	TempDir       string        // optional: for large imports

	// Optional: of the disk the store is on.
	FreeBytes func() int64
	Healthy   func() error

	// AskHub, optional, puts a request to the hub's open host under the shop's own key. By it a shop
	// that was revoked while it was off hears of the revocation, and a shop leaves where the closed
	// host does not answer.
	AskHub members.Ask

	// Bridge, optional, is the shop's own system, where that has the authority over the stock.
	Bridge bridge.Bridge

	Resolver p2p.Resolver // optional: looks announced names up; nil = the machine's own

	// Network may change the network's configuration before it is used: tests put
	// a simulated network there.
	Network func(*p2p.Config)
}

// Shop is a running shop without a folder or an API.
type Shop struct {
	parts  Parts
	me     exchange.ShopID
	log    *slog.Logger
	codec  protocol.Codec
	desk   *desk.Desk
	roster *roster.Roster
	list   *members.Syncer
	net    *p2p.Node
	feeds  *feeds

	greeter *greeter
	reach   *Reach

	left     func()      // called when this shop is out of the federation; set before Run
	leaving  atomic.Bool // its owner had it leave
	departed wake.Signal // a partner may have departed, for tellDeparted
	started  exchange.Time
	ready    chan struct{} // closed when the network listens

	weighed weighing
	counted counting
	rates   atomic.Pointer[inventory.Rates] // newest; nil = none

	rating sync.Mutex // held by who replaces the US dollar rate; before mu
	mu     sync.Mutex
	policy trade.Policy
}

// New composes a shop and opens its state: ledgers are verified, nothing is started.
func New(p Parts) (*Shop, error) {
	me, err := exchange.ShopIDFromKey(p.Key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	parts, err := p.Config.policy()
	if err != nil {
		return nil, err
	}
	s := &Shop{
		parts: p, me: me, log: p.Logger, started: p.Clock.Now(), ready: make(chan struct{}),
		departed: wake.New(),
		policy: trade.Policy{AcceptByHand: parts.byHand, KeepAddresses: time.Duration(p.Config.KeepAddressesDays) * 24 * time.Hour, Shipping: parts.shipping, Tax: parts.tax, Rate: p.Rate,
			OwnHold: time.Duration(p.Config.OwnHoldMinutes) * time.Minute, Keep: p.Config.Keep, Share: p.Config.Share},
	}
	if p.Config.Currency == exchange.USD && !p.Rate.Known() {
		s.policy.Rate = exchange.USDRate
	}
	s.reach = newReach(s)
	haltAfter := time.Duration(p.Config.HaltAfterDays) * 24 * time.Hour
	if s.roster, err = roster.Open(roster.Config{
		Store: p.Store, Federation: p.Federation, Clock: p.Clock, Log: p.Logger, HaltAfter: haltAfter,
	}); err != nil {
		return nil, err
	}
	if s.list, err = members.New(members.Config{
		Roster: s.roster, Self: me, Hub: []exchange.ShopID{p.Hub.Closed.Peer}, Logger: p.Logger, Departed: s.memberDeparted,
		Status: p.AskHub,
	}); err != nil {
		return nil, err
	}
	if err := s.openNetwork(); err != nil {
		return nil, err
	}
	if s.desk, err = desk.Open(desk.Config{
		Store: p.Store, Codec: s.codec, Signer: protocol.NewSigner(p.Key, p.Federation.Origin, p.Random),
		Verifier: protocol.NewVerifier(p.Federation.Origin, s.roster), Network: partnerNetwork{s.net},
		Clock: p.Clock, Members: s.roster, Random: p.Random, Limits: p.Limits, Policy: s.policy,
		Currency: p.Config.Currency, Logger: p.Logger, Bridge: p.Bridge,
	}); err != nil {
		return nil, err
	}
	if sold, err := s.desk.Shelf.SoldIn(); err != nil {
		return nil, err
	} else if sold != "" && sold != p.Config.Currency {
		return nil, exchange.Errorf(exchange.CodeCurrency, "this shop's products are priced in %s, and %s says %s; a shop's currency cannot change. Set it back, or make a new shop", sold, configFile, p.Config.Currency)
	}
	if s.feeds, err = newFeeds(s); err != nil {
		return nil, err
	}
	s.greeter = newGreeter(s)
	return s, s.openRates()
}

// Desk has the shop's use cases: shelf, feed, trade and their parts.
func (s *Shop) Desk() *desk.Desk { return s.desk }

// Roster is the shop's member list.
func (s *Shop) Roster() *roster.Roster { return s.roster }

// Net is the shop's network.
func (s *Shop) Net() *p2p.Node { return s.net }

// Ready is closed when the network listens and requests are served.
func (s *Shop) Ready() <-chan struct{} { return s.ready }

func (s *Shop) now() exchange.Time { return s.parts.Clock.Now() }

// Run runs the shop until ctx ends, then stops in order: the network accepts no
// more, the writer finishes what it took, catalogs rest. An error means that the
// store failed: the process must end.
func (s *Shop) Run(ctx context.Context) error {
	s.releaseDeparted()
	g, runCtx := errgroup.WithContext(ctx)
	// The network is there when the first request of the outbox goes out. What partners ask
	// before the writer runs waits in the writer's queue.
	if err := s.net.Start(runCtx); err != nil {
		return err
	}
	// desk.Run, and so the writer, outlives the network: what the writer took is answered.
	deskCtx, stopDesk := context.WithCancel(context.WithoutCancel(ctx))
	defer stopDesk()
	deskDone := make(chan error, 1)
	go func() { deskDone <- s.desk.Run(deskCtx) }()
	g.Go(func() error { return s.net.Run(runCtx) })
	g.Go(func() error { return s.list.Run(runCtx) })
	g.Go(func() error { return s.feeds.run(runCtx) })
	g.Go(func() error { return s.greeter.run(runCtx) })
	g.Go(func() error { return s.reach.watch(runCtx) })
	g.Go(func() error {
		s.tellDeparted(runCtx)
		return nil
	})
	g.Go(func() error { // a failed commit stops everything
		select {
		case err := <-deskDone:
			deskDone <- err
			return err
		case <-runCtx.Done():
			return nil
		}
	})
	if err := s.publishProfile(); err != nil {
		s.log.Warn("the profile was not published", "err", err)
	}
	close(s.ready)
	err := g.Wait()
	if ctx.Err() != nil && exchange.CodeOf(err) == exchange.CodeUnavailable {
		err = nil // stopped as it started, before it had joined every topic
	}
	stopDesk()
	if derr := <-deskDone; derr != nil {
		err = derr
	}
	return err
}

// members leaves out the shops that departed.
func (s *Shop) members(shops []exchange.ShopID) []exchange.ShopID {
	return slices.DeleteFunc(shops, func(shop exchange.ShopID) bool { return !s.roster.IsMember(shop) })
}

// memberDeparted disconnects a shop that was revoked or left, and releases its holds.
func (s *Shop) memberDeparted(shop exchange.ShopID, why string) {
	if shop == s.me {
		s.log.Error("this shop is out of the federation and stops", "why", s.Departed())
		if s.left != nil {
			s.left()
		}
		return
	}
	s.net.Disconnect(shop, why)
	s.desk.Supplier.ReleaseAll(shop)
	s.greeter.lookNow()
	s.departed.Set()
}

// releaseDeparted releases the holds of partners that departed: this shop may have ended between
// learning of a departure and the release.
func (s *Shop) releaseDeparted() {
	for _, shop := range s.desk.Partnerships.Counterparts() {
		if !s.roster.IsMember(shop) {
			s.desk.Supplier.ReleaseAll(shop)
		}
	}
}

func (s *Shop) publishProfile() error {
	p := s.parts.Config.profile(s.me)
	p.Origin, p.At, p.Sequence = s.parts.Federation.Origin, s.now(), uint64(s.now())
	if old, _, ok := s.roster.Profile(s.me); ok {
		p.Sequence = max(p.Sequence, old.Sequence+1)
	}
	signed, err := membership.SignProfile(p, s.parts.Key)
	if err != nil {
		return err
	}
	return s.list.PublishProfile(signed)
}
