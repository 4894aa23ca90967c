package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
	r := view.ImportReport{Added: 9, UntrackedKept: 2, Report: inventory.Report{
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
  3 products not counted by the file, so unavailable: --untracked-stock unlimited or a number says otherwise
  1 product at a sale price
`
	if got := page(r, inventory.Untracked{}); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	empty := view.ImportReport{Report: inventory.Report{Format: inventory.FormatShopify}}
	if got := page(empty, inventory.Untracked{}); got != "The file has a header and nothing below it (shopify); nothing is changed.\n" {
		t.Error(got)
	}
	empty.Rows, empty.Skipped = 2, map[inventory.SkipReason]int64{inventory.SkipArchived: 2}
	if got := page(empty, inventory.Untracked{}); got != "Imported no product of 2 rows (shopify).\nLeft out on purpose:\n  2  archived\n" {
		t.Error(got)
	}
	if got := page(r, inventory.UntrackedUnlimited); !strings.Contains(got, "5 products not counted by the file, taken as unlimited") {
		t.Error(got)
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
