package replica

import (
	"context"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/backoff"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/wake"
)

// followed is a shop with a feed and the goroutine that follows the feed, if there is
// something to do. Follower.mu guards all fields but shop and wake.
type followed struct {
	shop exchange.ShopID
	waiting
	wanted  bool        // the catalog is followed; of other shops gossip is not kept
	running bool        // a goroutine works for the shop, and will take what waits
	wake    wake.Signal // ends the goroutine's rest
}

// waiting is what is to be done for one shop.
type waiting struct {
	updates []*message.FeedUpdate // in the order they came
	sealed  [][]byte              // gossip in the order it came, not yet decrypted
	head    *message.SignedFeedHead
	key     *message.FeedKey
	pull    bool // pull even if no head says so
	drop    bool // forget the catalog
}

func (w *waiting) empty() bool {
	return !w.pull && !w.drop && w.key == nil && w.head == nil && len(w.updates)+len(w.sealed) == 0
}

// take empties what waits for a shop. due says that a pull is left to do. If that and
// everything else is done, ok is false and the goroutine must end.
func (f *Follower) take(s *followed, due bool) (w waiting, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w, s.waiting = s.waiting, waiting{}
	s.running = due || !w.empty()
	return w, s.running
}

// follow does what waits for one shop until nothing does.
func (f *Follower) follow(ctx context.Context, s *followed) {
	due := false        // a pull
	var blind time.Time // of the last pull because of gossip that did not decrypt
	var pauses backoff.Doubling
	for ctx.Err() == nil {
		w, ok := f.take(s, due)
		if !ok {
			return
		}
		if w.drop {
			due = false
			if err := f.cfg.Replicas.Drop(s.shop); err != nil {
				f.failed(s.shop, "dropping a catalog", err)
			}
			f.sweep.Set()
		}
		due = f.offer(s.shop, w, &blind) || due
		if !due {
			continue
		}
		err := f.pull(ctx, s.shop)
		if err == nil {
			due = false
			pauses.Reset()
			continue
		}
		pause := pauses.Next()
		if isRefusal(err) {
			pause = refusedRetry
		}
		rest(ctx, pause, s.wake)
	}
	f.mu.Lock()
	s.running, s.waiting.pull = false, s.waiting.pull || due
	f.mu.Unlock()
}

// offer hands what came to the replica, and reports whether a pull is due.
func (f *Follower) offer(shop exchange.ShopID, w waiting, blind *time.Time) (pull bool) {
	r := f.cfg.Replicas
	pull = w.pull
	if w.key != nil {
		if err := r.SetKey(shop, *w.key); err != nil {
			f.failed(shop, "keeping a catalog's key", err)
		}
	}
	update := func(u *message.FeedUpdate) {
		action, err := r.Update(shop, u)
		if err != nil {
			f.failed(shop, "taking a catalog update", err)
			return
		}
		pull = pull || action == catalog.PullAfter || action == catalog.PullFull || action == catalog.Conflict
	}
	if w.head != nil {
		update(&message.FeedUpdate{Head: *w.head})
		if behind, err := r.Behind(shop, *w.head); err == nil && behind {
			pull = true // the supplier has lost state: the pull shows it the later head
		}
	}
	for _, u := range w.updates {
		update(u)
	}
	for _, sealed := range w.sealed {
		u, err := f.open(shop, sealed)
		switch {
		case err == nil:
			update(u)
		case time.Since(*blind) >= blindInterval:
			f.log.Info("a catalog update cannot be read; pulling", "shop", shop, "err", err)
			*blind = time.Now()
			pull = true
		}
	}
	return pull
}

// open decrypts and decodes a gossip message.
func (f *Follower) open(shop exchange.ShopID, sealed []byte) (*message.FeedUpdate, error) {
	key, ok := f.cfg.Replicas.Key(shop)
	if !ok {
		return nil, exchange.Errorf(exchange.CodeNotFound, "the key of %v's catalog is not known yet", shop)
	}
	plain, err := f.cfg.Open(shop, key, sealed)
	if err != nil {
		return nil, err
	}
	return message.Decode[message.FeedUpdate](f.cfg.Replicas.codec, plain)
}

// pull runs one pull, when one of MaxPulls slots is free.
func (f *Follower) pull(ctx context.Context, shop exchange.ShopID) error {
	select {
	case f.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-f.slots }()
	err := f.cfg.Replicas.Pull(ctx, shop, f.cfg.Client)
	switch {
	case err == nil:
		f.sweep.Set()
	case ctx.Err() == nil:
		f.failed(shop, "pulling a catalog", err)
	}
	return err
}

// isRefusal reports whether a repeated pull will hardly mend err.
func isRefusal(err error) bool {
	switch exchange.CodeOf(err) {
	case exchange.CodeNoPartnership, exchange.CodeNotMember, exchange.CodeSignature, exchange.CodeInvalid, exchange.CodeRestored:
		return true
	}
	return false
}
