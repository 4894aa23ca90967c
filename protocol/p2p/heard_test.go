package p2p

import (
	"crypto/rand"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/souk-market/souk/testnet/leftout"
)

// TestHeardOn: what acknowledges an upload is heard, though the other side reads and says nothing.
func TestHeardOn(t *testing.T) {
	for name, at := range map[string]string{"tcp": "/ip4/127.0.0.1/tcp/0", "quic": "/ip4/127.0.0.1/udp/0/quic-v1"} {
		t.Run(name, func(t *testing.T) {
			if name == "tcp" && runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
				leftout.Test(t, "", "a system that tells of TCP segments, Linux or macOS")
			}
			here, there := hostAt(t, at), hostAt(t, at)
			there.SetStreamHandler("/silent", func(network.Stream) {})
			if err := here.Connect(t.Context(), peer.AddrInfo{ID: there.ID(), Addrs: there.Addrs()}); err != nil {
				t.Fatal(err)
			}
			s, err := here.NewStream(t.Context(), there.ID(), "/silent")
			if err != nil {
				t.Fatal(err)
			}
			defer s.Reset()
			_ = s.SetWriteDeadline(time.Now().Add(time.Minute))
			for range 20 {
				before := heardOn(s.Conn())
				if before == 0 {
					t.Fatal("the handshake was not heard")
				}
				if _, err := s.Write(make([]byte, 4<<10)); err != nil {
					t.Fatal(err)
				}
				for heardOn(s.Conn()) == before && t.Context().Err() == nil {
					runtime.Gosched()
				}
			}
		})
	}
}

func hostAt(t *testing.T, at string) host.Host {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h, err := libp2p.New(append(baseOptions(key), tcpOption(nil, openSide), libp2p.ListenAddrStrings(at), libp2p.DisableMetrics())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// TestSocketsAreForgotten: a closed TCP connection is not kept, and libp2p can tune an open one.
func TestSocketsAreForgotten(t *testing.T) {
	var ports, others tcpPorts
	l, err := ports.listen(multiaddrOf(t, "127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	here, err := others.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	there, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := here.(*net.TCPConn); !ok {
		t.Errorf("a dial gives a %T", here)
	}
	if _, ok := there.(interface{ SetKeepAlive(bool) error }); !ok {
		t.Errorf("a listener gives a %T", there)
	}
	if others.sockets.find(here) == nil || ports.sockets.find(there) == nil {
		t.Error("an open connection is not found")
	}
	_, _ = here.Close(), there.Close()
	here, there = nil, nil
	kept := func(s *tcpSockets) int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.open)
	}
	for kept(&ports.sockets)+kept(&others.sockets) > 0 { // the test's own time limit bounds it
		runtime.GC()
	}
}
