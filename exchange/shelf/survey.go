package shelf

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
)

// Survey looks through a shop's products for what their owner should settle.
type Survey struct{ *Shelf }

// Weightless counts the offered products without a weight among the first most products by
// SKU. A shipping table by weight charges such a product its lightest band. first is the first
// such product, and whole reports that the shop has no more products than most.
func (s Survey) Weightless(most int) (count int, first exchange.SKU, whole bool, err error) {
	for row, err := range s.rows(kv.Prefix([]byte(record.PrefixProduct))) {
		if err != nil {
			return count, first, false, err
		}
		if most--; most < 0 {
			return count, first, false, nil
		}
		if rec := row.Record; rec.Offered() && !rec.Product.NoShipping && rec.Product.Grams == 0 {
			if count++; count == 1 {
				first = rec.Product.SKU
			}
		}
	}
	return count, first, true, nil
}

// Uncounted counts, among the first most products by SKU, those for sale that nobody can buy
// because nothing has ever told how many there are: no file, no count by hand, no word of the
// owner. first is the first of them, and whole reports that the shop has no more products than
// most.
func (s Survey) Uncounted(most int) (count int, first exchange.SKU, whole bool, err error) {
	for row, err := range s.rows(kv.Prefix([]byte(record.PrefixProduct))) {
		if err != nil {
			return count, first, false, err
		}
		if most--; most < 0 {
			return count, first, false, nil
		}
		if !row.Record.Offered() {
			continue
		}
		counted, err := s.counted(row.Record)
		if err != nil {
			return count, first, false, err
		}
		if !counted {
			if count++; count == 1 {
				first = row.Record.Product.SKU
			}
		}
	}
	return count, first, true, nil
}

// counted reports whether anything has told how many there are of a product.
func (s Survey) counted(rec *record.Product) (bool, error) {
	stock, err := s.stockAt(rec.Stock())
	if err != nil || stock.Unlimited || stock.Stocked > 0 {
		return true, err // most end here, with one read
	}
	reading, err := s.committed().reading(rec.Stock(), rec)
	return reading.Set || reading.Counted > 0, err
}
