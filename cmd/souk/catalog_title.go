package main

import (
	"slices"
	"strings"
	"unicode"

	"github.com/souk-market/souk/node/api/view"
)

// fullTitle is a product's title with the values of its options, which tell it from
// its siblings: "Trail Runner, 42, Moss". Shopify's titles never have them,
// WooCommerce's end in them ("Hoodie - Blue, No"), and those stay as they are.
func fullTitle(title string, options []view.Option) string {
	var values []string
	for _, o := range options {
		values = append(values, o.Value)
	}
	if endsInWords(title, values) {
		return title
	}
	return strings.Join(append([]string{title}, values...), ", ")
}

// endsInWords reports whether the words of values are the last ones of title,
// whatever stands between them.
func endsInWords(title string, values []string) bool {
	words := func(s string) []string {
		return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsNumber(r) && r != '.'
		})
	}
	all, end := words(title), words(strings.Join(values, " "))
	return len(end) > 0 && len(all) > len(end) && slices.Equal(all[len(all)-len(end):], end)
}
