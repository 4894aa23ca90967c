package exchange_test

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
)

// byLine is the case in format 2.
func byLine(c quoteCase) quoteCase {
	c.quote.Format = exchange.QuoteByLine
	return c
}

// bigLine is list × n less the discount, without bounds.
func bigLine(list, n int64, discount exchange.BasisPoints) *big.Int {
	whole := product(bigInt(list), bigInt(n))
	return new(big.Int).Sub(whole, floorDiv(product(whole, bigInt(int64(discount))), bigInt(10_000)))
}

func TestPriceByLineIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := byLine(drawQuoteCase(t, rapid.Bool().Draw(t, "small")))
		num, den := bigInt(c.quote.Rate.Num), bigInt(c.quote.Rate.Den)
		unlimited := priceBig(c) // shipping and weight do not depend on the format
		rated := rapid.Bool().Draw(t, "a rate")
		if !rated {
			c.quote.Rate = exchange.Rate{}
		}
		total, fits := new(big.Int).Set(unlimited.shipping), unlimited.grams.IsInt64()
		cents := func(minor *big.Int) *big.Int {
			if !rated {
				return new(big.Int)
			}
			return halfUp(product(minor, num), den)
		}
		for _, l := range c.lines {
			line := bigLine(l.List, int64(l.Quantity), c.discount)
			fits = fits && product(bigInt(l.List), bigInt(int64(l.Quantity))).IsInt64() && cents(line).IsInt64()
			total.Add(total, line)
		}
		fits = fits && total.IsInt64() && cents(total).IsInt64()
		got := c.quote
		err := c.price(&got)
		if !fits {
			if exchange.CodeOf(err) != exchange.CodeOverflow || !reflect.DeepEqual(got, c.quote) {
				t.Fatalf("%v; want overflow and the quote as it was", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, l := range c.lines {
			line := bigLine(l.List, int64(l.Quantity), c.discount)
			want := exchange.QuoteLine{SKU: l.SKU, Title: l.Title, Quantity: l.Quantity, List: l.List, Total: line.Int64(), USDTotal: cents(line).Int64()}
			if !reflect.DeepEqual(got.Lines[i], want) {
				t.Fatalf("line %d: %+v, want %+v", i, got.Lines[i], want)
			}
		}
		if got.Total != total.Int64() || got.USDTotal != cents(total).Int64() || got.USDShipping != cents(unlimited.shipping).Int64() || got.Discount != c.discount {
			t.Fatalf("%+v, want a total of %v, %v US cents", got, total, cents(total))
		}
		if err := got.CheckSums(); err != nil {
			t.Fatalf("the retailer refuses what the supplier priced: %v", err)
		}
	})
}

// What the two formats make of prices that one of them rounds badly.
func TestFormatsCompared(t *testing.T) {
	euro := exchange.Rate{From: "EUR", Num: 11, Den: 10}
	for name, c := range map[string]struct {
		list, quantity int64
		discount       exchange.BasisPoints
		rate           exchange.Rate
		unit, line     [2]int64 // total and US cents, in format 1 and in format 2
	}{
		"300 of 0.06, 15% off": {6, 300, 1500, euro, [2]int64{1800, 2100}, [2]int64{1530, 1683}},
		"635 of 0.10":          {10, 635, 0, exchange.Rate{From: "EUR", Num: 1116, Den: 1000}, [2]int64{6350, 6985}, [2]int64{6350, 7087}},
		"nothing off":          {1299, 3, 0, euro, [2]int64{3897, 4287}, [2]int64{3897, 4287}},
		"all off":              {1299, 3, exchange.Whole, euro, [2]int64{}, [2]int64{}},
	} {
		t.Run(name, func(t *testing.T) {
			for format, want := range map[exchange.QuoteFormat][2]int64{exchange.QuoteByUnit: c.unit, exchange.QuoteByLine: c.line} {
				q := exchange.Quote{Format: format, Country: "SE", Currency: "EUR", Rate: c.rate}
				of := quoteCase{lines: []offeredLine{{exchange.Line{SKU: "a", Quantity: exchange.Quantity(c.quantity)}, exchange.Offer{List: c.list}}}, discount: c.discount}
				if err := of.price(&q); err != nil {
					t.Fatal(err)
				}
				if got := [2]int64{q.Total, q.USDTotal}; got != want {
					t.Errorf("format %d: %d, want %d", format, got, want)
				}
			}
		})
	}
}

