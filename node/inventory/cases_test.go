package inventory

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
)

// The small files of testdata/cases, each with one kind of difficulty, and what they say.

func statedIn(t *testing.T, o Options, name string) ([]Item, *Report) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "cases", name))
	if err != nil {
		t.Fatal(err)
	}
	items, report, err := stated(t, o, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return items, report
}

func skus(items []Item) string {
	var out []string
	for _, it := range items {
		out = append(out, string(it.Product.SKU)+" "+stockText(it.Stock))
	}
	return strings.Join(out, ", ")
}

func TestCases(t *testing.T) {
	for _, c := range []struct {
		file          string
		format        Format
		forSale, left string
		errors        int64
		check         func(t *testing.T, items []Item, r *Report)
	}{
		{file: "01-woo-short-rows.csv", format: FormatWooCommerce, forSale: "KET-1 4, CUP-B 6, POT-1 2, CUP-W 5", left: "CUP variable"},
		{file: "02-woo-de.csv", format: FormatWooCommerce, forSale: "KANNE-1 4"},
		{file: "05-woo-semicolon.csv", format: FormatWooCommerce, forSale: "KET-2 4"},
		{file: "05-woo-semicolon-plain.csv", format: FormatWooCommerce, forSale: "KET-2 4"},
		{file: "36-html.csv", format: FormatShopify, forSale: "H1 3, H2 3, H3 3", check: func(t *testing.T, items []Item, _ *Report) {
			if got := items[0].Product.Title + "|" + items[1].Product.Title + "|" + items[2].Product.Title; got != "Café cup & saucer 12\" new|5 < 6 boots|Line break title" {
				t.Error(got)
			}
		}},
		{file: "03-two-files-a.csv", format: FormatShopify, forSale: "100 3"},
		{file: "03-two-files-b.csv", format: FormatWooCommerce, forSale: "100 2"},
		{file: "04-products-multiloc.csv", format: FormatShopify, forSale: "SC-R untold, SC-B untold"},
		{file: "04-inventory.csv", format: FormatShopifyInventory, forSale: "SC-R 8, SC-B 4", check: func(t *testing.T, items []Item, r *Report) {
			if !items[0].StockOnly || items[0].Group != "" || items[0].ID != "scarf" || strings.Join(r.Places, ",") != "Warehouse,High street" {
				t.Errorf("%+v, %v", items[0], r.Places)
			}
		}},
		{file: "11-day1.csv", format: FormatShopify, forSale: "LMP-1 5, DSK-1 3, VAS-1 4, CHR-1 4"},
		{file: "11-day2.csv", format: FormatShopify, left: "LMP-1 draft, DSK-1 unpublished, CHR-1 price-zero", errors: 1, check: func(t *testing.T, items []Item, _ *Report) {
			if got := skus(items); got != "LMP-1 5, DSK-1 3, CHR-1 4" {
				t.Errorf("their stock is %s", got)
			}
		}},
		{file: "12-shopify-forms.csv", format: FormatShopify, forSale: "TEE-S 4, TEE-M -2, TEE-L 9, SOCK-SR 3, SOCK-MR 3",
			left: "STK price-zero, HID unpublished", errors: 1, check: checkForms},
		{file: "27-sale-ends.csv", format: FormatWooCommerce, forSale: "FLASH 3", check: func(t *testing.T, items []Item, _ *Report) {
			it := items[0]
			if s := it.Sale; it.Product.Price.Minor != 1000 || s == nil || s.Price.Minor != 800 || !s.From.IsZero() || !s.To.Equal(time.Date(2026, 11, 30, 11, 2, 0, 0, time.UTC)) {
				t.Errorf("%+v, sale %+v", it, it.Sale)
			}
		}},
		{file: "28-digital-shopify.csv", format: FormatShopify, forSale: "PAT-1 50", check: needsNoShipping},
		{file: "28-digital-woo.csv", format: FormatWooCommerce, forSale: "EBOOK 50", check: needsNoShipping},
		{file: "38-slug-change.csv", format: FormatShopify, forSale: "mug 3", check: isOfGroup("mug")},
		{file: "38-slug-change-day2.csv", format: FormatShopify, forSale: "mug/white 3", check: isOfGroup("mug")},
		{file: "39-parent-stock.csv", format: FormatWooCommerce, forSale: "BOWL-S 9, BOWL-L 9", left: "BOWL variable", check: func(t *testing.T, items []Item, r *Report) {
			for _, it := range forSale(items) {
				if it.Stock.Pool != "BOWL" || it.Group != "id-81" || it.Product.Group != "BOWL" {
					t.Errorf("%+v", it)
				}
			}
			if r.Pooled != 2 {
				t.Errorf("%d share a count", r.Pooled)
			}
		}},
		{file: "41-backslash-n.csv", format: FormatWooCommerce, forSale: "BS1 2", check: func(t *testing.T, items []Item, _ *Report) {
			if d := items[0].Product.Description; d != "Put the files in C:\\new on the stick\nthen start." {
				t.Errorf("%q", d)
			}
		}},
		{file: "42-shopify-stock-only.csv", format: FormatShopifyInventory, forSale: "A1 7", check: func(t *testing.T, items []Item, r *Report) {
			if !items[0].StockOnly || r.StockOnly != 1 {
				t.Errorf("%+v", items[0])
			}
		}},
		{file: "42-woo-no-sku.csv", format: FormatWooCommerce, forSale: "id-1 3"},
		{file: "42-woo-no-type.csv", format: FormatWooCommerce, forSale: "A1 3"},
	} {
		t.Run(c.file, func(t *testing.T) {
			items, report := statedIn(t, inEuro(), c.file)
			if report.Format != c.format || skus(forSale(items)) != c.forSale || left(items) != c.left || report.ErrorCount != c.errors {
				t.Fatalf("%s: for sale %s; off sale %s; errors %v", report.Format, skus(forSale(items)), left(items), report.Errors)
			}
			if c.check != nil {
				c.check(t, items, report)
			}
		})
	}
}

