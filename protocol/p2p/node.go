package p2p

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/souk-market/souk/exchange"
)

// Node is one member's host. Its methods are safe for concurrent use once Start
// returned; Handle, HandleStream, OnConnect and OnDisconnect come before Start.
type Node struct {
	cfg     settings
	log     *slog.Logger
	metrics *metrics
	gate    *gate
	events  *events

	incarnation uint64               // drawn in New, told in every hello
	requests    func() *rate.Limiter // of one partner's session; fixed by Start

	// Set by Start, before anything else runs.
	ctx    context.Context // ends when the node closes
	cancel context.CancelFunc
	host   host.Host
	dht    *dht.IpfsDHT
	gossip *pubsub.PubSub
	filter *gossipFilter
	tasks  sync.WaitGroup // goroutines of the node itself

	handlers    map[string]HandlerFunc       // fixed by Start
	streams     map[string]StreamHandlerFunc // fixed by Start
	onAddresses []func()                     // fixed by Start

	// results are channels for replies, reused: each has capacity 1, is empty, and
	// nobody else holds it.
	results sync.Pool

	// meshed are TopicOptions.Meshed by full topic name. The loop of gossip reads them,
	// for which those who hold mu wait: no mutex of ours may guard them.
	meshed sync.Map // string → func()

	addrMu sync.Mutex // held to replace a member's addresses in the peerstore

	mu          sync.Mutex
	started     bool                 // guarded by mu
	sessions    map[peer.ID]*session // guarded by mu
	lastSession uint64               // guarded by mu
	topics      map[string]*Topic    // guarded by mu
	keepers     map[peer.ID]*keeper  // guarded by mu
	dialing     map[peer.ID]dials    // guarded by mu; an entry has at least one dial
	stopping    bool                 // guarded by mu: no keeper may begin

	closing atomic.Bool
	closed  chan struct{} // closed by the first Close when it is done
}

// HandlerFunc answers one request. req is the handler's own. Its context ends
// when the partner disconnects, is cut off or the node stops: what was durably
// decided by then stays decided. An *exchange.Error crosses the wire as code and
// text; any other error becomes CodeInternal. A reply is at most MaxMessage.
// Handlers run concurrently, for one partner at most MaxInFlight at once and
// requestRate a second. A panic ends
// the process, on purpose: after one, nothing in memory can be trusted with stock.
type HandlerFunc func(ctx context.Context, from exchange.ShopID, req []byte) ([]byte, error)

// New checks cfg and returns a Node that is not started.
func New(cfg Config) (*Node, error) {
	s, err := cfg.check()
	if err != nil {
		return nil, err
	}
	n := &Node{
		cfg: s, log: s.Logger, gate: &gate{members: s.Members, hubs: map[peer.ID]bool{}, resting: map[peer.ID]time.Time{}},
		events: newEvents(), closed: make(chan struct{}),
		handlers: map[string]HandlerFunc{}, streams: map[string]StreamHandlerFunc{},
		sessions: map[peer.ID]*session{}, topics: map[string]*Topic{}, keepers: map[peer.ID]*keeper{},
		dialing: map[peer.ID]dials{},
	}
	for _, h := range s.hubs {
		n.gate.hubs[h.ID] = true
	}
	n.events.current = n.currentSession
	n.requests = func() *rate.Limiter { return rate.NewLimiter(requestRate, requestBurst) }
	n.results.New = func() any { return make(chan result, 1) }
	for n.incarnation == 0 {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		n.incarnation = binary.BigEndian.Uint64(b[:])
	}
	if n.metrics, err = newMetrics(s.Registerer); err != nil {
		return nil, err
	}
	return n, nil
}

// Self is the node's own ShopID.
func (n *Node) Self() exchange.ShopID { return n.cfg.self }

// Handle serves requests of protocol name. It is called before Start, once a name.
func (n *Node) Handle(name string, h HandlerFunc) { n.handlers[name] = h }

