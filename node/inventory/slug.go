package inventory

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/souk-market/souk/exchange"
)

// slug is the SKU of a Shopify variant that has none: the handle and the option
// values in lower case, words joined by hyphens, parts by slashes, such as
// "trail-runner/blue/42.5". It must be the same at every import, so it depends on
// the handle and the values alone.
//
// A part keeps letters and digits of any script (in NFC) and ". _ +"; anything
// else is a word break. If that loses more than spaces and hyphens, or the
// whole is longer than a SKU may be, "~" and 10 hexadecimal digits of the hash of
// the exact texts follow. Two different variants can then share a slug only by
// differing in case or in hyphens against spaces: then withHash tells them apart.
func slug(handle string, values []string) string {
	lossy := false
	parts := make([]string, 0, 1+len(values))
	for _, part := range append([]string{handle}, values...) {
		s, lost := slugPart(part)
		lossy = lossy || lost
		parts = append(parts, s)
	}
	s := strings.Join(parts, "/")
	if lossy || len(s) > exchange.MaxSKU {
		return withHash(s, handle, values)
	}
	return s
}

func slugPart(s string) (part string, lossy bool) {
	var b strings.Builder
	gap := false
	for _, r := range norm.NFC.String(s) {
		r = unicode.ToLower(r)
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r), r == '.', r == '_', r == '+':
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		default:
			gap = true
			lossy = lossy || r != ' ' && r != '-'
		}
	}
	return b.String(), lossy || b.Len() == 0
}

// withHash appends the hash of the exact texts, in place of one that is there.
func withHash(s, handle string, values []string) string {
	h := sha256.New()
	for _, text := range append([]string{handle}, values...) {
		var length [4]byte
		binary.BigEndian.PutUint32(length[:], uint32(len(text)))
		h.Write(length[:])
		h.Write([]byte(text))
	}
	tail := "~" + hex.EncodeToString(h.Sum(nil)[:5]) // 40 bits, within one slug
	s, _, _ = strings.Cut(s, "~")
	if most := exchange.MaxSKU - len(tail); len(s) > most {
		for !utf8.RuneStart(s[most]) {
			most--
		}
		s = s[:most]
	}
	return s + tail
}