func checkForms(t *testing.T, items []Item, r *Report) {
	tee := items[0].Product
	if tee.Title != "Tee" || tee.Barcode != "0123456789012" || tee.Image != "https://img.example.test/tee.jpg" || tee.Grams != 200 ||
		tee.Description != "Line one\n\nQuote \"inside\" & more" {
		t.Errorf("%+v", tee)
	}
	if items[1].Product.Barcode != "" || r.WarningCount != 1 || !strings.Contains(r.Warnings[0].Message, "8.72E+12") || r.Warnings[0].Line != 5 {
		t.Errorf("barcode %q, warnings %v", items[1].Product.Barcode, r.Warnings)
	}
	if r.Oversellable != 1 || r.NegativeStock != 1 || r.Skipped[SkipHeadRow] != 1 {
		t.Errorf("%+v", r)
	}
	for _, it := range items[:3] {
		if it.Group != "tee" || it.Product.Group != "tee" {
			t.Errorf("%+v", it)
		}
	}
}

func needsNoShipping(t *testing.T, items []Item, r *Report) {
	if !items[0].Product.NoShipping || r.NoShipping != 1 {
		t.Errorf("%+v", items[0].Product)
	}
}

func isOfGroup(name string) func(*testing.T, []Item, *Report) {
	return func(t *testing.T, items []Item, _ *Report) {
		for _, it := range items {
			if it.Group != name || it.ID != name {
				t.Errorf("%+v", it)
			}
		}
	}
}

