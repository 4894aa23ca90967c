package inventory

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"io"
	"math/big"
	"strings"
	"time"

	"github.com/govalues/decimal"

	"github.com/souk-market/souk/exchange"
)

// Limits on a rates file.
const (
	// MaxRatesBytes bounds the file: a day's has 2 KiB, the ECB's file of 90
	// days some 200 KiB.
	MaxRatesBytes = 1 << 20
	// maxRateDigits bounds the digits of a rate, on both sides of the point
	// together: the ECB publishes at most 8.
	maxRateDigits = 14
	// significant is how many digits of a rate are shown.
	significant = 6
)

// RateSource is what a rate out of a file names as its source.
const RateSource = "ECB"

// RatesURL is where the ECB publishes its rates of the day, on working days at 16:00 CET.
const RatesURL = "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml"

// Rates are one day's reference rates of the euro: how much of each currency
// one euro is worth. They do not change once read.
type Rates struct {
	Date    string // YYYY-MM-DD
	perEuro map[exchange.Currency]decimal.Decimal
}

// ReadRates reads the reference rates of the European Central Bank, as XML
// (eurofxref-daily.xml) or CSV (eurofxref.csv). Of a file with several days the
// latest counts; "N/A" is no rate. A file that has no rate for USD, or one that
// cannot be right, is CodeInvalid.
func ReadRates(r io.Reader) (*Rates, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxRatesBytes+1))
	if err != nil {
		return nil, readError(err)
	}
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte(byteOrderMark)))
	if len(data) > MaxRatesBytes {
		return nil, badRates("it is longer than %d KiB; take the file of one day, eurofxref-daily.xml", MaxRatesBytes>>10)
	}
	if len(data) == 0 {
		return nil, badRates("it is empty; it should hold the ECB's reference rates of a day, as eurofxref-daily.xml or eurofxref.csv does")
	}
	days := &rateDays{}
	if data[0] == '<' {
		err = days.readXML(data)
	} else {
		err = days.readCSV(data)
	}
	if err != nil {
		return nil, err
	}
	if days.best == nil {
		return nil, badRates("it has no day with rates")
	}
	if _, ok := days.best.perEuro[exchange.USD]; !ok {
		return nil, badRates("its rates of %s have none for USD", days.best.Date)
	}
	return days.best, nil
}

func badRates(format string, args ...any) error {
	err := exchange.Errorf(exchange.CodeInvalid, format, args...)
	return exchange.Errorf(exchange.CodeInvalid, "the rates file cannot be used: %w", err)
}

const euro exchange.Currency = "EUR"

// USD is the rate that turns minor units of c into US cents, exactly: the
// decimals of both currencies are in its fraction. The rate of a currency to
// the dollar is its rate to the euro divided into the dollar's. A currency
// without a rate is CodeNoRate.
func (r *Rates) USD(c exchange.Currency) (exchange.Rate, error) {
	if c == exchange.USD {
		rate := exchange.USDRate
		rate.Date = r.Date
		return rate, nil
	}
	digits, err := c.Decimals()
	if err != nil {
		return exchange.Rate{}, err
	}
	foreign, ok := r.perEuro[c]
	switch {
	case c == euro:
		foreign = decimal.One
	case !ok:
		return exchange.Rate{}, exchange.Errorf(exchange.CodeNoRate,
			"the rates of %s have none for %s; the ECB has those of some 30 currencies. Products sell without one; to tell their prices in US dollars, state a rate: souk catalog rates --fixed RATE", r.Date, c)
	}
	dollar := r.perEuro[exchange.USD]
	num, den, ok := fraction(dollar, foreign, digits)
	if !ok {
		return exchange.Rate{}, exchange.Errorf(exchange.CodeNoRate, "the rates of %s for %s (%s) and USD (%s) have too many digits to be used together", r.Date, c, foreign, dollar)
	}
	text, err := shownRate(dollar, foreign)
	if err != nil {
		return exchange.Rate{}, exchange.Errorf(exchange.CodeNoRate, "the rate of %s for %s (%s) is out of reach: %w", r.Date, c, foreign, err)
	}
	return exchange.Rate{From: c, Num: num, Den: den, Text: text, Source: RateSource, Date: r.Date}, nil
}

// fraction is what turns minor units into US cents, where foreign of a currency with so many
// decimals are worth dollar: cents = minor/10^digits ÷ foreign × dollar × 100. ok is false
// where it does not fit 64 bits.
func fraction(dollar, foreign decimal.Decimal, digits int) (num, den int64, ok bool) {
	n := new(big.Int).Mul(coefficient(dollar), tenTo(foreign.Scale()+2))
	d := new(big.Int).Mul(coefficient(foreign), tenTo(dollar.Scale()+digits))
	gcd := new(big.Int).GCD(nil, nil, n, d)
	n.Quo(n, gcd)
	d.Quo(d, gcd)
	return n.Int64(), d.Int64(), n.IsInt64() && d.IsInt64()
}

