package api

import (
	"context"
	"errors"
	"strings"
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

// named is err with the shop's name where it has the shop's ID. Errors without a code pass through.
func (s *shops) named(ctx context.Context, err error, shop exchange.ShopID) error {
	var e *exchange.Error
	if !errors.As(err, &e) || !strings.Contains(err.Error(), shop.String()) {
		return err
	}
	return &exchange.Error{Code: e.Code, Message: strings.ReplaceAll(err.Error(), shop.String(), s.nameOf(ctx, shop)), Short: exchange.ShortLines(err)}
}

// fresh is member without what was known before.
func (s *shops) fresh(ctx context.Context, shop exchange.ShopID) (Member, bool) {
	s.mu.Lock()
	s.known = nil
	s.mu.Unlock()
	return s.member(ctx, shop)
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
