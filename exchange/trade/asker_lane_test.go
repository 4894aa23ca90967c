package trade_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/trade"
)

// TestLaneKeepsItsTimes: a reservation that is kept for its caller is given back in time, although its
// supplier has answered about another one of the same lane meanwhile.
func TestLaneKeepsItsTimes(t *testing.T) {
	p := newLostPair(t)
	wish := func(n byte) trade.ReserveRequest {
		w := p.wish()
		w.Key = trade.ReservationKey{n} // the last byte, 0, says which lane
		return w
	}
	other, err := p.birch.Desk.Retailer.Reserve(t.Context(), wish(2))
	desktest.Must(t, err)
	p.during(desktest.ReplyLost, func() { _, _ = p.birch.Desk.Retailer.Reserve(brokenOff(), wish(1)) })
	p.after(time.Second)
	p.during(desktest.ReplyLost, func() { _, _ = p.birch.Desk.Retailer.Release(brokenOff(), other.Request.ID) })
	p.after(time.Second)
	if n := desktest.StockOf(t, p.acorn, "shoe").Held; n != 2 {
		t.Fatalf("%d units are held for the caller that may come back", n)
	}
	for range 60 {
		p.after(time.Second)
	}
	if n := desktest.StockOf(t, p.acorn, "shoe").Held; n != 0 {
		t.Errorf("%d units are held for nobody", n)
	}
}
