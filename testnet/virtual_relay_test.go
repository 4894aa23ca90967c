package testnet_test

import (
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"

	"github.com/souk-market/souk/protocol/p2p"
)

// Two shops that cannot reach each other, one of them behind NAT, trade through the
// hub's relay: partnership, catalog, changes of it, and orders. When the direct way opens they may take it; nothing is lost either way.
func TestVirtualRelay(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		a, b := w.shop(), w.shop()
		w.world.Partition([]int{a.place}, []int{b.place})
		b.adjust = func(c *p2p.Config) { // what AutoNAT would find out
			c.HostOptions = append(c.HostOptions, libp2p.ForceReachabilityPrivate())
		}
		a.start()
		b.start()
		w.known(a, b)
		w.known(b, a)
		a.stock(3, 10)
		time.Sleep(time.Minute) // the relay grants its reservation
		w.partner(a, b)
		report, err := a.Dial(w.ctx(), b.id)
		if err != nil || report.Direct || report.Transport != "relay" {
			t.Fatalf("reached by %+v, %v", report, err)
		}
		w.wait(10*time.Second, "the catalog is seen", func() bool { return b.equal(a) })
		for units := int64(3); units < 6; units++ {
			a.setStock(sku(0), units)
			t.Logf("a change is seen through the relay after %v", w.sees(b, a, sku(0), units))
		}
		w.bought(10*time.Second, b, b.order(a, sku(1), 2), "accepted")
		w.world.Heal()
		time.Sleep(time.Minute)
		w.ready(a, b)
		w.bought(10*time.Second, b, b.order(a, sku(1), 2), "accepted")
		w.quiet(10*time.Second, a, b)
		w.audit(a, b)
	})
}
