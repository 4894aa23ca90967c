package testnet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

const (
	buyersEach = 4 // concurrent consumers of each retailer
	// callTime bounds one call of a consumer: after it nobody knows what became of it.
	callTime = 3 * time.Second
	// shortHold lets some reservations run out within a round.
	shortHold = 500 * time.Millisecond
)

// trade has all consumers buy and the packer pack until ctx ends. settled waits
// for them, and returns what no crash excuses.
func (c *crash) trade(ctx context.Context) (settled func() error) {
	var g errgroup.Group
	for _, b := range c.buyers {
		b.round++
		for w := range buyersEach {
			random := rand.New(rand.NewPCG(b.seed, uint64(b.round*buyersEach+w)))
			g.Go(func() error { return b.buy(ctx, random, fmt.Sprintf("%d-%d", b.round, w)) })
		}
	}
	g.Go(func() error { return c.packer.pack(ctx) })
	g.Go(func() error { return c.till.work(ctx) })
	return g.Wait
}

// buyer is a retailer's consumers, and what the retailer has answered them.
type buyer struct {
	shop     *shopProcess
	supplier exchange.ShopID
	dark     *atomic.Bool // see crash
	seed     uint64
	round    int

	settledAt exchange.Time // when nothing was owed that was due; of the last round

	mu        sync.Mutex
	held      map[exchange.HoldID]*view.Reservation // answered with a quote
	released  map[exchange.HoldID]bool              // answered as released
	placed    map[exchange.OrderID]bool             // answered at all: durable here
	ordered   map[exchange.OrderID]bool             // answered by the supplier
	cancelled map[exchange.OrderID]bool             // answered as cancelled whole
	refused   int                                   // out of stock
	unknown   int                                   // calls of which nobody knows
}

func newBuyer(shop *shopProcess, supplier exchange.ShopID, dark *atomic.Bool, seed, number uint64) *buyer {
	return &buyer{
		shop: shop, supplier: supplier, dark: dark, seed: seed ^ (number+2)<<32,
		held: map[exchange.HoldID]*view.Reservation{}, released: map[exchange.HoldID]bool{},
		placed: map[exchange.OrderID]bool{}, ordered: map[exchange.OrderID]bool{},
		cancelled: map[exchange.OrderID]bool{},
	}
}

// buy is one consumer after another, until ctx ends or the retailer is gone.
func (b *buyer) buy(ctx context.Context, random *rand.Rand, name string) error {
	c := b.shop.client
	for n := 0; ctx.Err() == nil; n++ {
		err := b.consumer(ctx, c, random, fmt.Sprintf("%s-%d", name, n))
		switch code := exchange.CodeOf(err); code {
		case exchange.CodeOK:
		case exchange.CodeNotRunning:
			return nil
		case exchange.CodeUnavailable, exchange.CodeExpired, exchange.CodeReleased, exchange.CodeLimit, exchange.CodeBehind:
			b.note(func() { b.unknown++ })
		case exchange.CodeInsufficient:
			b.note(func() { b.refused++ })
		case exchange.CodeShipped, exchange.CodeState, exchange.CodeOrdered:
			// The packer was faster than the cancellation, or the expiry than the order.
		default:
			if ctx.Err() == nil && !b.dark.Load() {
				return about(&b.shop.process, fmt.Errorf("an answer that no crash excuses: %v: %w", code, err))
			}
		}
	}
	return nil
}

func (b *buyer) note(what func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	what()
}

