package node

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/protocol/p2p"
)

// wayTo is by which way a shop is connected, of the peers that are now, or why it is not.
func (r *Reach) wayTo(shop exchange.ShopID, peers []p2p.PeerInfo) view.PartnerWay {
	w := view.PartnerWay{Shop: shop, Name: r.s.nameOf(shop)}
	i := slices.IndexFunc(peers, func(p p2p.PeerInfo) bool { return p.Shop == shop })
	if i < 0 {
		w.Away = r.away(shop)
		w.Way = r.whyAway(shop, w.Away)
		return w
	}
	w.Connected, w.Transport, w.Relay = true, peers[i].Transport, relayOf(peers[i])
	w.Way = r.wayText(peers[i])
	return w
}

// relayOf is through whose relay a peer is connected; zero where it is directly.
func relayOf(p p2p.PeerInfo) exchange.ShopID {
	if p.Direct || len(p.Addresses) == 0 {
		return exchange.ShopID{}
	}
	return p2p.RelayOf(p.Addresses[0])
}

// wayText is the way over which a peer is connected: "directly, by QUIC", "through hub riverside".
func (r *Reach) wayText(p p2p.PeerInfo) string {
	switch relay := relayOf(p); {
	case p.Direct && p.Transport == "quic":
		return "directly, by QUIC"
	case p.Direct:
		return "directly, by TCP"
	case relay.IsZero():
		return "through a relay"
	default:
		return "through " + r.nameOf(relay)
	}
}

// lookedFor is for how long a member that was lost is looked for before anything is said of its ways:
// a dial by all of them takes as long.
const lookedFor = 10 * time.Second

// away reports whether a shop is out of reach: dialed in vain since it was lost.
func (r *Reach) away(shop exchange.ShopID) bool {
	seen := r.lastSeen(shop)
	return r.s.net.Away(shop) && (seen == 0 || r.s.now().Sub(seen) >= lookedFor)
}

// whyAway says why a shop that is not connected is not in reach, by what is known of its ways.
func (r *Reach) whyAway(shop exchange.ShopID, away bool) string {
	switch {
	case r.s.net.Offline():
		return networkDown
	case !away && r.lastSeen(shop) != 0:
		return "its connection was lost just now, and it is being looked for"
	case !away:
		return "it is being looked for"
	}
	return outOfReach{r.s.net.KnownWays(shop), r.nameOf, r.s.net.Connected, r.onlineBy(shop), howFar(r.s.parts.Hub) != p2p.CarriesEverywhere, r.s.net.OnlyWeb()}.why()
}

// networkDown is p2p.OfflineText without what to do about it.
var networkDown, checkNetwork, _ = strings.Cut(p2p.OfflineText, ". ")

// outOfReach is what is known of the ways to a shop that is out of reach.
type outOfReach struct {
	known     p2p.KnownWays
	name      func(exchange.ShopID) string
	connected func(exchange.ShopID) bool
	online    string // who says that it is online; "" = nobody
	local     bool   // the federation is within one network
	onlyWeb   bool   // this network lets the shop out by TCP port 443 alone
}

func (a outOfReach) why() string {
	there, gone := a.split(a.known.Relays)
	var text string
	switch {
	case len(a.known.Public) > 0:
		text = "no answer at " + addressesText(a.known.Public)
	case a.local && len(a.known.Near) > 0:
		return "no answer at " + addressesText(a.known.Near)
	case len(a.known.Relays) > 0:
		text = "behind a router that lets nobody in"
	case len(a.known.Near) > 0:
		return "it told addresses in its own network only (" + addressesText(a.known.Near) + "), and no relay"
	default:
		return "no address of it is known; the hub or a member tells it once one is connected that knows it"
	}
	switch {
	case a.online != "":
		return text + "; it is online, says " + a.online + ", so that a way to it may open in a moment"
	case len(there) > 0:
		text += "; " + listed(there, maxNamed) + ", through which it was reached, is connected and does not find it, so it is off or cut off"
		return text
	case len(gone) > 0:
		text += "; its ways were " + listed(gone, maxNamed) + " and nobody else, out of reach now"
	}
	if a.onlyWeb {
		return text + "; " + onlyWeb
	}
	switch there, gone := a.split(a.known.Others); {
	case len(there) > 0:
		text += "; nor is it found through " + listed(there, maxNamed)
	case len(gone) > 0:
		text += "; of other members that may relay (" + listed(gone, maxNamed) + ") none is connected"
	default:
		text += "; no member that relays is known"
	}
	return text
}

