package p2p

import (
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"
)

// SetRequestRate replaces requestRate and requestBurst on a node that has not started.
func (n *Node) SetRequestRate(perSecond rate.Limit, burst int) {
	n.sessions.limiter = func() *rate.Limiter { return rate.NewLimiter(perSecond, burst) }
}

// Addresses are where joiners reach the host, each ending in /p2p/<its peer ID>.
func (o *OpenHost) Addresses() []string {
	addrs, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: o.host.ID(), Addrs: o.host.Addrs()})
	if err != nil {
		return nil
	}
	return addrStrings(addrs)
}
