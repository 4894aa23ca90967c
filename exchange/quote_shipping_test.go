package exchange_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
)

// TestNoShipping: products of which nothing is sent pay no shipping, weigh nothing beside others,
// and no shipping zone refuses them.
func TestNoShipping(t *testing.T) {
	offers := map[exchange.SKU]exchange.Offer{
		"book":  {Title: "Book", List: 2000, Grams: 900},
		"ebook": {Title: "E-book", List: 1000, Grams: 5000, NoShipping: true},
	}
	table := exchange.ShippingTable{Zones: []exchange.ShippingZone{{Countries: []string{"SE"}, Bands: []exchange.WeightBand{{UpTo: 1000, Price: 490}}}}}
	for _, c := range []struct {
		name    string
		country string
		skus    []exchange.SKU
		want    int64
		code    exchange.Code
	}{
		{"a file", "SE", []exchange.SKU{"ebook"}, 0, exchange.CodeOK},
		{"a file where no zone serves", "JP", []exchange.SKU{"ebook"}, 0, exchange.CodeOK},
		{"a parcel where no zone serves", "JP", []exchange.SKU{"book"}, 0, exchange.CodeCountry},
		{"both, by the parcel's weight", "SE", []exchange.SKU{"book", "ebook"}, 490, exchange.CodeOK},
		{"both where no zone serves", "JP", []exchange.SKU{"book", "ebook"}, 0, exchange.CodeCountry},
	} {
		t.Run(c.name, func(t *testing.T) {
			var list []exchange.Line
			for _, sku := range c.skus {
				list = append(list, exchange.Line{SKU: sku, Quantity: 1})
			}
			lines, err := exchange.NewLines(list)
			if err != nil {
				t.Fatal(err)
			}
			q := exchange.Quote{Format: exchange.QuoteByLine, Country: c.country, Currency: "EUR"}
			err = exchange.PriceQuote(&q, lines, func(sku exchange.SKU) (exchange.Offer, error) { return offers[sku], nil }, 0, table)
			if exchange.CodeOf(err) != c.code || q.Shipping != c.want {
				t.Errorf("shipping %d, %v; want %d, %v", q.Shipping, err, c.want, c.code)
			}
		})
	}
}
