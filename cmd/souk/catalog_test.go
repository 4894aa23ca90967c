package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/inventory"
)

// testStockArgs: an unknown product among the known, and nothing is set.
func (tn *town) testStockArgs() {
	tn.t.Helper()
	before := tn.ok("AC-BALM-75", "catalog", "set-stock", "--dir", "acorn", "AC-BALM-75=41")
	if out := tn.souk(exitFailure, "catalog", "set-stock", "--dir", "acorn", "AC-BALM-75=2", "nosuch=3", "gone=1"); !strings.Contains(out, "nosuch, gone; nothing was changed") {
		tn.t.Errorf("it does not name what is unknown:\n%s", out)
	}
	after := tn.ok("unlimited", "catalog", "set-stock", "--dir", "acorn", "OK-1=unlimited", "AC-BALM-75=41")
	if !strings.Contains(before, "41") || !strings.Contains(after, "41") {
		tn.t.Errorf("before %s after %s", before, after)
	}
	var list view.Products
	tn.read(&list, "catalog", "list", "--dir", "acorn", "balm")
	for _, p := range list.Products {
		if p.SKU == "AC-BALM-75" && p.Available.Units == 2 {
			tn.t.Error("a refused set-stock set one product")
		}
	}
}

// testStockTold: what an owner tells of other channels, and reads of it.
func (tn *town) testStockTold() {
	tn.t.Helper()
	file := tn.write("wax.jsonl", `{"sku":"WAX","title":"Wax","price":"4.00","stock":10}`+"\n"+`{"sku":"BRUSH","title":"Brush","price":"9.00","stock":10}`+"\n")
	tn.ok("2", "catalog", "import", "--dir", "acorn", file, "--source", "wax", "--stock-figure", "on-hand", "--as-of", "now")
	show := func() (of struct{ wax, brush view.Shelf }) {
		var list []view.Shelf
		tn.read(&list, "stock", "show", "--dir", "acorn", "WAX", "BRUSH")
		of.wax, of.brush = list[0], list[1]
		return of
	}
	seen := show().wax.Revision
	tn.ok("applied", "stock", "sold", "--dir", "acorn", "WAX=2", "BRUSH", "--channel", "till", "--reference", "4711", "--id", "t1")
	tn.ok("repeated", "stock", "sold", "--dir", "acorn", "WAX=2", "BRUSH", "--channel", "till", "--reference", "4711", "--id", "t1")
	tn.ok("contained", "stock", "damaged", "--dir", "acorn", "WAX", "--at", "-1h")
	tn.ok("applied", "stock", "received", "--dir", "acorn", "BRUSH=5")
	tn.ok("applied", "stock", "returned", "--dir", "acorn", "BRUSH")
	if is := show(); is.wax.Shelf != 8 || is.brush.Shelf != 15 {
		tn.t.Errorf("%+v", is)
	}
	for _, stale := range [][]string{{"catalog", "set-stock"}, {"stock", "count"}} {
		args := append(stale, "--dir", "acorn", "WAX=9", "--revision", fmt.Sprint(seen))
		if out := tn.souk(exitRefused, args...); !strings.Contains(out, "8 are there") || !strings.Contains(out, "souk stock sold") {
			tn.t.Errorf("a stale count:\n%s", out)
		}
	}
	tn.souk(exitRefused, "catalog", "set-stock", "--dir", "acorn", "WAX=9", "--at", "-8h")
	tn.souk(exitUsage, "catalog", "set-stock", "--dir", "acorn", "WAX=9", "--at", "yesterday")
	tn.souk(exitUsage, "stock", "count", "--dir", "acorn", "WAX=9", "BRUSH=1", "--revision", "1")
	tn.souk(exitUsage, "stock", "count", "--dir", "acorn", "WAX")
	tn.souk(exitUsage, "stock", "sold", "--dir", "acorn", "WAX=0")
	tn.ok("9", "catalog", "set-stock", "--dir", "acorn", "WAX=9", "--revision", fmt.Sprint(show().wax.Revision))
	tn.ok("7", "stock", "count", "--dir", "acorn", "WAX=7")
	if out := tn.ok("left that the shelf did not have", "stock", "sold", "--dir", "acorn", "WAX=9"); !strings.Contains(out, "2 units") {
		tn.t.Error(out)
	}
	if out := tn.ok("till 4711", "stock", "journal", "--dir", "acorn", "WAX"); !strings.Contains(out, "contained") || !strings.Contains(out, "set") {
		tn.t.Error(out)
	}
	if out := tn.souk(exitFailure, "stock", "sold", "--dir", "acorn", "BRUSH", "nosuch"); !strings.Contains(out, "nothing was changed") || show().brush.Shelf != 15 {
		tn.t.Error(out)
	}
}

