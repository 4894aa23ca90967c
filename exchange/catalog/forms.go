package catalog

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A customer asks for boots and the product is a boot. Nobody knows the language of a title or of
// a query, so the rules are those that the languages of the shops' markets share: light ones, for
// nouns' plurals, after the accents were folded away. Two words are forms of one where they are
// inflections of one base by these rules. A form counts less than a word's beginning does, so what
// a rule finds wrongly (a corner for "corn") comes last.
//
// The rules work on the query: [Forms] lists the few words to look up, and an index has no stems
// that could disagree with it. A stemmer of the Snowball family would need to know the language,
// and an index of its own.

// ending is a rule: a base that ends in from has the form that ends in to instead.
type ending struct {
	from, to string
	least    int // letters of what stays in common
}

var endings = []ending{
	{"", "s", 3},     // boot boots, pie pies, bolso bolsos
	{"", "es", 3},    // dress dresses, reloj relojes
	{"", "e", 3},     // Schuh Schuhe, Hut Hüte, scarpa is below
	{"", "en", 4},    // Uhr is too short; Lampion, boek boeken
	{"", "n", 4},     // Lampe Lampen
	{"", "er", 4},    // Kleid Kleider, Buch Bücher, bild bilder
	{"", "ern", 4},   // the same in the dative
	{"", "x", 4},     // bateau bateaux
	{"", "ar", 4},    // stol stolar
	{"y", "ies", 3},  // baby babies
	{"f", "ves", 3},  // shelf shelves
	{"fe", "ves", 3}, // knife knives
	{"al", "aux", 3}, // cheval chevaux
	{"al", "ais", 3}, // avental aventais
	{"ao", "oes", 3}, // cordão cordões
	{"m", "ns", 3},   // homem homens
	{"z", "ces", 3},  // lápiz lápices
	{"a", "e", 4},    // scarpa scarpe
	{"o", "i", 4},    // vestito vestiti
	{"e", "i", 4},    // bicchiere bicchieri
	{"a", "or", 4},   // klocka klockor
	{"e", "ar", 4},   // pojke pojkar
	{"а", "и", 3},    // сумка сумки
	{"а", "ы", 3},    // лампа лампы
	{"", "ы", 3},     // стол столы
	{"", "и", 3},     // мяч мячи
}

// MaxForms bounds what Forms returns: each lookup costs a search some 10 µs.
const MaxForms = 100

// inflect appends the words that the rules make of word: from bases to forms, or back.
func inflect(list []string, word string, back bool) []string {
	for _, e := range endings {
		from, to := e.from, e.to
		if back {
			from, to = to, from
		}
		stem, ok := strings.CutSuffix(word, from)
		if ok && utf8.RuneCountInString(stem) >= e.least && isASCII(stem) == isASCII(e.to) {
			list = append(list, cut(stem+to))
		}
	}
	return list
}

// isASCII tells folded Latin letters from others: an ending of one script follows no other.
func isASCII(s string) bool { return s[len(s)-1] < utf8.RuneSelf }

// bases are the words that word may be a form of, itself among them.
func bases(word string) []string {
	return inflect([]string{word}, word, true)
}

// inflects reports whether a word has forms: codes, sizes and the words of scripts without cases
// have none.
func inflects(word string) bool {
	return len(word) < MaxToken && utf8.RuneCountInString(word) >= 3 && strings.IndexFunc(word, func(r rune) bool { return !unicode.IsLetter(r) || unspaced(r) }) < 0
}

// Forms are the other words that have a base in common with word, those that begin with word left
// out, each once: what a query for word finds besides the words that it begins.
func Forms(word string) []string {
	if !inflects(word) {
		return nil
	}
	var list []string
	for _, base := range bases(word) {
		list = inflect(append(list, base), base, false)
	}
	slices.Sort(list)
	return slices.DeleteFunc(slices.Compact(list), func(form string) bool { return strings.HasPrefix(form, word) })
}

// sameBase reports whether two words are forms of one: whether Forms of either has the other.
func sameBase(a, b string) bool {
	if !inflects(a) || !inflects(b) {
		return false
	}
	of := bases(b)
	return slices.ContainsFunc(bases(a), func(base string) bool { return slices.Contains(of, base) })
}
