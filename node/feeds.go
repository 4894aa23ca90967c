package node

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/exchange/wake"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/p2p"
)

// feeds carries catalogs: this shop's updates out by gossip, suppliers' updates
// in, and pulls both ways as compressed chunks on bulk streams.
type feeds struct {
	s        *Shop
	log      *slog.Logger
	replicas *replica.Replicas
	follower *replica.Follower
	changed  wake.Signal // partners may have changed
	out      chan gossip // updates waiting to be published
	joined   wake.Signal // a partner began to hear the own feed

	own    atomic.Pointer[p2p.Topic]      // of this shop's feed; nil while run does not run
	topics map[exchange.ShopID]*listening // suppliers listened to; owned by run
}

// listening is a supplier's topic and the goroutine that reads it.
type listening struct {
	topic *p2p.Topic
	stop  context.CancelFunc
}

// gossip is one update on its way out.
type gossip struct {
	update *message.FeedUpdate
	key    message.FeedKey
}

const (
	// gossipQueue is how many updates wait for the network: a publisher makes ten a
	// second; what does not fit is dropped, and partners pull.
	gossipQueue = 64
	// echoDelay is how long after the last of a row of updates its head is gossiped once
	// more. A gap in gossip shows with the next update; the last update has no next. Within two
	// heartbeats gossipsub mends what it can by itself.
	echoDelay = 2 * time.Second
	// echoSoon lets partners that lost the same relay all find another way.
	echoSoon = 100 * time.Millisecond
	// echoMoved is how old an update may be that was lost with a connection: libp2p gives up one that has
	// died without a word after half a minute.
	echoMoved = 40 * time.Second
)

func newFeeds(s *Shop) (*feeds, error) {
	f := &feeds{
		s: s, log: s.log, changed: wake.New(), out: make(chan gossip, gossipQueue), joined: wake.New(),
		topics: make(map[exchange.ShopID]*listening),
	}
	var err error
	f.replicas, err = replica.Open(replica.Config{
		Store: s.parts.Replicas, Codec: s.codec, Verifier: protocol.NewVerifier(s.parts.Federation.Origin, s.roster),
		Clock: s.parts.Clock, Limits: s.parts.ReplicaLimits, Logger: s.log,
		Alarm: func(shop exchange.ShopID, why string) {
			s.log.Error("a catalog does not add up", "shop", shop, "why", why)
		},
		Proven: func(shop exchange.ShopID, _ message.FeedHead) {
			s.desk.Events.Notify(event.Catalog{At: s.now(), Shop: shop})
		},
		Own: &replica.Own{Shop: s.me, Product: s.desk.Shelf.Current},
	})
	if err != nil {
		return nil, err
	}
	f.follower = replica.NewFollower(replica.FollowerConfig{
		Replicas: f.replicas, Client: f, Open: f.open, Logger: s.log, Flush: s.desk.Feed.Flush,
	})
	own, _ := f.replicas.Status(s.me)
	lacks, err := s.desk.Feed.Lacks(catalog.Position{Epoch: own.Epoch, Sequence: own.At})
	if err != nil {
		return nil, err
	}
	f.follower.Late(lacks)
	s.desk.Feed.OnPublish(func(u *message.FeedUpdate, key message.FeedKey) {
		f.follower.Updated(s.me, u)
		select {
		case f.out <- gossip{u, key}:
		default:
		}
	})
	s.net.HandleStream(protocol.Catalog, f.serve)
	return f, nil
}

// run gossips and follows suppliers until ctx ends. It returns when all its goroutines have ended.
func (f *feeds) run(ctx context.Context) error {
	own, err := f.s.net.Topic(protocol.FeedTopic(f.s.me, exchange.MainFeed), p2p.TopicOptions{MaxMessage: protocol.MaxGossip, Author: &f.s.me, Joined: f.joined.Set})
	if err != nil {
		return err
	}
	defer own.Close()
	f.own.Store(own)
	defer f.own.Store(nil)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return f.follower.Run(ctx) })
	g.Go(func() error {
		f.gossip(ctx, own)
		return nil
	})
	g.Go(func() error {
		f.followAll(ctx)
		return nil
	})
	return g.Wait()
}

