package exchange_test

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
)

func TestTermsCheck(t *testing.T) {
	countries := make([]string, 0, 26*26)
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			countries = append(countries, string([]rune{a, b}))
		}
	}
	for name, c := range map[string]struct {
		change func(*exchange.Terms)
		ok     bool
	}{
		"default":                  {func(*exchange.Terms) {}, true},
		"whole discount":           {func(t *exchange.Terms) { t.Discount = exchange.Whole }, true},
		"more than whole":          {func(t *exchange.Terms) { t.Discount = exchange.Whole + 1 }, false},
		"no currency":              {func(t *exchange.Terms) { t.Currency = "" }, false},
		"shortest hold":            {func(t *exchange.Terms) { t.HoldLifetime = exchange.MinHoldLifetime }, true},
		"longest hold":             {func(t *exchange.Terms) { t.HoldLifetime = exchange.MaxHoldLifetime }, true},
		"hold too short":           {func(t *exchange.Terms) { t.HoldLifetime = exchange.MinHoldLifetime - time.Millisecond }, false},
		"hold too long":            {func(t *exchange.Terms) { t.HoldLifetime = exchange.MaxHoldLifetime + time.Millisecond }, false},
		"part of a millisecond":    {func(t *exchange.Terms) { t.HoldLifetime += time.Microsecond }, false},
		"no open quantity":         {func(t *exchange.Terms) { t.OpenQuantity = 0 }, false},
		"most open quantity":       {func(t *exchange.Terms) { t.OpenQuantity = exchange.MaxOpenQuantity }, true},
		"too much open quantity":   {func(t *exchange.Terms) { t.OpenQuantity = exchange.MaxOpenQuantity + 1 }, false},
		"accept at once":           {func(t *exchange.Terms) { t.AcceptWithin = 0 }, false},
		"accept after two months":  {func(t *exchange.Terms) { t.AcceptWithin = 2 * exchange.MaxAcceptWithin }, false},
		"accept: fraction":         {func(t *exchange.Terms) { t.AcceptWithin++ }, false},
		"no cancel rule":           {func(t *exchange.Terms) { t.Cancel = 0 }, false},
		"unknown cancel rule":      {func(t *exchange.Terms) { t.Cancel = 4 }, false},
		"countries":                {func(t *exchange.Terms) { t.Countries = []string{"FI", "SE"} }, true},
		"most countries":           {func(t *exchange.Terms) { t.Countries = countries[:exchange.MaxCountries] }, true},
		"too many countries":       {func(t *exchange.Terms) { t.Countries = countries[:exchange.MaxCountries+1] }, false},
		"countries unsorted":       {func(t *exchange.Terms) { t.Countries = []string{"SE", "FI"} }, false},
		"country twice":            {func(t *exchange.Terms) { t.Countries = []string{"SE", "SE"} }, false},
		"country in lower case":    {func(t *exchange.Terms) { t.Countries = []string{"se"} }, false},
		"no feed":                  {func(t *exchange.Terms) { t.Feed = "" }, false},
		"unknown feed":             {func(t *exchange.Terms) { t.Feed = "wholesale" }, false},
		"settled at once":          {func(t *exchange.Terms) { t.SettlementDays = 0 }, true},
		"settled after two years":  {func(t *exchange.Terms) { t.SettlementDays = 730 }, false},
		"discount beyond 32 bits'": {func(t *exchange.Terms) { t.Discount = math.MaxUint32 }, false},
	} {
		t.Run(name, func(t *testing.T) {
			terms := exchange.DefaultTerms("SEK")
			c.change(&terms)
			err := terms.Check()
			if (err == nil) != c.ok || (!c.ok && exchange.CodeOf(err) != exchange.CodeInvalid) {
				t.Error(err)
			}
		})
	}
}

func TestShipsTo(t *testing.T) {
	terms := exchange.DefaultTerms("SEK")
	if !terms.ShipsTo("AQ") {
		t.Error("terms without countries allow all")
	}
	terms.Countries = []string{"DE", "FI", "SE"}
	for country, want := range map[string]bool{"DE": true, "FI": true, "SE": true, "NO": false, "AA": false, "": false, "se": false} {
		t.Run(strconv.Quote(country), func(t *testing.T) {
			if terms.ShipsTo(country) != want {
				t.Errorf("ShipsTo(%q) = %v", country, !want)
			}
		})
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[interface{ String() string }]string{
		exchange.CancelUntilShipped: "until-shipped", exchange.CancelUntilAccepted: "until-accepted",
		exchange.CancelNever: "never", exchange.CancelRule(9): "unknown",
		exchange.TaxIncluded: "included", exchange.TaxExcluded: "excluded",
		exchange.TaxReverseCharge: "reverse-charge", exchange.TaxNone: "none", exchange.TaxTreatment(0): "unknown",
		exchange.Supplier: "supplier", exchange.Retailer: "retailer", exchange.Party(0): "nobody",
	} {
		t.Run(fmt.Sprintf("%T %s", got, want), func(t *testing.T) {
			if got.String() != want {
				t.Errorf("%v, want %s", got, want)
			}
		})
	}
}

func TestParty(t *testing.T) {
	if exchange.Supplier.Other() != exchange.Retailer || exchange.Retailer.Other() != exchange.Supplier {
		t.Error("the other side is not the other side")
	}
	for p, ok := range map[exchange.Party]bool{0: false, exchange.Supplier: true, exchange.Retailer: true, 3: false} {
		t.Run(fmt.Sprint(uint32(p)), func(t *testing.T) {
			if err := p.Check(); (err == nil) != ok || (!ok && exchange.CodeOf(err) != exchange.CodeInvalid) {
				t.Error(err)
			}
		})
	}
}

func TestTime(t *testing.T) {
	moment := time.Date(2026, 3, 1, 12, 30, 15, 999_999_999, time.FixedZone("", 3600))
	stamp := exchange.TimeOf(moment)
	if got, want := stamp.String(), "2026-03-01T11:30:15.999Z"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if !stamp.Std().Equal(moment.Truncate(time.Millisecond)) || exchange.Time(0).String() != "never" {
		t.Error("times do not come back")
	}
	if got := stamp.Add(1999 * time.Microsecond); got != stamp+1 {
		t.Errorf("1.999 ms later is %d ms later", got-stamp)
	}
}

// Add and Sub agree where the result fits and stop at the end where it does not.
func TestTimeArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := exchange.Time(signed().Draw(t, "a")), exchange.Time(signed().Draw(t, "b"))
		diff := new(big.Int).Sub(bigInt(int64(a)), bigInt(int64(b)))
		nanos := product(diff, bigInt(int64(time.Millisecond)))
		if got := int64(a.Sub(b)); got != saturated(nanos) {
			t.Fatalf("%d - %d = %d ns, want %v", a, b, got, nanos)
		}
		d := time.Duration(signed().Draw(t, "d"))
		sum := new(big.Int).Add(bigInt(int64(a)), bigInt(d.Milliseconds()))
		if got := int64(a.Add(d)); got != saturated(sum) {
			t.Fatalf("%d + %v = %d, want %v", a, d, got, sum)
		}
	})
}

func saturated(n *big.Int) int64 {
	switch {
	case n.IsInt64():
		return n.Int64()
	case n.Sign() > 0:
		return math.MaxInt64
	}
	return math.MinInt64
}
