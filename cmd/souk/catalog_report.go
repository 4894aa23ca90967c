package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/inventory"
)

// errorsShown is how many bad rows are listed: a screenful. --json has more.
const errorsShown = 20

// skipText says why one row, or several, were left out, in words.
var skipText = map[inventory.SkipReason]struct{ one, many string }{
	inventory.SkipImageRow:    {"further image", "further images"},
	inventory.SkipHeadRow:     {"row of what variants share", "rows of what variants share"},
	inventory.SkipPlace:       {"count of a further place", "counts of further places"},
	inventory.SkipRepeated:    {"row that says what another says", "rows that say what another says"},
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
	done, of, items := "Imported", "", r.Items-r.Unknown
	if stockList(r) {
		done, of = "Told", "the stock of "
	}
	if r.Older {
		p.line("The file is older than the last one of source %s, by what --as-of says of both: nothing %s changed.", r.Stock.Source, map[bool]string{true: "would be", false: "was"}[r.DryRun])
		return
	}
	if r.DryRun {
		done = "Dry run, nothing is changed. It would " + map[bool]string{true: "tell", false: "import"}[stockList(r)]
	}
	switch {
	case r.Rows == 0 && changed(r) > 0:
		p.line("The file has a header and nothing below it (%s).", string(r.Format))
	case r.Rows == 0:
		p.line("The file has a header and nothing below it (%s); nothing is changed.", string(r.Format))
	case items == 0:
		p.line("%s %sno product of %s (%s).", done, of, plural(r.Rows, "row"), string(r.Format))
		if changed(r) > 0 {
			changes(p, r)
		}
	default:
		p.line("%s %s%s of %s (%s):", done, of, plural(items, "product"), plural(r.Rows, "row"), string(r.Format))
		changes(p, r)
	}
	skipped(p, r)
	offSale(p, r)
	unknown(p, r)
	stockNotes(p, r)
	notes(p, r, untracked)
	warnings(p, r)
	badRows(p, r)
	if r.Rows > 0 {
		p.line("%s", r.Report.Outcome(untracked, r.Known()).Summary)
	}
}

// stockList reports a file that tells nothing but stock.
func stockList(r *view.ImportReport) bool {
	return r.Items > 0 && r.Report.StockOnly >= r.Items
}

// changed is how many products the import changed, or would change.
func changed(r *view.ImportReport) int64 {
	return r.Added + r.Changed + r.StockOnly + r.Withdrawn + r.Returned
}

// cameToNothing is the error of an import that was read to its end and of which nothing came; nil
// where something did. A file that only says again what is known has come to something.
func cameToNothing(r *view.ImportReport) error {
	told := r.Unchanged + r.KeptRemoved + changed(r)
	switch {
	case stockList(r) && r.Report.Told(r.Unknown) == 0:
		return exchange.Errorf(exchange.CodeNotFound, "the file tells the stock of products that this shop does not have, and of no other; import the products first")
	case told > 0 || r.Items > 0 || r.ErrorCount == 0:
		return nil
	case r.Conflicts == r.ErrorCount:
		return exchange.Errorf(exchange.CodeConflict, "no product was imported: other products have the SKUs of the file's rows; see what is listed")
	}
	return exchange.Errorf(exchange.CodeInvalid, "no product was imported: none of the file's rows can be sold as it stands; mend what is listed and import again")
}

// brokenPage says what became of a file until its import broke off; why is told by
// the error that follows it, which under strict is the one bad row. Of a file that was
// refused at sight there is nothing to say.
func brokenPage(p *page, r *view.ImportReport, strict bool) {
	switch {
	case r.Rows == 0:
	case r.DryRun:
		p.line("The dry run broke off after %s; nothing is changed.", plural(r.Rows, "row"))
	case changed(r) == 0:
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
		if r.Withdrawn > 0 {
			row("  withdrawn", r.Withdrawn)
		}
		if r.Returned > 0 {
			row("  returned", r.Returned)
		}
	})
}

