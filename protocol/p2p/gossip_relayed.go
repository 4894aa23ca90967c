package p2p

import (
	"context"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/souk-market/souk/exchange"
)

// Gossip through relays. A relay that bounds a circuit's bytes makes connections that libp2p calls
// limited, and pubsub passes over peers with no other connection: relays of the public network let
// 128 KiB through. Ours let relayData through, and gossip is the smallest part of what partners move.
//
// It goes through a relay between partners only (SetWanted). Members that the DHT alone brought
// together are of no use to each other as neighbours, and each would get every message from several of
// them: with 20 retailers that reach their supplier and each other through one relay, a change of a stock
// cost the relay 272 KB, and 48 KB without.

// gossipHost is the host that gossip is given. It shows a limited connection to a wanted member as any
// other connection. The alternative, relays without libp2p's limit, would leave nothing that bounds a
// circuit, and would need all relays to be of this version.
type gossipHost struct {
	guardedHost
	topics *topics
}

func (g gossipHost) NewStream(ctx context.Context, p peer.ID, _ ...protocol.ID) (network.Stream, error) {
	return g.topics.outbound(ctx, p)
}

func (g gossipHost) Network() network.Network { return gossipNetwork{g.Host.Network(), g.topics} }

type gossipNetwork struct {
	network.Network
	topics *topics
}

// Connectedness is what pubsub asks before it opens a stream to a peer, and after a stream has ended.
func (n gossipNetwork) Connectedness(p peer.ID) network.Connectedness {
	return n.topics.connectedness(p)
}

func (t *topics) connectedness(p peer.ID) network.Connectedness {
	c := t.host.Network().Connectedness(p)
	if c == network.Limited && t.wanted(p) {
		return network.Connected
	}
	return c
}

// meet has gossip look again at wanted members that are connected and have no stream of gossip. pubsub
// looks at a peer when the peer was identified, which for a limited connection may be before the member
// was wanted, and gives a peer up whose streams ended five times in ten minutes.
func (t *topics) meet(shops []exchange.ShopID) {
	if t.gossip == nil {
		return
	}
	for _, shop := range shops {
		p := peerOf(shop)
		if g, ok := t.open.Load(p); ok && g.(*gossipStream).ctx.Err() == nil || t.connectedness(p) != network.Connected {
			continue
		}
		if known, err := t.host.Peerstore().SupportsProtocols(p, t.protocol()); err != nil || len(known) == 0 {
			continue // not identified yet
		}
		if err := t.look.Emit(event.EvtPeerProtocolsUpdated{Peer: p, Added: []protocol.ID{t.protocol()}}); err != nil {
			t.log.Debug("gossip with a member", "shop", shop, "err", err)
		}
	}
}
