package trade_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/trade"
)

// TestReleaseBeyondTheQuota: a retailer that has used up its share of kept refusals gets a final answer
// all the same: to a hold whose refusal was lost, and to a release that overtakes its hold.
func TestReleaseBeyondTheQuota(t *testing.T) {
	for name, c := range map[string]struct {
		fate  desktest.Fate
		units exchange.Quantity
	}{
		"the refusal is lost": {desktest.ReplyLost, 11},
		"the hold is late":    {desktest.ArrivesLate, 2},
	} {
		for _, key := range []byte{0, 1} {
			t.Run(name, func(t *testing.T) {
				p := newLostPair(t)
				for n := range trade.RefusedHolds {
					raw, _ := holdRequest(t, windowOf(p.Now), n, exchange.Line{SKU: "shoe", Quantity: 11})
					ask(p.acorn, t, p.birch, raw)
				}
				req := p.wish()
				req.Key[0] = key
				req.Lines = exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: c.units})
				p.during(c.fate, func() { _, _ = p.birch.Desk.Retailer.Reserve(brokenOff(), req) })
				p.after(trade.ReturnTime)
				if got := p.only(t); !got.Settled() || got.State == hold.Held {
					t.Errorf("it is %v: %s", got.State, got.Detail)
				}
				p.arrive(t)
				if n := desktest.StockOf(t, p.acorn, "shoe").Held; n != 0 {
					t.Errorf("%d units are held for nobody", n)
				}
				audited(t, p.acorn, p.birch)
			})
		}
	}
}

// TestTombstonesInMemory: a retailer's oldest make room for its newest, and for nobody else's.
func TestTombstonesInMemory(t *testing.T) {
	id := func(n int) exchange.HoldID { return exchange.NewHoldID(1, [12]byte{byte(n), byte(n >> 8)}) }
	birch, cedar := exchange.ShopID{1}, exchange.ShopID{2}
	r := trade.NewReleasedHolds()
	r.Add(cedar, id(0))
	const more = 10
	for n := range trade.KeepReleased + more {
		r.Add(birch, id(n))
		r.Add(birch, id(n)) // a repeat takes no room
	}
	for n := range trade.KeepReleased + more {
		if got, want := r.Has(birch, id(n)), n >= more; got != want {
			t.Fatalf("tombstone %d is there: %v, want %v", n, got, want)
		}
	}
	if !r.Has(cedar, id(0)) || r.Has(cedar, id(1)) {
		t.Error("the tombstones of one retailer are those of another")
	}
}
