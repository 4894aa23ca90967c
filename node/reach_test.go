package node

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

var (
	theHub, acornShop, cedarShop = exchange.ShopID{1}, exchange.ShopID{2}, exchange.ShopID{3}
	reachNames                   = map[exchange.ShopID]string{theHub: "hub riverside", acornShop: "the shop Acorn", cedarShop: "the shop Cedar"}
)

func reachName(s exchange.ShopID) string { return reachNames[s] }

const (
	publicTCP, publicQUIC = "/ip4/77.1.0.20/tcp/7351", "/ip4/77.1.0.20/udp/7351/quic-v1"
	lanTCP, loopTCP       = "/ip4/192.168.1.5/tcp/7351", "/ip4/127.0.0.1/tcp/7361"
	seenTCP               = "/ip4/77.9.9.9/tcp/40001"
	named                 = "/dns4/shop.example/tcp/7351"
	onHub                 = "/ip4/77.0.0.2/tcp/7402/p2p/12D3KooWQmHXK2TKbTTFZ7gjnRL6fYEXKWwdmpo3rPYvPdpJXWFh/p2p-circuit"
)

// TestHow: how partners reach a shop, which is what its owner reads of it.
func TestHow(t *testing.T) {
	now := time.Date(2026, 6, 1, 14, 3, 0, 0, time.UTC)
	proof := func(addr string, ago time.Duration, by exchange.ShopID) p2p.AddressProof {
		return p2p.AddressProof{Address: addr, Reached: true, By: by, At: now.Add(-ago)}
	}
	miss := func(addr, why string) p2p.AddressProof {
		return p2p.AddressProof{Address: addr, Why: why, By: theHub, At: now.Add(-time.Minute)}
	}
	byHub, byAcorn, byCedar := p2p.RelayWay{Shop: theHub, Hub: true}, p2p.RelayWay{Shop: acornShop}, p2p.RelayWay{Shop: cedarShop}
	timeout := "does not answer: it is off, or a firewall is in between"
	for name, c := range map[string]struct {
		announce, told []string
		proofs         []p2p.AddressProof
		relays         []p2p.RelayWay
		hubGone        bool
		earlier        bool
		onlyWeb        bool
		offline        bool
		carries        p2p.Carries
		kind           string
		ok             bool
		says, next     string
		not            string
	}{
		"a forwarded port": {
			told: []string{publicTCP, onHub}, proofs: []p2p.AddressProof{proof(publicTCP, 0, theHub)}, relays: []p2p.RelayWay{byHub},
			kind: howDirect, ok: true,
			says: "direct at 77.1.0.20:7351 (TCP), proven by hub riverside at 2026-06-01T14:03:00Z; besides through relay: hub riverside",
		},
		"proven by a member while the hub is gone": {
			told: []string{publicTCP, publicQUIC}, proofs: []p2p.AddressProof{proof(publicTCP, time.Minute, acornShop), proof(publicQUIC, time.Minute, acornShop)},
			hubGone: true, kind: howDirect, ok: true, says: "77.1.0.20:7351 (TCP) and 77.1.0.20:7351 (QUIC), proven by the shop Acorn at 2026-06-01T14:02:00Z",
		},
		"a proof that nobody has renewed": {
			told: []string{publicTCP}, proofs: []p2p.AddressProof{proof(publicTCP, 3*time.Hour, theHub)}, hubGone: true,
			kind: howDirect, says: "not tried since", next: "why hub riverside is not connected",
		},
		"one address of two": {
			announce: []string{named, publicTCP}, told: []string{named, publicTCP}, proofs: []p2p.AddressProof{proof(publicTCP, 0, theHub), miss(named, timeout)},
			kind: howDirect, says: "direct at 77.1.0.20:7351 (TCP)",
		},
		"behind NAT, hub and members relay": {
			told: []string{onHub}, proofs: []p2p.AddressProof{miss(seenTCP, timeout)}, relays: []p2p.RelayWay{byHub, byAcorn, byCedar},
			kind: howRelay, ok: true, says: "through relay: hub riverside, the shop Acorn and the shop Cedar",
			next: "That suffices; direct is only faster: for it forward port 7351, TCP and UDP, in the router", not: "no member relays",
		},
		"behind NAT, the hub alone relays": {
			told: []string{onHub}, relays: []p2p.RelayWay{byHub}, kind: howRelay, ok: true, says: "no member relays for it, so while that is gone nobody",
		},
		"behind NAT, and where others see it is not known": {
			told: []string{onHub}, relays: []p2p.RelayWay{byHub}, kind: howRelay, ok: true, says: "through relay", next: `announce = ["/ip4/ROUTER/tcp/NUMBER"]`,
		},
		"an announced address that nobody reaches": {
			announce: []string{publicTCP}, told: []string{publicTCP, onHub}, proofs: []p2p.AddressProof{miss(publicTCP, timeout)}, relays: []p2p.RelayWay{byHub, byAcorn},
			kind: howRelay, says: "through relay: hub riverside and the shop Acorn",
		},
		"an announced address that nobody has tried": {
			announce: []string{named}, told: []string{named, onHub}, relays: []p2p.RelayWay{byHub, byAcorn},
			kind: howRelay, says: "shop.example:7351 (TCP), was not tried from outside yet",
		},
		"announced, and nobody there to try it": {
			announce: []string{named}, told: []string{named}, hubGone: true,
			kind: howUntried, says: "was not tried from outside yet, and no relay", next: "once the hub, or a member that relays, is connected",
		},
		"a public machine at its start": {
			told: []string{publicTCP}, kind: howUntried, says: "77.1.0.20:7351 (TCP): that was not tried", next: "The hub tries it within seconds",
		},
		"nobody reaches it, and the hub is gone": {
			told: []string{lanTCP}, proofs: []p2p.AddressProof{miss(seenTCP, timeout)}, hubGone: true,
			kind: howNone, says: "not at all while hub riverside, which relays, is not connected, because no dial from outside came in (77.9.9.9:40001 (TCP): does not answer: it is off, or a firewall is in between), and no member that relays is known or in reach",
			next: "This ends when the hub is back; to be reached without it, forward port 7351, TCP and UDP, in the router to this machine, and let it through this machine's firewall (if the router's port has another number, add announce = [\"/ip4/77.9.9.9/tcp/NUMBER\"] to shop.toml)",
		},
		"the router's passing ports are not named": {
			told: []string{lanTCP}, proofs: []p2p.AddressProof{miss(publicTCP, "refuses"), miss(seenTCP, timeout)}, hubGone: true,
			kind: howNone, says: "came in (77.1.0.20:7351 (TCP): refuses), and no member", not: "40001",
		},
		"no address and no relay": {
			hubGone: true, kind: howNone, says: "because it has no public address of its own",
		},
		"out by 443 alone, and the hub is gone": {
			told: []string{lanTCP}, proofs: []p2p.AddressProof{miss(seenTCP, timeout)}, hubGone: true, onlyWeb: true, kind: howNone,
			says: "not at all: this shop's network lets it out by TCP port 443 alone, and hub riverside, which it reached there, is not connected",
			next: "Have this network's firewall let TCP and UDP out to port 7351",
		},
		"out by 443 alone, and the hub relays": {
			told: []string{onHub}, relays: []p2p.RelayWay{byHub}, onlyWeb: true, kind: howRelay, ok: true, says: "through relay: hub riverside",
		},
		"the hub refuses": {kind: howNone, says: "hub riverside gives no reservation"},
		"a public machine, and the hub is of the version before": {
			told: []string{publicTCP}, earlier: true, kind: howUntried, says: "77.1.0.20:7351 (TCP): that was not tried",
			next: "Hub riverside is of an earlier version, which tries no shop's addresses from outside. Ask its operator to upgrade the hub; the shop needs no change",
		},
		"a public machine with a relay, and the hub is of the version before": {
			told: []string{publicTCP, onHub}, relays: []p2p.RelayWay{byHub}, earlier: true, kind: howRelay,
			says: "was not tried from outside; no member relays for it, so while that is gone nobody but its own network connects to it; hub riverside is of an earlier version",
			next: "Ask its operator to upgrade the hub",
		},
		"behind NAT, and the hub is of the version before": {
			told: []string{onHub}, relays: []p2p.RelayWay{byHub}, earlier: true, kind: howRelay, ok: true,
			says: "hub riverside is of an earlier version", next: "Ask its operator",
		},
		"no relay, and the hub is of the version before": {
			earlier: true, kind: howNone, says: "hub riverside, which is of an earlier version, gives no reservation", next: "Ask its operator",
		},
		"a proof that a hub of the version before does not renew": {
			told: []string{publicTCP}, proofs: []p2p.AddressProof{proof(publicTCP, 3*time.Hour, theHub)}, earlier: true,
			kind: howDirect, says: "not tried since: hub riverside is of an earlier version", next: "Ask its operator",
		},
		"a proof that the hub has not renewed": {
			told: []string{publicTCP}, proofs: []p2p.AddressProof{proof(publicTCP, 3*time.Hour, theHub)},
			kind: howDirect, says: "not tried since", next: "hub riverside tries it again", not: "connected",
		},
		"the own network is down": {
			told: []string{publicTCP}, proofs: []p2p.AddressProof{proof(publicTCP, time.Minute, theHub), miss(seenTCP, timeout)}, hubGone: true, offline: true,
			kind: howOffline, says: "not at all: this machine's own network seems to be down", next: "Check its cable or Wi-Fi, and its router", not: "hub",
		},
		"one office": {
			told: []string{lanTCP}, relays: []p2p.RelayWay{byHub}, carries: p2p.CarriesNetwork,
			kind: howNetwork, ok: true, says: "in its own network at 192.168.1.5:7351 (TCP); hub riverside is of that network, too, and relays",
		},
		"one machine": {
			told: []string{loopTCP}, carries: p2p.CarriesMachine, kind: howNetwork, ok: true, says: "in its own network at 127.0.0.1:7361 (TCP)",
		},
		"on the loopback, while the hub is in the LAN": {
			told: []string{loopTCP}, carries: p2p.CarriesNetwork, hubGone: true, kind: howNone, says: "not at all",
		},
	} {
		t.Run(name, func(t *testing.T) {
			st := standing{
				reach: p2p.Reach{Told: c.told, Proofs: c.proofs, Relays: c.relays}, announce: c.announce, listen: DefaultListen,
				hub: reachName(theHub), hubThere: !c.hubGone, hubEarlier: c.earlier, offline: c.offline, onlyWeb: c.onlyWeb, hubCarries: c.carries, now: now, name: reachName,
			}
			got := st.how()
			if got.kind != c.kind || got.ok != c.ok || !strings.Contains(got.text, c.says) || !strings.Contains(got.next, c.next) || c.not != "" && strings.Contains(got.text, c.not) {
				t.Errorf("%+v\nwant %s, %v: %q, %q", got, c.kind, c.ok, c.says, c.next)
			}
			if (c.earlier || c.offline || c.onlyWeb && c.hubGone) && strings.Contains(got.text+got.next, "orward port") {
				t.Errorf("the shop is to do what helps nobody: %+v", got)
			}
			if !got.ok && got.next == "" && len(st.announceProblems()) == 0 && st.untried() == "" {
				t.Errorf("what is wrong has no next step: %+v", got)
			}
		})
	}
}

