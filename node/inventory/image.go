package inventory

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/souk-market/souk/exchange"
)

// image is the http or https URL that s means, written as a URL may be: spaces and
// characters beyond ASCII are percent-encoded, an internationalised host becomes its
// ASCII form, and a URL without a scheme, as //cdn.example.com/a.jpg, becomes https.
// It is "" if s means none.
func image(s string) string {
	if s == "" || len(s) > exchange.MaxURL {
		return ""
	}
	if strings.HasPrefix(s, "http") && escaped(s) == s { // most are written as they should be
		return webURL(s)
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
			return ""
		}
	}
	if strings.HasPrefix(s, "//") {
		s = "https:" + s
	}
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return ""
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, err := asciiHost(rest[:end])
	if err != nil {
		return ""
	}
	return webURL(strings.ToLower(scheme) + "://" + host + escaped(rest[end:]))
}

// webURL is s if it is an http or https URL within its limit, else "".
func webURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || len(s) > exchange.MaxURL {
		return ""
	}
	return s
}

func asciiHost(host string) (string, error) {
	for i := range len(host) {
		if host[i] >= utf8.RuneSelf {
			return idna.Lookup.ToASCII(host)
		}
	}
	return host, nil
}

// escaped percent-encodes what may not stand in a URL. A percent sign stays where it
// begins a code, and becomes one where it does not.
func escaped(s string) string {
	i := 0
	for i < len(s) && !oddInURL[s[i]] {
		i++
	}
	if i == len(s) {
		return s
	}
	const hex = "0123456789ABCDEF"
	isHex := func(i int) bool { return i < len(s) && strings.IndexByte(hex+"abcdef", s[i]) >= 0 }
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if oddInURL[c] && !(c == '%' && isHex(i+1) && isHex(i+2)) {
			b.WriteString("%" + hex[c>>4:c>>4+1] + hex[c&15:c&15+1])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// oddInURL are the bytes that may not stand in a URL, or not everywhere.
var oddInURL = func() (odd [256]bool) {
	for c := range odd {
		odd[c] = c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}%", byte(c)) >= 0
	}
	return odd
}()
