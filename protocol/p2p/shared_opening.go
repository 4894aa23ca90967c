package p2p

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/libp2p/go-libp2p/core/protocol"
	manet "github.com/multiformats/go-multiaddr/net"
)

// joinNoise is the cipher suite of /noise under a name that says whom it is for: the open host. It is
// the first proposal of Ask. An open host of an earlier version declines it and takes the second,
// /noise, a round trip later.
const joinNoise protocol.ID = "/souk/join/noise"

// How a TCP connection of libp2p begins (multistream-select 1.0): each line is preceded by its length,
// newline included, in one byte. A client sends both lines at once.
const (
	multistreamLine = "\x13/multistream/1.0.0\n"
	joinOpening     = multistreamLine + "\x11" + string(joinNoise) + "\n"
)

// audience is whom a connection is for, as far as its first bytes tell.
type audience int

const (
	undecided audience = iota
	forOpen
	forClosed
	stranger // speaks another protocol
)

// audienceOf judges the first bytes of a connection. Whoever speaks multistream and does not propose
// joinNoise is for the closed host, which negotiates any other proposal.
func audienceOf(first []byte) audience {
	same := 0
	for same < len(first) && same < len(joinOpening) && first[same] == joinOpening[same] {
		same++
	}
	switch {
	case same == len(joinOpening):
		return forOpen
	case same == len(first):
		return undecided
	case same >= len(multistreamLine):
		return forClosed
	default:
		return stranger
	}
}

// readOpening reads until the audience is clear, and never more than len(joinOpening) bytes. The
// audience is undecided where the reader fails before.
func readOpening(r io.Reader) (first []byte, who audience) {
	first = make([]byte, 0, len(joinOpening))
	for who == undecided {
		n, err := r.Read(first[len(first):cap(first)])
		first = first[:len(first)+n]
		if who = audienceOf(first); err != nil {
			break
		}
	}
	return first, who
}

// opened is a connection whose first bytes were read. Read returns them again.
type opened struct {
	manet.Conn
	first []byte // not yet returned by Read; owned by the reader
}

func (c *opened) Read(b []byte) (int, error) {
	if len(c.first) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.first)
	c.first = c.first[n:]
	return n, nil
}

// strangerAnswer is for a browser, a health check or a proxy that asks a hub's shared port by HTTP.
const strangerAnswer = "This is the hub of a Souk federation: shops join with souk node join, and no page is here."

func looksLikeHTTP(first []byte) bool {
	method, _, _ := bytes.Cut(first, []byte(" "))
	return slices.ContainsFunc([]string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI"},
		func(m string) bool {
			return m == string(method) || len(method) > 0 && len(method) == len(first) && strings.HasPrefix(m, string(method))
		})
}

// waitingRoom bounds the connections of a SharedPort that no host has taken yet. Where it is full, the
// one that has waited longest makes room: a client of Souk is there for one round trip, and who
// does not speak stays longest.
type waitingRoom struct {
	mu      sync.Mutex
	waiting []*waiter // guarded by mu; the first has waited longest
	closed  bool      // guarded by mu
}

type waiter struct {
	conn net.Conn
	from netip.Prefix // originOf conn
}

func (r *waitingRoom) enter(c net.Conn) *waiter {
	w := &waiter{conn: c, from: originOf(c)}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		_ = c.Close()
		return w
	}
	first, same := 0, 0 // of the same origin
	for i, o := range slices.Backward(r.waiting) {
		if o.from == w.from {
			first, same = i, same+1
		}
	}
	switch {
	case w.from.IsValid() && same >= sharedWaitingPerIP:
		r.evict(first)
	case len(r.waiting) >= sharedWaiting:
		r.evict(0)
	}
	r.waiting = append(r.waiting, w)
	return w
}

// evict closes the connection of a waiter, whose goroutine then ends. A host that takes the
// connection at this moment finds it closed. It is called with mu held.
func (r *waitingRoom) evict(i int) {
	_ = r.waiting[i].conn.Close()
	r.waiting = slices.Delete(r.waiting, i, i+1)
}

func (r *waitingRoom) leave(w *waiter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.waiting, w); i >= 0 {
		r.waiting = slices.Delete(r.waiting, i, i+1)
	}
}

// close closes all that wait, and whatever enters later.
func (r *waitingRoom) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for len(r.waiting) > 0 {
		r.evict(0)
	}
}

// originOf is the address that a connection counts for: one of IPv4, or a network of IPv6 as one
// subscriber has (newResources). Connections of this machine count for none.
func originOf(c net.Conn) netip.Prefix {
	at, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok || at.IP.IsLoopback() {
		return netip.Prefix{}
	}
	ip, bits := at.AddrPort().Addr().Unmap().WithZone(""), 32
	if ip.Is6() {
		bits = 56
	}
	p, _ := ip.Prefix(bits)
	return p
}
