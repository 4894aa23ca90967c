package testnet_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
)

// Two shops: join, partner, see, hold, order.
func TestVirtualTwoShops(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		shops := w.settle(2)
		a, b := shops[0], shops[1]
		a.stock(10, 5)
		w.partner(a, b)
		took := w.wait(5*time.Second, "the catalog is seen", func() bool { return b.equal(a) })
		t.Logf("catalog seen after %v", took)
		id := b.order(a, sku(0), 2)
		t.Logf("accepted after %v", w.bought(5*time.Second, b, id, "accepted"))
		t.Logf("stock seen after %v", w.wait(5*time.Second, "the sale is seen", func() bool { n, _ := b.sees(a, sku(0)); return n == 3 }))
		w.quiet(10*time.Second, a, b)
		w.audit(a, b)
		_ = exchange.Supplier
	})
}
