package node

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

// standing is what is known of how members reach a shop, for the texts that its owner reads.
type standing struct {
	reach      p2p.Reach
	announce   []string            // of shop.toml
	checks     []p2p.AnnounceCheck // of announce; none yet just after the start
	listen     []string            // of shop.toml
	hub        string              // "hub riverside"
	hubThere   bool
	hubEarlier bool        // it is connected, and of the version before shops were dialed back
	offline    bool        // this machine's own network is down
	onlyWeb    bool        // this network lets the shop out by TCP port 443 alone
	hubCarries p2p.Carries // from where the hub is reached
	now        time.Time
	name       func(exchange.ShopID) string // "hub riverside", "the shop Acorn"
}

// Kinds of ways in: values of view.Reach.How.
const (
	howDirect  = "direct"
	howRelay   = "relay"
	howNetwork = "network"
	howUntried = "untried"
	howNone    = "none"
	howOffline = "offline"
)

// wayIn is how members reach a shop, for its owner.
type wayIn struct {
	kind string
	ok   bool   // nothing is to be mended
	text string // begins no sentence and ends none
	next string // what the owner may do; begins a sentence and ends none; "" = nothing
}

// proofLasts is for how long a proof stands while nobody tries again.
const proofLasts = 2*p2p.ProbeEvery + p2p.ProbeEvery/2

// how says how members reach the shop. What a dial from outside has found counts before what is told.
func (s standing) how() wayIn {
	failing := len(s.refuted()) > 0
	proven, relays := s.proven(), s.relays()
	switch {
	case s.offline:
		return wayIn{kind: howOffline, text: "not at all: " + networkDown, next: checkNetwork}
	case len(proven) > 0:
		w := wayIn{kind: howDirect, ok: !failing, text: "direct at " + s.provenText(proven)}
		if relays != "" {
			w.text += "; besides through relay: " + relays
		}
		if s.now.Sub(proven[0].At) > proofLasts {
			w.ok = false
			switch {
			case s.hubEarlier:
				w.text, w.next = w.text+"; not tried since: "+s.earlier(), upgradeHub
			case s.hubThere:
				w.text, w.next = w.text+"; not tried since", s.hub+" tries it again by itself; look again later"
			default:
				w.text += "; not tried since, because neither a hub nor a member that relays is connected directly"
				w.next = "See why " + s.hub + " is not connected"
			}
		}
		return w
	case s.hubCarries != p2p.CarriesEverywhere && s.withinNetwork() != "":
		text := "in its own network at " + s.withinNetwork() + "; " + s.hub + " is of that network, too"
		if relays != "" {
			text += ", and relays"
		}
		return wayIn{kind: howNetwork, ok: true, text: text}
	case relays != "":
		w := wayIn{kind: howRelay, ok: !failing, text: "through relay: " + relays}
		if untried := s.untried(); untried != "" {
			w.ok = false
			w.text += "; whether also directly at " + untried + ", was not tried from outside yet"
			if s.hubEarlier {
				w.text = strings.TrimSuffix(w.text, " yet")
			}
		}
		w.next = "That suffices; direct is only faster: for it " + s.forward()
		if !slices.ContainsFunc(s.reach.Relays, func(r p2p.RelayWay) bool { return !r.Hub }) {
			w.text += "; no member relays for it, so while that is gone nobody but its own network connects to it"
			w.next = "That suffices while " + s.hub + " is there; to be reached without it, and faster, " + s.forward()
		}
		if failing { // each failing address has a line of its own, with the next step
			w.next = ""
		} else if s.hubEarlier {
			w.text, w.next = w.text+"; "+s.earlier(), upgradeHub
		}
		return w
	case s.untried() != "":
		return wayIn{
			kind: howUntried, text: "perhaps at " + s.untried() + ": that was not tried from outside yet, and no relay takes calls for this shop",
			next: s.waits(),
		}
	}
	return s.notAtAll()
}

// Of a shop whose network lets it out by TCP port 443 alone, while the hub is gone.
const (
	onlyWeb     = "this shop's network lets it out by TCP port 443 alone"
	openTheWall = "Have this network's firewall let TCP and UDP out to port 7351, where members listen"
)

