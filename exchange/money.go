package exchange

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Money is an amount in minor units (cents, öre, yen) of a currency.
type Money struct {
	Minor    int64
	Currency Currency
}

// String is m for people, with its currency's decimals and code: "12.99 EUR". Where the
// currency's decimals are not known it says the minor units: "1299 minor XYZ".
func (m Money) String() string {
	digits, err := m.Currency.Decimals()
	if err != nil {
		return fmt.Sprintf("%d minor %s", m.Minor, m.Currency)
	}
	return point(m.Minor, digits) + " " + string(m.Currency)
}

// Amount is String without the code, "12.99", where the currency's decimals are known.
func (m Money) Amount() string {
	digits, err := m.Currency.Decimals()
	if err != nil {
		return m.String()
	}
	return point(m.Minor, digits)
}

// point writes n with a decimal point before its last digits.
func point(n int64, digits int) string {
	sign, abs := "", uint64(n)
	if n < 0 {
		sign, abs = "-", -abs
	}
	text := strconv.FormatUint(abs, 10)
	if digits == 0 {
		return sign + text
	}
	if missing := digits + 1 - len(text); missing > 0 {
		text = strings.Repeat("0", missing) + text
	}
	at := len(text) - digits
	return sign + text[:at] + "." + text[at:]
}

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
// rounded half up. The decimals of both currencies are folded into the fraction
// when the rate is read, so that converting is one multiplication and one division.
type Rate struct {
	From   Currency
	Num    int64  // > 0
	Den    int64  // > 0
	Text   string // decimal: US dollars for one major unit of From, for people
	Source string // "ECB"; "fixed" where the owner stated it
	Date   string // YYYY-MM-DD
}

// USDRate is the rate of US dollars to themselves.
var USDRate = Rate{From: USD, Num: 1, Den: 1, Text: "1", Source: "identity"}

// Known is false for the zero rate: nobody has given one.
func (r Rate) Known() bool { return r.From != "" }

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
