package members

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/roster"
	"github.com/souk-market/souk/exchange/wake"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/p2p"
)

const (
	// unknownPulls bounds the pulls that keys outside the list cause, in one second (design: Network).
	unknownPulls = rate.Limit(1)
	// refresh is how often a shop asks for a newer checkpoint in any case. The hub signs hourly: a
	// shop that missed a message waits at most a quarter of that.
	refresh = 15 * time.Minute
	// refreshProfiles is how often a shop asks for all profiles, to make up for lost gossip.
	refreshProfiles = 24 * time.Hour
	// meshPause is how long after a neighbour began to gossip with us the list is pulled once more.
	// An entry that was published between our hello and then reaches us in no other way. Neighbours
	// begin one heartbeat (1 s) after they connect, so a start makes one or two pulls. A pull where
	// nothing was missed is 700 bytes; a hub to which 500 shops come back sends 700 KB.
	meshPause = 2 * time.Second
	// retry is how often a Syncer tries again what could not be sent or asked.
	retry = 10 * time.Second
)

// Config is what a Syncer needs. Status, Departed and Logger are optional.
type Config struct {
	Roster *roster.Roster
	Self   exchange.ShopID
	Hub    []exchange.ShopID // the hub's closed hosts, asked first; empty at the hub itself
	Logger *slog.Logger
	// Status carries this shop's question for its status to the hub's open host, under the shop's
	// own key. It is used while no closed host of the hub's is connected. With nil, a shop that was
	// revoked while it was off does not learn it.
	Status Ask
	// Departed is called for each shop that left or was revoked, when that is durable.
	Departed func(shop exchange.ShopID, why string)
}

// Syncer keeps this member's list in step with the lists of the other members. Its methods are safe
// for concurrent use.
type Syncer struct {
	cfg     Config
	log     *slog.Logger
	net     *p2p.Node // set by Bind
	unknown *rate.Limiter
	jobs    chan job
	serving chan struct{} // capacity maxServing: held by each answer being made
	hasNews wake.Signal   // news, or unspread was set
	changed wake.Signal   // the list is to be compared with other members'
	meshed  wake.Signal   // a neighbour began to gossip with us
	failed  chan error    // capacity 1: a fault that must end the process

	mu       sync.Mutex
	profile  []byte // guarded by mu: the own signed one
	unspread bool   // guarded by mu: the own profile waits to be gossiped
	news     news   // guarded by mu
	pulled   uint64 // guarded by mu: size that the list grew to by a pull
	// gossipers limits the profiles that each member gossips, or says hello with. Guarded by mu.
	gossipers map[exchange.ShopID]*rate.Limiter
}

// news is what happened to the list and is not spread yet.
type news struct {
	departed []membership.Member // left or revoked
	renewed  bool                // there is a newer checkpoint
	frozen   bool                // there is evidence to gossip
}

