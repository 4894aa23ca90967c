package desk

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
)

// The search index lies beside the products it finds, in the same copy, so that a
// new copy brings its own index and an old one takes it along:
//
//	t/ generation(4) token 0 sku → weight (1)
//
// A token of letters and digits is a word of the product. Two more rows begin with
// a byte that no word holds: 0x02 ‖ the folded title, which puts a shop's products in
// the order of their titles, and 0x01 ‖ hex of SHA-256(group)[:8], which finds the
// variants of one thing. A row is a hint: what is found is held against the product.
//
// This index answers some 10,000 products per word in tens of milliseconds. A
// million products want posting lists in blocks, sorted by a rank that does not
// depend on the query; the rows change then, the interface does not.
const (
	tokenGroup = "\x01"
	tokenTitle = "\x02"
)

func tokenPrefix(number uint32, token string) []byte {
	return append(generationKey(prefixReplicaToken, number), token...)
}

func tokenKey(number uint32, token string, sku exchange.SKU) []byte {
	k := tokenPrefix(number, token)
	return append(append(k, 0), sku...)
}

// splitToken reads what follows the generation in an index key.
func splitToken(rest []byte) (token, sku []byte, ok bool) {
	i := bytes.IndexByte(rest, 0)
	if i < 1 || i == len(rest)-1 {
		return nil, nil, false
	}
	return rest[:i], rest[i+1:], true
}

// indexTokens are all rows a product has in the index.
func indexTokens(p exchange.Product) []catalog.Token {
	tokens := append(catalog.Tokens(p), catalog.Token{Text: tokenTitle + titleOrder(p.Title)})
	if p.Group != "" {
		tokens = append(tokens, catalog.Token{Text: groupToken(p.Group)})
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

// showable decodes a record that may be shown: this product's, within every limit.
func (r *Replicas) showable(sku exchange.SKU, record []byte) (exchange.Product, error) {
	v, err := r.codec.Decode(KindFeedRecord, record)
	if err != nil {
		return exchange.Product{}, err
	}
	p := v.(*FeedProduct).Product
	if p.SKU != sku {
		return p, exchange.Errorf(exchange.CodeInvalid, "the record of %.40q names %.40q", sku, p.SKU)
	}
	return p, catalog.CheckProduct(p)
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

// reindex writes the difference between a product's tokens before and after.
func (w *replicaWrites) reindex(sku exchange.SKU, before, after []byte) {
	old := make(map[string]uint8)
	if len(before) > 0 {
		if p, err := w.r.showable(sku, before); err == nil {
			for _, t := range indexTokens(p) {
				old[t.Text] = t.Weight
			}
		}
	}
	if len(after) > 0 {
		if p, ok := w.r.judge(w.p.shop, sku, after); ok {
			for _, t := range indexTokens(p) {
				weight, had := old[t.Text]
				delete(old, t.Text)
				if !had || weight != t.Weight {
					w.add(Write{Key: tokenKey(w.g.Number, t.Text, sku), Value: []byte{t.Weight}})
				}
			}
		}
	}
	for token := range old {
		w.add(Write{Key: tokenKey(w.g.Number, token, sku), Delete: true})
	}
}

// buildIndex indexes a copy that has no index yet, or a part of one that a crash
// left: rows of products as they were then are removed first.
func (r *Replicas) buildIndex(p *replica, number uint32) error {
	if err := r.clearIndex(number); err != nil {
		return err
	}
	w := r.newWrites(p, generation{Number: number}, true)
	at := generationKey(prefixReplicaItem, number)
	var failed error
	err := r.store.Scan(Prefix(at), func(key, row []byte) bool {
		if len(key) < len(at)+3 || len(row) < 8 {
			failed = exchange.Errorf(exchange.CodeInternal, "a replicated product of %d bytes is damaged", len(row))
			return false
		}
		sku := exchange.SKU(key[len(at)+2:])
		if product, ok := r.judge(p.shop, sku, row[8:]); ok {
			for _, t := range indexTokens(product) {
				w.add(Write{Key: tokenKey(number, t.Text, sku), Value: []byte{t.Weight}})
			}
		}
		if w.full() {
			failed = r.commit(w.writes)
			w = r.newWrites(p, generation{Number: number}, true)
		}
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	if err != nil || len(w.writes) == 0 {
		return err
	}
	return r.commit(w.writes)
}

func (r *Replicas) clearIndex(number uint32) error {
	for {
		var writes []Write
		err := r.store.Scan(Prefix(generationKey(prefixReplicaToken, number)), func(key, _ []byte) bool {
			writes = append(writes, Write{Key: bytes.Clone(key), Delete: true})
			return len(writes) < sweepKeys
		})
		if err != nil || len(writes) == 0 {
			return err
		}
		if err := r.commit(writes); err != nil {
			return err
		}
	}
}
