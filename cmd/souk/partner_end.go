package main

import (
	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

func (a partnerCommands) withdrawCommand() *cobra.Command {
	var directions directionFlags
	cmd := &cobra.Command{
		Use:   "withdraw SHOP",
		Short: "Take back a proposal of this shop's own",
		Long: `Takes back this shop's open proposals to a shop, in both directions unless --sell or
--buy is given. Terms in force stay in force. A proposal to buy that still waits for a
supplier that is offline is closed as soon as the supplier has it; if the supplier accepted
it before it hears of this, it is in force, and "souk partner end" ends it.`,
		Example: `  souk partner withdraw --dir shop Birch-Books
  souk partner withdraw --dir shop Birch-Books --buy`,
		Args: takes(1, 1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			fed, shop, err := findPartner(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			got, err := c.WithdrawTerms(cmd.Context(), shop.shop, view.Withdraw{Direction: directions.one()})
			if exchange.CodeOf(err) == exchange.CodeStale {
				return exchange.Errorf(exchange.CodeStale, "no proposal of yours to %s is open; it was answered, withdrawn or replaced. See souk partner list%s", shop.name, a.dirFlag())
			}
			if err != nil {
				return err
			}
			return a.showMade(cmd, c, fed, shop.shop, got.Partnerships, func(p *page, _ int, t view.Partnership) {
				a.withdrawalMade(p, fed, t)
			})
		}),
	}
	directions.register(cmd)
	return cmd
}

// withdrawalMade says what became of a withdrawal so far.
func (a partnerCommands) withdrawalMade(p *page, fed *federation, t view.Partnership) {
	if t.Refusal != nil && t.Refusal.Code == exchange.CodeStale.String() { // the partner was quicker
		p.line("Too late to withdraw the proposal to %s: %s. See souk partner list%s", directionText(t), t.Refusal.Detail, a.dirFlag())
		return
	}
	effect := "it hears of it"
	if t.Direction == view.Buy {
		effect = "the proposal is closed"
	}
	p.line("Withdrawn: the proposal to %s. %s", directionText(t), sentText(t, fed.connected(t.Partner), effect))
}

// withdrawLine is the command that takes back this shop's proposal.
func (a partnerCommands) withdrawLine(fed *federation, t view.Partnership) string {
	return "souk partner withdraw" + a.dirFlag() + " " + quoteArg(fed.ref(t.Partner)) + " --" + t.Direction
}

// one is the direction that the flags name; both where they name none or both.
func (d *directionFlags) one() string {
	if said := d.chosen(); len(said) == 1 {
		return said[0]
	}
	return view.Both
}

func (a partnerCommands) endCommand() *cobra.Command {
	var directions directionFlags
	var reason string
	cmd := &cobra.Command{
		Use:   "end SHOP",
		Short: "End trade with a shop",
		Long: `Ends trade with a shop, both ways unless --sell or --buy is given. It cannot be refused:
no new hold or order from now on, holds are released, submitted orders finish. What has
ended already stays as it is.`,
		Example: `  souk partner end --dir shop Birch-Books --reason "closing for the season"
  souk partner end --dir shop Birch-Books --sell`,
		Args: takes(1, 1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			fed, shop, err := findPartner(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			before, err := a.tradesWith(cmd, c, shop.shop)
			if err != nil {
				return err
			}
			got, err := c.EndTrade(cmd.Context(), shop.shop, view.End{Direction: directions.one(), Reason: reason})
			if err != nil {
				return err
			}
			return a.showMade(cmd, c, fed, shop.shop, got.Partnerships, func(p *page, _ int, t view.Partnership) {
				var was view.Partnership
				if b := inDirection(before, t.Direction); b != nil {
					was = *b
				}
				endMade(p, fed, t, was)
			})
		}),
	}
	directions.register(cmd)
	cmd.Flags().StringVar(&reason, "reason", "", "the `reason`; it stands in the ledger of both shops, and the partner reads it")
	return cmd
}

// endMade says what an end did to a partnership, by its status before.
func endMade(p *page, fed *federation, t, was view.Partnership) {
	sent := sentText(t, fed.connected(t.Partner), "it hears of it")
	switch {
	case was.Status == "ended":
		p.line("Nothing to end. %s.", endedText(t))
	case was.Status == "ending" && (was.Queued == "" || was.Queued == "end"):
		p.line("Nothing to end. %s. %s", endedText(t), sent)
	case isDeparted(was) && !was.Ended.IsZero():
		p.line("Nothing to end. %s. %s.", endedText(t), departedText(t.PartnerName, was.Gone))
	case was.Status == "active", isDeparted(was) && was.Terms != nil:
		p.line("Ended: %s. Submitted orders finish. %s", directionText(t), sent)
	default: // a proposal was open, or on its way
		p.line("Closed: the proposal to %s. %s", directionText(t), sent)
	}
}

// endedText says who ended a partnership, when and why, without the full stop.
func endedText(t view.Partnership) string {
	text := "You ended it (" + directionText(t) + ")"
	if t.EndedBy == "partner" {
		text = t.PartnerName + " ended it (" + directionText(t) + ")"
	}
	if !t.Ended.IsZero() {
		text += " on " + timeText(t.Ended)
	}
	if t.EndReason != "" {
		text += ", saying: " + t.EndReason
	}
	return text
}
