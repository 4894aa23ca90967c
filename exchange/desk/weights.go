package desk

import "github.com/souk-market/souk/exchange"

// Weightless counts the offered products without a weight among the first most by SKU.
// A shipping table by weight charges them its lightest band, as if they weighed
// nothing. first is one of them, and whole reports that there are no more products.
func (d *Desk) Weightless(most int) (count int, first exchange.SKU, whole bool, err error) {
	whole = true
	var damaged error
	err = d.store.Scan(Prefix([]byte(prefixProduct)), func(_, raw []byte) bool {
		if most--; most < 0 {
			whole = false
			return false
		}
		var v Value
		if v, damaged = d.codec.Decode(KindProductRecord, raw); damaged != nil {
			return false
		}
		if rec := v.(*ProductRecord); !rec.Removed && rec.Product.Grams == 0 {
			if count++; count == 1 {
				first = rec.Product.SKU
			}
		}
		return true
	})
	if err == nil {
		err = damaged
	}
	return count, first, whole, err
}
