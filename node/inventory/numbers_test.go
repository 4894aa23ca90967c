package inventory

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
)

func TestNumbers(t *testing.T) {
	for in, want := range map[string]string{
		"12": "12", "12.9": "12.9", "12,99": "12.99", "1299.00": "1299.00", "1299,000": "1299.000", "0,350": "0.350", "0.350": "0.350",
		"1,299.00": "1299.00", "1.299,00": "1299.00", "1 299,00": "1299.00", "1\u00a0299,00": "1299.00", "1\u202f299": "1299", "1'299.00": "1299.00", "1’299.5": "1299.5",
		"1.299.000": "1299000", "1,299,000": "1299000", "12,34,567.50": "1234567.50", "1.299.000,5": "1299000.5", "-3": "-3", "+3,5": "3.5", "1,2345": "1.2345", ".8": "0.8", ",5": "0.5", ".299": "0.299", "-.5": "-0.5",
	} {
		t.Run(in, func(t *testing.T) {
			d, ok := parseNumber(in)
			if !ok || d.ambiguous || d.plain() != want {
				t.Errorf("%+v, %v, want %s", d, ok, want)
			}
		})
	}
	for _, in := range []string{"1,299", "1.299", "12.990", "999,000"} {
		t.Run(in+" can be two things", func(t *testing.T) {
			if d, ok := parseNumber(in); !ok || !d.ambiguous {
				t.Errorf("%+v, %v", d, ok)
			}
		})
	}
	for _, in := range []string{"", "x", ".", ",", "5.", "1,,2", "1.2.3", "12,34.5.6", "1,29.00", "1299,00.5", "1 29", "1 2999", "1.299,00,1", "1,2.3,4", "--1", "1e3", "١٢", "1234,567.00", "1  299"} {
		t.Run(strconv.Quote(in)+" is none", func(t *testing.T) {
			if d, ok := parseNumber(in); ok {
				t.Errorf("%+v", d)
			}
		})
	}
}

// TestNumbersAsWritten: a number written with groups and a decimal mark reads back,
// unless it can mean something else.
func TestNumbersAsWritten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.Int64Range(0, 1e12).Draw(rt, "whole")
		frac := rapid.StringMatching(`[0-9]{0,4}`).Draw(rt, "decimals")
		mark := rapid.SampledFrom([]string{".", ","}).Draw(rt, "mark")
		group := rapid.SampledFrom([]string{"", " ", "\u00a0", "'", map[string]string{".": ",", ",": "."}[mark]}).Draw(rt, "group")
		whole := strconv.FormatInt(n, 10)
		text := ""
		for i, d := range whole {
			if i > 0 && (len(whole)-i)%3 == 0 {
				text += group
			}
			text += string(d)
		}
		want := whole
		if frac != "" {
			text, want = text+mark+frac, want+"."+frac
		}
		d, ok := parseNumber(text)
		if !ok || !d.ambiguous && d.plain() != want || d.ambiguous && d.plain() != want && d.grouped() != want {
			rt.Fatalf("%q reads as %+v, %v, want %s", text, d, ok, want)
		}
	})
}

func TestPriceCells(t *testing.T) {
	for _, c := range []struct {
		cell     string
		currency exchange.Currency
		want     string // the amount, or a part of the error
	}{
		{"€ 12,99", "EUR", "12.99"}, {"12.99 EUR", "EUR", "12.99"}, {"EUR12", "EUR", "12.00"}, {"12,99€", "EUR", "12.99"}, {"12.99 eur", "EUR", "12.99"},
		{"$1,299.00", "USD", "1299.00"}, {"$12", "CAD", "12.00"}, {"US$ 12", "USD", "12.00"}, {"12,-", "EUR", "12.00"}, {"kr. 129,-", "DKK", "129.00"}, {"129 kr", "SEK", "129.00"},
		{"$.50", "USD", "0.50"}, {"kr.5", "SEK", "5.00"}, {".5", "EUR", "0.50"}, {"1 299,00 zł", "PLN", "1299.00"}, {"¥1,299", "JPY", "1299"}, {"1.299", "JPY", "1299"}, {"1.234", "KWD", "1.234"}, {"CHF 1'299.00", "CHF", "1299.00"}, {"R$ 1.299,90", "BRL", "1299.90"},
		{"12.99 USD", "EUR", `priced in "USD", but the shop sells in EUR`}, {"$12", "EUR", `priced in "$", but the shop sells in EUR`}, {"CA$12", "USD", "sells in USD"},
		{"12.99 EUR / kg", "EUR", "sells in EUR"}, {"from 12", "EUR", `priced in "from"`}, {"12 x 3", "EUR", "not a number"}, {"€", "EUR", "not a number"}, {"1.3E+3", "EUR", "spreadsheet"},
		{"1,234", "KWD", "can be read as"}, {"1,299 EUR", "EUR", "can be read as 1299 or as 1.299"}, {"10%", "EUR", "not a number"}, {"-5", "EUR", "not an amount"},
	} {
		t.Run(c.cell+" in "+string(c.currency), func(t *testing.T) {
			row := &csvRow{fields: [][]byte{[]byte(c.cell)}}
			m, err := row.price(0, c.currency)
			if got := m.Amount(); err == nil && got != c.want || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %v, want %s", got, err, c.want)
			}
		})
	}
}

