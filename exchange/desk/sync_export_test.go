package desk

import "github.com/souk-market/souk/exchange"

// KeepTombstones makes d forget removals beyond n, so that tests reach the floor.
func (d *Desk) KeepTombstones(n int) { d.feed.tombstones = n }

// Records are the raw rows of a live copy, shown or not.
func (r *Replicas) Records(shop exchange.ShopID) map[exchange.SKU]FeedItem {
	found := make(map[exchange.SKU]FeedItem)
	for _, v := range r.views(shop) {
		at := generationKey(prefixReplicaItem, v.generation)
		if err := r.store.Scan(Prefix(at), func(key, row []byte) bool {
			seq, _, _, err := replicaRow(row)
			sku := exchange.SKU(key[len(at)+2:])
			found[sku] = FeedItem{Sequence: seq, SKU: sku, Record: append([]byte(nil), row[8:]...)}
			return err == nil
		}); err != nil {
			panic(err)
		}
	}
	return found
}

// SpoilRecord damages a product in a live copy, as a fault of the disk would.
func (r *Replicas) SpoilRecord(shop exchange.ShopID, sku exchange.SKU) error {
	v := r.views(shop)[0]
	return r.store.Commit([]Write{{Key: replicaItemKey(v.generation, sku), Value: []byte("12345678spoilt")}})
}

// ForgetSets empties the replicas' memory of bucket digests, as many replicas do.
func (r *Replicas) ForgetSets() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.shops {
		p.set.Store(nil)
	}
	r.loaded = nil
}
