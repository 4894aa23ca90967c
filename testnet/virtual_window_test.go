package testnet_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/testnet"
)

// TestVirtualReserveAtOnce: whoever buys in the moment in which a partnership begins, or
// the shop starts, waits for the supplier's greeting instead of being told that it is offline. An
// offline supplier is waited for two seconds, and where there is no partnership nothing is.
func TestVirtualReserveAtOnce(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		shops := w.settle(2)
		a, b := shops[0], shops[1]
		a.stock(1, 1000)
		buys := func(when string) {
			t.Helper()
			begun := time.Now()
			if _, err := b.reserve(a, sku(0), 1); err != nil {
				t.Errorf("%s: %v", when, err)
			}
			t.Logf("%s a reservation takes %v", when, time.Since(begun))
		}
		refused := func(when string, code exchange.Code, waits time.Duration) {
			t.Helper()
			begun := time.Now()
			if _, err := b.reserve(a, sku(0), 1); exchange.CodeOf(err) != code {
				t.Errorf("%s: %v, want %v", when, err, code)
			}
			if took := time.Since(begun); took != waits { // of the bubble
				t.Errorf("%s: waited %v, want %v", when, took, waits)
			}
		}
		refused("without a partnership", exchange.CodeNoPartnership, 0)
		if err := testnet.Partner(w.ctx(), a.Shop, b.Shop, exchange.DefaultTerms("EUR")); err != nil {
			t.Fatal(err)
		}
		buys("as the partnership begins")
		for range 5 {
			b.stop()
			b.start()
			buys("as the shop starts")
		}
		a.stop()
		b.stop()
		b.start()
		refused("a supplier that is offline", exchange.CodeUnavailable, 2*time.Second)
	})
}
