package hub

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

// zone has the addresses of names, and counts who asks. Names are looked up at once.
type zone struct {
	ips   map[string]string
	asked atomic.Int64
}

func (z *zone) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	z.asked.Add(1)
	if ip := z.ips[host]; ip != "" {
		return []netip.Addr{netip.MustParseAddr(ip)}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// TestAnnouncedNames: a running hub keeps what is wrong with its names, and looks again soon where
// something is.
func TestAnnouncedNames(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	z := &zone{ips: map[string]string{"hub.example": "77.0.0.2", "lan.example": "10.0.0.2"}}
	h := &Hub{parts: Parts{Config: Config{Announce: []string{"hub.example", "lan.example", "none.example"}, OpenPort: 7401, ClosedPort: 7402}}}
	look := func(after time.Duration) string {
		h.lookUpAnnounced(t.Context(), z, at.Add(after))
		return strings.Join(h.announced.faults, "\n")
	}
	got := look(0)
	for _, want := range []string{
		"lan.example is announced (announce in hub.toml): it is of a private network, and only shops in that network can join",
		"none.example is announced (announce in hub.toml): the name none.example has no address",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "hub.example is") {
		t.Errorf("it works:\n%s", got)
	}
	z.ips["lan.example"], z.ips["none.example"] = "77.0.0.3", "77.0.0.4"
	if got := look(watchEvery); got != "" {
		t.Errorf("all is mended:\n%s", got)
	}
	asked := z.asked.Load()
	if look(2 * watchEvery); z.asked.Load() != asked {
		t.Error("names that work are looked up each minute")
	}
	z.ips["hub.example"] = ""
	if got := look(watchEvery + lookUpEvery); !strings.Contains(got, "hub.example has no address") {
		t.Errorf("a name that went is not said:\n%s", got)
	}
}

// TestMissed: an announced address that a member has dialed in vain is said, with who and what to do.
func TestMissed(t *testing.T) {
	at := time.Date(2026, 6, 1, 14, 3, 0, 0, time.UTC)
	by := exchange.ShopID{2}
	const tcp, quic, other = "/dns4/hub.example/tcp/7402", "/dns4/hub.example/udp/7402/quic-v1", "/ip4/77.9.9.9/tcp/7402"
	announced := []string{tcp, quic}
	proofs := []p2p.AddressProof{
		{Address: tcp, Why: "does not answer", By: by, At: at}, {Address: quic, Reached: true, By: by, At: at}, {Address: other, Why: "refuses", By: by, At: at},
	}
	name := func(exchange.ShopID) string { return "the shop Acorn" }
	const want = "hub.example:7402 (TCP) is announced (announce in hub.toml), was tried from outside by the shop Acorn at 2026-06-01T14:03:00Z, and not reached: does not answer. Let TCP port 7402 through to this machine, and through its firewall"
	if got := missedText(proofs, announced, func(string) bool { return false }, name); len(got) != 1 || got[0] != want {
		t.Errorf("%q\nwant %q", got, want)
	}
	if got := missedText(proofs, announced, func(host string) bool { return host == "hub.example" }, name); len(got) != 0 {
		t.Errorf("of a name that has another fault: %q", got)
	}
}
