package view_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

func TestParseCountry(t *testing.T) {
	for text, want := range map[string]string{"SE": "SE", "de": "DE", " fr ": "FR", "GB": "GB", "GR": "GR", "TL": "TL", "SS": "SS", "CW": "CW"} {
		t.Run(strconv.Quote(text), func(t *testing.T) {
			if got, err := view.ParseCountry(text); err != nil || got != want {
				t.Errorf("%q, %v; want %q", got, err, want)
			}
		})
	}
	for _, text := range []string{"", "X", "XX", "ZZ", "AA", "QO", "Sweden", "swe", "S1", "ÅÄ", "752"} {
		t.Run(strconv.Quote(text), func(t *testing.T) {
			if got, err := view.ParseCountry(text); exchange.CodeOf(err) != exchange.CodeInvalid {
				t.Errorf("it is read as %q, %v", got, err)
			}
		})
	}
	if _, err := view.ParseCountry("uk"); err == nil || !strings.Contains(err.Error(), "written GB") {
		t.Errorf("uk: %v", err)
	}
}
