package replica

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/message"
)

// Client carries one pull to a supplier and its answer back, chunk by chunk and
// in order. It returns nil after the chunk that says Last, each's error, the
// supplier's refusal as an *exchange.Error, or the network's failure.
type Client interface {
	Pull(ctx context.Context, shop exchange.ShopID, pull *message.FeedPull, each func(*message.FeedChunk) error) error
}

// Limits of syncing.
const (
	// MaxPulls is how many catalogs are pulled at once: two keep both cores busy with
	// decoding and digests, two more wait for the network.
	MaxPulls = 4
	// maxWaiting is how many updates of one shop wait to be applied; with more,
	// one pull is cheaper. A publisher sends ten a second: six seconds' worth.
	maxWaiting = 64
	// Retries follow a failed pull after 1, 2, 4, 8, 8 … seconds.
	firstRetry = time.Second
	lastRetry  = 8 * time.Second
	// refusedRetry follows an answer that repeating will hardly mend: a supplier whose
	// catalog is not what it signed, or that knows of no partnership.
	refusedRetry = time.Minute
	// blindInterval is the shortest time between two pulls because of gossip that
	// does not decrypt.
	blindInterval = 10 * time.Second
)

// FollowerConfig is what a Syncer is made of. Logger is optional.
type FollowerConfig struct {
	Replicas *Replicas
	Client   Client
	// Open decrypts a gossip message of shop's feed; CodeNotFound where it was made
	// with another key than this.
	Open   func(shop exchange.ShopID, key message.FeedKey, sealed []byte) ([]byte, error)
	Logger *slog.Logger
	// Flush publishes the own feed's changes up to the call and says where it then stands.
	// Required with Config.Own, and for CatchUp.
	Flush func(ctx context.Context) (catalog.Position, error)
}

// Follower keeps the replicas of all suppliers close to their feeds: it applies
// gossip, and pulls where gossip does not continue what is there. What it decides
// is in Replicas and package catalog; here are the goroutines, one for each shop that
// has something to do, and the retries. Its methods are safe for concurrent use, never
// wait for the network, and may be called before Run.
type Follower struct {
	cfg   FollowerConfig
	log   *slog.Logger
	slots chan struct{} // one token for each pull under way

	mu    sync.Mutex
	shops map[exchange.ShopID]*following
	ctx   context.Context // of Run; nil before and after
	work  sync.WaitGroup
	fatal chan error // a store's failure that ends Run
	sweep chan struct{}
}

// following is what waits to be done for one shop. Fields but wake belong to Syncer.mu.
type following struct {
	shop    exchange.ShopID
	updates []*message.FeedUpdate // in the order they came
	sealed  [][]byte              // likewise, not yet decrypted
	head    *message.SignedFeedHead
	key     *message.FeedKey
	pull    bool          // pull even if no head says so
	follow  bool          // its catalog is wanted: gossip of others is not listened to
	drop    bool          // its catalog is to be forgotten
	running bool          // a goroutine works for it, and will look here again
	wake    chan struct{} // ends a wait between retries
}

