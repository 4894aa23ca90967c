package p2p

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/souk-market/souk/exchange"
)

// someKey is a key and its peer ID.
func someKey(t *testing.T) (ed25519.PrivateKey, peer.ID) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, err := exchange.ShopIDFromKey(key.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return key, peerOf(id)
}

// program listens by TCP and does with each connection what do says.
func program(t *testing.T, do func(net.Conn)) ma.Multiaddr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = c.Close() })
			do(c)
		}
	}()
	return multiaddrOf(t, l.Addr().String())
}

// openHostAt opens an open host at a transport of the loopback and returns its address.
func openHostAt(t *testing.T, suffix string) (ma.Multiaddr, peer.ID) {
	t.Helper()
	key, id := someKey(t)
	o, err := OpenServe(t.Context(), OpenConfig{Key: key, Federation: "test", Listen: []string{"/ip4/127.0.0.1" + suffix}}, "join",
		func(context.Context, exchange.ShopID, []byte) ([]byte, error) { return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o.host.Addrs()[0], id
}

// TestObstacles: dials that really fail, and what a person reads of each.
func TestObstacles(t *testing.T) {
	silent := func(c net.Conn) {}
	for name, c := range map[string]struct {
		at   func(t *testing.T) ma.Multiaddr
		kind ObstacleKind
		says string
	}{
		"nothing listens": {func(t *testing.T) ma.Multiaddr {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			_ = l.Close()
			return multiaddrOf(t, l.Addr().String())
		}, ObstacleRefused, "(TCP) refuses"},
		"UDP into the void": {func(t *testing.T) ma.Multiaddr {
			u, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = u.Close() })
			a, err := manet.FromNetAddr(u.LocalAddr())
			if err != nil {
				t.Fatal(err)
			}
			return a.Encapsulate(ma.StringCast("/quic-v1"))
		}, ObstacleSilent, "a firewall lets no UDP through"},
		"a web server": {func(t *testing.T) ma.Multiaddr {
			s := httptest.NewServer(http.NotFoundHandler())
			t.Cleanup(s.Close)
			return multiaddrOf(t, s.Listener.Addr().String())
		}, ObstacleStranger, "another program listens there, or a proxy"},
		"a web server with TLS": {func(t *testing.T) ma.Multiaddr {
			s := httptest.NewUnstartedServer(http.NotFoundHandler())
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.StartTLS()
			t.Cleanup(s.Close)
			return multiaddrOf(t, s.Listener.Addr().String())
		}, ObstacleStranger, "not as Souk does"},
		"a program that greets": {func(t *testing.T) ma.Multiaddr {
			return program(t, func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.6 "+strings.Repeat("x", 400)+"\r\n") })
		}, ObstacleStranger, "not as Souk does"},
		"a program that hangs up": {func(t *testing.T) ma.Multiaddr {
			return program(t, func(c net.Conn) { _ = c.Close() })
		}, ObstacleStranger, "not as Souk does"},
		"another hub": {func(t *testing.T) ma.Multiaddr {
			a, _ := openHostAt(t, "/tcp/0")
			return a
		}, ObstacleKey, "answers with the key of another peer, 12D3"},
		"another hub by QUIC": {func(t *testing.T) ma.Multiaddr {
			a, _ := openHostAt(t, "/udp/0/quic-v1")
			return a
		}, ObstacleKey, "answers with the key of another peer, 12D3"},
		"a name that is none": {func(*testing.T) ma.Multiaddr { return ma.StringCast("/dns4/hub.invalid/tcp/7401") },
			ObstacleName, "the name hub.invalid "},
		"a program that says nothing": {func(t *testing.T) ma.Multiaddr { return program(t, silent) },
			ObstacleSilent, "does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			names := newNameResolver()
			h, err := askHost(AskConfig{}, names)
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			_, id := someKey(t)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			if c.kind == ObstacleSilent { // which nothing but time shows
				ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
			}
			defer cancel()
			at := []ma.Multiaddr{c.at(t)}
			err = h.Connect(ctx, peer.AddrInfo{ID: id, Addrs: at})
			if err == nil {
				t.Fatal("connected")
			}
			got := names.obstacles(at, err)
			if len(got) != 1 || got[0].Kind != c.kind || !strings.Contains(got[0].String(), c.says) || strings.Contains(got[0].String(), "\n") {
				t.Errorf("%+v of %v", got, err)
			}
		})
	}
}

// TestSilentMachine: a machine that drops what comes is told from a program that is slow.
func TestSilentMachine(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	at := program(t, func(net.Conn) {})
	_, address, err := manet.DialArgs(at)
	if err != nil {
		t.Fatal(err)
	}
	_, err = new(tcpPorts).DialContext(ctx, "tcp4", address) // as after the whole time, in which no SYN was answered
	if o := obstacleAt("it", at, err); o.Kind != ObstacleSilent {
		t.Errorf("%+v of %v", o, err)
	}
	negotiating := context.DeadlineExceeded
	if o := obstacleAt("it", at, errors.Join(errors.New("failed to negotiate security protocol"), negotiating)); o.Kind != ObstacleStranger {
		t.Errorf("%+v", o)
	}
}

// TestAskTellsEachAddress: a shop that cannot join reads of every address of the hub what is in the way,
// with the name that led to it.
func TestAskTellsEachAddress(t *testing.T) {
	web := program(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n"); _ = c.Close() })
	port, err := web.ValueForProtocol(ma.P_TCP)
	if err != nil {
		t.Fatal(err)
	}
	_, id := someKey(t)
	suffix := "/p2p/" + id.String()
	_, err = Ask(t.Context(), AskConfig{Federation: "test", Addrs: []string{
		"/dns4/localhost/tcp/" + port + suffix, "/dns4/hub.invalid/tcp/443" + suffix, "/dns4/hub.invalid/udp/7401/quic-v1" + suffix,
	}}, "join", nil)
	text := err.Error()
	if exchange.CodeOf(err) != exchange.CodeUnavailable || strings.Count(text, "the name hub.invalid ") != 1 ||
		!strings.Contains(text, "localhost at 127.0.0.1:"+port+" (TCP) answers, but not as Souk does") {
		t.Error(err)
	}
}

func TestCounted(t *testing.T) {
	kinds := func(list ...ObstacleKind) (out []Obstacle) {
		for _, k := range list {
			out = append(out, Obstacle{Kind: k})
		}
		return out
	}
	for want, list := range map[string][]Obstacle{
		"":                    kinds(ObstacleSilent, ObstacleSilent),
		"1 refused, 2 silent": kinds(ObstacleRefused, ObstacleSilent, ObstacleSilent),
		"1 a name not found":  kinds(ObstacleName),
	} {
		if got := counted(list); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
