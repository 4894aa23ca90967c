package main

import (
	"maps"
	"slices"

	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/inventory"
)

// errorsShown is how many bad rows are listed: a screenful. --json has more.
const errorsShown = 20

// skipText says why rows were left out, in words.
var skipText = map[inventory.SkipReason]string{
	inventory.SkipImageRow:    "further images",
	inventory.SkipEmptyRow:    "empty rows",
	inventory.SkipGiftCard:    "gift cards",
	inventory.SkipDraft:       "drafts",
	inventory.SkipArchived:    "archived",
	inventory.SkipUnpublished: "not published",
	inventory.SkipVariable:    "parents of variations (the variations are the products)",
	inventory.SkipGrouped:     "grouped products",
	inventory.SkipExternal:    "external products, sold by somebody else",
	inventory.SkipUnsupported: "of a type that a plug-in adds",
}

// importPage says what became of a file; broken, that it was not read to its end.
// untracked is what the owner said of products that it does not count.
func importPage(p *page, r *view.ImportReport, untracked inventory.Untracked, broken bool) {
	done := "Imported"
	switch {
	case broken:
		done = "The import broke off. It had read"
	case r.DryRun:
		done = "Dry run, nothing is changed. It would import"
	}
	p.line("%s %s of %s (%s):", done, plural(r.Items, "product"), plural(r.Rows, "row"), string(r.Format))
	p.table(nil, func(row func(...any)) {
		row("  added", r.Added)
		row("  changed", r.Changed)
		row("  stock only", r.StockOnly)
		row("  unchanged", r.Unchanged)
	})
	skipped(p, r)
	notes(p, r, untracked)
	badRows(p, r)
}

func skipped(p *page, r *view.ImportReport) {
	if len(r.Skipped) == 0 {
		return
	}
	p.line("Left out on purpose:")
	p.table(nil, func(row func(...any)) {
		for _, reason := range slices.Sorted(maps.Keys(r.Skipped)) {
			text, ok := skipText[reason]
			if !ok {
				text = string(reason)
			}
			row("  "+plainNumber(r.Skipped[reason]), text)
		}
	})
}

// notes are what the owner may want to do something about.
func notes(p *page, r *view.ImportReport, untracked inventory.Untracked) {
	taken := "not counted by the file, taken as " + untracked.String()
	if untracked == (inventory.Untracked{}) {
		taken = "not counted by the file, so unavailable: --untracked-stock unlimited or a number says otherwise"
	}
	for _, n := range []struct {
		count int64
		text  string
	}{
		{r.Untracked, taken},
		{r.StockUntold, "counted, but not in this file: unavailable until souk catalog set-stock"},
		{r.NegativeStock, "below zero in the file, taken as none"},
		{r.Oversellable, "may be sold beyond stock in your shop; Souk does not promise what is not there"},
		{r.OnSale, "at a sale price"},
		{r.FilledSKUs, "had no SKU and got one"},
		{r.DroppedImages, "with an image that is no http or https address, left out"},
		{r.ShortenedTexts, "with a text over its limit, cut"},
	} {
		if n.count > 0 {
			p.line("  %s %s", plural(n.count, "product"), n.text)
		}
	}
	if r.NextPriceChange != nil {
		p.line("A sale price starts or ends on %s: import again then.", timeText(*r.NextPriceChange))
	}
	for _, f := range r.UnknownFields {
		p.line("  the field %q is unknown and was not read", f)
	}
}

func badRows(p *page, r *view.ImportReport) {
	if r.ErrorCount == 0 {
		return
	}
	p.line("%s could not be imported:", plural(r.ErrorCount, "row"))
	for i, e := range r.Errors {
		if i == errorsShown {
			break
		}
		p.line("  %v", &e)
	}
	if rest := r.ErrorCount - int64(min(len(r.Errors), errorsShown)); rest > 0 {
		p.line("  … and %d more; --json lists up to %d", rest, inventory.MaxErrorsKept)
	}
}
