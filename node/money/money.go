package money

import (
	"math"
	"strings"

	"github.com/govalues/decimal"

	"github.com/souk-market/souk/exchange"
)

// MaxText is the longest amount Parse looks at, in bytes: 19 digits of an
// int64, a point, and a dozen zeros that change nothing.
const MaxText = 32

// Parse reads an amount of currency c exactly, in the package's text form. It
// fails with CodeInvalid on anything else, also on more decimals than c has, and
// with CodeOverflow on an amount of more minor units than an int64 holds.
func Parse(c exchange.Currency, s string) (exchange.Money, error) {
	digits, err := c.Decimals()
	if err != nil {
		return exchange.Money{}, err
	}
	whole, frac, err := split(s)
	if err != nil {
		return exchange.Money{}, err
	}
	if len(frac) > digits {
		return exchange.Money{}, exchange.Errorf(exchange.CodeInvalid,
			"%q has %d decimals, but %s has %d; nothing is rounded here", s, len(frac), c, digits)
	}
	if len(whole)+digits > decimal.MaxPrec {
		return exchange.Money{}, errTooLarge(s, c)
	}
	d, err := decimal.ParseExact(whole+"."+frac, digits)
	if err != nil {
		return exchange.Money{}, exchange.Errorf(exchange.CodeInvalid, "%q is not an amount such as 12.99: %w", s, err)
	}
	if d.Coef() > math.MaxInt64 {
		return exchange.Money{}, errTooLarge(s, c)
	}
	return exchange.Money{Minor: int64(d.Coef()), Currency: c}, nil
}

// Less is m less a discount as exact text, with as many decimals as that takes: 0.06 less 15%
// is "0.051". It fails where no decimal of 19 digits is exact.
func Less(m exchange.Money, off exchange.BasisPoints) (string, error) {
	digits, err := m.Currency.Decimals()
	if err != nil {
		return "", err
	}
	whole, err := decimal.New(m.Minor, digits)
	if err != nil {
		return "", err
	}
	rest, err := decimal.New(int64(exchange.Whole)-int64(off), 4)
	if err != nil {
		return "", err
	}
	left, err := whole.MulExact(rest, digits+4)
	if err != nil {
		return "", err
	}
	return left.Trim(digits).String(), nil
}

// split checks the text form and returns the significant digits before and
// after the point: leading zeros but one, and trailing zeros, are gone.
func split(s string) (whole, frac string, err error) {
	if len(s) > MaxText {
		return "", "", exchange.Errorf(exchange.CodeInvalid, "%.20q… is too long for an amount", s)
	}
	whole, frac, point := strings.Cut(s, ".")
	if !allDigits(whole) || point && !allDigits(frac) {
		return "", "", exchange.Errorf(exchange.CodeInvalid,
			"%q is not an amount such as 12.99: write digits and at most one decimal point, without sign, space, symbol or thousands separator", s)
	}
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	return whole, strings.TrimRight(frac, "0"), nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func errTooLarge(s string, c exchange.Currency) error {
	return exchange.Errorf(exchange.CodeOverflow, "%s %s is too large an amount", s, c)
}
