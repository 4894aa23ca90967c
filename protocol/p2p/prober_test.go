package p2p_test

import (
	"encoding/binary"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	ma "github.com/multiformats/go-multiaddr"
	madns "github.com/multiformats/go-multiaddr-dns"

	"github.com/souk-market/souk/protocol/p2p"
)

// nameServer answers for all hosts that are made later.
func nameServer(t *testing.T, answers madns.MockResolver) {
	t.Helper()
	r, err := madns.NewResolver(madns.WithDefaultResolver(&answers))
	if err != nil {
		t.Fatal(err)
	}
	old := madns.DefaultResolver
	madns.DefaultResolver = r
	t.Cleanup(func() { madns.DefaultResolver = old })
}

var loopback = []net.IPAddr{{IP: net.IPv4(127, 0, 0, 1)}}

// TestProbeStaysOutside: a member that connects from the hub's own machine, as every member does behind a
// proxy there, cannot make the hub dial what else runs on that machine: not by an address, not by a name,
// and not by a name whose records lead to a name.
func TestProbeStaysOutside(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var dialed atomic.Int32
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			dialed.Add(1)
			_ = c.Close()
		}
	}()
	defer func() { _ = l.Close(); <-ended }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	at := "/tcp/" + port
	nameServer(t, madns.MockResolver{
		IP: map[string][]net.IPAddr{"inner.example": loopback},
		TXT: map[string][]string{
			"_dnsaddr.direct.example": {"dnsaddr=/ip4/127.0.0.1" + at},
			"_dnsaddr.outer.example":  {"dnsaddr=/dns4/localhost" + at + "/ws", "dnsaddr=/dns4/inner.example" + at},
		},
	})
	member, hub := pair(t, "/ip4/127.0.0.1/tcp/0", nil)
	addrs := []string{"/ip4/127.0.0.1" + at, "/ip4/127.0.0.1" + at + "/ws", "/ip6/::ffff:127.0.0.1" + at, "/dns4/inner.example" + at, "/dnsaddr/direct.example", "/dnsaddr/outer.example"}
	probe := binary.AppendUvarint([]byte{1}, uint64(len(addrs)))
	for _, a := range addrs {
		b := ma.StringCast(a).Bytes()
		probe = append(binary.AppendUvarint(probe, uint64(len(b))), b...)
	}
	reply, err := member.Request(t.Context(), hub, "reach", probe)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(reply), "private network"); dialed.Load() > 0 || n != len(addrs) {
		t.Errorf("%d dials; %d of %d addresses refused: %q", dialed.Load(), n, len(addrs), reply)
	}
}

// TestExplainWebSocket: a hub behind a web server is reached at the name for which the certificate is.
func TestExplainWebSocket(t *testing.T) {
	nameServer(t, madns.MockResolver{IP: map[string][]net.IPAddr{"example.com": loopback}})
	h := newSharedHub(t)
	h.listen()
	h.openClosed()
	h.openOpen()
	newWebProxy(t, h)
	h.hub[0] = strings.Replace(strings.Replace(h.hub[0], "/ip4/127.0.0.1/", "/dns4/example.com/", 1), "/sni/example.com", "", 1)
	shop, _ := h.shop()
	ways, err := shop.Explain(t.Context(), h.id)
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, w := range ways {
		if w.Path == p2p.PathAddressBook && strings.HasPrefix(w.Address, "/dns4/") {
			if named++; !w.Reached {
				t.Errorf("%+v", w)
			}
		}
	}
	if named != 1 {
		t.Errorf("%+v", ways)
	}
}