// hearers are the connected members that hear this shop's feed by gossip.
func (f *feeds) hearers() map[exchange.ShopID]bool {
	hear := make(map[exchange.ShopID]bool)
	if own := f.own.Load(); own != nil {
		for _, shop := range own.Subscribers() {
			hear[shop] = true
		}
	}
	return hear
}

// gossip publishes updates, and the head once more after echoDelay without an update. When a partner's
// gossip took another way within echoMoved of an update, which may be lost then, the head follows soon.
func (f *feeds) gossip(ctx context.Context, own *p2p.Topic) {
	echo := time.NewTimer(echoDelay)
	echo.Stop()
	defer echo.Stop()
	var last time.Time // of the updates
	hurried := false   // since the last update: a neighbour that subscribes again and again gets one head
	for {
		var g gossip
		select {
		case g = <-f.out:
			echo.Reset(echoDelay)
			last, hurried = time.Now(), false
		case <-f.joined.C():
			if time.Since(last) < echoMoved && !hurried {
				echo.Reset(echoSoon)
				hurried = true
			}
			continue
		case <-echo.C:
			if left := echoDelay - time.Since(last); left > 0 {
				echo.Reset(left)
			}
			if g = f.current(); g.update == nil {
				continue
			}
		case <-ctx.Done():
			return
		}
		if err := f.publish(ctx, own, g); err != nil {
			f.log.Debug("gossiping a catalog update", "err", err)
		}
	}
}

// current is the present head under the present key: a partnership may have ended since the last
// update. It is empty where the shop has no retailer to read the head.
func (f *feeds) current() (g gossip) {
	retailers := f.s.desk.Partnerships.Retailers()
	if len(retailers) == 0 {
		return g
	}
	greeting, err := f.s.desk.Ledgers.Greeting(retailers[0])
	if err != nil || greeting.FeedHead == nil {
		return g
	}
	return gossip{&message.FeedUpdate{Head: *greeting.FeedHead}, *greeting.FeedKey}
}

// followAll listens to the present suppliers until ctx ends.
func (f *feeds) followAll(ctx context.Context) {
	var work sync.WaitGroup
	defer work.Wait()
	defer func() {
		for _, l := range f.topics {
			l.stop()
			l.topic.Close()
		}
		clear(f.topics)
	}()
	f.follower.Follow(f.s.me)
	for _, shop := range f.s.desk.Partnerships.Counterparts() {
		if !slices.Contains(f.s.desk.Partnerships.Suppliers(), shop) {
			f.follower.PartnerEnded(shop) // this shop may have ended before its catalog was dropped
		}
	}
	for {
		f.follow(ctx, &work)
		select {
		case <-f.changed.C():
		case <-ctx.Done():
			return
		}
	}
}

func (f *feeds) publish(ctx context.Context, own *p2p.Topic, g gossip) error {
	raw, err := f.s.codec.Encode(g.update)
	if err != nil {
		return err
	}
	sealed, err := protocol.SealFeed(g.key, f.s.parts.Federation.Origin, f.s.me, exchange.MainFeed, raw, f.s.parts.Random)
	if err != nil {
		return err
	}
	return own.Publish(ctx, sealed)
}

// open decrypts a supplier's gossip for the follower.
func (f *feeds) open(shop exchange.ShopID, key message.FeedKey, sealed []byte) ([]byte, error) {
	return protocol.OpenFeed(key, f.s.parts.Federation.Origin, shop, exchange.MainFeed, sealed)
}

// partnersChanged makes followAll look at the list of suppliers again.
func (f *feeds) partnersChanged() { f.changed.Set() }

