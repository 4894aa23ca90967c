package inventory

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestShopifyRowsInAnyOrder: whatever the order of its rows, a file gives the same products.
func TestShopifyRowsInAnyOrder(t *testing.T) {
	const head = "Handle,Title,Tags,Published,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price,Image Src,Image Position,Status\n"
	var rows []string
	for _, h := range []string{"tee", "mug", "cap"} {
		rows = append(rows, fmt.Sprintf("%s,The %s,\"new, %s\",true,Size,,,,,https://example.com/%s.jpg,1,active\n", h, h, h, h))
		for i, size := range []string{"S", "M", "L"} {
			sku := h + size
			if h == "cap" {
				sku = ""
			}
			rows = append(rows, fmt.Sprintf("%s,,,,,%s,%s,%d,%d,https://example.com/%s%d.jpg,%d,\n", h, size, sku, i, i+1, h, i, i+2))
		}
	}
	rows = append(rows, "old,Old,,true,,,OLD,1,1,,,draft\n", ",,,,,,,,,,,\n")
	show := func(t testing.TB, rows []string) string {
		items, report, err := stated(t, inEuro(), strings.NewReader(head+strings.Join(rows, "")))
		if err != nil || report.ErrorCount > 0 || report.Skipped[SkipEmptyRow] != 1 || report.Skipped[SkipHeadRow] != 3 {
			t.Fatalf("%v, %+v", err, report)
		}
		var out []string
		for _, it := range items {
			p := it.Product
			out = append(out, fmt.Sprint(p.SKU, p.Title, p.Options, p.Tags, p.Image, p.MoreImages, p.Price.Minor, it.Stock, it.Group, it.Left))
		}
		slices.Sort(out)
		return strings.Join(out, "\n")
	}
	want := show(t, rows)
	if !strings.Contains(want, "cap/m") || !strings.Contains(want, "https://example.com/tee.jpg[https://example.com/tee0.jpg https://example.com/tee1.jpg https://example.com/tee2.jpg]") {
		t.Fatal(want)
	}
	rapid.Check(t, func(rt *rapid.T) {
		if got := show(t, rapid.Permutation(rows).Draw(rt, "rows")); got != want {
			rt.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// TestBrokenRowsBetweenRowsThatStandApart: each is told once, and costs no other.
func TestBrokenRowsBetweenRowsThatStandApart(t *testing.T) {
	items, report, err := stated(t, inEuro(), strings.NewReader("Handle,Title,Option1 Value,Variant SKU,Variant Price\n"+
		"tee,Tee,S,TEE-S,1\ncap,Cap,,CAP,1\ntee,,M,TEE-M,1\ntee,,\"x\"y,TEE-X,1\n\ntee,,L,TEE-L,1\n"))
	if err != nil || skus(forSale(items)) != "TEE-S uncounted, TEE-M uncounted, TEE-L uncounted, CAP uncounted" || report.ErrorCount != 1 || report.Rows != 5 {
		t.Errorf("%s, %+v, %v", skus(items), report, err)
	}
	if it := items[len(items)-1]; it.Bad == nil || it.Product.SKU != "" || it.Group != "" || it.Line != 5 {
		t.Errorf("the row that cannot be read is told as %+v", it)
	}
}