// testImportReports: what an owner reads of files in which nothing can be sold.
func (tn *town) testImportReports() {
	tn.t.Helper()
	file := filepath.Join(tn.dir, "odd.jsonl")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			tn.t.Fatal(err)
		}
	}
	for text, says := range map[string]string{
		`{"sku":"Z","title":"Zero","price":0}`: "no product was imported",
		"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR":  "no text",
		"":                                     "is empty",
	} {
		write(text)
		out := tn.souk(exitFailure, "catalog", "import", "--dir", "acorn", file)
		if !strings.Contains(out, says) || text == "" && strings.Contains(out, "added") {
			tn.t.Errorf("%.20q does not say %q, or too much:\n%s", text, says, out)
		}
	}
	write("")
	for _, args := range [][]string{{"rates", file}, {"import", "--rates", file, file}} {
		out := tn.souk(exitFailure, append([]string{"catalog", "--dir", "acorn"}, args...)...)
		if !strings.Contains(out, "it is empty; it should hold the ECB's reference rates") {
			tn.t.Errorf("catalog %v with an empty file:\n%s", args, out)
		}
	}
	write(`{"sku":"Z","title":"Zero","price":0}`)
	tn.ok("given away", "catalog", "import", "--dir", "acorn", "--free", "--dry-run", file)
}

// TestImportPage: what was left out stands apart from what was not.
func TestImportPage(t *testing.T) {
	page := func(r view.ImportReport, word inventory.Untracked) string {
		var b bytes.Buffer
		importPage(&page{w: &b}, &r, word)
		return b.String()
	}
	r := view.ImportReport{Added: 9, UntrackedKept: 2, Stock: view.StockReport{Figure: inventory.FigureFree}, Report: inventory.Report{
		Format: inventory.FormatShopify, Rows: 12, Items: 9, Untracked: 5, OnSale: 1,
		Skipped: map[inventory.SkipReason]int64{inventory.SkipDraft: 1, inventory.SkipGiftCard: 2},
	}}
	want := `Imported 9 products of 12 rows (shopify):
  added       9
  changed     0
  stock only  0
  unchanged   0
Left out on purpose:
  1  draft
  2  gift cards
To note:
  2 products not counted by the file: the stock stays what it was
  1 product at a reduced price, now or for a time
9 listed, 3 not for sale or not readable. 3 of 9 cannot be sold yet: the file does not count them. Say --untracked-stock unlimited, or a number of units of each.
`
	if got := page(r, inventory.Untracked{}); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	empty := view.ImportReport{Report: inventory.Report{Format: inventory.FormatShopify}}
	if got := page(empty, inventory.Untracked{}); got != "The file has a header and nothing below it (shopify); nothing is changed.\n" {
		t.Error(got)
	}
	empty.Rows, empty.Skipped = 2, map[inventory.SkipReason]int64{inventory.SkipArchived: 2}
	if got := page(empty, inventory.Untracked{}); got != "Imported no product of 2 rows (shopify).\nLeft out on purpose:\n  2  archived\n0 listed, 2 not for sale or not readable.\n" {
		t.Error(got)
	}
	empty = view.ImportReport{Withdrawn: 1, Absent: 1, WithdrawnSKUs: []exchange.SKU{"CUP"}, Report: inventory.Report{Format: inventory.FormatShopify}}
	if got := page(empty, inventory.Untracked{}); strings.Contains(got, "nothing is changed") || !strings.Contains(got, "Withdrawn: 1 product (CUP)") {
		t.Error(got)
	}
	if got := page(r, inventory.UntrackedUnlimited); !strings.Contains(got, "5 products not counted by the file, taken as unlimited") {
		t.Error(got)
	}
}

