package exchange

import (
	"fmt"
	"math"
	"math/bits"
)

// Currency is an ISO 4217 alphabetic code such as "EUR". The number of minor
// units a currency has is looked up where text is read or shown, never here.
type Currency string

// USD is the currency in which every product is priced besides its own.
const USD Currency = "USD"

// Check reports a code that is not three letters A–Z.
func (c Currency) Check() error {
	if len(c) != 3 {
		return Errorf(CodeInvalid, "%q is not a currency code such as EUR", string(c))
	}
	for _, r := range []byte(c) {
		if r < 'A' || r > 'Z' {
			return Errorf(CodeInvalid, "%q is not a currency code such as EUR", string(c))
		}
	}
	return nil
}

// Money is an amount in minor units (cents, öre, yen) of a currency.
type Money struct {
	Minor    int64
	Currency Currency
}

// String shows the minor units, for logs; people are shown decimals, outside the core.
func (m Money) String() string { return fmt.Sprintf("%d minor %s", m.Minor, m.Currency) }

// Add returns m + o. Different currencies or overflow are errors.
func (m Money) Add(o Money) (Money, error) {
	if m.Currency != o.Currency {
		return Money{}, Errorf(CodeCurrency, "cannot add %s to %s", o.Currency, m.Currency)
	}
	sum, ok := add64(m.Minor, o.Minor)
	if !ok {
		return Money{}, errOverflow
	}
	return Money{sum, m.Currency}, nil
}

// Mul returns m × q; overflow is an error.
func (m Money) Mul(q Quantity) (Money, error) {
	p, ok := mul64(m.Minor, int64(q))
	if !ok {
		return Money{}, errOverflow
	}
	return Money{p, m.Currency}, nil
}

// BasisPoints is one hundredth of a percent; 10,000 is the whole.
type BasisPoints uint32

// Whole is 100% in basis points.
const Whole BasisPoints = 10_000

// Discount returns list − floor(list × bp / 10,000) : the supplier
// never loses a part of a minor unit by rounding. list must be ≥ 0 and bp ≤ Whole.
func Discount(list int64, bp BasisPoints) (int64, error) {
	if list < 0 || bp > Whole {
		return 0, Errorf(CodeInvalid, "a discount of %d basis points on %d is not one", bp, list)
	}
	hi, lo := bits.Mul64(uint64(list), uint64(bp))
	q, _ := bits.Div64(hi, lo, uint64(Whole)) // hi < Whole: list < 2^63 and bp ≤ 10^4
	return list - int64(q), nil
}

// Rate converts minor units of From into US cents: cents = minor × Num / Den,
// rounded half up. The currencies' minor-unit exponents are folded into the
// fraction when the rate is read, so that no table of them is needed here.
type Rate struct {
	From   Currency
	Num    int64  // > 0
	Den    int64  // > 0
	Text   string // decimal: US dollars for one major unit of From, for people
	Source string // "ECB"
	Date   string // YYYY-MM-DD
}

// USDRate is the rate of US dollars to themselves.
var USDRate = Rate{From: USD, Num: 1, Den: 1, Text: "1", Source: "identity"}

// Check reports a rate that cannot convert.
func (r Rate) Check() error {
	if err := r.From.Check(); err != nil {
		return err
	}
	if r.Num <= 0 || r.Den <= 0 {
		return Errorf(CodeNoRate, "there is no usable US dollar rate for %s", r.From)
	}
	return nil
}

// Cents converts m ≥ 0, rounding half up; overflow and a foreign currency are errors.
func (r Rate) Cents(m Money) (int64, error) {
	if m.Currency != r.From {
		return 0, Errorf(CodeCurrency, "a rate for %s cannot convert %s", r.From, m.Currency)
	}
	if err := r.Check(); err != nil {
		return 0, err
	}
	if m.Minor < 0 {
		return 0, Errorf(CodeInvalid, "a price is not negative: %v", m)
	}
	hi, lo := bits.Mul64(uint64(m.Minor), uint64(r.Num))
	lo, carry := bits.Add64(lo, uint64(r.Den)/2, 0) // half up: floor((x + floor(den/2)) / den), exact for odd den too
	hi += carry
	if hi >= uint64(r.Den) {
		return 0, errOverflow
	}
	q, _ := bits.Div64(hi, lo, uint64(r.Den))
	if q > math.MaxInt64 {
		return 0, errOverflow
	}
	return int64(q), nil
}

var errOverflow = Errorf(CodeOverflow, "an amount is too large for 64 bits")

func add64(a, b int64) (int64, bool) {
	s := a + b
	return s, (s > a) == (b > 0)
}

func mul64(a, b int64) (int64, bool) {
	if a == 0 || b == 0 {
		return 0, true
	}
	p := a * b
	return p, p/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64)
}
