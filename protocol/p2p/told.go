package p2p

import (
	"slices"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// ways are the addresses from which a node chooses those that it tells.
type ways struct {
	announced []ma.Multiaddr // by the owner's word
	own       []ma.Multiaddr // of the machine's interfaces, of port mappings, and as others see them
	proven    []ma.Multiaddr // at which a dial from outside came in, as through a forwarded port
	relayed   []ma.Multiaddr // through relays at which this node has a reservation
	refuted   func(ma.Multiaddr) bool
}

// told are the addresses that every member may be told, best first. The owner's word replaces the own
// addresses and those that a dial from outside has proven; ways through relays are always told besides, because a forwarded port may close. A public
// address of the own that a dial from outside did not reach is left out. So are addresses of private
// networks and of the machine itself where others reach the node without them: they help nobody
// elsewhere, and cost whoever dials them. In a federation within one network they are all there is.
func (w ways) told() []ma.Multiaddr {
	direct := w.announced
	if len(direct) == 0 {
		direct = slices.Clone(w.proven)
		for _, a := range w.own {
			if isCircuit(a) || manet.IsPublicAddr(a) && w.refuted(a) {
				continue
			}
			direct = append(direct, a)
		}
	}
	wide := slices.ContainsFunc(direct, manet.IsPublicAddr) || slices.ContainsFunc(w.relayed, manet.IsPublicAddr)
	near := slices.ContainsFunc(direct, func(a ma.Multiaddr) bool { return !manet.IsIPLoopback(a) })
	var told []ma.Multiaddr
	for _, a := range direct {
		switch {
		case len(w.announced) > 0, manet.IsPublicAddr(a), !wide && !(near && manet.IsIPLoopback(a)):
			told = append(told, a)
		}
	}
	told, relayed := unique(told), unique(w.relayed) // many of the one leave room for the other
	relayed = relayed[:min(len(relayed), MaxAddresses/2)]
	return append(told[:min(len(told), MaxAddresses-len(relayed))], relayed...)
}

// near are the own addresses in private networks, for members that may be in one of them.
func (w ways) near() []ma.Multiaddr {
	var near []ma.Multiaddr
	for _, a := range w.own {
		if manet.IsPrivateAddr(a) && !manet.IsIPLoopback(a) && !isCircuit(a) && len(near) < maxNear {
			near = append(near, a)
		}
	}
	return near
}

// candidates are addresses at which the node may be reached from outside: what the owner announces,
// what was reached before, what the machine has, and the ports it listens on at the public addresses from which others see it
// come: a router may forward them. At most maxProbeAddrs.
func (w ways) candidates(seen []ma.Multiaddr) []ma.Multiaddr {
	list := append(slices.Clone(w.announced), w.proven...)
	for _, a := range w.own {
		if manet.IsPublicAddr(a) && !isCircuit(a) {
			list = append(list, a)
		}
	}
	for _, s := range seen {
		list = append(list, s)
		ip, _ := ma.SplitFirst(s)
		for _, a := range w.own {
			first, rest := ma.SplitFirst(a)
			if first != nil && ip != nil && first.Protocol().Code == ip.Protocol().Code && !manet.IsIPLoopback(a) && !isCircuit(a) {
				list = append(list, ip.Multiaddr().Encapsulate(rest))
			}
		}
	}
	list = unique(list)
	return list[:min(len(list), maxProbeAddrs)]
}

func isCircuit(a ma.Multiaddr) bool {
	_, err := a.ValueForProtocol(ma.P_CIRCUIT)
	return err == nil
}

// unique is list without repetitions, in its order.
func unique(list []ma.Multiaddr) []ma.Multiaddr {
	var once []ma.Multiaddr
	for _, a := range list {
		if !slices.ContainsFunc(once, a.Equal) {
			once = append(once, a)
		}
	}
	return once
}
