package p2p

import (
	"context"
	"crypto/x509"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
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

// SetTimeout replaces sharedTimeout on a port that does not listen yet.
func (p *SharedPort) SetTimeout(d time.Duration) { p.timeout = d }

// SharedWaiting is how many connections of a SharedPort wait for a host at once.
const SharedWaiting = sharedWaiting

// TrustForWeb makes hosts that are made later trust the certificates of a test's proxy.
func TrustForWeb(roots *x509.CertPool) { webRoots = roots }

// OccupyProbes takes all places for probes at a node until free is called.
func (n *Node) OccupyProbes() (free func()) {
	for range probesAtOnce {
		n.prober.slots <- struct{}{}
	}
	return func() {
		for range probesAtOnce {
			<-n.prober.slots
		}
	}
}

// SetRelayed makes a node have relayed so many bytes today.
func (n *Node) SetRelayed(bytes int64) {
	n.service.mu.Lock()
	defer n.service.mu.Unlock()
	n.service.turn()
	n.service.use.Bytes = bytes
}

// MemberData is how much may pass beyond the bytes of a day.
const MemberData = memberData

// Tell makes a node tell its addresses, as after a change of them.
func (n *Node) Tell() { n.tell.Set() }

// SetNames makes a node look names up with f, which returns an IP address, before it starts.
func (n *Node) SetNames(f func(name string) string) { n.dns.MultiaddrDNSResolver = namesBy(f) }

type namesBy func(string) string

func (f namesBy) ResolveDNSComponent(_ context.Context, a ma.Multiaddr, _ int) ([]ma.Multiaddr, error) {
	first, rest := ma.SplitFirst(a)
	return []ma.Multiaddr{ma.StringCast("/ip4/" + f(first.Value())).Encapsulate(rest)}, nil
}

func (f namesBy) ResolveDNSAddr(context.Context, peer.ID, ma.Multiaddr, int, int) ([]ma.Multiaddr, error) {
	return nil, errNoRecord
}
