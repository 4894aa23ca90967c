package testnet

import (
	"context"
	"testing"
	"time"
)

const powerCuts = 4

// TestFault01PowerCut cuts the power of all shops at once, in the middle of trade: their
// file system drops every write that was not synced, and refuses all that come. kill -9
// cannot show what this does, for the system keeps what a killed process has written.
// The judges are those of TestCrash: what a shop had answered stands in its store.
func TestFault01PowerCut(t *testing.T) {
	if testing.Short() {
		t.Skip("drives separate processes; run without -short")
	}
	d := newDisk(t)
	c := newCrash(t, crashSeed(t), d.mount)
	for i := range powerCuts {
		c.powerCut(i+1, d)
	}
	c.t.Logf("%d power cuts: %v", powerCuts, c.done())
	c.judgesSee()
	for _, p := range c.net.all() { // before their disk goes
		c.must("the kill", p.kill())
	}
}

// powerCut lets the shops trade, cuts the power at a random moment, and has everything
// started again and judged.
func (c *crash) powerCut(number int, d *disk) {
	c.t.Helper()
	c.restock()
	load, stop := context.WithCancel(c.t.Context())
	defer stop()
	settled := c.trade(load)
	c.underway(load)
	c.pass(time.Duration(c.random.IntN(1000)) * time.Millisecond)
	c.dark.Store(true)
	d.cut()
	for _, p := range c.net.all() { // some have ended by themselves: they cannot write
		c.must("the kill", p.kill())
	}
	stop()
	c.must("trading", settled())
	d.restore()
	c.dark.Store(false)
	for _, s := range c.net.shops {
		c.judgeDead(number, s)
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	c.must("starting the hub", c.net.started(&c.net.hub.process))
	c.must("the hub", c.net.hub.ready(ctx))
	c.restart(number, c.net.shops)
	c.settle(number)
	c.judgeAll(number)
	c.t.Logf("power cut %d; so far %s", number, c.done())
}
