package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/inventory"
)

// errorsShown is how many bad rows are listed: a screenful. --json has more.
const errorsShown = 20

// skipText says why one row, or several, were left out, in words.
var skipText = map[inventory.SkipReason]struct{ one, many string }{
	inventory.SkipImageRow:    {"further image", "further images"},
	inventory.SkipEmptyRow:    {"empty row", "empty rows"},
	inventory.SkipGiftCard:    {"gift card", "gift cards"},
	inventory.SkipDraft:       {"draft", "drafts"},
	inventory.SkipArchived:    {"archived", "archived"},
	inventory.SkipUnpublished: {"not published", "not published"},
	inventory.SkipVariable:    {"parent of variations (the variations are the products)", "parents of variations (the variations are the products)"},
	inventory.SkipGrouped:     {"grouped product", "grouped products"},
	inventory.SkipExternal:    {"external product, sold by somebody else", "external products, sold by somebody else"},
	inventory.SkipUnsupported: {"of a type that a plug-in adds", "of a type that a plug-in adds"},
}

// importPage says what became of a file that was read to its end.
func importPage(p *page, r *view.ImportReport, untracked inventory.Untracked) {
	done := "Imported"
	if r.DryRun {
		done = "Dry run, nothing is changed. It would import"
	}
	switch {
	case r.Rows == 0:
		p.line("The file has a header and nothing below it (%s); nothing is changed.", string(r.Format))
	case r.Items == 0:
		p.line("%s no product of %s (%s).", done, plural(r.Rows, "row"), string(r.Format))
	default:
		p.line("%s %s of %s (%s):", done, plural(r.Items, "product"), plural(r.Rows, "row"), string(r.Format))
		changes(p, r)
	}
	skipped(p, r)
	notes(p, r, untracked)
	badRows(p, r)
}

// brokenPage says what became of a file until its import broke off; why is told by
// the error that follows it, which under strict is the one bad row. Of a file that was
// refused at sight there is nothing to say.
func brokenPage(p *page, r *view.ImportReport, strict bool) {
	switch {
	case r.Rows == 0:
	case r.DryRun:
		p.line("The dry run broke off after %s; nothing is changed.", plural(r.Rows, "row"))
	case r.Added+r.Changed+r.StockOnly == 0:
		p.line("The import broke off after %s; nothing was changed.", plural(r.Rows, "row"))
	default:
		p.line("The import broke off after %s. What was imported until then stays:", plural(r.Rows, "row"))
		changes(p, r)
	}
	if !strict {
		badRows(p, r)
	}
}

func changes(p *page, r *view.ImportReport) {
	p.table(nil, func(row func(...any)) {
		row("  added", r.Added)
		row("  changed", r.Changed)
		row("  stock only", r.StockOnly)
		row("  unchanged", r.Unchanged)
	})
}

func skipped(p *page, r *view.ImportReport) {
	if len(r.Skipped) == 0 {
		return
	}
	p.line("Left out on purpose:")
	p.table(nil, func(row func(...any)) {
		for _, reason := range slices.Sorted(maps.Keys(r.Skipped)) {
			n, text := r.Skipped[reason], skipText[reason]
			switch {
			case text.one == "":
				row("  "+plainNumber(n), string(reason))
			case n == 1:
				row("  1", text.one)
			default:
				row("  "+plainNumber(n), text.many)
			}
		}
	})
}

// notes are what the owner may want to know of the products that were imported, or
// do something about.
func notes(p *page, r *view.ImportReport, untracked inventory.Untracked) {
	var said []string
	note := func(count int64, text string) {
		if count > 0 {
			said = append(said, plural(count, "product")+" "+text)
		}
	}
	if untracked.Said() {
		note(r.Untracked, "not counted by the file, taken as "+untracked.String())
	} else {
		note(r.UntrackedKept, "not counted by the file: the stock stays what it was")
		note(r.Untracked-r.UntrackedKept, "not counted by the file, so unavailable: --untracked-stock unlimited or a number says otherwise")
	}
	note(r.UntoldKept, "counted, but not in this file: the stock stays what it was")
	note(r.StockUntold-r.UntoldKept, "counted, but not in this file: unavailable until souk catalog set-stock")
	note(r.NegativeStock, "below zero in the file, taken as none")
	note(r.Oversellable, "that your shop sells beyond its stock; Souk does not promise what is not there")
	note(r.OnSale, "at a sale price")
	note(r.Free, "at a price of 0: given away")
	note(r.FilledSKUs, "had no SKU and got one")
	note(r.DroppedImages, "with an image that is no http or https address; the image was dropped")
	note(r.ShortenedTexts, "with a text over its limit; the text was cut")
	if r.NextPriceChange != nil {
		said = append(said, "a sale price starts or ends on "+timeText(*r.NextPriceChange)+": import again then")
	}
	for _, f := range r.UnknownFields {
		said = append(said, fmt.Sprintf("the field %q is unknown and was not read", f))
	}
	if len(said) > 0 {
		p.line("To note:")
	}
	for _, s := range said {
		p.line("  %s", s)
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
