package replica_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/protocol"
)

// wire is a Client over a connection that the test cuts and mends.
type wire struct {
	w *desktest.FeedWorld

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

// follow runs body while a Follower works on the world's copy.
func follow(t *testing.T, seed uint64, body func(w *desktest.FeedWorld, s *replica.Follower, l *wire)) {
	synctest.Test(t, func(t *testing.T) {
		w := desktest.NewFeedWorld(t, seed)
		l := &wire{w: w}
		s := replica.NewFollower(replica.FollowerConfig{
			Replicas: w.Copy, Client: l,
			Open: func(shop exchange.ShopID, key message.FeedKey, sealed []byte) ([]byte, error) {
				return protocol.OpenFeed(key, desktest.Origin, shop, exchange.MainFeed, sealed)
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
func sealedUpdate(w *desktest.FeedWorld, u *message.FeedUpdate, key message.FeedKey) []byte {
	w.T.Helper()
	raw, err := protocol.Codec{}.Encode(u)
	desktest.Must(w.T, err)
	box, err := protocol.SealFeed(key, desktest.Origin, w.Supplier.ID, exchange.MainFeed, raw, w.Supplier.Random)
	desktest.Must(w.T, err)
	return box
}

func TestFollow(t *testing.T) {
	follow(t, 40, func(w *desktest.FeedWorld, s *replica.Follower, l *wire) {
		var key message.FeedKey
		w.Supplier.Desk.Feed.OnPublish(func(_ *message.FeedUpdate, k message.FeedKey) { key = k })
		w.Fill(50)
		w.Publish()
		s.Follow(w.Supplier.ID)
		synctest.Wait()
		w.Equal()

		// Gossip that continues the copy needs no pull.
		l.set(false)
		w.Put("A", "thing", 1)
		w.Publish()
		s.Gossip(w.Supplier.ID, sealedUpdate(w, w.Published[len(w.Published)-1], key))
		synctest.Wait()
		w.Equal()
		if n := len(l.seen()); n > 0 {
			t.Errorf("%d pulls beside gossip that fits", n)
		}

		// A gap, and a greeting after it.
		for range 2 {
			w.Put("A", "thing", int64(len(w.Published)))
			w.Publish()
		}
		s.Gossip(w.Supplier.ID, sealedUpdate(w, w.Published[len(w.Published)-1], key))
		synctest.Wait()
		w.Equal()

		// A message under a key that is not known.
		w.Put("B", "thing", 1)
		w.Publish()
		s.Gossip(w.Supplier.ID, sealedUpdate(w, w.Published[len(w.Published)-1], message.FeedKey{ID: [8]byte{9}}))
		synctest.Wait()
		w.Equal()

		s.PartnerEnded(w.Supplier.ID)
		synctest.Wait()
		if _, ok := w.Copy.Status(w.Supplier.ID); ok {
			t.Error("an ended partner's catalog is still there")
		}
		l.set(false)
		s.Gossip(w.Supplier.ID, sealedUpdate(w, w.Published[0], key))
		synctest.Wait()
		if n := len(l.seen()); n > 0 {
			t.Errorf("%d pulls from a former partner", n)
		}
	})
}

func TestFollowRetries(t *testing.T) {
	follow(t, 41, func(w *desktest.FeedWorld, s *replica.Follower, l *wire) {
		w.Fill(5)
		w.Publish()
		l.set(true)
		begin := time.Now()
		s.Follow(w.Supplier.ID)
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
		s.Reconnected(w.Supplier.ID) // at once
		synctest.Wait()
		w.Equal()
	})
}

// What was told before Run is done by Run.
func TestFollowBeforeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := desktest.NewFeedWorld(t, 42)
		w.Fill(5)
		w.Publish()
		s := replica.NewFollower(replica.FollowerConfig{Replicas: w.Copy, Client: ownFeed{w.Supplier.Desk}})
		s.Follow(w.Supplier.ID)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		synctest.Wait()
		w.Equal()
		w.Put("A", "thing", 1)
		w.Publish()
		s.Updated(w.Supplier.ID, w.Published[len(w.Published)-1])
		synctest.Wait()
		w.Equal()
		cancel()
		desktest.Must(t, <-done)
	})
}

// ownFeed answers a pull of the shop's own catalog from the shop's feed.
type ownFeed struct{ desk *desk.Desk }

func (o ownFeed) Pull(ctx context.Context, shop exchange.ShopID, pull *message.FeedPull, each func(*message.FeedChunk) error) error {
	return o.desk.Feed.Serve(ctx, shop, pull, each)
}
