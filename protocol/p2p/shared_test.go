package p2p_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

// sharedHub is a hub whose two hosts listen at one port alone, on the loopback.
type sharedHub struct {
	t       *testing.T
	members *list
	port    *p2p.SharedPort
	closed  *p2p.Node
	open    *p2p.OpenHost
	join    []string // where strangers ask
	hub     []string // where members connect
	id      exchange.ShopID
}

func newSharedPort(t *testing.T) *p2p.SharedPort {
	t.Helper()
	port, err := p2p.NewSharedPort([]string{"/ip4/127.0.0.1/tcp/0"}, testLog())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := port.Close(); err != nil {
			t.Error(err)
		}
	})
	return port
}

func newSharedHub(t *testing.T) *sharedHub {
	t.Helper()
	return &sharedHub{t: t, members: newList(), port: newSharedPort(t)}
}

// only makes a host listen at the shared port and nowhere else.
func (h *sharedHub) only() []libp2p.Option {
	return []libp2p.Option{libp2p.NoListenAddrs, libp2p.ListenAddrStrings(h.port.Addresses()...)}
}

func (h *sharedHub) listen() {
	h.t.Helper()
	if err := h.port.Listen(); err != nil {
		h.t.Fatal(err)
	}
}

func (h *sharedHub) openClosed() {
	h.t.Helper()
	key, id := newKey(h.t)
	h.members.set(id, true)
	h.id = id
	var err error
	h.closed, err = p2p.New(p2p.Config{
		Key: key, Federation: federation, Hub: true, Members: h.members, Logger: testLog(), Shared: h.port, HostOptions: h.only(),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.closed.Start(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(h.closed.Close)
	h.hub = h.closed.Addresses()
}

func (h *sharedHub) openOpen() {
	h.t.Helper()
	key, _ := newKey(h.t)
	var err error
	h.open, err = p2p.OpenServe(h.t.Context(), p2p.OpenConfig{
		Key: key, Federation: federation, Logger: testLog(), Shared: h.port, HostOptions: h.only(),
	}, "join", func(_ context.Context, _ exchange.ShopID, req []byte) ([]byte, error) {
		return append([]byte("welcome, "), req...), nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = h.open.Close() })
	h.join = h.open.Addresses()
}

func (h *sharedHub) ask(ctx context.Context) error {
	got, err := p2p.Ask(ctx, p2p.AskConfig{Addrs: h.join, Federation: federation}, "join", []byte("acorn"))
	if err == nil && string(got) != "welcome, acorn" {
		return errors.New(string(got))
	}
	return err
}

// served asks until it is answered: a port with little patience may find a busy machine slow.
func (h *sharedHub) served() (err error) {
	for range 20 {
		if err = h.ask(h.t.Context()); err == nil {
			return nil
		}
	}
	return err
}

// shop starts a member that nobody can call: what reaches it comes through the hub's relay.
func (h *sharedHub) shop() (*p2p.Node, exchange.ShopID) {
	h.t.Helper()
	key, id := newKey(h.t)
	h.members.set(id, true)
	met := make(chan struct{}, 1)
	n, err := p2p.New(p2p.Config{
		Key: key, Federation: federation, Hubs: h.hub, Members: h.members, Logger: testLog(),
		HostOptions: []libp2p.Option{libp2p.NoListenAddrs, libp2p.ForceReachabilityPrivate()},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	n.Handle("echo", func(_ context.Context, _ exchange.ShopID, req []byte) ([]byte, error) { return req, nil })
	n.OnConnect(func(s exchange.ShopID) {
		if s == h.id {
			select {
			case met <- struct{}{}:
			default:
			}
		}
	})
	if err := n.Start(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(n.Close)
	select {
	case <-met:
	case <-h.t.Context().Done():
		h.t.Fatal("the hub was not met")
	}
	return n, id
}

// TestSharedPort: through one TCP port a shop joins, and two shops that nobody can call trade by the
// hub's relay.
func TestSharedPort(t *testing.T) {
	h := newSharedHub(t)
	h.listen()
	h.openClosed()
	h.openOpen()
	if len(h.hub) != 1 || len(h.join) != 1 || strings.Split(h.hub[0], "/p2p/")[0] != strings.Split(h.join[0], "/p2p/")[0] {
		t.Fatalf("the hosts listen at %v and %v", h.hub, h.join)
	}
	if err := h.ask(t.Context()); err != nil {
		t.Fatal(err)
	}
	a, idA := h.shop()
	b, idB := h.shop()
	for _, c := range []struct {
		from *p2p.Node
		to   exchange.ShopID
	}{{a, idB}, {b, idA}} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := c.from.Dial(ctx, c.to)
		for err != nil && ctx.Err() == nil { // until the relay has granted the reservation
			_, err = c.from.Dial(ctx, c.to)
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.from.Request(t.Context(), c.to, "echo", []byte("two pairs"))
		if err != nil || string(got) != "two pairs" {
			t.Fatalf("%q, %v", got, err)
		}
	}
	for _, p := range h.closed.Peers() {
		if p.Transport != "tcp" || !strings.HasPrefix(p.Addresses[0], "/ip4/127.0.0.1/tcp/") || strings.HasPrefix(h.hub[0], p.Addresses[0]) {
			t.Errorf("the hub sees a shop at %v by %s", p.Addresses, p.Transport)
		}
	}
}

// TestSharedPortProposals: the proposal of Ask is understood by a host that does not know it, and a
// client of an earlier version meets the closed host, whose key is not the one it asks for.
func TestSharedPortProposals(t *testing.T) {
	before := func(opts ...libp2p.Option) libp2p.Option {
		return libp2p.ChainOptions(append(opts, libp2p.Security(noise.ID, noise.New), libp2p.DisableRelay(), libp2p.DisableMetrics())...)
	}
	t.Run("a hub of an earlier version", func(t *testing.T) {
		old, err := libp2p.New(before(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0")))
		if err != nil {
			t.Fatal(err)
		}
		defer old.Close()
		at := old.Addrs()[0].String() + "/p2p/" + old.ID().String()
		_, err = p2p.Ask(t.Context(), p2p.AskConfig{Addrs: []string{at}, Federation: federation}, "join", nil)
		if err == nil || !strings.Contains(err.Error(), "no open host of federation") { // it was connected
			t.Error(err)
		}
	})
	t.Run("a shop of an earlier version", func(t *testing.T) {
		h := newSharedHub(t)
		h.listen()
		h.openClosed()
		h.openOpen()
		old, err := libp2p.New(before(libp2p.NoListenAddrs))
		if err != nil {
			t.Fatal(err)
		}
		defer old.Close()
		info, err := peer.AddrInfoFromString(h.join[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := old.Connect(t.Context(), *info); err == nil || !strings.Contains(err.Error(), h.id.String()) {
			t.Error(err)
		}
	})
}

// TestSharedPortEnds: whoever connects and says nothing of use is let go, and the port serves on.
func TestSharedPortEnds(t *testing.T) {
	const hello = "\x13/multistream/1.0.0\n"
	for name, c := range map[string]struct {
		sends    string
		half     bool // closes its side
		patient  bool // the port must end it at its time
		noHost   bool
		gone     bool // the host was closed
		answered bool
	}{
		"silent":                       {patient: true},
		"silent, and half closed":      {half: true},
		"a first line, then nothing":   {sends: hello, patient: true},
		"half a line, and half closed": {sends: hello[:7], half: true},
		"garbage":                      {sends: "\x00\x01\x02\x03"},
		"TLS":                          {sends: "\x16\x03\x01\x02\x00\x01\x00\x01"},
		"HTTP":                         {sends: "GET / HTTP/1.1\r\nHost: hub.example\r\n\r\n", half: true, answered: true},
		"much HTTP":                    {sends: "POST / HTTP/1.1\r\nHost: hub.example\r\n\r\n" + strings.Repeat("x", 64<<10), answered: true},
		"a host that is not open yet":  {sends: hello + "\x11/souk/join/noise\n", patient: true, noHost: true},
		"a host that is closed":        {sends: hello + "\x11/souk/join/noise\n", gone: true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newSharedHub(t)
			if c.patient {
				h.port.SetTimeout(50 * time.Millisecond)
			} else {
				h.port.SetTimeout(time.Minute) // what ends before ends for another reason
			}
			h.listen()
			h.openClosed()
			if !c.noHost {
				h.openOpen()
			}
			if c.gone {
				_ = h.open.Close()
			}
			conn, err := manet.Dial(ma.StringCast(h.port.Addresses()[0]))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, c.sends) // the port may have closed it already
			if c.half {
				_ = conn.(interface{ CloseWrite() error }).CloseWrite()
			}
			if c.answered {
				a, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil || a.StatusCode != http.StatusBadRequest {
					t.Fatalf("%v, %v", a, err)
				}
				if text, err := io.ReadAll(a.Body); !strings.Contains(string(text), "hub of a Souk federation") {
					t.Errorf("%q, %v", text, err)
				}
			}
			if n, err := io.Copy(io.Discard, conn); n != 0 {
				t.Errorf("%d bytes came, %v", n, err)
			}
			if c.noHost || c.gone {
				if _, id := h.shop(); !h.members.Admit(id) { // the other host serves
					t.Error(id)
				}
			} else if err := h.served(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSharedPortWaits: a connection that comes before its host is open is served once it is.
func TestSharedPortWaits(t *testing.T) {
	h := newSharedHub(t)
	h.port.SetTimeout(time.Minute)
	h.listen()
	conn, err := net.Dial("tcp", tcpAddr(t, h.port.Addresses()[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "\x13/multistream/1.0.0\n\x11/souk/join/noise\n"); err != nil {
		t.Fatal(err)
	}
	h.openOpen()
	answer := make([]byte, len("\x13/multistream/1.0.0\n\x11/souk/join/noise\n"))
	if _, err := io.ReadFull(conn, answer); err != nil || !strings.Contains(string(answer), "/souk/join/noise") {
		t.Fatalf("%q, %v", answer, err)
	}
}

// TestSharedPortCrowd: silent connections, more than there are places, keep no shop out.
func TestSharedPortCrowd(t *testing.T) {
	h := newSharedHub(t)
	h.port.SetTimeout(time.Hour)
	h.listen()
	h.openClosed()
	h.openOpen()
	var crowd []net.Conn
	for range p2p.SharedWaiting + 20 {
		c, err := net.Dial("tcp", tcpAddr(t, h.port.Addresses()[0]))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		crowd = append(crowd, c)
	}
	if err := h.ask(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, len(crowd))
	for _, c := range crowd {
		go func() {
			n, err := io.Copy(io.Discard, c)
			if n != 0 {
				err = fmt.Errorf("%d bytes came, %v", n, err)
			} else {
				err = nil // closed, or reset
			}
			ended <- err
		}()
	}
	wait := func(count int) {
		for range count {
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
		}
	}
	wait(20)                               // those who had waited longest made room; which these are is the system's order of accepting
	if err := h.port.Close(); err != nil { // ends those who wait
		t.Fatal(err)
	}
	wait(len(crowd) - 20)
}

// TestSharedPortClosing: hosts and port may end in any order, each without the others, and the port is
// free again at once.
func TestSharedPortClosing(t *testing.T) {
	for name, order := range map[string]string{"hosts first": "ocp", "the open host first": "opc", "the port first": "poc", "members first": "cpo"} {
		t.Run(name, func(t *testing.T) {
			h := newSharedHub(t)
			h.listen()
			h.openClosed()
			h.openOpen()
			if err := h.ask(t.Context()); err != nil {
				t.Fatal(err)
			}
			h.shop()
			for _, c := range order {
				var err error
				switch c {
				case 'o':
					err = h.open.Close()
				case 'c':
					h.closed.Close()
				case 'p':
					err = h.port.Close()
				}
				if err != nil {
					t.Errorf("%c: %v", c, err)
				}
			}
			again, err := p2p.NewSharedPort(h.port.Addresses(), testLog())
			if err != nil {
				t.Fatal(err)
			}
			if err := again.Listen(); err != nil {
				t.Error(err)
			}
			_ = again.Close()
		})
	}
}

func TestSharedPortRefuses(t *testing.T) {
	for _, at := range []string{"/ip4/0.0.0.0/udp/443/quic-v1", "/dns/hub.example/tcp/443", "/ip4/0.0.0.0/tcp/443/ws", "/ip4/0.0.0.0", "443"} {
		if _, err := p2p.NewSharedPort([]string{at}, nil); exchange.CodeOf(err) != exchange.CodeInvalid {
			t.Errorf("%s: %v", at, err)
		}
	}
	taken := newSharedPort(t)
	if err := taken.Listen(); err != nil {
		t.Fatal(err)
	}
	second, err := p2p.NewSharedPort([]string{"/ip4/127.0.0.1/tcp/0", taken.Addresses()[0]}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Listen(); exchange.CodeOf(err) != exchange.CodeUnavailable {
		t.Errorf("a port that is taken: %v", err)
	}
	part, err := p2p.NewSharedPort([]string{"/ip4/203.0.113.77/tcp/0", "/ip4/127.0.0.1/tcp/0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := part.Listen(); err != nil || len(part.Addresses()) != 1 {
		t.Errorf("an address that the machine does not have: %v, %v", part.Addresses(), err)
	}
	_ = part.Close()
}

func tcpAddr(t *testing.T, multiaddr string) string {
	t.Helper()
	_, at, err := manet.DialArgs(ma.StringCast(multiaddr))
	if err != nil {
		t.Fatal(err)
	}
	return at
}