// split names those of relays that are connected, and the others.
func (a outOfReach) split(relays []exchange.ShopID) (there, gone []string) {
	for _, r := range relays {
		if a.connected(r) {
			there = append(there, a.name(r))
		} else {
			gone = append(gone, a.name(r))
		}
	}
	return there, gone
}

func addressesText(list []string) string {
	texts := make([]string, len(list))
	for i, a := range list {
		texts[i] = p2p.AddressText(a)
	}
	return listed(texts, maxNamed)
}

// outlook says with which partners there is trade while the hub is gone; it begins a sentence. Why one
// is out of reach, a problem of its own says.
func (r *Reach) outlook() string {
	partners := r.partners()
	if len(partners) == 0 {
		return "This shop has no partners yet; it meets others when the hub is back"
	}
	peers := r.s.net.Peers()
	var in, out, unknown []string
	for _, shop := range partners {
		switch w := r.wayTo(shop, peers); {
		case w.Connected:
			in = append(in, w.Name+" ("+w.Way+")")
		case w.Away:
			out = append(out, w.Name)
		default:
			unknown = append(unknown, w.Name)
		}
	}
	var texts []string
	if len(in) > 0 {
		texts = append(texts, "In reach without it, so that trade goes on: "+listed(in, maxNamed))
	} else if len(unknown) == 0 {
		texts = append(texts, "No partner is in reach without it")
	}
	if len(unknown) > 0 {
		texts = append(texts, "Being looked for: "+listed(unknown, maxNamed))
	}
	if len(out) > 0 && len(in) > 0 {
		texts = append(texts, "Out of reach: "+listed(out, maxNamed))
	}
	return sentences(texts...)
}

// Ways tries every way to a member by itself.
func (r *Reach) Ways(ctx context.Context, shop exchange.ShopID) (view.Ways, error) {
	if err := r.mayDial(shop); err != nil {
		return view.Ways{}, err
	}
	tried, err := r.s.net.Explain(ctx, shop)
	if err != nil {
		return view.Ways{}, err
	}
	out := view.Ways{Shop: shop, Name: r.s.nameOf(shop), Ways: []view.Way{}}
	works := ""
	for _, t := range tried {
		w := view.Way{
			Path: t.Path, Address: t.Address, Relay: t.Relay, Reached: t.Reached,
			TookMS: float64(t.Took.Round(time.Microsecond)) / float64(time.Millisecond), Why: t.Why,
		}
		if !t.Relay.IsZero() {
			w.RelayName = r.nameOf(t.Relay)
		}
		if t.Reached && works == "" {
			if works = "at " + p2p.AddressText(t.Address); w.RelayName != "" {
				works = "through " + w.RelayName
			}
		}
		out.Ways = append(out.Ways, w)
	}
	now := r.wayTo(shop, r.s.net.Peers())
	out.Connected, out.Transport = now.Connected, now.Transport
	switch {
	case now.Connected:
		out.Summary = out.Name + " is connected " + now.Way
	case works != "":
		out.Summary = out.Name + " is not connected, and can be reached " + works
	case len(tried) == 0:
		out.Summary = out.Name + " is not reached: no way to it is known"
	default:
		out.Summary = out.Name + " is not reached: " + r.whyAway(shop, true)
	}
	return out, nil
}

// Online asks the connected hubs, and members that relay, who is connected to them.
func (r *Reach) Online(ctx context.Context) (by map[exchange.ShopID]string, known bool) {
	told, known := r.s.net.Online(ctx)
	by = make(map[exchange.ShopID]string, len(told))
	for shop, who := range told {
		by[shop] = r.nameOf(who)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.online, r.asked = by, r.s.now()
	return by, known
}

// onlineLasts is for how long it counts what a hub has said of who is online.
const onlineLasts = 30 * time.Second

// onlineBy is who has said just now that a shop is online; "" = nobody.
func (r *Reach) onlineBy(shop exchange.ShopID) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.s.now().Sub(r.asked) > onlineLasts {
		return ""
	}
	return r.online[shop]
}

// mayDial refuses to dial this shop itself, strangers, and shops that departed.
func (r *Reach) mayDial(shop exchange.ShopID) error {
	switch {
	case shop == r.s.me:
		return exchange.Errorf(exchange.CodeInvalid, "this is your own shop")
	case r.s.roster.IsMember(shop):
		return nil
	}
	if g := r.s.Departure(shop); g != nil {
		return exchange.Errorf(exchange.CodeNotMember, "%s is out of the federation, and no member may reach it: %s", r.s.nameOf(shop), g)
	}
	return exchange.Errorf(exchange.CodeNotMember, "%v is not a member of this federation; see souk members", shop)
}
