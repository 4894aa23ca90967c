package testnet

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/store"
)

const (
	littleRoom = store.DefaultFreeFloor / 4 * 3 // a shop runs, and writes nothing
	noRoom     = store.DefaultFreeFloor / 16    // a shop does not start: replaying its log might kill it
	mostLog    = 256 << 10                      // 500 lines
)

// TestFault03 fills the disk of all shops in the middle of trade: they refuse what they
// cannot write, say why, and lose nothing; nor do they when they are killed and started
// again while it is still full. With room again they go on.
func TestFault03(t *testing.T) {
	if testing.Short() {
		t.Skip("drives separate processes; run without -short")
	}
	d := newDisk(t)
	c := newCrash(t, crashSeed(t), d.mount)
	c.restock()
	load, stop := context.WithCancel(t.Context())
	defer stop()
	settled := c.trade(load)
	c.underway(load)
	c.dark.Store(true)
	d.leave(littleRoom)
	c.refuses()
	stop()
	c.must("trading", settled())
	answered := c.done()
	c.killShops()

	for _, s := range c.net.shops {
		c.must("starting", s.start())
	}
	c.refuses()
	c.killShops()
	for _, s := range c.net.shops { // which would take the rest of the disk
		if info, err := os.Stat(s.logPath()); err != nil || info.Size() > mostLog {
			t.Errorf("the log of %s: %v, %v", s.name, info, err)
		}
	}

	d.leave(noRoom)
	c.must("starting", c.supplier.start())
	<-c.supplier.done
	if said := c.supplier.logTail(); c.supplier.err == nil || !strings.Contains(said, "delete or move files") {
		t.Errorf("on a full disk the shop ended with %v, saying: %s", c.supplier.err, said)
	}

	d.empty()
	c.dark.Store(false)
	c.restart(1, c.net.shops)
	c.settle(1)
	c.judgeAll(1)
	if c.done() != answered {
		t.Errorf("%v was answered, and later %v", answered, c.done())
	}
	c.restock()
	load, stop = context.WithCancel(t.Context())
	defer stop()
	settled = c.trade(load)
	c.underway(load)
	stop()
	c.must("trading with room again", settled())
	c.settle(2)
	c.judgeAll(2)
	c.judgesSee()
	for _, p := range c.net.all() { // before their disk goes
		c.must("the kill", p.kill())
	}
}

// killShops kills all shops, and judges what that has left.
func (c *crash) killShops() {
	c.t.Helper()
	for _, s := range c.net.shops {
		c.must("the kill", s.kill())
	}
	for _, s := range c.net.shops {
		c.judgeDead(0, s)
	}
}

// refuses waits until the supplier writes nothing for lack of room, and says so to its
// owner and to retailers.
func (c *crash) refuses() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	full := func(s *shopProcess, code exchange.Code, saying string, write func(*client.Client) error) {
		c.t.Helper()
		var last error
		err := until(ctx, &s.process, func(context.Context) (bool, error) {
			api, err := client.Open(s.dir)
			if err == nil {
				err = write(api)
			}
			last = err
			return exchange.CodeOf(err) == code && strings.Contains(err.Error(), saying), nil
		})
		if err != nil {
			c.t.Fatalf("%s does not say that the disk is full: %v; its last answer: %v", s.name, err, last)
		}
	}
	units := int64(1_000_000) // as many as before
	full(c.supplier, exchange.CodeDiskFull, "delete or move files", func(api *client.Client) error {
		_, err := api.Stocks().Set(ctx, plenty, view.SetStock{Units: &units, CountedAt: "now"})
		return err
	})
	for _, b := range c.buyers {
		full(b.shop, exchange.CodeUnavailable, "cannot write at the moment", func(api *client.Client) error {
			_, err := api.Reserve(ctx, view.Reserve{Country: shipCountry, Lines: []view.ReserveLine{
				{Product: exchange.ProductID{Shop: c.supplier.id, SKU: plenty}, Quantity: 1},
			}})
			return err
		})
	}
}