// TestTheFileDecides: a number that can be read in two ways is read as the file's other
// numbers are, and refused where they do not tell or disagree.
func TestTheFileDecides(t *testing.T) {
	for _, c := range []struct{ other, want string }{
		{"12.99", "1.29"}, {"12,99", "1290.00"}, {"1.299,00", "1290.00"}, {"1,299.50", "1.29"}, {"2,000,000", "1.29"}, {"12", "refused"}, {"", "refused"},
	} {
		t.Run(c.other, func(t *testing.T) {
			items, report, err := read(t, inEuro(), "Handle,Title,Variant SKU,Variant Price\na,A,A,1.290\nb,B,B,\""+c.other+"\"\n")
			got := "refused"
			if len(items) > 0 && items[0].Product.SKU == "A" {
				got = items[0].Product.Price.Amount()
			}
			if err != nil || got != c.want {
				t.Errorf("%s, %v, %+v", got, err, report.Errors)
			}
		})
	}
}

func TestWeightCells(t *testing.T) {
	for cell, want := range map[string]string{
		"0.8": "800", "0,8": "800", "0.8 kg": "800", ".8": "800", ".8kg": "800", "200 g": "200", "200g.": "200", "1 lb": "454", "12 oz": "340", "1.250": "1250", "2 stone": "not a weight", "heavy": "not a number", "": "0",
	} {
		t.Run(cell, func(t *testing.T) {
			row := &csvRow{fields: [][]byte{[]byte(cell)}}
			n, err := row.grams(0, gramsPerKilogram)
			if got := fmt.Sprint(n); err == nil && got != want || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s, %v, want %s", got, err, want)
			}
		})
	}
}

func TestUnits(t *testing.T) {
	for cell, want := range map[string]string{"3": "3", "3.0": "3.0", "1,299": "1299", "1.299": "1299", "-2": "-2", "1 299": "1299", "many": "many", "1.000": "", "1E+05": ""} {
		t.Run(cell, func(t *testing.T) {
			row := &csvRow{fields: [][]byte{[]byte(cell)}}
			if got, err := row.units(0); got != want || (err != nil) != (want == "") {
				t.Errorf("%q, %v, want %q", got, err, want)
			}
		})
	}
}

func TestDamagedCodes(t *testing.T) {
	for _, s := range []string{"8.71E+12", "8,71E+12", "8.71234e+12", "4E+12"} {
		if damaged(s) == "" {
			t.Errorf("%s is taken", s)
		}
	}
	for _, s := range []string{"12E5", "E+12", "8.71E12", "AB-1E+2", "1E", "8718"} {
		if damaged(s) != "" {
			t.Errorf("%s is refused", s)
		}
	}
	for s, want := range map[string]bool{"02-Mar": true, "2. Mrz": true, "02. Mrz": true, "Mar-02": true, "5-Aug-24": true, "MAR-02": false, "Marble": false, "mar-02": false, "10-Maria": false} {
		if dated(s) != want {
			t.Errorf("%s: %v", s, !want)
		}
	}
	items, report, err := read(t, inEuro(), "Handle,Title,Variant SKU,Variant Price,Variant Barcode\na,A,8.71E+12,1,\nb,B,02-Mar,1,4001234567890.0\n")
	if err != nil || len(items) != 1 || items[0].Product.Barcode != "4001234567890" || report.DatedCodes != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	wantErrors(t, report, "2:Variant SKU: its digits are rounded and lost")
}

// TestCodesInFormulas: ="0123" is 0123, whether or not the cell is quoted as a whole.
func TestCodesInFormulas(t *testing.T) {
	items, report, err := read(t, inEuro(), "Handle,Title,Variant SKU,Variant Price,Variant Barcode\na,A,=\"007\",1,\"=\"\"0123456789012\"\"\"\n")
	if err != nil || len(items) != 1 || items[0].Product.SKU != "007" || items[0].Product.Barcode != "0123456789012" {
		t.Errorf("%s%+v, %v", lines(items), report.Errors, err)
	}
}

// TestTruthInOtherLanguages: a spreadsheet in German writes TRUE as WAHR.
func TestTruthInOtherLanguages(t *testing.T) {
	items, report, err := read(t, inEuro(), "Handle,Title,Variant SKU,Variant Price,Published\na,A,A,1,WAHR\nb,B,B,1,FALSCH\nc,C,C,1,VRAI\n")
	if err != nil || len(items) != 2 || report.Skipped[SkipUnpublished] != 1 {
		t.Errorf("%s%+v, %v", lines(items), report, err)
	}
}

func FuzzNumbers(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		row := &csvRow{fields: [][]byte{[]byte(s)}}
		if m, err := row.price(0, "EUR"); err == nil && (m.Minor < 0 || m.Minor > MaxPrice) {
			t.Fatalf("%q is %v", s, m)
		}
		if n, err := row.grams(0, gramsPerKilogram); err == nil && (n < 0 || n > MaxGrams) {
			t.Fatalf("%q weighs %d", s, n)
		}
		d, ok := parseNumber(s)
		if !ok {
			return
		}
		if again, ok := parseNumber(d.plain()); !ok || again.plain() != d.plain() {
			t.Fatalf("%q is %s, which is %+v", s, d.plain(), again)
		}
	})
}