// notAtAll is the way in of a shop to which nobody can connect.
func (s standing) notAtAll() wayIn {
	why := "it has no public address of its own"
	if missed := s.missed(); missed != "" {
		why = "no dial from outside came in (" + missed + ")"
	}
	const allTheSame = ". Partners that this shop reaches itself trade with it all the same"
	switch {
	case s.hubEarlier:
		return wayIn{kind: howNone, text: "not at all, because " + why + ", and " + s.hub + ", which is of an earlier version, gives no reservation" + allTheSame, next: upgradeHub}
	case s.hubThere:
		return wayIn{kind: howNone, text: "not at all, because " + why + ", and " + s.hub + " gives no reservation" + allTheSame, next: sentenceOf(s.forward())}
	case s.onlyWeb:
		return wayIn{kind: howNone, text: "not at all: " + onlyWeb + ", and " + s.hub + ", which it reached there, is not connected", next: openTheWall}
	}
	return wayIn{
		kind: howNone, text: "not at all while " + s.hub + ", which relays, is not connected, because " + why + ", and no member that relays is known or in reach" + allTheSame,
		next: "This ends when the hub is back; to be reached without it, " + s.forward(),
	}
}

// missed says at which addresses dials from outside did not come in, and why. Ports that a router has drawn
// for outgoing connections are left out where others are there: nobody can do anything about them.
func (s standing) missed() string {
	var proofs []p2p.AddressProof
	for _, p := range s.reach.Proofs {
		if !p.Reached {
			proofs = append(proofs, p)
		}
	}
	mine := func(p p2p.AddressProof) bool {
		port, kind := p2p.Port(p.Address)
		return slices.ContainsFunc(slices.Concat(s.listen, s.announce), func(a string) bool {
			own, ownKind := p2p.Port(a)
			return own == port && ownKind == kind
		})
	}
	if slices.ContainsFunc(proofs, mine) {
		proofs = slices.DeleteFunc(proofs, func(p p2p.AddressProof) bool { return !mine(p) })
	}
	var texts []string
	for _, p := range proofs[:min(len(proofs), maxNamed)] {
		texts = append(texts, p2p.AddressText(p.Address)+": "+p.Why)
	}
	return strings.Join(texts, "; ")
}

// upgradeHub is what is to be done about a hub of the version before.
const upgradeHub = "Ask its operator to upgrade the hub; the shop needs no change"

// earlier says what a hub of the version before does not do.
func (s standing) earlier() string {
	return s.hub + " is of an earlier version, which tries no shop's addresses from outside"
}

