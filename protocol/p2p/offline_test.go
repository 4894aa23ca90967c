package p2p

import (
	"net/netip"
	"testing"

	ma "github.com/multiformats/go-multiaddr"
)

// TestOffline: the own network is down where no address has a route, be it of the federation or of the
// internet.
func TestOffline(t *testing.T) {
	const hub, office, named = "/ip4/77.0.0.2/tcp/7402", "/ip4/192.168.1.9/tcp/7351", "/dns4/hub.example/tcp/7402"
	for name, c := range map[string]struct {
		known  []string
		routes string // prefix of what the machine has a way to
		want   bool
	}{
		"nothing leads out":            {known: []string{hub, office, named}, routes: "127.0.0.0/8", want: true},
		"nobody known, nothing":        {routes: "127.0.0.0/8", want: true},
		"a way to the internet":        {known: []string{hub}, routes: "0.0.0.0/0"},
		"to that of IPv6 alone":        {known: []string{hub}, routes: "::/0"},
		"to the office's network":      {known: []string{hub, office}, routes: "192.168.1.0/24"},
		"to some other network":        {known: []string{hub, named}, routes: "192.168.1.0/24", want: true},
		"a federation on this machine": {known: []string{"/ip4/127.0.0.1/tcp/7402"}, routes: "127.0.0.0/8"},
	} {
		t.Run(name, func(t *testing.T) {
			var addrs []ma.Multiaddr
			for _, a := range c.known {
				addrs = append(addrs, ma.StringCast(a))
			}
			if got := offline(addrs, netip.MustParsePrefix(c.routes).Contains); got != c.want {
				t.Errorf("%v", got)
			}
		})
	}
	if !hasRoute(netip.MustParseAddr("127.0.0.1")) {
		t.Error("this machine has no way to itself")
	}
}
