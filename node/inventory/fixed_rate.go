package inventory

import (
	"bytes"
	"encoding/json"

	"github.com/govalues/decimal"

	"github.com/souk-market/souk/exchange"
)

// FixedSource is what a rate that the owner stated by hand names as its source.
const FixedSource = "fixed"

// FixedRate is a rate that the owner states by hand: of a currency that the ECB has no rates
// of, or of a bank or a contract. As JSON it stands where a rates file may.
type FixedRate struct {
	Currency exchange.Currency `json:"currency,omitempty" maxLength:"3" doc:"Default, and only choice: the shop's."`
	USD      string            `json:"usd" maxLength:"15" doc:"US dollars for one unit of the currency, as decimal text."`
	Date     string            `json:"date,omitempty" maxLength:"10" doc:"As of when, YYYY-MM-DD; default: today."`
}

// IsFixedRate reports whether data is a FixedRate rather than a file of the ECB.
func IsFixedRate(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(data, []byte(byteOrderMark))), []byte("{"))
}

// ReadFixedRate reads a FixedRate of JSON, for a shop that sells in c; day is the date of one
// that has none. It fails with CodeInvalid for a rate that cannot be, and CodeCurrency for one
// of another currency, or of the dollar to itself.
func ReadFixedRate(data []byte, c exchange.Currency, day string) (FixedRate, error) {
	var f FixedRate
	in := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte(byteOrderMark))))
	in.DisallowUnknownFields()
	if err := in.Decode(&f); err != nil {
		return f, badFixed("write it as {\"usd\": \"0.012\"}: %w", err)
	}
	if in.More() {
		return f, badFixed("something follows it")
	}
	if f.Currency == "" {
		f.Currency = c
	}
	if f.Date == "" {
		f.Date = day
	}
	switch {
	case f.Currency != c:
		return f, exchange.Errorf(exchange.CodeCurrency, "this shop sells in %s; a rate of %s changes nothing", c, f.Currency)
	case c == exchange.USD:
		return f, exchange.Errorf(exchange.CodeCurrency, "this shop sells in US dollars; it needs no rate")
	}
	_, err := f.Rate()
	return f, err
}

// Rate converts f's currency into US cents, exactly.
func (f FixedRate) Rate() (exchange.Rate, error) {
	digits, err := f.Currency.Decimals()
	if err != nil {
		return exchange.Rate{}, err
	}
	dollars, err := parseRate(f.USD)
	if err != nil {
		return exchange.Rate{}, badFixed("one %s is %w", f.Currency, err)
	}
	day, err := newDay(f.Date)
	if err != nil {
		return exchange.Rate{}, err
	}
	num, den, ok := fraction(dollars, decimal.One, digits)
	if !ok {
		return exchange.Rate{}, badFixed("%s has too many digits", f.USD)
	}
	return exchange.Rate{From: f.Currency, Num: num, Den: den, Text: dollars.String(), Source: FixedSource, Date: day.Date}, nil
}

func badFixed(format string, args ...any) error {
	err := exchange.Errorf(exchange.CodeInvalid, format, args...)
	return exchange.Errorf(exchange.CodeInvalid, "the rate cannot be used: %w", err)
}