// namesShown is how many products a line names.
const namesShown = 10

// offSale says which products went off sale, or did not come, and why.
func offSale(p *page, r *view.ImportReport) {
	withdrawn, returned := "Withdrawn", "is for sale again"
	if r.DryRun {
		withdrawn, returned = "Would be withdrawn", "would be for sale again"
	} else if r.Returned > 1 {
		returned = "are for sale again"
	}
	if r.Withdrawn > 0 {
		names := ""
		for i, sku := range r.WithdrawnSKUs {
			if i == namesShown {
				break
			}
			names += ", " + string(sku)
		}
		if rest := r.Withdrawn - int64(min(len(r.WithdrawnSKUs), namesShown)); rest > 0 {
			names += fmt.Sprintf(" and %d more", rest)
		}
		p.line("%s: %s (%s). Partners cannot hold %s any more; open reservations and orders keep their quotes.",
			withdrawn, plural(r.Withdrawn, "product"), strings.TrimPrefix(names, ", "), itThem(r.Withdrawn))
	}
	of := func(n int64, text string) {
		if n > 0 {
			p.line("  "+text, n)
		}
	}
	of(r.BadOnSale, "%d of them: the row cannot be sold as it stands, see the bad rows; mend it and import again")
	of(r.Absent, "%d of them: the file does not name them")
	if r.Returned > 0 {
		p.line("Returned: %s, withdrawn before, %s.", plural(r.Returned, "product"), returned)
	}
	if r.Renamed > 0 {
		p.line("Renamed: %s took the place of one that went, and %s its stock.", plural(r.Renamed, "variant"), sells(r.Renamed))
	}
	if r.KeptRemoved > 0 {
		p.line("Kept off sale: the file has %s that you have removed; souk catalog publish brings %s back.", plural(r.KeptRemoved, "product"), itThem(r.KeptRemoved))
	}
	if r.Conflicts > 0 {
		p.line("Conflicts: %s, because another product has the SKU; see the bad rows.", plural(r.Conflicts, "row"))
	}
}

// unknown names the products that a stock list counts and the shop does not have.
func unknown(p *page, r *view.ImportReport) {
	if r.Unknown == 0 {
		return
	}
	was := "was"
	if r.DryRun {
		was = "would be"
	}
	names := strings.Join(r.UnknownSKUs[:min(len(r.UnknownSKUs), namesShown)], ", ")
	if rest := r.Unknown - int64(min(len(r.UnknownSKUs), namesShown)); rest > 0 {
		names += fmt.Sprintf(" and %d more", rest)
	}
	p.line("Not known here, so nothing %s told of %s: %s; import the products first.", was, itThem(r.Unknown), names)
}

func sells(n int64) string {
	if n == 1 {
		return "sells from"
	}
	return "sell from"
}

func itThem(n int64) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

// stockNotes says how the file's stock figures were read.
func stockNotes(p *page, r *view.ImportReport) {
	s := &r.Stock
	counted := r.Items - r.Untracked - r.StockUntold
	if s.Figure == "" && counted > 0 {
		why := "it makes no difference this time"
		if s.Lowered > 0 {
			why = fmt.Sprintf("the least was taken, for %s less than another meaning would leave", plural(s.Lowered, "product"))
		}
		show := ""
		if s.Lowered > 0 && !r.DryRun {
			show = "; --dry-run shows all three"
		}
		p.line("What the stock figures of %s mean is not chosen: %s. Say --stock-figure on-hand, free or free-unaware (souk catalog import --help)%s.", s.Source, why, show)
	}
	if r.Shortfalls > 0 {
		p.line("Shortfall: of %s more is promised than there is, by these figures; see souk catalog list, and count them with souk catalog set-stock.", plural(r.Shortfalls, "product"))
	}
	if s.Older > 0 {
		p.line("Older: %s a figure that is older than what is known, and changed nothing.", hasHave(s.Older))
	}
	if s.Doubted > 0 {
		p.line("In doubt: %s a figure that may be older than what is known, and could only lower. Say with --as-of when your system was read.", hasHave(s.Doubted))
	}
	if s.Ordered > 0 && (s.Figure == inventory.FigureFree || s.Figure == "") { // the others ask nothing of that system's books
		p.line("Since your system was read, %s may have been ordered through Souk (booked there within %s).", plural(s.Ordered, "unit"), s.BookedWithin)
	}
	if r.DryRun && len(s.Readings) > 0 {
		p.line("What each meaning would make available:")
		p.table([]string{"  SKU", "FILE SAYS", "ON-HAND", "FREE", "FREE-UNAWARE", "TAKEN"}, func(row func(...any)) {
			for _, v := range s.Readings {
				row("  "+string(v.SKU), v.Units, v.OnHand, v.Free, v.FreeUnaware, v.Taken)
			}
		})
		if rest := s.Differ - int64(len(s.Readings)); rest > 0 {
			p.line("  … and %d more", rest)
		}
	}
}

