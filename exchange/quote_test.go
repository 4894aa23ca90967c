package exchange_test

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/exchangetest"
)

// quoteCase is everything PriceQuote reads.
type quoteCase struct {
	quote    exchange.Quote
	lines    []offeredLine
	discount exchange.BasisPoints
	table    exchange.ShippingTable
}

// offeredLine is a line and what the catalog says of its product.
type offeredLine struct {
	exchange.Line
	exchange.Offer
}

// price prices q by the case.
func (c quoteCase) price(q *exchange.Quote) error {
	var lines []exchange.Line
	offers := make(map[exchange.SKU]exchange.Offer)
	for _, l := range c.lines {
		lines = append(lines, l.Line)
		offers[l.SKU] = l.Offer
	}
	offer := func(sku exchange.SKU) (exchange.Offer, error) { return offers[sku], nil }
	return exchange.PriceQuote(q, exchangetest.Lines(lines...), offer, c.discount, c.table)
}

// drawQuoteCase draws sums that fit and sums that do not: a small one bounds
// prices, weights and the rate such that nothing can overflow.
func drawQuoteCase(t *rapid.T, small bool) quoteCase {
	price, divisor := amounts(0), amounts(1)
	if small { // 64 lines × 10^6 units × 10^5 × 10^5 < 2^63
		price, divisor = rapid.Int64Range(0, 100_000), rapid.Int64Range(1, 100_000)
	}
	c := quoteCase{
		quote: exchange.Quote{
			Supplier: vectorShop(0), Retailer: vectorShop(1), TermsVersion: 3, Country: "SE", Currency: "EUR",
			Rate: exchange.Rate{From: "EUR", Num: divisor.Draw(t, "num"), Den: divisor.Draw(t, "den")},
		},
		discount: exchange.BasisPoints(rapid.Uint32Range(0, 10_000).Draw(t, "discount")),
		table:    drawTable(t, price),
	}
	for i := range rapid.IntRange(1, 8).Draw(t, "lines") {
		c.lines = append(c.lines, offeredLine{
			exchange.Line{
				SKU:      exchange.SKU(fmt.Sprint("sku-", i)),
				Quantity: exchange.Quantity(rapid.Int64Range(1, exchange.MaxQuantity).Draw(t, "quantity")),
			},
			exchange.Offer{Title: "a thing", List: price.Draw(t, "list"), Grams: price.Draw(t, "grams")},
		})
	}
	return c
}

// drawTable draws tables in which one zone serves Sweden at any weight.
func drawTable(t *rapid.T, price *rapid.Generator[int64]) exchange.ShippingTable {
	zone := exchange.ShippingZone{Countries: []string{"SE"}, Flat: price.Draw(t, "flat")}
	if rapid.Bool().Draw(t, "by weight") {
		zone.Bands = []exchange.WeightBand{
			{UpTo: 1_000_000, Price: price.Draw(t, "light")},
			{UpTo: math.MaxInt64, Price: price.Draw(t, "heavy")},
		}
	}
	return exchange.ShippingTable{Zones: []exchange.ShippingZone{{Countries: []string{"FI"}, Flat: 1}, zone}}
}

// bigQuote is the same quote computed without bounds.
type bigQuote struct {
	units, totals, usdUnits, usdTotals []*big.Int
	grams                              *big.Int
	shipping, usdShipping, total, usd  *big.Int
}

