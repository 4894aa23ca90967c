package api

import (
	"time"

	"github.com/souk-market/souk/node/api/view"
)

// ways tells how Birch Bikes, behind a router, is reached through its hub, and reaches Acorn Shoes.
func (s *story) ways(all exampleSet, acorn string) {
	hub := exampleShop("hub")
	relay := "/dns4/hub.example.org/tcp/7402/p2p/" + hub.String() + "/p2p-circuit"
	all["get-reach"] = example{answer: view.Reach{
		How: "relay", OK: true, Hub: true, Summary: "through relay: hub riverside and the shop Acorn Shoes",
		Next: "That suffices; direct is only faster: for it forward port 7351, TCP and UDP, in the router to this machine, and let it through this machine's firewall",
		Told: []string{relay},
		Tried: []view.AddressTried{{
			Address: "/ip4/198.51.100.4/tcp/7351", Why: "dial tcp4 198.51.100.4:7351: i/o timeout", By: hub, ByName: "hub riverside", At: s.at(-10 * time.Minute),
		}},
		Relays: []view.RelayWay{
			{Shop: hub, Name: "hub riverside", Hub: true, Since: s.at(-time.Hour), Until: s.at(time.Hour)},
			{Shop: s.acorn, Name: "the shop Acorn Shoes", Since: s.at(-time.Hour), Until: s.at(time.Hour)},
		},
		Partners: []view.PartnerWay{{Shop: s.acorn, Name: "Acorn Shoes", Connected: true, Transport: "quic", Way: "directly, by QUIC"}},
		Relaying: view.Relaying{Allowed: true, MaxBytes: 2 << 30},
	}}
	all["get-bridge"] = example{answer: view.Bridge{
		On: true, State: "down", Since: ptr(s.at(-time.Minute)), Trial: ptr(s.at(4 * time.Second)), Untold: 3, Oldest: ptr(s.at(-2 * time.Minute)),
		LastError: "the system did not answer within 2 s", LastFailed: ptr(s.at(-4 * time.Second)), LastAnswer: ptr(s.at(-70 * time.Second)),
		Compared: ptr(s.at(-5 * time.Minute)), Suspended: true, Calls: view.BridgeCalls{Hold: 1204, Commit: 311, Release: 902, Failed: 9},
	}}
	all["list-ways"] = example{params: map[string]any{"shop": s.acorn.String()}, answer: view.Ways{
		Shop: s.acorn, Name: "Acorn Shoes", Connected: true, Transport: "tcp", Summary: "Acorn Shoes is connected directly, by TCP",
		Ways: []view.Way{
			{Path: "open connection", Address: acorn, Reached: true, TookMS: 12.4},
			{Path: "address book", Address: "/ip4/203.0.113.7/udp/7340/quic-v1", TookMS: 5000, Why: "no answer"},
			{Path: "relay", Address: relay, Relay: hub, RelayName: "hub riverside", Reached: true, TookMS: 61.2},
		},
	}}
}
