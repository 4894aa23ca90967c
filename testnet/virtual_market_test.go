package testnet_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/feed"
	"github.com/souk-market/souk/testnet"
)

// Two shops, the shortest way through everything: join, partner, see, hold, order.
func TestVirtualTwoShops(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		shops := w.settle(2)
		a, b := shops[0], shops[1]
		a.stock(10, 5)
		w.partner(a, b)
		t.Logf("catalog seen after %v", w.wait(5*time.Second, "the catalog is seen", func() bool { return b.equal(a) }))
		id := b.order(a, sku(0), 2)
		t.Logf("accepted after %v", w.bought(5*time.Second, b, id, "accepted"))
		t.Logf("sale seen after %v", w.sees(b, a, sku(0), 3))
		if _, err := a.Desk().Supplier.ShipOrder(w.ctx(), id, nil, "Post", "1Z"); err != nil {
			t.Fatal(err)
		}
		w.bought(5*time.Second, b, id, "shipped")
		if _, err := a.Desk().Supplier.DeliverOrder(w.ctx(), id, nil); err != nil {
			t.Fatal(err)
		}
		w.bought(5*time.Second, b, id, "delivered")
		w.quiet(10*time.Second, a, b)
		w.audit(a, b)
	})
}

// A market of many shops: everybody sells to the next four, and one to everybody.
func TestVirtualMarket(t *testing.T) {
	size := 20
	if testing.Short() {
		size = 8
	}
	const next = 4
	inTown(t, func(t *testing.T, w *town) {
		shops := w.settle(size)
		star := shops[0]
		retailers := make([][]*shop, size) // of each shop
		for i, s := range shops {
			s.stock(5, 100)
			for j := 1; j < size && (j <= next || s == star); j++ {
				retailers[i] = append(retailers[i], shops[(i+j)%size])
			}
			for _, r := range retailers[i] {
				w.partner(s, r)
			}
		}
		t.Logf("all catalogs seen after %v", w.wait(5*time.Second, "every partner's copy equals the supplier's catalog", func() bool {
			for i, s := range shops {
				for _, r := range retailers[i] {
					if !r.equal(s) {
						return false
					}
				}
			}
			return true
		}))
		time.Sleep(5 * time.Second) // meshes form
		w.spread(star, retailers[0])

		orders := make([][]exchange.OrderID, size)
		for i, s := range shops {
			for _, r := range retailers[i] {
				orders[i] = append(orders[i], r.order(s, sku(1), 2))
			}
		}
		for i, s := range shops {
			for j, r := range retailers[i] {
				w.bought(10*time.Second, r, orders[i][j], "accepted")
				w.quiet(10*time.Second, s, r)
			}
			if got := must(s.Desk().Shelf.Stock(sku(1))); got.Sold != int64(2*len(retailers[i])) {
				t.Errorf("%s has sold %+v to %d retailers", s.name, got, len(retailers[i]))
			}
		}
		w.audit(shops...)
	})
}

// spread changes a stock 20 times and measures when each partner sees it.
func (w *town) spread(s *shop, retailers []*shop) {
	w.t.Helper()
	var took []time.Duration
	for units := int64(1); units <= 20; units++ {
		s.setStock(sku(0), units)
		begin := time.Now()
		waiting := map[*shop]bool{}
		for _, r := range retailers {
			waiting[r] = true
		}
		w.wait(5*time.Second, fmt.Sprintf("stock %d is seen by all", units), func() bool {
			for r := range waiting {
				if n, _ := r.seen(s, sku(0)); n == units {
					took = append(took, time.Since(begin))
					delete(waiting, r)
				}
			}
			return len(waiting) == 0
		})
		time.Sleep(feed.PublishInterval)
	}
	w.t.Logf("a stock change is seen by %d partners, %v one way: p50 %v, p99 %v", len(retailers), oneWay, percentile(took, 50), percentile(took, 99))
}

