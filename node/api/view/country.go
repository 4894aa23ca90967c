package view

import (
	"strings"

	"golang.org/x/text/language"

	"github.com/souk-market/souk/exchange"
)

// ParseCountry reads a country's code in upper or lower case, by ISO 3166-1 alpha-2.
// It fails with CodeInvalid on anything else, also on two letters that are no
// country's. Inside Souk any two letters pass: the list grows, and shops upgrade when
// they like.
func ParseCountry(text string) (string, error) {
	code := strings.ToUpper(strings.TrimSpace(text))
	if exchange.CheckCountry(code) != nil {
		return "", exchange.Errorf(exchange.CodeInvalid, "%.40q is not a country code; give its two letters, such as SE", text)
	}
	region, err := language.ParseRegion(code)
	if meant := region.Canonicalize(); err == nil && meant.IsCountry() {
		if meant.String() == code {
			return code, nil
		}
		return "", exchange.Errorf(exchange.CodeInvalid, "country %s is written %s by ISO 3166-1", code, meant)
	}
	return "", exchange.Errorf(exchange.CodeInvalid, "%q is not a country of ISO 3166-1; give its two letters, such as SE", text)
}