func coefficient(d decimal.Decimal) *big.Int { return new(big.Int).SetUint64(d.Coef()) }

func tenTo(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// shownRate is dollar ÷ foreign with about six significant digits.
func shownRate(dollar, foreign decimal.Decimal) (string, error) {
	d, err := dollar.Quo(foreign)
	if err != nil {
		return "", err
	}
	return d.Round(max(d.Scale()-d.Prec()+significant, 0)).Trim(0).String(), nil
}

// rateDays keeps the latest day of those added.
type rateDays struct{ best *Rates }

func (d *rateDays) add(day *Rates) {
	if len(day.perEuro) > 0 && (d.best == nil || day.Date > d.best.Date) {
		d.best = day
	}
}

// newDay begins a day; the date is written as 2026-01-31 or 31 January 2026.
func newDay(date string) (*Rates, error) {
	for _, layout := range []string{time.DateOnly, "02 January 2006", "2 January 2006"} {
		if t, err := time.Parse(layout, date); err == nil {
			return &Rates{Date: t.Format(time.DateOnly), perEuro: make(map[exchange.Currency]decimal.Decimal)}, nil
		}
	}
	return nil, badRates("%.40q is not a date such as 2026-01-31", date)
}

// set takes one rate of the day.
func (r *Rates) set(currency, rate string) error {
	c := exchange.Currency(strings.TrimSpace(currency))
	if err := c.Check(); err != nil {
		return badRates("in the rates of %s, %.20q is not a currency code", r.Date, currency)
	}
	rate = strings.TrimSpace(rate)
	if rate == "" || rate == "N/A" {
		return nil
	}
	if _, twice := r.perEuro[c]; twice || c == euro {
		return badRates("the rates of %s have %s twice, or as the euro's own", r.Date, c)
	}
	d, err := parseRate(rate)
	if err != nil {
		return badRates("the rate of %s for %s is %w", r.Date, c, err)
	}
	r.perEuro[c] = d
	return nil
}

// parseRate reads one rate; an error begins with what stands there.
func parseRate(text string) (decimal.Decimal, error) {
	if !plainDecimal(text) || len(text) > maxRateDigits+1 {
		return decimal.Decimal{}, exchange.Errorf(exchange.CodeInvalid, "%.40q, not a number such as 1.0842 with at most %d digits", text, maxRateDigits)
	}
	d, err := decimal.Parse(text)
	switch {
	case err != nil:
		return d, exchange.Errorf(exchange.CodeInvalid, "%.40q: %w", text, err)
	case !d.IsPos():
		return d, exchange.Errorf(exchange.CodeInvalid, "%s; a rate is above zero", text)
	}
	return d.Trim(0), nil
}

// readXML finds the Cube elements: one with a time for each day, within it one
// with currency and rate for each currency.
func (d *rateDays) readXML(data []byte) error {
	dec := xml.NewDecoder(bytes.NewReader(data))
	var day *Rates
	for {
		token, err := dec.Token()
		if err == io.EOF {
			if day != nil {
				d.add(day)
			}
			return nil
		}
		if err != nil {
			return badRates("it is not well-formed XML: %w", err)
		}
		element, ok := token.(xml.StartElement)
		if !ok || element.Name.Local != "Cube" {
			continue
		}
		attr := make(map[string]string)
		for _, a := range element.Attr {
			attr[a.Name.Local] = a.Value
		}
		if date, ok := attr["time"]; ok {
			if day != nil {
				d.add(day)
			}
			if day, err = newDay(date); err != nil {
				return err
			}
		}
		if currency, ok := attr["currency"]; ok {
			if day == nil {
				return badRates("its rate for %.20q belongs to no day", currency)
			}
			if err := day.set(currency, attr["rate"]); err != nil {
				return err
			}
		}
	}
}

// readCSV reads a header "Date, USD, JPY, …" and a row for each day.
func (d *rateDays) readCSV(data []byte) error {
	rows := csv.NewReader(bytes.NewReader(data))
	rows.TrimLeadingSpace = true
	names, err := rows.Read()
	if err != nil {
		return badRates("it is not CSV: %w", err)
	}
	if !strings.EqualFold(strings.TrimSpace(names[0]), "Date") {
		return badRates("it is neither XML nor a CSV that starts with Date, but with %.40q", names[0])
	}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return badRates("it is not CSV: %w", err)
		}
		day, err := newDay(strings.TrimSpace(row[0]))
		if err != nil {
			return err
		}
		for i := 1; i < len(row); i++ {
			if strings.TrimSpace(names[i]) == "" && strings.TrimSpace(row[i]) == "" {
				continue // the ECB ends each line with a comma
			}
			if err := day.set(names[i], row[i]); err != nil {
				return err
			}
		}
		d.add(day)
	}
}
