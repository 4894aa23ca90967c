package money

import (
	"math"
	"strconv"
	"strings"

	iso4217 "github.com/Rhymond/go-money"
	"github.com/govalues/decimal"

	"github.com/souk-market/souk/exchange"
)

// MaxText is the longest amount Parse looks at, in bytes: 19 digits of an
// int64, a point, and a dozen zeros that change nothing.
const MaxText = 32

// Digits is how many decimals currency c has by ISO 4217, 0 to 4. A malformed
// or unknown code is CodeInvalid.
func Digits(c exchange.Currency) (int, error) {
	if err := c.Check(); err != nil {
		return 0, err
	}
	known := iso4217.GetCurrency(string(c))
	if known == nil {
		return 0, exchange.Errorf(exchange.CodeInvalid, "%s is not a currency of ISO 4217; use a code such as EUR", c)
	}
	return known.Fraction, nil
}

// Parse reads an amount of currency c exactly, in the package's text form. It
// fails with CodeInvalid on anything else, also on more decimals than c has, and
// with CodeOverflow on an amount of more minor units than an int64 holds.
func Parse(c exchange.Currency, s string) (exchange.Money, error) {
	digits, err := Digits(c)
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

// Format shows m with its currency's decimals, "12.99"; a negative amount has a
// leading minus. An amount of an unknown currency is shown in minor units and
// says so. For m ≥ 0 of a known currency, Parse(m.Currency, Format(m)) is m.
func Format(m exchange.Money) string {
	digits, err := Digits(m.Currency)
	if err != nil {
		return m.String()
	}
	sign, abs := "", uint64(m.Minor)
	if m.Minor < 0 {
		sign, abs = "-", -abs
	}
	text := strconv.FormatUint(abs, 10)
	if digits == 0 {
		return sign + text
	}
	if missing := digits + 1 - len(text); missing > 0 {
		text = strings.Repeat("0", missing) + text
	}
	point := len(text) - digits
	return sign + text[:point] + "." + text[point:]
}

// FormatWithCode is Format with the currency code after it: "12.99 EUR".
func FormatWithCode(m exchange.Money) string {
	if _, err := Digits(m.Currency); err != nil {
		return m.String()
	}
	return Format(m) + " " + string(m.Currency)
}
