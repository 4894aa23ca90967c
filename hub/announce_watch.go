package hub

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

const (
	// lookUpEvery is how often announced names are looked up, and watchEvery while one has a fault. What
	// members find at the addresses is looked at each watchEvery, in memory.
	lookUpEvery = 30 * time.Minute
	watchEvery  = time.Minute
)

// announced is what is known of the addresses that a running hub announces.
type announced struct {
	mu     sync.Mutex
	faults []string  // guarded by mu: of the names, as last looked up
	at     time.Time // guarded by mu: when

	told []string // owned by watchAnnounced: of what the log was told last
}

// watchAnnounced looks after the announced addresses until ctx ends, and tells the log what is wrong.
func (h *Hub) watchAnnounced(ctx context.Context) error {
	if len(h.parts.Config.Announce) == 0 {
		return nil
	}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		h.lookUpAnnounced(ctx, net.DefaultResolver, time.Now())
		h.tellAnnounced()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// lookUpAnnounced checks the announced names where that is due.
func (h *Hub) lookUpAnnounced(ctx context.Context, r p2p.Resolver, now time.Time) {
	a := &h.announced
	a.mu.Lock()
	due := a.at.IsZero() || len(a.faults) > 0 || now.Sub(a.at) >= lookUpEvery
	a.mu.Unlock()
	if !due {
		return
	}
	faults := h.AnnounceWarnings(ctx, r)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults, a.at = faults, now
}

// tellAnnounced tells the log what has changed.
func (h *Hub) tellAnnounced() {
	wrong := h.announceProblems()
	kinds := make([]string, len(wrong)) // without the times of dials
	for i, w := range wrong {
		kinds[i], _, _ = strings.Cut(w, " at ")
	}
	if slices.Equal(kinds, h.announced.told) {
		return
	}
	h.announced.told = kinds
	for _, w := range wrong {
		h.log.Warn("an announced address does not work", "why", w)
	}
	if len(wrong) == 0 {
		h.log.Info("the announced addresses work, as far as they were tried")
	}
}

// announceProblems are what is wrong with the announced addresses: with their names, and at those that a
// member which relays has dialed in vain.
func (h *Hub) announceProblems() []string {
	h.announced.mu.Lock()
	faults := slices.Clone(h.announced.faults)
	h.announced.mu.Unlock()
	named := func(host string) bool {
		return slices.ContainsFunc(faults, func(f string) bool { return strings.HasPrefix(f, host+" is announced") })
	}
	return append(faults, missedText(h.net.Reach().Proofs, h.parts.Config.announced(h.parts.Config.ClosedPort), named, h.shopName)...)
}

// missedText says of each announced address that a member has dialed in vain who did so and what is to be
// done. Those of a host that named has are left out: it was told of another fault.
func missedText(proofs []p2p.AddressProof, announced []string, named func(host string) bool, name func(exchange.ShopID) string) []string {
	var list []string
	for _, p := range proofs {
		if p.Reached || !slices.Contains(announced, p.Address) || named(hostOf(p.Address)) {
			continue
		}
		port, kind := p2p.Port(p.Address)
		list = append(list, fmt.Sprintf("%s is announced (announce in %s), was tried from outside by %s at %s, and not reached: %s. Let %s port %s through to this machine, and through its firewall",
			p2p.AddressText(p.Address), configFile, name(p.By), p.At.UTC().Format(time.RFC3339), p.Why, kind, port))
	}
	return list
}

// hostOf is the name or IP address with which a multiaddr begins, as announce has it.
func hostOf(address string) string {
	if parts := strings.Split(address, "/"); len(parts) > 2 {
		return parts[2]
	}
	return ""
}

// shopName names a member as who dialed.
func (h *Hub) shopName(shop exchange.ShopID) string {
	if m, known := h.list.roster.Member(shop); known {
		return "the shop " + m.Name
	}
	return "a member"
}
