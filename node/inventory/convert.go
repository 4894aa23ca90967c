package inventory

import (
	"math/big"

	"github.com/govalues/decimal"

	"github.com/souk-market/souk/exchange"
)

// Converted is an amount in another currency, for a person to compare by.
type Converted struct {
	exchange.Money
	Rate   string // units of the other currency for one of the first
	Source string
	Date   string // YYYY-MM-DD
}

// Convert turns m into another currency by the day's rates of both to the euro, rounded half up;
// CodeNoRate where one of them has none.
func (r *Rates) Convert(m exchange.Money, to exchange.Currency) (Converted, error) {
	from, err := r.euro(m.Currency)
	if err != nil {
		return Converted{}, err
	}
	other, err := r.euro(to)
	if err != nil {
		return Converted{}, err
	}
	digits, err := m.Currency.Decimals()
	if err != nil {
		return Converted{}, err
	}
	others, err := to.Decimals()
	if err != nil {
		return Converted{}, err
	}
	// minor/10^digits ÷ from × other × 10^others
	num := new(big.Int).Mul(big.NewInt(m.Minor), coefficient(other))
	num.Mul(num, tenTo(from.Scale()+others))
	den := new(big.Int).Mul(coefficient(from), tenTo(other.Scale()+digits))
	num.Add(num.Lsh(num, 1), den) // half up
	num.Quo(num, den.Lsh(den, 1))
	if !num.IsInt64() {
		return Converted{}, exchange.Errorf(exchange.CodeOverflow, "%v is too much to be told in %s", m, to)
	}
	text, err := shownRate(other, from)
	if err != nil {
		return Converted{}, exchange.Errorf(exchange.CodeNoRate, "the rate of %s to %s is out of reach: %w", m.Currency, to, err)
	}
	return Converted{Money: exchange.Money{Minor: num.Int64(), Currency: to}, Rate: text, Source: RateSource, Date: r.Date}, nil
}

// euro is how much of a currency one euro is worth.
func (r *Rates) euro(c exchange.Currency) (decimal.Decimal, error) {
	if c == euro {
		return decimal.One, nil
	}
	if rate, ok := r.perEuro[c]; ok {
		return rate, nil
	}
	return decimal.Decimal{}, exchange.Errorf(exchange.CodeNoRate, "the rates of %s have none for %s", r.Date, c)
}