func priceBig(c quoteCase) bigQuote {
	num, den := bigInt(c.quote.Rate.Num), bigInt(c.quote.Rate.Den)
	q := bigQuote{grams: new(big.Int), total: new(big.Int), usd: new(big.Int)}
	for _, l := range c.lines {
		list, quantity := bigInt(l.List), bigInt(int64(l.Quantity))
		unit := new(big.Int).Sub(list, floorDiv(product(list, bigInt(int64(c.discount))), bigInt(10_000)))
		usdUnit := halfUp(product(unit, num), den)
		q.units, q.totals = append(q.units, unit), append(q.totals, product(unit, quantity))
		q.usdUnits, q.usdTotals = append(q.usdUnits, usdUnit), append(q.usdTotals, product(usdUnit, quantity))
		q.total.Add(q.total, product(unit, quantity))
		q.usd.Add(q.usd, product(usdUnit, quantity))
		q.grams.Add(q.grams, product(bigInt(l.Grams), quantity))
	}
	zone := c.table.Zones[1]
	q.shipping = bigInt(zone.Flat)
	if len(zone.Bands) > 0 {
		q.shipping = bigInt(zone.Bands[0].Price)
		if q.grams.Cmp(bigInt(zone.Bands[0].UpTo)) > 0 {
			q.shipping = bigInt(zone.Bands[1].Price)
		}
	}
	q.usdShipping = halfUp(product(q.shipping, num), den)
	q.total.Add(q.total, q.shipping)
	q.usd.Add(q.usd, q.usdShipping)
	return q
}

// fits reports whether every figure fits 64 bits. All are ≥ 0, so a sum fits
// only if all its parts do.
func (q bigQuote) fits() bool {
	for _, usdUnit := range q.usdUnits {
		if !usdUnit.IsInt64() {
			return false
		}
	}
	return q.grams.IsInt64() && q.total.IsInt64() && q.usd.IsInt64()
}

func TestPriceQuoteIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		small := rapid.Bool().Draw(t, "small")
		c := drawQuoteCase(t, small)
		want := priceBig(c)
		if small && !want.fits() {
			t.Fatal("a small quote does not fit; the bounds in drawQuoteCase are wrong")
		}
		got := c.quote
		err := c.price(&got)
		if !want.fits() {
			if exchange.CodeOf(err) != exchange.CodeOverflow || !reflect.DeepEqual(got, c.quote) {
				t.Fatalf("%v; want overflow and the quote as it was: total %v, USD %v", err, want.total, want.usd)
			}
			return
		}
		if err != nil {
			t.Fatalf("%v; want total %v, USD %v", err, want.total, want.usd)
		}
		comparePrices(t, got, c, want)
		if err := got.CheckSums(); err != nil {
			t.Fatalf("the retailer refuses what the supplier priced: %v", err)
		}
	})
}

func comparePrices(t *rapid.T, got exchange.Quote, c quoteCase, want bigQuote) {
	t.Helper()
	var units int64
	for i, l := range c.lines {
		wantLine := exchange.QuoteLine{
			SKU: l.SKU, Title: l.Title, Quantity: l.Quantity, List: l.List,
			Unit: want.units[i].Int64(), Total: want.totals[i].Int64(),
			USDUnit: want.usdUnits[i].Int64(), USDTotal: want.usdTotals[i].Int64(),
		}
		if !reflect.DeepEqual(got.Lines[i], wantLine) {
			t.Fatalf("line %d: %+v, want %+v", i, got.Lines[i], wantLine)
		}
		units += int64(l.Quantity)
	}
	wantQuote := c.quote
	wantQuote.Lines = got.Lines
	wantQuote.Shipping, wantQuote.USDShipping = want.shipping.Int64(), want.usdShipping.Int64()
	wantQuote.Total, wantQuote.USDTotal = want.total.Int64(), want.usd.Int64()
	if !reflect.DeepEqual(got, wantQuote) || len(got.Lines) != len(c.lines) {
		t.Fatalf("%+v\nwant %+v", got, wantQuote)
	}
	if got.Units() != units {
		t.Fatalf("%d units, want %d", got.Units(), units)
	}
}

// A quote in which one figure was changed no longer adds up.
func TestCheckSumsFindsAnyChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawQuoteCase(t, true)
		c.discount %= 5_000
		for i := range c.lines {
			c.lines[i].List++ // a line that costs nothing adds up with any quantity
		}
		c.noticesEachFigure(t)
	})
}

