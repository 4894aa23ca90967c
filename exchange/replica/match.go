package replica

import (
	"slices"

	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
)

// match is a product that the index names for each word read so far.
type match struct {
	sku   string
	score uint32 // of all words
	words int    // how many words named it
	best  uint32 // what the last of these words added: a word may begin several tokens
}

// named is what the index says of one word.
type named struct {
	rows     []namedRow
	products int
	complete bool // false: there are more products than maxPostings
}

// namedRow is a row of postings; the strings of its SKUs share one allocation.
type namedRow struct {
	postings string
	exact    bool // the word is all of the token
	form     bool // the token is another form of the word
}

// match lists a copy's products that have every complete word, with their scores. If no word
// is complete, it lists what was read of the last word.
func (s *search) match(v *view) (matches []match, complete bool, err error) {
	words := s.words
	if s.q.Group != "" {
		words = append([]string{groupToken(s.q.Group)}, words...)
	}
	var lists []named
	for _, w := range words {
		n, err := s.named(v, w)
		if err != nil {
			return nil, false, err
		}
		lists = append(lists, n)
	}
	narrow := slices.DeleteFunc(slices.Clone(lists), func(n named) bool { return !n.complete })
	if len(narrow) == 0 {
		return intersect(lists[len(lists)-1:]), false, nil
	}
	slices.SortFunc(narrow, func(a, b named) int { return a.products - b.products })
	return intersect(narrow), true, nil
}

// named reads the rows of all tokens that word begins, and of those that are other forms of it.
func (s *search) named(v *view, word string) (named, error) {
	var n named
	err := s.readRows(v, word, word, &n)
	for _, form := range catalog.Forms(word) {
		if err != nil || n.products > maxPostings {
			return n, err
		}
		err = s.readRows(v, form+"\x00", word, &n)
	}
	n.complete = n.products <= maxPostings
	return n, err
}

// readRows adds the rows whose keys begin with at, of tokens of word, to n, until there are too many.
func (s *search) readRows(v *view, at, word string, n *named) error {
	prefix := tokenPrefix(v.generation, at)
	skip := len(prefix) - len(at)
	for row, err := range kv.Rows(s.r.store, kv.Prefix(prefix)) {
		if err != nil {
			return err
		}
		token, _, ok := splitToken(row.Key[skip:])
		if !ok {
			continue
		}
		n.rows = append(n.rows, namedRow{string(row.Value), len(token) == len(word) && at == word, at != word})
		postings(row.Value).each(func([]byte, uint8) { n.products++ })
		if n.products > maxPostings {
			return nil
		}
	}
	return nil
}

// intersect keeps the products of the first list, the shortest, that all others have.
func intersect(lists []named) []match {
	matches := make([]match, 0, lists[0].products)
	at := make(map[string]int32, lists[0].products)
	for word, list := range lists {
		list.each(func(sku string, score uint32) {
			i, known := at[sku]
			switch {
			case !known && word == 0:
				at[sku] = int32(len(matches))
				matches = append(matches, match{sku: sku, score: score, words: 1, best: score})
			case known:
				matches[i].add(word, score)
			}
		})
	}
	return slices.DeleteFunc(matches, func(m match) bool { return m.words < len(lists) })
}

// add counts one more token that a word begins. The first word is 0.
func (m *match) add(word int, score uint32) {
	switch {
	case m.words == word: // its first token of this word
		m.words, m.best = word+1, score
		m.score += score
	case m.words == word+1 && score > m.best:
		m.score += score - m.best
		m.best = score
	}
}

// each visits the products of all rows with what the word adds to the product's score.
func (n named) each(visit func(sku string, score uint32)) {
	for _, row := range n.rows {
		for p := row.postings; len(p) >= 2 && len(p) >= 2+int(p[1]); {
			end := 2 + int(p[1])
			score := uint32(p[0])
			switch {
			case row.exact:
				score *= 2
			case row.form:
				score = catalog.FormScore
			}
			visit(p[2:end], score)
			p = p[end:]
		}
	}
}
