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
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/p2p"
)

const (
	// unknownPulls bounds the pulls that unknown keys cause, in one second (design: Network).
	unknownPulls = rate.Limit(1)
	// refresh is how often a shop asks for a newer checkpoint in any case: a
	// quarter of the hub's hour between two, so that a lost message is made good soon.
	refresh = 15 * time.Minute
	// refreshProfiles is how often it asks for all profiles, a day's worth of lost gossip.
	refreshProfiles = 24 * time.Hour
	// meshPause is how long after a neighbour began to gossip with us the list is pulled once
	// more. An entry that was published after our hellos and before that moment reaches us in no
	// other way. Neighbours come one heartbeat (1 s) after they connect, so a start makes
	// one or two: 700 bytes each where nothing was missed, 700 KB at a hub that 500 shops come
	// back to.
	meshPause = 2 * time.Second
	// retry is how often it looks whether what could not be sent or asked now can be.
	retry = 10 * time.Second
)

// Config is what a Syncer needs. Status, Gone and Logger are optional.
type Config struct {
	Roster *roster.Roster
	Self   exchange.ShopID
	Hub    []exchange.ShopID // the hub's closed hosts, asked first; empty at the hub itself
	Logger *slog.Logger
	// Status asks the hub's open host under this shop's own key, while the closed one is not
	// connected. With nil, a shop that was revoked while it was off does not hear of it.
	Status Ask
	// Gone is told of each shop that left or was revoked, after that is durable.
	Gone func(shop exchange.ShopID, why string)
}

// Syncer keeps a member list in step with those of the other members. Its
// methods are safe for concurrent use.
type Syncer struct {
	cfg     Config
	log     *slog.Logger
	net     *p2p.Node // set by Bind
	unknown *rate.Limiter
	jobs    chan job
	serving chan struct{} // capacity maxServing: held by each answer being made
	wake    chan struct{} // capacity 1: news, or unspread was set
	changed chan struct{} // capacity 1: the list is to be compared with others'
	meshed  chan struct{} // capacity 1: a neighbour began to gossip with us
	failed  chan error    // capacity 1: a fault that must end the process

	mu       sync.Mutex
	profile  []byte                            // guarded by mu: the own signed one
	unspread bool                              // guarded by mu: the own profile waits to be gossiped
	news     news                              // guarded by mu
	pulled   uint64                            // guarded by mu: size that the list grew to by a pull
	heard    map[exchange.ShopID]*rate.Limiter // guarded by mu: of profiles gossiped by a member
}

// news is what happened to the list and was not told yet.
type news struct {
	gone    []membership.Member
	renewed bool // there is a newer checkpoint
	frozen  bool // there is evidence to tell
}