// noticesEachFigure checks that a figure of the priced quote that is changed does not add up.
func (c *quoteCase) noticesEachFigure(t *rapid.T) {
	t.Helper()
	q := c.quote
	if err := c.price(&q); err != nil {
		t.Fatal(err)
	}
	line := &q.Lines[rapid.IntRange(0, len(q.Lines)-1).Draw(t, "line")]
	figure := rapid.SampledFrom([]*int64{
		&line.Unit, &line.Total, &line.USDUnit, &line.USDTotal, (*int64)(&line.Quantity),
		&q.Shipping, &q.USDShipping, &q.Total, &q.USDTotal,
	}).Draw(t, "figure")
	before := *figure
	*figure = signed().Filter(func(n int64) bool { return n != before }).Draw(t, "changed")
	if code := exchange.CodeOf(q.CheckSums()); code != exchange.CodeInvalid && code != exchange.CodeOverflow {
		t.Fatalf("%d became %d and nobody noticed", before, *figure)
	}
}

func TestCheckSumsRefuses(t *testing.T) {
	good := func() exchange.Quote {
		return exchange.Quote{
			Lines: []exchange.QuoteLine{{SKU: "a", Quantity: 2, List: 5, Unit: 4, Total: 8, USDUnit: 3, USDTotal: 6}},
			Total: 8, USDTotal: 6,
		}
	}
	q := good()
	if err := q.CheckSums(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*exchange.Quote)
		code   exchange.Code
	}{
		"no lines":       {func(q *exchange.Quote) { *q = exchange.Quote{} }, exchange.CodeInvalid},
		"too many lines": {func(q *exchange.Quote) { q.Lines = make([]exchange.QuoteLine, exchange.MaxLines+1) }, exchange.CodeInvalid},
		"above the list": {func(q *exchange.Quote) { q.Lines[0].List = 3 }, exchange.CodeInvalid},
		"quantity 0": {func(q *exchange.Quote) {
			q.Lines[0].Quantity, q.Lines[0].Total, q.Lines[0].USDTotal, q.Total, q.USDTotal = 0, 0, 0, 0, 0
		}, exchange.CodeInvalid},
		"negative prices": {func(q *exchange.Quote) { q.Lines[0].Unit, q.Lines[0].Total, q.Total = -4, -8, -8 }, exchange.CodeInvalid},
		"wraps to zero": {func(q *exchange.Quote) { // 2^62 × 4 = 2^64
			q.Lines[0] = exchange.QuoteLine{SKU: "a", Quantity: 4, List: 1 << 62, Unit: 1 << 62}
			q.Total, q.USDTotal = 0, 0
		}, exchange.CodeInvalid},
		"sum leaves 64 bits": {func(q *exchange.Quote) {
			q.Shipping, q.Total = math.MaxInt64, math.MinInt64+7
		}, exchange.CodeOverflow},
		"sum wraps round to the total": {func(q *exchange.Quote) { // 2 × (2^63 − 1) + 2 = 2^64
			dear := exchange.QuoteLine{Quantity: 1, List: math.MaxInt64, Unit: math.MaxInt64, Total: math.MaxInt64}
			q.Lines = []exchange.QuoteLine{dear, dear, {Quantity: 1, List: 2, Unit: 2, Total: 2}}
			q.Total, q.USDTotal = 0, 0
		}, exchange.CodeOverflow},
		"negative shipping": {func(q *exchange.Quote) { q.Shipping, q.Total = -8, 0 }, exchange.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			q := good()
			c.change(&q)
			if err := q.CheckSums(); exchange.CodeOf(err) != c.code {
				t.Errorf("%v, want %v", err, c.code)
			}
		})
	}
}

