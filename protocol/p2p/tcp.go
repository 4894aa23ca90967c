package p2p

import (
	"net"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// tcpTransport is libp2p's TCP transport over sockets of this package: it also listens at a
// SharedPort, and its segments pass where packets are small (clampSegments). libp2p makes its sockets
// itself and has no hook for that.
type tcpTransport struct {
	*tcp.TcpTransport
	upgrader transport.Upgrader
	ports    *tcpPorts
	shared   *SharedPort // nil = none
	side     side        // of shared
}

// tcpOption gives a host TCP, and the muxer of all transports that have none; shared may be nil.
func tcpOption(shared *SharedPort, s side) libp2p.Option {
	ports := new(tcpPorts)
	muxer := libp2p.Muxer(yamux.ID, hearingMuxer{yamux.DefaultTransport, &ports.sockets})
	return libp2p.ChainOptions(muxer, libp2p.Transport(func(up transport.Upgrader, resources network.ResourceManager) (*tcpTransport, error) {
		t, err := tcp.NewTCPTransport(up, resources, nil,
			tcp.WithDialerForAddr(func(ma.Multiaddr) (tcp.ContextDialer, error) { return ports, nil }))
		if err != nil {
			return nil, err
		}
		return &tcpTransport{TcpTransport: t, upgrader: up, ports: ports, shared: shared, side: s}, nil
	}))
}

// Listen listens at the shared port where at is an address of it, and else at a socket of the host's own.
func (t *tcpTransport) Listen(at ma.Multiaddr) (transport.Listener, error) {
	var l manet.Listener
	if lane := t.shared.lane(t.side, at); lane != nil {
		l = lane
	} else {
		own, err := t.ports.listen(at)
		if err != nil {
			return nil, err
		}
		l = own
	}
	return t.upgrader.UpgradeGatedMaListener(t, t.upgrader.GateMaListener(l)), nil
}

// tuneTCP sets on an accepted connection what libp2p's TCP transport sets: a close frees the
// connection at once, and the system looks from time to time whether the other side is there.
func tuneTCP(c net.Conn) {
	if c, ok := c.(*net.TCPConn); ok {
		_ = c.SetLinger(0)
		_ = c.SetKeepAlivePeriod(tcpKeepAlive)
		clampConn(c)
	}
}

const tcpKeepAlive = 30 * time.Second