// TestOneSKUOnTwoProducts: whatever the order of the rows, the catalogued product keeps it.
func TestOneSKUOnTwoProducts(t *testing.T) {
	shopify := func(handle, title, sku, price, status string) string {
		return handle + "," + title + "," + sku + "," + price + "," + status + "\n"
	}
	const head = "Handle,Title,Variant SKU,Variant Price,Status\n"
	cup, hose := shopify("cup", "Tin cup", "100", "9", "active"), shopify("hose", "Garden hose", "100", "49", "active")
	draft, bad := shopify("cup-2", "Copy of cup", "100", "9", "draft"), shopify("pot", "Pot", "100", "x", "active")
	other := shopify("vase", "Vase", "V", "5", "active")
	owner := func(title string) func(Item) bool {
		return func(it Item) bool { return title != "" && strings.HasPrefix(it.Product.Title, title) }
	}
	for _, c := range []struct {
		name, owner   string
		rows          []string
		forSale, left string
		errors        int64
	}{
		{"nobody has it", "", []string{cup, hose, other}, "Vase", "", 2},
		{"one is known", "Tin cup", []string{cup, hose, other}, "Tin cup, Vase", "", 1},
		{"the other is known", "Garden hose", []string{cup, hose, other}, "Garden hose, Vase", "", 1},
		{"the same twice", "", []string{cup, other, cup}, "Tin cup, Vase", "", 0},
		{"a draft is no claim", "", []string{cup, draft}, "Tin cup", "", 0},
		{"the known one was drafted", "Copy of cup", []string{cup, draft}, "", "100 draft", 1},
		{"the draft of another", "Tin cup", []string{cup, draft}, "Tin cup", "", 0},
		{"one that cannot be read", "", []string{cup, bad}, "", "", 2},
		{"the known one cannot be read", "Pot", []string{cup, bad}, "", "100 bad-row", 2},
		{"both say that they are it", "Tin cup", []string{cup, shopify("cup", "Tin cup", "100", "8", "active")}, "", "100 bad-row", 2},
		{"the same twice, not readable", "", []string{bad, bad}, "", "100 bad-row", 2},
		{"two drafts", "", []string{draft, shopify("b", "B", "100", "9", "draft")}, "", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, reverse := range []bool{false, true} {
				rows := slices.Clone(c.rows)
				if reverse {
					slices.Reverse(rows)
				}
				o := inEuro()
				o.Owner = owner(c.owner)
				items, report, err := stated(t, o, strings.NewReader(head+strings.Join(rows, "")))
				var titles []string
				for _, it := range forSale(items) {
					titles = append(titles, it.Product.Title)
				}
				slices.Sort(titles)
				if err != nil || strings.Join(titles, ", ") != c.forSale || left(items) != c.left || report.ErrorCount != c.errors {
					t.Errorf("reversed %v: for sale %v; off sale %s; %v %v", reverse, titles, left(items), report.Errors, err)
				}
			}
		})
	}
	_, report, _ := read(t, inEuro(), head+cup+other+hose)
	for i, want := range []string{`"Garden hose" on line 4 and "Tin cup" on line 2`, `"Tin cup" on line 2 and "Garden hose" on line 4`} {
		if m := report.Errors[i].Message; !strings.Contains(m, want) || !strings.Contains(m, "--qualify-sku") {
			t.Errorf("%s", m)
		}
	}
}

func TestQualifiedSKUs(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"shopify":     {"Handle,Title,Variant SKU,Variant Price\ncup,Cup,1,9\nhose,Hose,1,9\nvase,Vase,,9\n", "cup/1 uncounted, hose/1 uncounted, vase uncounted"},
		"woocommerce": {woo("ID=7|Type=simple|SKU=1|Name=A|Regular price=1", "ID=8|Type=simple|SKU=1|Name=B|Regular price=1", "ID=9|Type=simple|Name=C|Regular price=1"), "7/1 uncounted, 8/1 uncounted, id-9 uncounted"},
		"jsonl":       {`{"id":"a","sku":"1","title":"A","price":1}` + "\n" + `{"id":"b","sku":"1","title":"B","price":1}`, "a/1 uncounted, b/1 uncounted"},
	} {
		t.Run(name, func(t *testing.T) {
			o := inEuro()
			o.QualifySKU = true
			items, report, err := read(t, o, c.file)
			if err != nil || skus(items) != c.want || report.ErrorCount > 0 {
				t.Errorf("%s; %v %v", skus(items), report.Errors, err)
			}
		})
	}
	o := inEuro()
	o.QualifySKU = true
	variants := "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\npot,Pot,Colour,Red,101,9\npot,,,Blue,101,9\n"
	items, report, err := read(t, o, variants)
	if err != nil || len(items) != 2 || items[0].Product.SKU == items[1].Product.SKU || !strings.HasPrefix(string(items[0].Product.SKU), "pot/101~") || report.ErrorCount > 0 {
		t.Errorf("variants that share a SKU: %s, %v", skus(items), report.Errors)
	}
	stock, _, err := read(t, o, "Handle,Title,Option1 Name,Option1 Value,SKU,Location,Available\npot,Pot,Colour,Red,101,Shop,1\npot,Pot,Colour,Blue,101,Shop,2\n")
	if err != nil || len(stock) != 2 || stock[0].Product.SKU != items[0].Product.SKU || stock[1].Product.SKU != items[1].Product.SKU {
		t.Errorf("their stock list has %s, %v", skus(stock), err)
	}
	long := (&importer{options: Options{QualifySKU: true}}).qualify(strings.Repeat("h", 100), strings.Repeat("s", 100))
	if _, err := exchange.ParseSKU(long); err != nil || !strings.Contains(long, "~") {
		t.Errorf("%q, %v", long, err)
	}
}

// readCase reads a file of testdata/cases, small files of public kinds of trouble.
func readCase(t *testing.T, name string) ([]Item, *Report, error) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "cases", name))
	if err != nil {
		t.Fatal(err)
	}
	return read(t, inEuro(), string(data))
}

func TestCaseGerman(t *testing.T) {
	items, report, err := readCase(t, "02-woo-de.csv")
	if err != nil || len(items) != 1 || items[0].Product.Grams != 800 || items[0].Product.Category != "Küche" || report.Language != "de" {
		t.Errorf("%+v, %+v, %v", items, report, err)
	}
}

