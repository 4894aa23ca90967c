package inventory

import (
	"fmt"
	"strings"
	"time"

	"github.com/souk-market/souk/exchange"
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
	if l := listOf(list, 1); len(l) > 0 {
		return l[0]
	}
	return ""
}

// listOf are the members of a list whose commas are escaped within them, blank ones left
// out: at most so many, and each cut where no text may be longer.
func listOf(list string, most int) []string {
	var members []string
	for start, i := 0, 0; i <= len(list) && len(members) < most; i++ {
		if i < len(list) && (list[i] != ',' || i > 0 && list[i-1] == '\\') {
			continue
		}
		if s := strings.TrimSpace(unescapeComma(list[start:i])); s != "" {
			s, _ = shorten(s, 2*exchange.MaxURL)
			members = append(members, s)
		}
		start = i + 1
	}
	return members
}

// choices are the values of an attribute as one text.
func choices(cell string) string {
	return fromHTML(strings.Join(listOf(cell, wooLists), ", "))
}

// attributeKey is the same for the name of an attribute in a variation and in its parent.
func attributeKey(name string) string { return strings.ToLower(fromHTML(name)) }

func unescapeComma(s string) string { return strings.ReplaceAll(s, `\,`, ",") }

// unescapeLines restores line breaks: the export writes one as \n, and the two
// characters \n as \\n.
func unescapeLines(s string) string {
	if !strings.Contains(s, `\n`) {
		return s
	}
	return strings.NewReplacer(`\\n`, `\n`, `\n`, "\n").Replace(s)
}

// unescapeCell undoes how the export keeps spreadsheets from running a cell as a
// formula: an apostrophe before = + - @.
func unescapeCell(s string) string {
	if len(s) > 1 && s[0] == '\'' && strings.IndexByte("=+-@", s[1]) >= 0 {
		return s[1:]
	}
	return s
}
