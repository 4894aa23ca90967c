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

// shops answers what the operations say of other shops: their names, and the departure of a
// shop that is out of the federation. Names are looked up once for many answers.
type shops struct {
	members Members
	clock   exchange.Clock

	mu    sync.Mutex
	known map[exchange.ShopID]Member
	at    exchange.Time
}

// nameOf is a shop's name, or the end of its ID.
func (s *shops) nameOf(ctx context.Context, shop exchange.ShopID) string {
	if m, ok := s.member(ctx, shop); ok && m.Name != "" {
		return m.Name
	}
	return shop.Short()
}

func (s *shops) member(ctx context.Context, shop exchange.ShopID) (Member, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	m, ok := s.known[shop]
	if age := now.Sub(s.at); s.known == nil || age < 0 || age > namesFresh {
		list, err := s.members.Members(ctx)
		if err != nil {
			return m, ok
		}
		s.known, s.at = make(map[exchange.ShopID]Member, len(list)), now
		for _, m := range list {
			s.known[m.Shop] = m
		}
		m, ok = s.known[shop]
	}
	return m, ok
}
