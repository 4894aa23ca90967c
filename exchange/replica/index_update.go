package replica

import (
	"maps"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
)

// reindex changes a live copy's index for a product whose record changed from before to
// after. Either record may be empty or unfit to be shown. Most changes are of stock
// and change no index row; a change of the price moves one.
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
	w.replace(sku, places(was), places(is))
	if was != nil && is != nil && sameTexts(was, is) {
		return nil
	}
	return w.reindexWords(sku, was, is, len(before) > 0)
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

// replace moves a product from its places in the orders before to those after.
func (w *writes) replace(sku exchange.SKU, before, after []string) {
	for _, place := range before {
		if !slices.Contains(after, place) {
			w.add(kv.Write{Key: placeKey(w.g.Number, place, sku), Delete: true})
		}
	}
	for _, place := range after {
		if !slices.Contains(before, place) {
			w.add(kv.Write{Key: placeKey(w.g.Number, place, sku)})
		}
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
	if w.noted {
		writes = append(writes, w.p.log.write(w.g.Number))
	}
	w.writes, w.rows = nil, nil
	return writes
}
