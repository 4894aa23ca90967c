package p2p

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/souk-market/souk/exchange"
)

// sessions begins, finds and ends the sessions with connected peers. Nothing waits under mu. The
// only locks taken under mu are those of dialer and reconnector (by onGreet and onEnd), of events, and of
// libp2p's connection manager.
type sessions struct {
	*base
	events  *events
	limiter func() *rate.Limiter           // makes the limiter of a new session's requests; fixed by Start
	onGreet func(peer.ID)                  // called with mu held when a session is greeted; fixed by New
	onEnd   func(peer.ID)                  // called with mu held when a greeted session has ended; fixed by New
	onHello func(*session, []network.Conn) // called after the first hello on a connection, with the session's other connections, and after a hello that says otherwise whether the peer relays; fixed by New

	mu   sync.Mutex
	list map[peer.ID]*session // guarded by mu: the sessions that have not ended
	last uint64               // guarded by mu: id of the newest session
}

// track returns the session of connection c, and begins a session where there is none. It returns nil
// where c is closed, or where c's peer has no ShopID.
func (ss *sessions) track(c network.Conn) *session {
	p := c.RemotePeer()
	shop, ok := shopOf(p)
	if !ok {
		return nil
	}
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if c.IsClosed() || ss.ctx.Err() != nil { // closed before its Disconnected notice takes the lock
		return nil
	}
	ses := ss.list[p]
	if ses == nil {
		ses = ss.begin(p, shop)
	}
	if ses.conns[c] == nil {
		ses.conns[c] = new(connState)
		ss.prefer(ses)
	}
	return ses
}

// begin begins a session with p. It is called with mu held.
func (ss *sessions) begin(p peer.ID, shop exchange.ShopID) *session {
	ss.last++
	ses := &session{
		id: ss.last, peer: p, shop: shop, begun: time.Now(),
		greeted:  make(chan struct{}),
		conns:    map[network.Conn]*connState{},
		requests: ss.limiter(),
		inflight: make(chan struct{}, MaxInFlight),
		bytes:    semaphore.NewWeighted(MaxRequestBytes),
	}
	ses.ctx, ses.cancel = context.WithCancel(ss.ctx)
	ss.list[p] = ses
	return ses
}

// alone reports whether nobody but p is greeted. It is called with mu held.
func (ss *sessions) alone(p peer.ID) bool {
	for other, ses := range ss.list {
		if ses.hello && other != p {
			return false
		}
	}
	return true
}

// untrack forgets a closed connection and ends the session with the last one.
func (ss *sessions) untrack(c network.Conn) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	ses := ss.list[c.RemotePeer()]
	if ses == nil {
		return
	}
	delete(ses.conns, c)
	ss.prefer(ses)
	if len(ses.conns) == 0 {
		ss.end(ses, exchange.Errorf(exchange.CodeUnavailable, "the connection to %s was lost", ses.shop))
	}
}

// end ends ses, unless it has ended. It is called with mu held.
func (ss *sessions) end(ses *session, why error) {
	if ses.whyEnded != nil {
		return
	}
	ses.whyEnded = why
	if ss.list[ses.peer] == ses {
		delete(ss.list, ses.peer)
	}
	ses.cancel()
	if ses.hello {
		ss.metrics.connected.Dec()
		ss.host.ConnManager().Unprotect(ses.peer, protectTag)
		ss.events.changed(ses.shop)
		ss.onEnd(ses.peer)
	}
}

// toWelcome reports whether the caller shall welcome c, a connection of ses. For each connection it
// reports true once.
func (ss *sessions) toWelcome(ses *session, c network.Conn) bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	st := ses.conns[c]
	if st == nil || st.welcomed {
		return false
	}
	st.welcomed = true
	return true
}

// refuse ends the session with p, if there is one, because p's hello was refused.
func (ss *sessions) refuse(p peer.ID, why error) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if ses := ss.list[p]; ses != nil {
		ss.end(ses, why)
	}
}

// greet records that the peer's hello h on c was accepted. A new incarnation first ends the session
// with the old incarnation, and closes its connections. The other connections of the same incarnation
// are doubted where c is new, or where we would have used another one: a peer that could use one of them
// would not have made c, or said hello on it, but it may have dialed in the same moment as we. greet returns the session of c, or nil where c has closed.
func (ss *sessions) greet(c network.Conn, h hello) *session {
	ss.mu.Lock()
	ses := ss.list[c.RemotePeer()]
	if ses == nil || c.IsClosed() {
		ss.mu.Unlock()
		return nil
	}
	var stale, others []network.Conn
	if ses.hello && ses.incarnation != h.incarnation {
		old := ses
		ss.end(old, exchange.Errorf(exchange.CodeUnavailable, "%s restarted", old.shop))
		ses = ss.begin(old.peer, old.shop)
		for o, st := range old.conns {
			if o != c && st.incarnation != h.incarnation && (st.incarnation != 0 || o.Stat().Opened.Before(c.Stat().Opened)) {
				stale = append(stale, o)
			} else {
				ses.conns[o] = st
			}
		}
	}
	st := ses.conns[c]
	if st == nil {
		st = new(connState)
		ses.conns[c] = st
	}
	first, turned := st.incarnation == 0, ses.relays != h.relays
	st.doubted = false
	st.incarnation, ses.incarnation, ses.relays, ses.earlier = h.incarnation, h.incarnation, h.relays, !h.reach
	if first || ses.best() != c {
		others = ss.doubt(ses, c)
	}
	ss.prefer(ses)
	if !ses.hello {
		ses.hello = true
		close(ses.greeted)
		ss.metrics.connected.Inc()
		ss.host.ConnManager().Protect(ses.peer, protectTag)
		ss.events.changed(ses.shop)
		ss.onGreet(ses.peer)
	}
	ss.mu.Unlock()
	for _, o := range stale {
		_ = o.Close()
	}
	if first || turned || len(others) > 0 {
		ss.onHello(ses, others)
	}
	return ses
}

