package api

import (
	"context"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
)

// namesFresh is how old a shop's name may be: the member list changes rarely, and
// is long.
const namesFresh = 10 * time.Second

// names are the shops' names by the member list, looked up once for many answers.
type names struct {
	members Members
	clock   exchange.Clock

	mu    sync.Mutex
	known map[exchange.ShopID]Member
	at    exchange.Time
}

// of is a shop's name, or the end of its ID.
func (n *names) of(ctx context.Context, shop exchange.ShopID) string {
	if m, ok := n.member(ctx, shop); ok && m.Name != "" {
		return m.Name
	}
	return shop.Short()
}

func (n *names) member(ctx context.Context, shop exchange.ShopID) (Member, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.clock.Now()
	m, ok := n.known[shop]
	if age := now.Sub(n.at); n.known == nil || age < 0 || age > namesFresh {
		list, err := n.members.Members(ctx)
		if err != nil {
			return m, ok
		}
		n.known, n.at = make(map[exchange.ShopID]Member, len(list)), now
		for _, m := range list {
			n.known[m.Shop] = m
		}
		m, ok = n.known[shop]
	}
	return m, ok
}
