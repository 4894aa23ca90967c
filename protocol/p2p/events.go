package p2p

import (
	"context"
	"sync"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/wake"
)

// events tells the application which members connected and disconnected, one call at a time. Its
// queue has at most one entry for a shop. The application learns the latest state, and learns of a
// reconnection; it does not learn of each change in between.
type events struct {
	connect, disconnect []func(exchange.ShopID) // fixed before run
	current             func(exchange.ShopID) uint64

	mu     sync.Mutex
	queue  []exchange.ShopID        // guarded by mu
	dirty  map[exchange.ShopID]bool // guarded by mu: in queue
	filled wake.Signal              // queue is not empty

	reported map[exchange.ShopID]uint64 // owned by run: the session that was last reported as connected
}

func newEvents() *events {
	return &events{dirty: map[exchange.ShopID]bool{}, filled: wake.New(), reported: map[exchange.ShopID]uint64{}}
}

// changed notes that shop's session was greeted or ended.
func (e *events) changed(shop exchange.ShopID) {
	e.mu.Lock()
	if !e.dirty[shop] {
		e.dirty[shop] = true
		e.queue = append(e.queue, shop)
	}
	e.mu.Unlock()
	e.filled.Set()
}

func (e *events) run(ctx context.Context) {
	for {
		select {
		case <-e.filled.C():
		case <-ctx.Done():
			return
		}
		for {
			e.mu.Lock()
			if len(e.queue) == 0 {
				e.mu.Unlock()
				break
			}
			shop := e.queue[0]
			e.queue = e.queue[1:]
			delete(e.dirty, shop)
			e.mu.Unlock()
			e.tell(shop)
		}
	}
}

func (e *events) tell(shop exchange.ShopID) {
	was, is := e.reported[shop], e.current(shop)
	if was == is {
		return
	}
	if was != 0 {
		delete(e.reported, shop)
		for _, f := range e.disconnect {
			f(shop)
		}
	}
	if is != 0 {
		e.reported[shop] = is
		for _, f := range e.connect {
			f(shop)
		}
	}
}

// OnConnect calls f after the first hello with a member, hubs included, and after each
// reconnection. Calls come one at a time, in order: f must not block for long. OnConnect is called
// before Start; each call adds a function.
func (n *Node) OnConnect(f func(exchange.ShopID)) { n.events.connect = append(n.events.connect, f) }

// OnDisconnect calls f when a member disconnected of which OnConnect's functions were told.
func (n *Node) OnDisconnect(f func(exchange.ShopID)) {
	n.events.disconnect = append(n.events.disconnect, f)
}
