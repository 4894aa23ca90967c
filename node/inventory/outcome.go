package inventory

import (
	"fmt"
	"strings"
)

// Outcome is what a file comes to: what is for sale by it, and what of that nobody can buy yet.
type Outcome struct {
	Listed   int64 `json:"listed"`   // products that the file has for sale, and that are
	Unsold   int64 `json:"unsold"`   // of them: cannot be sold yet, as nothing tells how many there are
	Withheld int64 `json:"withheld"` // rows of products that the file has, and not for sale, or that cannot be read
	// Summary says so in words and names what to do next.
	Summary string `json:"summary"`
}

// Known is what the catalog adds to a report: what became of the file's items there.
type Known struct {
	DryRun bool // it is what would become of them
	// Of the report's Untracked and StockUntold: those that keep stock that they have from before.
	UntrackedKept, UntoldKept int64
	Removed                   int64 // the file has them for sale, and their owner has removed them
	Unknown                   int64 // of the report's StockOnly: the shop does not have them
}

// Told is how many products' stock a file that tells nothing else has told.
func (r *Report) Told(unknown int64) int64 { return max(0, min(r.StockOnly, r.Items)-unknown) }

// Outcome sums the report up, given what the owner says of products that the file does not
// count, and what the catalog knows.
func (r *Report) Outcome(word Untracked, known Known) Outcome {
	o := Outcome{Listed: max(0, r.Items-r.StockOnly), Withheld: r.ErrorCount}
	removed := min(known.Removed, o.Listed)
	o.Listed -= removed
	for why, n := range r.Skipped {
		if why.offSale() {
			o.Withheld += n
		}
	}
	var uncounted int64
	if !word.Said() {
		uncounted = within(r.Untracked-known.UntrackedKept, o.Listed)
	}
	untold := within(r.StockUntold-known.UntoldKept, o.Listed-uncounted)
	o.Unsold = uncounted + untold
	said := []string{r.listedText(&o, known)}
	if removed > 0 {
		said[0] += fmt.Sprintf(", %d kept off sale, as you have removed %s", removed, them(removed))
	}
	if o.Withheld > 0 {
		said[0] += fmt.Sprintf(", %d not for sale or not readable", o.Withheld)
	}
	if known.Unknown > 0 {
		said = append(said, fmt.Sprintf("%d not known here: import the products first", known.Unknown))
	}
	cannot := "cannot be sold yet"
	if known.DryRun {
		cannot = "could not be sold yet"
	}
	if uncounted > 0 {
		said = append(said, fmt.Sprintf("%d of %d %s: the file does not count %s. Say --untracked-stock unlimited, or a number of units of each", uncounted, o.Listed, cannot, them(uncounted)))
	}
	if untold > 0 {
		next := fmt.Sprintf("Count %s with souk catalog set-stock", them(untold))
		if r.Format == FormatShopify {
			next = "Import Shopify's inventory export as well (Products > Inventory > Export)"
		}
		said = append(said, fmt.Sprintf("%d of %d %s: your shop counts %s, but not in this file. %s", untold, o.Listed, cannot, them(untold), next))
	}
	o.Summary = strings.Join(said, ". ") + "."
	return o
}

// listedText says what is for sale or, of a file of stock alone, of how many products it told that.
func (r *Report) listedText(o *Outcome, known Known) string {
	text := fmt.Sprintf("%d listed", o.Listed)
	if known.DryRun {
		text = fmt.Sprintf("%d would be listed", o.Listed)
	}
	if r.StockOnly == 0 || r.Items > r.StockOnly {
		return text
	}
	told := r.Told(known.Unknown)
	switch {
	case told == 0 && known.DryRun:
		return "Would tell the stock of no product"
	case told == 0:
		return "Told the stock of no product"
	case known.DryRun:
		return fmt.Sprintf("Would tell the stock of %d", told)
	}
	return fmt.Sprintf("Told the stock of %d", told)
}

// within is n, or the bound of 0 to most that it is beyond: what the catalog adds to a report may
// count items that the report does not, such as those that their owner has removed.
func within(n, most int64) int64 { return max(0, min(n, most)) }

func them(n int64) string {
	if n == 1 {
		return "it"
	}
	return "them"
}