// The cancel rule: what is left of a line costs no more than before, never less than nothing,
// and its exact share to within one minor unit, in both formats.
func TestPartIsFair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawQuoteCase(t, true)
		if rapid.Bool().Draw(t, "by line") {
			c = byLine(c)
		}
		q := c.quote
		if err := c.price(&q); err != nil {
			t.Fatal(err)
		}
		l := &q.Lines[rapid.IntRange(0, len(q.Lines)-1).Draw(t, "line")]
		n := rapid.Int64Range(0, int64(l.Quantity)).Draw(t, "left")
		part, next := q.Part(l, n), q.Part(l, min(n+1, int64(l.Quantity)))
		if part < 0 || part > next || next > l.Total || q.Part(l, 0) != 0 || q.Part(l, int64(l.Quantity)) != l.Total {
			t.Fatalf("%d units of %d cost %d, one more %d, all %d", n, l.Quantity, part, next, l.Total)
		}
		if q.Format == exchange.QuoteByLine {
			share := product(bigInt(l.List), bigInt(n), bigInt(int64(exchange.Whole-q.Discount)))
			above := new(big.Int).Sub(product(bigInt(part), bigInt(int64(exchange.Whole))), share)
			if above.Sign() < 0 || above.Cmp(bigInt(int64(exchange.Whole))) >= 0 {
				t.Fatalf("%d units at %d cost %d, %v ten-thousandths above their share", n, l.List, part, above)
			}
			rest := q.Part(l, int64(l.Quantity)-n)
			if sum := part + rest; sum < l.Total || sum > l.Total+1 {
				t.Fatalf("in two parts the line costs %d, whole %d", sum, l.Total)
			}
		}
		if unit, exact := q.UnitPrice(l); exact && unit*int64(l.Quantity) != l.Total || unit < 0 || unit > l.List {
			t.Fatalf("a unit is said to cost %d, exactly %v; the line of %d costs %d", unit, exact, l.Quantity, l.Total)
		}
	})
}

// A quote by line in which one figure was changed no longer adds up.
func TestChangesByLineAreFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := byLine(drawQuoteCase(t, true))
		c.discount %= 5_000
		for i := range c.lines {
			c.lines[i].List += 10_000 // so that each unit and each basis point counts
		}
		if rapid.Bool().Draw(t, "no rate") {
			c.quote.Rate = exchange.Rate{}
		}
		c.noticesEachFigure(t)
	})
}