// NewFollower returns a Syncer that does nothing until Run.
func NewFollower(cfg FollowerConfig) *Follower {
	s := &Follower{
		cfg: cfg, log: cfg.Logger, slots: make(chan struct{}, MaxPulls),
		shops: make(map[exchange.ShopID]*following), fatal: make(chan error, 1), sweep: make(chan struct{}, 1),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.sweep <- struct{}{} // what was left from before
	return s
}

// HeadSeen tells of a supplier's hello. A nil head says that it shows us no
// catalog, or has published none yet.
func (s *Follower) HeadSeen(shop exchange.ShopID, head *message.SignedFeedHead, key *message.FeedKey) {
	if head == nil {
		return
	}
	s.tell(shop, true, func(f *following) {
		f.follow, f.head = true, head
		if key != nil {
			f.key = key
		}
	})
}

// Gossip tells of an encrypted message on a supplier's topic.
func (s *Follower) Gossip(shop exchange.ShopID, sealed []byte) {
	s.tell(shop, false, func(f *following) {
		if !f.follow {
			return
		}
		if f.sealed = append(f.sealed, sealed); len(f.sealed) > maxWaiting {
			f.sealed, f.pull = nil, true
		}
	})
}

// Updated tells of an update in the clear: the shop's own, from OnPublish.
func (s *Follower) Updated(shop exchange.ShopID, u *message.FeedUpdate) {
	s.tell(shop, true, func(f *following) {
		f.follow = true
		if f.updates = append(f.updates, u); len(f.updates) > maxWaiting {
			f.updates, f.pull = nil, true
		}
	})
}

// Follow has a supplier's catalog pulled now: a partnership began, or the node did.
func (s *Follower) Follow(shop exchange.ShopID) {
	s.tell(shop, true, func(f *following) { f.follow, f.pull = true, true })
}

// Reconnected ends the wait before the next try to pull, where there is one.
func (s *Follower) Reconnected(shop exchange.ShopID) { s.tell(shop, true, func(*following) {}) }

// PartnerEnded drops a supplier's catalog.
func (s *Follower) PartnerEnded(shop exchange.ShopID) {
	s.tell(shop, true, func(f *following) {
		f.updates, f.sealed, f.head, f.key = nil, nil, nil, nil
		f.pull, f.follow, f.drop = false, false, true
	})
}

// tell changes what waits for a shop and starts its goroutine. Where that waits for
// its next try to pull, only what is urgent ends the wait: a flow of gossip must not
// become a flow of pulls.
func (s *Follower) tell(shop exchange.ShopID, urgent bool, change func(*following)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.shops[shop]
	if f == nil {
		f = &following{shop: shop, wake: make(chan struct{}, 1)}
		s.shops[shop] = f
	}
	change(f)
	if f.running && urgent {
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
	s.start(f)
}

// start is called with mu held.
func (s *Follower) start(f *following) {
	if s.ctx == nil || f.running {
		return
	}
	f.running = true
	ctx := s.ctx
	s.work.Go(func() { s.follow(ctx, f) })
}

// Run works until ctx ends and then returns nil. An error is a commit of unknown
// outcome: open the replicas again.
func (s *Follower) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	s.ctx = ctx
	for _, f := range s.shops {
		s.start(f)
	}
	s.work.Go(func() { s.runSweep(ctx) })
	if s.cfg.Replicas.cfg.Own != nil {
		s.work.Go(func() { s.runLate(ctx) })
	}
	s.mu.Unlock()

	var err error
	select {
	case <-ctx.Done():
	case err = <-s.fatal:
	}
	s.mu.Lock()
	s.ctx = nil
	s.mu.Unlock()
	cancel()
	s.work.Wait()
	return err
}

// runSweep removes copies that nothing names any more.
func (s *Follower) runSweep(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.sweep:
		}
		for more := true; more && ctx.Err() == nil; {
			var err error
			if more, err = s.cfg.Replicas.Sweep(); err != nil {
				s.failed(exchange.ShopID{}, "removing an old copy of a catalog", err)
				break
			}
		}
	}
}

func (s *Follower) sweepSoon() {
	select {
	case s.sweep <- struct{}{}:
	default:
	}
}

// failed logs an error; one of unknown outcome ends Run. That a shop is away, or has
// published nothing yet, is nothing to warn of.
func (s *Follower) failed(shop exchange.ShopID, what string, err error) {
	level := slog.LevelWarn
	if exchange.CodeOf(err) == exchange.CodeUnavailable {
		level = slog.LevelDebug
	}
	s.log.Log(context.Background(), level, what+" failed", "shop", shop, "err", err)
	if broken := s.cfg.Replicas.Broken(); broken != nil {
		select {
		case s.fatal <- broken:
		default:
		}
	}
}

// waiting is what a follower took to do.
type waiting struct {
	updates []*message.FeedUpdate
	sealed  [][]byte
	head    *message.SignedFeedHead
	key     *message.FeedKey
	pull    bool
	drop    bool
}

// take empties what waits. due says that a pull is: where there is neither that
// nor anything else to do, ok is false and the goroutine must end.
func (s *Follower) take(f *following, due bool) (w waiting, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w = waiting{f.updates, f.sealed, f.head, f.key, f.pull, f.drop}
	f.updates, f.sealed, f.head, f.key, f.pull, f.drop = nil, nil, nil, nil, false, false
	ok = due || w.pull || w.drop || w.key != nil || w.head != nil || len(w.updates)+len(w.sealed) > 0
	f.running = ok
	return w, ok
}