// TestStockListPage: a stock list says what it told, and of which products it could not.
func TestStockListPage(t *testing.T) {
	r := view.ImportReport{StockOnly: 2, Unknown: 3, UnknownSKUs: []string{"GONE", "NEW"}, Stock: view.StockReport{Figure: inventory.FigureFree},
		Report: inventory.Report{Format: inventory.FormatShopifyInventory, Rows: 5, Items: 5, StockOnly: 5}}
	for dry, want := range map[bool][]string{
		false: {"Told the stock of 2 products of 5 rows (", "Not known here, so nothing was told of them: GONE, NEW and 1 more; import the products first.\n", "\nTold the stock of 2. 3 not known here"},
		true:  {"Dry run, nothing is changed. It would tell the stock of 2 products of 5 rows (", "so nothing would be told of them: GONE", "\nWould tell the stock of 2. 3 not known here"},
	} {
		var b bytes.Buffer
		r.DryRun = dry
		importPage(&page{w: &b}, &r, inventory.Untracked{})
		for _, w := range want {
			if !strings.Contains(b.String(), w) {
				t.Errorf("it does not say %q:\n%s", w, &b)
			}
		}
	}
}

// TestOlderFile: of a file that is older than its source's last, nobody reads that it lacks products.
func TestOlderFile(t *testing.T) {
	const lacks = "counted, but not in this file"
	for older, says := range map[int64]bool{0: true, 1: true, 3: false} {
		r := view.ImportReport{UntoldKept: 1, Stock: view.StockReport{Older: older}, Report: inventory.Report{Rows: 3, Items: 3, StockUntold: 1}}
		var b bytes.Buffer
		notes(&page{w: &b}, &r, inventory.Untracked{})
		if strings.Contains(b.String(), lacks) != says {
			t.Errorf("%d of 3 figures are older:\n%s", older, &b)
		}
	}
}

// TestCameToNothing: an import fails where nothing at all came of its file.
func TestCameToNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		r    view.ImportReport
		want exchange.Code
	}{
		{"a header alone", view.ImportReport{}, exchange.CodeOK},
		{"bad rows alone", view.ImportReport{Report: inventory.Report{Rows: 2, ErrorCount: 2}}, exchange.CodeInvalid},
		{"a bad row of a product for sale", view.ImportReport{Withdrawn: 1, Report: inventory.Report{Rows: 1, ErrorCount: 1}}, exchange.CodeOK},
		{"the same again", view.ImportReport{Unchanged: 1, Report: inventory.Report{Rows: 1, ErrorCount: 1}}, exchange.CodeOK},
		{"one of two is bad", view.ImportReport{Added: 1, Report: inventory.Report{Rows: 2, Items: 1, ErrorCount: 1}}, exchange.CodeOK},
		{"conflicts alone", view.ImportReport{Conflicts: 2, Report: inventory.Report{Rows: 2, ErrorCount: 2}}, exchange.CodeConflict},
		{"a conflict and a bad row", view.ImportReport{Conflicts: 1, Report: inventory.Report{Rows: 2, ErrorCount: 2}}, exchange.CodeInvalid},
		{"stock of unknown products", view.ImportReport{Unknown: 2, Report: inventory.Report{Rows: 2, Items: 2, StockOnly: 2}}, exchange.CodeNotFound},
		{"stock of a known one, too", view.ImportReport{Unknown: 1, Unchanged: 1, Report: inventory.Report{Rows: 2, Items: 2, StockOnly: 2}}, exchange.CodeOK},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := exchange.CodeOf(cameToNothing(&c.r)); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// TestBrokenPage: an import that broke off tells what it did, and only that.
func TestBrokenPage(t *testing.T) {
	for _, c := range []struct {
		name string
		r    view.ImportReport
		want string
	}{
		{"at once", view.ImportReport{}, ""},
		{"before a change", view.ImportReport{Report: inventory.Report{Rows: 22, Items: 22}}, "The import broke off after 22 rows; nothing was changed.\n"},
		{"a dry run", view.ImportReport{DryRun: true, Added: 200, Report: inventory.Report{Rows: 222}}, "The dry run broke off after 222 rows; nothing is changed.\n"},
		{"after some changes", view.ImportReport{Added: 200, Report: inventory.Report{Rows: 222}}, "The import broke off after 222 rows. What was imported until then stays:\n  added       200\n  changed     0\n  stock only  0\n  unchanged   0\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			brokenPage(&page{w: &b}, &c.r, true)
			if b.String() != c.want {
				t.Errorf("got %q, want %q", b.String(), c.want)
			}
		})
	}
}

