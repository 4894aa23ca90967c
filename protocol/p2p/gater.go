package p2p

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// gate decides which peers may connect, and nothing else does. libp2p uses it as connection gater,
// and the relay's access list (relayService) asks it.
type gate struct {
	members Directory
	hubs    map[peer.ID]bool   // trusted by configuration
	relayUp func(peer.ID) bool // whether a relay is connected; fixed by New
	absent  absences           // its lock is taken last

	mu      sync.Mutex
	resting map[peer.ID]refusal  // guarded by mu: members that libp2p does not dial for a while
	own     map[peer.ID]ownDials // guarded by mu
}

// newGate admits the members of a directory and the configured hubs.
func newGate(s settings) *gate {
	g := &gate{
		members: s.Members, hubs: map[peer.ID]bool{}, absent: absences{list: map[peer.ID]*absence{}},
		resting: map[peer.ID]refusal{}, own: map[peer.ID]ownDials{},
	}
	for _, h := range s.hubs {
		g.hubs[h.ID] = true
	}
	return g
}

var _ connmgr.ConnectionGater = (*gate)(nil)

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

// refusal is a hello that failed.
type refusal struct {
	until time.Time // the member is not dialed before
	why   error
}

// rest keeps libp2p's own services from dialing p, whose hello failed: the DHT would dial it many
// times a second. Our own dials end the rest (wake).
func (g *gate) rest(p peer.ID, why error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.resting[p] = refusal{time.Now().Add(refusedRest), why}
}

func (g *gate) wake(p peer.ID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.resting, p)
}

// rests returns why p rests; nil where it does not.
func (g *gate) rests(p peer.ID) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	r, ok := g.resting[p]
	if ok && time.Now().After(r.until) {
		delete(g.resting, p)
		return nil
	}
	return r.why
}

// ownDials are the dials of a peer that this package has begun, and of these the ones that may use QUIC.
type ownDials struct{ all, quic int }

// dials notes a dial of p by this package until done is called. The gater is told of no context.
func (g *gate) dials(p peer.ID, how effort) (done func()) {
	add := func(n int) {
		g.mu.Lock()
		defer g.mu.Unlock()
		own := g.own[p]
		own.all += n
		if how != lowPrice {
			own.quic += n
		}
		if g.own[p] = own; own.all == 0 {
			delete(g.own, p)
		}
	}
	add(1)
	return func() { add(-1) }
}

func (g *gate) ownDials(p peer.ID) ownDials {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.own[p]
}

// InterceptPeerDial lets libp2p's own services, such as the DHT, dial no member that is absent: the
// reconnector does, and spaces its dials.
func (g *gate) InterceptPeerDial(p peer.ID) bool {
	return g.knock(p) && g.rests(p) == nil && (!g.absent.has(p) || g.ownDials(p).all > 0)
}

// InterceptAddrDial keeps a dial at lowPrice from QUIC. It lets libp2p dial a way through a relay only
// while the relay is connected. libp2p's client of relays tries the ways to a peer one after the other, so
// that a relay that is off would hold up the next one for as long as its dial takes. The dialer connects to
// relays itself.
func (g *gate) InterceptAddrDial(p peer.ID, a ma.Multiaddr) bool {
	if relay := relayOf(a); !relay.IsZero() {
		return g.relayUp(peerOf(relay))
	}
	own := g.ownDials(p)
	return own.all == 0 || own.quic > 0 || !isQUIC(a)
}

func (g *gate) InterceptAccept(network.ConnMultiaddrs) bool { return true }

func (g *gate) InterceptSecured(_ network.Direction, p peer.ID, _ network.ConnMultiaddrs) bool {
	return g.knock(p)
}

// InterceptUpgraded asks once more: a revocation may have come during the handshake.
func (g *gate) InterceptUpgraded(c network.Conn) (bool, control.DisconnectReason) {
	return g.admits(c.RemotePeer()), 0
}

func isQUIC(a ma.Multiaddr) bool {
	_, err := a.ValueForProtocol(ma.P_UDP)
	return err == nil
}
