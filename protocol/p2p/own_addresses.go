package p2p

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/souk-market/souk/exchange"
)

// AddressProof is what a dial from outside found at one of the own addresses.
type AddressProof struct {
	Address string
	Reached bool
	Why     string          // of one not reached, by whoever dialed
	By      exchange.ShopID // who dialed: a hub, or a member that is reached directly itself
	At      time.Time
}

// Addresses are the multiaddrs that others may dial, each ending in /p2p/<own peer ID>; none before
// Start.
func (n *Node) Addresses() []string {
	if n.host == nil {
		return nil
	}
	addrs, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: n.host.ID(), Addrs: n.host.Addrs()})
	if err != nil {
		return nil
	}
	return addrStrings(addrs)
}

func addrStrings(addrs []ma.Multiaddr) []string {
	list := make([]string, len(addrs))
	for i, a := range addrs {
		list[i] = a.String()
	}
	return list
}

// factory is libp2p's AddrsFactory: it chooses what identify, the DHT and the host tell.
func (a *addresses) factory(found []ma.Multiaddr) []ma.Multiaddr {
	a.own.Lock()
	defer a.own.Unlock()
	a.found = slices.Clone(found)
	return a.ways().told()
}

// ways is called with own held.
func (a *addresses) ways() ways {
	return ways{announced: a.cfg.announce, own: a.mine(), proven: a.reached(), relayed: a.relayed, faults: a.faults, hub: a.cfg.Hub, refuted: func(addr ma.Multiaddr) bool {
		p, tried := a.proofs[addr.String()]
		return tried && !p.Reached
	}}
}

// mine are the own addresses: what libp2p found, without the addresses that the machine has lost since,
// and with those that it has gained. libp2p keeps a list of interfaces for a minute. mine is called with
// own held.
func (a *addresses) mine() []ma.Multiaddr {
	if a.machine == nil {
		return a.found
	}
	var mine []ma.Multiaddr
	for _, addr := range a.found {
		if !a.lost[ipOf(addr)] {
			mine = append(mine, addr)
		}
	}
	ips := slices.SortedFunc(maps.Keys(a.machine), netip.Addr.Compare)
	for _, listen := range a.cfg.listen {
		first, rest := ma.SplitFirst(listen)
		if first == nil || !manet.IsIPUnspecified(listen) || len(rest) == 0 || hasPortZero(rest) {
			continue
		}
		for _, ip := range ips {
			if addr, err := manet.FromIP(ip.AsSlice()); err == nil && addr[0].Protocol().Code == first.Protocol().Code {
				mine = append(mine, addr.Encapsulate(rest))
			}
		}
	}
	return unique(mine)
}

// ipOf is the IP address that an address begins with; zero where it has none.
func ipOf(a ma.Multiaddr) netip.Addr {
	ip, err := manet.ToIP(a)
	if err != nil {
		return netip.Addr{}
	}
	addr, _ := netip.AddrFromSlice(ip)
	return addr.Unmap()
}

// all are the own addresses, told or not.
func (a *addresses) all() []ma.Multiaddr {
	a.own.Lock()
	defer a.own.Unlock()
	return a.mine()
}

// hasPortZero reports an address whose port the system has chosen since: libp2p knows which.
func hasPortZero(a ma.Multiaddr) bool {
	return slices.ContainsFunc(a, func(c ma.Component) bool {
		return (c.Protocol().Code == ma.P_TCP || c.Protocol().Code == ma.P_UDP) && c.Value() == "0"
	})
}

// setMachine takes the addresses that the machine has now.
func (a *addresses) setMachine(now map[netip.Addr]bool) {
	a.own.Lock()
	for ip := range a.machine {
		a.lost[ip] = true
	}
	for ip := range now {
		delete(a.lost, ip)
	}
	for addr, p := range a.proofs { // what was proven of an address that the machine has no longer
		if at, err := ma.NewMultiaddr(p.Address); err == nil && a.lost[ipOf(at)] {
			delete(a.proofs, addr)
		}
	}
	moved := a.machine != nil && !maps.Equal(a.machine, now)
	a.machine = now
	a.own.Unlock()
	if moved {
		a.refresh()
	}
}

// wasReached reports whether a dial from outside has come in at any address.
func (a *addresses) wasReached() bool {
	a.own.Lock()
	defer a.own.Unlock()
	return len(a.reached()) > 0
}

