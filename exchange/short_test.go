package exchange_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
)

// TestInsufficient: a refusal carries every short line; its sentence stays within MaxText and
// says how many it does not name.
func TestInsufficient(t *testing.T) {
	long := exchange.SKU(strings.Repeat("x", exchange.MaxSKU))
	for _, c := range []struct {
		name  string
		lines int
		sku   exchange.SKU
		says  string
	}{
		{"one", 1, "lamp", "lamp-0: 3 asked, 1 available"},
		{"two", 2, "lamp", "lamp-0: 3 asked, 1 available; lamp-1: 3 asked, 1 available"},
		{"all that a hold has", exchange.MaxLines, "lamp", "lamp-0: 3 asked, 1 available; "},
		{"the longest names", exchange.MaxLines, long[:exchange.MaxSKU-3], "; and 63 more"},
	} {
		t.Run(c.name, func(t *testing.T) {
			short := make([]exchange.Short, c.lines)
			for i := range short {
				short[i] = exchange.Short{SKU: exchange.SKU(fmt.Sprintf("%s-%d", c.sku, i)), Asked: 3, Available: 1}
			}
			err := exchange.Insufficient(short)
			if err.Code != exchange.CodeInsufficient || !strings.Contains(err.Error(), c.says) || len(err.Error()) > exchange.MaxText {
				t.Errorf("%v (%d bytes): %q does not say %q", err.Code, len(err.Error()), err, c.says)
			}
			if named := strings.Count(err.Error(), " asked, "); named < c.lines && !strings.HasSuffix(err.Error(), fmt.Sprintf("; and %d more", c.lines-named)) {
				t.Errorf("%d of %d lines are named: %q", named, c.lines, err)
			}
			wrapped := exchange.Errorf(exchange.CodeUnavailable, "the supplier: %w", exchange.Errorf(exchange.CodeInsufficient, "again: %w", err))
			for _, err := range []error{err, wrapped} {
				if got := exchange.ShortLines(err); !slices.Equal(got, short) {
					t.Errorf("%v carries %d lines, want %d", err, len(got), len(short))
				}
			}
		})
	}
	for name, err := range map[string]error{
		"none":             nil,
		"no code":          fmt.Errorf("broken"),
		"an older version": exchange.Errorf(exchange.CodeInsufficient, "lamp: 3 asked, 1 available"),
	} {
		t.Run(name, func(t *testing.T) {
			if got := exchange.ShortLines(err); got != nil {
				t.Errorf("%v carries %v", err, got)
			}
		})
	}
}

// TestCheckShort: a line is short once, and only where less is available than was asked for.
func TestCheckShort(t *testing.T) {
	lamp := exchange.Short{SKU: "lamp", Asked: 3, Available: 1}
	for name, c := range map[string]struct {
		short []exchange.Short
		ok    bool
	}{
		"none":                 {nil, true},
		"one":                  {[]exchange.Short{lamp}, true},
		"two":                  {[]exchange.Short{lamp, {SKU: "sock", Asked: 1}}, true},
		"twice":                {[]exchange.Short{lamp, lamp}, false},
		"twice, other numbers": {[]exchange.Short{lamp, {SKU: "lamp", Asked: 2}}, false},
		"just enough":          {[]exchange.Short{{SKU: "lamp", Asked: 3, Available: 3}}, false},
		"more than enough":     {[]exchange.Short{{SKU: "lamp", Asked: 1, Available: 1 << 62}}, false},
		"nothing asked":        {[]exchange.Short{{SKU: "lamp"}}, false},
		"below zero":           {[]exchange.Short{{SKU: "lamp", Asked: -1, Available: -2}}, false},
		"no name":              {[]exchange.Short{{Asked: 1}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := exchange.CheckShort(c.short); (err == nil) != c.ok {
				t.Errorf("%v", err)
			}
		})
	}
}
