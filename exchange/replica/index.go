package replica

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
)

// The search index lies beside the products it finds, in the same copy, so that a
// new copy brings its own index and an old one takes it along:
//
//	t/ generation(4) word 0 block(1)    → products with the word, of 16 buckets:
//	                                      weight (1) ‖ len(SKU) (1) ‖ SKU, each
//	t/ generation(4) 0x02 title 0 sku   → nothing; puts products in the order of titles
//
// A word is letters and digits; 0x01 ‖ hex of SHA-256(group)[:8] stands for a group.
// Blocks make one row of what a common word finds in a sixteenth of 4,096 buckets: in
// 100,000 products a word that every twentieth has takes 256 rows of 20, not 5,000
// rows. What the index names is a hint: it is held against the product.
//
// A word in many thousand products is read to maxPostings entries only. A million
// products want rows sorted by a rank that does not depend on the query; the rows
// change then, the interface does not.
const (
	tokenGroup = "\x01"
	tokenTitle = "\x02"
)

func tokenPrefix(number uint32, token string) []byte {
	return append(generationKey(prefixToken, number), token...)
}

// blockBuckets is how many buckets share an index row; 256 blocks have one byte.
const blockBuckets = catalog.Buckets / 256

// maxPostingRow bounds a row below the store's 1 MiB a value: 4,000 products with
// the longest SKUs, which is what a block of a million holds. Beyond it, products are
// not found by that word.
const maxPostingRow = 640 << 10

func postingKey(number uint32, token string, sku exchange.SKU) []byte {
	return append(tokenPrefix(number, token), 0, byte(catalog.BucketOf(sku)/blockBuckets))
}

func titleKey(number uint32, title string, sku exchange.SKU) []byte {
	return append(append(tokenPrefix(number, tokenTitle+titleOrder(title)), 0), sku...)
}

// postings are the entries of one row.
type postings []byte

func (p postings) with(sku exchange.SKU, weight uint8) postings {
	if len(p)+2+len(sku) > maxPostingRow {
		return p
	}
	return append(append(p, weight, byte(len(sku))), sku...)
}

func (p postings) without(sku exchange.SKU) postings {
	kept := make(postings, 0, len(p))
	p.each(func(other []byte, weight uint8) {
		if string(other) != string(sku) {
			kept = kept.with(exchange.SKU(other), weight)
		}
	})
	return kept
}

// each visits the entries, up to one that is damaged.
func (p postings) each(visit func(sku []byte, weight uint8)) {
	for len(p) >= 2 && len(p) >= 2+int(p[1]) {
		n := 2 + int(p[1])
		visit(p[2:n], p[0])
		p = p[n:]
	}
}

// splitToken reads what follows the generation in an index key: the token, and
// the block or SKU.
func splitToken(rest []byte) (token, tail []byte, ok bool) {
	i := bytes.IndexByte(rest, 0)
	if i < 1 || i == len(rest)-1 {
		return nil, nil, false
	}
	return rest[:i], rest[i+1:], true
}

// indexTokens are a product's words and its group's.
func indexTokens(p exchange.Product) []catalog.Token {
	tokens := catalog.Tokens(p)
	if p.Group != "" {
		tokens = append(tokens, catalog.Token{Text: groupToken(p.Group), Weight: 1})
	}
	return tokens
}

// titleOrder is the title as products are listed by it: folded, without control
// characters, its beginning.
func titleOrder(title string) string {
	folded := strings.Map(func(r rune) rune {
		if r < 0x20 {
			return -1
		}
		return r
	}, catalog.Fold(title))
	return folded[:min(len(folded), catalog.MaxToken)]
}

func groupToken(group string) string {
	sum := sha256.Sum256([]byte(group))
	return tokenGroup + hex.EncodeToString(sum[:8])
}

// showable decodes a record that may be shown: this product's, within every limit of
// catalog.CheckProduct, which the codec holds it to.
func (r *Replicas) showable(sku exchange.SKU, record []byte) (exchange.Product, error) {
	p, err := message.Decode[message.FeedProduct](r.codec, record)
	if err != nil {
		return exchange.Product{}, err
	}
	if p.SKU != sku {
		return p.Product, exchange.Errorf(exchange.CodeInvalid, "the record of %.40q names %.40q", sku, p.SKU)
	}
	return p.Product, nil
}

