package p2p

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	ma "github.com/multiformats/go-multiaddr"
)

// Addresses of the tests' machines; a relay's way is named by where the relay is.
const (
	loop4, loop6 = "/ip4/127.0.0.1/tcp/7351", "/ip6/::1/tcp/7351"
	lan4, lanUDP = "/ip4/192.168.1.5/tcp/7351", "/ip4/192.168.1.5/udp/7351/quic-v1"
	lan6         = "/ip6/fd00::5/tcp/7351"
	wan4, wan6   = "/ip4/77.1.0.20/tcp/7351", "/ip6/2a05:1::20/tcp/7351"
	wanUDP       = "/ip4/77.1.0.20/udp/7351/quic-v1"
	carrier      = "/ip4/100.64.3.2/tcp/7351"
	named        = "/dns4/shop.example/tcp/7351"
	onRelay      = "/p2p/12D3KooWQmHXK2TKbTTFZ7gjnRL6fYEXKWwdmpo3rPYvPdpJXWFh/p2p-circuit"
	hubWay       = "/ip4/77.0.0.2/tcp/7402" + onRelay
	hubNameWay   = "/dns4/hub.example/tcp/7402" + onRelay
	lanHubWay    = "/ip4/192.168.1.2/tcp/7402" + onRelay
	loopHubWay   = "/ip4/127.0.0.1/tcp/7402" + onRelay
)

func parse(t *testing.T, list ...string) []ma.Multiaddr {
	t.Helper()
	addrs, err := parseAddrs(list)
	if err != nil {
		t.Fatal(err)
	}
	return addrs
}

