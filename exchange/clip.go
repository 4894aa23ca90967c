package exchange

// Clip is s, or where it is longer than n bytes the longest beginning of at most n bytes
// that ends with a whole character.
func Clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 { // not inside a rune
		n--
	}
	return s[:n]
}
