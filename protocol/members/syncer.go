package members

import (
	"context"
	"encoding/binary"
	"log/slog"
	"slices"
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
	// unknownPulls bounds the pulls that unknown keys cause (design: Network).
	unknownPulls = rate.Limit(1)
	// refresh is how often a shop asks for a newer checkpoint when it hears none: a
	// quarter of the hub's hour between two, so that one lost message is made good soon.
	refresh = 15 * time.Minute
	// pullTimeout bounds one pull of the whole list from one peer.
	pullTimeout = time.Minute
	// maxJobs is how many pulls wait; further ones are dropped, the next hello or
	// checkpoint asks again.
	maxJobs = 64
	// maxGossip is the most a gossiped bundle may have; a larger one is pulled.
	maxGossip = protocol.MaxGossip
)

// Config is what a Syncer needs. Gone and Logger are optional.
type Config struct {
	Roster *roster.Roster
	Self   exchange.ShopID
	Hub    []exchange.ShopID // the hub's closed hosts, asked first; empty at the hub itself
	Logger *slog.Logger
	// Gone is told of each shop that left or was revoked, after that is durable.
	Gone func(shop exchange.ShopID, why string)
}

// Syncer keeps a member list in step with those of the other members. Its
// methods are safe for concurrent use.
type Syncer struct {
	cfg     Config
	log     *slog.Logger
	net     *p2p.Node
	unknown *rate.Limiter
	jobs    chan exchange.ShopID // pull from this member; zero = from anybody
	events  chan roster.Event
	poke    chan struct{} // buffered 1: the own profile changed

	mu      sync.Mutex
	profile []byte // the own signed one
	pulled  uint64 // size of the list when it last grew by a pull, to be passed on
}

// New makes a Syncer that does nothing yet.
func New(cfg Config) (*Syncer, error) {
	s := &Syncer{
		cfg: cfg, log: cfg.Logger, unknown: rate.NewLimiter(unknownPulls, 1),
		jobs: make(chan exchange.ShopID, maxJobs), events: make(chan roster.Event, maxJobs), poke: make(chan struct{}, 1),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if _, signed, ok := cfg.Roster.Profile(cfg.Self); ok {
		s.profile = signed
	}
	return s, nil
}

// Bind registers the protocols on a node that has not been started.
func (s *Syncer) Bind(n *p2p.Node) error {
	s.net = n
	n.Handle(protocol.Log, s.serveLog)
	return nil
}

// Admit reports whether shop is a member now.
func (s *Syncer) Admit(shop exchange.ShopID) bool { return s.cfg.Roster.IsMember(shop) }

// Unknown has the list pulled, at most once a second: the key may have joined
// since.
func (s *Syncer) Unknown(exchange.ShopID) {
	if s.unknown.Allow() {
		s.pullSoon(exchange.ShopID{})
	}
}

func (s *Syncer) pullSoon(from exchange.ShopID) {
	select {
	case s.jobs <- from:
	default:
	}
}

// HelloPart is what a hello says of the list and of this shop.
func (s *Syncer) HelloPart() (checkpoint, profile []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg.Roster.Checkpoint(), s.profile
}

// Heard takes the same from a member. It does not wait for the network.
func (s *Syncer) Heard(from exchange.ShopID, checkpoint, profile []byte) {
	if len(checkpoint) > 0 {
		s.heardCheckpoint(from, checkpoint)
	}
	if len(profile) > 0 {
		if _, _, err := s.cfg.Roster.PutProfile(profile); err != nil {
			s.log.Debug("a profile in a hello", "from", from, "err", err)
		}
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
		s.pullSoon(from)
		return
	}
	err = s.cfg.Roster.Apply(membership.Bundle{Origin: fed.Origin, From: c.Size, Checkpoint: note})
	s.applied(from, err)
}

// applied looks at what Apply said: a list that does not fit ours is pulled
// whole, so that it is evidence or mended.
func (s *Syncer) applied(from exchange.ShopID, err error) {
	switch exchange.CodeOf(err) {
	case exchange.CodeOK, exchange.CodeTooOld, exchange.CodeStale:
	default:
		s.log.Info("a member's list was not taken", "from", from, "err", err)
	}
}

// PublishProfile spreads this shop's signed profile.
func (s *Syncer) PublishProfile(signed []byte) error {
	if _, _, err := s.cfg.Roster.PutProfile(signed); err != nil {
		return err
	}
	s.mu.Lock()
	s.profile = signed
	s.mu.Unlock()
	select {
	case s.poke <- struct{}{}:
	default:
	}
	return nil
}

// Run gossips and pulls until ctx ends. The node must have been started.
func (s *Syncer) Run(ctx context.Context) error {
	list, err := s.net.Topic(protocol.TopicMembers, p2p.TopicOptions{MaxMessage: maxGossip, Validate: s.validateList})
	if err != nil {
		return err
	}
	defer list.Close()
	profiles, err := s.net.Topic(protocol.TopicProfiles, p2p.TopicOptions{MaxMessage: membership.MaxProfileBytes, Validate: s.validateProfile})
	if err != nil {
		return err
	}
	defer profiles.Close()
	// Callbacks must not wait: an event that finds the channel full is only gossip lost,
	// unless somebody is gone, which is told at once.
	cancel := s.cfg.Roster.Subscribe(func(e roster.Event) {
		select {
		case s.events <- e:
		default:
			go func() { s.events <- e }()
		}
	})
	defer cancel()
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() { s.hear(ctx, list, s.takeList) })
	work.Go(func() { s.hear(ctx, profiles, s.takeProfile) })
	work.Go(func() { s.pulls(ctx) })
	ticker := time.NewTicker(refresh)
	defer ticker.Stop()
	for {
		select {
		case e := <-s.events:
			s.changed(ctx, list, e)
		case <-s.poke:
			s.mu.Lock()
			profile := s.profile
			s.mu.Unlock()
			if err := profiles.Publish(ctx, profile); err != nil {
				s.log.Debug("gossiping the profile", "err", err)
			}
		case <-ticker.C:
			s.pullSoon(exchange.ShopID{})
		case <-ctx.Done():
			return nil
		}
	}
}

