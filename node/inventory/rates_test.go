package inventory

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
)

const ratesXML = `<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
<gesmes:subject>Reference rates</gesmes:subject>
<Cube><Cube time='2026-01-15'>
<Cube currency='USD' rate='1.1250'/><Cube currency='JPY' rate='168.40'/><Cube currency='GBP' rate='0.8480'/>
<Cube currency='KWD' rate='0.3456'/><Cube currency='IDR' rate='18350.00'/><Cube currency='RUB' rate='N/A'/>
</Cube><Cube time='2026-01-14'><Cube currency='USD' rate='9'/></Cube></Cube></gesmes:Envelope>`

func TestRates(t *testing.T) {
	csv := "Date, USD, JPY, GBP, KWD, IDR, RUB, \n15 January 2026, 1.1250, 168.40, 0.8480, 0.3456, 18350.00, N/A, \n"
	for name, file := range map[string]string{"XML": ratesXML, "CSV": csv, "CSV with a byte order mark": "\ufeff" + csv} {
		t.Run(name, func(t *testing.T) {
			rates, err := ReadRates(strings.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			if rates.Date != "2026-01-15" || len(rates.perEuro) != 5 {
				t.Errorf("%s: %v", rates.Date, rates.perEuro)
			}
			for _, c := range []struct {
				from     exchange.Currency
				minor    int64
				num, den int64
				text     string
				cents    int64
			}{
				{"EUR", 10000, 9, 8, "1.125", 11250},
				{"USD", 10000, 1, 1, "1", 10000},
				{"JPY", 10000, 1125, 1684, "0.00668052", 6681},
				{"GBP", 10000, 1125, 848, "1.3266509", 13267},
				{"KWD", 10000, 625, 1920, "3.25521", 3255},
				{"IDR", 10000000, 9, 146800, "0.0000613079", 613},
			} {
				t.Run(string(c.from), func(t *testing.T) {
					r, err := rates.USD(c.from)
					if err != nil {
						t.Fatal(err)
					}
					cents, err := r.Cents(exchange.Money{Minor: c.minor, Currency: c.from})
					if err != nil || cents != c.cents || r.Num*c.den != r.Den*c.num || r.From != c.from || r.Date != "2026-01-15" || !strings.HasPrefix(c.text, r.Text) {
						t.Errorf("%+v gives %d cents, %v; want %+v", r, cents, err, c)
					}
				})
			}
			for from, code := range map[exchange.Currency]exchange.Code{"SEK": exchange.CodeNoRate, "RUB": exchange.CodeNoRate, "XXZ": exchange.CodeInvalid} {
				t.Run(string(from), func(t *testing.T) {
					if _, err := rates.USD(from); exchange.CodeOf(err) != code || !strings.Contains(err.Error(), string(from)) {
						t.Error(err)
					}
				})
			}
		})
	}
}

func TestBadRates(t *testing.T) {
	cube := func(inner string) string { return "<Cube><Cube time='2026-01-15'>" + inner + "</Cube></Cube>" }
	for _, c := range []struct{ file, message string }{
		{"", "empty"},
		{" \n", "empty"},
		{"hello", "neither XML nor"},
		{"<html><body>Not found</body></html>", "no day"},
		{"<Cube", "not well-formed"},
		{cube("<Cube currency='JPY' rate='1'/>"), "none for USD"},
		{cube("<Cube currency='USD' rate='0.000'/>"), "above zero"},
		{cube("<Cube currency='USD' rate='-1'/>"), "not a number"},
		{cube("<Cube currency='USD' rate='1e3'/>"), "not a number"},
		{cube("<Cube currency='USD' rate='1,08'/>"), "not a number"},
		{cube("<Cube currency='USD' rate='1234567890123456789'/>"), "at most 14 digits"},
		{cube("<Cube currency='usd' rate='1'/>"), "not a currency code"},
		{cube("<Cube currency='USD' rate='1'/><Cube currency='USD' rate='2'/>"), "twice"},
		{cube("<Cube currency='EUR' rate='2'/>"), "euro's own"},
		{"<Cube time='yesterday'><Cube currency='USD' rate='1'/></Cube>", "not a date"},
		{"<Cube><Cube currency='USD' rate='1'/></Cube>", "belongs to no day"},
		{"Date, USD\n", "no day"},
		{"Date, USD\n15 January 2026\n", "not CSV"},
		{"Date, USD\n15 January 2026, nan\n", "not a number"},
		{strings.Repeat("x", MaxRatesBytes+1), "longer than"},
	} {
		t.Run(fmt.Sprintf("%.60q", c.file), func(t *testing.T) {
			_, err := ReadRates(strings.NewReader(c.file))
			if exchange.CodeOf(err) != exchange.CodeInvalid || !strings.Contains(err.Error(), c.message) {
				t.Errorf("%v, want %q", err, c.message)
			}
		})
	}
}

// TestRatesAreExact: the fraction is dollar ÷ foreign, with the decimals of
// both currencies in it, in lowest terms.
func TestRatesAreExact(t *testing.T) {
	digits := map[exchange.Currency]int64{"SEK": 100, "JPY": 1, "KWD": 1000, "EUR": 100}
	rapid.Check(t, func(rt *rapid.T) {
		from := rapid.SampledFrom([]exchange.Currency{"SEK", "JPY", "KWD", "EUR"}).Draw(rt, "from")
		rate := rapid.StringMatching(`[1-9][0-9]{0,4}\.[0-9]{1,4}`)
		dollar, foreign := rate.Draw(rt, "dollar"), rate.Draw(rt, "foreign")
		file := "Date,USD," + string(from) + "\n2026-01-15," + dollar + "," + foreign + "\n"
		if from == "EUR" {
			file, foreign = "Date,USD\n2026-01-15,"+dollar+"\n", "1"
		}
		rates, err := ReadRates(strings.NewReader(file))
		if err != nil {
			rt.Fatal(err)
		}
		got, err := rates.USD(from)
		if err != nil {
			rt.Fatal(err)
		}
		d, _ := new(big.Rat).SetString(dollar)
		f, _ := new(big.Rat).SetString(foreign)
		want := new(big.Rat).Quo(d, f)
		want.Mul(want, big.NewRat(100, digits[from]))
		if big.NewRat(got.Num, got.Den).Cmp(want) != 0 || want.Num().Int64() != got.Num || got.Check() != nil {
			rt.Fatalf("%+v, want %v", got, want)
		}
		shown, ok := new(big.Rat).SetString(got.Text)
		off := new(big.Rat).Sub(shown, new(big.Rat).Quo(d, f))
		if !ok || off.Abs(off).Cmp(new(big.Rat).Mul(new(big.Rat).Quo(d, f), big.NewRat(1, 100_000))) > 0 {
			rt.Fatalf("shown as %s, is %v", got.Text, new(big.Rat).Quo(d, f))
		}
	})
}
