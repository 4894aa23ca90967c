package p2p

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/souk-market/souk/exchange"
)

// Node is one member's host, composed of its parts by subject. Its methods are safe for
// concurrent use once Start returned; Handle, HandleStream, OnConnect, OnDisconnect and
// OnAddresses come before Start.
type Node struct {
	*base
	events      *events
	sessions    *sessions
	addresses   *addresses
	greeter     *greeter
	dialer      *dialer
	reconnector *reconnector
	streams     *streams
	requests    *requests
	bulk        *bulkStreams
	topics      *topics

	cancel context.CancelFunc // ends base.ctx; set by Start

	mu      sync.Mutex
	started bool // guarded by mu

	closing atomic.Bool
	closed  chan struct{} // closed by the first Close when it is done
}

// base is what all parts of a Node share. New and Start set it, before anything else
// runs; from then on only tasks changes.
type base struct {
	cfg     settings
	log     *slog.Logger
	metrics *metrics
	gate    *gate

	ctx   context.Context // ends when the node closes; set by Start
	host  host.Host       // set by Start
	tasks sync.WaitGroup  // goroutines of the node itself, for which Close waits
}

// HandlerFunc answers one request. req is the handler's own. ctx ends when the partner disconnects
// or is cut off, or the node stops; what was durably decided before stays decided. An
// *exchange.Error crosses the wire as code and text, any other error as CodeInternal. A reply is at
// most MaxMessage. Handlers run concurrently, for one partner at most MaxInFlight at once and
// requestRate a second. A panic ends the process, on purpose: after a panic nothing in memory can
// be trusted with stock.
type HandlerFunc func(ctx context.Context, from exchange.ShopID, req []byte) ([]byte, error)

// New checks cfg and returns a Node that is not started.
func New(cfg Config) (*Node, error) {
	s, err := cfg.check()
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(s.Registerer)
	if err != nil {
		return nil, err
	}
	return compose(&base{cfg: s, log: s.Logger, metrics: m, gate: newGate(s)}), nil
}

// compose makes the parts of a Node and ties them together.
func compose(b *base) *Node {
	n := &Node{base: b, events: newEvents(), closed: make(chan struct{})}
	n.sessions = &sessions{
		base: b, events: n.events, list: map[peer.ID]*session{}, onGreet: n.greeted,
		limiter: func() *rate.Limiter { return rate.NewLimiter(requestRate, requestBurst) },
	}
	n.events.current = n.sessions.current
	n.addresses = &addresses{base: b}
	n.greeter = &greeter{base: b, sessions: n.sessions, addresses: n.addresses, incarnation: newIncarnation()}
	n.dialer = &dialer{base: b, sessions: n.sessions, underWay: map[peer.ID]dials{}}
	n.reconnector = &reconnector{base: b, dialer: n.dialer, loops: map[peer.ID]*reconnecting{}}
	n.streams = &streams{base: b, sessions: n.sessions}
	n.requests = &requests{
		base: b, streams: n.streams, sessions: n.sessions, dialer: n.dialer, handlers: map[string]HandlerFunc{},
		results: sync.Pool{New: func() any { return make(chan result, 1) }},
	}
	n.bulk = &bulkStreams{base: b, streams: n.streams, dialer: n.dialer, handlers: map[string]StreamHandlerFunc{}}
	n.topics = &topics{base: b, streams: n.streams, joined: map[string]*Topic{}}
	return n
}

// newIncarnation draws the number that tells this run of the node from its other runs; never 0.
func newIncarnation() (incarnation uint64) {
	for incarnation == 0 {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		incarnation = binary.BigEndian.Uint64(b[:])
	}
	return incarnation
}

// greeted tells dialer and reconnector that a session with p was greeted. It is called with
// sessions.mu held.
func (n *Node) greeted(p peer.ID) {
	n.dialer.greeted(p)
	n.reconnector.greeted(p)
}

// Self is the node's own ShopID.
func (n *Node) Self() exchange.ShopID { return n.cfg.self }

// Handle serves requests of protocol name. It is called before Start, once for a name.
func (n *Node) Handle(name string, h HandlerFunc) { n.requests.handlers[name] = h }

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
	// After the end of ctx the node lives on until it has closed in order.
	n.ctx, n.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := n.open(); err != nil {
		n.cancel()
		return exchange.Errorf(exchange.CodeUnavailable, "the network could not be opened on %v: %w", n.cfg.Listen, err)
	}
	n.serve()
	n.tasks.Go(func() { n.events.run(n.ctx) })
	saved := n.addresses.load()
	n.tasks.Go(func() { n.addresses.follow() })
	n.tasks.Go(n.dialer.refreshDHT)
	n.reconnector.keepHubs()
	if n.cfg.Hub {
		n.tasks.Go(func() { n.dialer.callMembers(saved) })
	}
	context.AfterFunc(ctx, n.Close)
	n.log.Info("network open", "shop", n.cfg.self, "addresses", n.Addresses())
	return nil
}

// names are the protocols with a handler.
func (n *Node) names() []string {
	var names []string
	for name := range n.requests.handlers {
		names = append(names, name)
	}
	for name := range n.bulk.handlers {
		names = append(names, name)
	}
	return names
}

// serve registers the handlers of connections and streams.
func (n *Node) serve() {
	n.host.Network().Notify(&network.NotifyBundle{
		ConnectedF:    func(_ network.Network, c network.Conn) { go n.greeter.welcome(c) },
		DisconnectedF: func(_ network.Network, c network.Conn) { n.sessions.untrack(c) },
	})
	n.host.SetStreamHandler(protocolID(n.cfg.Federation, helloName), n.greeter.answerHello)
	for name, h := range n.requests.handlers {
		n.host.SetStreamHandler(protocolID(n.cfg.Federation, name), n.requests.handler(name, h))
	}
	for name, h := range n.bulk.handlers {
		n.host.SetStreamHandler(protocolID(n.cfg.Federation, name), n.bulk.handler(name, h))
	}
	for _, c := range n.host.Network().Conns() { // opened before Notify
		go n.greeter.welcome(c)
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

// Close stops a started node. It takes no new requests and waits, at most drainTimeout, for the
// requests in hand to be answered; then streams, gossip, DHT and host close. Close returns when the
// node's loops have ended. A second call waits for the first.
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
	for name := range n.requests.handlers {
		n.host.RemoveStreamHandler(protocolID(n.cfg.Federation, name))
	}
	for name := range n.bulk.handlers {
		n.host.RemoveStreamHandler(protocolID(n.cfg.Federation, name))
	}
	n.reconnector.stop()
	n.drain()
	n.topics.close()
	n.cancel()
	if err := n.dialer.dht.Close(); err != nil {
		n.log.Warn("closing the DHT", "err", err)
	}
	if err := n.host.Close(); err != nil {
		n.log.Warn("closing the host", "err", err)
	}
	n.tasks.Wait()
}

// drain waits until every request in hand is answered, at most drainTimeout. Then it waits until the
// replies are read, at most goodbyeTimeout. Requests that come meanwhile are never started.
func (n *Node) drain() {
	sessions := n.sessions.greeted()
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
