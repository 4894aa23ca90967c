package replica

import (
	"bytes"
	"maps"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
)

// reindex changes a live copy's index for a product whose record changed from before to
// after. Either record may be empty or unfit to be shown. Most changes are of stock or price
// and change no index row.
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

// reindexWords removes a product from the rows of words that it lost, and adds it to the rows
// of words that it has got. known says that the copy had a record of the product before. That
// record may be unreadable now, so a row may name the product even for a word that is new.
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

// post changes one row of postings in w.rows; take turns w.rows into writes.
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
