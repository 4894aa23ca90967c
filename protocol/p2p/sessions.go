package p2p

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/souk-market/souk/exchange"
)

// sessions begins, finds and ends the sessions with connected peers. Nothing waits under mu. The
// only locks taken under mu are those of dialer and reconnector (by onGreet), of events, and of
// libp2p's connection manager.
type sessions struct {
	*base
	events  *events
	limiter func() *rate.Limiter // makes the limiter of a new session's requests; fixed by Start
	onGreet func(peer.ID)        // called with mu held when a session is greeted; fixed by New

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

// untrack forgets a closed connection and ends the session with the last one.
func (ss *sessions) untrack(c network.Conn) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	ses := ss.list[c.RemotePeer()]
	if ses == nil {
		return
	}
	delete(ses.conns, c)
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

// greet records that the peer's hello on c was accepted. A new incarnation first ends the session
// with the old incarnation, and closes its connections. greet returns the session of c, or nil
// where c has closed.
func (ss *sessions) greet(c network.Conn, incarnation uint64) *session {
	ss.mu.Lock()
	ses := ss.list[c.RemotePeer()]
	if ses == nil || c.IsClosed() {
		ss.mu.Unlock()
		return nil
	}
	var stale []network.Conn
	if ses.hello && ses.incarnation != incarnation {
		old := ses
		ss.end(old, exchange.Errorf(exchange.CodeUnavailable, "%s restarted", old.shop))
		ses = ss.begin(old.peer, old.shop)
		for o, st := range old.conns {
			if o != c && st.incarnation != incarnation && (st.incarnation != 0 || o.Stat().Opened.Before(c.Stat().Opened)) {
				stale = append(stale, o)
			} else {
				ses.conns[o] = st
			}
		}
	}
	if ses.conns[c] == nil {
		ses.conns[c] = new(connState)
	}
	ses.conns[c].incarnation, ses.incarnation = incarnation, incarnation
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
	return ses
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
