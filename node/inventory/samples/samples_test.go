package samples

import (
	"bytes"
	"context"
	"io/fs"
	"testing"

	"github.com/souk-market/souk/node/inventory"
)

// TestSamples holds the catalogs to what Shops promises of them.
func TestSamples(t *testing.T) {
	want := map[string]struct{ items, skipped, untracked int64 }{
		"Acorn Shoes":    {26, 6, 1},
		"Birch Bikes":    {17, 5, 2},
		"Cedar Ceramics": {16, 1, 1},
	}
	ratesFile, err := FS().Open(RatesFile)
	if err != nil {
		t.Fatal(err)
	}
	rates, err := inventory.ReadRates(ratesFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, shop := range Shops() {
		data, err := fs.ReadFile(FS(), shop.File)
		if err != nil {
			t.Fatal(err)
		}
		rate, err := rates.USD(shop.Currency)
		if err != nil {
			t.Fatal(err)
		}
		o := inventory.Options{Currency: shop.Currency, Strict: true}
		report, err := inventory.Read(context.Background(), bytes.NewReader(data), o, func(it inventory.Item) error {
			if it.Left != "" {
				return nil
			}
			if cents, err := rate.Cents(it.Product.Price); err != nil || cents == 0 || it.Product.Image == "" {
				t.Errorf("%s: %+v costs %d cents, %v", shop.Name, it.Product, cents, err)
			}
			return nil
		})
		if err != nil {
			t.Fatalf("%s: %v", shop.Name, err)
		}
		skipped := int64(0)
		for _, n := range report.Skipped {
			skipped += n
		}
		got := struct{ items, skipped, untracked int64 }{report.Items, skipped, report.Untracked}
		if report.Format != shop.Format || got != want[shop.Name] || report.DroppedImages > 0 || len(report.UnknownFields) > 0 {
			t.Errorf("%s: %+v, want %+v; report %+v", shop.Name, got, want[shop.Name], report)
		}
	}
}