// New makes a Syncer that does nothing yet.
func New(cfg Config) (*Syncer, error) {
	s := &Syncer{
		cfg: cfg, log: cfg.Logger, unknown: rate.NewLimiter(unknownPulls, 1),
		jobs: make(chan job, maxJobs), serving: make(chan struct{}, maxServing),
		wake: make(chan struct{}, 1), changed: make(chan struct{}, 1), meshed: make(chan struct{}, 1), failed: make(chan error, 1),
		heard: map[exchange.ShopID]*rate.Limiter{},
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

// note keeps what happened until Run looks: the roster is not held up, and nothing is lost.
func (s *Syncer) note(e roster.Event) {
	s.mu.Lock()
	switch e.Kind {
	case roster.Left, roster.Revoked:
		s.news.gone = append(s.news.gone, e.Member)
	case roster.Renewed:
		s.news.renewed = true
	case roster.Frozen:
		s.news.frozen = true
	}
	s.mu.Unlock()
	s.rouse()
}

func (s *Syncer) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Bind registers the protocols on a node that has not been started.
func (s *Syncer) Bind(n *p2p.Node) error {
	s.net = n
	n.Handle(protocol.Log, s.serveLog)
	n.Handle(protocolProfiles, s.serveProfiles)
	return nil
}

// Admit reports whether shop is a member now. The hub is none, but what it gossips itself
// has to pass its own door.
func (s *Syncer) Admit(shop exchange.ShopID) bool {
	return s.cfg.Roster.IsMember(shop) || s.isHub() && shop == s.cfg.Self
}

// Unknown has the list pulled, at most once a second: the key may have joined
// since.
func (s *Syncer) Unknown(exchange.ShopID) {
	if s.unknown.Allow() {
		s.pullSoon(job{})
	}
}

// HelloPart is what a hello says of the list and of this shop.
func (s *Syncer) HelloPart() (checkpoint, profile []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg.Roster.Checkpoint(), s.profile
}

// Heard takes the same from a member. It may wait for a commit, but not for the network.
func (s *Syncer) Heard(from exchange.ShopID, checkpoint, profile []byte) {
	if len(checkpoint) > 0 {
		s.heardCheckpoint(from, checkpoint)
	}
	if len(profile) > 0 {
		s.takeProfile(from, profile)
	}
}

// heardCheckpoint pulls where the checkpoint is larger; any other is compared
// with the list: a later time is taken, a contradiction is evidence.
func (s *Syncer) heardCheckpoint(from exchange.ShopID, note []byte) {
	fed := s.cfg.Roster.State().Federation()
	c, err := membership.OpenCheckpoint(fed, note)
	if err != nil {
		s.log.Warn("a member showed a checkpoint that the hub did not sign", "from", from, "err", err)
		return
	}
	if c.Size > s.cfg.Roster.State().Size() {
		s.pullSoon(job{from: from, size: c.Size})
		return
	}
	err = s.cfg.Roster.Apply(membership.Bundle{Origin: fed.Origin, From: c.Size, Checkpoint: note})
	s.applied(from, c.Size, err)
}

// applied looks at what Apply said of a list that from sent.
func (s *Syncer) applied(from exchange.ShopID, size uint64, err error) {
	switch exchange.CodeOf(err) {
	case exchange.CodeOK, exchange.CodeStale:
	case exchange.CodeBehind, exchange.CodeSignature:
		s.pullSoon(job{from: from, size: size})
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

// Run gossips and pulls until ctx ends. The node must have been started. It returns an
// error when the process must end: what is stored is not known.
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
	again := make(chan struct{}, 1) // say hello to everybody again
	work.Go(func() { s.hear(ctx, list, s.takeList) })
	work.Go(func() { s.hear(ctx, profiles, func(m p2p.Message) { s.takeProfile(m.From, m.Data) }) })
	work.Go(func() { s.pulls(ctx) })
	work.Go(func() { s.pullProfiles(ctx) })
	work.Go(func() { s.crossChecks(ctx) })
	work.Go(func() { s.afterMeshed(ctx) })
	work.Go(func() { s.askStatus(ctx) })
	work.Go(func() {
		for {
			select {
			case <-again:
				s.net.HelloAll(ctx)
			case <-ctx.Done():
				return
			}
		}
	})
	return s.spread(ctx, list, profiles, again)
}

// spread tells the network, and Gone, what is new here.
func (s *Syncer) spread(ctx context.Context, list, profiles *p2p.Topic, again chan<- struct{}) error {
	later, often := time.NewTicker(refresh), time.NewTicker(retry)
	defer later.Stop()
	defer often.Stop()
	for {
		s.mu.Lock()
		n := s.news
		s.news = news{}
		s.mu.Unlock()
		s.tell(ctx, list, n, again)
		s.spreadProfile(ctx, profiles)
		select {
		case <-s.wake:
		case <-often.C:
		case <-later.C:
			s.pullSoon(job{})
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

// tell passes on one round of news.
func (s *Syncer) tell(ctx context.Context, list *p2p.Topic, n news, again chan<- struct{}) {
	if n.renewed {
		s.passOn(ctx, list)
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}
	if n.frozen && list.Neighbours() == 0 {
		s.mu.Lock()
		s.news.frozen = true // once there is somebody to tell
		s.mu.Unlock()
	} else if n.frozen {
		if err := list.Publish(ctx, append([]byte{'E'}, s.cfg.Roster.Evidence()...)); err != nil {
			s.log.Warn("the evidence against the hub was not gossiped", "err", err)
		}
	}
	for _, m := range n.gone {
		why := "left the federation"
		if m.Status == membership.Revoked {
			why = "was revoked"
		}
		s.log.Info("a shop is gone", "shop", m.Shop, "name", m.Name, "why", why)
		if s.cfg.Gone != nil {
			s.cfg.Gone(m.Shop, why)
		}
	}
	if len(n.gone) > 0 && s.isHub() {
		select {
		case again <- struct{}{}:
		default:
		}
	}
}

func (s *Syncer) isHub() bool { return len(s.cfg.Hub) == 0 }
