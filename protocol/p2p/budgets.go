package p2p

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"
)

// budgets bound how often each member may have something done. They outlive its sessions; else it would
// connect anew to have a full one.
type budgets struct {
	rate  rate.Limit
	burst int

	mu sync.Mutex
	of map[peer.ID]*rate.Limiter // guarded by mu; those that are full are forgotten
}

func newBudgets(perSecond rate.Limit, burst int) *budgets {
	return &budgets{rate: perSecond, burst: burst, of: map[peer.ID]*rate.Limiter{}}
}

func (b *budgets) allow(p peer.ID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.of[p]
	if l == nil {
		for other, l := range b.of {
			if l.Tokens() >= float64(b.burst) {
				delete(b.of, other)
			}
		}
		l = rate.NewLimiter(b.rate, b.burst)
		b.of[p] = l
	}
	return l.Allow()
}