// judge is showable, and says so where a record is not.
func (r *Replicas) judge(shop exchange.ShopID, sku exchange.SKU, record []byte) (exchange.Product, bool) {
	p, err := r.showable(sku, record)
	if err != nil {
		r.stats.badRecords.Add(1)
		r.log.Warn("a partner's product is not shown", "shop", shop, "sku", string(sku), "err", err)
	}
	return p, err == nil
}

// reindex brings a live copy's index from a product's former record to the present
// one; either may be empty or unfit. Most changes are of stock or price and leave it alone.
func (w *writes) reindex(sku exchange.SKU, before, after []byte) error {
	var was, is *exchange.Product
	if len(before) > 0 {
		if p, err := w.r.showable(sku, before); err == nil {
			was = &p
		}
	}
	if len(after) > 0 {
		if p, ok := w.r.judge(w.p.shop, sku, after); ok {
			is = &p
		}
	}
	if was != nil && is != nil && sameTexts(was, is) {
		return nil
	}
	if err := w.reindexWords(sku, was, is, len(before) > 0); err != nil {
		return err
	}
	w.reindexTitle(sku, was, is)
	return nil
}

// sameTexts reports whether nothing differs that a product is found or listed by.
func sameTexts(a, b *exchange.Product) bool {
	return a.Title == b.Title && a.SKU == b.SKU && a.Barcode == b.Barcode && a.Vendor == b.Vendor &&
		a.Category == b.Category && a.Group == b.Group && slices.Equal(a.Options, b.Options)
}

// reindexWords takes a product from the words it had and puts it to those it has.
// Where the copy had the product before, known, its words may be there even if its
// record cannot be read any more.
func (w *writes) reindexWords(sku exchange.SKU, was, is *exchange.Product, known bool) error {
	old := make(map[string]uint8)
	if was != nil {
		for _, t := range indexTokens(*was) {
			old[t.Text] = t.Weight
		}
	}
	if is != nil {
		for _, t := range indexTokens(*is) {
			weight, had := old[t.Text]
			delete(old, t.Text)
			if had && weight == t.Weight {
				continue
			}
			if err := w.post(t.Text, sku, func(p postings) postings {
				if known {
					p = p.without(sku)
				}
				return p.with(sku, t.Weight)
			}); err != nil {
				return err
			}
		}
	}
	for token := range old {
		if err := w.post(token, sku, func(p postings) postings { return p.without(sku) }); err != nil {
			return err
		}
	}
	return nil
}

func (w *writes) reindexTitle(sku exchange.SKU, was, is *exchange.Product) {
	var before, after []byte
	if was != nil {
		before = titleKey(w.g.Number, was.Title, sku)
	}
	if is != nil {
		after = titleKey(w.g.Number, is.Title, sku)
	}
	if bytes.Equal(before, after) {
		return
	}
	if was != nil {
		w.add(kv.Write{Key: before, Delete: true})
	}
	if is != nil {
		w.add(kv.Write{Key: after})
	}
}

// post changes one row of the index; take writes it.
func (w *writes) post(token string, sku exchange.SKU, change func(postings) postings) error {
	k := postingKey(w.g.Number, token, sku)
	row, pending := w.rows[string(k)]
	if !pending {
		stored, _, err := w.r.store.Get(k)
		if err != nil {
			return err
		}
		row = stored
		w.bytes += len(k) + len(row) + exchange.MaxSKU
	}
	next := change(row)
	w.bytes += max(0, len(next)-len(row))
	if w.rows == nil {
		w.rows = make(map[string]postings)
	}
	w.rows[string(k)] = next
	return nil
}

// take returns all writes, index rows included.
func (w *writes) take() []kv.Write {
	writes := w.writes
	for _, k := range slices.Sorted(maps.Keys(w.rows)) {
		row := w.rows[k]
		writes = append(writes, kv.Write{Key: []byte(k), Value: row, Delete: len(row) == 0})
	}
	w.writes, w.rows = nil, nil
	return writes
}

// buildIndex indexes a copy that has no index yet, or a part of one that a crash
// left, which is removed first. It holds one block's words in memory.
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
	return b.write(kv.Write{Key: titleKey(b.number, p.Title, p.SKU)})
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

// write commits what has gathered where another row might pass the store's limits.
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
