package p2p

import (
	"net"
	"sync"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/quic-go/quic-go"
)

// heardOn counts what has come in on a connection so far, in no unit: only that it grows is of use. A
// connection that carries a large upload answers a ping late, behind all that waits to be sent, and is
// alive: what acknowledges the upload comes in all the time. Of a QUIC connection these are packets, of a
// TCP connection segments, where the system tells them, and bytes; of one through a relay or a WebSocket
// bytes alone.
func heardOn(c network.Conn) uint64 {
	var q *quic.Conn
	if c.As(&q) {
		return q.ConnectionStats().PacketsReceived
	}
	var e *ear
	if c.As(&e) {
		return e.count()
	}
	return 0
}

// ear is what heardOn needs of a connection that libp2p has upgraded.
type ear struct {
	bytes  atomic.Uint64
	socket *net.TCPConn // nil = not known
}

func (e *ear) count() uint64 {
	n := e.bytes.Load()
	if e.socket != nil {
		n += segmentsIn(e.socket)
	}
	return n
}

// hearingMuxer gives each connection an ear.
type hearingMuxer struct {
	network.Multiplexer
	sockets *tcpSockets
}

func (m hearingMuxer) NewConn(c net.Conn, server bool, scope network.PeerScope) (network.MuxedConn, error) {
	e := &ear{socket: m.sockets.find(c)}
	muxed, err := m.Multiplexer.NewConn(heardConn{c, e}, server, scope)
	if err != nil {
		return nil, err
	}
	return hearingConn{muxed, e}, nil
}

type heardConn struct {
	net.Conn
	ear *ear
}

func (c heardConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.ear.bytes.Add(uint64(n))
	return n, err
}

// hearingConn hands out its ear by As.
type hearingConn struct {
	network.MuxedConn
	ear *ear
}

func (c hearingConn) As(target any) bool {
	if e, ok := target.(**ear); ok {
		*e = c.ear
		return true
	}
	return c.MuxedConn.As(target)
}

// tcpSockets finds the socket below an encrypted connection, which libp2p hides, by its addresses.
type tcpSockets struct {
	mu   sync.Mutex
	open map[[2]string]*net.TCPConn // guarded by mu: local and remote address
}

// ends is the key of a connection; a zero one of what is no TCP connection, as through a relay.
func ends(c net.Conn) (key [2]string) {
	local, ok := c.LocalAddr().(*net.TCPAddr)
	remote, also := c.RemoteAddr().(*net.TCPAddr)
	if ok && also {
		key = [2]string{local.String(), remote.String()}
	}
	return key
}

// keep returns c, which is found until it is closed. What is no TCP connection is returned as it is.
func (s *tcpSockets) keep(c net.Conn) net.Conn {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[[2]string]*net.TCPConn{}
	}
	s.open[ends(tcp)] = tcp
	return keptConn{tcp, s}
}

func (s *tcpSockets) find(c net.Conn) *net.TCPConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[ends(c)]
}

type keptConn struct {
	*net.TCPConn
	sockets *tcpSockets
}

func (c keptConn) Close() error {
	at := ends(c.TCPConn)
	c.sockets.mu.Lock()
	if c.sockets.open[at] == c.TCPConn { // the addresses may be in use again
		delete(c.sockets.open, at)
	}
	c.sockets.mu.Unlock()
	return c.TCPConn.Close()
}
