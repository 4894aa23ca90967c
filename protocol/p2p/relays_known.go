package p2p

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// knownAge bounds the age of relays.knows.
const knownAge = 10 * time.Second

// candidates are members that may relay, in the order in which this node asks them: those that hold a
// reservation of it, and then by rank.
func (r *relays) candidates() []peer.ID {
	list := r.known(r.host.ID())
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	list = slices.DeleteFunc(list, func(p peer.ID) bool { return !r.rest[p].over(now) })
	slices.SortStableFunc(list, func(a, b peer.ID) int {
		return cmp.Compare(boolInt(r.held[b] != nil), boolInt(r.held[a] != nil))
	})
	return list
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// known are the members that may relay for p, best first: those whose hello says so, and those whose
// address record has a public address of their own.
func (r *relays) known(p peer.ID) []peer.ID {
	list := slices.DeleteFunc(slices.Clone(r.mayRelay()), func(other peer.ID) bool { return other == p })
	return ranked(p, list)
}

// mayRelay are all members that may relay, in no order. The list is up to knownAge old: it is asked for
// on every dial, and is made of every member that was ever met.
func (r *relays) mayRelay() []peer.ID {
	r.mu.Lock()
	list, made := r.knows, r.knewAt
	r.mu.Unlock()
	if !made.IsZero() && time.Since(made) < knownAge {
		return list
	}
	says := map[peer.ID]bool{}
	for _, ses := range r.sessions.greeted() {
		if !r.gate.hubs[ses.peer] {
			says[ses.peer] = r.sessions.relays(ses)
		}
	}
	for _, other := range r.host.Peerstore().PeersWithAddrs() {
		if _, met := says[other]; met || other == r.host.ID() || r.gate.hubs[other] || !r.gate.admits(other) {
			continue
		}
		says[other] = slices.ContainsFunc(r.addresses.toldBy(other), func(a ma.Multiaddr) bool {
			return !isCircuit(a) && manet.IsPublicAddr(a)
		})
	}
	list = nil
	for other, relays := range says {
		if relays {
			list = append(list, other)
		}
	}
	r.mu.Lock()
	r.knows, r.knewAt = list, time.Now()
	r.mu.Unlock()
	return list
}

// ranked sorts relays by their rank for p, a hash of both (rendezvous hashing): all members rank the
// relays of p alike, so that they look for p where p reserves, and the shops of a federation spread over
// its relays.
func ranked(p peer.ID, list []peer.ID) []peer.ID {
	rank := make(map[peer.ID][sha256.Size]byte, len(list))
	for _, relay := range list {
		rank[relay] = sha256.Sum256([]byte(string(p) + string(relay)))
	}
	slices.SortFunc(list, func(a, b peer.ID) int {
		x, y := rank[a], rank[b]
		return slices.Compare(x[:], y[:])
	})
	return list
}

// to are the relays by which p may be reached: every hub that is connected, of the relaying members that
// are the first relayAsks of p's ranking, and the first relayTries of all that may relay. libp2p asks one
// after the other.
func (r *relays) to(p peer.ID) []peer.ID {
	var list, members []peer.ID
	for _, ses := range r.sessions.greeted() {
		switch {
		case ses.peer == p:
		case r.gate.hubs[ses.peer]:
			list = append(list, ses.peer)
		case r.sessions.relays(ses):
			members = append(members, ses.peer)
		}
	}
	members = ranked(p, members)
	list = append(list, members[:min(len(members), relayAsks)]...)
	known := r.known(p)
	for _, relay := range known[:min(len(known), relayTries)] {
		if !slices.Contains(list, relay) {
			list = append(list, relay)
		}
	}
	return list
}
