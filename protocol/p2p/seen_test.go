package p2p

import (
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// TestSeen: what a hub sees comes first, and one member's word is nothing beside it.
func TestSeen(t *testing.T) {
	const truth, lie, other = "/ip4/77.1.0.20/udp/7351/quic-v1", "/ip4/1.2.3.4/udp/53/quic-v1", "/ip4/77.1.0.20/udp/9/quic-v1"
	for name, c := range map[string]struct {
		seen map[peer.ID]string
		want []string
	}{
		"a liar":                 {map[peer.ID]string{"hub": truth, "a": lie}, []string{truth}},
		"two liars":              {map[peer.ID]string{"hub": truth, "a": lie, "b": lie}, []string{truth}},
		"three see another":      {map[peer.ID]string{"hub": truth, "a": other, "b": other, "c": other}, []string{truth, other}},
		"no hub":                 {map[peer.ID]string{"a": truth}, []string{truth}},
		"no hub, more are right": {map[peer.ID]string{"a": lie, "b": truth, "c": truth}, []string{truth, lie}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAddresses(&base{gate: &gate{hubs: map[peer.ID]bool{"hub": true}}})
			for by, addr := range c.seen {
				a.sees(by, ma.StringCast(addr))
			}
			var got []string
			for _, addr := range a.candidates() {
				got = append(got, addr.String())
			}
			if len(got) != len(c.want) || len(got) > 0 && got[0] != c.want[0] {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
