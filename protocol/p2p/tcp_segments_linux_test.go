package p2p

import (
	"context"
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSegments: what leaves the machine has segments that pass by 1280 bytes, whichever side bounds
// them, on a host's own port and on a shared one. The loopback keeps its large ones.
func TestSegments(t *testing.T) {
	plain := func(at string) net.Listener {
		l, err := net.Listen("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	own := func(at string) net.Listener {
		l, err := new(tcpPorts).listen(multiaddrOf(t, at))
		if err != nil {
			t.Fatal(err)
		}
		return l.Listener
	}
	shared := func(at string) net.Listener {
		p, err := NewSharedPort([]string{multiaddrOf(t, at).String()}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Listen(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.Close() })
		return heldBack{Listener: p.sockets[0].listener, port: p}
	}
	others := func(ctx context.Context, at string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", at)
	}
	ours := func(ctx context.Context, at string) (net.Conn, error) {
		return new(tcpPorts).DialContext(ctx, "tcp", at)
	}
	for name, c := range map[string]struct {
		listen func(string) net.Listener
		dial   func(context.Context, string) (net.Conn, error)
	}{
		"we dial another program":      {plain, ours},
		"another program dials us":     {own, others},
		"another program, shared port": {shared, others},
		"two shops":                    {own, ours},
	} {
		t.Run(name, func(t *testing.T) {
			for _, at := range []string{"127.0.0.1:0", net.JoinHostPort(address(t), "0")} {
				l := c.listen(at)
				defer l.Close()
				here, err := c.dial(t.Context(), l.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer here.Close()
				sizes := []int{segment(t, here)}
				if _, ok := l.(heldBack); !ok {
					there, err := l.Accept()
					if err != nil {
						t.Fatal(err)
					}
					defer there.Close()
					sizes = append(sizes, segment(t, there))
				}
				for _, size := range sizes {
					if loopback := at == "127.0.0.1:0"; !loopback && size > maxSegment || loopback && size <= maxSegment {
						t.Errorf("at %s, segments have up to %d bytes: %v", at, size, sizes)
					}
				}
			}
		})
	}
}

// heldBack is the socket of a SharedPort, which accepts by itself.
type heldBack struct {
	net.Listener
	port *SharedPort
}

func segment(t *testing.T, c net.Conn) (size int) {
	t.Helper()
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { size, failed = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG) }); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	return size
}