func TestCaseHTML(t *testing.T) {
	items, _, err := readCase(t, "36-html.csv")
	if err != nil || len(items) != 3 {
		t.Fatal(items, err)
	}
	p := items[0].Product
	if p.Description != "Fits < 1 kg\n\nA B" || p.Vendor != "Nørd & Sön" || p.Category != "Home & Garden > Kitchen > Cups, Mugs" {
		t.Errorf("%q, %q, %q", p.Description, p.Vendor, p.Category)
	}
	for i, want := range []string{"https://cdn.example.test/files/a,b%20c.jpg?v=1", "https://cdn.example.test/%C3%BC.jpg", "https://cdn.example.test/x.jpg"} {
		if got := items[i].Product.Image; got != want {
			t.Errorf("image %q, want %q", got, want)
		}
	}
	if got := items[1].Product.Description; got != `plain text with a < b and "quotes"` {
		t.Errorf("description %q", got)
	}
}

func TestCaseBackslash(t *testing.T) {
	items, _, err := readCase(t, "41-backslash-n.csv")
	if err != nil || len(items) != 1 || items[0].Product.Description != "Put the files in C:\\new on the stick\nthen start." {
		t.Errorf("%+v, %v", items, err)
	}
}

func TestCaseDamagedBarcode(t *testing.T) {
	items, report, err := readCase(t, "12-shopify-forms.csv")
	barcodes := ""
	for _, it := range items {
		barcodes += string(it.Product.SKU) + "=" + it.Product.Barcode + " "
	}
	if err != nil || report.DamagedBarcodes != 1 || !strings.Contains(barcodes, "TEE-S=0123456789012 TEE-M= ") {
		t.Errorf("%s, %+v, %v", barcodes, report.Errors, err)
	}
}

// columnsOf reads a header alone.
func columnsOf(t *testing.T, line string) *header {
	t.Helper()
	h, err := newRowReader(strings.NewReader(line + "\n")).readHeader()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestDetect(t *testing.T) {
	for _, c := range []struct {
		header    string
		format    Format
		stockOnly bool
		lacks     string
	}{
		{"Handle,Title,Variant SKU,Variant Inventory Qty,Variant Price,Status", FormatShopify, false, ""},
		{"Handle,Variant SKU,Variant Inventory Qty,Status", FormatShopifyInventory, false, "Variant Price (what it costs; without it the file is read as a stock list"},
		{"URL handle,Title,Price,SKU,Inventory quantity,Status", FormatShopify, false, ""},
		{"Handle,Body (HTML),Variant Price", FormatShopify, false, "Title"},
		{"Handle,Title,SKU,Location,Available", FormatShopifyInventory, false, ""},
		{"Handle,Title,Option1 Name,Option1 Value,SKU,HS Code,COO,Warehouse,High street", FormatShopifyInventory, false, ""},
		{"type,sku,name,regular_price,attribute_1_name", FormatWooCommerce, false, "Published"},
		{"ID,SKU,Name,Published,Stock,Regular price,Type", FormatWooCommerce, false, ""},
		{"SKU,Name,Regular price", FormatWooCommerce, false, "Type (which rows are variations"},
		{"SKU,Stock,In stock?", FormatWooCommerce, true, "Regular price (what it costs; without it the file is read as a stock list"},
		{"ID,Name,Type,Published,Sale price,Categories", FormatWooCommerce, false, "SKU (which product"},
		{"ID,Type,SKU,Name,Published,Stock", FormatWooCommerce, true, "Regular price (what it costs; without it the file is read as a stock list"},
		{"ID,Typ,Artikelnummer,Name,Veröffentlicht,Lager", FormatWooCommerce, true, "Regular price (what it costs; without it the file is read as a stock list"},
		{"id,type,sku,name,published,price,stock", FormatGeneric, false, ""},
		{"sku,name,price,qty", FormatGeneric, false, ""},
		{"sku,qty", FormatGeneric, true, ""},
		{"Artikelnummer;Bezeichnung;Preis;Bestand", "", false, ""}, // one column for a reader of commas
		{"foo,bar", "", false, ""},
	} {
		t.Run(c.header, func(t *testing.T) {
			h := columnsOf(t, c.header)
			if h.found.format != c.format || h.found.stockOnly != c.stockOnly || !strings.Contains(h.lacks(), c.lacks) || c.lacks == "" && h.lacks() != "" {
				t.Errorf("%+v", h.found)
			}
		})
	}
}
