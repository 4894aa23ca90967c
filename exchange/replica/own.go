package replica

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/wake"
)

// Own reads the shop's own catalog from the shelf. The package's doc says how search uses it.
type Own struct {
	Shop exchange.ShopID
	// Product is a product as the shop offers it now, with its exact availability; ok is
	// false if the shop does not offer it. Product sees every write that was answered.
	Product func(exchange.SKU) (p exchange.Product, ok bool, err error)
}

// late are the own products that the index may lack, or have otherwise than the shop offers
// them. A product is late from the call of add that names it until drop.
type late struct {
	mu      sync.Mutex              // guards skus and added
	skus    map[exchange.SKU]uint64 // with the number of the last call of add that named the product
	added   uint64                  // calls of add
	some    wake.Signal             // set by add
	reading sync.Mutex              // held by a search that reads more than manyLate late products
}

// manyLate is how many late products a search reads while other searches read theirs: some
// 20 ms. Of searches with more, one reads at a time, so that holds and orders keep a processor.
const manyLate = 1000

func (l *late) add(skus []exchange.SKU) {
	if len(skus) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.skus == nil {
		l.skus = make(map[exchange.SKU]uint64)
	}
	l.added++
	for _, sku := range skus {
		l.skus[sku] = l.added
	}
	l.some.Set()
}

// last is the number of the latest call of add; 0 where nothing is late.
func (l *late) last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.skus) == 0 {
		return 0
	}
	return l.added
}

// drop forgets the products that no call of add after the given number named.
func (l *late) drop(number uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.skus, func(_ exchange.SKU, of uint64) bool { return of <= number })
	if len(l.skus) == 0 {
		l.skus = nil
	}
}

// all are the late products now.
func (l *late) all() map[exchange.SKU]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.skus)
}

func (r *Replicas) isOwn(shop exchange.ShopID) bool {
	return r.cfg.Own != nil && shop == r.cfg.Own.Shop
}

// lateIn are the products of a view that search reads whatever its index says.
func (s *search) lateIn(v *view) map[exchange.SKU]uint64 {
	if !s.r.isOwn(v.shop) {
		return nil
	}
	return s.late
}

// findLate reads late products and returns those that the search finds, with the score that
// the index would give each or, for a list, the title that the index would list it by.
func (s *search) findLate(v *view, skus map[exchange.SKU]uint64) ([]candidate, error) {
	if len(skus) > manyLate {
		s.r.late.reading.Lock()
		defer s.r.late.reading.Unlock()
	}
	var found []candidate
	for sku := range skus {
		p, ok, err := s.r.cfg.Own.Product(sku)
		if err != nil {
			return nil, err
		}
		if !ok || !s.accepts(p) {
			continue
		}
		c := candidate{view: v, sku: sku}
		if len(s.words) > 0 {
			if c.score, ok = catalog.Score(s.words, catalog.Tokens(p)); !ok {
				continue
			}
		}
		if s.q.Group != "" {
			c.score += 2 // the group's token, matched in full
		}
		if c.score == 0 { // a list's
			c.title = titlePlace(&p)
		}
		found = append(found, c)
	}
	return found, nil
}

// lateRow is a late product and its place in the list of titles.
type lateRow struct {
	key string // of the index row, without the generation
	candidate
}

// lateRows are the late products that the search lists at or after a key, in the list's order.
func (s *search) lateRows(v *view, skus map[exchange.SKU]uint64, from []byte) ([]lateRow, error) {
	found, err := s.findLate(v, skus)
	if err != nil {
		return nil, err
	}
	var rows []lateRow
	for _, c := range found {
		if key := c.title + "\x00" + string(c.sku); key >= string(from) {
			rows = append(rows, lateRow{key, c})
		}
	}
	slices.SortFunc(rows, func(a, b lateRow) int { return strings.Compare(a.key, b.key) })
	return rows, nil
}

// reached waits until the live copy of a shop's catalog has all changes up to a position.
func (r *Replicas) reached(ctx context.Context, shop exchange.ShopID, at catalog.Position) error {
	p := r.replica(shop)
	for {
		p.mu.Lock()
		there := p.live.Number != 0 && p.live.position().Compare(at) >= 0
		if p.moved == nil {
			p.moved = make(chan struct{})
		}
		moved := p.moved
		p.mu.Unlock()
		if there {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
