package replica

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/wake"
)

// Client carries a pull to a supplier and hands each the chunks of the answer, in order.
// Pull returns nil after the chunk that says Last, else each's error, the supplier's refusal
// as an *exchange.Error, or the network's failure.
type Client interface {
	Pull(ctx context.Context, shop exchange.ShopID, pull *message.FeedPull, each func(*message.FeedChunk) error) error
}

// Limits of following.
const (
	// MaxPulls is how many catalogs are pulled at once: two keep both cores busy with
	// decoding and digests, two more wait for the network.
	MaxPulls = 4
	// maxWaiting is how many updates of one shop wait to be applied; with more, a pull is
	// cheaper. A publisher sends ten a second: six seconds' worth.
	maxWaiting = 64
	// refusedRetry follows a refusal that a repeated pull will hardly mend: the supplier's
	// catalog is not what the supplier signed, or the supplier knows of no partnership.
	refusedRetry = time.Minute
	// blindInterval is the shortest time between two pulls because of gossip that
	// does not decrypt.
	blindInterval = 10 * time.Second
)

// FollowerConfig is what a Follower is made of. Logger is optional.
type FollowerConfig struct {
	Replicas *Replicas
	Client   Client
	// Open decrypts a gossip message of shop's feed. CodeNotFound says that the message was
	// encrypted with another key.
	Open   func(shop exchange.ShopID, key message.FeedKey, sealed []byte) ([]byte, error)
	Logger *slog.Logger
	// Flush publishes the own feed's changes up to the call and says where the feed then
	// stands. Config.Own and CatchUp require it.
	Flush func(ctx context.Context) (catalog.Position, error)
}

// Follower keeps the replicas of all suppliers close to their feeds: it applies gossip, and
// pulls where gossip does not continue the copy. Replicas and package catalog decide; a
// Follower has the goroutines, one for each shop with something to do, and the retries.
// Its methods are safe for concurrent use, never wait for the network, and may be called
// before Run.
type Follower struct {
	cfg   FollowerConfig
	log   *slog.Logger
	slots chan struct{} // one token for each pull under way

	mu    sync.Mutex // guards shops and ctx
	shops map[exchange.ShopID]*followed
	ctx   context.Context // Run's; nil before and after

	work  sync.WaitGroup
	fatal chan error  // a store's failure, which ends Run
	sweep wake.Signal // copies may be there that nothing names
}

// NewFollower returns a Follower that does nothing until Run.
func NewFollower(cfg FollowerConfig) *Follower {
	f := &Follower{
		cfg: cfg, log: cfg.Logger, slots: make(chan struct{}, MaxPulls),
		shops: make(map[exchange.ShopID]*followed), fatal: make(chan error, 1), sweep: wake.New(),
	}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	f.sweep.Set() // copies may be left from the last run
	return f
}

// Greeted tells of a supplier's greeting. A nil head says that the supplier shows this shop no
// catalog, or has published none yet.
func (f *Follower) Greeted(shop exchange.ShopID, head *message.SignedFeedHead, key *message.FeedKey) {
	if head == nil {
		return
	}
	f.note(shop, true, func(s *followed) {
		s.wanted, s.head = true, head
		if key != nil {
			s.key = key
		}
	})
}

// Gossip tells of an encrypted message on a supplier's topic.
func (f *Follower) Gossip(shop exchange.ShopID, sealed []byte) {
	f.note(shop, false, func(s *followed) {
		if !s.wanted {
			return
		}
		if s.sealed = append(s.sealed, sealed); len(s.sealed) > maxWaiting {
			s.sealed, s.pull = nil, true
		}
	})
}

// Updated tells of an update in the clear: the shop's own, from feed.OnPublish.
func (f *Follower) Updated(shop exchange.ShopID, u *message.FeedUpdate) {
	f.note(shop, true, func(s *followed) {
		s.wanted = true
		if s.updates = append(s.updates, u); len(s.updates) > maxWaiting {
			s.updates, s.pull = nil, true
		}
	})
}

// Follow has a supplier's catalog pulled now: a partnership began, or the node did.
func (f *Follower) Follow(shop exchange.ShopID) {
	f.note(shop, true, func(s *followed) { s.wanted, s.pull = true, true })
}

// Reconnected ends the pause before the next pull, if the shop's goroutine rests.
func (f *Follower) Reconnected(shop exchange.ShopID) { f.note(shop, true, func(*followed) {}) }

// PartnerEnded drops a supplier's catalog.
func (f *Follower) PartnerEnded(shop exchange.ShopID) {
	f.note(shop, true, func(s *followed) {
		s.wanted, s.waiting = false, waiting{drop: true}
	})
}

// note changes what waits for a shop and starts the shop's goroutine. If that rests before
// its next pull, only what is urgent wakes it: a flow of gossip must not become a flow of
// pulls.
func (f *Follower) note(shop exchange.ShopID, urgent bool, change func(*followed)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.shops[shop]
	if s == nil {
		s = &followed{shop: shop, wake: wake.New()}
		f.shops[shop] = s
	}
	change(s)
	if s.running && urgent {
		s.wake.Set()
	}
	f.start(s)
}

// start is called with mu held.
func (f *Follower) start(s *followed) {
	if f.ctx == nil || s.running {
		return
	}
	s.running = true
	ctx := f.ctx
	f.work.Go(func() { f.follow(ctx, s) })
}

// Run works until ctx ends and then returns nil. An error is a commit of unknown
// outcome: the replicas must be opened again.
func (f *Follower) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	f.mu.Lock()
	f.ctx = ctx
	for _, s := range f.shops {
		f.start(s)
	}
	f.work.Go(func() { f.runSweep(ctx) })
	if f.cfg.Replicas.cfg.Own != nil {
		f.work.Go(func() { f.runLate(ctx) })
	}
	f.mu.Unlock()

	var err error
	select {
	case <-ctx.Done():
	case err = <-f.fatal:
	}
	f.mu.Lock()
	f.ctx = nil
	f.mu.Unlock()
	cancel()
	f.work.Wait()
	return err
}

// runSweep removes copies that nothing names any more, and removals that are too many.
func (f *Follower) runSweep(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.sweep.C():
		case <-f.cfg.Replicas.crowded.C():
		}
		for more := true; more && ctx.Err() == nil; {
			var err error
			if more, err = f.cfg.Replicas.Sweep(); err != nil {
				f.failed(exchange.ShopID{}, "removing an old copy of a catalog", err)
				break
			}
		}
	}
}

// failed logs an error; an error of unknown outcome ends Run. It warns of no shop that is
// away, or has published nothing yet.
func (f *Follower) failed(shop exchange.ShopID, what string, err error) {
	level := slog.LevelWarn
	if exchange.CodeOf(err) == exchange.CodeUnavailable {
		level = slog.LevelDebug
	}
	f.log.Log(context.Background(), level, what+" failed", "shop", shop, "err", err)
	if broken := f.cfg.Replicas.Broken(); broken != nil {
		select {
		case f.fatal <- broken:
		default:
		}
	}
}

// rest pauses for d, until s is set or ctx ends.
func rest(ctx context.Context, d time.Duration, s wake.Signal) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-s.C():
	}
}