func sentenceOf(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// hubGone says that the hub is not connected and, after outlook, what still works and what is to be done.
func (s standing) hubGone(outlook string) string {
	gone := s.hub + " is not connected"
	if !s.onlyWeb {
		return sentences(gone, outlook)
	}
	return sentences(gone, sentenceOf(onlyWeb)+", so that of others it reaches only those who listen there", outlook,
		"The own catalog, stock and orders can be worked on; what waits for a partner is sent by itself when the hub is back")
}

// waits says what an address that was not tried waits for.
func (s standing) waits() string {
	switch {
	case s.hubEarlier:
		return sentenceOf(s.earlier()) + ". " + upgradeHub
	case s.hubThere:
		return "The hub tries it within seconds; look again"
	}
	return "It is tried once the hub, or a member that relays, is connected; see why " + s.hub + " is not"
}

// forward says how the shop becomes reached directly; it begins no sentence.
func (s standing) forward() string {
	var ports, kinds []string
	for _, a := range s.listen {
		port, kind := p2p.Port(a)
		if port == "" || port == "0" {
			continue
		}
		if !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	if len(ports) == 0 {
		return "give it a port of its own (listen in " + configFile + "), forward that in the router to this machine and let it through this machine's firewall"
	}
	text := "forward port " + listed(ports, maxNamed) + ", " + listed(kinds, maxNamed) + ", in the router to this machine, and let it through this machine's firewall"
	if len(s.announce) == 0 { // that the shop finds itself only where the ports are the same
		text += ` (if the router's port has another number, add announce = ["/ip4/` + s.outerAddress() + `/tcp/NUMBER"] to ` + configFile + `)`
	}
	return text
}

// outerAddress is the public IPv4 address from which others see this shop come, or what to look for.
func (s standing) outerAddress() string {
	for _, p := range s.reach.Proofs {
		if ip, ok := strings.CutPrefix(p.Address, "/ip4/"); ok {
			ip, _, _ = strings.Cut(ip, "/")
			return ip
		}
	}
	return "ROUTER"
}

// proven are the told addresses at which a dial from outside came in, the latest first. One that is not
// told helps nobody.
func (s standing) proven() []p2p.AddressProof {
	proven := slices.DeleteFunc(s.reach.Proven(), func(p p2p.AddressProof) bool { return !slices.Contains(s.reach.Told, p.Address) })
	slices.SortStableFunc(proven, func(a, b p2p.AddressProof) int { return b.At.Compare(a.At) })
	return proven
}

// provenText names the proven addresses, and who dialed the newest one when.
func (s standing) provenText(proven []p2p.AddressProof) string {
	var at []string
	for _, p := range proven {
		at = append(at, p2p.AddressText(p.Address))
	}
	return listed(at, maxNamed) + ", proven by " + s.name(proven[0].By) + " at " + stamp(proven[0].At)
}

// stamp is a time as messages have it; see package exchange.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// relays names the relays that take calls for the shop, hubs first; "" = none.
func (s standing) relays() string {
	var hubs, shops []string
	for _, r := range s.reach.Relays {
		if name := s.name(r.Shop); r.Hub {
			hubs = append(hubs, name)
		} else {
			shops = append(shops, name)
		}
	}
	return listed(append(hubs, shops...), 2*maxNamed)
}

// withinNetwork are the told addresses that carry as far as the hub's, which is not everywhere.
func (s standing) withinNetwork() string {
	var near []string
	for _, a := range s.reach.Told {
		if p2p.RelayOf(a).IsZero() && p2p.HowFar(a) <= s.hubCarries {
			near = append(near, p2p.AddressText(a))
		}
	}
	return listed(near, maxNamed)
}

// untried are the told public addresses that nobody has dialed from outside; "" = none.
func (s standing) untried() string {
	var list []string
	for _, a := range s.reach.Told {
		tried := slices.ContainsFunc(s.reach.Proofs, func(p p2p.AddressProof) bool { return p.Address == a })
		if !tried && p2p.RelayOf(a).IsZero() && p2p.HowFar(a) == p2p.CarriesEverywhere {
			list = append(list, p2p.AddressText(a))
		}
	}
	return listed(list, maxNamed)
}

// refuted are the announced addresses that a dial from outside did not reach.
func (s standing) refuted() []p2p.AddressProof {
	return slices.DeleteFunc(slices.Clone(s.reach.Proofs), func(p p2p.AddressProof) bool {
		return p.Reached || !slices.Contains(s.announce, p.Address)
	})
}

// announceProblems are what is wrong with announced addresses, with the next step for each.
func (s standing) announceProblems() []string {
	var list []string
	named := map[string]bool{}
	for _, c := range s.checks {
		if c.Fault == 0 || s.suffices(c.Fault) {
			continue
		}
		named[c.Address] = true
		list = append(list, sentences(fmt.Sprintf("%s is announced (announce in %s): %s", p2p.AddressText(c.Address), configFile, c.Why), toldTo(c.Fault)))
	}
	for _, p := range s.refuted() {
		if named[p.Address] {
			continue
		}
		port, kind := p2p.Port(p.Address)
		list = append(list, fmt.Sprintf("%s is announced, was tried from outside by %s at %s, and not reached: %s. Let %s port %s of the router through to this machine's port, and through its firewall; or take the address out of announce in %s",
			p2p.AddressText(p.Address), s.name(p.By), stamp(p.At), p.Why, kind, port, configFile))
	}
	return list
}

// toldTo says who is told of an announced address with a fault; "" = everybody. It begins a sentence.
func toldTo(f p2p.AnnounceFault) string {
	switch f {
	case p2p.AnnouncePrivate:
		return "Until then it is told only to members in such a network and to those met through a relay"
	case p2p.AnnounceUnresolved:
		return "Until then it is told to nobody"
	}
	return ""
}

// suffices reports that a fault is none within the network to which the hub belongs.
func (s standing) suffices(f p2p.AnnounceFault) bool {
	switch f {
	case p2p.AnnouncePrivate:
		return s.hubCarries >= p2p.CarriesNetwork
	case p2p.AnnounceLoopback:
		return s.hubCarries >= p2p.CarriesMachine
	}
	return false
}

// maxNamed bounds the addresses, relays or partners that one text names.
const maxNamed = 4
