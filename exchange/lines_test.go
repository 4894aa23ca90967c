package exchange_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/exchangetest"
)

func TestNewLines(t *testing.T) {
	lines := func(n int) []exchange.Line {
		out := make([]exchange.Line, n)
		for i := range out {
			out[i] = exchange.Line{SKU: exchange.SKU(fmt.Sprint("sku-", i)), Quantity: 1}
		}
		return out
	}
	for name, c := range map[string]struct {
		lines []exchange.Line
		ok    bool
	}{
		"one":               {lines(1), true},
		"most":              {lines(exchange.MaxLines), true},
		"none":              {nil, false},
		"one too many":      {lines(exchange.MaxLines + 1), false},
		"quantity 0":        {[]exchange.Line{{SKU: "a", Quantity: 0}}, false},
		"quantity negative": {[]exchange.Line{{SKU: "a", Quantity: 1}, {SKU: "b", Quantity: -1}}, false},
		"quantity too big":  {[]exchange.Line{{SKU: "a", Quantity: exchange.MaxQuantity + 1}}, false},
		"bad SKU":           {[]exchange.Line{{SKU: " a", Quantity: 1}}, false},
		"SKU twice":         {append(lines(3), exchange.Line{SKU: "sku-0", Quantity: 2}), false},
		"SKUs in two cases": {[]exchange.Line{{SKU: "a", Quantity: 1}, {SKU: "A", Quantity: 1}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			made, err := exchange.NewLines(c.lines)
			if (err == nil) != c.ok || !c.ok && exchange.CodeOf(err) != exchange.CodeInvalid {
				t.Fatal(err)
			}
			if made.IsZero() == c.ok {
				t.Errorf("%d lines were made", made.Len())
			}
		})
	}
}

// Lines are the list they were made of, whatever list was: either it breaks a rule and
// nothing is made, or all of it reads back.
func TestNewLinesIsExact(t *testing.T) {
	line := rapid.Custom(func(t *rapid.T) exchange.Line {
		return exchange.Line{
			SKU: exchange.SKU(rapid.OneOf(
				rapid.SampledFrom([]string{"", " a", "a ", "a\n", "a\u200b", "\xff"}), rapid.StringMatching(`[a-f]{1,3}`), rapid.StringN(0, 10, -1),
			).Draw(t, "sku")),
			Quantity: exchange.Quantity(rapid.OneOf(
				rapid.SampledFrom([]int64{-1, 0, 1, exchange.MaxQuantity, exchange.MaxQuantity + 1}), rapid.Int64Range(1, exchange.MaxQuantity),
			).Draw(t, "quantity")),
		}
	})
	good := rapid.Custom(func(t *rapid.T) exchange.Line {
		return exchange.Line{
			SKU:      exchange.SKU(rapid.StringMatching(`[a-f]{1,4}`).Draw(t, "sku")),
			Quantity: exchange.Quantity(rapid.Int64Range(1, exchange.MaxQuantity).Draw(t, "quantity")),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.OneOf(rapid.SliceOfN(line, 0, 5), rapid.SliceOfN(good, 0, exchange.MaxLines+2)).Draw(t, "list")
		lines, err := exchange.NewLines(list)
		if !allowed(list) {
			if exchange.CodeOf(err) != exchange.CodeInvalid || !lines.IsZero() {
				t.Fatalf("%d lines were made, error %v", lines.Len(), err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		var units int64
		for i, l := range lines.All() {
			if l != list[i] {
				t.Fatalf("line %d is %v, want %v", i, l, list[i])
			}
			units += int64(l.Quantity)
		}
		if lines.Len() != len(list) || lines.Units() != units || !slices.Equal(lines.Slice(), list) {
			t.Fatalf("%v, %d units; want %v, %d", lines, lines.Units(), list, units)
		}
	})
}

// allowed says by the words of the rules, one at a time, whether a hold may have a list.
func allowed(list []exchange.Line) bool {
	skus := make(map[exchange.SKU]bool)
	for _, l := range list {
		if _, err := exchange.ParseSKU(string(l.SKU)); err != nil || l.Quantity < 1 || l.Quantity > 1_000_000 {
			return false
		}
		skus[l.SKU] = true
	}
	return len(list) >= 1 && len(list) <= 64 && len(skus) == len(list)
}

func TestLinesNeverChange(t *testing.T) {
	list := []exchange.Line{{SKU: "shoe", Quantity: 2}, {SKU: "hat", Quantity: 1}}
	lines := exchangetest.Lines(list...)
	want := slices.Clone(list)
	list[0].Quantity = 999
	lines.Slice()[1].Quantity = 999
	if !slices.Equal(lines.Slice(), want) {
		t.Errorf("%v, want %v", lines, want)
	}
	for range lines.All() { // a reader may stop
		break
	}
}

func TestLinesEqual(t *testing.T) {
	made := exchangetest.Lines
	shoe, hat := exchange.Line{SKU: "shoe", Quantity: 2}, exchange.Line{SKU: "hat", Quantity: 1}
	for name, c := range map[string]struct {
		a, b  exchange.Lines
		equal bool
	}{
		"the same":         {made(shoe, hat), made(shoe, hat), true},
		"another order":    {made(shoe, hat), made(hat, shoe), false},
		"another quantity": {made(shoe), made(exchange.Line{SKU: "shoe", Quantity: 3}), false},
		"one more":         {made(shoe), made(shoe, hat), false},
		"some and none":    {made(shoe), exchange.Lines{}, false},
		"none":             {exchange.Lines{}, exchange.Lines{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if c.a.Equal(c.b) != c.equal || c.b.Equal(c.a) != c.equal {
				t.Errorf("equal is not %v", c.equal)
			}
		})
	}
}

// Lines are written as the list they were before they had a type.
func TestLinesJSON(t *testing.T) {
	list := []exchange.Line{{SKU: "shoe", Quantity: 2}}
	lines := exchangetest.Lines(list...)
	for name, c := range map[string]struct {
		lines exchange.Lines
		list  []exchange.Line
	}{"some": {lines, list}, "none": {}} {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(struct{ Lines exchange.Lines }{c.lines})
			if err != nil {
				t.Fatal(err)
			}
			want, err := json.Marshal(struct{ Lines []exchange.Line }{c.list})
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}
