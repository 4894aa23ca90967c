package desk_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/order"
)

// wallClock is the bubble's time in tests with running desks.
type wallClock struct{}

func (wallClock) Now() exchange.Time { return exchange.TimeOf(time.Now()) }

// wires connect running desks; the n-th message of each is lost.
type wires struct {
	from  exchange.ShopID
	desks map[exchange.ShopID]*desk.Desk
	loses int

	mu   sync.Mutex
	sent int
}

func (w *wires) Request(ctx context.Context, to exchange.ShopID, raw []byte) ([]byte, error) {
	w.mu.Lock()
	w.sent++
	lost := w.loses > 0 && w.sent%w.loses == 0
	w.mu.Unlock()
	time.Sleep(20 * time.Millisecond) // of the bubble
	if lost {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return w.desks[to].Serve(ctx, w.from, raw)
}

// run lets the shops' desks run in the bubble's time, and returns when it is the
// world's; stop ends them.
func (w *world) run(loses int) (stop func()) {
	w.t.Helper()
	time.Sleep(w.now.Sub(exchange.TimeOf(time.Now()))) // making partners took the world some time
	desks := map[exchange.ShopID]*desk.Desk{}
	ran := make(chan error, len(w.shops))
	running, cancel := context.WithCancel(w.t.Context())
	for _, s := range w.shops {
		cfg := s.config()
		cfg.Inline, cfg.Clock, cfg.Network = false, wallClock{}, &wires{from: s.id, desks: desks, loses: loses}
		var err error
		s.desk, err = desk.Open(cfg)
		must(w.t, err)
		desks[s.id] = s.desk
	}
	for _, s := range w.shops {
		go func() { ran <- s.desk.Run(running) }()
	}
	return func() {
		cancel()
		for range w.shops {
			must(w.t, <-ran)
		}
	}
}

// runningPair is a supplier of 20 lamps and a partner of its that run and have met.
func runningPair(t *testing.T) (acorn, birch *shop, stop func()) {
	t.Helper()
	w := newWorld(t, 5, 2)
	w.now = exchange.TimeOf(time.Now())
	acorn, birch = w.shops[0], w.shops[1]
	acorn.stock("lamp", 20, 4900)
	w.partner(acorn, birch, exchange.DefaultTerms("EUR"))
	stop = w.run(0)
	w.greet(acorn, birch)
	return acorn, birch, stop
}

// Two desks that run, writers, couriers and all, on a network that loses every
// seventh message: 60 buyers at once, 20 units. Everything sold is accepted at both
// sides, the rest is refused, and both stop cleanly with equal books.
func TestRunningDesks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3, 2)
		w.now = exchange.TimeOf(time.Now())
		acorn, birch := w.shops[0], w.shops[1]
		acorn.stock("lamp", 20, 4900)
		w.partner(acorn, birch, exchange.DefaultTerms("EUR"))
		stop := w.run(7)
		w.greet(acorn, birch)
		var mu sync.Mutex
		var ids []exchange.OrderID
		var buyers sync.WaitGroup
		for range 60 {
			buyers.Go(func() {
				patience, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				rec, err := birch.desk.Reserve(patience, desk.ReserveRequest{
					Supplier: acorn.id, Lines: []exchange.Line{{SKU: "lamp", Quantity: 1}}, Country: "SE",
				})
				if exchange.CodeOf(err) == exchange.CodeInsufficient {
					return
				}
				if err != nil {
					t.Errorf("reserving: %v", err)
					return
				}
				placed, err := birch.desk.PlaceOrder(patience, rec.Request.ID, stockholm)
				if err != nil {
					t.Errorf("ordering: %v", err)
					return
				}
				mu.Lock()
				ids = append(ids, placed.ID)
				mu.Unlock()
			})
		}
		buyers.Wait()
		time.Sleep(30 * time.Second) // of the bubble
		if len(ids) != 20 {
			t.Errorf("%d of 20 lamps were sold", len(ids))
		}
		for _, id := range ids {
			if got := bothSee(t, acorn, birch, id); got != order.Accepted {
				t.Errorf("order %v is %v", id, got)
			}
			_, err := acorn.desk.ShipOrder(t.Context(), id, nil, "PostNord", "")
			must(t, err)
		}
		time.Sleep(30 * time.Second)
		stop()
		if _, err := acorn.desk.DeliverOrder(ctx, ids[0], nil); err == nil {
			t.Error("a stopped desk delivered an order")
		}
		audited(t, acorn, birch)
	})
}
