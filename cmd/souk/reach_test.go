package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/protocol/p2p"
)

func pageOf(write func(p *page)) string {
	var b bytes.Buffer
	write(&page{w: &b})
	return b.String()
}

func says(t *testing.T, shown string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(shown, want) {
			t.Errorf("it does not say %q:\n%s", want, shown)
		}
	}
}

func TestExplainPage(t *testing.T) {
	ways := &view.Ways{Name: "Birch", Summary: "Birch is not reached: behind a router that lets nobody in", Ways: []view.Way{
		{Path: p2p.PathOpen, Address: "/ip4/77.0.0.2/udp/7402/quic-v1/p2p/12D3KooWQmHXK2TKbTTFZ7gjnRL6fYEXKWwdmpo3rPYvPdpJXWFh/p2p-circuit", RelayName: "hub riverside", Reached: true, TookMS: 41.5},
		{Path: p2p.PathAddressBook, Address: "/ip4/77.1.0.21/tcp/7351", TookMS: 5000, Why: "no answer"},
		{Path: p2p.PathDHT, Address: "/ip4/77.1.0.21/udp/7351/quic-v1", TookMS: 12, Why: "refused: a machine answers there, and nothing listens at that port"},
		{Path: p2p.PathRelay, Address: "/p2p/12D3KooWQmHXK2TKbTTFZ7gjnRL6fYEXKWwdmpo3rPYvPdpJXWFh/p2p-circuit", RelayName: "the shop Acorn", Why: "not tried"},
	}}
	t.Run("not reached", func(t *testing.T) {
		says(t, pageOf(func(p *page) { explainPage(p, "Birch", ways, nil) }),
			"open connection through hub riverside", "a relay at 77.0.0.2:7402 (QUIC)", "41.50 ms", "✓ it is there",
			"its own address", "77.1.0.21:7351 (TCP)", "5.0 s", "✗ no answer", "found by the DHT", "through the shop Acorn",
			"\nBirch is not reached: behind a router that lets nobody in.\n")
	})
	t.Run("reached", func(t *testing.T) {
		d := &view.Dialed{Way: "directly, by QUIC", Address: "/ip4/77.1.0.21/udp/7351/quic-v1", RTTs: []float64{3.4, 3.2, 9}}
		says(t, pageOf(func(p *page) { explainPage(p, "Birch", ways, d) }),
			"\nBirch is reached directly, by QUIC, at 77.1.0.21:7351 (QUIC); a round trip takes 3.20 ms.\n")
	})
	t.Run("no way", func(t *testing.T) {
		says(t, pageOf(func(p *page) {
			explainPage(p, "Birch", &view.Ways{Summary: "Birch is not reached: no way to it is known"}, nil)
		}),
			"No way to Birch is known", "Birch is not reached")
	})
}

func TestMembersPage(t *testing.T) {
	seen := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	active := func(m view.Member) view.Member {
		m.Status = "active"
		return m
	}
	list := &view.Members{OnlineKnown: true, Members: []view.Member{
		active(view.Member{Name: "Acorn", Self: true, Online: true, Connected: true}),
		active(view.Member{Name: "Birch", Online: true, Connected: true, Transport: "relay", Way: "through hub riverside", OnlineBy: "hub riverside"}),
		active(view.Member{Name: "Cedar", Online: true, OnlineBy: "hub riverside"}),
		active(view.Member{Name: "Dill", LastSeen: seen}),
		active(view.Member{Name: "Elm"}),
		{Name: "Fern", Status: "left"},
	}}
	row := func(shown, name string) string {
		for line := range strings.Lines(shown) {
			if strings.HasPrefix(line, name) {
				return strings.Join(strings.Fields(line), " ")
			}
		}
		return ""
	}
	shown := pageOf(func(p *page) { membersPage(p, list, false) })
	for name, want := range map[string]string{
		"Acorn": "Acorn yes this shop", "Birch": "Birch yes through hub riverside", "Cedar": "Cedar yes, says hub riverside no",
		"Dill": "Dill no, last seen " + timeText(seen) + " no", "Elm": "Elm no no", "Fern": "",
	} {
		t.Run(name, func(t *testing.T) {
			if got := row(shown, name); !strings.HasPrefix(got, want) || want == "" && got != "" {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
	list.OnlineKnown = false
	shown = pageOf(func(p *page) { membersPage(p, list, true) })
	for name, want := range map[string]string{
		"Birch": "Birch yes", "Dill": "Dill unknown, last seen " + timeText(seen), "Elm": "Elm unknown no", "Fern": "Fern left",
	} {
		t.Run("nobody to ask, "+name, func(t *testing.T) {
			if got := row(shown, name); !strings.HasPrefix(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// TestDoctorsWays: what the doctor makes of the ways, and which marks it sets.
func TestDoctorsWays(t *testing.T) {
	of := func(partners ...view.PartnerWay) string {
		d := &diagnosis{}
		checkPartners(d, partners)
		return pageOf(func(p *page) { diagnosisPage(p, d) })
	}
	acorn := view.PartnerWay{Shop: exchange.ShopID{1}, Name: "Acorn", Connected: true, Way: "directly, by QUIC"}
	birch := view.PartnerWay{Shop: exchange.ShopID{2}, Name: "Birch", Away: true, Way: "no answer"}
	says(t, of(), "✓  partner  none yet")
	says(t, of(acorn), "✓  partner  1 partner, all in reach: Acorn directly, by QUIC")
	says(t, of(acorn, birch), "✓  partner  1 partner in reach: Acorn directly")
	says(t, of(birch), "!  partner  of 1 partner none is in reach")
	says(t, of(birch, view.PartnerWay{Name: "Cedar"}), "!  partner  of 2 partners none is in reach")
	known := &diagnosis{}
	known.warn(checkPartner, "Birch is not connected: no answer")
	if checkPartners(known, []view.PartnerWay{birch}); len(known.Findings) != 1 {
		t.Errorf("what is wrong with the one partner is said twice: %+v", known.Findings)
	}

	relaying := func(r view.Relaying) string {
		d := &diagnosis{}
		checkRelaying(d, r)
		return pageOf(func(p *page) { diagnosisPage(p, d) })
	}
	says(t, relaying(view.Relaying{}), `relay = "off" in shop.toml`)
	says(t, relaying(view.Relaying{Allowed: true}), "begins when a dial from outside has reached")
	says(t, relaying(view.Relaying{Allowed: true, Serving: true, Reservations: 3, Circuits: 1, Bytes: 12 << 20, MaxBytes: 2 << 30}),
		`3 ways kept for them, 1 connection open, 12.0 MiB of 2.0 GiB today (relay = "off" in shop.toml ends it)`)
}

// TestDoctorOffline: while this machine's own network is down, the doctor says so and nothing of ports,
// partners or relays.
func TestDoctorOffline(t *testing.T) {
	d := &diagnosis{}
	d.warn(checkNetwork, "%s", p2p.OfflineText)
	checkWays(d, &view.Reach{How: "offline", Summary: "not at all", Next: "Check its cable", Partners: []view.PartnerWay{{Name: "Birch", Away: true}}})
	if len(d.Findings) != 1 {
		t.Errorf("%+v", d.Findings)
	}
}
