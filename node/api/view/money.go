package view

import (
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/money"
)

// Money is an amount as the API shows it.
type Money struct {
	Minor    int64             `json:"minor" doc:"Minor units (cents, öre, yen) of the currency; the exact amount."`
	Amount   string            `json:"amount" doc:"The same with the currency's decimals, for people." example:"12.99"`
	Currency exchange.Currency `json:"currency" doc:"ISO 4217." example:"EUR"`
}

// MoneyOf shows m.
func MoneyOf(m exchange.Money) Money {
	return Money{Minor: m.Minor, Amount: m.Amount(), Currency: m.Currency}
}

// Dollars shows US cents.
func Dollars(cents int64) Money { return MoneyOf(exchange.Money{Minor: cents, Currency: exchange.USD}) }

// USD shows US cents; nil where they are not known, because nobody gave a rate.
func USD(cents int64, known bool) *Money {
	if !known {
		return nil
	}
	m := Dollars(cents)
	return &m
}

// Amount is an amount as the API reads it: decimal text, minor units, or both
// where they agree.
type Amount struct {
	Minor    *int64            `json:"minor,omitempty" minimum:"0" doc:"Minor units of the currency."`
	Amount   string            `json:"amount,omitempty" maxLength:"32" doc:"Decimal text; never more decimals than the currency has." example:"120.00"`
	Currency exchange.Currency `json:"currency" minLength:"3" maxLength:"3" doc:"ISO 4217." example:"EUR"`
}

// Money is a's value; CodeInvalid where it has none, or two that differ.
func (a Amount) Money() (exchange.Money, error) {
	m := exchange.Money{Currency: a.Currency}
	if a.Minor == nil && a.Amount == "" {
		return m, exchange.Errorf(exchange.CodeInvalid, "an amount needs minor units or decimal text")
	}
	if a.Amount != "" {
		parsed, err := money.Parse(a.Currency, a.Amount)
		if err != nil {
			return m, err
		}
		m = parsed
	}
	if a.Minor != nil {
		if _, err := a.Currency.Decimals(); err != nil {
			return m, err
		}
		if *a.Minor < 0 || a.Amount != "" && *a.Minor != m.Minor {
			return m, exchange.Errorf(exchange.CodeInvalid, "%d minor units are not %q %s; give one of them", *a.Minor, a.Amount, a.Currency)
		}
		m.Minor = *a.Minor
	}
	return m, nil
}

// Time is t for JSON; zero where t is zero. A time that JSON cannot say is shown as the
// nearest time that it can: one bad record must not hide a page of good records.
func Time(t exchange.Time) time.Time {
	if t == 0 {
		return time.Time{}
	}
	return min(max(t, 0), exchange.MaxTime).Std()
}

// Refusal is a partner's or this shop's "no".
type Refusal struct {
	Code   string `json:"code" doc:"Stable name of the reason." example:"insufficient-stock"`
	Detail string `json:"detail" doc:"For a person."`
	// Lines are those of a reservation, where the reason is insufficient-stock.
	Lines []ShortLine `json:"lines,omitempty" nullable:"false" doc:"Of a reservation, where the reason is insufficient-stock: every line that was short."`
}

// RefusalOf is nil where code is CodeOK.
func RefusalOf(code exchange.Code, detail string) *Refusal {
	if code == exchange.CodeOK {
		return nil
	}
	return &Refusal{Code: code.String(), Detail: detail}
}
