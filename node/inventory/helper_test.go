package inventory

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// inEuro are the options most tests use.
func inEuro() Options { return Options{Currency: "EUR", Zone: time.UTC} }

// read imports text, holds the report to its invariant and returns what is for sale.
func read(t testing.TB, o Options, text string) ([]Item, *Report, error) {
	t.Helper()
	return readFrom(t, o, strings.NewReader(text))
}

func readFrom(t testing.TB, o Options, r io.Reader) ([]Item, *Report, error) {
	t.Helper()
	items, report, err := stated(t, o, r)
	return forSale(items), report, err
}

// stated is all that a file says of its products.
func stated(t testing.TB, o Options, r io.Reader) ([]Item, *Report, error) {
	t.Helper()
	var items []Item
	report, err := Read(context.Background(), r, o, func(it Item) error {
		items = append(items, it)
		return nil
	})
	if report == nil {
		t.Fatal("no report")
	}
	skipped := int64(0)
	for _, n := range report.Skipped {
		skipped += n
	}
	if err == nil && report.Rows != report.Items+skipped+report.ErrorCount || report.Items != int64(len(forSale(items))) {
		t.Fatalf("%d rows are not %d items, %d skipped and %d bad; %d items yielded", report.Rows, report.Items, skipped, report.ErrorCount, len(items))
	}
	return items, report, err
}

func forSale(items []Item) (out []Item) {
	for _, it := range items {
		if it.Left == "" {
			out = append(out, it)
		}
	}
	return out
}

// left are the products that a file takes off sale, and why.
func left(items []Item) string {
	var out []string
	for _, it := range items {
		if it.Left != "" {
			out = append(out, fmt.Sprintf("%s %s", it.Product.SKU, it.Left))
		}
	}
	return strings.Join(out, ", ")
}

// onStream hides that a reader can seek.
type onStream struct{ io.Reader }

// lines shows items as short lines for comparison.
func lines(items []Item) string {
	var b strings.Builder
	for _, it := range items {
		p := it.Product
		fmt.Fprintf(&b, "%s|%s|%s|%v|%d|%s\n", p.SKU, p.Group, p.Title, p.Options, p.Price.Minor, stockText(it.Stock))
	}
	return b.String()
}

func stockText(s Stock) string {
	switch {
	case s.Known:
		return fmt.Sprint(s.Units)
	case s.Tracked:
		return "untold"
	}
	return "uncounted"
}

// wantErrors compares "line:column name: part of the message" with the report.
func wantErrors(t *testing.T, report *Report, want ...string) {
	t.Helper()
	if int(report.ErrorCount) != len(want) || len(report.Errors) != len(want) {
		t.Fatalf("%d errors, want %d: %v", report.ErrorCount, len(want), report.Errors)
	}
	for i, e := range report.Errors {
		place, message, _ := strings.Cut(want[i], ": ")
		if got := fmt.Sprintf("%d:%s", e.Line, e.ColumnName); got != place || !strings.Contains(e.Message, message) {
			t.Errorf("error %d is %s: %s\nwant %s", i, got, e.Message, want[i])
		}
	}
}
