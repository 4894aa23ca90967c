package node

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/wake"
)

// greeter keeps partners connected and greeted. A hello is the only way in which
// a partner learns the hold window and the feed's key. So the greeter greets a partner again
// when the hello would say something new: a partnership began or ended, a new day, a new key.
//
// Invariant: within [lookEvery] the greeter compares the state of each connected partner with
// greeted, and says a hello where they differ. Events only make it look sooner: an event may be
// lost, and a hello may fail.
type greeter struct {
	s    *Shop
	work sync.WaitGroup // hellos under way
	look wake.Signal    // set: look at all partners now

	mu      sync.Mutex
	greeted map[exchange.ShopID]helloState // guarded by mu: what the last hello to a connected partner said
	busy    map[exchange.ShopID]bool       // guarded by mu: a hello is under way
}

// helloState is the part of a hello that must not grow old.
type helloState struct {
	buys, sells bool            // the partner's roles under a partnership in force
	window      exchange.Window // of the holds it may place
	key         [8]byte         // ID of the feed's key
	head        string          // of the feed
}

// differs reports whether now is news to a partner to whom was was said. A new head is none to a partner
// that hears the feed by gossip. Each partner of this version does; one of the version before takes no
// gossip through a relay.
func (was helloState) differs(now helloState, hears bool) bool {
	if hears {
		was.head = now.head
	}
	return was != now
}

// lookEvery bounds how long a partner may lack what a hello says. Looking costs a
// few reads for each partner: 500 of them take some ms.
const lookEvery = 2 * time.Second

func newGreeter(s *Shop) *greeter {
	return &greeter{
		s: s, look: wake.New(),
		greeted: make(map[exchange.ShopID]helloState), busy: make(map[exchange.ShopID]bool),
	}
}

// lookNow makes the greeter look at all partners now.
func (g *greeter) lookNow() { g.look.Set() }

// note records in greeted what a hello to a partner says. Hello calls it as it makes the hello.
func (g *greeter) note(to exchange.ShopID, greeting *message.Greeting) {
	now := g.stateOf(to, greeting)
	g.mu.Lock()
	g.greeted[to] = now
	g.mu.Unlock()
}

// lost forgets the last hello to a partner that disconnected, or that may not have received it.
func (g *greeter) lost(to exchange.ShopID) {
	g.mu.Lock()
	delete(g.greeted, to)
	g.mu.Unlock()
}

func (g *greeter) stateOf(to exchange.ShopID, greeting *message.Greeting) helloState {
	now := helloState{
		buys:   slices.Contains(g.s.desk.Partnerships.Retailers(), to),
		sells:  slices.Contains(g.s.desk.Partnerships.Suppliers(), to),
		window: greeting.Window,
	}
	if greeting.FeedKey != nil {
		now.key = greeting.FeedKey.ID
	}
	if greeting.FeedHead != nil {
		now.head = string(greeting.FeedHead.Payload)
	}
	return now
}

// run looks until ctx ends, and waits for the last hello.
func (g *greeter) run(ctx context.Context) error {
	defer g.work.Wait()
	events, stop := g.s.desk.Events.Watch()
	defer stop()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		g.partners(ctx)
		for wait := true; wait; {
			select {
			case e := <-events:
				_, changed := e.(event.Partnership)
				wait = !changed
			case <-g.look.C():
				wait = false
			case <-tick.C:
				wait = false
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// partners looks at every partner once.
func (g *greeter) partners(ctx context.Context) {
	wanted := g.s.members(g.s.desk.Partnerships.Counterparts())
	g.s.net.SetWanted(wanted)
	g.s.feeds.partnersChanged()
	hearers := g.s.feeds.hearers()
	for _, shop := range wanted {
		if !g.s.net.Connected(shop) {
			continue
		}
		greeting, err := g.s.desk.Ledgers.Greeting(shop)
		if err != nil {
			g.s.log.Error("making a greeting", "to", shop, "err", err)
			continue
		}
		now := g.stateOf(shop, greeting)
		g.mu.Lock()
		due := !g.busy[shop] && g.greeted[shop].differs(now, hearers[shop])
		if due {
			g.busy[shop] = true
		}
		g.mu.Unlock()
		if due {
			g.work.Go(func() { g.greet(ctx, shop) })
		}
	}
}

func (g *greeter) greet(ctx context.Context, shop exchange.ShopID) {
	err := g.s.net.Rehello(ctx, shop)
	if err != nil {
		g.s.log.Debug("greeting again", "shop", shop, "err", err)
		g.lost(shop)
	}
	g.mu.Lock()
	delete(g.busy, shop)
	g.mu.Unlock()
}
