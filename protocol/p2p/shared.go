package p2p

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/souk-market/souk/exchange"
)

// SharedPort is one TCP port for both hosts of a hub. A shop that a firewall lets out by a single
// port, such as 443, can then join and trade. The first bytes of a connection say which host is
// meant, for they name the cipher suite that the client proposes: [Ask] proposes joinNoise, which
// leads to the open host, and all other connections are for the closed host. The port reads those
// bytes and passes the connection on with them. What a host allows of whom is then the host's
// decision, as on its own ports.
//
// The port is made by NewSharedPort, opened by Listen before the hosts that name it, and closed by
// Close after them. UDP has no part in it: two QUIC hosts cannot share a port.
type SharedPort struct {
	configured []ma.Multiaddr
	log        *slog.Logger
	timeout    time.Duration // sharedTimeout; tests have less
	room       waitingRoom

	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	sockets []*sharedSocket // of Listen
	web     *sharedWeb      // of Listen
	tasks   sync.WaitGroup  // accept loops, and the connections in the room
}

// side is one of the two hosts behind a SharedPort.
type side int

const (
	openSide side = iota
	closedSide
	sides
)

// NewSharedPort checks the addresses, TCP multiaddrs such as /ip4/0.0.0.0/tcp/443. It opens nothing.
// log may be nil.
func NewSharedPort(listen []string, log *slog.Logger) (*SharedPort, error) {
	addrs, err := parseAddrs(listen)
	if err != nil {
		return nil, err
	}
	for _, a := range addrs {
		if network, _, err := manet.DialArgs(a); err != nil || network != "tcp4" && network != "tcp6" || len(a) != 2 {
			return nil, exchange.Errorf(exchange.CodeInvalid, "hosts can share a TCP port, such as /ip4/0.0.0.0/tcp/443, and not %s", a)
		}
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	p := &SharedPort{configured: addrs, log: log, timeout: sharedTimeout}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p, nil
}

// Listen opens the port and begins to accept. A connection for a host that is not open yet waits for
// it, at most sharedTimeout. Listen fails with CodeUnavailable where an address is taken or not
// permitted, or where none can be opened; an address of a kind that the machine does not have, such
// as one of IPv6, is left out.
func (p *SharedPort) Listen() error {
	var failed error
	for _, a := range p.configured {
		network, at, err := manet.DialArgs(a)
		if err != nil {
			return exchange.Errorf(exchange.CodeInvalid, "%s: %w", a, err)
		}
		l, err := listenTCP(network, at, false)
		switch {
		case err == nil:
			p.sockets = append(p.sockets, newSharedSocket(p, l))
		case errors.Is(err, syscall.EADDRINUSE), errors.Is(err, fs.ErrPermission):
			return errors.Join(exchange.Errorf(exchange.CodeUnavailable, "the port for both hosts cannot be opened: %w", err), p.Close())
		default:
			p.log.Warn("shared port not opened at one address", "at", at, "err", err)
			failed = errors.Join(failed, err)
		}
	}
	if len(p.sockets) == 0 {
		return exchange.Errorf(exchange.CodeUnavailable, "the port for both hosts cannot be opened: %w", failed)
	}
	p.web = newSharedWeb(p)
	p.tasks.Go(func() { _ = p.web.server.Serve(p.web) })
	for _, s := range p.sockets {
		p.tasks.Go(s.accept)
	}
	return nil
}

// Close closes the port, and the connections that no host has taken yet. It may be called twice.
func (p *SharedPort) Close() error {
	p.cancel()
	var errs []error
	for _, s := range p.sockets {
		if err := s.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	p.room.close()
	if p.web != nil {
		_ = p.web.server.Close()
	}
	p.tasks.Wait()
	return errors.Join(errs...)
}

// Addresses are the multiaddrs at which the port listens; none before Listen.
func (p *SharedPort) Addresses() []string { return addrStrings(p.addrs()) }

// addrs is what a host behind the port listens at; p may be nil.
func (p *SharedPort) addrs() []ma.Multiaddr {
	if p == nil {
		return nil
	}
	addrs := make([]ma.Multiaddr, len(p.sockets))
	for i, s := range p.sockets {
		addrs[i] = s.addr
	}
	return addrs
}

// lane is the listener of one side at an address; nil where the port is not at that address.
func (p *SharedPort) lane(s side, at ma.Multiaddr) *lane {
	i := slices.IndexFunc(p.addrs(), at.Equal)
	if i < 0 {
		return nil
	}
	return p.sockets[i].lanes[s]
}

// sharedSocket is one listening socket of a SharedPort.
type sharedSocket struct {
	port     *SharedPort
	listener net.Listener
	addr     ma.Multiaddr
	lanes    [sides]*lane
}

func newSharedSocket(p *SharedPort, l net.Listener) *sharedSocket {
	addr, _ := manet.FromNetAddr(l.Addr()) // a TCP address always is a multiaddr
	s := &sharedSocket{port: p, listener: l, addr: addr}
	for i := range s.lanes {
		s.lanes[i] = &lane{socket: s, conns: make(chan manet.Conn), closed: make(chan struct{})}
	}
	return s
}

// accept takes connections until the port is closed. Where the system has no more file descriptors
// it waits for some to be returned.
func (s *sharedSocket) accept() {
	const longest = time.Second
	pause := 5 * time.Millisecond
	for {
		c, err := s.listener.Accept()
		if err == nil {
			pause = 5 * time.Millisecond
			s.port.tasks.Go(func() { s.route(c) })
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
		s.port.log.Warn("shared port: accept", "err", err, "again", pause)
		select {
		case <-time.After(pause):
			pause = min(2*pause, longest)
		case <-s.port.ctx.Done():
			return
		}
	}
}

// route reads how a connection begins, and gives it to the host that it is for.
func (s *sharedSocket) route(c net.Conn) {
	p := s.port
	w := p.room.enter(c)
	defer p.room.leave(w)
	ctx, cancel := context.WithTimeout(p.ctx, p.timeout)
	defer cancel()
	until, _ := ctx.Deadline()
	_ = c.SetReadDeadline(until)
	first, who := readOpening(c)
	var err error
	switch who {
	case forOpen:
		err = s.lanes[openSide].give(ctx, c, first)
	case forClosed:
		err = s.lanes[closedSide].give(ctx, c, first)
	case stranger:
		if looksLikeHTTP(first) {
			_ = c.SetReadDeadline(time.Time{})
			err = p.web.serve(ctx, s, c, first)
			break
		}
		_ = c.Close()
		err = errStranger
	default:
		_ = c.Close()
		err = errSilent
	}
	if err != nil {
		p.log.Debug("shared port: connection closed", "from", c.RemoteAddr(), "why", err)
	}
}

var (
	errStranger = errors.New("it began as no connection of Souk does")
	errSilent   = errors.New("it ended, or was silent, before it said which host it is for")
	errNoHost   = errors.New("the host it is for is not open")
)

// lane is what one host sees of a sharedSocket: a listener that returns the connections for it.
type lane struct {
	socket *sharedSocket
	conns  chan manet.Conn
	once   sync.Once
	closed chan struct{}
}

var _ manet.Listener = (*lane)(nil)

// give passes a connection to the host, and closes it where the host does not take it.
func (l *lane) give(ctx context.Context, c net.Conn, first []byte) error {
	_ = c.SetReadDeadline(time.Time{})
	conn, err := manet.WrapNetConn(c)
	if err == nil {
		tuneTCP(c)
		select {
		case l.conns <- &opened{Conn: conn, first: first}:
			return nil
		case <-l.closed:
		case <-ctx.Done():
		}
		err = errNoHost
	}
	_ = c.Close()
	return err
}

func (l *lane) Accept() (manet.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends the lane; the port and its other lanes go on.
func (l *lane) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *lane) Multiaddr() ma.Multiaddr { return l.socket.addr }
func (l *lane) Addr() net.Addr          { return l.socket.listener.Addr() }
