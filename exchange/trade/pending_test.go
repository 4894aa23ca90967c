package trade_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/trade"
)

// A reservation is recorded a moment after its answer. What its owner does with it
// before that is not undone by the record that comes after.
func TestReservationChangedBeforeItsRecord(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, d *desk.Desk, rec *trade.Reservation)
		state  hold.State
	}{
		"left": {func(*testing.T, *desk.Desk, *trade.Reservation) {}, hold.Held},
		"released": {func(t *testing.T, d *desk.Desk, rec *trade.Reservation) {
			_, err := d.Retailer.Release(t.Context(), rec.Request.ID)
			desktest.Must(t, err)
		}, hold.Released},
		"ordered": {func(t *testing.T, d *desk.Desk, rec *trade.Reservation) {
			_, err := d.Retailer.PlaceOrder(t.Context(), rec.Request.ID, desktest.Stockholm)
			desktest.Must(t, err)
		}, hold.Committed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				acorn, birch, stop := runningPair(t)
				rec, err := birch.Desk.Retailer.Reserve(t.Context(), trade.ReserveRequest{
					Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "lamp", Quantity: 1}), Country: "SE",
				})
				desktest.Must(t, err)
				c.change(t, birch.Desk, rec)
				time.Sleep(time.Minute) // of the bubble
				for _, when := range []string{"a minute later", "after a restart"} {
					got, err := birch.Desk.Retailer.Reservation(t.Context(), rec.Request.ID)
					desktest.Must(t, err)
					if got.State != c.state {
						t.Errorf("%s the reservation is %v, want %v", when, got.State, c.state)
					}
					if when == "a minute later" {
						stop()
						birch.Restart()
					}
				}
			})
		})
	}
}
