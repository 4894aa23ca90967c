package inventory

import (
	"fmt"
	"strings"
	"time"
)

// How WooCommerce writes dates, lists and texts into cells.

// saleDate reads a date as the export writes it in one version or another; ""
// is the zero time. An end is the first moment that is no longer in the sale.
func saleDate(s string, zone *time.Location, end bool) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		t, err := time.ParseInLocation(layout, s, zone)
		switch {
		case err != nil:
			continue
		case end && layout == time.DateOnly:
			return t.AddDate(0, 0, 1), nil
		case end:
			return t.Add(time.Second), nil // WooCommerce ends a sale with its last second
		}
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%.40q is not a date such as 2026-01-31", s)
}

// firstOf is the first of a list whose commas are escaped within its members.
func firstOf(list string) string {
	for i := range len(list) {
		if list[i] == ',' && (i == 0 || list[i-1] != '\\') {
			list = list[:i]
			break
		}
	}
	return strings.TrimSpace(unescapeComma(list))
}

func unescapeComma(s string) string { return strings.ReplaceAll(s, `\,`, ",") }

// unescapeLines restores line breaks: the export writes one as \n, and the two
// characters \n as \\\n.
func unescapeLines(s string) string {
	if !strings.Contains(s, `\n`) {
		return s
	}
	return strings.NewReplacer(`\\\n`, `\n`, `\n`, "\n").Replace(s)
}

// unescapeCell undoes how the export keeps spreadsheets from running a cell as a
// formula: an apostrophe before = + - @.
func unescapeCell(s string) string {
	if len(s) > 1 && s[0] == '\'' && strings.IndexByte("=+-@", s[1]) >= 0 {
		return s[1:]
	}
	return s
}