// doubt marks the connections of ses beside c, and returns them. It is called with mu held.
func (ss *sessions) doubt(ses *session, c network.Conn) (others []network.Conn) {
	for o, st := range ses.conns {
		if o != c && !o.IsClosed() {
			st.doubted = true
			others = append(others, o)
		}
	}
	return others
}

// trust ends the doubt of connections that have answered; those that have not are closed.
func (ss *sessions) trust(ses *session, conns []network.Conn) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	for _, c := range conns {
		if st := ses.conns[c]; st != nil {
			st.doubted = false
		}
	}
	ss.prefer(ses)
}

// prefer marks the connections of ses over which nothing new goes. It is called with mu held, after
// every change of conns and of doubted.
func (ss *sessions) prefer(ses *session) {
	best := ses.best()
	for c, st := range ses.conns {
		st.passed.Store(c != best && (st.doubted || best != nil && isDirect(best) && !isDirect(c)))
	}
}

// best is the connection for what is new: one that is not doubted before one that is, a direct one
// before a relayed one, an older one before a newer one; nil where none is open. It is called with
// sessions.mu held.
func (s *session) best() network.Conn {
	var best network.Conn
	for c, st := range s.conns {
		if c.IsClosed() {
			continue
		}
		if best == nil || better(c, st, best, s.conns[best]) {
			best = c
		}
	}
	return best
}

func better(a network.Conn, as *connState, b network.Conn, bs *connState) bool {
	switch {
	case as.doubted != bs.doubted:
		return bs.doubted
	case isDirect(a) != isDirect(b):
		return isDirect(a)
	}
	return a.Stat().Opened.Before(b.Stat().Opened)
}

// bestOf is ses's connection for what is new, with its state; nil where none is open.
func (ss *sessions) bestOf(ses *session) (network.Conn, *connState) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	c := ses.best()
	return c, ses.conns[c]
}

// connsOf are the open connections of ses, the one in use first.
func (ss *sessions) connsOf(ses *session) []network.Conn {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	var conns []network.Conn
	for c := range ses.conns {
		if !c.IsClosed() {
			conns = append(conns, c)
		}
	}
	slices.SortFunc(conns, func(a, b network.Conn) int {
		if better(a, ses.conns[a], b, ses.conns[b]) {
			return -1
		}
		return 1
	})
	return conns
}

// relays reports whether the latest hello of ses's peer said that it relays for members.
func (ss *sessions) relays(ses *session) bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return ses.relays
}

// earlierHubs are the hubs whose latest hello is of the version before the reach protocol.
func (ss *sessions) earlierHubs() []exchange.ShopID {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	var list []exchange.ShopID
	for _, ses := range ss.list {
		if ses.hello && ses.earlier && ss.gate.hubs[ses.peer] {
			list = append(list, ses.shop)
		}
	}
	return list
}

// of is the session with p; nil where there is none.
func (ss *sessions) of(p peer.ID) *session {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return ss.list[p]
}

// all are the sessions that have not ended, in no order.
func (ss *sessions) all() []*session {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return slices.Collect(maps.Values(ss.list))
}

// reason returns why ses ended, or err where ses has not ended.
func (ss *sessions) reason(ses *session, err error) error {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if ses.whyEnded != nil {
		return ses.whyEnded
	}
	return err
}

// protectTag keeps the connection manager from trimming sessions.
const protectTag = "souk"

// cut ends the session with p, if there is one, and closes p's connections.
func (ss *sessions) cut(p peer.ID, why string) {
	ss.mu.Lock()
	if ses := ss.list[p]; ses != nil {
		ss.end(ses, exchange.Errorf(exchange.CodeNotMember, "%s was disconnected: %s", ses.shop, why))
		ss.log.Info("member disconnected", "shop", ses.shop, "why", why)
	}
	ss.mu.Unlock()
	_ = ss.host.Network().ClosePeer(p)
}

// drop ends a session whose connections answer nothing, and closes them.
func (ss *sessions) drop(ses *session) {
	ss.mu.Lock()
	current := ss.list[ses.peer] == ses
	ss.end(ses, exchange.Errorf(exchange.CodeUnavailable, "%s answers nothing", ses.shop))
	ss.mu.Unlock()
	if current {
		ss.log.Info("a member answers nothing and is disconnected", "shop", ses.shop)
		_ = ss.host.Network().ClosePeer(ses.peer)
	}
}

// connected returns the session with shop if its hello was accepted.
func (ss *sessions) connected(shop exchange.ShopID) *session {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if ses := ss.list[peerOf(shop)]; ses != nil && ses.hello {
		return ses
	}
	return nil
}

// current is connected for events: it returns the session's id, 0 where there is none.
func (ss *sessions) current(shop exchange.ShopID) uint64 {
	if ses := ss.connected(shop); ses != nil {
		return ses.id
	}
	return 0
}

// greeted returns the sessions whose hello was accepted, in no order.
func (ss *sessions) greeted() []*session {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	var list []*session
	for _, ses := range ss.list {
		if ses.hello {
			list = append(list, ses)
		}
	}
	return list
}
