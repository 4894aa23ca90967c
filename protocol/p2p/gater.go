package p2p

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/souk-market/souk/exchange"
)

// gate is the one place that decides who may connect. It serves libp2p as
// connection gater and as the relay's access list.
type gate struct {
	members Directory
	hubs    map[peer.ID]bool // trusted by configuration

	mu      sync.Mutex
	resting map[peer.ID]time.Time // guarded by mu: members not to be dialed before
}

// newGate admits the members of a directory and the configured hubs.
func newGate(s settings) *gate {
	g := &gate{members: s.Members, hubs: map[peer.ID]bool{}, resting: map[peer.ID]time.Time{}}
	for _, h := range s.hubs {
		g.hubs[h.ID] = true
	}
	return g
}

var (
	_ connmgr.ConnectionGater = (*gate)(nil)
	_ relay.ACLFilter         = (*gate)(nil)
)

// admits reports whether p may be connected now.
func (g *gate) admits(p peer.ID) bool {
	if g.hubs[p] {
		return true
	}
	shop, ok := shopOf(p)
	return ok && g.members.Admit(shop)
}

// knock is admits for somebody who is at the door or whom we look for: an
// unknown key may be one that joined since we last read the member list.
func (g *gate) knock(p peer.ID) bool {
	if g.admits(p) {
		return true
	}
	if shop, ok := shopOf(p); ok {
		g.members.Unknown(shop)
	}
	return false
}

// rest keeps libp2p's own services from dialing a member whose hello failed: the
// DHT would do so many times a second. Our own dials wake it.
func (g *gate) rest(p peer.ID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.resting[p] = time.Now().Add(refusedRest)
}

func (g *gate) wake(p peer.ID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.resting, p)
}

func (g *gate) rests(p peer.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	until, ok := g.resting[p]
	if ok && time.Now().After(until) {
		delete(g.resting, p)
		return false
	}
	return ok
}

func (g *gate) InterceptPeerDial(p peer.ID) bool             { return g.knock(p) && !g.rests(p) }
func (g *gate) InterceptAddrDial(peer.ID, ma.Multiaddr) bool { return true }
func (g *gate) InterceptAccept(network.ConnMultiaddrs) bool  { return true }
func (g *gate) AllowReserve(p peer.ID, _ ma.Multiaddr) bool  { return g.admits(p) }
func (g *gate) AllowConnect(p peer.ID, _ ma.Multiaddr, to peer.ID) bool {
	return g.admits(p) && g.admits(to)
}

func (g *gate) InterceptSecured(_ network.Direction, p peer.ID, _ network.ConnMultiaddrs) bool {
	return g.knock(p)
}

// InterceptUpgraded asks once more: a revocation may have come during the handshake.
func (g *gate) InterceptUpgraded(c network.Conn) (bool, control.DisconnectReason) {
	return g.admits(c.RemotePeer()), 0
}

// guardedHost gives libp2p's own services (DHT, gossip) a host on which their
// stream handlers, too, serve only members who said hello.
type guardedHost struct {
	host.Host
	streams *streams
}

func (g guardedHost) SetStreamHandler(id protocol.ID, h network.StreamHandler) {
	g.Host.SetStreamHandler(id, g.streams.guard(h))
}

func (g guardedHost) SetStreamHandlerMatch(id protocol.ID, match func(protocol.ID) bool, h network.StreamHandler) {
	g.Host.SetStreamHandlerMatch(id, match, g.streams.guard(h))
}

// streams opens streams to members and admits those that members open. It has no
// state but what Start fixed.
type streams struct {
	*base
	sessions *sessions
}

// guard makes of h a handler that serves only members who said hello.
func (st *streams) guard(h network.StreamHandler) network.StreamHandler {
	return func(s network.Stream) {
		if _, err := st.receive(s); err != nil {
			st.refuse(s, err)
			return
		}
		h(s)
	}
}

// open opens a stream on the session's connection, never dialing.
func (st *streams) open(ctx context.Context, ses *session, name string) (network.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	ctx = network.WithNoDial(network.WithAllowLimitedConn(ctx, "souk"), "a session is open")
	s, err := st.host.NewStream(ctx, ses.peer, protocolID(st.cfg.Federation, name))
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeUnavailable, "no %s stream to %s: %w", name, ses.shop, err)
	}
	return s, nil
}

// receive admits an inbound stream: from a member, after its hello.
func (st *streams) receive(s network.Stream) (*session, error) {
	p := s.Conn().RemotePeer()
	if !st.gate.admits(p) {
		st.sessions.cut(p, "not a member")
		return nil, exchange.Errorf(exchange.CodeNotMember, "the peer is not a member")
	}
	ses := st.sessions.track(s.Conn())
	if ses == nil {
		return nil, exchange.Errorf(exchange.CodeUnavailable, "the connection closed")
	}
	return ses, ses.awaitHello(st.ctx)
}

func (st *streams) refuse(s network.Stream, err error) {
	_ = s.Reset()
	st.metrics.refused.WithLabelValues(exchange.CodeOf(err).String()).Inc()
	st.log.Debug("stream refused", "peer", s.Conn().RemotePeer(), "protocol", s.Protocol(), "err", err)
}
