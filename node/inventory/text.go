package inventory

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// plainLine makes s one line of at most limit bytes: runs of white space become
// one space, invisible characters go, what is over the limit is cut at a
// character. cut reports the latter.
func plainLine(s string, limit int) (line string, cut bool) {
	if simple(s) {
		return shorten(s, limit)
	}
	var b strings.Builder
	gap := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			gap = true
			continue
		case !visible(r):
			continue
		case gap && b.Len() > 0:
			b.WriteByte(' ')
		}
		gap = false
		b.WriteRune(r)
	}
	return shorten(b.String(), limit)
}

// plainText is plainLine for a text of several lines: it keeps line breaks, and
// of several empty lines one.
func plainText(s string, limit int) (text string, cut bool) {
	if simple(s) {
		return shorten(s, limit)
	}
	var b strings.Builder
	empty := 0
	for line := range strings.Lines(strings.ReplaceAll(s, "\r", "\n")) {
		line, _ = plainLine(line, len(line))
		if line == "" {
			empty++
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\n\n"[:min(empty+1, 2)])
		}
		empty = 0
		b.WriteString(line)
	}
	return shorten(b.String(), limit)
}

// simple reports text that needs no cleaning: printable ASCII, single spaces
// inside. Most texts are, so it is worth a look.
func simple(s string) bool {
	space := true
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == ' ' && space {
			return false
		}
		space = s[i] == ' '
	}
	return !space || s == ""
}

// visible tells the characters that can be seen from those that deceive, order
// or break what can: controls and format characters (Unicode Cf), bidirectional
// overrides among them. The joiners that scripts and emoji need stay.
func visible(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return r >= ' ' && r != 0x7f
	case r == '\u200c', r == '\u200d':
		return true
	}
	return r != utf8.RuneError && !unicode.IsControl(r) && !unicode.Is(unicode.Cf, r)
}

func shorten(s string, limit int) (string, bool) {
	if len(s) <= limit {
		return s, false
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return strings.TrimRightFunc(s[:limit], unicode.IsSpace), true
}
