package membership

import (
	"strings"
	"unicode/utf8"

	"github.com/souk-market/souk/exchange"
)

// Bounds of names and reasons.
const (
	MaxName      = 64                        // characters of a shop's name
	maxNameBytes = MaxName * utf8.UTFMax     // 256
	MaxWhy       = 255                       // bytes of a reason
	maxOrigin    = 5 + MaxFederation + 1 + 8 // "souk/" name "-" 8 hex digits
)

// hidden lists the code points that no text of the list may hold: controls, direction marks,
// invisible and blank characters, private use. The table is fixed, and not package unicode's:
// verifiers built with different versions of Unicode must agree on which entry is legal.
var hidden = [][2]rune{
	{0x0000, 0x001F}, {0x007F, 0x00A0}, // C0, DEL, C1, no-break space
	{0x00AD, 0x00AD}, {0x034F, 0x034F}, {0x061C, 0x061C}, // soft hyphen, grapheme joiner, Arabic letter mark
	{0x115F, 0x1160}, {0x1680, 0x1680}, {0x17B4, 0x17B5}, // Hangul fillers, Ogham space, Khmer inherent vowels
	{0x180B, 0x180F}, {0x2000, 0x200F}, {0x2028, 0x202F}, // Mongolian selectors; spaces, joiners, marks; separators, embeddings
	{0x205F, 0x206F}, {0x2800, 0x2800}, {0x3000, 0x3000}, // isolates and invisible operators; blank Braille; wide space
	{0x3164, 0x3164}, {0xE000, 0xF8FF}, {0xFE00, 0xFE0F}, // Hangul filler, private use, variation selectors
	{0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFF}, // byte order mark, half-width filler, specials
	{0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0x10FFFF}, // format controls, tags, private planes
}

// CheckName reports a name that no shop may have. A name has 1 to [MaxName] visible characters.
// The plain space is the only blank, and a name neither begins nor ends with it.
func CheckName(name string) error {
	if name == "" || len(name) > maxNameBytes || utf8.RuneCountInString(name) > MaxName {
		return exchange.Errorf(exchange.CodeInvalid, "a shop's name has 1 to %d characters", MaxName)
	}
	if strings.HasPrefix(name, " ") || strings.HasSuffix(name, " ") {
		return exchange.Errorf(exchange.CodeInvalid, "the shop name %q starts or ends with a space", name)
	}
	return checkText("the shop name", name, maxNameBytes)
}

// checkText reports a text over limit bytes or with a hidden character.
func checkText(what, s string, limit int) error {
	if len(s) > limit {
		return exchange.Errorf(exchange.CodeInvalid, "%s has %d bytes; %d are allowed", what, len(s), limit)
	}
	if !utf8.ValidString(s) {
		return exchange.Errorf(exchange.CodeInvalid, "%s is not UTF-8", what)
	}
	for _, r := range s {
		for _, h := range hidden {
			if r >= h[0] && r <= h[1] {
				return exchange.Errorf(exchange.CodeInvalid, "%s holds the invisible or unsafe character %U; remove it", what, r)
			}
		}
	}
	return nil
}
