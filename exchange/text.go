package exchange

import (
	"strings"
	"unicode/utf8"
)

// Clip returns s as valid UTF-8 of at most limit bytes, limit being at least 3.
// Bytes that are no UTF-8 become U+FFFD. A text that is too long is cut at a
// character and ends with an ellipsis.
func Clip(s string, limit int) string {
	const ellipsis = "…"
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	end := limit - len(ellipsis)
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}
