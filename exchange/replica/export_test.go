package replica

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
)

// SpoilRecord damages a product in a live copy, as a fault of the disk would.
func (r *Replicas) SpoilRecord(shop exchange.ShopID, sku exchange.SKU) error {
	return r.PutRecord(shop, sku, []byte("spoilt"))
}

// PutRecord makes a record of a live copy another, and leaves its index as it was.
func (r *Replicas) PutRecord(shop exchange.ShopID, sku exchange.SKU, record []byte) error {
	v := r.views(shop)[0]
	return r.store.Commit([]kv.Write{{Key: itemKey(v.generation, sku), Value: append([]byte("12345678"), record...)}})
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

// Index is what the search index of a live copy says: by word or title, the products
// with their weights.
func (r *Replicas) Index(shop exchange.ShopID) map[string]map[exchange.SKU]uint8 {
	index := make(map[string]map[exchange.SKU]uint8)
	add := func(token []byte, sku exchange.SKU, weight uint8) {
		if index[string(token)] == nil {
			index[string(token)] = make(map[exchange.SKU]uint8)
		}
		if _, twice := index[string(token)][sku]; twice {
			panic("the index names a product twice")
		}
		index[string(token)][sku] = weight
	}
	for _, v := range r.views(shop) {
		at := generationKey(prefixToken, v.generation)
		for row, err := range kv.Rows(r.store, kv.Prefix(at)) {
			if err != nil {
				panic(err)
			}
			token, tail, ok := splitToken(row.Key[len(at):])
			switch {
			case !ok:
				panic("an index row has no product")
			case token[0] == tokenTitle[0], token[0] == tokenPrice[0]:
				add(token, exchange.SKU(tail), 0)
			default:
				postings(row.Value).each(func(sku []byte, weight uint8) { add(token, exchange.SKU(sku), weight) })
			}
		}
	}
	return index
}

// SettleLate is one round of what Run does about late products.
func (f *Follower) SettleLate(ctx context.Context) error {
	_, err := f.settleLate(ctx)
	return err
}

// Late is how many own products searches read whatever the index says.
func (r *Replicas) Late() int { return len(r.late.all()) }

// WalkOrders has sorted searches walk the orders of the index, however few products they name.
func (r *Replicas) WalkOrders() { r.sortFew = -1 }

// MakeEarlier takes from the store what the version before did not write.
func (r *Replicas) MakeEarlier() error {
	writes := []kv.Write{{Key: keyVersion, Delete: true}}
	for _, v := range r.views(exchange.ShopID{}) {
		for _, prefix := range [][]byte{tokenPrefix(v.generation, tokenPrice), generationKey(prefixChanged, v.generation), generationKey(prefixChangeOf, v.generation)} {
			rows, err := r.deletions(prefix, sweepKeys)
			if err != nil {
				return err
			}
			writes = append(writes, rows...)
		}
	}
	return r.store.Commit(writes)
}
