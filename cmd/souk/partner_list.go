package main

import (
	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

func (a partnerCommands) partnerListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list [SHOP]",
		Short: "List partnerships and open proposals",
		Long: `Lists every partnership with its terms' version, discount and state, requests
that wait for the supplier, and open proposals with the command that accepts each. With a
SHOP it shows all terms.`,
		Example: `  souk partner list --dir shop
  souk partner list --dir shop Birch-Books`,
		Args: takes(0, 1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			fed, err := loadFederation(cmd.Context(), c)
			if err != nil {
				return err
			}
			all, err := c.Partnerships(cmd.Context())
			if err != nil {
				return err
			}
			list := all.Partnerships
			if len(args) == 1 {
				shop, err := fed.partner(args[0])
				if err != nil {
					return err
				}
				if list, err = a.tradesWith(cmd, c, shop.shop); err != nil {
					return err
				}
			}
			return a.show(cmd, view.Partnerships{Partnerships: list}, func(p *page) { a.partnersPage(p, fed, list, len(args) == 1) })
		}),
	}
}

func (a partnerCommands) partnersPage(p *page, fed *federation, list []view.Partnership, whole bool) {
	if len(list) == 0 {
		p.line("No partnership yet. Next: souk members%s, then souk partner propose%s SHOP --both --discount 15%%", a.dirFlag(), a.dirFlag())
		return
	}
	p.table([]string{"PARTNER", "DIRECTION", "STATE", "TERMS", "DISCOUNT", "SINCE", "LEDGER", "SHOP"}, func(row func(...any)) {
		for _, t := range list {
			version, discount, since := "–", "–", t.Since
			if t.Terms != nil {
				version, discount = plainNumber(t.Version), percentText(exchange.BasisPoints(t.Terms.DiscountBP))
			}
			switch {
			case isDeparted(t):
				since = t.Gone.Since
			case !t.Ended.IsZero():
				since = t.Ended
			}
			state := t.Status
			if t.Ledger.Frozen {
				state += ", frozen"
			}
			row(t.PartnerName, t.Direction, state, version, discount, timeText(since), plainNumber(t.Ledger.Position), t.Partner)
		}
	})
	for _, t := range list {
		a.partnerNotes(p, fed, t, whole)
	}
}

// isDeparted reports whether a partnership was not over when the partner departed.
func isDeparted(t view.Partnership) bool { return t.Gone != nil && t.Status == t.Gone.Status }

// partnerNotes are what the owner should know or do about one partnership.
func (a partnerCommands) partnerNotes(p *page, fed *federation, t view.Partnership, whole bool) {
	if whole && t.Terms != nil {
		p.line("")
		p.line("Terms %d, %s:", t.Version, directionText(t))
		p.table(nil, func(row func(...any)) { termsRows(row, termsOf(*t.Terms)) })
	}
	if isDeparted(t) {
		p.line("%s. Nothing passes between the two shops any more (%s).", departedText(t.PartnerName, t.Gone), directionText(t))
		if !t.Ended.IsZero() {
			p.line("%s.", endedText(t))
		}
		return
	}
	if o := t.Proposal; o != nil {
		p.line("")
		if o.By == "partner" {
			p.line("%s proposes, for you to %s:", t.PartnerName, directionText(t))
		} else {
			p.line("You proposed to %s on %s:", directionText(t), timeText(o.At))
		}
		p.table(nil, func(row func(...any)) { termsRows(row, termsOf(o.Terms)) })
		switch {
		case o.By == "partner":
			p.line("Accept it: souk partner accept%s %s --%s --proposal %s", a.dirFlag(), quoteArg(fed.ref(t.Partner)), t.Direction, o.ID[:min(proposalShown, len(o.ID))])
		case t.Queued == "":
			p.line("Take it back: %s", a.withdrawLine(fed, t))
		}
	}
	if t.Declined != nil {
		p.line("%s", declinedText(t))
	}
	if t.Status == "ended" || t.Status == "ending" {
		p.line("%s.", endedText(t))
	}
	if t.Queued != "" {
		p.line("%s", queuedText(t))
		if t.Queued == "propose" {
			p.line("Take it back: %s", a.withdrawLine(fed, t))
		}
	} else if t.Ledger.Waiting > 0 {
		p.line("%s (%s) not answered yet.", plural(t.Ledger.Waiting, "request"), directionText(t))
	}
	if t.Refusal != nil {
		p.line("Refused (%s): %s", directionText(t), localTimes(t.Refusal.Detail))
	}
}

// queuedText says which request waits in the outbox until the supplier is reached.
func queuedText(t view.Partnership) string {
	waits := " when " + t.PartnerName + " is reached."
	withdrawn := "You have withdrawn your proposal to " + directionText(t) + "; it is closed" + waits
	switch t.Queued {
	case "propose":
		return "Your proposal to " + directionText(t) + " is delivered" + waits
	case "withdraw":
		return withdrawn
	case "accept":
		return "You have accepted the proposal to " + directionText(t) + "; the terms come into force" + waits
	case "decline":
		if t.Proposal != nil && t.Proposal.By == "self" {
			return withdrawn
		}
		return "You have declined the proposal to " + directionText(t) + "; " + t.PartnerName + " hears of it when it is reached."
	case "end":
		return t.PartnerName + " hears of the end (" + directionText(t) + ") when it is reached."
	}
	return "A request of yours (" + directionText(t) + ") is delivered" + waits
}

// declinedText says who closed which shop's proposal, and when.
func declinedText(t view.Partnership) string {
	d := t.Declined
	when := " on " + timeText(d.At) + "."
	switch {
	case d.Of == d.By && d.By == "self":
		return "You withdrew your proposal to " + directionText(t) + when
	case d.Of == d.By:
		return t.PartnerName + " withdrew its proposal, for you to " + directionText(t) + "," + when
	case d.By == "self":
		return "You declined the proposal to " + directionText(t) + when
	}
	return t.PartnerName + " declined your proposal to " + directionText(t) + when
}