// TestHubGone: what is said of a hub that is gone, by whether others are reached at their ports.
func TestHubGone(t *testing.T) {
	st := standing{hub: "hub riverside"}
	if got := st.hubGone("In reach without it: Acorn"); got != "hub riverside is not connected. In reach without it: Acorn" {
		t.Errorf("%q", got)
	}
	st.onlyWeb = true
	got := st.hubGone("No partner is in reach without it")
	for _, want := range []string{"This shop's network lets it out by TCP port 443 alone", "No partner is in reach without it. The own catalog, stock and orders can be worked on; what waits for a partner is sent by itself"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
}

// TestAnnounceProblems: each announced address that does not work is named, with the next step.
func TestAnnounceProblems(t *testing.T) {
	at := time.Date(2026, 6, 1, 14, 3, 0, 0, time.UTC)
	refuted := p2p.AddressProof{Address: publicTCP, Why: "refuses: the machine is there, but nothing listens, or a firewall rejects it", By: theHub, At: at}
	unresolved := p2p.AnnounceCheck{Address: named, Fault: p2p.AnnounceUnresolved, Why: "the name shop.example has no address; give it an A record"}
	private := p2p.AnnounceCheck{Address: lanTCP, Fault: p2p.AnnouncePrivate, Why: "192.168.1.5 is an address of a private network"}
	loop := p2p.AnnounceCheck{Address: loopTCP, Fault: p2p.AnnounceLoopback, Why: "127.0.0.1 is this machine's own loopback"}
	for name, c := range map[string]struct {
		announce []string
		checks   []p2p.AnnounceCheck
		proofs   []p2p.AddressProof
		carries  p2p.Carries
		want     []string // in each text
	}{
		"nothing announced":             {proofs: []p2p.AddressProof{refuted}},
		"it works":                      {announce: []string{publicTCP}, checks: []p2p.AnnounceCheck{{Address: publicTCP}}},
		"not reached":                   {announce: []string{publicTCP}, proofs: []p2p.AddressProof{refuted}, want: []string{"77.1.0.20:7351 (TCP) is announced, was tried from outside by hub riverside at 2026-06-01T14:03:00Z, and not reached: refuses: the machine is there, but nothing listens, or a firewall rejects it. Let TCP port 7351"}},
		"a name without an address":     {announce: []string{named}, checks: []p2p.AnnounceCheck{unresolved}, want: []string{"shop.example:7351 (TCP) is announced (announce in shop.toml): the name shop.example has no address"}},
		"told once, though tried, too":  {announce: []string{named}, checks: []p2p.AnnounceCheck{unresolved}, proofs: []p2p.AddressProof{{Address: named, Why: "no such host"}}, want: []string{"has no address"}},
		"private":                       {announce: []string{lanTCP}, checks: []p2p.AnnounceCheck{private}, want: []string{"private network"}},
		"private, as the hub is":        {announce: []string{lanTCP}, checks: []p2p.AnnounceCheck{private}, carries: p2p.CarriesNetwork},
		"the loopback, in an office":    {announce: []string{loopTCP}, checks: []p2p.AnnounceCheck{loop}, carries: p2p.CarriesNetwork, want: []string{"loopback"}},
		"the loopback, on one machine":  {announce: []string{loopTCP}, checks: []p2p.AnnounceCheck{loop}, carries: p2p.CarriesMachine},
		"several, each with its reason": {announce: []string{named, publicTCP}, checks: []p2p.AnnounceCheck{unresolved, {Address: publicTCP}}, proofs: []p2p.AddressProof{refuted}, want: []string{"shop.example", "77.1.0.20"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := standing{announce: c.announce, checks: c.checks, reach: p2p.Reach{Proofs: c.proofs}, hubCarries: c.carries, name: reachName}.announceProblems()
			if len(got) != len(c.want) {
				t.Fatalf("%q, want %q", got, c.want)
			}
			for i := range got {
				if !strings.Contains(got[i], c.want[i]) {
					t.Errorf("%q, want %q", got[i], c.want[i])
				}
			}
		})
	}
}

// TestOutOfReach: why a partner is not in reach, by what is known of its ways.
func TestOutOfReach(t *testing.T) {
	for name, c := range map[string]struct {
		known     p2p.KnownWays
		connected []exchange.ShopID
		online    string
		local     bool
		onlyWeb   bool
		want      string
	}{
		"its ways were the hub": {
			known: p2p.KnownWays{Relays: []exchange.ShopID{theHub}, Near: []string{lanTCP}},
			want:  "behind a router that lets nobody in; its ways were hub riverside and nobody else, out of reach now; no member that relays is known",
		},
		"the hub and a member, both gone": {
			known: p2p.KnownWays{Relays: []exchange.ShopID{theHub, acornShop}},
			want:  "its ways were hub riverside and the shop Acorn and nobody else",
		},
		"a member that relays does not find it": {
			known: p2p.KnownWays{Relays: []exchange.ShopID{theHub}, Others: []exchange.ShopID{cedarShop}}, connected: []exchange.ShopID{cedarShop},
			want: "out of reach now; nor is it found through the shop Cedar",
		},
		"other relays are gone, too": {
			known: p2p.KnownWays{Relays: []exchange.ShopID{theHub}, Others: []exchange.ShopID{cedarShop}},
			want:  "of other members that may relay (the shop Cedar) none is connected",
		},
		"the hub is there, and it is not": {
			known: p2p.KnownWays{Relays: []exchange.ShopID{theHub}}, connected: []exchange.ShopID{theHub},
			want: "hub riverside, through which it was reached, is connected and does not find it, so it is off or cut off",
		},
		"the hub has it, and does not get through": {
			known: p2p.KnownWays{Relays: []exchange.ShopID{theHub}}, connected: []exchange.ShopID{theHub}, online: "hub riverside",
			want: "behind a router that lets nobody in; it is online, says hub riverside",
		},
		"public, and off":       {known: p2p.KnownWays{Public: []string{publicTCP, publicQUIC}}, want: "no answer at 77.1.0.20:7351 (TCP) and 77.1.0.20:7351 (QUIC)"},
		"in some other network": {known: p2p.KnownWays{Near: []string{lanTCP}}, want: "addresses in its own network only (192.168.1.5:7351 (TCP)), and no relay"},
		"off, in one office": {
			known: p2p.KnownWays{Near: []string{lanTCP}, Relays: []exchange.ShopID{theHub}}, local: true, want: "no answer at 192.168.1.5:7351 (TCP)",
		},
		"behind a wall, the hub gone": {
			known: p2p.KnownWays{Public: []string{publicTCP}}, onlyWeb: true, want: "no answer at 77.1.0.20:7351 (TCP); this shop's network lets it out by TCP port 443 alone",
		},
		"never heard of": {want: "no address of it is known"},
	} {
		t.Run(name, func(t *testing.T) {
			got := outOfReach{c.known, reachName, func(s exchange.ShopID) bool { return slices.Contains(c.connected, s) }, c.online, c.local, c.onlyWeb}.why()
			if !strings.Contains(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestListed(t *testing.T) {
	for want, names := range map[string][]string{
		"": nil, "A": {"A"}, "A and B": {"A", "B"}, "A, B and C": {"A", "B", "C"}, "A, B, C, D and 2 more": {"A", "B", "C", "D", "E", "F"},
	} {
		t.Run(want, func(t *testing.T) {
			if got := listed(names, maxNamed); got != want {
				t.Errorf("%q", got)
			}
		})
	}
}
