package p2p

import (
	"context"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
)

func TestAddressText(t *testing.T) {
	const peer = "/p2p/12D3KooWQmHXK2TKbTTFZ7gjnRL6fYEXKWwdmpo3rPYvPdpJXWFh"
	for addr, want := range map[string]string{
		"/ip4/192.0.2.7/tcp/7351":                                 "192.0.2.7:7351 (TCP)",
		"/ip6/2001:db8::7/udp/7351/quic-v1" + peer:                "[2001:db8::7]:7351 (QUIC)",
		"/dns4/shop.example/tcp/443" + peer:                       "shop.example:443 (TCP)",
		"/dns4/hub.example/tcp/443/tls/ws":                        "hub.example:443 (WebSocket)",
		"/ip4/192.0.2.7/udp/7351/quic-v1" + peer + "/p2p-circuit": "a relay at 192.0.2.7:7351 (QUIC)",
		"/memory/1": "/memory/1", "nonsense": "nonsense", peer: peer, "": "",
	} {
		t.Run(addr, func(t *testing.T) {
			if got := AddressText(addr); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestBadAddress: what an owner may take for an address is refused with what one looks like.
func TestBadAddress(t *testing.T) {
	for _, bad := range []string{"127.0.0.1:7000", "shop.example", "", "/ip4/1.2.3"} {
		t.Run(bad, func(t *testing.T) {
			err := CheckAddresses([]string{bad})
			if exchange.CodeOf(err) != exchange.CodeInvalid || !strings.Contains(err.Error(), "/dns4/shop.example/tcp/7351") || strings.Contains(err.Error(), "multiaddr") {
				t.Error(err)
			}
		})
	}
}

// TestAskNowhere: who asks a hub that does not run reads where it was looked for.
func TestAskNowhere(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := Ask(ctx, AskConfig{Federation: "riverside", Addrs: []string{
		"/ip4/127.0.0.1/tcp/1/p2p/12D3KooWQmHXK2TKbTTFZ7gjnRL6fYEXKWwdmpo3rPYvPdpJXWFh",
	}}, "join", nil)
	if exchange.CodeOf(err) != exchange.CodeUnavailable || !strings.Contains(err.Error(), "127.0.0.1:1 (TCP) refuses") || strings.Contains(err.Error(), "/ip4") {
		t.Error(err)
	}
}
