package record_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
)

// What is due starts at the quote's total, falls or stays with every unit cancelled, in both
// formats and both currencies, and ends at nothing.
func TestDueFallsToNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := func(what string, most int64) int64 { return rapid.Int64Range(0, most).Draw(t, what) }
		q := exchange.Quote{
			Format:  rapid.SampledFrom([]exchange.QuoteFormat{exchange.QuoteByUnit, exchange.QuoteByLine}).Draw(t, "format"),
			Country: "SE", Currency: "EUR", Rate: exchange.Rate{From: "EUR", Num: 1 + amount("num", 1000), Den: 1 + amount("den", 1000)},
		}
		var lines []exchange.Line
		for _, sku := range []exchange.SKU{"a", "b", "c"}[:1+amount("lines", 2)] {
			lines = append(lines, exchange.Line{SKU: sku, Quantity: exchange.Quantity(1 + amount("quantity", 9))})
		}
		offer := func(exchange.SKU) (exchange.Offer, error) { return exchange.Offer{List: amount("list", 1000)}, nil }
		table := exchange.ShippingTable{Zones: []exchange.ShippingZone{{Flat: amount("shipping", 1000)}}}
		if err := exchange.PriceQuote(&q, exchangetest.Lines(lines...), offer, exchange.BasisPoints(amount("discount", 10_000)), table); err != nil {
			t.Fatal(err)
		}
		o := record.Order{Quote: q}
		if o.Due() != q.Total || o.DueUSD() != q.USDTotal {
			t.Fatalf("not answered: %d and %d due of %d and %d", o.Due(), o.DueUSD(), q.Total, q.USDTotal)
		}
		o.Order.Submitted = 1
		left := int64(0)
		for _, l := range lines {
			o.Order.Lines = append(o.Order.Lines, order.Line{SKU: l.SKU, Ordered: int64(l.Quantity)})
			left += int64(l.Quantity)
		}
		due, usd := q.Total, q.USDTotal
		for {
			if o.Due() > due || o.DueUSD() > usd || o.Due() < 0 || o.DueUSD() < 0 {
				t.Fatalf("%d and %d due with %d units left, %d and %d before", o.Due(), o.DueUSD(), left, due, usd)
			}
			if due, usd = o.Due(), o.DueUSD(); left == 0 {
				break
			}
			if left == q.Units() && (due != q.Total || usd != q.USDTotal) {
				t.Fatalf("%d and %d due of %d and %d, and nothing was cancelled", due, usd, q.Total, q.USDTotal)
			}
			i := rapid.IntRange(0, len(o.Order.Lines)-1).Filter(func(i int) bool {
				return o.Order.Lines[i].Cancelled < o.Order.Lines[i].Ordered
			}).Draw(t, "cancelled")
			o.Order.Lines[i].Cancelled++
			left--
		}
		if due != 0 || usd != 0 {
			t.Fatalf("all is cancelled; %d and %d are due", due, usd)
		}
	})
}
