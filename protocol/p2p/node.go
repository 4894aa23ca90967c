package p2p

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/backoff"
	"github.com/souk-market/souk/exchange/wake"
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
	wall        *wall
	streams     *streams
	requests    *requests
	bulk        *bulkStreams
	topics      *topics
	direct      *direct
	pulse       *pulse
	relays      *relays
	service     *relayService
	prober      *prober
	proofs      *proofs
	mover       *mover
	asked       *budgets    // of questions of the reach protocol
	tell        wake.Signal // set: the own addresses are to be told

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
	dns     *nameResolver

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
	return compose(&base{cfg: s, log: s.Logger, metrics: m, gate: newGate(s), dns: newNameResolver()}), nil
}

// compose makes the parts of a Node and ties them together.
func compose(b *base) *Node {
	n := &Node{base: b, events: newEvents(), tell: wake.New(), closed: make(chan struct{})}
	n.sessions = &sessions{
		base: b, events: n.events, list: map[peer.ID]*session{}, onGreet: n.greeted, onHello: n.helloed, onEnd: n.ended,
		limiter: func() *rate.Limiter { return rate.NewLimiter(requestRate, requestBurst) },
	}
	n.events.current = n.sessions.current
	n.addresses = newAddresses(b)
	n.streams = &streams{base: b, sessions: n.sessions}
	n.service = &relayService{base: b, changed: n.tell.Set}
	n.greeter = &greeter{
		base: b, sessions: n.sessions, addresses: n.addresses, streams: n.streams, incarnation: newIncarnation(), relays: n.service.serves,
	}
	n.dialer = &dialer{base: b, sessions: n.sessions, underWay: map[peer.ID]dials{}, away: map[peer.ID]time.Time{}, wentThrough: map[peer.ID]time.Time{}}
	n.reconnector = &reconnector{base: b, dialer: n.dialer, loops: map[peer.ID]*reconnecting{}}
	n.wall = &wall{base: b, ports: n.reconnector.portsOf}
	n.pulse = &pulse{base: b, sessions: n.sessions, streams: n.streams, away: func(p peer.ID) { n.dialer.setAway(p, time.Now()) }, hello: n.greeter.again}
	n.requests = &requests{
		base: b, streams: n.streams, sessions: n.sessions, dialer: n.dialer, pulse: n.pulse, handlers: map[string]HandlerFunc{},
		results: sync.Pool{New: func() any { return make(chan result, 1) }},
	}
	n.requests.handlers[reachName] = n.serveReach
	n.bulk = &bulkStreams{base: b, streams: n.streams, dialer: n.dialer, handlers: map[string]StreamHandlerFunc{}}
	n.topics = &topics{base: b, streams: n.streams, wanted: n.reconnector.keeps, joined: map[string]*Topic{}}
	n.direct = newDirect(b)
	n.direct.sessions, n.direct.addresses = n.sessions, n.addresses
	n.addresses.changed = append(n.addresses.changed, n.direct.again.Set)
	n.relays = newRelays(b)
	n.relays.sessions, n.relays.addresses, n.relays.dialer, n.relays.requests = n.sessions, n.addresses, n.dialer, n.requests
	n.dialer.pulse, n.dialer.keeps, n.dialer.relaysTo = n.pulse, n.reconnector.keeps, n.relays.to
	n.gate.relayUp = n.dialer.relayUp
	n.prober, n.asked = newProber(b), newBudgets(askRate, askBurst)
	n.proofs = &proofs{
		base: b, sessions: n.sessions, addresses: n.addresses, requests: n.requests, service: n.service, look: wake.New(),
		changed: func() { n.addresses.refresh(); n.relays.changed() }, pauses: backoff.Doubling{First: probeAgain, Longest: ProbeEvery},
	}
	n.mover = &mover{base: b, own: n.addresses, moved: func() { n.pulse.checkAll(); n.reconnector.hurry(); n.relays.unrest(); n.proofs.look.Set() }}
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
	if n.sessions.alone(p) { // what cut this node off from all may have cut it off from others
		n.reconnector.hurry()
	}
	n.dialer.greeted(p)
	n.reconnector.greeted(p)
}

// helloed follows the first hello on a connection, beside which others of the session may stand, and a
// hello that says otherwise whether its member relays.
func (n *Node) helloed(ses *session, others []network.Conn) {
	if len(others) > 0 {
		n.pulse.doubt(ses, others)
	}
	n.relays.greetedBy(ses)
	n.proofs.look.Set()
	n.direct.again.Set()
	go n.topics.move(ses.peer) // ends within openTimeout
}

// ended follows the end of a greeted session with p. It is called with sessions.mu held.
func (n *Node) ended(p peer.ID) {
	n.dialer.lost(p)
	n.addresses.unsee(p)
	n.relays.changed()
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
	n.tasks.Go(func() { n.addresses.follow(n.tell.Set) })
	n.tasks.Go(n.addresses.saver)
	n.tasks.Go(n.teller)
	n.tasks.Go(n.mover.run)
	n.tasks.Go(n.direct.run)
	n.tasks.Go(n.dialer.refreshDHT)
	n.reconnector.keepHubs()
	if n.cfg.Hub {
		n.tasks.Go(func() { n.dialer.callMembers(saved) })
	} else {
		n.tasks.Go(n.relays.atHubs)
		n.tasks.Go(n.relays.atMembers)
	}
	n.tasks.Go(n.proofs.run)
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
		ConnectedF: func(_ network.Network, c network.Conn) {
			go n.greeter.welcome(c)
			go n.wall.connected(c)
		},
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
		go n.wall.connected(c)
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
	n.prober.close()
	n.direct.close()
	_ = n.service.set(false)
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