func hasHave(n int64) string {
	if n == 1 {
		return "1 product has"
	}
	return plural(n, "product") + " have"
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
	}
	if !older(r, untracked) {
		note(r.UntoldKept, "counted, but not in this file: the stock stays what it was")
	}
	note(r.SoldOut, "for sale, of which none is available")
	if r.Pooled == 1 {
		note(r.Pooled, "that shares its parent's count")
	} else {
		note(r.Pooled, "that share their parent's count")
	}
	note(r.NegativeStock, "below zero in the file: sold without being there")
	note(r.Oversellable, "that your shop sells beyond its stock; Souk does not promise what is not there")
	note(r.OnSale, "at a reduced price, now or for a time")
	note(r.Free, "at a price of 0: given away")
	note(r.NoShipping, "of which nothing is sent: no shipping is paid")
	note(r.AnyOption, "of which the customer chooses an option, such as any size: write the choice in the order's note")
	note(r.FilledSKUs, "had no SKU and got one")
	note(r.DroppedImages, "with an image that is no http or https address; the image was dropped")
	note(r.ShortenedTexts, "with a text over its limit; the text was cut")
	note(r.Hidden, "that your shop hides in its catalog; partners see it")
	note(r.DatedCodes, "whose SKU or option looks like a date that a spreadsheet made of it (02-Mar); it is kept as it is")
	if r.Encoding != "" {
		said = append(said, "the file is "+r.Encoding+" and was read as that")
	}
	if r.Preset != "" {
		said = append(said, "the columns are those of "+r.Preset)
	}
	for _, m := range r.Missing {
		said = append(said, "the file lacks the column "+m)
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

// older reports a file that is as a whole older than the last of its source. Its figures changed
// nothing, which is another thing than that it has none.
func older(r *view.ImportReport, untracked inventory.Untracked) bool {
	counted := r.Items
	if untracked.Said() {
		counted -= r.Untracked
	}
	return r.Stock.Older > 0 && r.Stock.Older >= counted
}

// warnings are what was read otherwise than it stands.
func warnings(p *page, r *view.ImportReport) {
	if r.WarningCount == 0 {
		return
	}
	p.line("Read otherwise than it stands:")
	listRows(p, r.Warnings, r.WarningCount)
}

func badRows(p *page, r *view.ImportReport) {
	if r.ErrorCount == 0 {
		return
	}
	p.line("%s could not be imported:", plural(r.ErrorCount, "row"))
	listRows(p, r.Errors, r.ErrorCount)
}

// listRows shows the first of the rows that a report lists, and how many of all are not shown.
func listRows(p *page, list []inventory.RowError, all int64) {
	shown := list[:min(len(list), errorsShown)]
	for i := range shown {
		p.line("  %v", &shown[i])
	}
	if rest := all - int64(len(shown)); rest > 0 {
		p.line("  … and %d more; --json lists up to %d", rest, inventory.MaxErrorsKept)
	}
}