// changed follows a durable change of the list.
func (s *Syncer) changed(ctx context.Context, list *p2p.Topic, e roster.Event) {
	switch e.Kind {
	case roster.Left, roster.Revoked:
		why := "left the federation"
		if e.Kind == roster.Revoked {
			why = "was revoked"
		}
		s.log.Info("a shop is gone", "shop", e.Member.Shop, "name", e.Member.Name, "why", why)
		if s.cfg.Gone != nil {
			s.cfg.Gone(e.Member.Shop, why)
		}
	case roster.Renewed:
		s.passOn(ctx, list)
	case roster.Frozen:
		if err := list.Publish(ctx, append([]byte{'E'}, s.cfg.Roster.Evidence()...)); err != nil {
			s.log.Warn("the evidence against the hub was not gossiped", "err", err)
		}
	}
}

// passOn gossips the newest entries: always at the hub, and at a shop that learned
// them by a pull.
func (s *Syncer) passOn(ctx context.Context, list *p2p.Topic) {
	size := s.cfg.Roster.State().Size()
	s.mu.Lock()
	mine := len(s.cfg.Hub) == 0 || s.pulled == size
	s.pulled = 0
	s.mu.Unlock()
	if !mine {
		return
	}
	// The last few entries serve everybody who is nearly up to date; others pull.
	const last = 8
	b, err := s.cfg.Roster.Bundle(size-min(size, last), maxGossip-1)
	if err == nil {
		var raw []byte
		if raw, err = b.Encode(); err == nil {
			err = list.Publish(ctx, append([]byte{'B'}, raw...))
		}
	}
	if err != nil {
		s.log.Debug("gossiping the member list", "err", err)
	}
}

func (s *Syncer) hear(ctx context.Context, topic *p2p.Topic, take func(p2p.Message)) {
	for {
		m, err := topic.Next(ctx)
		if err != nil {
			return
		}
		take(m)
	}
}

// validateList passes on what the hub signed and is not older than what is here.
func (s *Syncer) validateList(_ exchange.ShopID, data []byte) p2p.Verdict {
	if len(data) == 0 {
		return p2p.Reject
	}
	fed := s.cfg.Roster.State().Federation()
	switch data[0] {
	case 'B':
		b, err := membership.DecodeBundle(data[1:])
		if err != nil {
			return p2p.Reject
		}
		c, err := membership.OpenCheckpoint(fed, b.Checkpoint)
		if err != nil {
			return p2p.Reject
		}
		if have := s.cfg.Roster.State().Checkpoint(); c.Size < have.Size {
			return p2p.Ignore
		}
		return p2p.Accept
	case 'E':
		if _, err := membership.VerifyEvidence(fed, data[1:]); err != nil {
			return p2p.Reject
		}
		return p2p.Accept
	}
	return p2p.Ignore // of a later version
}

