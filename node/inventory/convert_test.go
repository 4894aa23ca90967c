package inventory_test

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/inventory"
)

// An amount in another currency is exact to the last half unit, whatever the decimals.
func TestConvert(t *testing.T) {
	rates, err := inventory.ReadRates(strings.NewReader("Date, USD, JPY, SEK, BHD,\n21 September 2026, 1.125, 160.5, 10.9, 0.4242,\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from exchange.Money
		to   exchange.Currency
		want string
	}{
		{exchange.Money{Minor: 10900, Currency: "SEK"}, "EUR", "10.00 EUR"},
		{exchange.Money{Minor: 1, Currency: "SEK"}, "EUR", "0.00 EUR"},
		{exchange.Money{Minor: 1000, Currency: "EUR"}, "JPY", "1605 JPY"},
		{exchange.Money{Minor: 1605, Currency: "JPY"}, "USD", "11.25 USD"},
		{exchange.Money{Minor: 999, Currency: "USD"}, "EUR", "8.88 EUR"},
		{exchange.Money{Minor: 4242, Currency: "BHD"}, "SEK", "109.00 SEK"},
	} {
		t.Run(c.from.String()+" in "+string(c.to), func(t *testing.T) {
			got, err := rates.Convert(c.from, c.to)
			if err != nil || got.String() != c.want || got.Date != "2026-09-21" || got.Source != "ECB" {
				t.Errorf("%+v, %v; want %s", got, err, c.want)
			}
		})
	}
	for _, c := range []exchange.Currency{"GBP", "XXX"} {
		if _, err := rates.Convert(exchange.Money{Minor: 1, Currency: c}, "EUR"); exchange.CodeOf(err) != exchange.CodeNoRate {
			t.Errorf("from %s: %v", c, err)
		}
		if _, err := rates.Convert(exchange.Money{Minor: 1, Currency: "EUR"}, c); exchange.CodeOf(err) != exchange.CodeNoRate {
			t.Errorf("to %s: %v", c, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		minor := rapid.Int64Range(0, 1<<62).Draw(t, "minor")
		got, err := rates.Convert(exchange.Money{Minor: minor, Currency: "SEK"}, "EUR")
		if err != nil {
			t.Fatal(err)
		}
		exact := new(big.Rat).Quo(new(big.Rat).SetInt64(minor), big.NewRat(109, 10))
		off := exact.Sub(new(big.Rat).SetInt64(got.Minor), exact)
		if off.Cmp(big.NewRat(1, 2)) > 0 || off.Cmp(big.NewRat(-1, 2)) <= 0 {
			t.Fatalf("%d öre are %d cents, %v off", minor, got.Minor, off)
		}
	})
}
