package inventory

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"

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

// setPrice takes the price at which the product is offered, which is 0 only where
// the owner said so.
func (im *importer) setPrice(d *draft, m exchange.Money) error {
	if m.Minor == 0 && !im.options.Free {
		return errors.New("the price is 0, so the product is not offered; give it a price, or import with --free to give it away")
	}
	d.item.Product.Price = m
	return nil
}

// withPoint turns a decimal comma into a point where the comma can be nothing
// else: the only one, without a point, and with one or two digits after it
// (groups of thousands have three).
func withPoint(s string) string {
	whole, frac, comma := strings.Cut(s, ",")
	if comma && (len(frac) == 1 || len(frac) == 2) && !strings.ContainsAny(s, ".") && !strings.Contains(frac, ",") {
		return whole + "." + frac
	}
	return s
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

// Grams in one unit of weight; the avoirdupois pound and ounce are exact by
// definition.
var (
	gramsPerKilogram = decimal.MustNew(1000, 0)
	gramsPerGram     = decimal.MustNew(1, 0)
	gramsPerPound    = decimal.MustNew(453_59237, 5)
	gramsPerOunce    = decimal.MustNew(28_349523125, 9)
)

// grams reads a weight in units of unit grams, rounded to whole grams; "" is 0.
func grams(s string, unit decimal.Decimal) (int64, error) {
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

// image is s if it is a usable http or https URL, else "".
func image(s string) string {
	if s == "" || len(s) > exchange.MaxURL {
		return ""
	}
	for _, r := range s {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ""
		}
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return ""
	}
	return s
}

// yes reads a truth value of an export.
func yes(s string) bool {
	switch strings.ToLower(s) {
	case "true", "1", "yes":
		return true
	}
	return false
}

// text fields of a product, within their limits. They note on d what they cut.

func (d *draft) setTitle(s string) error {
	title, cut := plainLine(s, exchange.MaxTitle)
	if title == "" {
		return errors.New("the product has no title")
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

func (d *draft) setImage(s string) {
	d.item.Product.Image = image(s)
	d.droppedImage = s != "" && d.item.Product.Image == ""
}

// setOptions keeps the first MaxOptions options; the values of further ones
// join the title, unless it tells them already.
func (d *draft) setOptions(options []exchange.Option) {
	p := &d.item.Product
	for i, o := range options {
		o = exchange.Option{Name: d.text(o.Name), Value: d.text(o.Value)}
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
	sku, err := exchange.ParseSKU(s)
	d.item.Product.SKU = sku
	return err
}

// skuAt notes the column that the SKU comes from.
func (d *draft) skuAt(row *csvRow, c column) { d.skuColumn, d.skuName = row.place(c) }

// setCount takes a count of the file.
func (d *draft) setCount(s string) error {
	n, err := count(s)
	d.item.Stock = counted(n)
	d.negativeStock = n < 0
	return err
}
