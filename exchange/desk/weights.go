package desk

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// Weightless counts the offered products without a weight among the first most by SKU.
// A shipping table by weight charges them its lightest band, as if they weighed
// nothing. first is one of them, and whole reports that there are no more products.
func (d *Desk) Weightless(most int) (count int, first exchange.SKU, whole bool, err error) {
	whole = true
	var damaged error
	err = d.store.Scan(kv.Prefix([]byte(record.PrefixProduct)), func(_, raw []byte) bool {
		if most--; most < 0 {
			whole = false
			return false
		}
		var v message.Value
		if v, damaged = d.codec.Decode(record.KindProduct, raw); damaged != nil {
			return false
		}
		if rec := v.(*record.Product); !rec.Removed && rec.Product.Grams == 0 {
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
