package replica

import (
	"bytes"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
)

// Records are the raw records of a live copy, fit to be shown or not. Checks compare them
// with the supplier's.
func (r *Replicas) Records(shop exchange.ShopID) (map[exchange.SKU]message.FeedItem, error) {
	found := make(map[exchange.SKU]message.FeedItem)
	for _, v := range r.views(shop) {
		at := generationKey(prefixItem, v.generation)
		for row, err := range kv.Rows(r.store, kv.Prefix(at)) {
			var seq uint64
			if err == nil {
				seq, _, _, err = itemRow(row.Value)
			}
			if err != nil {
				return nil, err
			}
			sku := exchange.SKU(row.Key[len(at)+2:])
			found[sku] = message.FeedItem{Sequence: seq, SKU: sku, Record: bytes.Clone(row.Value[8:])}
		}
	}
	return found, nil
}
