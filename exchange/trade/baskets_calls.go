package trade

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/souk-market/souk/exchange"
)

// basketCalls is what is in memory of the calls about baskets, and of baskets that no call works on. It
// is safe for concurrent use.
type basketCalls struct {
	mu sync.Mutex
	// busy has the baskets that a call works on, whatever their window; the channel is closed when it
	// leaves. Guarded by mu, as what follows.
	busy map[exchange.BasketID]chan struct{}
	// waits are closed when their basket changes.
	waits map[exchange.BasketID]chan struct{}
	// asking are the baskets whose suppliers a caller is asking: until all have answered, or it has
	// left, what one of them says has no consequences, so that each line that is short is told.
	asking map[exchange.BasketID]bool
	// resumed are the baskets that this process has found HOLDING: whether their caller was told that
	// they are held, only their suppliers know.
	resumed map[exchange.BasketID]bool
	// abandoned are the baskets whose caller has left and whose record could not be stored.
	abandoned map[exchange.BasketID]bool
	// behind says that open baskets may not know what has become of their parts.
	behind bool
}

func newBasketCalls() basketCalls {
	return basketCalls{
		busy: make(map[exchange.BasketID]chan struct{}), waits: make(map[exchange.BasketID]chan struct{}),
		asking: make(map[exchange.BasketID]bool), resumed: make(map[exchange.BasketID]bool), abandoned: make(map[exchange.BasketID]bool),
	}
}

// whole is the name under which calls about a basket keep each other off: a repeat may come in the
// next window.
func whole(id exchange.BasketID) exchange.BasketID {
	return exchange.NewHoldID(0, [12]byte(id[4:]))
}

// enter waits until no other call works on a basket, and keeps others off until leave is called.
func (c *basketCalls) enter(ctx context.Context, id exchange.BasketID) (leave func(), err error) {
	id = whole(id)
	for {
		c.mu.Lock()
		other := c.busy[id]
		if other == nil {
			mine := make(chan struct{})
			c.busy[id] = mine
			c.mu.Unlock()
			return func() {
				c.mu.Lock()
				delete(c.busy, id)
				c.mu.Unlock()
				close(mine)
			}, nil
		}
		c.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, exchange.Errorf(exchange.CodeUnavailable, "another call works on this basket; try again later")
		}
	}
}

func (c *basketCalls) setAsking(id exchange.BasketID, asking bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if asking {
		c.asking[id] = true
	} else {
		delete(c.asking, id)
	}
}

func (c *basketCalls) isAsking(id exchange.BasketID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asking[id]
}

// changes is closed when a basket changes next.
func (c *basketCalls) changes(id exchange.BasketID) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed := c.waits[id]
	if changed == nil {
		changed = make(chan struct{})
		c.waits[id] = changed
	}
	return changed
}

// wake wakes who waits for a basket.
func (c *basketCalls) wake(id exchange.BasketID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if changed := c.waits[id]; changed != nil {
		close(changed)
		delete(c.waits, id)
	}
}

func (c *basketCalls) resume(id exchange.BasketID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resumed[id] = true
}

func (c *basketCalls) abandon(id exchange.BasketID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abandoned[id] = true
}

// unattended are the baskets that a crash, or a caller, has left HOLDING.
func (c *basketCalls) unattended() (ids []exchange.BasketID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range c.resumed {
		ids = append(ids, id)
	}
	for id := range c.abandoned {
		if !c.resumed[id] {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, compareIDs)
	return ids
}

func compareIDs(a, b exchange.BasketID) int { return bytes.Compare(a[:], b[:]) }

// left is what is known of an unattended basket: whether a call works on it now, and whether its caller
// has left in this process.
func (c *basketCalls) left(id exchange.BasketID) (busy, abandoned bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.busy[whole(id)] != nil, c.abandoned[id]
}

// attended forgets an unattended basket.
func (c *basketCalls) attended(id exchange.BasketID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.resumed, id)
	delete(c.abandoned, id)
}

func (c *basketCalls) setBehind(behind bool) (before bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, c.behind = c.behind, behind
	return before
}