func TestPriceQuoteRefuses(t *testing.T) {
	line := exchangetest.Lines(exchange.Line{SKU: "a", Quantity: 1})
	good := exchange.Offer{List: 100, Grams: 10}
	rate := exchange.Rate{From: "EUR", Num: 11, Den: 10}
	only := exchange.ShippingTable{Zones: []exchange.ShippingZone{{Countries: []string{"SE"}, Bands: []exchange.WeightBand{{UpTo: 9, Price: 1}}}}}
	for name, c := range map[string]struct {
		quote    exchange.Quote
		offer    exchange.Offer
		missing  error
		discount exchange.BasisPoints
		table    exchange.ShippingTable
		code     exchange.Code
	}{
		"country not served": {quote: exchange.Quote{Country: "FI", Currency: "EUR", Rate: rate}, offer: good, table: only, code: exchange.CodeCountry},
		"too heavy":          {quote: exchange.Quote{Country: "SE", Currency: "EUR", Rate: rate}, offer: good, table: only, code: exchange.CodeCountry},
		"rate of another":    {quote: exchange.Quote{Country: "SE", Currency: "SEK", Rate: rate}, offer: good, code: exchange.CodeCurrency},
		"no rate":            {quote: exchange.Quote{Country: "SE", Currency: "EUR", Rate: exchange.Rate{From: "EUR"}}, offer: good, code: exchange.CodeNoRate},
		"discount over 100%": {quote: exchange.Quote{Country: "SE", Currency: "EUR", Rate: rate}, offer: good, discount: 10_001, code: exchange.CodeInvalid},
		"no offer": {
			quote: exchange.Quote{Country: "SE", Currency: "EUR", Rate: rate}, missing: exchange.Errorf(exchange.CodeNotFound, "no such product"), code: exchange.CodeNotFound,
		},
		"negative weight": {quote: exchange.Quote{Country: "SE", Currency: "EUR", Rate: rate}, offer: exchange.Offer{Grams: -1}, code: exchange.CodeInvalid},
		"negative price":  {quote: exchange.Quote{Country: "SE", Currency: "EUR", Rate: rate}, offer: exchange.Offer{List: -1}, code: exchange.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			q := c.quote
			err := exchange.PriceQuote(&q, line, func(exchange.SKU) (exchange.Offer, error) { return c.offer, c.missing }, c.discount, c.table)
			if exchange.CodeOf(err) != c.code || !reflect.DeepEqual(q, c.quote) {
				t.Errorf("%v and %+v; want %v and the quote as it was", err, q, c.code)
			}
		})
	}
}

func TestQuoteHoldLines(t *testing.T) {
	shoe, hat := exchange.QuoteLine{SKU: "shoe", Quantity: 2, Unit: 5}, exchange.QuoteLine{SKU: "hat", Quantity: 1}
	q := exchange.Quote{Lines: []exchange.QuoteLine{shoe, hat}}
	want := exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 2}, exchange.Line{SKU: "hat", Quantity: 1})
	got, err := q.HoldLines()
	if err != nil || !got.Equal(want) || !q.Prices(want) {
		t.Errorf("%v, %v", got, err)
	}
	for name, other := range map[string]exchange.Quote{
		"a product twice":  {Lines: []exchange.QuoteLine{shoe, shoe}},
		"no lines":         {},
		"too many":         {Lines: make([]exchange.QuoteLine, exchange.MaxLines+1)},
		"a quantity of 0":  {Lines: []exchange.QuoteLine{{SKU: "shoe"}}},
		"a SKU that is no": {Lines: []exchange.QuoteLine{{SKU: " ", Quantity: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := other.HoldLines(); exchange.CodeOf(err) != exchange.CodeInvalid || !got.IsZero() || other.Prices(want) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
	for name, other := range map[string]exchange.Lines{
		"another order": exchangetest.Lines(exchange.Line{SKU: "hat", Quantity: 1}, exchange.Line{SKU: "shoe", Quantity: 2}),
		"fewer units":   exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 1}, exchange.Line{SKU: "hat", Quantity: 1}),
		"fewer lines":   exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 2}),
		"none":          {},
	} {
		t.Run(name, func(t *testing.T) {
			if q.Prices(other) {
				t.Errorf("it does not price %v", other)
			}
		})
	}
}