func (s *Syncer) takeList(m p2p.Message) {
	if m.From == s.cfg.Self {
		return
	}
	switch m.Data[0] {
	case 'B':
		b, err := membership.DecodeBundle(m.Data[1:])
		if err != nil {
			return
		}
		if size := s.cfg.Roster.State().Size(); b.From > size {
			s.pullSoon(m.From)
			return
		}
		s.applied(m.From, s.cfg.Roster.Apply(b))
	case 'E':
		if err := s.cfg.Roster.ApplyEvidence(m.Data[1:]); err != nil {
			s.log.Warn("evidence against the hub was not taken", "from", m.From, "err", err)
		}
	}
}

// validateProfile passes on profiles by their own shop only.
func (s *Syncer) validateProfile(from exchange.ShopID, data []byte) p2p.Verdict {
	p, err := membership.OpenProfile(s.cfg.Roster.State().Federation(), data, s.cfg.Roster.Key)
	if err != nil || p.Shop != from {
		return p2p.Reject
	}
	if held, _, ok := s.cfg.Roster.Profile(from); ok && held.Sequence >= p.Sequence {
		return p2p.Ignore
	}
	return p2p.Accept
}

func (s *Syncer) takeProfile(m p2p.Message) {
	if _, _, err := s.cfg.Roster.PutProfile(m.Data); err != nil {
		s.log.Debug("a profile", "from", m.From, "err", err)
	}
}

// pulls serves the queue of pulls, one at a time.
func (s *Syncer) pulls(ctx context.Context) {
	for {
		select {
		case from := <-s.jobs:
			s.pullAny(ctx, from)
		case <-ctx.Done():
			return
		}
	}
}

// pullAny pulls from the member named, or from the first that answers: the hub,
// then whoever is connected.
func (s *Syncer) pullAny(ctx context.Context, from exchange.ShopID) {
	candidates := []exchange.ShopID{from}
	if from.IsZero() {
		candidates = slices.Clone(s.cfg.Hub)
		for _, p := range s.net.Peers() {
			if !p.Hub {
				candidates = append(candidates, p.Shop)
			}
		}
	}
	for _, c := range candidates {
		if ctx.Err() != nil {
			return
		}
		if !s.net.Connected(c) {
			continue
		}
		err := s.pull(ctx, c)
		if err == nil {
			return
		}
		s.log.Debug("pulling the member list", "from", c, "err", err)
	}
}

// pull fetches what is missing from one member and applies it. A list that does
// not continue ours is fetched whole: it proves a contradiction.
func (s *Syncer) pull(ctx context.Context, from exchange.ShopID) error {
	ctx, cancel := context.WithTimeout(ctx, pullTimeout)
	defer cancel()
	size := s.cfg.Roster.State().Size()
	err := s.pullFrom(ctx, from, size)
	if exchange.CodeOf(err) == exchange.CodeSignature && size > 0 {
		err = s.pullFrom(ctx, from, 0)
	}
	return err
}

func (s *Syncer) pullFrom(ctx context.Context, from exchange.ShopID, index uint64) error {
	collector := roster.NewCollector(s.cfg.Roster.State().Federation(), index)
	for done := false; !done; {
		reply, err := s.net.Request(ctx, from, protocol.Log, binary.BigEndian.AppendUint64(nil, collector.Next()))
		if err != nil {
			return err
		}
		b, err := membership.DecodeBundle(reply)
		if err != nil {
			return err
		}
		if done, err = collector.Add(b); err != nil {
			return err
		}
	}
	b := collector.Bundle()
	if b.End() > s.cfg.Roster.State().Size() {
		s.mu.Lock()
		s.pulled = b.End()
		s.mu.Unlock()
	}
	return s.cfg.Roster.Apply(b)
}

// serveLog answers any member.
func (s *Syncer) serveLog(_ context.Context, _ exchange.ShopID, req []byte) ([]byte, error) {
	if len(req) != 8 {
		return nil, exchange.Errorf(exchange.CodeInvalid, "a log request has 8 bytes, not %d", len(req))
	}
	b, err := s.cfg.Roster.Bundle(binary.BigEndian.Uint64(req), maxAnswer)
	if err != nil {
		return nil, err
	}
	return b.Encode()
}

// maxAnswer keeps an answer within a frame of the network and leaves room for
// its head; longer lists travel in several.
const maxAnswer = min(membership.MaxBundleBytes, p2p.MaxMessage)
