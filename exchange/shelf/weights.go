package shelf

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
)

// Weightless counts the offered products without a weight among the first most by SKU.
// A shipping table by weight charges them its lightest band, as if they weighed
// nothing. first is one of them, and whole reports that there are no more products.
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
