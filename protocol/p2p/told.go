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
	faults    map[string]AnnounceCheck // of announced, by address: what is known of their names
	hub       bool                     // the node is a hub, all of whose announced addresses its invites name
}

// told are the addresses that every member may be told, best first. The owner's word replaces the own
// addresses and those that a dial from outside has proven; ways through relays are always told besides, because a forwarded port may close. A public
// address of the own that a dial from outside did not reach is left out. So are addresses of private
// networks and of the machine itself where others reach the node without them: they help nobody
// elsewhere, and cost whoever dials them. In a federation within one network they are all there is. A name
// that is announced and has no address is left out until it has one.
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
	direct = slices.DeleteFunc(slices.Clone(direct), func(a ma.Multiaddr) bool { return w.faults[a.String()].Fault == AnnounceUnresolved })
	wide := slices.ContainsFunc(direct, w.public) || slices.ContainsFunc(w.relayed, manet.IsPublicAddr)
	near := slices.ContainsFunc(direct, func(a ma.Multiaddr) bool { return !manet.IsIPLoopback(a) })
	var told []ma.Multiaddr
	for _, a := range direct {
		switch {
		case w.hub, w.public(a), !wide && !(near && manet.IsIPLoopback(a)):
			told = append(told, a)
		}
	}
	told, relayed := unique(told), unique(w.relayed) // many of the one leave room for the other
	relayed = relayed[:min(len(relayed), MaxAddresses/2)]
	return append(told[:min(len(told), MaxAddresses-len(relayed))], relayed...)
}

// public reports that an address carries everywhere, or that it is a name of which nobody knows better.
func (w ways) public(a ma.Multiaddr) bool {
	switch w.faults[a.String()].Fault {
	case AnnounceLoopback, AnnouncePrivate, AnnounceUnroutable:
		return false
	}
	return manet.IsPublicAddr(a)
}

// near are the own and announced addresses in private networks, for members that may be in one of them;
// of an announced name, those that it stands for.
func (w ways) near() []ma.Multiaddr {
	var near []ma.Multiaddr
	for _, a := range slices.Concat(w.announced, w.own) {
		for _, a := range w.standsFor(a) {
			if manet.IsPrivateAddr(a) && !manet.IsIPLoopback(a) && !isCircuit(a) && len(near) < maxNear {
				near = append(near, a)
			}
		}
	}
	return unique(near)
}

// standsFor is an address, with the addresses of a private name instead of that.
func (w ways) standsFor(a ma.Multiaddr) []ma.Multiaddr {
	check := w.faults[a.String()]
	if check.Fault != AnnouncePrivate || check.Name == "" {
		return []ma.Multiaddr{a}
	}
	var list []ma.Multiaddr
	_, rest := ma.SplitFirst(a)
	for _, ip := range check.IPs {
		if host, err := manet.FromIP(ip.AsSlice()); err == nil {
			list = append(list, host.Encapsulate(rest))
		}
	}
	return list
}

// candidates are addresses at which the node may be reached from outside: what the owner announces,
// what was reached before, what the machine has, and the ports it listens on at the public addresses from which others see it
// come: a router may forward them. At most maxProbeAddrs.
func (w ways) candidates(seen []ma.Multiaddr) []ma.Multiaddr {
	list := append(slices.DeleteFunc(slices.Clone(w.announced), func(a ma.Multiaddr) bool { return !w.public(a) }), w.proven...)
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
