package testnet_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/trade"
)

// TestFault08LastUnit: 500 buyers of five retailers want the one unit there is.
func TestFault08LastUnit(t *testing.T) {
	const retailers, buyers = 5, 500
	inTown(t, func(t *testing.T, w *town) {
		shops := w.settle(1 + retailers)
		supplier := shops[0]
		supplier.stock(1, 1)
		for _, r := range shops[1:] {
			w.partner(supplier, r)
		}
		var mu sync.Mutex
		var placed []exchange.OrderID
		refused := 0
		var wg sync.WaitGroup
		for i := range buyers {
			r := shops[1+i%retailers]
			wg.Go(func() {
				res, err := r.reserve(supplier, sku(0), 1)
				var rec *record.Order
				if err == nil {
					rec, err = r.Desk().Retailer.PlaceOrder(context.Background(), res.Request.ID, shipTo)
				}
				mu.Lock()
				defer mu.Unlock()
				switch exchange.CodeOf(err) {
				case exchange.CodeOK:
					placed = append(placed, rec.ID)
				case exchange.CodeInsufficient:
					refused++
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(placed) != 1 || refused != buyers-1 {
			t.Errorf("%d orders placed, %d refused", len(placed), refused)
		}
		accepted := 0
		for _, r := range shops[1:] {
			w.quiet(10*time.Second, supplier, r)
			must[any](nil, r.Desk().Orders.List(exchange.Retailer, exchange.OrderID{}, func(o *record.Order) bool {
				if o.Order.Status().String() == "accepted" {
					accepted++
				}
				return true
			}))
		}
		if accepted != 1 {
			t.Errorf("%d orders are accepted, of one unit", accepted)
		}
		w.audit(shops...)
	})
}

// healing is how soon after a partition everything asked for must be answered (I9).
const healing = 30 * time.Second

// TestFault15OneWayPartition: packets are lost in one direction, or both, while an
// order, its cancel and a hold are under way. After the network heals both shops hold the
// same orders, and every request has its answer.
func TestFault15OneWayPartition(t *testing.T) {
	for _, lost := range []struct {
		name     string
		to, from bool // the supplier
	}{{"requests", true, false}, {"answers", false, true}, {"both", true, true}} {
		for _, lasts := range []time.Duration{3 * time.Second, 25 * time.Second, 5 * time.Minute} {
			t.Run(fmt.Sprintf("%s are lost for %v", lost.name, lasts), func(t *testing.T) {
				inTown(t, func(t *testing.T, w *town) {
					shops := w.settle(2)
					a, b := shops[0], shops[1]
					a.stock(3, 10)
					w.partner(a, b)
					before := b.order(a, sku(0), 2)
					w.bought(5*time.Second, b, before, "accepted")
					res := must(b.reserve(a, sku(1), 3))

					if lost.to {
						w.world.Cut(b.place, a.place)
					}
					if lost.from {
						w.world.Cut(a.place, b.place)
					}
					order := must(b.Desk().Retailer.PlaceOrder(w.ctx(), res.Request.ID, shipTo)).ID
					must(b.Desk().Retailer.CancelPurchase(w.ctx(), before, nil, "changed my mind"))
					holding := make(chan error, 1)
					ctx, cancel := context.WithTimeout(context.Background(), lasts+healing)
					defer cancel()
					go func() {
						_, err := b.Desk().Retailer.Reserve(ctx, trade.ReserveRequest{
							Supplier: a.id, Lines: exchangetest.Lines(exchange.Line{SKU: sku(2), Quantity: 4}), Country: "SE",
						})
						holding <- err
					}()
					time.Sleep(lasts)
					w.world.Heal()

					took := w.bought(healing, b, order, "accepted")
					w.bought(healing-took, b, before, "cancelled")
					w.quiet(healing-took, a, b)
					if err := <-holding; err != nil {
						t.Errorf("the hold has no answer: %v", err)
					}
					t.Logf("answered %v after the network healed", took)
					if got := must(a.Desk().Shelf.Stock(sku(2))); got.Held != 4 {
						t.Errorf("one hold of 4 was asked for: %+v", got)
					}
					w.audit(a, b)
				})
			})
		}
	}
}

// TestFault16HubDead: the hub is gone for good. Shops that restart find each other
// by the addresses they stored, and existing partnerships trade on; after a day there is a
// warning, after a week no new partnership.
func TestFault16HubDead(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		shops := w.settle(3)
		a, b, c := shops[0], shops[1], shops[2]
		a.stock(5, 1000)
		w.partner(a, b)
		w.wait(5*time.Second, "the catalog is seen", func() bool { return b.equal(a) })
		w.wait(time.Minute, "addresses are stored", func() bool {
			return a.Net().Connected(b.id) && a.Net().Connected(c.id) || must(a.Dial(w.ctx(), c.id)).Direct
		})
		w.endHub()

		var orders []exchange.OrderID
		p := func(when string) {
			t.Helper()
			w.ready(a, b)
			id := b.order(a, sku(1), 1)
			orders = append(orders, id)
			w.bought(10*time.Second, b, id, "accepted")
			a.setStock(sku(0), int64(len(orders)))
			w.sees(b, a, sku(0), int64(len(orders)))
		}
		restart := func(after time.Duration) {
			for _, s := range shops {
				s.stop()
			}
			time.Sleep(after)
			for _, s := range shops {
				s.start()
			}
		}
		propose := func() error {
			return a.Desk().Partnerships.Propose(w.ctx(), c.id, exchange.Supplier, exchange.DefaultTerms("EUR"))
		}

		p("at first")
		restart(time.Minute)
		p("after all restarted")
		if warns(a) {
			t.Error("a fresh list causes a warning")
		}
		w.clock.pass(25 * time.Hour)
		p("after a day")
		if !warns(a) {
			t.Error("after a day without the hub there is no warning")
		}
		if err := propose(); err != nil {
			t.Errorf("after a day: %v", err)
		}
		restart(7 * 24 * time.Hour)
		p("after a week")
		if err := propose(); exchange.CodeOf(err) != exchange.CodeFreshness {
			t.Errorf("after a week a new partnership is answered with %v", err)
		}
		restart(22 * 24 * time.Hour)
		p("after a month")
		for _, id := range orders {
			if _, err := a.Desk().Supplier.ShipOrder(w.ctx(), id, nil, "Post", "1Z"); err != nil {
				t.Error(err)
			}
			w.bought(10*time.Second, b, id, "shipped")
		}
		w.quiet(10*time.Second, a, b)
		w.audit(a, b)
	})
}

// warns reports whether the owner is told that the member list ages, without the
// shop being called unable to trade.
func warns(s *shop) bool {
	for _, p := range s.Problems(context.Background()) {
		if p.Name == "member-list" && !p.Blocks {
			return true
		}
	}
	return false
}

// TestVirtualPartitionOfTown: half of the shops lose sight of the other half, and of the
// hub, for ten minutes. Each half trades on; together again, all copies and ledgers agree.
func TestVirtualPartitionOfTown(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		shops := w.settle(6)
		for i, s := range shops {
			s.stock(3, 100)
			for j := 1; j <= 3; j++ {
				w.partner(s, shops[(i+j)%len(shops)])
			}
		}
		far := []int{shops[3].place, shops[4].place, shops[5].place}
		w.world.Partition([]int{openPlace, closedPlace, shops[0].place, shops[1].place, shops[2].place}, far)
		time.Sleep(time.Minute)
		w.bought(10*time.Second, shops[1], shops[1].order(shops[0], sku(0), 2), "accepted")
		w.bought(10*time.Second, shops[5], shops[5].order(shops[3], sku(0), 2), "accepted")
		for i, s := range shops {
			s.setStock(sku(1), int64(10+i))
		}
		time.Sleep(9 * time.Minute)
		w.world.Heal()
		took := w.wait(healing, "all copies are equal again", func() bool {
			for i, s := range shops {
				for j := 1; j <= 3; j++ {
					if !shops[(i+j)%len(shops)].equal(s) {
						return false
					}
				}
			}
			return true
		})
		t.Logf("all copies are equal %v after the network healed", took)
		w.bought(10*time.Second, shops[4], shops[4].order(shops[2], sku(0), 2), "accepted")
		for i, s := range shops {
			for j := 1; j <= 3; j++ {
				w.quiet(healing, s, shops[(i+j)%len(shops)])
			}
		}
		w.audit(shops...)
	})
}
