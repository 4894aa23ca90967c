package exchange_test

import (
	"fmt"

	"github.com/souk-market/souk/exchange"
)

// A supplier prices two pairs of shoes and a hat at a discount of 15%. It alone rounds: what
// is taken off a line, down; an amount in US cents, half up.
func ExamplePriceQuote() {
	q := exchange.Quote{
		Format: exchange.QuoteByLine, Country: "SE", Currency: "EUR",
		Rate: exchange.Rate{From: "EUR", Num: 11, Den: 10, Text: "1.1", Source: "ECB", Date: "2026-01-15"},
	}
	lines, err := exchange.NewLines([]exchange.Line{{SKU: "shoe", Quantity: 2}, {SKU: "hat", Quantity: 1}})
	if err != nil {
		fmt.Println(err)
		return
	}
	catalog := map[exchange.SKU]exchange.Offer{
		"shoe": {Title: "Running shoe", List: 9_900, Grams: 700},
		"hat":  {Title: "Straw hat", List: 1_250, Grams: 120},
	}
	offer := func(sku exchange.SKU) (exchange.Offer, error) { return catalog[sku], nil }
	shipping := exchange.ShippingTable{Zones: []exchange.ShippingZone{{
		Countries: []string{"DK", "FI", "SE"},
		Bands:     []exchange.WeightBand{{UpTo: 1_000, Price: 490}, {UpTo: 20_000, Price: 890}},
	}}}
	if err := exchange.PriceQuote(&q, lines, offer, 1_500, shipping); err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range q.Lines {
		fmt.Printf("%d × %s at %d, less 15%%: %d\n", l.Quantity, l.Title, l.List, l.Total)
	}
	fmt.Printf("shipping: %d\ntotal: %d euro cents, or %d US cents\n", q.Shipping, q.Total, q.USDTotal)

	// The retailer does not know the catalog; it checks that the sums are right.
	fmt.Println("the sums:", q.CheckSums())
	q.Lines[0].Total--
	fmt.Println("a cent less:", q.CheckSums())
	// Output:
	// 2 × Running shoe at 9900, less 15%: 16830
	// 1 × Straw hat at 1250, less 15%: 1063
	// shipping: 890
	// total: 18783 euro cents, or 20661 US cents
	// the sums: <nil>
	// a cent less: the quote's line for shoe does not add up
}
