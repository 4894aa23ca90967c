package replica

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/message"
)

// The search index of a copy lies in the copy's generation, so that it comes and goes with
// the copy:
//
//	t/ generation(4) word 0 block(1)    → products with the word, of 16 buckets:
//	                                      weight (1) ‖ len(SKU) (1) ‖ SKU, each
//	t/ generation(4) 0x02 title 0 sku   → nothing; puts products in the order of titles
//	t/ generation(4) 0x03 price 0 sku   → nothing; puts products in the order of prices
//
// A word is letters and digits; 0x01 ‖ hex of SHA-256(group)[:8] stands for a group.
// A block gathers the postings of 16 buckets in one row. In 100,000 products, a word that
// every twentieth product has takes 256 rows of 20 postings, not 5,000 rows. A posting is a
// hint: a search checks the product itself.
//
// A search reads at most maxPostings postings of a word. For a million products, rows
// sorted by a rank that does not depend on the query would serve better; the rows would
// change then, and the interface would not.
const (
	tokenGroup = "\x01"
	tokenTitle = "\x02"
	tokenPrice = "\x03"
)

func tokenPrefix(number uint32, token string) []byte {
	return append(generationKey(prefixToken, number), token...)
}

// blockBuckets is how many buckets share an index row; 256 blocks have one byte.
const blockBuckets = catalog.Buckets / 256

// maxPostingRow bounds a row below the store's 1 MiB a value: 4,000 products with the longest
// SKUs, as in a block of a million products. A product beyond it is not found by that word.
const maxPostingRow = 640 << 10

func postingKey(number uint32, token string, sku exchange.SKU) []byte {
	return append(tokenPrefix(number, token), 0, byte(catalog.BucketOf(sku)/blockBuckets))
}

// placeKey is the row that puts a product into an order, by its place there.
func placeKey(number uint32, place string, sku exchange.SKU) []byte {
	return append(append(tokenPrefix(number, place), 0), sku...)
}

// places are a product's places in the orders of titles and of prices.
func places(p *exchange.Product) []string {
	if p == nil {
		return nil
	}
	return []string{titlePlace(p), pricePlace(p)}
}

func titlePlace(p *exchange.Product) string { return tokenTitle + titleOrder(p.Title) }

// pricePlace orders by US dollars, which the supplier has converted to. Products without come
// after all others, by currency and price, so that a federation of one currency needs no rates.
func pricePlace(p *exchange.Product) string {
	if p.USD.Rate != "" {
		return fmt.Sprintf("%s:%016x", tokenPrice, p.USD.Cents)
	}
	return fmt.Sprintf("%s%s:%016x", tokenPrice, p.Price.Currency, p.Price.Minor)
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

// titleOrder is what products are listed by: the beginning of the folded title, without
// control characters.
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

// showable decodes a record that may be shown: it is of this product, and within every limit
// of catalog.CheckProduct, which the codec enforces.
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

// judge is showable; it counts and logs a record that is not.
func (r *Replicas) judge(shop exchange.ShopID, sku exchange.SKU, record []byte) (exchange.Product, bool) {
	p, err := r.showable(sku, record)
	if err != nil {
		r.stats.badRecords.Add(1)
		r.log.Warn("a partner's product is not shown", "shop", shop, "sku", string(sku), "err", err)
	}
	return p, err == nil
}