// A proposal to a shop that is not there reaches it when it comes, whichever side
// makes it, and so does what it is answered.
func TestVirtualProposalWaits(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		a := w.shop().start()
		b := w.shop() // joined, never ran
		w.known(a, b)
		for _, side := range []exchange.Party{exchange.Supplier, exchange.Retailer} {
			if err := a.Desk().Partnerships.Propose(w.ctx(), b.id, side, exchange.DefaultTerms("EUR")); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * time.Minute)
		b.start()
		for _, side := range []exchange.Party{exchange.Supplier, exchange.Retailer} {
			took := w.wait(30*time.Second, "the proposal arrives", func() bool {
				return must(b.Desk().Partnerships.Get(a.id, side)).State.Open.By == other(side)
			})
			t.Logf("a proposal arrives %v after the start", took)
		}
		a.stop() // now the answer has to wait
		for _, side := range []exchange.Party{exchange.Supplier, exchange.Retailer} {
			open := must(b.Desk().Partnerships.Get(a.id, side)).State.Open
			if err := b.Desk().Partnerships.AcceptTerms(w.ctx(), a.id, side, open.Hash); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * time.Minute)
		a.start()
		w.wait(30*time.Second, "both directions are in force at both", func() bool {
			for _, s := range []*shop{a, b} {
				for _, trade := range must(s.Desk().Partnerships.List()) {
					if !trade.State.Active {
						return false
					}
				}
			}
			return true
		})
		a.stock(3, 3)
		b.stock(3, 3)
		w.wait(10*time.Second, "both catalogs are seen", func() bool { return a.equal(b) && b.equal(a) })
		w.bought(10*time.Second, a, a.order(b, sku(0), 1), "accepted")
		w.bought(10*time.Second, b, b.order(a, sku(0), 1), "accepted")
		w.quiet(10*time.Second, a, b)
		w.audit(a, b)
	})
}

func other(side exchange.Party) exchange.Party {
	if side == exchange.Supplier {
		return exchange.Retailer
	}
	return exchange.Supplier
}

// A shop that was off while 500 changes were published catches up when it starts, and
// one that runs while its supplier restarts goes on.
func TestVirtualLateStart(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		shops := w.settle(2)
		a, b := shops[0], shops[1]
		a.stock(100, 1000)
		w.partner(a, b)
		w.wait(5*time.Second, "the catalog is seen", func() bool { return b.equal(a) })
		first := b.order(a, sku(7), 1)
		w.bought(5*time.Second, b, first, "accepted")
		b.stop()
		for i := range 500 {
			a.setStock(sku(i%100), int64(500+i))
			time.Sleep(20 * time.Millisecond)
		}
		if err := a.Desk().Shelf.Remove(w.ctx(), sku(3)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		b.start()
		t.Logf("caught up %v after the start", w.wait(10*time.Second, "b has caught up", func() bool { return b.equal(a) }))
		w.sees(b, a, sku(42), 942)
		if n, ok := b.seen(a, sku(3)); ok {
			t.Errorf("a removed product is shown, with %d units", n)
		}
		if got := b.status(exchange.Retailer, first); got != "accepted" {
			t.Errorf("after the restart the order is %q", got)
		}

		a.stop()
		time.Sleep(time.Minute)
		a.start()
		took := w.wait(30*time.Second, "they meet again", func() bool { return b.Net().Connected(a.id) && a.Net().Connected(b.id) })
		t.Logf("connected %v after the supplier's restart", took)
		if _, err := a.Desk().Supplier.ShipOrder(w.ctx(), first, nil, "Post", "1Z"); err != nil {
			t.Fatal(err)
		}
		w.bought(10*time.Second, b, first, "shipped")
		a.setStock(sku(1), 77)
		w.sees(b, a, sku(1), 77)
		w.bought(10*time.Second, b, b.order(a, sku(1), 2), "accepted")
		w.quiet(10*time.Second, a, b)
		w.audit(a, b)
	})
}

// A window of holds is a day: a shop that stays connected for days still places holds.
func TestVirtualWindowsRenew(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		shops := w.settle(2)
		a, b := shops[0], shops[1]
		a.stock(1, 1000)
		w.partner(a, b)
		for day := range 5 {
			w.wait(5*time.Second, "b learns the window of the day", func() bool {
				window, told := b.Desk().Retailer.Window(a.id)
				return told && window == exchange.Window(w.clock.Now()/exchange.Time(24*time.Hour/time.Millisecond))
			})
			if _, err := b.reserve(a, sku(0), 1); err != nil {
				t.Fatalf("day %d: %v", day, err)
			}
			w.clock.pass(24 * time.Hour)
		}
	})
}

// Partnerships proposed in one go, by both sides at once, come out the same at both.
func TestVirtualCrossedProposals(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		shops := w.settle(2)
		a, b := shops[0], shops[1]
		if err := a.Desk().Partnerships.Propose(w.ctx(), b.id, exchange.Supplier, exchange.DefaultTerms("EUR")); err != nil {
			t.Fatal(err)
		}
		if err := b.Desk().Partnerships.Propose(w.ctx(), a.id, exchange.Retailer, exchange.DefaultTerms("EUR")); err != nil {
			t.Fatal(err)
		}
		w.quiet(10*time.Second, a, b)
		if err := testnet.Partner(w.ctx(), a.Shop, b.Shop, exchange.DefaultTerms("EUR")); err != nil {
			t.Fatal(err)
		}
		w.quiet(10*time.Second, a, b)
		w.audit(a, b)
	})
}
