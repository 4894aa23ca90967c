package main

import (
	"fmt"

	"github.com/souk-market/souk/exchange/audit"
)

// auditRules are what the check of one folder holds against it, in the order shown.
// The others need two folders.
var auditRules = []struct {
	rule audit.Rule
	text string
}{
	{audit.Records, "every record is readable and stands under its own key"},
	{audit.Ledgers, "every ledger has all its entries, and orders and partnerships follow from them"},
	{audit.Stock, "available + held + sold = stocked − missing + deficit, and none is negative"},
	{audit.OneAnswer, "every request of a retailer has one answer"},
	{audit.OneEnd, "every hold ends once, and is committed where there is an order of it"},
	{audit.Baskets, "every basket is what its parts' reservations and orders are"},
	{audit.Price, "every order's price is the one quoted"},
	{audit.Signed, "every signature verifies by the member list"},
}

func auditPage(p *page, a *audited) {
	for _, s := range a.Shops {
		shopAuditPage(p, s)
	}
	if b := a.Between; b != nil {
		p.line("Compared: %s with %s", shopTitle(a.Shops[0]), shopTitle(a.Shops[1]))
		findingLines(p, b.Findings)
		faultLines(p, b.Faults)
		if len(b.Faults) == 0 {
			p.line("  ✓ what each has of their ledgers and holds is what the other has")
		}
		p.line("")
	} else if len(a.Shops) > 1 {
		p.line("The two folders were not compared, for one of them could not be read whole.")
		p.line("")
	}
	if a.Sound {
		p.line("Sound: no fault was found.")
		return
	}
	p.line("%s found. Nothing was changed.", plural(a.faults(), "fault"))
	p.line("Keep a copy of the whole folder as it is, and have it looked at before the shop starts again. Delete and edit")
	p.line("nothing in it. An older copy is no repair: it lacks what was signed since, which partners hold. Send this text")
	p.line("(never the file key) to your hub's operator, or to whoever looks after Souk for you.")
}

func shopTitle(s *shopAudit) string {
	if s.Name == "" {
		return s.Shop.String()
	}
	return fmt.Sprintf("%s, %s", s.Name, s.Shop)
}

func shopAuditPage(p *page, s *shopAudit) {
	p.line("Shop: %s", shopTitle(s))
	p.line("Folder: %s", s.Dir)
	if s.Federation != "" {
		p.line("Federation: %s", s.Federation)
	}
	c := s.Checked
	switch s.Extent {
	case extentAll:
		p.line("Checked: %s, %s, %s, %s sold and %d bought, %s with %s",
			plural(c.Products, "product"), plural(c.Holds, "hold"), plural(c.Reservations, "reservation"),
			plural(c.Sales+c.Own, "order"), c.Purchases, plural(c.Ledgers, "ledger"), entries(c.Entries))
	case extentCounts:
		p.line("Checked: the counts of %s and %s sold, and nothing else", plural(c.Holds, "hold"), plural(c.Sales+c.Own, "order"))
	default:
		p.line("Checked: nothing, for the database does not open")
	}
	if s.Extent == extentAll {
		ruleLines(p, s.Faults)
	}
	findingLines(p, s.Findings)
	faultLines(p, s.Faults)
	p.line("")
}

// ruleLines says which rules hold. A rule holds only where all records could be read.
func ruleLines(p *page, faults []*audit.Fault) {
	broken := map[audit.Rule]int{}
	for _, f := range faults {
		broken[f.Rule]++
	}
	gaps := broken[audit.Records] + broken[audit.Ledgers] + broken[audit.Signed]
	p.table(nil, func(row func(...any)) {
		for _, r := range auditRules {
			switch n := broken[r.rule]; {
			case n > 0:
				row("  ✗", r.rule, r.text, plural(n, "fault"))
			case gaps > 0:
				row("  ?", r.rule, r.text, "no fault in what could be checked")
			default:
				row("  ✓", r.rule, r.text)
			}
		}
	})
}

func findingLines(p *page, findings []audit.Finding) {
	if len(findings) == 0 {
		return
	}
	p.line("To know, and no fault of the books:")
	for _, f := range findings {
		p.line("  - %s: %s", f.Where, f.What)
	}
}

func faultLines(p *page, faults []*audit.Fault) {
	if len(faults) == 0 {
		return
	}
	p.line("%s:", plural(len(faults), "fault"))
	for i, f := range faults {
		p.line("  %d. %s: %s (%s)", i+1, f.Where, f.What, string(f.Rule))
	}
}

func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

// countProgress is how far a check is, in a line.
func countProgress(n audit.Count) string {
	return fmt.Sprintf("%s, %s, %s, %s, %s of %s replayed", plural(n.Rows, "row"), plural(n.Holds, "hold"),
		plural(n.Sales+n.Own+n.Purchases, "order"), entries(n.Entries), fmt.Sprint(n.Replayed), plural(n.Ledgers, "ledger"))
}
