package shelf

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
)

// Total is what a shop can sell now, all products together.
type Total struct {
	Units     int64 // available of the products that are counted
	Unlimited bool  // a product is not counted, and never short
	Whole     bool  // no products were left out
}

// Total adds up what is available of the first most products by SKU.
func (s *Shelf) Total(most int) (t Total, err error) {
	for row, err := range s.rows(kv.Prefix([]byte(record.PrefixProduct))) {
		if err != nil {
			return t, err
		}
		if most--; most < 0 {
			return t, nil
		}
		p, ok, err := s.Current(row.Record.Product.SKU)
		if err != nil {
			return t, err
		}
		if !ok {
			continue
		}
		t.Unlimited = t.Unlimited || p.Available.Unlimited
		t.Units = min(t.Units+p.Available.Units, exchange.MaxOpenQuantity)
	}
	t.Whole = true
	return t, nil
}