// TestTold: addresses of private networks and of the machine itself are told where they help alone.
func TestTold(t *testing.T) {
	many := make([]string, MaxAddresses+8)
	for i := range many {
		many[i] = fmt.Sprintf("/ip4/77.1.0.%d/tcp/7351", i+1)
	}
	for name, c := range map[string]struct {
		announced, own, proven, relayed, refuted []string
		told, near                               []string
		faults                                   []AnnounceCheck
		hub                                      bool
	}{
		"a public machine": {
			own:  []string{loop4, loop6, wan4, wanUDP, wan6},
			told: []string{wan4, wanUDP, wan6},
		},
		"a public machine with a second leg in a LAN": {
			own: []string{loop4, lan4, wan4}, told: []string{wan4}, near: []string{lan4},
		},
		"behind NAT, with a relay": {
			own: []string{loop4, lan4, lanUDP}, relayed: []string{hubWay},
			told: []string{hubWay}, near: []string{lan4, lanUDP},
		},
		"behind NAT, with a relay that is known by name": {
			own: []string{loop4, lan4}, relayed: []string{hubNameWay},
			told: []string{hubNameWay}, near: []string{lan4},
		},
		"behind a carrier's NAT, with a relay": {
			own: []string{loop4, carrier}, relayed: []string{hubWay},
			told: []string{hubWay}, near: []string{carrier},
		},
		"behind NAT, and no relay yet": {
			own: []string{loop4, lan4}, told: []string{lan4}, near: []string{lan4},
		},
		"behind NAT, others see an address that no dial reached": {
			own: []string{loop4, lan4, wan4}, refuted: []string{wan4}, relayed: []string{hubWay},
			told: []string{hubWay}, near: []string{lan4},
		},
		"a public address that no dial reached, and no relay": {
			own: []string{loop4, lan4, wan4}, refuted: []string{wan4},
			told: []string{lan4}, near: []string{lan4},
		},
		"a forwarded port, which nothing but a dial from outside shows": {
			own: []string{loop4, lan4}, proven: []string{wan4, wanUDP}, relayed: []string{hubWay},
			told: []string{wan4, wanUDP, hubWay}, near: []string{lan4},
		},
		"a forwarded port, and the relay is gone": {
			own: []string{loop4, lan4}, proven: []string{wan4}, told: []string{wan4}, near: []string{lan4},
		},
		"announced, and another address proven": {
			announced: []string{named}, own: []string{lan4}, proven: []string{wan4}, told: []string{named}, near: []string{lan4},
		},
		"a forwarded port beside the relay": {
			own: []string{loop4, lan4, wan4}, relayed: []string{hubWay},
			told: []string{wan4, hubWay}, near: []string{lan4},
		},
		"the hub in the same LAN": {
			own: []string{loop4, lan4, lanUDP, lan6}, relayed: []string{lanHubWay},
			told: []string{lan4, lanUDP, lan6, lanHubWay}, near: []string{lan4, lanUDP, lan6},
		},
		"all on one machine": {
			own: []string{loop4, loop6}, relayed: []string{loopHubWay},
			told: []string{loop4, loop6, loopHubWay},
		},
		"alone on one machine": {own: []string{loop4}, told: []string{loop4}},
		"announced": {
			announced: []string{named}, own: []string{loop4, lan4, wan4},
			told: []string{named}, near: []string{lan4},
		},
		"announced, and never without the relay": {
			announced: []string{wan4}, own: []string{loop4, lan4}, relayed: []string{hubWay},
			told: []string{wan4, hubWay}, near: []string{lan4},
		},
		"announced, and not reached": { // the owner's word stands; doctor says what is wrong
			announced: []string{wan4}, own: []string{lan4}, refuted: []string{wan4}, relayed: []string{hubWay},
			told: []string{wan4, hubWay}, near: []string{lan4},
		},
		"a private address announced": {
			announced: []string{lan4}, own: []string{loop4, lan4}, relayed: []string{hubWay},
			told: []string{hubWay}, near: []string{lan4},
		},
		"a private address announced beside a public one": {
			announced: []string{lan4, wan4}, own: []string{loop4}, told: []string{wan4}, near: []string{lan4},
		},
		"a private address announced where the hub is in the LAN, too": {
			announced: []string{lan4}, own: []string{loop4}, relayed: []string{lanHubWay}, told: []string{lan4, lanHubWay}, near: []string{lan4},
		},
		"a name announced that has no address": {
			announced: []string{named}, faults: []AnnounceCheck{{Address: named, Name: "shop.example", Fault: AnnounceUnresolved}}, own: []string{lan4}, relayed: []string{hubWay},
			told: []string{hubWay}, near: []string{lan4},
		},
		"a name announced that nobody could look up": {
			announced: []string{named}, faults: []AnnounceCheck{{Address: named, Name: "shop.example", Fault: AnnounceUnchecked}}, own: []string{lan4}, relayed: []string{hubWay},
			told: []string{named, hubWay}, near: []string{lan4},
		},
		"a name announced that is private": {
			announced: []string{named}, own: []string{loop4}, relayed: []string{hubWay},
			faults: []AnnounceCheck{{Address: named, Name: "shop.example", Fault: AnnouncePrivate, IPs: []netip.Addr{netip.MustParseAddr("192.168.1.5")}}},
			told:   []string{hubWay}, near: []string{lan4},
		},
		"a hub's private address beside its public one": {
			announced: []string{wan4, lan4}, hub: true, told: []string{wan4, lan4}, near: []string{lan4},
		},
		"the loopback announced": {
			announced: []string{loop4}, own: []string{loop4, lan4}, told: []string{loop4}, near: []string{lan4},
		},
		"IPv6 only": {
			own: []string{loop6, lan6, wan6}, told: []string{wan6}, near: []string{lan6},
		},
		"IPv6 in the open, IPv4 behind NAT": {
			own: []string{loop4, lan4, wan6}, relayed: []string{hubWay},
			told: []string{wan6, hubWay}, near: []string{lan4},
		},
		"what libp2p lists as a way through a relay is no address of the own": {
			own: []string{lan4, hubWay}, relayed: []string{hubWay}, told: []string{hubWay}, near: []string{lan4},
		},
		"twice the same": {
			own: []string{wan4, wan4}, relayed: []string{hubWay, hubWay}, told: []string{wan4, hubWay},
		},
		"more than fit": {own: many, relayed: []string{hubWay}, told: append(slices.Clone(many[:MaxAddresses-1]), hubWay)},
		"nothing":       {},
	} {
		t.Run(name, func(t *testing.T) {
			w := ways{
				announced: parse(t, c.announced...), own: parse(t, c.own...), proven: parse(t, c.proven...), relayed: parse(t, c.relayed...),
				refuted: func(a ma.Multiaddr) bool { return slices.Contains(c.refuted, a.String()) },
				faults:  map[string]AnnounceCheck{}, hub: c.hub,
			}
			for _, f := range c.faults {
				w.faults[f.Address] = f
			}
			if got := addrStrings(w.told()); !slices.Equal(got, c.told) {
				t.Errorf("told %s\nwant %s", strings.Join(got, " "), strings.Join(c.told, " "))
			}
			if got := addrStrings(w.near()); !slices.Equal(got, c.near) {
				t.Errorf("near %s\nwant %s", strings.Join(got, " "), strings.Join(c.near, " "))
			}
		})
	}
}

