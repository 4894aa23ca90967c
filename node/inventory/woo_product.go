package inventory

import (
	"strings"

	"github.com/souk-market/souk/exchange"
)

// The stock and the attributes of a WooCommerce product.

// wooStock are the cells of a row that tell its stock.
type wooStock struct {
	count  string // lower case; "parent": the count is the parent's
	status string // of "In stock?", lower case
	beyond bool   // sold beyond it
}

func (c *wooColumns) readStock(row *csvRow) wooStock {
	backorders := strings.ToLower(row.get(c.backorders))
	s := wooStock{count: strings.ToLower(unescapeCell(row.get(c.stock))), status: strings.ToLower(row.get(c.inStock))}
	if s.count != "" && s.count != "parent" {
		if units, err := row.units(c.stock); err == nil && units != "" && units[0] != '\'' {
			s.count = units
		}
	}
	s.beyond = s.status == "backorder" || s.status == "onbackorder" || backorders == "notify" || yes(backorders)
	return s
}

// out reports that the shop says there is none.
func (s wooStock) out() bool {
	return no(s.status) || s.status == "outofstock" || s.status == "backorder" || s.status == "onbackorder"
}

// setStock says what cells say. A count of what is out of stock is none, or what it is below zero.
func (w *wooReader) setStock(s wooStock, parent *wooParent, d *draft) error {
	d.oversellable = s.beyond
	pooled := s.count == "parent" && parent != nil && parent.pool != "" && parent.stock.count != "" && parent.stock.count != "parent"
	out := s.out()
	if pooled && (!out || parent.stock.out()) {
		d.oversellable = s.beyond || parent.stock.beyond
		out, s = parent.stock.out(), parent.stock
		d.item.Stock.Pool = parent.pool
	}
	pool := d.item.Stock.Pool
	switch {
	case s.count == "" && !out:
		d.item.Stock = notCounted
	case s.count == "parent" && !out:
		d.item.Stock = countNotTold
	case out:
		n, err := count(s.count)
		if err != nil {
			n = 0
		}
		d.item.Stock = counted(min(n, 0))
		d.negativeStock = n < 0
	default:
		if err := d.setCount(s.count); err != nil {
			return err
		}
	}
	d.item.Stock.Pool = pool
	return nil
}

// The value of an option that the customer chooses: of what, or where that is unknown.
const (
	anyOf  = "any of "
	anyOne = "any"
)

// options are the attributes of a product. A blank one of a variation is any of its parent's
// values. Those of a product alone say what it is, or what a customer may choose.
func (w *wooReader) options(row *csvRow, parent *wooParent, d *draft) []exchange.Option {
	var options []exchange.Option
	for _, a := range w.columns.attributes {
		name, value := fromHTML(row.get(a.name)), row.get(a.value)
		switch {
		case value != "" && parent != nil:
			value = fromHTML(unescapeComma(value))
		case value != "":
			value = choices(value)
		case parent != nil && name != "":
			d.anyOption = true
			if value = anyOne; parent.choices[attributeKey(name)] != "" {
				value = anyOf + parent.choices[attributeKey(name)]
			}
		}
		if value != "" {
			options = append(options, exchange.Option{Name: name, Value: value})
		}
	}
	return options
}
