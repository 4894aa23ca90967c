package node

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/protocol/p2p"
)

// Reach knows by which ways members reach this shop, and this shop its partners. It tells them to the
// owner: by the API, among the shop's problems, and in the log.
type Reach struct {
	s *Shop

	mu        sync.Mutex
	seen      map[exchange.ShopID]exchange.Time // guarded by mu: when a member was last connected
	hubThere  bool                              // guarded by mu: as the log was last told
	announced []p2p.AnnounceCheck               // guarded by mu: of the addresses of shop.toml, the latest
	online    map[exchange.ShopID]string        // guarded by mu: who is online by whose word, as last asked
	asked     exchange.Time                     // guarded by mu: when

	said said // owned by watch
}

var _ api.Reach = (*Reach)(nil)

func newReach(s *Shop) *Reach {
	return &Reach{s: s, seen: make(map[exchange.ShopID]exchange.Time)}
}

// Reach knows the ways between this shop and other members.
func (s *Shop) Reach() *Reach { return s.reach }

// noteSeen is told of every member that connects or disconnects.
func (r *Reach) noteSeen(shop exchange.ShopID) {
	connected := r.s.net.Connected(shop)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[shop] = r.s.now()
	if shop != r.hub() || connected == r.hubThere {
		return // a further connection opened or closed
	}
	if r.hubThere = connected; connected {
		r.s.log.Info("the hub is connected")
	} else {
		r.s.log.Warn("the hub is lost; which partners stay in reach is told when that has shown")
	}
}

// lastSeen is when a member was last connected; 0 = not since this shop started.
func (r *Reach) lastSeen(shop exchange.ShopID) exchange.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen[shop]
}

func (r *Reach) hub() exchange.ShopID { return r.s.parts.Hub.Closed.Peer }

// nameOf names a hub or a shop as a relay, or as who dialed.
func (r *Reach) nameOf(who exchange.ShopID) string {
	if who == r.hub() {
		return "hub " + r.s.parts.Federation.Name()
	}
	return "the shop " + r.s.nameOf(who)
}

// unreached says with names and times that a member was not reached, and what its owner
// can do. It returns other errors as they are.
func (r *Reach) unreached(shop exchange.ShopID, err error) error {
	var u *p2p.UnreachedError
	if !errors.As(err, &u) {
		return err
	}
	if r.s.net.Offline() {
		return exchange.Errorf(exchange.CodeUnavailable, "%s was not reached: %s", r.s.nameOf(shop), p2p.OfflineText)
	}
	seen := "not seen since this shop started"
	if at := r.lastSeen(shop); at != 0 {
		seen = "last seen " + at.String()
	}
	return exchange.Errorf(exchange.CodeUnavailable, "%s was not reached (%s): %s; it is off or cut off, so try again later or ask its owner",
		r.s.nameOf(shop), seen, strings.Join(u.Tried, ", "))
}

// partners are the other shops under terms in force, without those that departed, by ShopID.
func (r *Reach) partners() []exchange.ShopID {
	trades := r.s.desk.Partnerships
	all := append(trades.Suppliers(), trades.Retailers()...)
	slices.SortFunc(all, exchange.ShopID.Compare)
	return r.s.members(slices.Compact(all))
}

// Reach says how members reach this shop, and by which way it reaches each partner. It asks hubs and
// relays a question before, so that one that has died without a word is not named as connected.
func (r *Reach) Reach(ctx context.Context) (view.Reach, error) {
	r.Online(ctx)
	st := r.standing()
	out := view.Reach{
		Told: append([]string{}, st.reach.Told...), Tried: []view.AddressTried{}, Relays: []view.RelayWay{}, Partners: []view.PartnerWay{},
		Relaying: view.Relaying{
			Allowed: r.s.parts.Config.Relays(), Serving: st.reach.Use.Serving, Reservations: st.reach.Use.Reservations,
			Circuits: st.reach.Use.Circuits, Bytes: st.reach.Use.Bytes, MaxBytes: st.reach.Use.MaxBytes, Until: fullUntil(st.reach.Use),
		},
	}
	how := st.how()
	out.Hub = st.hubThere
	out.How, out.OK, out.Summary, out.Next = how.kind, how.ok, how.text, how.next
	for _, p := range st.reach.Proofs {
		out.Tried = append(out.Tried, view.AddressTried{
			Address: p.Address, Announced: slices.Contains(st.announce, p.Address), Reached: p.Reached, Why: p.Why,
			By: p.By, ByName: r.nameOf(p.By), At: p.At,
		})
	}
	for _, w := range st.reach.Relays {
		out.Relays = append(out.Relays, view.RelayWay{Shop: w.Shop, Name: r.nameOf(w.Shop), Hub: w.Hub, Since: w.Since, Until: w.Until})
	}
	peers := r.s.net.Peers()
	for _, shop := range r.partners() {
		out.Partners = append(out.Partners, r.wayTo(shop, peers))
	}
	return out, nil
}

// standing is what is known now of how members reach this shop.
func (r *Reach) standing() standing {
	r.mu.Lock()
	announced := r.announced
	r.mu.Unlock()
	cfg := r.s.parts.Config
	reach := r.s.net.Reach()
	return standing{
		hubEarlier: slices.Contains(reach.Earlier, r.hub()), offline: r.s.net.Offline(), onlyWeb: r.s.net.OnlyWeb(),
		reach: reach, announce: cfg.Announce, checks: announced, listen: cfg.Listen,
		hub: r.nameOf(r.hub()), hubThere: r.s.net.Connected(r.hub()), hubCarries: howFar(r.s.parts.Hub),
		now: r.s.now().Std(), name: r.nameOf,
	}
}

// settled reports that this shop runs for so long that its relays and proofs have had their time.
func (r *Reach) settled() bool { return r.s.now().Sub(r.s.started) >= startGrace }

// problems are what is to be mended about how members reach this shop.
func (r *Reach) problems() []api.Problem {
	st := r.standing()
	if st.offline {
		return []api.Problem{{Name: "network", Detail: p2p.OfflineText}}
	}
	var list []api.Problem
	for _, text := range st.announceProblems() {
		list = append(list, api.Problem{Name: "announce", Detail: text})
	}
	if how := st.how(); !how.ok && r.settled() {
		list = append(list, api.Problem{Name: "reach", Detail: sentences(how.text, how.next)})
	}
	if !st.hubThere {
		list = append(list, api.Problem{Name: "hub", Detail: st.hubGone(r.outlook())})
	}
	return list
}

// sentences joins texts, each of which begins a sentence and ends none; "" is left out.
func sentences(texts ...string) string {
	texts = slices.DeleteFunc(texts, func(s string) bool { return s == "" })
	return strings.Join(texts, ". ")
}

// listed joins names: "A, B and C". Beyond most it counts.
func listed(names []string, most int) string {
	if len(names) > most {
		names = append(slices.Clone(names[:most]), strconv.Itoa(len(names)-most)+" more")
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// resolveEvery is how often announced names are looked up again.
const resolveEvery = 30 * time.Minute

// resolveFaulty is the same while one of them does not resolve, or not to a public address.
const resolveFaulty = time.Minute

// fullUntil is until when a relay carries nothing more; nil where it does.
func fullUntil(u p2p.RelayUse) *time.Time {
	if u.Until.IsZero() {
		return nil
	}
	return &u.Until
}
