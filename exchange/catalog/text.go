package catalog

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/souk-market/souk/exchange"
)

// Limits of the search text.
const (
	// MaxToken is the longest token in bytes; a longer word is cut. 32 bytes hold
	// every word of a product title but chemical names, and keep index keys short.
	MaxToken = 32
	// MaxTokens is how many tokens of a product are indexed, best first. A full
	// title of 500 bytes has about 80 words; half of that finds it.
	MaxTokens = 40
	// MaxQueryTokens is how many words of a query count.
	MaxQueryTokens = 8
)

// Weights of a token by the field it stands in; a token in several counts once,
// with the greatest.
const (
	weightTitle    = 8
	weightCode     = 8 // SKU and barcode
	weightVendor   = 4
	weightOption   = 3
	weightCategory = 2
)

// Token is a folded word of a product and how much it counts.
type Token struct {
	Text   string
	Weight uint8
}

// Fold lowers s and strips the accents of Latin letters, so that "Ærø Kräm"
// and "aero kram" are one. Other scripts are only lowered. (Full Unicode
// decomposition needs tables outside the standard library.)
func Fold(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		if r < utf8.RuneSelf {
			if 'A' <= r && r <= 'Z' {
				r += 'a' - 'A'
			}
			b.WriteByte(byte(r))
			continue
		}
		if unicode.Is(unicode.Mn, r) { // a combining accent, in decomposed text
			continue
		}
		r = unicode.ToLower(r)
		if plain, ok := folds[r]; ok {
			b.WriteString(plain)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Words splits s into folded tokens, in order, repeats included. A token is a run
// of letters and digits; a character of a script that writes no spaces between
// words (Han, kana, Thai and their like) is one by itself.
func Words(s string) []string {
	var words []string
	folded := Fold(s)
	start := -1
	flush := func(end int) {
		if start >= 0 {
			words = append(words, cut(folded[start:end]))
		}
		start = -1
	}
	for i, r := range folded {
		switch {
		case unspaced(r):
			flush(i)
			words = append(words, string(r))
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if start < 0 {
				start = i
			}
		default:
			flush(i)
		}
	}
	flush(len(folded))
	return words
}

// cut shortens a word to MaxToken bytes at a character's end.
func cut(word string) string {
	if len(word) <= MaxToken {
		return word
	}
	n := MaxToken
	for !utf8.RuneStart(word[n]) {
		n--
	}
	return word[:n]
}

func unspaced(r rune) bool {
	return r >= 0x0E00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// Tokens returns the words a product is found by, each once, at most MaxTokens.
// Descriptions are not indexed.
func Tokens(p exchange.Product) []Token {
	t := tokenList{seen: make(map[string]int, 16)}
	t.add(p.Title, weightTitle)
	t.add(string(p.SKU), weightCode)
	t.add(p.Barcode, weightCode)
	t.add(p.Vendor, weightVendor)
	for _, o := range p.Options {
		t.add(o.Value, weightOption)
	}
	t.add(p.Category, weightCategory)
	t.add(p.Group, weightCategory)
	return t.tokens
}

type tokenList struct {
	tokens []Token
	seen   map[string]int
}

func (t *tokenList) add(text string, weight uint8) {
	for _, w := range Words(text) {
		if i, ok := t.seen[w]; ok {
			t.tokens[i].Weight = max(t.tokens[i].Weight, weight)
			continue
		}
		if len(t.tokens) == MaxTokens {
			return
		}
		t.seen[w] = len(t.tokens)
		t.tokens = append(t.tokens, Token{w, weight})
	}
}

// QueryWords returns the words of a query, each once, at most MaxQueryTokens.
func QueryWords(query string) []string {
	var words []string
	seen := map[string]bool{}
	for _, w := range Words(query) {
		if !seen[w] && len(words) < MaxQueryTokens {
			seen[w] = true
			words = append(words, w)
		}
	}
	return words
}

// FormScore is what a token adds of which the query's word is another form ([Forms]): less than
// the beginning of a word of any field.
const FormScore = 1

// MatchScore is what one token of a product adds to its score for a query word: twice the weight
// where the word is all of the token, the weight where it begins the token, FormScore where the
// two are forms of one word, else 0.
func MatchScore(word, token string, weight uint8) uint32 {
	switch {
	case word == token:
		return 2 * uint32(weight)
	case strings.HasPrefix(token, word):
		return uint32(weight)
	case sameBase(word, token):
		return FormScore
	}
	return 0
}

// Score ranks a product for a query: the sum over the query's words of the best
// match among the product's tokens. ok is false unless every word matches.
func Score(words []string, tokens []Token) (score uint32, ok bool) {
	for _, w := range words {
		var best uint32
		for _, t := range tokens {
			best = max(best, MatchScore(w, t.Text, t.Weight))
		}
		if best == 0 {
			return 0, false
		}
		score += best
	}
	return score, true
}