// follow does what waits for one shop until nothing does.
func (s *Follower) follow(ctx context.Context, f *following) {
	due := false // a pull
	var blind time.Time
	retry := firstRetry
	for ctx.Err() == nil {
		w, ok := s.take(f, due)
		if !ok {
			return
		}
		if w.drop {
			due = false
			if err := s.cfg.Replicas.Drop(f.shop); err != nil {
				s.failed(f.shop, "dropping a catalog", err)
			}
			s.sweepSoon()
		}
		due = s.offer(f.shop, w, &blind) || due
		if !due {
			continue
		}
		wait, err := s.pull(ctx, f.shop, retry)
		if err == nil {
			due, retry = false, firstRetry
			continue
		}
		retry = min(2*retry, lastRetry)
		rest(ctx, f, wait)
	}
	s.mu.Lock()
	f.running, f.pull = false, f.pull || due
	s.mu.Unlock()
}

// rest waits before the next try.
func rest(ctx context.Context, f *following, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-f.wake:
	}
}

// offer hands what came to the replica, and reports whether a pull is due.
func (s *Follower) offer(shop exchange.ShopID, w waiting, blind *time.Time) (pull bool) {
	r := s.cfg.Replicas
	pull = w.pull
	if w.key != nil {
		if err := r.SetKey(shop, *w.key); err != nil {
			s.failed(shop, "keeping a catalog's key", err)
		}
	}
	update := func(u *message.FeedUpdate) {
		action, err := r.Update(shop, u)
		if err != nil {
			s.failed(shop, "taking a catalog update", err)
			return
		}
		pull = pull || action == catalog.PullAfter || action == catalog.PullFull || action == catalog.Conflict
	}
	if w.head != nil {
		update(&message.FeedUpdate{Head: *w.head})
		if behind, err := r.Behind(shop, *w.head); err == nil && behind {
			pull = true // it has lost state: the pull shows it what we have
		}
	}
	for _, u := range w.updates {
		update(u)
	}
	for _, sealed := range w.sealed {
		u, err := s.open(shop, sealed)
		switch {
		case err == nil:
			update(u)
		case time.Since(*blind) >= blindInterval:
			s.log.Info("a catalog update cannot be read; pulling", "shop", shop, "err", err)
			*blind = time.Now()
			pull = true
		}
	}
	return pull
}

func (s *Follower) open(shop exchange.ShopID, sealed []byte) (*message.FeedUpdate, error) {
	key, ok := s.cfg.Replicas.Key(shop)
	if !ok {
		return nil, exchange.Errorf(exchange.CodeNotFound, "the key of %v's catalog is not known yet", shop)
	}
	plain, err := s.cfg.Open(shop, key, sealed)
	if err != nil {
		return nil, err
	}
	return message.Decode[message.FeedUpdate](s.cfg.Replicas.codec, plain)
}

// pull runs one pull, when one of MaxPulls slots is free. On an error it says how
// long to wait before the next.
func (s *Follower) pull(ctx context.Context, shop exchange.ShopID, retry time.Duration) (wait time.Duration, err error) {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	defer func() { <-s.slots }()
	err = s.cfg.Replicas.Pull(ctx, shop, s.cfg.Client)
	if err == nil {
		s.sweepSoon()
		return 0, nil
	}
	if ctx.Err() != nil {
		return 0, err
	}
	s.failed(shop, "pulling a catalog", err)
	switch exchange.CodeOf(err) {
	case exchange.CodeNoPartnership, exchange.CodeNotMember, exchange.CodeSignature, exchange.CodeInvalid, exchange.CodeRestored:
		return refusedRetry, err
	}
	return retry, err
}

// Pull runs all rounds of a pull over client. What was applied stays when it fails.
func (r *Replicas) Pull(ctx context.Context, shop exchange.ShopID, client Client) error {
	f := r.StartPull(shop)
	for request := f.Request(); request != nil; request = f.Request() {
		last := false
		err := client.Pull(ctx, shop, request, func(c *message.FeedChunk) error {
			if last {
				return exchange.Errorf(exchange.CodeInvalid, "%v goes on after its last chunk", shop)
			}
			last = c.Last
			return f.Chunk(c)
		})
		if err != nil {
			return err
		}
		if !last {
			return errCutShort
		}
	}
	return nil
}

var errCutShort = exchange.Errorf(exchange.CodeUnavailable, "the catalog's answer ended before its last chunk; asking again")
