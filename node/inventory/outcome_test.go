package inventory

import "testing"

func TestOutcome(t *testing.T) {
	skipped := map[SkipReason]int64{SkipDraft: 2, SkipVariable: 3, SkipImageRow: 9, SkipRepeated: 1}
	for _, c := range []struct {
		name string
		r    Report
		word Untracked
		cat  Known
		want Outcome
	}{
		{"all is told", Report{Items: 4}, Untracked{}, Known{}, Outcome{Listed: 4, Summary: "4 listed."}},
		{"some are off sale", Report{Items: 4, ErrorCount: 1, Skipped: skipped}, Untracked{}, Known{},
			Outcome{Listed: 4, Withheld: 3, Summary: "4 listed, 3 not for sale or not readable."}},
		{"not counted", Report{Items: 23, Untracked: 22}, Untracked{}, Known{UntrackedKept: 2},
			Outcome{Listed: 23, Unsold: 20, Summary: "23 listed. 20 of 23 cannot be sold yet: the file does not count them. Say --untracked-stock unlimited, or a number of units of each."}},
		{"not counted, and the owner has spoken", Report{Items: 23, Untracked: 22}, UntrackedUnlimited, Known{}, Outcome{Listed: 23, Summary: "23 listed."}},
		{"counted elsewhere", Report{Format: FormatShopify, Items: 2, StockUntold: 2}, Untracked{}, Known{},
			Outcome{Listed: 2, Unsold: 2, Summary: "2 listed. 2 of 2 cannot be sold yet: your shop counts them, but not in this file. Import Shopify's inventory export as well (Products > Inventory > Export)."}},
		{"stock alone", Report{Items: 5, StockOnly: 5, Untracked: 1}, Untracked{}, Known{}, Outcome{Summary: "Told the stock of 5."}},
		{"stock of unknown products", Report{Items: 5, StockOnly: 5}, Untracked{}, Known{Unknown: 2}, Outcome{Summary: "Told the stock of 3. 2 not known here: import the products first."}},
		{"stock of unknown products alone", Report{Items: 1, StockOnly: 1}, Untracked{}, Known{Unknown: 1},
			Outcome{Summary: "Told the stock of no product. 1 not known here: import the products first."}},
		{"stock, a dry run", Report{Items: 5, StockOnly: 5}, Untracked{}, Known{DryRun: true}, Outcome{Summary: "Would tell the stock of 5."}},
		{"removed by the owner", Report{Items: 10, ErrorCount: 1}, Untracked{}, Known{Removed: 2},
			Outcome{Listed: 8, Withheld: 1, Summary: "8 listed, 2 kept off sale, as you have removed them, 1 not for sale or not readable."}},
		{"removed and not counted", Report{Items: 2, Untracked: 2}, Untracked{}, Known{Removed: 1},
			Outcome{Listed: 1, Unsold: 1, Summary: "1 listed, 1 kept off sale, as you have removed it. 1 of 1 cannot be sold yet: the file does not count it. Say --untracked-stock unlimited, or a number of units of each."}},
		{"a dry run", Report{Items: 2, StockUntold: 1}, Untracked{}, Known{DryRun: true},
			Outcome{Listed: 2, Unsold: 1, Summary: "2 would be listed. 1 of 2 could not be sold yet: your shop counts it, but not in this file. Count it with souk catalog set-stock."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.r.Outcome(c.word, c.cat); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}
