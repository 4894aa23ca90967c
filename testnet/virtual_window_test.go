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
		windowed := func() time.Duration {
			begun := time.Now()
			b.Desk().Retailer.AwaitWindow(w.ctx(), a.id)
			return time.Since(begun)
		}
		buys := func(when string) {
			t.Helper()
			took := windowed()
			if _, err := b.reserve(a, sku(0), 1); err != nil {
				t.Errorf("%s: %v", when, err)
			}
			t.Logf("%s the window is known after %v", when, took)
		}
		if took := windowed(); took > 0 {
			t.Errorf("waited %v without a partnership", took)
		}
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
		if took := windowed(); took != 2*time.Second {
			t.Errorf("waited %v for a supplier that is offline", took)
		}
		if _, err := b.reserve(a, sku(0), 1); exchange.CodeOf(err) != exchange.CodeUnavailable {
			t.Errorf("a supplier that is offline: %v", err)
		}
	})
}
