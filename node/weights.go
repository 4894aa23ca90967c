package node

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/node/api"
)

// Products without a weight, where shipping is priced by weight.

const (
	// weighedAtMost bounds the products that are looked at: some 50 ms.
	weighedAtMost = 20_000
	// weighEvery is how long a count of a catalog that changes is good: readiness is
	// asked every few seconds, and a count then takes 1% of one processor at most.
	weighEvery = 10 * time.Second
)

// weighing is the last count of products without a weight.
type weighing struct {
	mu      sync.Mutex
	of      message.FeedHead // the catalog it was made of
	at      exchange.Time
	problem []api.Problem
}

// weightProblems tells of products that a shipping table by weight cannot price.
func (s *Shop) weightProblems() []api.Problem {
	s.mu.Lock()
	zones := s.policy.Shipping.Zones
	s.mu.Unlock()
	if !slices.ContainsFunc(zones, func(z exchange.ShippingZone) bool { return len(z.Bands) > 0 }) {
		return nil
	}
	w := &s.weighed
	w.mu.Lock()
	defer w.mu.Unlock()
	own, _ := s.feeds.replicas.Status(s.me)
	if now := s.now(); w.at == 0 || own.Head != w.of && now.Sub(w.at) >= weighEvery {
		w.of, w.at, w.problem = own.Head, now, weigh(s.desk.Shelf)
	}
	return w.problem
}

func weigh(goods *shelf.Shelf) []api.Problem {
	count, first, whole, err := shelf.Survey{Shelf: goods}.Weightless(weighedAtMost)
	switch {
	case err != nil:
		return []api.Problem{{Name: "store", Blocks: true, Detail: err.Error()}}
	case count == 0:
		return nil
	}
	what := "1 product has no weight (" + string(first) + ")"
	switch {
	case !whole:
		what = fmt.Sprintf("%d of the first %d products have no weight (%s, …)", count, weighedAtMost, first)
	case count > 1:
		what = fmt.Sprintf("%d products have no weight (%s, …)", count, first)
	}
	return []api.Problem{{Name: "weights", Detail: what + ", and your shipping prices in " + configFile +
		" go by weight: such products are charged as if they weighed nothing. Import their weights, or give the zone a flat price"}}
}
