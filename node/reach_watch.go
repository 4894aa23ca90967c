package node

import (
	"context"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

// watchEvery is how often the ways are looked at for the log. One look reads memory only.
const watchEvery = 5 * time.Second

// said is what the log was last told of the ways. Each is told once it has stayed for two looks: a
// start, and a hub that restarts, pass through several ways within seconds.
type said struct {
	how, howSeen   string                   // how members reach this shop, without its times
	hubSeen        bool                     // the hub was gone at the look before
	hub            bool                     // the log was told of life without it
	away, awaySeen map[exchange.ShopID]bool // partners out of reach
	announce       []string
	relaying       bool
}

// watch tells the log what changes about the ways, until ctx ends, and looks announced names up.
func (r *Reach) watch(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	resolve := time.NewTimer(0)
	defer resolve.Stop()
	for {
		select {
		case <-tick.C:
			r.tell(ctx)
		case <-resolve.C:
			resolve.Reset(r.resolve(ctx))
		case <-ctx.Done():
			return nil
		}
	}
}

// resolve checks the addresses that shop.toml announces, and returns when to do so again.
func (r *Reach) resolve(ctx context.Context) (again time.Duration) {
	announce := r.s.parts.Config.Announce
	if len(announce) == 0 {
		return resolveEvery
	}
	resolver := r.s.parts.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	checks := p2p.CheckAnnounced(ctx, resolver, announce)
	r.s.net.JudgeAnnounced(checks)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.announced = checks
	if slices.ContainsFunc(checks, func(c p2p.AnnounceCheck) bool { return c.Name != "" && c.Fault != 0 }) {
		return resolveFaulty
	}
	return resolveEvery
}

func (r *Reach) tell(ctx context.Context) {
	st := r.standing()
	r.tellHow(st)
	r.tellAnnounce(st)
	if !st.offline { // else tellHow has said why nobody is in reach
		r.tellPartners(ctx)
	}
	r.tellRelaying(st.reach.Use)
}

func (r *Reach) tellHow(st standing) {
	how := st.how()
	key := how.kind + strconv.FormatBool(how.ok) + st.relays()
	for _, p := range st.reach.Proven() {
		key += p.Address
	}
	stays := key == r.said.howSeen
	r.said.howSeen = key
	if !stays || key == r.said.how || !how.ok && !r.settled() {
		return
	}
	r.said.how = key
	if how.ok {
		r.s.log.Info("members reach this shop", "how", how.text)
	} else {
		r.s.log.Warn("members reach this shop", "how", how.text, "next", how.next)
	}
}

func (r *Reach) tellAnnounce(st standing) {
	wrong := st.announceProblems()
	faults := make([]string, len(wrong)) // without the times of the dials
	for i, w := range wrong {
		faults[i], _, _ = strings.Cut(w, " at ")
	}
	if slices.Equal(faults, r.said.announce) {
		return
	}
	r.said.announce = faults
	for _, w := range wrong {
		r.s.log.Warn("an announced address does not work", "why", w)
	}
	if len(wrong) == 0 {
		r.s.log.Info("the announced addresses work, as far as they were tried")
	}
}

// tellPartners tells which partners are out of reach, which are back, and what is left without the hub.
func (r *Reach) tellPartners(ctx context.Context) {
	if slices.ContainsFunc(r.partners(), func(shop exchange.ShopID) bool { return r.away(shop) && !r.said.away[shop] }) {
		r.Online(ctx) // a hub that has died without a word is noticed by it
	}
	gone := !r.s.net.Connected(r.hub())
	if gone && r.said.hubSeen && !r.said.hub && r.settled() {
		r.s.log.Warn("life without the hub", "partners", r.standing().hubGone(r.outlook()))
		r.said.hub = true
	}
	if r.said.hubSeen = gone; !gone {
		r.said.hub = false
	}
	away, stay := map[exchange.ShopID]bool{}, map[exchange.ShopID]bool{}
	var lost, back []string
	for _, shop := range r.partners() {
		if !r.away(shop) {
			if r.said.away[shop] && r.s.net.Connected(shop) {
				back = append(back, r.s.nameOf(shop))
			} else if r.said.away[shop] {
				stay[shop] = true // neither is known
			}
			continue
		}
		away[shop] = true
		switch {
		case r.said.away[shop]:
			stay[shop] = true
		case r.said.awaySeen[shop]:
			stay[shop] = true
			lost = append(lost, r.s.nameOf(shop)+": "+r.whyAway(shop, true))
		}
	}
	r.said.away, r.said.awaySeen = stay, away
	if len(lost) > 0 {
		r.s.log.Warn("partners are out of reach", "who", listed(lost, maxNamed))
	}
	if len(back) > 0 {
		r.s.log.Info("partners are back in reach", "who", listed(back, maxNamed))
	}
}

func (r *Reach) tellRelaying(use p2p.RelayUse) {
	if use.Serving == r.said.relaying {
		return
	}
	if r.said.relaying = use.Serving; use.Serving {
		r.s.log.Info("this shop carries sealed traffic for members that cannot reach each other",
			"most", strconv.FormatInt(use.MaxBytes>>20, 10)+" MB a day", "off", `relay = "off" in `+configFile)
	} else {
		r.s.log.Info("this shop carries no traffic for members any more")
	}
}
