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
// a partner learns the hold window and the feed's key, so it is said again when what
// it would say has changed: a partnership began or ended, a new day, a new key.
//
// It goes by what is, not by what is told of: events only make it look sooner, so
// that one lost in a flood of orders, or a hello that failed, is made good within
// [lookEvery].
type greeter struct {
	s    *Shop
	work sync.WaitGroup // hellos being said
	look wake.Signal    // the partners are to be looked at now

	mu      sync.Mutex
	greeted map[exchange.ShopID]helloState // guarded by mu: in the last hello to a connected partner
	busy    map[exchange.ShopID]bool       // guarded by mu: a hello is being said
}

// helloState is what of a hello must not grow old.
type helloState struct {
	buys, sells bool            // the partner's roles under a partnership in force
	window      exchange.Window // of the holds it may place
	key         [8]byte         // ID of the feed's key
	// head of the feed, only where the partner is connected through a relay: there
	// gossip does not go.
	head string
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

// lookNow has the partners looked at now.
func (g *greeter) lookNow() { g.look.Set() }

// note keeps what a hello to a partner says now. It is called as the hello is made.
func (g *greeter) note(to exchange.ShopID, greeting *message.Greeting) {
	now := g.stateOf(to, greeting, g.s.relayed()[to])
	g.mu.Lock()
	g.greeted[to] = now
	g.mu.Unlock()
}

// lost: the partner may not have heard the last hello, or is gone.
func (g *greeter) lost(to exchange.ShopID) {
	g.mu.Lock()
	delete(g.greeted, to)
	g.mu.Unlock()
}

func (g *greeter) stateOf(to exchange.ShopID, greeting *message.Greeting, relayed bool) helloState {
	now := helloState{
		buys:   slices.Contains(g.s.desk.Partnerships.Retailers(), to),
		sells:  slices.Contains(g.s.desk.Partnerships.Suppliers(), to),
		window: greeting.Window,
	}
	if greeting.FeedKey != nil {
		now.key = greeting.FeedKey.ID
	}
	if greeting.FeedHead != nil && relayed {
		now.head = string(greeting.FeedHead.Payload)
	}
	return now
}

// run looks until ctx ends and the last hello was said.
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
	relayed := g.s.relayed()
	for _, shop := range wanted {
		if !g.s.net.Connected(shop) {
			continue
		}
		greeting, err := g.s.desk.Ledgers.Greeting(shop)
		if err != nil {
			g.s.log.Error("making a greeting", "to", shop, "err", err)
			continue
		}
		now := g.stateOf(shop, greeting, relayed[shop])
		g.mu.Lock()
		due := !g.busy[shop] && g.greeted[shop] != now
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
