package node

import (
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// CheckCountry reports what is no ISO 3166-1 alpha-2 code of a country, as CodeInvalid,
// and the code that was meant where that is plain. What shops exchange is held only to
// the form (exchange.CheckCountry): the list of countries changes.
func CheckCountry(code string) error {
	meant, err := view.ParseCountry(code)
	if err == nil && meant != code {
		err = exchange.Errorf(exchange.CodeInvalid, "country %s is written %s", code, meant)
	}
	return err
}

// checkCountries checks a list that an owner wrote, in any order.
func checkCountries(list []string) error {
	seen := make(map[string]bool, len(list))
	for _, c := range list {
		if err := CheckCountry(c); err != nil {
			return err
		}
		if seen[c] {
			return exchange.Errorf(exchange.CodeInvalid, "country %s stands there twice", c)
		}
		seen[c] = true
	}
	if len(list) > exchange.MaxCountries {
		return exchange.Errorf(exchange.CodeInvalid, "%d countries are more than %d; leave the list empty for all", len(list), exchange.MaxCountries)
	}
	return nil
}

// ParseCountries reads "se, DE, SE" as a sorted list of codes, each once.
func ParseCountries(s string) ([]string, error) {
	list := strings.Split(strings.ToUpper(s), ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	list = slices.Compact(sorted(list))
	return list, checkCountries(list)
}
