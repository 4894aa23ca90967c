package p2p

import (
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/quic-go/quic-go"
)

// heardOn is a number that changes when the other side of a connection has got something of what was sent
// to it. A connection that carries a large upload answers a ping late, behind all that waits to be sent,
// and is alive: the upload is acknowledged all the time. What the other side sends is no such sign, where
// acknowledgements can be seen: its packets may arrive while ours are lost. Of a QUIC connection
// acknowledgements show in what is measured of its round trips; of a TCP connection the system counts
// them. Where it does not, and through a relay or a WebSocket, what comes in counts.
func heardOn(c network.Conn) uint64 {
	var q *quic.Conn
	if c.As(&q) {
		st := q.ConnectionStats()
		return uint64(st.LatestRTT)<<42 ^ uint64(st.SmoothedRTT)<<21 ^ uint64(st.MeanDeviation)
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
	if e.socket != nil {
		if n := ackedOn(e.socket); n > 0 {
			return n
		}
	}
	return e.bytes.Load()
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
// It keeps no socket from being collected, and wraps none: libp2p tunes a *net.TCPConn alone.
type tcpSockets struct {
	mu   sync.Mutex
	open map[[2]string]weak.Pointer[net.TCPConn] // guarded by mu: local and remote address
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

// keep has c found until it is collected. What is no TCP connection is never found.
func (s *tcpSockets) keep(c net.Conn) {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	at, p := ends(tcp), weak.Make(tcp)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[[2]string]weak.Pointer[net.TCPConn]{}
	}
	s.open[at] = p
	runtime.AddCleanup(tcp, s.forget, kept{at, p})
}

// kept is what keep has put into open.
type kept struct {
	at     [2]string
	socket weak.Pointer[net.TCPConn]
}

func (s *tcpSockets) forget(k kept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[k.at] == k.socket { // the addresses may be in use again
		delete(s.open, k.at)
	}
}

func (s *tcpSockets) find(c net.Conn) *net.TCPConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[ends(c)].Value()
}
