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
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/trade"
)

// TestAskedAgainOnGreeting: a caller that waits between two attempts asks again as soon as its supplier
// greets.
func TestAskedAgainOnGreeting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := desktest.NewWorld(t, 5, 2)
		w.Now = exchange.TimeOf(time.Now())
		acorn, birch := w.Shops[0], w.Shops[1]
		acorn.Stock("lamp", 20, 4900)
		w.Partner(acorn, birch, exchange.DefaultTerms("EUR"))
		var cut atomic.Bool
		stop := runCut(w, 0, &cut)
		defer stop()
		w.Greet(acorn, birch)
		cut.Store(true)
		began, answered := time.Now(), make(chan error)
		go func() {
			_, err := birch.Desk.Retailer.Reserve(t.Context(), trade.ReserveRequest{
				Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "lamp", Quantity: 1}), Country: "SE",
			})
			answered <- err
		}()
		time.Sleep(15500 * time.Millisecond) // three attempts have failed, the fourth comes 3.5 s later
		cut.Store(false)
		w.Greet(acorn, birch)
		desktest.Must(t, <-answered)
		if took := time.Since(began); took > 16*time.Second {
			t.Errorf("answered %v after it was asked", took)
		}
	})
}

// TestAttemptThatWasLate: an attempt that nobody saw answered may arrive after a later one was refused.
// What it would place is given back.
func TestAttemptThatWasLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		acorn, birch, stop := runningPair(t)
		defer stop()
		network := &lateNetwork{acorn: acorn, birch: birch}
		stopped := network.reopen(t)
		defer stopped()
		if _, err := birch.Desk.Retailer.Reserve(t.Context(), trade.ReserveRequest{
			Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "lamp", Quantity: 1}), Country: "SE",
		}); exchange.CodeOf(err) != exchange.CodeRestored {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // of the bubble
		network.arrive(t)
		if n := desktest.StockOf(t, acorn, "lamp").Held; n != 0 {
			t.Errorf("%d units are held for nobody", n)
		}
	})
}

// lateNetwork loses the first request, has the supplier refuse the second, and is well from then on.
type lateNetwork struct {
	acorn, birch *desktest.Shop
	asked        int
	first        []byte
}

func (n *lateNetwork) Request(ctx context.Context, _ exchange.ShopID, raw []byte) ([]byte, error) {
	switch n.asked++; n.asked {
	case 1:
		n.first = raw
		<-ctx.Done()
		return nil, ctx.Err()
	case 2:
		return nil, exchange.Errorf(exchange.CodeRestored, "not now")
	}
	return n.acorn.Desk.Serve(ctx, n.birch.ID, raw)
}

func (n *lateNetwork) Away(exchange.ShopID) bool { return false }

// reopen runs birch's desk anew on this network.
func (n *lateNetwork) reopen(t *testing.T) (stop func()) {
	cfg := n.birch.Config()
	cfg.Store, cfg.Inline, cfg.Clock, cfg.Network = n.birch.Mem.Clone(), false, wallClock{}, n
	var err error
	n.birch.Desk, err = desk.Open(cfg)
	desktest.Must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- n.birch.Desk.Run(ctx) }()
	g, err := n.acorn.Desk.Ledgers.Greeting(n.birch.ID)
	desktest.Must(t, err)
	n.asked = 9 // what the greeting has sent is no part of the test
	desktest.Must(t, n.birch.Desk.Ledgers.Greeted(t.Context(), n.acorn.ID, g))
	time.Sleep(time.Second)
	n.asked = 0
	return func() {
		cancel()
		desktest.Must(t, <-ran)
	}
}

func (n *lateNetwork) arrive(t *testing.T) {
	_, err := n.acorn.Desk.Serve(t.Context(), n.birch.ID, n.first)
	desktest.Must(t, err)
}

// TestAwayIsNotAsked: a supplier that is known to be away is asked nothing, however many answers it
// owes: each message would be a dial. It is asked within a second of being back.
func TestAwayIsNotAsked(t *testing.T) {
	p := newLostPair(t)
	network := &awayNetwork{Link: desktest.Link{From: p.birch}}
	cfg := p.birch.Config()
	cfg.Network = network
	var err error
	p.birch.Desk, err = desk.Open(cfg)
	desktest.Must(t, err)
	p.Greet(p.acorn, p.birch)
	p.Settle()
	p.during(desktest.ReplyLost, func() {
		for range 4 {
			_, _ = p.birch.Desk.Retailer.Reserve(brokenOff(), p.wish())
		}
	})
	network.away = true
	for range 120 {
		if list, next := p.birch.Desk.Outgoing(); len(list) > 0 || next > p.Now.Add(time.Second) {
			t.Fatalf("%d messages go to a supplier that is away; the next look is in %v", len(list), next.Sub(p.Now))
		}
		p.Now = p.Now.Add(500 * time.Millisecond)
	}
	network.away = false
	p.after(time.Second)
	if n := desktest.StockOf(t, p.acorn, "shoe").Held; n != 0 {
		t.Errorf("%d units are held for nobody", n)
	}
}

// awayNetwork is a network that knows that everybody is away.
type awayNetwork struct {
	desktest.Link
	away bool
}

func (n *awayNetwork) Away(exchange.ShopID) bool { return n.away }

// TestManyOwed: 500 callers give up while their supplier is cut off, more than the asker has room for at
// first. Ten seconds after the supplier greets nothing is owed, and nothing is held.
func TestManyOwed(t *testing.T) {
	const callers = 500
	synctest.Test(t, func(t *testing.T) {
		w := desktest.NewWorld(t, 5, 2)
		w.Now = exchange.TimeOf(time.Now())
		acorn, birch := w.Shops[0], w.Shops[1]
		acorn.Stock("lamp", callers, 4900)
		w.Partner(acorn, birch, exchange.DefaultTerms("EUR"))
		var cut atomic.Bool
		stop := runCut(w, 0, &cut)
		defer stop()
		w.Greet(acorn, birch)
		empty := birch.Desk.Retailer.FillAsks()
		var asked sync.WaitGroup
		for i := range callers {
			asked.Go(func() {
				ctx, leave := context.WithTimeout(t.Context(), 8*time.Second)
				defer leave()
				time.Sleep(time.Duration(i) * time.Millisecond)
				_, _ = birch.Desk.Retailer.Reserve(ctx, trade.ReserveRequest{
					Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "lamp", Quantity: 1}), Country: "SE",
				})
			})
		}
		time.Sleep(callers / 2 * time.Millisecond)
		cut.Store(true) // the answers to some are lost, and the requests of others
		asked.Wait()
		time.Sleep(trade.ReturnTime)
		cut.Store(false)
		empty()
		w.Greet(acorn, birch)
		time.Sleep(10 * time.Second)
		states := map[hold.State]int64{}
		desktest.Must(t, birch.Desk.Retailer.Reservations(exchange.HoldID{}, func(r *trade.Reservation) bool {
			if states[r.State]++; !r.Settled() {
				t.Errorf("reservation %v is %v", r.Request.ID, r.State)
			}
			return true
		}))
		if n := desktest.StockOf(t, acorn, "lamp").Held; n != states[hold.Held] || states[hold.Held]+states[hold.Released] != callers || states[hold.Released] < callers/3 {
			t.Errorf("%d units are held; the reservations are %v", n, states)
		}
	})
}
