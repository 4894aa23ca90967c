package p2p

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"
)

// gate decides which peers may connect, and nothing else does. libp2p uses it as connection gater
// and as the relay's access list.
type gate struct {
	members Directory
	hubs    map[peer.ID]bool // trusted by configuration

	mu      sync.Mutex
	resting map[peer.ID]time.Time // guarded by mu: until when libp2p does not dial a member
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

// knock is admits for a peer that tries to connect, or that is to be dialed. It tells the Directory
// of a peer that is no member: the peer may have joined since the member list was last read.
func (g *gate) knock(p peer.ID) bool {
	if g.admits(p) {
		return true
	}
	if shop, ok := shopOf(p); ok {
		g.members.Unknown(shop)
	}
	return false
}

// rest keeps libp2p's own services from dialing p, whose hello failed: the DHT would dial it many
// times a second. Our own dials end the rest (wake).
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
