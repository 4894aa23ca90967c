package desk

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// KeepTombstones makes d forget removals beyond n, so that tests reach the floor.
func (d *Desk) KeepTombstones(n int) { d.feed.tombstones = n }

// Records are the raw rows of a live copy, shown or not.
func (r *Replicas) Records(shop exchange.ShopID) map[exchange.SKU]message.FeedItem {
	found := make(map[exchange.SKU]message.FeedItem)
	for _, v := range r.views(shop) {
		at := generationKey(prefixReplicaItem, v.generation)
		if err := r.store.Scan(kv.Prefix(at), func(key, row []byte) bool {
			seq, _, _, err := replicaRow(row)
			sku := exchange.SKU(key[len(at)+2:])
			found[sku] = message.FeedItem{Sequence: seq, SKU: sku, Record: append([]byte(nil), row[8:]...)}
			return err == nil
		}); err != nil {
			panic(err)
		}
	}
	return found
}

// SpoilRecord damages a product in a live copy, as a fault of the disk would.
func (r *Replicas) SpoilRecord(shop exchange.ShopID, sku exchange.SKU) error {
	return r.PutRecord(shop, sku, []byte("spoilt"))
}

// PutRecord makes a record of a live copy another, and leaves its index as it was.
func (r *Replicas) PutRecord(shop exchange.ShopID, sku exchange.SKU, record []byte) error {
	v := r.views(shop)[0]
	return r.store.Commit([]kv.Write{{Key: replicaItemKey(v.generation, sku), Value: append([]byte("12345678"), record...)}})
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

// KeepMarks makes d keep at most n dirty marks in memory, from the next on.
func (d *Desk) KeepMarks(n int) { d.feed.marks.max = n }

// DirtyMarks counts the rows of dirty marks.
func (d *Desk) DirtyMarks() (n int) {
	if err := d.store.Scan(kv.Prefix([]byte(record.PrefixDirty)), func(_, _ []byte) bool { n++; return true }); err != nil {
		panic(err)
	}
	return n
}

// PublishSome is one operation of the publisher.
func (d *Desk) PublishSome(ctx context.Context) (more bool, err error) { return d.publishSome(ctx) }

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
		at := generationKey(prefixReplicaToken, v.generation)
		if err := r.store.Scan(kv.Prefix(at), func(key, row []byte) bool {
			token, tail, ok := splitToken(key[len(at):])
			switch {
			case !ok:
				panic("an index row has no product")
			case token[0] == tokenTitle[0]:
				add(token, exchange.SKU(tail), 0)
			default:
				postings(row).each(func(sku []byte, weight uint8) { add(token, exchange.SKU(sku), weight) })
			}
			return true
		}); err != nil {
			panic(err)
		}
	}
	return index
}

// PublisherQuiet reports whether the publisher found no new marks at its last turn.
func (d *Desk) PublisherQuiet() bool { return d.feed.quiet.Load() }

// PublishRest is publishRest.
var PublishRest = publishRest
