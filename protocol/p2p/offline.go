package p2p

import (
	"net"
	"net/netip"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// elsewhere are addresses of networks that exist in examples only: a machine has a way to them where it
// has one to the internet. Nothing is sent to them.
var elsewhere = []ma.Multiaddr{
	ma.StringCast("/ip4/192.0.2.1/udp/9"), ma.StringCast("/ip6/2001:db8::1/udp/9"),
}

// OfflineText is Offline for a person, with the next step. It begins and ends no sentence.
const OfflineText = "this machine's own network seems to be down: no way leads out of it. Check its cable or Wi-Fi, and its router"

// Offline reports that this machine has no way to anybody, neither to the internet nor to an address of
// a hub or of a member that is kept connected: its own network is down. It sends nothing. In a simulated
// network, whose routes the system does not know, it is false.
func (n *Node) Offline() bool {
	if n.host == nil || len(n.cfg.HostOptions) > 0 || len(n.sessions.greeted()) > 0 {
		return false
	}
	var addrs []ma.Multiaddr
	for _, hub := range n.cfg.hubs {
		addrs = append(addrs, hub.Addrs...)
	}
	for _, p := range n.reconnector.kept() {
		addrs = append(addrs, n.addresses.toldBy(p)...)
	}
	return offline(addrs, hasRoute)
}

// offline is Offline for a node that knows addrs; route says whether the machine has a way to an address.
func offline(addrs []ma.Multiaddr, route func(netip.Addr) bool) bool {
	return !slices.ContainsFunc(append(addrs, elsewhere...), func(a ma.Multiaddr) bool {
		ip := ipOf(a)
		return ip.IsValid() && route(ip)
	})
}

func addrsOf(infos []peer.AddrInfo) []ma.Multiaddr {
	var addrs []ma.Multiaddr
	for _, info := range infos {
		addrs = append(addrs, info.Addrs...)
	}
	return addrs
}

// hasRoute asks the system for a route: to connect a UDP socket sends nothing.
func hasRoute(ip netip.Addr) bool {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, 9)))
	if err != nil {
		return kindOf(true, err) != ObstacleNoWay
	}
	return c.Close() == nil
}
