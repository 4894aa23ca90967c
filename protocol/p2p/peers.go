package p2p

import (
	"slices"
	"time"

	"github.com/souk-market/souk/exchange"
)

// PeerInfo is one member that is connected now.
type PeerInfo struct {
	Shop      exchange.ShopID
	Hub       bool
	Addresses []string      // of its open connections, first of the connection in use
	Transport string        // of the connection in use: "tcp", "quic" or "relay"
	Direct    bool          // not through a relay
	Since     time.Time     // of the first connection
	RTT       time.Duration // smoothed; 0 = not measured yet
}

// Peers lists the members with a completed hello, hubs included, by ShopID.
func (n *Node) Peers() []PeerInfo {
	var list []PeerInfo
	for _, ses := range n.sessions.greeted() {
		conns := n.sessions.connsOf(ses)
		if len(conns) == 0 {
			continue
		}
		best := conns[0]
		info := PeerInfo{
			Shop: ses.shop, Hub: n.gate.hubs[ses.peer], Transport: transportOf(best), Direct: isDirect(best),
			Since: ses.begun, RTT: n.host.Peerstore().LatencyEWMA(ses.peer),
		}
		for _, c := range conns {
			if a := c.RemoteMultiaddr().String(); !slices.Contains(info.Addresses, a) {
				info.Addresses = append(info.Addresses, a)
			}
		}
		list = append(list, info)
	}
	slices.SortFunc(list, func(a, b PeerInfo) int { return a.Shop.Compare(b.Shop) })
	return list
}

// Connected reports whether a member is connected and its hello was accepted.
func (n *Node) Connected(shop exchange.ShopID) bool { return n.sessions.connected(shop) != nil }

// Disconnect is for a shop that left or was revoked. It closes every connection of the shop, fails
// what is under way with the shop, and forgets its addresses. The Directory must refuse the shop
// before, or the shop may come back at once.
func (n *Node) Disconnect(shop exchange.ShopID, why string) {
	n.reconnector.keep(peerOf(shop), false)
	n.sessions.cut(peerOf(shop), why)
	n.addresses.forget(shop)
}

// Recheck asks the Directory about every connected peer, and disconnects each that is no longer
// admitted.
func (n *Node) Recheck() {
	for _, p := range n.host.Network().Peers() {
		if !n.gate.admits(p) {
			n.sessions.cut(p, "no longer a member")
		}
	}
}
