package testnet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// till is the supplier's own channels: a checkout that reserves and sells the scarce product, a counter
// over which it goes, a till that tells what it sold of another, a web shop that writes sums of that one, and an
// export that is imported long after it was made. It keeps what it was answered, and asks
// again for what it was not.
type till struct {
	supplier *shopProcess
	dark     *atomic.Bool // see crash
	random   *rand.Rand

	mu    sync.Mutex
	calls int
	open  []tillCall                 // nobody knows what became of them
	sold  map[exchange.OrderID]int64 // units of the scarce product
	told  map[string]int64           // units of OFTEN that went and were told, by the id they were told under
	stale int                        // sums that were refused
	late  int                        // payments for a reservation that had expired
}

// tillCall is a call with its key, that can be repeated.
type tillCall func(ctx context.Context) error

func newTill(supplier *shopProcess, dark *atomic.Bool, seed uint64) *till {
	return &till{supplier: supplier, dark: dark, random: rand.New(rand.NewPCG(seed, 44)), sold: map[exchange.OrderID]int64{}, told: map[string]int64{}}
}

// work does one thing after another until ctx ends or the supplier is gone.
func (t *till) work(ctx context.Context) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		switch err := t.once(ctx, t.next()); exchange.CodeOf(err) {
		case exchange.CodeOK:
		case exchange.CodeNotRunning:
			return nil
		default:
			if ctx.Err() == nil && !t.dark.Load() {
				return about(&t.supplier.process, fmt.Errorf("an own channel's answer that no crash excuses: %w", err))
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// once makes a call, and keeps it where nobody knows what became of it.
func (t *till) once(ctx context.Context, call tillCall) error {
	limited, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err := call(limited)
	switch code := exchange.CodeOf(err); {
	case code == exchange.CodeInsufficient, code == exchange.CodeGone:
		return nil // the last ones are another's
	case err != nil && limited.Err() != nil, code == exchange.CodeUnavailable:
		t.note(func() { t.open = append(t.open, call) })
		return nil
	case code == exchange.CodeNotRunning:
		t.note(func() { t.open = append(t.open, call) })
	}
	return err
}

func (t *till) note(what func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	what()
}

// next is the next thing that happens at an own channel.
func (t *till) next() tillCall {
	t.calls++
	key, n := fmt.Sprintf("own-%d", t.calls), int64(1+t.random.IntN(2))
	switch t.random.IntN(5) {
	case 0:
		return func(ctx context.Context) error { return t.counter(ctx, key, n) }
	case 1:
		life := float64(60)
		if t.random.IntN(3) == 0 {
			life = 0.05 // the payment comes late
		}
		return func(ctx context.Context) error { return t.checkout(ctx, key, n, life) }
	case 2:
		return t.web(key, n)
	case 3:
		return t.export
	}
	return func(ctx context.Context) error { return t.tell(ctx, key, n) }
}

// counter sells over the counter.
func (t *till) counter(ctx context.Context, key string, n int64) error {
	return t.sell(ctx, key, view.NewSale{Lines: []view.Units{{SKU: scarce, Units: n}}, Left: true, Reference: key})
}

func (t *till) sell(ctx context.Context, key string, sale view.NewSale) error {
	sold, err := t.supplier.client.Sales().Sell(client.WithKey(ctx, "sale-"+key), sale)
	if err != nil {
		return err
	}
	t.note(func() {
		t.sold[sold.ID] = sold.Lines[0].Sold
		if sold.Late {
			t.late++
		}
	})
	return nil
}

// checkout reserves, has the customer pay, and sells; or sells what has expired, if it is still there.
func (t *till) checkout(ctx context.Context, key string, n int64, life float64) error {
	held, err := t.supplier.client.Reserve(client.WithKey(ctx, "reserve-"+key), view.Reserve{
		Lines: []view.ReserveLine{{Product: exchange.ProductID{Shop: t.supplier.id, SKU: scarce}, Quantity: n}}, Seconds: life,
	})
	if err != nil {
		return err
	}
	return t.sell(ctx, key, view.NewSale{Reservation: &held.ID, IfStillThere: true, Reference: key})
}

// tell tells what the till has sold, twice now and then, for it does not listen to answers.
func (t *till) tell(ctx context.Context, id string, n int64) error {
	tell := view.TellMovements{Movements: []view.ToldMovement{{SKU: string(often), Kind: "sold", Units: n, ID: id}}}
	for again := true; again; again = t.twice() {
		got, err := t.supplier.client.Stocks().Tell(ctx, tell)
		if err != nil { // what was answered before stands
			return err
		}
		if r := got.Movements[0].Result; r != "applied" && r != "repeated" {
			return fmt.Errorf("the till told what it sold: %+v", got.Movements[0])
		}
		t.note(func() { t.told[id] = n })
	}
	return nil
}

func (t *till) twice() (yes bool) {
	t.note(func() { yes = t.random.IntN(4) == 0 })
	return yes
}

// web sells, and writes what it has made of a figure that it had read before; where that is stale, it
// tells the sale as a movement. Where nobody knows whether the sum was written, it asks what became of it.
func (t *till) web(key string, n int64) tillCall {
	var read *view.Stock
	return func(ctx context.Context) error {
		stocks := t.supplier.client.Stocks()
		if read == nil {
			var err error
			if read, err = stocks.Of(ctx, often); err != nil {
				return err
			}
		}
		sum := read.Shelf - n
		_, err := stocks.SetOf(client.WithKey(ctx, "sum-"+key), often, view.SetStock{Units: &sum}, read.Revision)
		if code := exchange.CodeOf(err); code == exchange.CodeStale || code == exchange.CodePrecondition {
			t.note(func() { t.stale++ })
			return t.tell(ctx, "web-"+key, n)
		}
		if err == nil {
			t.note(func() { t.told["sum-"+key] = n })
		}
		return err
	}
}

// export imports a file of yesterday, in which there was plenty of the scarce product: it is older than
// what was counted since, and must bring nothing.
func (t *till) export(ctx context.Context) error {
	line, err := json.Marshal(map[string]any{"sku": scarce, "title": scarce, "price": "10.00", "currency": "EUR", "stock": 1000})
	if err != nil {
		return err
	}
	o := t.supplier.plan.options()
	o.AsOf = time.Now().Add(-24 * time.Hour)
	_, err = t.supplier.client.Import(ctx, bytes.NewReader(line), o, nil)
	return err
}

// settle asks again for what was not answered.
func (t *till) settle(ctx context.Context) error {
	open := t.open
	t.open = nil
	for _, call := range open {
		if err := t.once(ctx, call); err != nil {
			return about(&t.supplier.process, err)
		}
	}
	if len(t.open) > 0 {
		return about(&t.supplier.process, errors.New("an own channel is not answered"))
	}
	return nil
}

// judge looks for every sale that was answered, and holds what is believed of OFTEN against what
// there is.
func (t *till) judge(sold *audit.Books) error {
	var errs []error
	for id, units := range t.sold {
		sale := sold.Own[id]
		if sale == nil || sale.Sale.Order.Lines[0].Ordered != units {
			errs = append(errs, fmt.Errorf("own sale %v %w", id, errLost))
		}
	}
	s := sold.Stock[exchange.OwnStock(often)]
	told := int64(0)
	for _, n := range t.told {
		told += n
	}
	if there := 1_000_000 - s.Shipped - told; s.Net() != there {
		errs = append(errs, fmt.Errorf("%d of %s are believed to be there, %d are: %d were shipped and own channels sold %d", s.Net(), often, there, s.Shipped, told))
	}
	return errors.Join(errs...)
}

// unitsSoldHere counts the scarce product in the supplier's own sales: all of it, and what has left.
func unitsSoldHere(b *audit.Books) (units, left int64) {
	for _, sale := range b.Own {
		for _, l := range sale.Sale.Order.Lines {
			if l.SKU == scarce {
				units, left = units+l.Ordered-l.Cancelled, left+l.Shipped
			}
		}
	}
	return units, left
}