// testReadsBack: what an import or set-stock has answered, the next command shows.
func (tn *town) testReadsBack() {
	tn.t.Helper()
	file := filepath.Join(tn.dir, "fresh.jsonl")
	for i := range 20 {
		sku := fmt.Sprintf("FRESH-%d", i)
		if err := os.WriteFile(file, fmt.Appendf(nil, `{"sku":%q,"title":"Fresh thing %d","price":"1.00","stock":3}`, sku, i), 0o600); err != nil {
			tn.t.Fatal(err)
		}
		tn.ok("1", "catalog", "import", "--dir", "acorn", file)
		tn.ok(sku, "catalog", "list", "--dir", "acorn", sku)
		tn.souk(exitOK, "catalog", "set-stock", "--dir", "acorn", fmt.Sprintf("%s=%d", sku, 1000+i))
		tn.ok(fmt.Sprint(1000+i), "products", "--dir", "acorn", sku, "--in-stock")
	}
}

// TestStockNotes: how the figures of a file were read stands in its report, in words.
func TestStockNotes(t *testing.T) {
	reading := view.StockReading{SKU: "MUG", Units: 7, OnHand: 7, Free: 7, FreeUnaware: 4, Taken: 4}
	for _, c := range []struct {
		name string
		dry  bool
		s    view.StockReport
		want string
	}{
		{"chosen", false, view.StockReport{Source: "till", Figure: inventory.FigureFreeUnaware, Ordered: 3, Readings: []view.StockReading{reading}}, ""},
		{"not chosen, and all the same", false, view.StockReport{Source: "till"}, "What the stock figures of till mean is not chosen: it makes no difference this time. " +
			"Say --stock-figure on-hand, free or free-unaware (souk catalog import --help).\n"},
		{"not chosen", false, view.StockReport{Source: "till", Differ: 1, Lowered: 1}, "What the stock figures of till mean is not chosen: the least was taken, for 1 product less than another meaning would leave. " +
			"Say --stock-figure on-hand, free or free-unaware (souk catalog import --help); --dry-run shows all three.\n"},
		{"a dry run", true, view.StockReport{Source: "till", Figure: inventory.FigureFreeUnaware, Differ: 2, Readings: []view.StockReading{reading}}, `What each meaning would make available:
  SKU  FILE SAYS  ON-HAND  FREE  FREE-UNAWARE  TAKEN
  MUG  7          7        7     4             4
  … and 1 more
`},
		{"dated", false, view.StockReport{Source: "till", Figure: inventory.FigureFree, BookedWithin: "10 minutes", Older: 1, Doubted: 2, Ordered: 3},
			`Older: 1 product has a figure that is older than what is known, and changed nothing.
In doubt: 2 products have a figure that may be older than what is known, and could only lower. Say with --as-of when your system was read.
Since your system was read, 3 units may have been ordered through Souk (booked there within 10 minutes).
`},
		{"on hand", false, view.StockReport{Source: "till", Figure: inventory.FigureOnHand, BookedWithin: "10 minutes", Ordered: 3}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			stockNotes(&page{w: &b}, &view.ImportReport{DryRun: c.dry, Stock: c.s, Report: inventory.Report{Items: 1}})
			if b.String() != c.want {
				t.Errorf("got\n%swant\n%s", b.String(), c.want)
			}
		})
	}
}
