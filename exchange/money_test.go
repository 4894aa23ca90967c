package exchange_test

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
)

// amounts draws prices of every size, the ends of the range among them.
func amounts(least int64) *rapid.Generator[int64] {
	return rapid.OneOf(
		rapid.Int64Range(least, 100_000),
		rapid.Int64Range(least, math.MaxInt64),
		rapid.Int64Range(math.MaxInt64-3, math.MaxInt64),
		rapid.SampledFrom([]int64{max(least, 0), 1, 9_999, 10_000, 1 << 32, 1 << 62, 1<<62 + 1}),
	)
}

// signed draws any int64.
func signed() *rapid.Generator[int64] {
	return rapid.OneOf(rapid.Int64(), amounts(0), rapid.SampledFrom([]int64{math.MinInt64, math.MinInt64 + 1, -1, 0}))
}

func bigInt(n int64) *big.Int { return big.NewInt(n) }

func product(factors ...*big.Int) *big.Int {
	p := big.NewInt(1)
	for _, f := range factors {
		p.Mul(p, f)
	}
	return p
}

// floorDiv rounds towards zero, which is down: nothing here is negative.
func floorDiv(a, b *big.Int) *big.Int { return new(big.Int).Quo(a, b) }

// halfUp is round-half-up(a / b) = floor((2a + b) / 2b).
func halfUp(a, b *big.Int) *big.Int {
	twice := product(big.NewInt(2), a)
	return floorDiv(twice.Add(twice, b), product(big.NewInt(2), b))
}

// checkBig compares got, err with the exact result: the same value, or
// CodeOverflow where it leaves 64 bits.
func checkBig(t *rapid.T, got int64, err error, want *big.Int) {
	t.Helper()
	switch {
	case !want.IsInt64():
		if exchange.CodeOf(err) != exchange.CodeOverflow || got != 0 {
			t.Fatalf("%d, %v; want overflow, for the result is %v", got, err, want)
		}
	case err != nil || got != want.Int64():
		t.Fatalf("%d, %v; want %v", got, err, want)
	}
}

func TestDiscountIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := amounts(0).Draw(t, "list")
		bp := rapid.Uint32Range(0, uint32(exchange.Whole)).Draw(t, "basis points")
		want := new(big.Int).Sub(bigInt(list), floorDiv(product(bigInt(list), bigInt(int64(bp))), bigInt(10_000)))
		got, err := exchange.Discount(list, exchange.BasisPoints(bp))
		checkBig(t, got, err, want)
	})
}

func TestDiscount(t *testing.T) {
	for _, c := range []struct {
		list int64
		bp   exchange.BasisPoints
		want int64
		code exchange.Code
	}{
		{1000, 0, 1000, exchange.CodeOK},
		{1000, 1500, 850, exchange.CodeOK},
		{999, 1, 999, exchange.CodeOK},    // 0.0999 of a cent off is nothing off
		{999, 5000, 500, exchange.CodeOK}, // half of 9.99 is 4.995: the supplier keeps the half cent
		{math.MaxInt64, exchange.Whole, 0, exchange.CodeOK},
		{math.MaxInt64, 1, math.MaxInt64 - math.MaxInt64/10_000, exchange.CodeOK},
		{-1, 0, 0, exchange.CodeInvalid},
		{1, exchange.Whole + 1, 0, exchange.CodeInvalid},
		{math.MaxInt64, math.MaxUint32, 0, exchange.CodeInvalid},
	} {
		t.Run(fmt.Sprintf("%d less %d", c.list, c.bp), func(t *testing.T) {
			if got, err := exchange.Discount(c.list, c.bp); got != c.want || exchange.CodeOf(err) != c.code {
				t.Errorf("Discount(%d, %d) = %d, %v; want %d, %v", c.list, c.bp, got, err, c.want, c.code)
			}
		})
	}
}

func TestCentsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minor := amounts(0).Draw(t, "minor")
		rate := exchange.Rate{From: "EUR", Num: amounts(1).Draw(t, "num"), Den: amounts(1).Draw(t, "den")}
		got, err := rate.Cents(exchange.Money{Minor: minor, Currency: "EUR"})
		checkBig(t, got, err, halfUp(product(bigInt(minor), bigInt(rate.Num)), bigInt(rate.Den)))
	})
}

