package bridgetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
	"github.com/souk-market/souk/node/bridge/conformance"
)

// pageSize is how many changes and open asks a page has: few, so that small tests have several.
const pageSize = 3

// System is a shop's own system in memory. It is safe for concurrent use.
type System struct {
	mu      sync.Mutex
	shelves map[exchange.SKU]*shelf
	asks    map[exchange.HoldID]*ask
	log     []exchange.SKU // of each change, the product
	gone    int            // how many changes are forgotten; log[0] has this number
	ahead   time.Duration
	faults  Faults
	broken  rule
	locked  exchange.SKU // the first product of a hold under way, where broken is linesAsTheyCome
}

// shelf is the stock of one product, or of a pool.
type shelf struct {
	free int64
	at   exchange.Time
}

// ask is what the system keeps of an ID.
type ask struct {
	state         bridge.State
	lines         []bridge.Line // as asked, by SKU; nil of an ID that was released first
	rest          map[exchange.SKU]int64
	parts         map[uint32]bool
	made, expires exchange.Time // for the rules that it breaks by them
}

// NewSystem is a system with these products, none in stock.
func NewSystem(skus ...exchange.SKU) *System {
	s := &System{shelves: make(map[exchange.SKU]*shelf), asks: make(map[exchange.HoldID]*ask)}
	for _, sku := range skus {
		s.shelves[sku] = &shelf{}
		s.log = append(s.log, sku)
	}
	return s
}

// AddPool adds products that sell from one pool, which is empty.
func (s *System) AddPool(skus ...exchange.SKU) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pool := &shelf{}
	for _, sku := range skus {
		s.shelves[sku] = pool
		if s.broken == poolsApart {
			s.shelves[sku] = &shelf{}
		}
		s.log = append(s.log, sku)
	}
}

// SetFree sets how many units of a product are free; what is set aside stays so.
func (s *System) SetFree(_ context.Context, sku exchange.SKU, units int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.shelves[sku]
	if sh == nil {
		return fmt.Errorf("the system has no %s", sku)
	}
	s.add(sh, units-sh.free)
	return nil
}

// Free is how many units of a product are free.
func (s *System) Free(sku exchange.SKU) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sh := s.shelves[sku]; sh != nil {
		return sh.free
	}
	return 0
}

// Standing is where an ask stands, and whether the system knows it.
func (s *System) Standing(id exchange.HoldID) (bridge.State, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.asks[id]; a != nil {
		return a.state, true
	}
	return "", false
}

// Sell sells by the system's own checkout: all of the units or none.
func (s *System) Sell(_ context.Context, sku exchange.SKU, units int64) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.shelves[sku]
	if s.broken == checkoutBlind && sh != nil { // it counts its own shelf, with what is held
		units0 := sh.free
		for _, a := range s.asks {
			units0 += a.rest[sku]
		}
		if units0 >= units {
			s.add(sh, -units)
			return true, nil
		}
		return false, nil
	}
	if sh == nil || sh.free < units {
		return false, nil
	}
	s.add(sh, -units)
	return true, nil
}

// Ahead moves the system's clock on.
func (s *System) Ahead(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

// ForgetChanges forgets which changes there were: every cursor from before is a gap.
func (s *System) ForgetChanges(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone += len(s.log) + 1
	s.log = nil
	return nil
}

// Restart ends and starts the system: what it keeps stays.
func (s *System) Restart(context.Context) error {
	if s.broken == memoryOnly {
		s.Forget()
	}
	return nil
}

// Target is the system as the suite tries it, with every ability that it needs.
func (s *System) Target(skus, pool [2]exchange.SKU) conformance.Target {
	return conformance.Target{
		Bridge: s, SKUs: skus, Pool: pool,
		Stock: s.SetFree, Sell: s.Sell, Ahead: s.Ahead, Restart: s.Restart, Forget: s.ForgetChanges,
		Dying: func(step int) bridge.Bridge { return dying{s, step} },
	}
}

// add changes what is free of a shelf. The caller holds the lock.
func (s *System) add(sh *shelf, units int64) {
	sh.free += units
	sh.at = s.now()
	for sku, other := range s.shelves {
		if other == sh {
			s.log = append(s.log, sku)
		}
	}
}

func (s *System) now() exchange.Time { return exchange.TimeOf(time.Now().Add(s.ahead)) }

func sorted(lines []bridge.Line) []bridge.Line {
	out := slices.Clone(lines)
	slices.SortFunc(out, func(x, y bridge.Line) int {
		if x.SKU < y.SKU {
			return -1
		}
		return 1
	})
	return out
}