// TestCandidates: tried from outside are what the owner announces, what the machine has, and the ports
// it listens on where others see it come from.
func TestCandidates(t *testing.T) {
	const seen, seenUDP, seen6 = "/ip4/77.9.9.9/tcp/40001", "/ip4/77.9.9.9/udp/40002/quic-v1", "/ip6/2a05:9::9/tcp/40003"
	for name, c := range map[string]struct {
		announced, own, proven, seen, want []string
	}{
		"nothing known":               {own: []string{loop4, lan4}},
		"a public machine":            {own: []string{loop4, lan4, wan4, wanUDP}, want: []string{wan4, wanUDP}},
		"announced":                   {announced: []string{named}, own: []string{lan4}, want: []string{named}},
		"a private address announced": {announced: []string{lan4, named}, own: []string{lan4}, want: []string{named}},
		"behind NAT": {
			own: []string{loop4, lan4, lanUDP}, seen: []string{seen},
			want: []string{seen, "/ip4/77.9.9.9/tcp/7351", "/ip4/77.9.9.9/udp/7351/quic-v1"},
		},
		"a forwarded port is tried again, though nobody is connected who sees this node": {
			own: []string{lan4}, proven: []string{wan4}, want: []string{wan4},
		},
		"a forwarded port after the address changed": {
			own: []string{lan4}, proven: []string{wan4}, seen: []string{seen}, want: []string{wan4, seen, "/ip4/77.9.9.9/tcp/7351"},
		},
		"behind NAT, seen twice": {
			own: []string{lan4, lanUDP}, seen: []string{seen, seenUDP},
			want: []string{seen, "/ip4/77.9.9.9/tcp/7351", "/ip4/77.9.9.9/udp/7351/quic-v1", seenUDP},
		},
		"IPv6 is no way to IPv4's ports": {
			own: []string{lan4, lan6}, seen: []string{seen6}, want: []string{seen6, "/ip6/2a05:9::9/tcp/7351"},
		},
		"a relay's address is none": {own: []string{hubWay, lan4}, seen: nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := ways{announced: parse(t, c.announced...), own: parse(t, c.own...), proven: parse(t, c.proven...)}
			if got := addrStrings(w.candidates(parse(t, c.seen...))); !slices.Equal(got, c.want) {
				t.Errorf("%s\nwant %s", strings.Join(got, " "), strings.Join(c.want, " "))
			}
		})
	}
	t.Run("bounded", func(t *testing.T) {
		var many []string
		for i := range 2 * maxProbeAddrs {
			many = append(many, fmt.Sprintf("/ip4/77.1.0.%d/tcp/7351", i+1))
		}
		if got := len(ways{own: parse(t, many...)}.candidates(nil)); got != maxProbeAddrs {
			t.Errorf("%d", got)
		}
	})
}
