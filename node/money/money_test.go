package money

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
)

func TestParse(t *testing.T) {
	good := []struct {
		currency exchange.Currency
		text     string
		minor    int64
	}{
		{"EUR", "12.99", 1299},
		{"EUR", "12", 1200},
		{"EUR", "12.9", 1290},
		{"EUR", "0", 0},
		{"EUR", "0.00", 0},
		{"EUR", "007.50", 750},
		{"EUR", "12.990000", 1299},
		{"JPY", "1200", 1200},
		{"JPY", "1200.00", 1200},
		{"KWD", "1.234", 1234},
		{"CLF", "0.0001", 1},
		{"EUR", "92233720368547758.07", math.MaxInt64},
		{"JPY", "9223372036854775807", math.MaxInt64},
	}
	for _, c := range good {
		t.Run(fmt.Sprintf("%s %s", c.currency, c.text), func(t *testing.T) {
			m, err := Parse(c.currency, c.text)
			if err != nil || m.Minor != c.minor || m.Currency != c.currency {
				t.Errorf("Parse(%s, %q) = %v, %v; want %d", c.currency, c.text, m, err, c.minor)
			}
		})
	}
	bad := []struct {
		currency exchange.Currency
		text     string
		code     exchange.Code
	}{
		{"EUR", "", exchange.CodeInvalid},
		{"EUR", ".", exchange.CodeInvalid},
		{"EUR", ".5", exchange.CodeInvalid},
		{"EUR", "5.", exchange.CodeInvalid},
		{"EUR", "-1", exchange.CodeInvalid},
		{"EUR", "+1", exchange.CodeInvalid},
		{"EUR", " 1", exchange.CodeInvalid},
		{"EUR", "1e9", exchange.CodeInvalid},
		{"EUR", "NaN", exchange.CodeInvalid},
		{"EUR", "Inf", exchange.CodeInvalid},
		{"EUR", "0x10", exchange.CodeInvalid},
		{"EUR", "1,299.00", exchange.CodeInvalid},
		{"EUR", "12,99", exchange.CodeInvalid},
		{"EUR", "1_000", exchange.CodeInvalid},
		{"EUR", "1.2.3", exchange.CodeInvalid},
		{"EUR", "12.999", exchange.CodeInvalid},
		{"JPY", "12.5", exchange.CodeInvalid},
		{"EUR", "١٢", exchange.CodeInvalid}, // digits, but not 0–9
		{"EUR", strings.Repeat("0", MaxText+1), exchange.CodeInvalid},
		{"EUR", "92233720368547758.08", exchange.CodeOverflow},
		{"EUR", "99999999999999999999", exchange.CodeOverflow},
		{"JPY", "9999999999999999999", exchange.CodeOverflow},
		{"XYZ", "1", exchange.CodeInvalid},
		{"eur", "1", exchange.CodeInvalid},
		{"", "1", exchange.CodeInvalid},
	}
	for _, c := range bad {
		t.Run(fmt.Sprintf("%q %.30q", c.currency, c.text), func(t *testing.T) {
			m, err := Parse(c.currency, c.text)
			if code := exchange.CodeOf(err); code != c.code {
				t.Errorf("Parse(%q, %q) = %v, %v (%v); want %v", c.currency, c.text, m, err, code, c.code)
			}
		})
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := exchange.Money{
			Minor:    rapid.Int64Min(0).Draw(t, "minor"),
			Currency: rapid.SampledFrom([]exchange.Currency{"EUR", "USD", "JPY", "KWD", "CLF", "UYW", "SEK"}).Draw(t, "currency"),
		}
		text := m.Amount()
		back, err := Parse(m.Currency, text)
		if err != nil || back != m {
			t.Fatalf("%v shows as %q and reads as %v, %v", m, text, back, err)
		}
	})
}

// FuzzParse holds Parse to its promise: what it accepts, Money.Amount shows as the
// same number.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"12.99", "1e9", "-0", "007.50", "92233720368547758.08"} {
		f.Add("EUR", s)
	}
	f.Add("JPY", "1200.00")
	f.Fuzz(func(t *testing.T, currency, s string) {
		m, err := Parse(exchange.Currency(currency), s)
		if err != nil {
			var e *exchange.Error
			if !errors.As(err, &e) {
				t.Fatalf("%q: %v is no exchange.Error", s, err)
			}
			return
		}
		again, err := Parse(m.Currency, m.Amount())
		if m.Minor < 0 || err != nil || again != m {
			t.Fatalf("%q reads as %v, which shows as %q and reads as %v, %v", s, m, m.Amount(), again, err)
		}
	})
}

func TestLess(t *testing.T) {
	for _, c := range []struct {
		minor int64
		of    exchange.Currency
		off   exchange.BasisPoints
		want  string
	}{
		{6, "EUR", 1500, "0.051"}, {9900, "EUR", 1500, "84.15"}, {1250, "EUR", 1500, "10.625"}, {1200, "EUR", 0, "12.00"},
		{1299, "EUR", exchange.Whole, "0.00"}, {1, "JPY", 1, "0.9999"}, {1000, "KWD", 3333, "0.6667"},
	} {
		t.Run(c.want, func(t *testing.T) {
			if got, err := Less(exchange.Money{Minor: c.minor, Currency: c.of}, c.off); err != nil || got != c.want {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	for _, m := range []exchange.Money{{Minor: math.MaxInt64, Currency: "EUR"}, {Minor: 1, Currency: "ZZZ"}} {
		t.Run(m.String(), func(t *testing.T) {
			if got, err := Less(m, 1); err == nil {
				t.Errorf("%q", got)
			}
		})
	}
}
