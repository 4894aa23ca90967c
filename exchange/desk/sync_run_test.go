package desk_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/protocol"
)

// wire is a FeedClient over a connection that the test cuts and mends.
type wire struct {
	w *feedWorld

	mu    sync.Mutex
	down  bool
	tries []time.Time
}

func (l *wire) Pull(ctx context.Context, shop exchange.ShopID, pull *message.FeedPull, each func(*message.FeedChunk) error) error {
	l.mu.Lock()
	l.tries = append(l.tries, time.Now())
	down := l.down
	l.mu.Unlock()
	if down {
		return errors.New("no route")
	}
	return l.w.Pull(ctx, shop, pull, each)
}

func (l *wire) set(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down, l.tries = down, nil
}

func (l *wire) seen() []time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]time.Time(nil), l.tries...)
}

// follow runs body with a Syncer at work over the world's copy.
func follow(t *testing.T, seed uint64, body func(w *feedWorld, s *desk.Syncer, l *wire)) {
	synctest.Test(t, func(t *testing.T) {
		w := newFeedWorld(t, seed)
		l := &wire{w: w}
		s := desk.NewSyncer(desk.SyncerConfig{
			Replicas: w.copy, Client: l,
			Open: func(shop exchange.ShopID, key message.FeedKey, sealed []byte) ([]byte, error) {
				return protocol.OpenFeed(key, origin, shop, exchange.MainFeed, sealed)
			},
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		body(w, s, l)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// sealed encrypts an update as a node does for its topic.
func (w *feedWorld) sealed(u *message.FeedUpdate, key message.FeedKey) []byte {
	w.t.Helper()
	raw, err := protocol.Codec{}.Encode(u)
	must(w.t, err)
	box, err := protocol.SealFeed(key, origin, w.supplier.id, exchange.MainFeed, raw, w.supplier.random)
	must(w.t, err)
	return box
}

func TestSyncerFollows(t *testing.T) {
	follow(t, 40, func(w *feedWorld, s *desk.Syncer, l *wire) {
		var key message.FeedKey
		w.supplier.desk.OnPublish(func(_ *message.FeedUpdate, k message.FeedKey) { key = k })
		w.fill(50)
		w.publish()
		s.Follow(w.supplier.id)
		synctest.Wait()
		w.equal()

		// Gossip that continues the copy needs no pull.
		l.set(false)
		w.put("A", "thing", 1)
		w.publish()
		s.Gossip(w.supplier.id, w.sealed(w.published[len(w.published)-1], key))
		synctest.Wait()
		w.equal()
		if n := len(l.seen()); n > 0 {
			t.Errorf("%d pulls beside gossip that fits", n)
		}

		// A gap, and a hello after it.
		for range 2 {
			w.put("A", "thing", int64(len(w.published)))
			w.publish()
		}
		s.Gossip(w.supplier.id, w.sealed(w.published[len(w.published)-1], key))
		synctest.Wait()
		w.equal()

		// A message under a key that is not known.
		w.put("B", "thing", 1)
		w.publish()
		s.Gossip(w.supplier.id, w.sealed(w.published[len(w.published)-1], message.FeedKey{ID: [8]byte{9}}))
		synctest.Wait()
		w.equal()

		s.PartnerEnded(w.supplier.id)
		synctest.Wait()
		if _, ok := w.copy.Status(w.supplier.id); ok {
			t.Error("an ended partner's catalog is still there")
		}
		l.set(false)
		s.Gossip(w.supplier.id, w.sealed(w.published[0], key))
		synctest.Wait()
		if n := len(l.seen()); n > 0 {
			t.Errorf("%d pulls from a former partner", n)
		}
	})
}

func TestSyncerRetries(t *testing.T) {
	follow(t, 41, func(w *feedWorld, s *desk.Syncer, l *wire) {
		w.fill(5)
		w.publish()
		l.set(true)
		begin := time.Now()
		s.Follow(w.supplier.id)
		time.Sleep(32 * time.Second) // virtual: 1, 2, 4, 8, 8, 8 s between the tries
		tries := l.seen()
		want := []time.Duration{0, 1, 3, 7, 15, 23, 31}
		if len(tries) != len(want) {
			t.Fatalf("%d tries in 32 s, want %d", len(tries), len(want))
		}
		for i, at := range tries {
			if at.Sub(begin) != want[i]*time.Second {
				t.Errorf("try %d after %v, want %d s", i, at.Sub(begin), want[i])
			}
		}
		l.set(false)
		s.Reconnected(w.supplier.id) // at once
		synctest.Wait()
		w.equal()
	})
}

// What was told before Run is done by Run.
func TestSyncerBeforeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFeedWorld(t, 42)
		w.fill(5)
		w.publish()
		s := desk.NewSyncer(desk.SyncerConfig{Replicas: w.copy, Client: ownFeed{w.supplier.desk}})
		s.Follow(w.supplier.id)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		synctest.Wait()
		w.equal()
		w.put("A", "thing", 1)
		w.publish()
		s.Updated(w.supplier.id, w.published[len(w.published)-1])
		synctest.Wait()
		w.equal()
		cancel()
		must(t, <-done)
	})
}

// ownFeed answers a pull of the shop's own catalog from its desk.
type ownFeed struct{ desk *desk.Desk }

func (o ownFeed) Pull(ctx context.Context, shop exchange.ShopID, pull *message.FeedPull, each func(*message.FeedChunk) error) error {
	return o.desk.ServeFeed(ctx, shop, pull, each)
}
