package view_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

func minor(n int64) *int64 { return &n }

func TestAmount(t *testing.T) {
	for name, c := range map[string]struct {
		in   view.Amount
		want int64
		code exchange.Code
	}{
		"text":              {view.Amount{Amount: "12.99", Currency: "EUR"}, 1299, exchange.CodeOK},
		"no decimals":       {view.Amount{Amount: "12", Currency: "JPY"}, 12, exchange.CodeOK},
		"minor":             {view.Amount{Minor: minor(1299), Currency: "EUR"}, 1299, exchange.CodeOK},
		"both":              {view.Amount{Amount: "12.99", Minor: minor(1299), Currency: "EUR"}, 1299, exchange.CodeOK},
		"both, differing":   {view.Amount{Amount: "12.99", Minor: minor(12), Currency: "EUR"}, 0, exchange.CodeInvalid},
		"nothing":           {view.Amount{Currency: "EUR"}, 0, exchange.CodeInvalid},
		"no currency":       {view.Amount{Minor: minor(1)}, 0, exchange.CodeInvalid},
		"no such currency":  {view.Amount{Minor: minor(1), Currency: "ZZZ"}, 0, exchange.CodeInvalid},
		"negative":          {view.Amount{Minor: minor(-1), Currency: "EUR"}, 0, exchange.CodeInvalid},
		"too many decimals": {view.Amount{Amount: "12.999", Currency: "EUR"}, 0, exchange.CodeInvalid},
		"too large":         {view.Amount{Amount: "99999999999999999999", Currency: "EUR"}, 0, exchange.CodeOverflow},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.in.Money()
			if exchange.CodeOf(err) != c.code || err == nil && (got.Minor != c.want || got.Currency != c.in.Currency) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

// FuzzAmount: what is shown is read back as it was.
func FuzzAmount(f *testing.F) {
	f.Add("12.99", "EUR", int64(1299))
	f.Add("", "KWD", int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, text, currency string, n int64) {
		for _, in := range []view.Amount{{Amount: text, Currency: exchange.Currency(currency)}, {Minor: &n, Currency: exchange.Currency(currency)}} {
			m, err := in.Money()
			if err != nil {
				continue
			}
			shown := view.MoneyOf(m)
			back, err := view.Amount{Amount: shown.Amount, Minor: &shown.Minor, Currency: shown.Currency}.Money()
			if err != nil || back != m || m.Minor < 0 {
				t.Errorf("%+v is shown as %+v and read as %v, %v", m, shown, back, err)
			}
		}
	})
}

func TestTimeIsAlwaysJSON(t *testing.T) {
	for _, at := range []exchange.Time{math.MinInt64, -1, 0, 1, exchange.MaxTime, exchange.MaxTime + 1, 1 << 62, math.MaxInt64} {
		t.Run(fmt.Sprint(int64(at)), func(t *testing.T) {
			if _, err := view.Time(at).MarshalJSON(); err != nil {
				t.Error(err)
			}
		})
	}
}
