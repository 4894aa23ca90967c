package replica

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
)

// buildIndex indexes a copy that has no index. It first removes the part of an index that a
// crash may have left. It holds the words of one block in memory.
func (r *Replicas) buildIndex(p *replica, number uint32) error {
	if err := r.clearIndex(number); err != nil {
		return err
	}
	b := &indexBuild{r: r, number: number, words: make(map[string]postings)}
	at := generationKey(prefixItem, number)
	for row, err := range kv.Rows(r.store, kv.Prefix(at)) {
		if err != nil {
			return err
		}
		if len(row.Key) < len(at)+3 || len(row.Value) < 8 {
			return exchange.Errorf(exchange.CodeInternal, "a replicated product of %d bytes is damaged", len(row.Value))
		}
		sku := exchange.SKU(row.Key[len(at)+2:])
		if product, ok := r.judge(p.shop, sku, row.Value[8:]); ok {
			if err := b.add(product); err != nil {
				return err
			}
		}
	}
	if err := b.flush(); err != nil || len(b.writes) == 0 {
		return err
	}
	return r.commit(b.writes)
}

// indexBuild collects the index rows of one block after the other.
type indexBuild struct {
	r      *Replicas
	number uint32
	block  uint32
	words  map[string]postings // of the block
	writes []kv.Write
	bytes  int
}

func (b *indexBuild) add(p exchange.Product) error {
	if block := catalog.BucketOf(p.SKU) / blockBuckets; block != b.block {
		if err := b.flush(); err != nil {
			return err
		}
		b.block = block
	}
	for _, t := range indexTokens(p) {
		b.words[t.Text] = b.words[t.Text].with(p.SKU, t.Weight)
	}
	for _, place := range places(&p) {
		if err := b.write(kv.Write{Key: placeKey(b.number, place, p.SKU)}); err != nil {
			return err
		}
	}
	return nil
}

func (b *indexBuild) flush() error {
	for word, list := range b.words {
		k := append(tokenPrefix(b.number, word), 0, byte(b.block))
		if err := b.write(kv.Write{Key: k, Value: list}); err != nil {
			return err
		}
	}
	clear(b.words)
	return nil
}

// write adds a row; before that, it commits the gathered rows if another row might pass the
// store's limits.
func (b *indexBuild) write(w kv.Write) error {
	size := len(w.Key) + len(w.Value) + 16
	if b.bytes+size > b.r.limits.BatchBytes*3/4 || len(b.writes) == b.r.limits.BatchWrites*3/4 {
		if err := b.r.commit(b.writes); err != nil {
			return err
		}
		b.writes, b.bytes = nil, 0
	}
	b.writes = append(b.writes, w)
	b.bytes += size
	return nil
}

// clearIndex removes all index rows of a generation.
func (r *Replicas) clearIndex(number uint32) error {
	for {
		writes, err := r.deletions(generationKey(prefixToken, number), sweepKeys)
		if err != nil || len(writes) == 0 {
			return err
		}
		if err := r.commit(writes); err != nil {
			return err
		}
	}
}