// consumer reserves, and then orders, gives back, forgets, or orders and cancels.
func (b *buyer) consumer(ctx context.Context, c *client.Client, random *rand.Rand, key string) error {
	wish := view.Reserve{Country: shipCountry}
	for _, l := range []struct {
		sku  exchange.SKU
		most int
	}{{scarce, 2}, {plenty, 5}, {often, 3}} {
		if l.sku == scarce || random.IntN(2) == 0 {
			wish.Lines = append(wish.Lines, view.ReserveLine{
				Product: exchange.ProductID{Shop: b.supplier, SKU: l.sku}, Quantity: int64(1 + random.IntN(l.most)),
			})
		}
	}
	if random.IntN(4) == 0 {
		wish.Seconds = shortHold.Seconds()
	}
	held, err := b.reserve(ctx, c, wish, key)
	if err != nil {
		return err
	}
	if random.IntN(8) == 0 { // the answer was lost on its way
		again, err := b.reserve(ctx, c, wish, key)
		if err != nil {
			return err
		}
		if again.ID != held.ID {
			return fmt.Errorf("the same wish with the same key held twice: %v and %v", held.ID, again.ID)
		}
	}
	switch random.IntN(8) {
	case 0, 1:
		return b.release(ctx, c, held.ID)
	case 2:
		return nil // it runs out
	case 3:
		if err := b.order(ctx, c, held.ID, key); err != nil {
			return err
		}
		return b.cancel(ctx, c, held.ID, key)
	default:
		return b.order(ctx, c, held.ID, key)
	}
}

func call(ctx context.Context, key string) (context.Context, context.CancelFunc) {
	return context.WithTimeout(client.WithKey(ctx, key), callTime)
}

func (b *buyer) reserve(ctx context.Context, c *client.Client, wish view.Reserve, key string) (*view.Reservation, error) {
	ctx, cancel := call(ctx, "reserve-"+key)
	defer cancel()
	held, err := c.Reserve(ctx, wish)
	if err != nil {
		return nil, err
	}
	if held.State != "held" || held.Quote == nil {
		return nil, exchange.Errorf(exchange.CodeExpired, "reservation %v is %s", held.ID, held.State)
	}
	b.note(func() { b.held[held.ID] = held })
	return held, nil
}

func (b *buyer) release(ctx context.Context, c *client.Client, id exchange.HoldID) error {
	ctx, cancel := call(ctx, "")
	defer cancel()
	got, err := c.Release(ctx, id)
	if err == nil && got.State == "released" {
		b.note(func() { b.released[id] = true })
	}
	return err
}

func (b *buyer) order(ctx context.Context, c *client.Client, id exchange.HoldID, key string) error {
	ctx, cancel := call(ctx, "order-"+key)
	defer cancel()
	o, err := c.PlaceOrder(ctx, view.PlaceOrder{Reservation: id, ShipTo: shipTo}, time.Second)
	if err != nil {
		return err
	}
	b.note(func() {
		b.placed[o.ID] = true
		if o.Status != "requested" {
			b.ordered[o.ID] = true
		}
	})
	return nil
}

func (b *buyer) cancel(ctx context.Context, c *client.Client, id exchange.OrderID, key string) error {
	ctx, cancel := call(ctx, "cancel-"+key)
	defer cancel()
	o, err := c.CancelOrder(ctx, id, view.Cancel{Reason: "changed my mind"})
	if err == nil && o.Status == "cancelled" {
		b.note(func() { b.cancelled[id] = true })
	}
	return err
}

// settled waits until none of the retailer's orders and reservations waits for an answer.
func (b *buyer) settled(ctx context.Context) error {
	if err := until(ctx, &b.shop.process, func(ctx context.Context) (bool, error) {
		asked := exchange.TimeOf(time.Now())
		for _, status := range []string{"none", "held", "expired"} {
			if err := b.answered(ctx, status, asked); err != nil {
				return false, err
			}
		}
		b.settledAt = asked
		return true, nil
	}); err != nil {
		return about(&b.shop.process, err)
	}
	for _, status := range []string{"requested", "submitted"} {
		err := until(ctx, &b.shop.process, func(ctx context.Context) (bool, error) {
			list, err := b.shop.client.Orders(ctx, client.OrdersQuery{Role: view.Bought, Status: status})
			if err != nil {
				return false, err
			}
			if len(list.Orders) > 0 {
				return false, fmt.Errorf("order %v is still %s", list.Orders[0].ID, status)
			}
			return true, nil
		})
		if err != nil {
			return about(&b.shop.process, err)
		}
	}
	return nil
}

