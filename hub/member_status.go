package hub

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

const (
	// askEvery and askBurst bound one shop's questions for its status. A shop asks every few minutes, its
	// owner (souk doctor) now and then; who lacks the whole list asks once for each MiB, and 16 of those
	// are a list of 30,000 entries of some 500 bytes.
	askEvery = 10 * time.Second
	askBurst = 16
)

// askers bounds what each shop asks. Only shops that the list names have a place in it, some 100 bytes
// each, so it does not outgrow the list.
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

// memberStatus tells a shop that is or was in the list what the list says. The closed host admits no shop
// that was revoked, so one that was off when it happened has no other way to hear of it. The
// connection proves whose key asks. CodeNotMember: the list does not name it; CodeLimit: it asks too often.
func (h *Hub) memberStatus(shop exchange.ShopID, from uint64) ([]byte, error) {
	if _, known := h.list.roster.Member(shop); !known {
		return nil, exchange.Errorf(exchange.CodeNotMember, "the member list of %s does not name %s; a shop joins with an invite", h.parts.Federation.Label(), shop)
	}
	if !h.askers.allow(shop) {
		return nil, exchange.Errorf(exchange.CodeLimit, "%s asks too often for its status; ask again in %v", shop, askEvery)
	}
	return h.bundle(from, p2p.MaxOpenReply)
}
