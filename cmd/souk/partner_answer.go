package main

import (
	"cmp"
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

func (a partnerCommands) acceptCommand() *cobra.Command {
	return a.answerCommand("accept", "Accept a shop's open proposal, and show its terms",
		`Puts a shop's open proposals into force and shows their terms. With --proposal it
accepts only the one that "souk partner list" showed: if the shop has proposed other terms
since, nothing is accepted. Terms to buy are in force once the supplier has confirmed them.
A proposal that is not here yet is waited for, up to 5 s: right after a start the two
shops may not have met. Without a direction it accepts what is here; with --both it waits
for both. Accepting for a shop that is offline is kept until it returns.`,
		`  souk partner accept --dir shop Birch-Books
  souk partner accept --dir shop Birch-Books --buy --proposal 1f0c9a72`,
		"Accepted: ", (*client.Client).AcceptTerms)
}

func (a partnerCommands) declineCommand() *cobra.Command {
	return a.answerCommand("decline", "Decline a shop's open proposal",
		`Closes a shop's open proposals. Terms in force stay in force. A proposal of this shop's
own is taken back with "souk partner withdraw".`,
		`  souk partner decline --dir shop Birch-Books --buy`,
		"Declined: ", (*client.Client).DeclineTerms)
}

func (a partnerCommands) answerCommand(use, short, long, example, done string,
	answer func(*client.Client, context.Context, exchange.ShopID, view.Answer) (*view.Partnerships, error)) *cobra.Command {
	var directions directionFlags
	var id string
	cmd := &cobra.Command{
		Use: use + " SHOP", Short: short, Long: long, Example: example, Args: takes(1, 1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			if id != "" && len(id) < proposalShown {
				return usagef("--proposal needs at least %d characters of the proposal's id", proposalShown)
			}
			fed, shop, err := a.meetPartner(cmd, c, args[0])
			if err != nil {
				return err
			}
			open, own, err := a.awaitProposals(cmd, c, shop, &directions, id)
			if err != nil {
				return err
			}
			if len(open) == 0 && own != nil {
				return exchange.Errorf(exchange.CodeState, "the open proposal is your own, which %s accepts or declines. Take it back: %s", shop.name, a.withdrawLine(fed, *own))
			}
			if len(open) == 0 {
				return noProposal(fed, shop, a.dirFlag())
			}
			var out []view.Partnership
			for _, t := range open {
				got, err := answer(c, cmd.Context(), shop.shop, view.Answer{Proposal: t.Proposal.ID})
				if err != nil {
					return err
				}
				out = append(out, got.Partnerships...)
			}
			show := a.showMade
			if use == "accept" {
				show = a.showBegun
			}
			err = show(cmd, c, fed, shop.shop, out, func(p *page, i int, t view.Partnership) {
				if t.Refusal != nil {
					return // refusedOf says it
				}
				effect := "it hears of it"
				if t.Queued == "accept" {
					effect = "the terms come into force"
				}
				p.line("%s%s. %s", done, directionText(t), sentText(t, fed.connected(t.Partner), effect))
				p.table(nil, func(row func(...any)) { termsRows(row, termsOf(open[i].Proposal.Terms)) })
			})
			return cmp.Or(err, refusedOf(out))
		}),
	}
	directions.register(cmd)
	cmd.Flags().StringVar(&id, "proposal", "", "only the proposal whose `id` begins so")
	return cmd
}

// openProposals are the partner's proposals that an answer means. own is a proposal of this shop's
// that the answer would fit.
func openProposals(trades []view.Partnership, directions *directionFlags, id string) (theirs []view.Partnership, own *view.Partnership) {
	for _, t := range trades {
		switch {
		case t.Proposal == nil || !directions.fits(t.Direction) || !strings.HasPrefix(t.Proposal.ID, strings.ToLower(id)):
		case t.Proposal.By == "partner":
			theirs = append(theirs, t)
		default:
			own = &t
		}
	}
	return theirs, own
}

// awaitProposals are openProposals of the partnerships with a shop. Where there are none, or fewer
// than directions are named, those that may be on their way are waited for.
func (a partnerCommands) awaitProposals(cmd *cobra.Command, c *client.Client, shop known, directions *directionFlags, id string) (theirs []view.Partnership, own *view.Partnership, err error) {
	err = a.within(cmd, "no such proposal of "+shop.name+" is here; waiting for it", func() (bool, error) {
		trades, err := a.tradesWith(cmd, c, shop.shop)
		if err != nil {
			return false, err
		}
		theirs, own = openProposals(trades, directions, id)
		return len(theirs) < max(1, len(directions.chosen())) && own == nil && shop.active, nil
	})
	return theirs, own, err
}

// noProposal says that a shop has no such proposal here, and whether one may still come.
func noProposal(fed *federation, shop known, dirFlag string) error {
	if shop.active && !fed.connected(shop.shop) {
		return exchange.Errorf(exchange.CodeStale, "no such open proposal of %s is here, and %s is offline: what it has proposed comes when the two shops meet. Look then: souk partner list%s", shop.name, shop.name, dirFlag)
	}
	return exchange.Errorf(exchange.CodeStale, "%s has no such open proposal; see souk partner list%s", shop.name, dirFlag)
}