// answered fails where the supplier owes an answer about a reservation in a state: to the hold, to a
// release that was due at a time, or to an extension.
func (b *buyer) answered(ctx context.Context, status string, at exchange.Time) error {
	for q := (client.ReservationsQuery{Status: status, Limit: 200}); ; {
		list, err := b.shop.client.Reservations(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range list.Reservations {
			if status == "none" || !r.ExtendTo.IsZero() || !r.ReleaseAt.IsZero() && exchange.TimeOf(r.ReleaseAt) <= at {
				return fmt.Errorf("reservation %v is not answered: %s, release at %v, extension to %v", r.ID, status, r.ReleaseAt, r.ExtendTo)
			}
		}
		if q.Cursor = list.Next; q.Cursor == "" {
			return nil
		}
	}
}

// packer ships and delivers for the supplier, and keeps what it was told was shipped.
type packer struct {
	supplier *shopProcess
	dark     *atomic.Bool // see crash
	random   *rand.Rand

	mu      sync.Mutex
	shipped map[exchange.OrderID]int64 // units
}

// count is the number of orders shipped.
func (p *packer) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.shipped)
}

func (p *packer) pack(ctx context.Context) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := p.packOne(ctx)
		switch code := exchange.CodeOf(err); code {
		case exchange.CodeNotRunning:
			return nil
		case exchange.CodeOK, exchange.CodeUnavailable, exchange.CodeState, exchange.CodeInvalid, exchange.CodeNotFound:
			// Cancelled before it was packed, or in between.
		default:
			if ctx.Err() == nil && !p.dark.Load() {
				return about(&p.supplier.process, fmt.Errorf("packing: %v: %w", code, err))
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// packOne ships a part or all of an accepted order, and delivers one that is shipped.
func (p *packer) packOne(ctx context.Context) error {
	c := p.supplier.client
	list, err := c.Orders(ctx, client.OrdersQuery{Role: view.Sold, Status: "accepted", Limit: 5})
	if err != nil || len(list.Orders) == 0 {
		return err
	}
	o := list.Orders[p.random.IntN(len(list.Orders))]
	var parcel view.Ship
	if p.random.IntN(2) == 0 {
		parcel.Lines = []view.Units{{SKU: o.Lines[0].SKU, Units: 1}}
	}
	sent, err := c.ShipOrder(ctx, o.ID, parcel)
	if err != nil {
		return err
	}
	var units int64
	for _, l := range sent.Lines {
		units += l.Shipped
	}
	p.mu.Lock()
	p.shipped[o.ID] = units
	p.mu.Unlock()
	if p.random.IntN(2) == 0 {
		_, err = c.DeliverOrder(ctx, o.ID, view.Deliver{})
	}
	return err
}

var errLost = errors.New("was answered and is lost")

// tally is how much was answered.
type tally struct{ held, released, ordered, cancelled, shipped, refused, unknown int }

func (t tally) String() string {
	return fmt.Sprintf("%d held, %d released, %d ordered, %d cancelled, %d shipped, %d out of stock, %d unknown", t.held, t.released, t.ordered, t.cancelled, t.shipped, t.refused, t.unknown)
}

// done adds up what the shops have answered so far.
func (c *crash) done() tally {
	t := tally{shipped: c.packer.count()}
	for _, b := range c.buyers {
		b.note(func() {
			t.held, t.released, t.ordered = t.held+len(b.held), t.released+len(b.released), t.ordered+len(b.ordered)
			t.cancelled += len(b.cancelled)
			t.refused, t.unknown = t.refused+b.refused, t.unknown+b.unknown
		})
	}
	return t
}
