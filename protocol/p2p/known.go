package p2p

import (
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/souk-market/souk/exchange"
)

// KnownWays are the ways to a member that this node knows, none of them tried.
type KnownWays struct {
	Public []string          // addresses of its own that everybody may dial
	Near   []string          // addresses of its own in private networks, or on its machine
	Relays []exchange.ShopID // through which it was reached when it last told: hubs and members, without repetition
	Others []exchange.ShopID // further members that may relay, best first
}

// KnownWays returns the ways to a member that this node knows; none before Start. It asks nobody.
func (n *Node) KnownWays(shop exchange.ShopID) KnownWays {
	var k KnownWays
	if n.host == nil {
		return k
	}
	relays := map[exchange.ShopID]bool{}
	for _, a := range n.addresses.toldBy(peerOf(shop)) {
		switch relay := relayOf(a); {
		case !relay.IsZero() && !relays[relay] && relay != n.cfg.self:
			relays[relay] = true
			k.Relays = append(k.Relays, relay)
		case isCircuit(a):
		case manet.IsPublicAddr(a):
			k.Public = append(k.Public, a.String())
		default:
			k.Near = append(k.Near, a.String())
		}
	}
	for _, p := range n.relays.known(peerOf(shop)) {
		if other, ok := shopOf(p); ok && !relays[other] {
			k.Others = append(k.Others, other)
		}
	}
	return k
}

// RelayOf is whose relay an address leads through; zero where it leads through none.
func RelayOf(address string) exchange.ShopID {
	a, err := ma.NewMultiaddr(address)
	if err != nil {
		return exchange.ShopID{}
	}
	return relayOf(a)
}

func relayOf(a ma.Multiaddr) (relay exchange.ShopID) {
	before, after := ma.SplitFunc(a, func(c ma.Component) bool { return c.Protocol().Code == ma.P_CIRCUIT })
	if after == nil {
		return relay
	}
	if id, err := before.ValueForProtocol(ma.P_P2P); err == nil {
		relay, _ = exchange.ParseShopID(id)
	}
	return relay
}

// Carries says from where an address is reached, by its form alone.
type Carries int

// The answers, best first.
const (
	CarriesEverywhere Carries = iota // a public address or a name
	CarriesNetwork                   // within one network
	CarriesMachine                   // the loopback
)

// HowFar returns from where an address is reached; of a way through a relay, from where the relay is.
// A text that is no address carries no further than the machine.
func HowFar(address string) Carries {
	a, err := ma.NewMultiaddr(address)
	switch {
	case err != nil, len(a) == 0, manet.IsIPLoopback(a):
		return CarriesMachine
	case manet.IsPublicAddr(a):
		return CarriesEverywhere
	}
	return CarriesNetwork
}

// Port is the port of an address and its transport, "TCP" or "UDP"; both are empty where it has none.
func Port(address string) (port, transport string) {
	a, err := ma.NewMultiaddr(address)
	if err != nil {
		return "", ""
	}
	if v, err := a.ValueForProtocol(ma.P_TCP); err == nil {
		return v, "TCP"
	}
	if v, err := a.ValueForProtocol(ma.P_UDP); err == nil {
		return v, "UDP"
	}
	return "", ""
}
