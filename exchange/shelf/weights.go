package shelf

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
)

// Weightless counts the offered products without a weight among the first most products by
// SKU. A shipping table by weight charges such a product its lightest band. first is the first
// such product, and whole reports that the shop has no more products than most.
func (s *Shelf) Weightless(most int) (count int, first exchange.SKU, whole bool, err error) {
	for row, err := range s.rows(kv.Prefix([]byte(record.PrefixProduct))) {
		if err != nil {
			return count, first, false, err
		}
		if most--; most < 0 {
			return count, first, false, nil
		}
		if rec := row.Record; !rec.Removed && rec.Product.Grams == 0 {
			if count++; count == 1 {
				first = rec.Product.SKU
			}
		}
	}
	return count, first, true, nil
}