func TestCents(t *testing.T) {
	rate := func(num, den int64) exchange.Rate { return exchange.Rate{From: "EUR", Num: num, Den: den} }
	eur := func(minor int64) exchange.Money { return exchange.Money{Minor: minor, Currency: "EUR"} }
	for name, c := range map[string]struct {
		rate exchange.Rate
		m    exchange.Money
		want int64
		code exchange.Code
	}{
		"below half":              {rate(1, 3), eur(1), 0, exchange.CodeOK},
		"half goes up":            {rate(1, 2), eur(1), 1, exchange.CodeOK},
		"half goes up, not even":  {rate(1, 2), eur(3), 2, exchange.CodeOK},
		"above half, odd divisor": {rate(1, 3), eur(2), 1, exchange.CodeOK},
		"ECB":                     {rate(10_857, 10_000), eur(1999), 2170, exchange.CodeOK},
		"yen, no minor unit":      {exchange.Rate{From: "JPY", Num: 68, Den: 100}, exchange.Money{Minor: 1500, Currency: "JPY"}, 1020, exchange.CodeOK},
		"dollars":                 {exchange.USDRate, exchange.Money{Minor: math.MaxInt64, Currency: exchange.USD}, math.MaxInt64, exchange.CodeOK},
		"half, greatest divisor":  {rate(1, math.MaxInt64), eur(math.MaxInt64), 1, exchange.CodeOK},
		"out of 64 bits":          {rate(2, 1), eur(math.MaxInt64), 0, exchange.CodeOverflow},
		"quotient just 2^64":      {rate(1<<62, 1<<60), eur(1 << 62), 0, exchange.CodeOverflow},
		"out of 128 bits' half":   {rate(math.MaxInt64, 1), eur(math.MaxInt64), 0, exchange.CodeOverflow},
		"negative":                {rate(1, 1), eur(-1), 0, exchange.CodeInvalid},
		"foreign":                 {rate(1, 1), exchange.Money{Minor: 1, Currency: "SEK"}, 0, exchange.CodeCurrency},
		"no numerator":            {rate(0, 1), eur(1), 0, exchange.CodeNoRate},
		"negative numerator":      {rate(-1, 1), eur(1), 0, exchange.CodeNoRate},
		"no denominator":          {rate(1, 0), eur(1), 0, exchange.CodeNoRate},
		"no currency":             {exchange.Rate{Num: 1, Den: 1}, exchange.Money{Minor: 1}, 0, exchange.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := c.rate.Cents(c.m); got != c.want || exchange.CodeOf(err) != c.code {
				t.Errorf("%d, %v; want %d, %v", got, err, c.want, c.code)
			}
		})
	}
}

func TestMoneyIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := signed().Draw(t, "a"), signed().Draw(t, "b")
		sum, err := exchange.Money{Minor: a, Currency: "EUR"}.Add(exchange.Money{Minor: b, Currency: "EUR"})
		checkBig(t, sum.Minor, err, new(big.Int).Add(bigInt(a), bigInt(b)))
		times, err := exchange.Money{Minor: a, Currency: "EUR"}.Mul(exchange.Quantity(b))
		checkBig(t, times.Minor, err, product(bigInt(a), bigInt(b)))
	})
}

func TestMoney(t *testing.T) {
	eur, sek := exchange.Money{Minor: 1, Currency: "EUR"}, exchange.Money{Minor: 1, Currency: "SEK"}
	if _, err := eur.Add(sek); exchange.CodeOf(err) != exchange.CodeCurrency {
		t.Errorf("EUR + SEK: %v", err)
	}
	if got, _ := eur.Add(eur); got != (exchange.Money{Minor: 2, Currency: "EUR"}) || got.String() != "0.02 EUR" {
		t.Errorf("1 + 1 = %v", got)
	}
	for _, c := range []exchange.Currency{"", "EU", "EURO", "eur", "E1R", "€", "ÅÄÖ", "E R"} {
		t.Run(strconv.Quote(string(c)), func(t *testing.T) {
			if err := c.Check(); exchange.CodeOf(err) != exchange.CodeInvalid {
				t.Error(err)
			}
		})
	}
	if err := exchange.USDRate.Check(); err != nil {
		t.Error(err)
	}
}
