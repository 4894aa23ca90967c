package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

func (a partnerCommands) partnerLedgerCommand() *cobra.Command {
	var directions directionFlags
	var after uint64
	limit := 50
	compare := false
	cmd := &cobra.Command{
		Use:   "ledger SHOP",
		Short: "Show what you and a partner have signed, entry by entry",
		Long: `Shows the entries of a ledger with a partner, by position: terms and orders, whose act each
is, and its hash. There is a ledger for each direction of trade. Both shops have the same
entries; --compare asks the partner now where its copy ends. One that is behind has entries
on their way; one that has diverged is for souk doctor.`,
		Example: `  souk partner ledger --dir shop Birch-Books
  souk partner ledger --dir shop Birch-Books --sell --after 50 --limit 0
  souk partner ledger --dir shop Birch-Books --compare`,
		Args: takes(1, 1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			if limit < 0 {
				return usagef("--limit is 1 or more, or 0 for all")
			}
			_, shop, err := findPartner(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if compare {
				got, err := c.CompareLedger(cmd.Context(), shop.shop)
				if err != nil {
					return err
				}
				return a.show(cmd, got, func(p *page) { comparisonPage(p, shop.name, got.Ledgers) })
			}
			direction := ""
			if said := directions.chosen(); len(said) == 1 {
				direction = said[0]
			}
			all, err := ledgerEntries(cmd, c, shop, direction, after, limit)
			if err != nil {
				return err
			}
			return a.show(cmd, all, func(p *page) { ledgerPage(p, shop.name, all) })
		}),
	}
	cmd.Flags().BoolVar(&directions.sell, "sell", false, "the ledger in which this shop supplies the partner")
	cmd.Flags().BoolVar(&directions.buy, "buy", false, "the ledger in which the partner supplies this shop")
	cmd.Flags().Uint64Var(&after, "after", 0, "entries after this `position`")
	cmd.Flags().IntVar(&limit, "limit", limit, "at most this `number`; 0 = all")
	cmd.Flags().BoolVar(&compare, "compare", false, "ask the partner now where its copy ends")
	cmd.MarkFlagsMutuallyExclusive("sell", "buy")
	return cmd
}

// ledgerEntries collects up to limit entries; 0 = all.
func ledgerEntries(cmd *cobra.Command, c *client.Client, shop known, direction string, after uint64, limit int) (*view.LedgerEntries, error) {
	var out *view.LedgerEntries
	for {
		got, err := c.Ledger(cmd.Context(), shop.shop, direction, after)
		if err != nil {
			return nil, err
		}
		if out != nil {
			got.Entries = append(out.Entries, got.Entries...)
		}
		if out = got; limit > 0 && len(out.Entries) > limit {
			out.Entries = out.Entries[:limit]
			out.Next = out.Entries[limit-1].Position
		}
		if out.Next == 0 || limit > 0 && len(out.Entries) == limit {
			return out, nil
		}
		after = out.Next
	}
}

// shortHash is how many digits of a hash a table shows.
const shortHash = 12

func ledgerPage(p *page, name string, l *view.LedgerEntries) {
	if len(l.Entries) == 0 {
		p.line("The ledger ends at entry %d.", l.Position)
		return
	}
	p.table([]string{"ENTRY", "TIME", "BY", "WHAT", "SAYS", "HASH"}, func(row func(...any)) {
		for _, e := range l.Entries {
			by := "you"
			if e.By == "partner" {
				by = name
			}
			row(e.Position, timeText(e.At), by, e.Kind, entryText(e), e.Hash[:min(shortHash, len(e.Hash))])
		}
	})
	if l.Next > 0 {
		p.line("There are more, up to entry %d: --after %d, or --limit 0 for all", l.Position, l.Next)
	}
}

// entryText is what an entry says beside its kind.
func entryText(e view.LedgerEntry) string {
	var parts []string
	add := func(s string) {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if e.Refusal != nil {
		add("refused: " + e.Refusal.Detail)
	}
	if !e.Order.IsZero() {
		add(e.Order.String())
	}
	var lines []string
	for _, l := range e.Lines {
		lines = append(lines, plainNumber(l.Units)+" × "+string(l.SKU))
	}
	add(strings.Join(lines, ", "))
	if e.Total != nil {
		add(moneyText(*e.Total))
	}
	add(strings.TrimSpace(e.Carrier + " " + e.Tracking))
	add(e.Reason)
	if e.Proposal != "" {
		add("proposal " + e.Proposal[:min(shortHash, len(e.Proposal))])
	}
	return strings.Join(parts, "; ")
}

func comparisonPage(p *page, name string, list []view.LedgerComparison) {
	for _, c := range list {
		there := ""
		if c.There != nil {
			there = plainNumber(c.There.Position)
		}
		which := "You sell to " + name
		if c.Direction == view.Buy {
			which = "You buy from " + name
		}
		switch c.State {
		case "equal":
			p.line("%s: equal, both end at entry %d.", which, c.Here.Position)
		case "behind":
			p.line("%s: you are behind: you have %d entries, %s has %s.", which, c.Here.Position, name, there)
		case "ahead":
			p.line("%s: %s is behind: it has %s entries, you have %d.", which, name, there, c.Here.Position)
		case "diverged":
			p.line("%s: DIVERGED: you have %d entries, %s has %s, and they differ. See souk doctor.", which, c.Here.Position, name, there)
		default:
			detail := ""
			if c.Refusal != nil {
				detail = c.Refusal.Detail
			}
			p.line("%s: not known (%s): %s. You have %d entries.", which, c.State, detail, c.Here.Position)
		}
	}
}
