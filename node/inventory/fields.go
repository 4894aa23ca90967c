package inventory

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/govalues/decimal"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/money"
)

// maxNumber is the longest number looked at, in bytes.
const maxNumber = money.MaxText

// price reads a list price.
func price(c exchange.Currency, s string) (exchange.Money, error) {
	if s == "" {
		return exchange.Money{}, errors.New("the product has no price, so it is not offered; give it one in your shop")
	}
	m, err := money.Parse(c, s)
	if err != nil {
		return exchange.Money{}, err
	}
	if m.Minor > MaxPrice {
		return exchange.Money{}, fmt.Errorf("%s is more than the highest price, %s", s,
			exchange.Money{Minor: MaxPrice, Currency: c})
	}
	return m, nil
}

// count reads a whole number that may be negative and may end in ".0".
func count(s string) (int64, error) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, frac, point := strings.Cut(digits, ".")
	if !plainDecimal(digits) || point && strings.Trim(frac, "0") != "" {
		return 0, fmt.Errorf("%.40q is not a whole number of units", s)
	}
	var n int64
	for _, d := range []byte(whole) {
		if n = n*10 + int64(d-'0'); n > MaxStock {
			return 0, fmt.Errorf("%.40s units are more than %d", s, MaxStock)
		}
	}
	if negative {
		n = -n
	}
	return n, nil
}

// weightUnit is the grams in one unit of weight.
type weightUnit = decimal.Decimal

// The avoirdupois pound and ounce are exact by definition.
var (
	gramsPerKilogram = decimal.MustNew(1000, 0)
	gramsPerGram     = decimal.MustNew(1, 0)
	gramsPerPound    = decimal.MustNew(453_59237, 5)
	gramsPerOunce    = decimal.MustNew(28_349523125, 9)
	gramsPerTonne    = decimal.MustNew(1_000_000, 0)
	gramsPerMilli    = decimal.MustNew(1, 3)
)

// weightUnits are the names of units, in lower case.
var weightUnits = map[string]weightUnit{
	"kg": gramsPerKilogram, "kgs": gramsPerKilogram, "kilo": gramsPerKilogram, "kilogram": gramsPerKilogram, "kilograms": gramsPerKilogram, "кг": gramsPerKilogram,
	"g": gramsPerGram, "gr": gramsPerGram, "gram": gramsPerGram, "grams": gramsPerGram, "gramm": gramsPerGram, "г": gramsPerGram, "гр": gramsPerGram,
	"lb": gramsPerPound, "lbs": gramsPerPound, "pound": gramsPerPound, "pounds": gramsPerPound,
	"oz": gramsPerOunce, "ounce": gramsPerOunce, "ounces": gramsPerOunce,
	"t": gramsPerTonne, "mg": gramsPerMilli,
}

// grams reads a weight in units of unit grams, rounded to whole grams; "" is 0.
func grams(s string, unit weightUnit) (int64, error) {
	if s == "" {
		return 0, nil
	}
	if !plainDecimal(s) {
		return 0, fmt.Errorf("%.40q is not a weight such as 0.35", s)
	}
	d, err := decimal.Parse(s)
	if err == nil {
		d, err = d.Mul(unit)
	}
	n, _, ok := d.Round(0).Int64(0)
	if err != nil || !ok || n > MaxGrams {
		return 0, fmt.Errorf("weight %.40s is more than %d kg", s, MaxGrams/1000)
	}
	return n, nil
}

// plainDecimal reports digits with at most one point between them.
func plainDecimal(s string) bool {
	if s == "" || len(s) > maxNumber || s[0] == '.' || s[len(s)-1] == '.' || strings.Count(s, ".") > 1 {
		return false
	}
	return strings.Trim(s, "0123456789.") == ""
}

// Truth values of exports, and what spreadsheets in other languages make of TRUE and FALSE.
var (
	yesWords = []string{"true", "1", "yes", "y", "on", "wahr", "vrai", "verdadero", "vero", "verdadeiro", "waar", "prawda", "sant", "sand", "sann", "tosi", "истина", "pravda", "igaz", "doğru", "adevărat"}
	noWords  = []string{"false", "0", "no", "n", "off", "falsch", "faux", "falso", "onwaar", "fałsz", "falskt", "falsk", "usann", "epätosi", "ложь", "nepravda", "hamis", "yanlış", "fals"}
)

// yes reads a truth value of an export.
func yes(s string) bool {
	switch s {
	case "", "false", "FALSE", "0":
		return false
	case "true", "TRUE", "1":
		return true
	}
	return slices.Contains(yesWords, strings.ToLower(s))
}

// text fields of a product, within their limits. They note on d what they cut.

func (d *draft) setTitle(s string) error {
	title, cut := plainLine(s, exchange.MaxTitle)
	switch {
	case title == "":
		return errors.New("the product has no title")
	case failed(title):
		return fmt.Errorf("the title %s is %s", title, failedText)
	}
	d.item.Product.Title = title
	d.shortened = d.shortened || cut
	return nil
}

func (d *draft) setDescription(s string) {
	text, cut := plainText(s, exchange.MaxDescription)
	d.item.Product.Description = text
	d.shortened = d.shortened || cut
}

func (d *draft) text(s string) string {
	line, cut := plainLine(s, exchange.MaxText)
	d.shortened = d.shortened || cut
	return line
}

// setOptions keeps the first MaxOptions options; the values of further ones
// join the title, unless it tells them already.
func (d *draft) setOptions(options []exchange.Option) {
	p := &d.item.Product
	for i, o := range options {
		o = exchange.Option{Name: d.text(o.Name), Value: d.text(o.Value)}
		d.datedCode = d.datedCode || dated(o.Value)
		switch {
		case o.Value == "":
		case i < exchange.MaxOptions:
			p.Options = append(p.Options, o)
		case !strings.Contains(p.Title, o.Value):
			title, cut := plainLine(p.Title+", "+o.Value, exchange.MaxTitle)
			p.Title = title
			d.shortened = d.shortened || cut
		}
	}
}

// setSKU takes a SKU exactly as it is.
func (d *draft) setSKU(s string) error {
	if s == "" {
		return errors.New("the product has no SKU; give each product its own")
	}
	_, own, _ := strings.Cut(s, "/") // of a qualified one
	if what := cmp.Or(damaged(s), damaged(own)); what != "" {
		return fmt.Errorf("the SKU %s is %s", s, what)
	}
	sku, err := exchange.ParseSKU(s)
	d.datedCode = d.datedCode || dated(s)
	d.item.Product.SKU = sku
	return err
}

// skuAt notes the column that the SKU comes from.
func (d *draft) skuAt(row *csvRow, c column) { d.skuColumn, d.skuName = row.place(c) }

// setCount takes a count of the file.
func (d *draft) setCount(s string) error {
	n, err := count(s)
	if d.item.Stock = counted(n); err != nil {
		d.item.Stock = countNotTold
	}
	d.negativeStock = n < 0
	return err
}

// setUnits takes a count of a CSV file.
func (d *draft) setUnits(row *csvRow, c column) error {
	s, err := row.units(c)
	if err != nil {
		d.item.Stock = countNotTold
		return err
	}
	return d.setCount(s)
}