// New makes a Syncer that does nothing yet.
func New(cfg Config) (*Syncer, error) {
	s := &Syncer{
		cfg: cfg, log: cfg.Logger, unknown: rate.NewLimiter(unknownPulls, 1),
		jobs: make(chan job, maxJobs), serving: make(chan struct{}, maxServing),
		hasNews: wake.New(), changed: wake.New(), meshed: wake.New(), failed: make(chan error, 1),
		gossipers: map[exchange.ShopID]*rate.Limiter{},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if _, signed, ok := cfg.Roster.Profile(cfg.Self); ok {
		s.profile, s.unspread = signed, true
	}
	s.news.frozen = cfg.Roster.Evidence() != nil
	cfg.Roster.Subscribe(s.note) // for as long as the roster lives
	return s, nil
}

// note keeps an event of the roster's for Run. It returns at once, because the roster waits for it.
func (s *Syncer) note(e roster.Event) {
	s.mu.Lock()
	switch e.Kind {
	case roster.Left, roster.Revoked:
		s.news.departed = append(s.news.departed, e.Member)
	case roster.Renewed:
		s.news.renewed = true
	case roster.Frozen:
		s.news.frozen = true
	}
	s.mu.Unlock()
	s.hasNews.Set()
}

// Bind registers the protocols on a node that has not been started.
func (s *Syncer) Bind(n *p2p.Node) error {
	s.net = n
	n.Handle(protocol.Log, s.serveLog)
	n.Handle(protocolProfiles, s.serveProfiles)
	return nil
}

// Admit implements p2p.Directory: it reports whether shop is a member now. The hub is no member, but
// the hub's own gossip has to pass the hub's own gate.
func (s *Syncer) Admit(shop exchange.ShopID) bool {
	return s.cfg.Roster.IsMember(shop) || s.isHub() && shop == s.cfg.Self
}

// Unknown implements p2p.Directory. It has the list pulled, at most once a second: the key may have
// joined in the meantime.
func (s *Syncer) Unknown(exchange.ShopID) {
	if s.unknown.Allow() {
		s.queuePull(job{})
	}
}

// HelloPart returns what this member's hello says: its checkpoint and its signed profile.
func (s *Syncer) HelloPart() (checkpoint, profile []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg.Roster.Checkpoint(), s.profile
}

// Greeted takes the checkpoint and the profile of another member's hello. It may wait for a commit, but
// not for the network.
func (s *Syncer) Greeted(from exchange.ShopID, checkpoint, profile []byte) {
	if len(checkpoint) > 0 {
		s.noteCheckpoint(from, checkpoint)
	}
	if len(profile) > 0 && s.validateProfile(from, profile) == p2p.Accept { // a member says hello as often as it likes
		s.takeProfile(from, profile)
	}
}

// noteCheckpoint pulls where a member's checkpoint is larger than the list. Any other checkpoint is
// compared with the list: a later time renews the list, a contradiction freezes it.
func (s *Syncer) noteCheckpoint(from exchange.ShopID, note []byte) {
	fed := s.cfg.Roster.State().Federation()
	c, err := membership.OpenCheckpoint(fed, note)
	if err != nil {
		s.log.Warn("a member showed a checkpoint that the hub did not sign", "from", from, "err", err)
		return
	}
	if c.Size > s.cfg.Roster.State().Size() {
		s.queuePull(job{from: from, size: c.Size})
		return
	}
	err = s.cfg.Roster.Apply(membership.Bundle{Origin: fed.Origin, From: c.Size, Checkpoint: note})
	s.applied(from, c.Size, err)
}

// applied acts on the error of Apply for a list of size entries that from sent.
func (s *Syncer) applied(from exchange.ShopID, size uint64, err error) {
	switch exchange.CodeOf(err) {
	case exchange.CodeOK, exchange.CodeStale:
	case exchange.CodeBehind, exchange.CodeSignature:
		s.queuePull(job{from: from, size: size})
	case exchange.CodeFrozen:
		s.log.Debug("a member's list was not taken", "from", from, "err", err)
	default:
		s.log.Warn("a member's list was not taken", "from", from, "err", err)
		s.check(err)
	}
}

// check ends Run on an error after which nobody knows what is stored.
func (s *Syncer) check(err error) {
	if exchange.CodeOf(err) != exchange.CodeInternal {
		return
	}
	select {
	case s.failed <- err:
	default:
	}
}

// Run gossips and pulls until ctx ends. The node must have been started. An error of Run means that
// nobody knows what is stored: the process must end.
func (s *Syncer) Run(ctx context.Context) error {
	list, err := s.net.Topic(protocol.TopicMembers, p2p.TopicOptions{MaxMessage: maxGossip, Validate: s.validateList, Meshed: s.meshes})
	if err != nil {
		return err
	}
	defer list.Close()
	profiles, err := s.net.Topic(protocol.TopicProfiles, p2p.TopicOptions{MaxMessage: membership.MaxProfileBytes, Validate: s.validateProfile})
	if err != nil {
		return err
	}
	defer profiles.Close()
	var work sync.WaitGroup
	defer work.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	again := wake.New() // say hello to everybody again
	work.Go(func() { s.receive(ctx, list, s.takeList) })
	work.Go(func() { s.receive(ctx, profiles, func(m p2p.Message) { s.takeProfile(m.From, m.Data) }) })
	work.Go(func() { s.pulls(ctx) })
	work.Go(func() { s.pullProfiles(ctx) })
	work.Go(func() { s.crossChecks(ctx) })
	work.Go(func() { s.afterMeshed(ctx) })
	work.Go(func() { s.askStatus(ctx) })
	work.Go(func() {
		for {
			select {
			case <-again.C():
				s.net.HelloAll(ctx)
			case <-ctx.Done():
				return
			}
		}
	})
	return s.spread(ctx, list, profiles, again)
}

// spread gossips what is new in this member's list and profile, and calls Departed.
func (s *Syncer) spread(ctx context.Context, list, profiles *p2p.Topic, again wake.Signal) error {
	slow, often := time.NewTicker(refresh), time.NewTicker(retry)
	defer slow.Stop()
	defer often.Stop()
	for {
		s.mu.Lock()
		n := s.news
		s.news = news{}
		s.mu.Unlock()
		s.spreadNews(ctx, list, n, again)
		s.spreadProfile(ctx, profiles)
		select {
		case <-s.hasNews.C():
		case <-often.C:
		case <-slow.C:
			s.queuePull(job{})
			s.mu.Lock()
			s.news.frozen = s.cfg.Roster.Evidence() != nil
			s.mu.Unlock()
		case err := <-s.failed:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// spreadNews spreads one batch of news.
func (s *Syncer) spreadNews(ctx context.Context, list *p2p.Topic, n news, again wake.Signal) {
	if n.renewed {
		s.passOn(ctx, list)
		s.changed.Set()
	}
	if n.frozen && list.Neighbours() == 0 {
		s.mu.Lock()
		s.news.frozen = true // again, once there is a neighbour
		s.mu.Unlock()
	} else if n.frozen {
		if err := list.Publish(ctx, append([]byte{'E'}, s.cfg.Roster.Evidence()...)); err != nil {
			s.log.Warn("the evidence against the hub was not gossiped", "err", err)
		}
	}
	for _, m := range n.departed {
		why := "left the federation"
		if m.Status == membership.Revoked {
			why = "was revoked"
		}
		s.log.Info("a shop has departed", "shop", m.Shop, "name", m.Name, "why", why)
		if s.cfg.Departed != nil {
			s.cfg.Departed(m.Shop, why)
		}
	}
	if len(n.departed) > 0 && s.isHub() {
		again.Set()
	}
}

func (s *Syncer) isHub() bool { return len(s.cfg.Hub) == 0 }
