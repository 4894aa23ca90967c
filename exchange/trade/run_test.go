package trade_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/trade"
)

// wallClock is the bubble's time in tests with running desks.
type wallClock struct{}

func (wallClock) Now() exchange.Time { return exchange.TimeOf(time.Now()) }

// wires connect running desks; the n-th message of each is lost.
type wires struct {
	from  exchange.ShopID
	desks map[exchange.ShopID]*desk.Desk
	loses int
	cut   *atomic.Bool // everything is lost

	mu   sync.Mutex
	sent int
}

func (w *wires) Request(ctx context.Context, to exchange.ShopID, raw []byte) ([]byte, error) {
	w.mu.Lock()
	w.sent++
	lost := w.cut.Load() || w.loses > 0 && w.sent%w.loses == 0
	w.mu.Unlock()
	time.Sleep(20 * time.Millisecond) // of the bubble
	if lost {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return w.desks[to].Serve(ctx, w.from, raw)
}

func (w *wires) Away(exchange.ShopID) bool { return false }

// run lets the shops' desks run in the bubble's time, and returns when it is the
// world's; stop ends them.
func runWorld(w *desktest.World, loses int) (stop func()) {
	w.T.Helper()
	return runCut(w, loses, &atomic.Bool{})
}

// runCut is runWorld on a network that loses everything while cut is true.
func runCut(w *desktest.World, loses int, cut *atomic.Bool) (stop func()) {
	w.T.Helper()
	time.Sleep(w.Now.Sub(exchange.TimeOf(time.Now()))) // making partners took the world some time
	desks := map[exchange.ShopID]*desk.Desk{}
	ran := make(chan error, len(w.Shops))
	running, cancel := context.WithCancel(w.T.Context())
	for _, s := range w.Shops {
		cfg := s.Config()
		cfg.Inline, cfg.Clock, cfg.Network = false, wallClock{}, &wires{from: s.ID, desks: desks, loses: loses, cut: cut}
		var err error
		s.Desk, err = desk.Open(cfg)
		desktest.Must(w.T, err)
		desks[s.ID] = s.Desk
	}
	for _, d := range desks { // not by its shop: a test may open that anew before this one begins
		go func() { ran <- d.Run(running) }()
	}
	return func() {
		cancel()
		for range w.Shops {
			desktest.Must(w.T, <-ran)
		}
	}
}

// runningPair is a supplier of 20 lamps and a partner of its that run and have met.
func runningPair(t *testing.T) (acorn, birch *desktest.Shop, stop func()) {
	t.Helper()
	w := desktest.NewWorld(t, 5, 2)
	w.Now = exchange.TimeOf(time.Now())
	acorn, birch = w.Shops[0], w.Shops[1]
	acorn.Stock("lamp", 20, 4900)
	w.Partner(acorn, birch, exchange.DefaultTerms("EUR"))
	stop = runWorld(w, 0)
	w.Greet(acorn, birch)
	return acorn, birch, stop
}

// Two desks that run, writers, senders and all, on a network that loses every
// seventh message: 60 buyers at once, 20 units. Everything sold is accepted at both
// sides, the rest is refused, and both stop cleanly with equal books.
func TestRunningDesks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := desktest.NewWorld(t, 3, 2)
		w.Now = exchange.TimeOf(time.Now())
		acorn, birch := w.Shops[0], w.Shops[1]
		acorn.Stock("lamp", 20, 4900)
		w.Partner(acorn, birch, exchange.DefaultTerms("EUR"))
		stop := runWorld(w, 7)
		w.Greet(acorn, birch)
		var mu sync.Mutex
		var ids []exchange.OrderID
		var buyers sync.WaitGroup
		for range 60 {
			buyers.Go(func() {
				patience, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				rec, err := birch.Desk.Retailer.Reserve(patience, trade.ReserveRequest{
					Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "lamp", Quantity: 1}), Country: "SE",
				})
				if exchange.CodeOf(err) == exchange.CodeInsufficient {
					return
				}
				if err != nil {
					t.Errorf("reserving: %v", err)
					return
				}
				placed, err := birch.Desk.Retailer.PlaceOrder(patience, rec.Request.ID, desktest.Stockholm)
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
			if got := desktest.BothSee(t, acorn, birch, id); got != order.Accepted {
				t.Errorf("order %v is %v", id, got)
			}
			_, err := acorn.Desk.Supplier.ShipOrder(t.Context(), id, nil, "PostNord", "")
			desktest.Must(t, err)
		}
		time.Sleep(30 * time.Second)
		stop()
		if _, err := acorn.Desk.Supplier.DeliverOrder(desktest.Ctx, ids[0], nil); err == nil {
			t.Error("a stopped desk delivered an order")
		}
		audited(t, acorn, birch)
	})
}
