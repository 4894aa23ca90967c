package p2p

import (
	"slices"
	"time"

	"github.com/souk-market/souk/exchange"
)

// Reach is how members reach this node, as far as it knows.
type Reach struct {
	Told   []string       // the addresses told to every member, best first
	Proofs []AddressProof // what the latest dials from outside found
	Relays []RelayWay     // at which this node has a reservation, hubs first
	Use    RelayUse       // what it relays for others
	// Earlier are connected hubs of the version before the reach protocol: they neither tell where they
	// see this node, nor dial it back, nor say who is online.
	Earlier []exchange.ShopID
}

// RelayWay is a relay that takes calls for this node.
type RelayWay struct {
	Shop  exchange.ShopID // of a hub or a member
	Hub   bool
	Since time.Time
	Until time.Time // it is renewed before
}

// Proven are the addresses at which a dial from outside reached this node.
func (r Reach) Proven() []AddressProof {
	return slices.DeleteFunc(slices.Clone(r.Proofs), func(p AddressProof) bool { return !p.Reached })
}

// Reach tells how members reach this node. Before Start nobody does.
func (n *Node) Reach() Reach {
	if n.host == nil {
		return Reach{}
	}
	return Reach{
		Told: addrStrings(n.addresses.told()), Proofs: n.addresses.proven(), Relays: n.relays.list(), Use: n.service.relaying(),
		Earlier: n.sessions.earlierHubs(),
	}
}
