package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// proposalShown is how much of a proposal's id is shown and enough to name it: with 8
// hex digits nobody makes other terms that begin alike by chance.
const proposalShown = 8

func (a *app) acceptCommand() *cobra.Command {
	return a.answerCommand("accept", "Accept a shop's open proposal, and show its terms",
		`Puts a shop's open proposals into force and shows their terms. With --proposal it
accepts only the one that "souk partner list" showed: if the shop has proposed other terms
since, nothing is accepted.`,
		`  souk partner accept --dir shop Birch-Books
  souk partner accept --dir shop Birch-Books --buy --proposal 1f0c9a72`,
		"Accepted: ", (*client.Client).AcceptTerms)
}

func (a *app) declineCommand() *cobra.Command {
	return a.answerCommand("decline", "Decline a shop's proposal, or withdraw one's own",
		`Closes open proposals. Terms in force stay in force.`,
		`  souk partner decline --dir shop Birch-Books --buy`,
		"Closed: ", (*client.Client).DeclineTerms)
}

func (a *app) answerCommand(use, short, long, example, done string,
	answer func(*client.Client, context.Context, exchange.ShopID, view.Answer) (*view.Partnerships, error)) *cobra.Command {
	var directions directionFlags
	var id string
	cmd := &cobra.Command{
		Use: use + " SHOP", Short: short, Long: long, Example: example, Args: takes(1, 1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			if id != "" && len(id) < proposalShown {
				return usagef("--proposal needs at least %d characters of the proposal's id", proposalShown)
			}
			fed, err := loadFederation(cmd.Context(), c)
			if err != nil {
				return err
			}
			shop, err := fed.partner(args[0])
			if err != nil {
				return err
			}
			trades, err := a.tradesWith(cmd, c, shop.shop)
			if err != nil {
				return err
			}
			open := openProposals(trades, &directions, id, use == "accept")
			if len(open) == 0 {
				return exchange.Errorf(exchange.CodeStale, "%s has no such open proposal; see souk partner list", shop.name)
			}
			var out []view.Partnership
			for _, t := range open {
				got, err := answer(c, cmd.Context(), shop.shop, view.Answer{Proposal: t.Proposal.ID})
				if err != nil {
					return err
				}
				out = append(out, got.Partnerships...)
			}
			return a.show(cmd, view.Partnerships{Partnerships: out}, func(p *page) {
				for _, t := range open {
					p.line("%s%s", done, directionText(t))
					p.table(nil, func(row func(...any)) { termsRows(row, termsOf(t.Proposal.Terms)) })
				}
			})
		}),
	}
	directions.register(cmd)
	cmd.Flags().StringVar(&id, "proposal", "", "only the proposal whose `id` begins so")
	return cmd
}

// openProposals are those that an answer means: the partner's, or for a decline also this
// shop's own where the partner has none.
func openProposals(trades []view.Partnership, directions *directionFlags, id string, accepting bool) []view.Partnership {
	var theirs, own []view.Partnership
	for _, t := range trades {
		switch {
		case t.Proposal == nil || !directions.fits(t.Direction) || !strings.HasPrefix(t.Proposal.ID, strings.ToLower(id)):
		case t.Proposal.By == "partner":
			theirs = append(theirs, t)
		default:
			own = append(own, t)
		}
	}
	if len(theirs) == 0 && !accepting {
		return own
	}
	return theirs
}

func (a *app) endCommand() *cobra.Command {
	var directions directionFlags
	var reason string
	cmd := &cobra.Command{
		Use:   "end SHOP",
		Short: "End trade with a shop",
		Long: `Ends trade with a shop, both ways unless --sell or --buy is given. It cannot be refused:
no new hold or order from now on, holds are released, submitted orders finish.`,
		Example: `  souk partner end --dir shop Birch-Books --reason "closing for the season"
  souk partner end --dir shop Birch-Books --sell`,
		Args: takes(1, 1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			fed, err := loadFederation(cmd.Context(), c)
			if err != nil {
				return err
			}
			shop, err := fed.partner(args[0])
			if err != nil {
				return err
			}
			direction := view.Both
			if said := directions.chosen(); len(said) == 1 {
				direction = said[0]
			}
			got, err := c.EndTrade(cmd.Context(), shop.shop, view.End{Direction: direction, Reason: reason})
			if err != nil {
				return err
			}
			return a.show(cmd, got, func(p *page) {
				for _, t := range got.Partnerships {
					p.line("Ended: %s. Submitted orders finish.", directionText(t))
				}
			})
		}),
	}
	directions.register(cmd)
	cmd.Flags().StringVar(&reason, "reason", "", "the `reason`; it stands in the ledger of both shops")
	return cmd
}
