package hub

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

const (
	// askEvery and askBurst bound one shop's questions for its status. A shop asks every few minutes,
	// its owner (souk doctor) now and then. A shop that lacks the whole list asks once for each MiB:
	// 16 MiB are 30,000 entries of some 500 bytes.
	askEvery = 10 * time.Second
	askBurst = 16
)

// askers bounds the questions of each shop. It has some 100 bytes for a shop that the list names,
// and nothing for another, so it does not outgrow the list.
type askers struct {
	mu   sync.Mutex
	rate map[exchange.ShopID]*rate.Limiter // guarded by mu
}

// allow reports whether a shop may ask again.
func (a *askers) allow(shop exchange.ShopID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.rate[shop]
	if l == nil {
		if a.rate == nil {
			a.rate = map[exchange.ShopID]*rate.Limiter{}
		}
		l = rate.NewLimiter(rate.Every(askEvery), askBurst)
		a.rate[shop] = l
	}
	return l.Allow()
}

// memberStatus gives the list, from an index on, to a shop that is or was in it. The closed host
// admits no revoked shop: a shop that was off when it was revoked hears of it here alone. The
// connection proves the shop's key. CodeNotMember: the list does not name the shop. CodeLimit: the
// shop asks too often.
func (h *Hub) memberStatus(shop exchange.ShopID, from uint64) ([]byte, error) {
	if _, known := h.list.roster.Member(shop); !known {
		return nil, exchange.Errorf(exchange.CodeNotMember, "the member list of %s does not name %s; a shop joins with an invite", h.parts.Federation.Label(), shop)
	}
	if !h.askers.allow(shop) {
		return nil, exchange.Errorf(exchange.CodeLimit, "%s asks too often for its status; ask again in %v", shop, askEvery)
	}
	return h.bundle(from, p2p.MaxOpenReply)
}
