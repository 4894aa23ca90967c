package shelf

import (
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/record"
)

// same reports whether a product that a source tells of is the known one with its SKU: whoever
// gives a known SKU to another thing would otherwise sell it under holds and quotes of the first.
// A source's own names decide, and where they differ the barcode or the very title. Products of
// different sources, or of a version that noted none, are the same if their titles share half of
// their words. A source without names of its own may give a product another title, as long as
// it shares a word.
//
// Of an item without a title nothing but the source's own name can be held against the product's.
func same(old *record.Product, item *Item) bool {
	p, q := &old.Product, &item.Product
	if q.Title == "" {
		return old.Source != item.source || old.ID == "" || item.ID == "" || old.ID == item.ID
	}
	if p.Barcode != "" && p.Barcode == q.Barcode || catalog.Fold(p.Title) == catalog.Fold(q.Title) {
		return true
	}
	both, all := sharedWords(p.Title, q.Title)
	switch {
	case old.Source != item.source:
		return both > 0 && 2*both >= all
	case old.ID != "" && item.ID != "":
		return old.ID == item.ID
	}
	return both > 0
}

// sharedWords is how many different words two titles share, and how many they have together.
func sharedWords(a, b string) (both, all int) {
	words := make(map[string]bool) // whether it was found in b
	for _, w := range catalog.Words(a) {
		words[w] = false
	}
	all = len(words)
	for _, w := range catalog.Words(b) {
		switch found, ok := words[w]; {
		case !ok:
			all++
			words[w] = true
		case !found:
			both++
			words[w] = true
		}
	}
	return both, all
}
