package view_test

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

func TestParseCountry(t *testing.T) {
	for text, want := range map[string]string{"SE": "SE", "de": "DE", " fr ": "FR", "GB": "GB", "GR": "GR", "TL": "TL", "SS": "SS", "CW": "CW"} {
		if got, err := view.ParseCountry(text); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "X", "XX", "ZZ", "AA", "QO", "Sweden", "swe", "S1", "ÅÄ", "752"} {
		if got, err := view.ParseCountry(text); exchange.CodeOf(err) != exchange.CodeInvalid {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
	}
	if _, err := view.ParseCountry("uk"); err == nil || !strings.Contains(err.Error(), "written GB") {
		t.Errorf("uk: %v", err)
	}
}