// reached are the addresses at which the latest dial from outside came in, in a fixed order. It is called
// with own held.
func (a *addresses) reached() []ma.Multiaddr {
	var list []ma.Multiaddr
	for _, p := range a.proofs {
		if addr, err := ma.NewMultiaddr(p.Address); p.Reached && err == nil {
			list = append(list, addr)
		}
	}
	slices.SortFunc(list, ma.Multiaddr.Compare)
	return list
}

// near are the addresses to be told in a hello on c. They may help a member that is met through a relay:
// it may sit behind the same router. One that is met in a private network is in it.
func (a *addresses) near(c network.Conn) []ma.Multiaddr {
	if isDirect(c) && !manet.IsPrivateAddr(c.RemoteMultiaddr()) {
		return nil
	}
	a.own.Lock()
	defer a.own.Unlock()
	return a.ways().near()
}

// sees notes where a member says that it sees this node, on a connection that is direct.
func (a *addresses) sees(by peer.ID, addr ma.Multiaddr) {
	if addr == nil || isCircuit(addr) || !manet.IsPublicAddr(addr) {
		return
	}
	a.own.Lock()
	defer a.own.Unlock()
	a.seen[by] = addr
}

// unsee forgets what a member that disconnected saw.
func (a *addresses) unsee(by peer.ID) {
	a.own.Lock()
	defer a.own.Unlock()
	delete(a.seen, by)
}

// candidates are addresses to be tried from outside.
func (a *addresses) candidates() []ma.Multiaddr {
	a.own.Lock()
	defer a.own.Unlock()
	return a.ways().candidates(a.seenAll())
}

// seenAll are the addresses from which others see this node come, those that more see first. While a hub
// says what it sees, fewer than seenVotes members are not heard: one alone could have the hub dial, and
// partners send to, whomever it likes, and leave no room for what is true. It is called with own held.
func (a *addresses) seenAll() []ma.Multiaddr {
	votes := map[string]int{}
	hub := false
	for by, s := range a.seen {
		votes[s.String()]++
		if a.gate.hubs[by] {
			hub = true
			votes[s.String()] += maxConns
		}
	}
	list := unique(slices.SortedFunc(maps.Values(a.seen), ma.Multiaddr.Compare))
	if hub {
		list = slices.DeleteFunc(list, func(s ma.Multiaddr) bool { return votes[s.String()] < seenVotes })
	}
	slices.SortStableFunc(list, func(x, y ma.Multiaddr) int { return votes[y.String()] - votes[x.String()] })
	return list
}

// punch are the public addresses at which a hole punched through the own router may open: those that
// others see, the own ports there, which many routers keep, and those of the machine. Where others see a
// connection by TCP alone, the port kept is all that is known of QUIC's, and holes open by QUIC.
func (a *addresses) punch() []ma.Multiaddr {
	a.own.Lock()
	defer a.own.Unlock()
	seen := a.seenAll()
	return slices.DeleteFunc(unique(append(slices.Clone(seen), a.ways().candidates(seen)...)), func(addr ma.Multiaddr) bool { return !manet.IsPublicAddr(addr) })
}

// prove takes the result of a dial from outside, and reports whether what is told may have changed.
func (a *addresses) prove(p AddressProof) (changed bool) {
	a.own.Lock()
	defer a.own.Unlock()
	old, tried := a.proofs[p.Address]
	a.proofs[p.Address] = p
	return !tried || old.Reached != p.Reached
}

// keepProofs forgets the proofs of addresses that are no candidates any more.
func (a *addresses) keepProofs(candidates []ma.Multiaddr) {
	a.own.Lock()
	defer a.own.Unlock()
	for addr := range a.proofs {
		if !slices.ContainsFunc(candidates, func(c ma.Multiaddr) bool { return c.String() == addr }) {
			delete(a.proofs, addr)
		}
	}
}

// proven are the results of the latest dials from outside, by address.
func (a *addresses) proven() []AddressProof {
	a.own.Lock()
	defer a.own.Unlock()
	return slices.SortedFunc(maps.Values(a.proofs), func(x, y AddressProof) int { return strings.Compare(x.Address, y.Address) })
}

