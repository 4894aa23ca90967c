package exchange_test

import (
	"math"
	"testing"

	"github.com/souk-market/souk/exchange"
)

// TestDecimals holds the table against ISO 4217: every code that has other than two
// decimals by name, and all codes together by their number.
func TestDecimals(t *testing.T) {
	rare := make(map[exchange.Currency]int)
	for digits, codes := range map[int][]exchange.Currency{
		0: {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF",
			"BYR", "XAG", "XAU", "XDR"},
		3: {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"},
		4: {"CLF", "UYW"},
	} {
		for _, c := range codes {
			rare[c] = digits
		}
	}
	const (
		listed  = 165 // rows of list one with a minor unit, each code once
		earlier = 23  // known to earlier versions
	)
	known := 0
	for n := range 26 * 26 * 26 {
		c := exchange.Currency([]byte{'A' + byte(n/676), 'A' + byte(n/26%26), 'A' + byte(n%26)})
		got, err := c.Decimals()
		want, special := rare[c]
		switch {
		case err == nil && !special:
			known++
			want = 2
		case err == nil:
			known++
		case special || exchange.CodeOf(err) != exchange.CodeInvalid:
			t.Errorf("%s: %v", c, err)
		}
		if got != want {
			t.Errorf("%s has %d decimals, want %d", c, got, want)
		}
	}
	if known != listed+earlier {
		t.Errorf("%d currencies are known, want %d", known, listed+earlier)
	}
}

func TestDecimalsOf(t *testing.T) {
	for _, c := range []struct {
		currency exchange.Currency
		digits   int
		ok       bool
	}{
		{"USD", 2, true},
		{"EUR", 2, true},
		{"SEK", 2, true},
		{"HUF", 2, true}, // people pay without, ISO 4217 counts fillér
		{"MGA", 2, true}, // a fifth, not a hundredth; the list says 2
		{"XCG", 2, true}, // new in 2025
		{"BGN", 2, true}, // withdrawn in 2026
		{"XAU", 0, true},
		{"JEP", 2, true}, // no code of ISO 4217, and in use
		{"XXX", 0, false},
		{"XYZ", 0, false},
		{"eur", 0, false},
		{"", 0, false},
	} {
		t.Run(string(c.currency), func(t *testing.T) {
			got, err := c.currency.Decimals()
			if got != c.digits || (err == nil) != c.ok || !c.ok && exchange.CodeOf(err) != exchange.CodeInvalid {
				t.Errorf("Decimals() = %d, %v; want %d", got, err, c.digits)
			}
		})
	}
}

func TestMoneyText(t *testing.T) {
	for _, c := range []struct {
		m            exchange.Money
		text, amount string
	}{
		{exchange.Money{Minor: 1299, Currency: "EUR"}, "12.99 EUR", "12.99"},
		{exchange.Money{Minor: 5, Currency: "EUR"}, "0.05 EUR", "0.05"},
		{exchange.Money{Minor: 100, Currency: "EUR"}, "1.00 EUR", "1.00"},
		{exchange.Money{Minor: 0, Currency: "KWD"}, "0.000 KWD", "0.000"},
		{exchange.Money{Minor: 1234, Currency: "KWD"}, "1.234 KWD", "1.234"},
		{exchange.Money{Minor: 1, Currency: "CLF"}, "0.0001 CLF", "0.0001"},
		{exchange.Money{Minor: 1200, Currency: "JPY"}, "1200 JPY", "1200"},
		{exchange.Money{Minor: -5, Currency: "EUR"}, "-0.05 EUR", "-0.05"},
		{exchange.Money{Minor: -5, Currency: "JPY"}, "-5 JPY", "-5"},
		{exchange.Money{Minor: math.MaxInt64, Currency: "EUR"}, "92233720368547758.07 EUR", "92233720368547758.07"},
		{exchange.Money{Minor: math.MinInt64, Currency: "EUR"}, "-92233720368547758.08 EUR", "-92233720368547758.08"},
		{exchange.Money{Minor: 7, Currency: "XYZ"}, "7 minor XYZ", "7 minor XYZ"},
	} {
		t.Run(c.text, func(t *testing.T) {
			if got := c.m.String(); got != c.text {
				t.Errorf("String() = %q, want %q", got, c.text)
			}
			if got := c.m.Amount(); got != c.amount {
				t.Errorf("Amount() = %q, want %q", got, c.amount)
			}
		})
	}
}
