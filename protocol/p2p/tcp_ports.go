package p2p

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"

	"github.com/libp2p/go-libp2p/p2p/transport/tcpreuse"
	"github.com/libp2p/go-reuseport"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// tcpPorts are the sockets at which one host listens by TCP, and its dialer. Dials leave by the ports
// at which the host listens, as with libp2p's own transport: then others see the address under which
// a NAT may let them in.
type tcpPorts struct {
	mu   sync.Mutex
	open []*tcpListener // guarded by mu

	sockets tcpSockets
}

// tcpListener is one listening socket of tcpPorts.
type tcpListener struct {
	net.Listener
	addr  ma.Multiaddr
	ports *tcpPorts
}

var _ manet.Listener = (*tcpListener)(nil)

func (p *tcpPorts) listen(at ma.Multiaddr) (*tcpListener, error) {
	network, address, err := manet.DialArgs(at)
	if err != nil {
		return nil, err
	}
	reuse := tcpreuse.ReuseportIsAvailable()
	l, err := listenTCP(network, address, reuse)
	if err != nil && reuse {
		reuse = false
		l, err = listenTCP(network, address, false)
	}
	if err != nil {
		return nil, err
	}
	addr, err := manet.FromNetAddr(l.Addr())
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	own := &tcpListener{Listener: l, addr: addr, ports: p}
	if reuse {
		p.mu.Lock()
		p.open = append(p.open, own)
		p.mu.Unlock()
	}
	return own, nil
}

func (l *tcpListener) Accept() (manet.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tuneTCP(c)
	l.ports.sockets.keep(c)
	return manet.WrapNetConn(c)
}

func (l *tcpListener) Multiaddr() ma.Multiaddr { return l.addr }

func (l *tcpListener) Close() error {
	l.ports.mu.Lock()
	l.ports.open = slices.DeleteFunc(l.ports.open, func(o *tcpListener) bool { return o == l })
	l.ports.mu.Unlock()
	return l.Listener.Close()
}

// listenTCP opens a socket whose connections have clamped segments. With reuse, dials may leave by its
// port.
func listenTCP(network, address string, reuse bool) (net.Listener, error) {
	c := net.ListenConfig{Control: socketControl(reuse)}
	c.SetMultipathTCP(false) // no shop dials by it, and Linux before 6.17 clamps no segments of it
	return c.Listen(context.Background(), network, address)
}

// DialContext dials from a port of p where one fits, and else, or where that port is in use for the
// same partner already, from one that the system chooses.
func (p *tcpPorts) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if from := p.from(network, address); from != nil {
		c, err := dialTCP(ctx, network, from, address)
		if err == nil || ctx.Err() != nil || !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, syscall.EADDRNOTAVAIL) {
			return p.kept(c, err)
		}
	}
	return p.kept(dialTCP(ctx, network, nil, address))
}

func (p *tcpPorts) kept(c net.Conn, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	p.sockets.keep(c)
	return c, nil
}

func dialTCP(ctx context.Context, network string, from net.Addr, address string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: from, Control: socketControl(from != nil)}
	c, err := d.DialContext(ctx, network, address)
	if c, ok := c.(*net.TCPConn); ok {
		clampConn(c)
	}
	return c, err
}

// from is the listening address to dial out from: that which the system would choose, else one of the
// loopback for the loopback, else one of all addresses; nil where there is none.
func (p *tcpPorts) from(network, address string) net.Addr {
	p.mu.Lock()
	open := slices.Clone(p.open)
	p.mu.Unlock()
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil
	}
	var source, all net.Addr
	for _, l := range open {
		at := l.Addr().(*net.TCPAddr).AddrPort()
		ip := at.Addr().Unmap()
		switch {
		case ip.Is4() != to.Addr().Unmap().Is4():
		case ip.IsUnspecified():
			all = l.Addr()
		case ip.IsLoopback() && to.Addr().IsLoopback():
			source = l.Addr()
		case !ip.IsLoopback() && ip == sourceFor(to):
			return l.Addr()
		}
	}
	if source != nil {
		return source
	}
	return all
}

// sourceFor is the address of this machine that the system sends to another from. It sends nothing.
func sourceFor(to netip.AddrPort) netip.Addr {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return netip.Addr{}
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}

// socketControl prepares a socket before it is bound or connected.
func socketControl(reuse bool) func(network, address string, c syscall.RawConn) error {
	return func(network, address string, c syscall.RawConn) error {
		if at, err := netip.ParseAddrPort(address); err == nil && !at.Addr().IsLoopback() {
			clampSegments(c)
		}
		if reuse {
			return reuseport.Control(network, address, c)
		}
		return nil
	}
}

// clampConn is clampSegments for a connection.
func clampConn(c *net.TCPConn) {
	if at, ok := c.RemoteAddr().(*net.TCPAddr); !ok || at.IP.IsLoopback() {
		return
	}
	if raw, err := c.SyscallConn(); err == nil {
		clampSegments(raw)
	}
}