// public reports whether members are sure to reach this node without relays: a hub has, at an address that
// the owner announces or that the machine has itself. A forwarded port may close. A router may let in
// whoever comes from an address to which this node has sent, as the hub's and those of members are. And
// a member's word is not enough to give up all ways but one.
func (a *addresses) public() bool {
	a.own.Lock()
	defer a.own.Unlock()
	sure := slices.Concat(a.cfg.announce, slices.DeleteFunc(slices.Clone(a.mine()), a.elsewhere))
	for _, p := range a.proofs {
		if p.Reached && a.gate.hubs[peerOf(p.By)] && slices.ContainsFunc(sure, func(s ma.Multiaddr) bool { return s.String() == p.Address }) {
			return true
		}
	}
	return false
}

// elsewhere reports an address that libp2p has found and that is not the machine's: its router's. It is
// called with own held.
func (a *addresses) elsewhere(addr ma.Multiaddr) bool {
	if a.machine == nil {
		return false
	}
	raw, err := manet.ToIP(addr)
	if err != nil {
		return true
	}
	ip, _ := netip.AddrFromSlice(raw)
	return !a.machine[ip.Unmap()]
}

// JudgeAnnounced takes what CheckAnnounced has found of the announced addresses: on it depends who is told
// of each. Until then names count as public.
func (n *Node) JudgeAnnounced(checks []AnnounceCheck) {
	faults := map[string]AnnounceCheck{}
	for _, c := range checks {
		if addr, err := ma.NewMultiaddr(c.Address); err == nil && c.Fault != 0 {
			faults[addr.String()] = c
		}
	}
	a := n.addresses
	a.own.Lock()
	before := a.ways().told()
	a.faults = faults
	same := slices.EqualFunc(before, a.ways().told(), ma.Multiaddr.Equal)
	a.own.Unlock()
	if !same && n.host != nil {
		a.refresh()
	}
}

// setRelayed replaces the ways through relays.
func (a *addresses) setRelayed(relayed []ma.Multiaddr) {
	a.own.Lock()
	same := slices.EqualFunc(a.relayed, relayed, ma.Multiaddr.Equal)
	a.relayed = relayed
	a.own.Unlock()
	if !same {
		a.refresh()
	}
}

// refresh makes libp2p ask factory again, now rather than within seconds. The event is the one that
// libp2p's own AutoRelay sends; its list stays empty, because factory has the ways through relays.
func (a *addresses) refresh() {
	if err := a.emitter.Emit(event.EvtAutoRelayAddrsUpdated{}); err != nil {
		a.log.Debug("own addresses are told later", "err", err)
	}
}

// SignedAddresses is the node's current signed peer record (libp2p RFC 0003), which other members
// pass to LearnAddresses; empty while there is none.
func (n *Node) SignedAddresses() []byte { return n.addresses.signed() }

// signed makes a record of its own, and does not wait until libp2p has made one. Both are numbered by
// the time at which they are made.
func (a *addresses) signed() []byte {
	a.own.Lock()
	defer a.own.Unlock()
	told := a.ways().told()
	if a.sealed != nil && slices.EqualFunc(told, a.sealOf, ma.Multiaddr.Equal) {
		return a.sealed
	}
	rec := peer.PeerRecordFromAddrInfo(peer.AddrInfo{ID: a.host.ID(), Addrs: told})
	b, err := sealRecord(rec, a.host.Peerstore().PrivKey(a.host.ID()))
	if err != nil {
		a.log.Error("own address record", "err", err)
		return nil
	}
	a.sealed, a.sealOf = b, told
	return b
}

func sealRecord(rec *peer.PeerRecord, key crypto.PrivKey) ([]byte, error) {
	env, err := record.Seal(rec, key)
	if err != nil {
		return nil, err
	}
	return env.Marshal()
}

// recall takes what keepProven has kept, unless it is older than provenLasts or of an address that the
// machine had, and has no longer: then a dial from outside has to tell.
func (a *addresses) recall(b []byte) {
	kept, err := parseOwnEntry(b)
	if err != nil || time.Since(kept.at) > provenLasts {
		return
	}
	a.own.Lock()
	defer a.own.Unlock()
	for _, at := range kept.proven {
		a.proofs[at.String()] = AddressProof{Address: at.String(), Reached: true, By: kept.by, At: kept.at}
	}
}