func TestCheckSumsByLineRefuses(t *testing.T) {
	good := func() exchange.Quote {
		return exchange.Quote{
			Format: exchange.QuoteByLine, Currency: "EUR", Discount: 1500, Rate: exchange.Rate{From: "EUR", Num: 11, Den: 10},
			Lines: []exchange.QuoteLine{{
				SKU: "a", Quantity: 300, List: 6, Total: 1530, USDTotal: 1683,
				Options: []exchange.Option{{Name: "Size", Value: "4"}}, Barcode: "4012345000103", Image: "https://a.example/1.jpg",
			}},
			Shipping: 10, USDShipping: 11, Total: 1540, USDTotal: 1694,
		}
	}
	q := good()
	if err := q.CheckSums(); err != nil {
		t.Fatal(err)
	}
	bare := func(q *exchange.Quote) { // the same without snapshots
		q.Lines[0].Options, q.Lines[0].Barcode, q.Lines[0].Image = nil, "", ""
	}
	for name, c := range map[string]struct {
		change func(*exchange.Quote)
		code   exchange.Code
	}{
		"no lines":            {func(q *exchange.Quote) { q.Lines = nil }, exchange.CodeInvalid},
		"a format to come":    {func(q *exchange.Quote) { q.Format++ }, exchange.CodeInvalid},
		"format 1":            {func(q *exchange.Quote) { q.Format = 0 }, exchange.CodeInvalid},
		"another discount":    {func(q *exchange.Quote) { q.Discount-- }, exchange.CodeInvalid},
		"more than all off":   {func(q *exchange.Quote) { q.Discount = exchange.Whole + 1 }, exchange.CodeInvalid},
		"a unit price":        {func(q *exchange.Quote) { q.Lines[0].Unit = 5 }, exchange.CodeInvalid},
		"a negative price":    {func(q *exchange.Quote) { q.Lines[0].List = -6 }, exchange.CodeInvalid},
		"a line too large":    {func(q *exchange.Quote) { q.Lines[0].List = math.MaxInt64 }, exchange.CodeOverflow},
		"dollars and no rate": {func(q *exchange.Quote) { q.Rate = exchange.Rate{} }, exchange.CodeInvalid},
		"no dollars":          {func(q *exchange.Quote) { q.USDTotal = 0 }, exchange.CodeInvalid},
		"the sum of the lines' dollars": {func(q *exchange.Quote) { // 2 × 1.5 cents are 2 + 2 by line, 3 by the total
			bare(q)
			q.Discount, q.Rate, q.Shipping, q.USDShipping = 0, exchange.Rate{From: "EUR", Num: 3, Den: 2}, 0, 0
			one := exchange.QuoteLine{SKU: "a", Quantity: 1, List: 1, Total: 1, USDTotal: 2}
			q.Lines, q.Total, q.USDTotal = []exchange.QuoteLine{one, one}, 2, 4
		}, exchange.CodeInvalid},
		"a rate of another": {func(q *exchange.Quote) { q.Rate.From = "SEK" }, exchange.CodeCurrency},
		"the sum leaves 64 bits": {func(q *exchange.Quote) {
			q.Shipping, q.Rate, q.USDShipping, q.USDTotal, q.Lines[0].USDTotal = math.MaxInt64, exchange.Rate{}, 0, 0, 0
			q.Total = math.MinInt64 + 1529
		}, exchange.CodeOverflow},
		"snapshots too long": {func(q *exchange.Quote) { q.Lines[0].Image += strings.Repeat("x", exchange.MaxSnapshots) }, exchange.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			q := good()
			c.change(&q)
			if err := q.CheckSums(); exchange.CodeOf(err) != c.code {
				t.Errorf("%v, want %v", err, c.code)
			}
		})
	}
	t.Run("snapshots in format 1", func(t *testing.T) {
		q := exchange.Quote{Lines: []exchange.QuoteLine{{SKU: "a", Quantity: 1, List: 5, Unit: 5, Total: 5, Barcode: "1"}}, Total: 5}
		if err := q.CheckSums(); exchange.CodeOf(err) != exchange.CodeInvalid {
			t.Error(err)
		}
	})
}

// Whatever products are, a quote keeps its bound, says the most telling first, cuts no text,
// and says where something was left out.
func TestSnapshotsFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, texts := quoteCase{quote: exchange.Quote{Format: exchange.QuoteByLine, Country: "SE", Currency: "EUR"}}, rapid.IntRange(0, exchange.MaxText)
		text := func(what string) string { return strings.Repeat("w", texts.Draw(t, what)) }
		for i := range rapid.IntRange(1, exchange.MaxLines).Draw(t, "lines") {
			o := exchange.Offer{Barcode: text("barcode"), Image: strings.Repeat("i", rapid.IntRange(0, exchange.MaxURL).Draw(t, "image"))}
			for range rapid.IntRange(0, 10).Draw(t, "options") {
				o.Options = append(o.Options, exchange.Option{Name: text("name"), Value: text("value")})
			}
			c.lines = append(c.lines, offeredLine{exchange.Line{SKU: exchange.SKU(fmt.Sprint("sku-", i)), Quantity: 1}, o})
		}
		if err := c.price(&c.quote); err != nil {
			t.Fatal(err)
		}
		if err := c.quote.CheckSums(); err != nil {
			t.Fatal(err)
		}
		for i, l := range c.quote.Lines {
			o := c.lines[i].Offer
			whole := len(l.Options) == len(o.Options) && l.Barcode == o.Barcode && l.Image == o.Image
			if whole == l.Cut {
				t.Fatalf("line %d is whole: %v, and says it was cut: %v", i, whole, l.Cut)
			}
			if len(l.Options) > 0 && !reflect.DeepEqual(l.Options, o.Options[:len(l.Options)]) || l.Barcode != "" && l.Barcode != o.Barcode || l.Image != "" && l.Image != o.Image {
				t.Fatalf("line %d says %+v of %+v", i, l, o)
			}
			if !whole && len(c.lines) <= 5 {
				t.Fatalf("one of %d lines has no room for its product", len(c.lines))
			}
		}
	})
}