// greeted takes what a greeting says of the sender's catalog.
func (f *feeds) greeted(from exchange.ShopID, g *message.Greeting) {
	if g.FeedHead != nil && slices.Contains(f.s.desk.Partnerships.Suppliers(), from) {
		f.follower.Greeted(from, g.FeedHead, g.FeedKey)
		f.follower.Reconnected(from)
	}
	f.partnersChanged()
}

// follow listens to the present suppliers and to no other shop. A departed shop is no supplier,
// whatever the ledger says.
func (f *feeds) follow(ctx context.Context, work *sync.WaitGroup) {
	suppliers := f.s.members(f.s.desk.Partnerships.Suppliers())
	for shop, l := range f.topics {
		if !slices.Contains(suppliers, shop) {
			l.stop()
			l.topic.Close()
			delete(f.topics, shop)
			f.follower.PartnerEnded(shop)
		}
	}
	for _, shop := range suppliers {
		if f.topics[shop] != nil {
			continue
		}
		topic, err := f.s.net.Topic(protocol.FeedTopic(shop, exchange.MainFeed), p2p.TopicOptions{MaxMessage: protocol.MaxGossip, Author: &shop})
		if err != nil {
			f.log.Warn("listening to a supplier's catalog", "shop", shop, "err", err)
			continue
		}
		l := &listening{topic: topic}
		var topicCtx context.Context
		topicCtx, l.stop = context.WithCancel(ctx)
		f.topics[shop] = l
		work.Go(func() { f.listen(topicCtx, shop, topic) })
		f.follower.Follow(shop)
	}
}

// listen hands gossip to the follower until ctx ends or the topic is closed.
func (f *feeds) listen(ctx context.Context, shop exchange.ShopID, topic *p2p.Topic) {
	for {
		m, err := topic.Next(ctx)
		if err != nil {
			return
		}
		f.follower.Gossip(shop, m.Data)
	}
}

// Pull implements replica.Client: over the network, or from the shop's own feed.
func (f *feeds) Pull(ctx context.Context, shop exchange.ShopID, pull *message.FeedPull, each func(*message.FeedChunk) error) error {
	if shop == f.s.me {
		return f.s.desk.Feed.Serve(ctx, shop, pull, each)
	}
	request, err := f.s.codec.Encode(pull)
	if err != nil {
		return err
	}
	st, err := f.s.net.OpenStream(ctx, shop, protocol.Catalog)
	if err != nil {
		return err
	}
	defer st.Reset()
	if err := st.Send(request); err != nil {
		return err
	}
	if err := st.CloseWrite(); err != nil {
		return err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(protocol.MaxFeedChunk))
	if err != nil {
		return err
	}
	defer dec.Close()
	for {
		frame, err := st.Receive()
		if errors.Is(err, io.EOF) {
			return exchange.Errorf(exchange.CodeUnavailable, "the catalog's stream ended early")
		}
		if err != nil {
			return err
		}
		chunk, err := f.chunk(dec, frame)
		if err != nil {
			return err
		}
		if err := each(chunk); err != nil {
			return err
		}
		if chunk.Last {
			return st.Close()
		}
	}
}

func (f *feeds) chunk(dec *zstd.Decoder, frame []byte) (*message.FeedChunk, error) {
	raw, err := dec.DecodeAll(frame, nil)
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInvalid, "a chunk of the catalog does not decompress: %w", err)
	}
	return message.Decode[message.FeedChunk](f.s.codec, raw)
}

// serve answers a partner's pull.
func (f *feeds) serve(ctx context.Context, from exchange.ShopID, st *p2p.Stream) error {
	request, err := st.Receive()
	if err != nil {
		return err
	}
	pull, err := message.Decode[message.FeedPull](f.s.codec, request)
	if err != nil {
		return err
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return err
	}
	defer enc.Close()
	err = f.s.desk.Feed.Serve(ctx, from, pull, func(c *message.FeedChunk) error {
		raw, err := f.s.codec.Encode(c)
		if err != nil {
			return err
		}
		return st.Send(enc.EncodeAll(raw, nil))
	})
	if err != nil {
		return err
	}
	return st.CloseWrite()
}
