package p2p

import (
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// webPort is the one port that most firewalls let out.
const webPort = "443"

// wall knows whether this node's network lets it out by TCP port 443 alone. It does where a hub took a
// connection there and at none of its other ports, and nobody has at another port since.
type wall struct {
	*base
	ports func(hub peer.ID) []ma.Multiaddr // the TCP addresses of a hub
	shut  atomic.Bool
}

// connected is told of each connection, and tries the other ports of a hub.
func (w *wall) connected(c network.Conn) {
	if c.Stat().Direction != network.DirOutbound || !isDirect(c) || !manet.IsPublicAddr(c.RemoteMultiaddr()) {
		return
	}
	if !byWeb(c.RemoteMultiaddr()) {
		w.shut.Store(false)
		return
	}
	var others []ma.Multiaddr
	if w.gate.hubs[c.RemotePeer()] {
		for _, a := range w.ports(c.RemotePeer()) {
			if !byWeb(a) {
				others = append(others, a)
			}
		}
	}
	if len(others) > 0 {
		w.shut.Store(!anyOpen(w.ctx, others))
	}
}

func byWeb(a ma.Multiaddr) bool {
	port, kind := Port(a.String())
	return port == webPort && kind == "TCP"
}

// OnlyWeb reports that this node's network seems to let it out by TCP port 443 alone.
func (n *Node) OnlyWeb() bool { return n.wall.shut.Load() }
