package exchange_test

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
)

func TestClip(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"empty":                    {"", ""},
		"fits":                     {"åäöåä", "åäöåä"},
		"too long":                 {"0123456789a", "0123456…"},
		"cut inside a character":   {"012345å789", "012345…"},
		"a text of wide letters":   {strings.Repeat("漢", 4), "漢漢…"},
		"not UTF-8":                {"a\xffb", "a\uFFFDb"},
		"too long once it is":      {"\xffa\xffb\xffc\xffd", "\uFFFDa\uFFFD…"},
		"an ellipsis and no more":  {"…" + strings.Repeat("x", 8), "…xxxx…"},
		"invalid at the very end":  {"1234567\xe6", "1234567\uFFFD"},
		"half a character too far": {"12345678\xe6\xbc", "1234567…"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := exchange.Clip(c.in, 10); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