// Start opens the host and begins to serve and to connect to the hubs. The node
// closes when ctx ends or Close is called; an error leaves nothing open. A Node
// starts once.
func (n *Node) Start(ctx context.Context) error {
	n.mu.Lock()
	if n.started {
		n.mu.Unlock()
		return exchange.Errorf(exchange.CodeState, "the node was started before")
	}
	n.started = true
	n.mu.Unlock()
	for _, name := range n.names() {
		if err := checkName("protocol", name, maxTopicName, true); err != nil {
			return err
		}
	}
	// The node outlives ctx for as long as closing in order takes.
	n.ctx, n.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := n.open(); err != nil {
		n.cancel()
		return exchange.Errorf(exchange.CodeUnavailable, "the network could not be opened on %v: %w", n.cfg.Listen, err)
	}
	n.serve()
	n.tasks.Go(func() { n.events.run(n.ctx) })
	saved := n.loadAddresses()
	n.tasks.Go(func() { n.followAddresses() })
	n.tasks.Go(n.refreshDHT)
	n.keepHubs()
	if n.cfg.Hub {
		n.tasks.Go(func() { n.callMembers(saved) })
	}
	context.AfterFunc(ctx, n.Close)
	n.log.Info("network open", "shop", n.cfg.self, "addresses", n.Addresses())
	return nil
}

// names are the protocols with a handler.
func (n *Node) names() []string {
	var names []string
	for name := range n.handlers {
		names = append(names, name)
	}
	for name := range n.streams {
		names = append(names, name)
	}
	return names
}

// serve registers the stream handlers.
func (n *Node) serve() {
	n.host.Network().Notify(&network.NotifyBundle{
		ConnectedF:    func(_ network.Network, c network.Conn) { go n.welcome(c) },
		DisconnectedF: func(_ network.Network, c network.Conn) { n.untrack(c) },
	})
	n.host.SetStreamHandler(protocolID(n.cfg.Federation, helloName), n.hearHello)
	for name, h := range n.handlers {
		n.host.SetStreamHandler(protocolID(n.cfg.Federation, name), n.requestHandler(name, h))
	}
	for name, h := range n.streams {
		n.host.SetStreamHandler(protocolID(n.cfg.Federation, name), n.bulkHandler(name, h))
	}
	for _, c := range n.host.Network().Conns() { // opened while we were still opening
		go n.welcome(c)
	}
}

// Run starts the node unless Start was called, serves until ctx ends, and
// returns when everything is closed. It returns nil after an ordered stop.
func (n *Node) Run(ctx context.Context) error {
	n.mu.Lock()
	started := n.started
	n.mu.Unlock()
	if !started {
		if err := n.Start(ctx); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
	case <-n.ctx.Done():
	}
	n.Close()
	return nil
}

// Close stops a started node: no new requests, those in hand are answered
// (drainTimeout), then streams, gossip, DHT and host close. It returns when the
// node's loops have ended; a second call waits for the first.
func (n *Node) Close() {
	n.mu.Lock()
	started := n.started && n.host != nil
	n.mu.Unlock()
	if !started {
		return
	}
	if n.closing.CompareAndSwap(false, true) {
		n.shut()
		close(n.closed)
	}
	<-n.closed
}

func (n *Node) shut() {
	for name := range n.handlers {
		n.host.RemoveStreamHandler(protocolID(n.cfg.Federation, name))
	}
	for name := range n.streams {
		n.host.RemoveStreamHandler(protocolID(n.cfg.Federation, name))
	}
	n.stopKeepers()
	n.drain()
	n.closeTopics()
	n.cancel()
	if err := n.dht.Close(); err != nil {
		n.log.Warn("closing the DHT", "err", err)
	}
	if err := n.host.Close(); err != nil {
		n.log.Warn("closing the host", "err", err)
	}
	n.tasks.Wait()
}

// drain waits until every request in hand was answered, at most drainTimeout, and
// its reply read, at most goodbyeTimeout more. Requests that come meanwhile wait
// and are never started.
func (n *Node) drain() {
	sessions := n.greetedSessions()
	ctx, cancel := context.WithTimeout(n.ctx, drainTimeout)
	defer cancel()
	for _, ses := range sessions {
		if !ses.finish(ctx) {
			n.log.Warn("stopping with requests in hand; their senders will ask again", "shop", ses.shop)
		}
	}
	ctx, cancel = context.WithTimeout(n.ctx, goodbyeTimeout)
	defer cancel()
	var wg sync.WaitGroup
	for _, ses := range sessions {
		ses.serving.Range(func(sv, _ any) bool {
			wg.Go(func() { sv.(*server).goodbye(ctx) })
			return true
		})
	}
	wg.Wait()
}
