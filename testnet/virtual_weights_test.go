package testnet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/node"
)

// A shop whose shipping prices go by weight is told of products that have none, within
// some seconds; one with flat prices is not.
func TestVirtualWeightless(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		s := w.settle(1)[0]
		offer := func(sku exchange.SKU, grams int64) {
			t.Helper()
			_, err := s.Desk().Shelf.Import(w.ctx(), shelf.Statement{}, []shelf.Item{{
				Product: exchange.Product{SKU: sku, Title: "A " + string(sku), Grams: grams, Price: exchange.Money{Minor: 1000, Currency: s.Desk().Shelf.Currency()}},
			}})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute) // of the bubble
		}
		byWeight := []node.ZoneConfig{{Bands: []node.BandConfig{{UpToGrams: 500, Price: "3.00"}, {UpToGrams: 5000, Price: "9.00"}}}}
		offer("card", 0)
		if p := s.problem("weights"); p.Name != "" {
			t.Errorf("with flat prices: %+v", p)
		}
		s.stop()
		s.config.Shipping = byWeight
		s.start()
		if p := s.problem("weights"); p.Blocks || !strings.HasPrefix(p.Detail, "1 product has no weight (card), and your shipping prices in shop.toml go by weight") {
			t.Errorf("one without a weight: %+v", p)
		}
		offer("voucher", 0)
		if p := s.problem("weights"); !strings.HasPrefix(p.Detail, "2 products have no weight (card, …)") {
			t.Errorf("two without a weight: %+v", p)
		}
		offer("card", 5)
		offer("voucher", 5)
		if p := s.problem("weights"); p.Name != "" {
			t.Errorf("all weighed: %+v", p)
		}
	})
}
