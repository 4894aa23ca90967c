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

// session is what is shared with one connected peer. It begins with the first
// connection and ends with the last, or when the peer is cut or its process
// turns out to have restarted. An ended session is never used again.
type session struct {
	id    uint64 // order of beginning; tells sessions of one shop apart
	peer  peer.ID
	shop  exchange.ShopID
	begun time.Time

	ctx    context.Context // ends with the session
	cancel context.CancelFunc

	greeted chan struct{} // closed at the first hello both sides accepted

	// Guarded by Node.mu.
	conns       map[network.Conn]*connState
	incarnation uint64 // the peer's; 0 before its hello
	hello       bool   // greeted is closed
	whyEnded    error

	pipes    pipes               // streams we opened
	requests *rate.Limiter       // of the peer, as they are read
	inflight chan struct{}       // capacity MaxInFlight: requests of the peer in hand
	bytes    *semaphore.Weighted // MaxRequestBytes of them
	bulk     bulkCount
	serving  sync.Map // *server → struct{}: the peer's request streams
}

// connState is what is known of one connection.
type connState struct {
	told     uint64 // incarnation its hello named; 0 = none yet
	welcomed bool   // welcome has begun
}

// awaitHello waits, at most HelloTimeout, until the peer's hello was accepted.
func (s *session) awaitHello(ctx context.Context) error {
	select {
	case <-s.greeted:
		return nil
	default:
	}
	t := time.NewTimer(HelloTimeout)
	defer t.Stop()
	select {
	case <-s.greeted:
		return nil
	case <-s.ctx.Done():
		return exchange.Errorf(exchange.CodeUnavailable, "%s closed the connection before its hello", s.shop)
	case <-ctx.Done():
		return exchange.Errorf(exchange.CodeUnavailable, "no hello from %s yet: %w", s.shop, ctx.Err())
	case <-t.C:
		return exchange.Errorf(exchange.CodeUnavailable, "%s sent no hello within %v", s.shop, HelloTimeout)
	}
}

// track returns the session that c belongs to, beginning one if there is none;
// nil if c is closed or its peer has no ShopID.
func (n *Node) track(c network.Conn) *session {
	p := c.RemotePeer()
	shop, ok := shopOf(p)
	if !ok {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if c.IsClosed() || n.ctx.Err() != nil { // closed before its Disconnected notice takes the lock
		return nil
	}
	ses := n.sessions[p]
	if ses == nil {
		ses = n.begin(p, shop)
	}
	if ses.conns[c] == nil {
		ses.conns[c] = new(connState)
	}
	return ses
}

// begin is called with Node.mu held.
func (n *Node) begin(p peer.ID, shop exchange.ShopID) *session {
	n.lastSession++
	ses := &session{
		id: n.lastSession, peer: p, shop: shop, begun: time.Now(),
		greeted:  make(chan struct{}),
		conns:    map[network.Conn]*connState{},
		requests: n.requests(),
		inflight: make(chan struct{}, MaxInFlight),
		bytes:    semaphore.NewWeighted(MaxRequestBytes),
	}
	ses.ctx, ses.cancel = context.WithCancel(n.ctx)
	n.sessions[p] = ses
	return ses
}

// untrack forgets a closed connection and ends the session with the last one.
func (n *Node) untrack(c network.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	ses := n.sessions[c.RemotePeer()]
	if ses == nil {
		return
	}
	delete(ses.conns, c)
	if len(ses.conns) == 0 {
		n.end(ses, exchange.Errorf(exchange.CodeUnavailable, "the connection to %s was lost", ses.shop))
	}
}

// end is called with Node.mu held.
func (n *Node) end(ses *session, why error) {
	if ses.whyEnded != nil {
		return
	}
	ses.whyEnded = why
	if n.sessions[ses.peer] == ses {
		delete(n.sessions, ses.peer)
	}
	ses.cancel()
	if ses.hello {
		n.metrics.connected.Dec()
		n.host.ConnManager().Unprotect(ses.peer, protectTag)
		n.events.changed(ses.shop)
	}
}

// greet records that the peer's hello, heard on c, was accepted. A new
// incarnation ends what is left of the old one first. It returns the session
// that now holds c, or nil if c was closed meanwhile.
func (n *Node) greet(c network.Conn, incarnation uint64) *session {
	n.mu.Lock()
	ses := n.sessions[c.RemotePeer()]
	if ses == nil || c.IsClosed() {
		n.mu.Unlock()
		return nil
	}
	var stale []network.Conn
	if ses.hello && ses.incarnation != incarnation {
		old := ses
		n.end(old, exchange.Errorf(exchange.CodeUnavailable, "%s restarted", old.shop))
		ses = n.begin(old.peer, old.shop)
		for o, st := range old.conns {
			if o != c && st.told != incarnation && (st.told != 0 || o.Stat().Opened.Before(c.Stat().Opened)) {
				stale = append(stale, o)
			} else {
				ses.conns[o] = st
			}
		}
	}
	if ses.conns[c] == nil {
		ses.conns[c] = new(connState)
	}
	ses.conns[c].told, ses.incarnation = incarnation, incarnation
	if !ses.hello {
		ses.hello = true
		close(ses.greeted)
		n.metrics.connected.Inc()
		n.host.ConnManager().Protect(ses.peer, protectTag)
		n.events.changed(ses.shop)
		n.dialing[ses.peer].end()
		if k := n.keepers[ses.peer]; k != nil {
			k.came.Set()
		}
	}
	n.mu.Unlock()
	for _, o := range stale {
		_ = o.Close()
	}
	return ses
}

// protectTag keeps the connection manager from trimming sessions.
const protectTag = "souk"

// cut ends the session with p, if any, and closes its connections.
func (n *Node) cut(p peer.ID, why string) {
	n.mu.Lock()
	if ses := n.sessions[p]; ses != nil {
		n.end(ses, exchange.Errorf(exchange.CodeNotMember, "%s was disconnected: %s", ses.shop, why))
		n.log.Info("member disconnected", "shop", ses.shop, "why", why)
	}
	n.mu.Unlock()
	_ = n.host.Network().ClosePeer(p)
}

// greetedSessions returns the sessions whose hello was accepted, in no order.
func (n *Node) greetedSessions() []*session {
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []*session
	for _, ses := range n.sessions {
		if ses.hello {
			list = append(list, ses)
		}
	}
	return list
}

// finish waits until none of the peer's requests is in hand and lets no other
// begin; it reports false when ctx ended first.
func (s *session) finish(ctx context.Context) bool {
	for range MaxInFlight {
		select {
		case s.inflight <- struct{}{}:
		case <-s.ctx.Done():
			return true
		case <-ctx.Done():
			return false
		}
	}
	return true
}
