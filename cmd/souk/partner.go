package main

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

func (a partnerCommands) partnerCommand() *cobra.Command {
	return group("partner", "Agree with other shops on trade",
		`A partnership is signed terms for one direction of trade: sell (this shop supplies) or
buy (the partner supplies). One side proposes, the other accepts; a new proposal changes
the terms once it is accepted; either side ends it at any time. A proposal reaches a shop
that is offline when it returns; until it is answered, who made it can withdraw it.`,
		`  souk partner propose --dir shop Birch-Books --both --discount 15%
  souk partner list --dir shop`,
		a.proposeCommand(), a.acceptCommand(), a.declineCommand(), a.withdrawCommand(), a.endCommand(), a.partnerListCommand(), a.partnerLedgerCommand())
}

// directionFlags are --sell, --buy and --both.
type directionFlags struct{ sell, buy, both bool }

func (d *directionFlags) register(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&d.sell, "sell", false, "the direction in which this shop supplies the partner")
	cmd.Flags().BoolVar(&d.buy, "buy", false, "the direction in which the partner supplies this shop")
	cmd.Flags().BoolVar(&d.both, "both", false, "both directions")
}

// chosen are the directions that the flags name; nil where no flag is set.
func (d *directionFlags) chosen() []string {
	var out []string
	if d.sell || d.both {
		out = append(out, view.Sell)
	}
	if d.buy || d.both {
		out = append(out, view.Buy)
	}
	return out
}

// fits reports whether the flags name direction. Without a flag each direction fits.
func (d *directionFlags) fits(direction string) bool {
	said := d.chosen()
	return said == nil || slices.Contains(said, direction)
}

func (a partnerCommands) proposeCommand() *cobra.Command {
	var directions directionFlags
	var terms termsFlags
	var currency string
	cmd := &cobra.Command{
		Use:   "propose SHOP --sell|--buy|--both",
		Short: "Propose terms of trade, or a change of them",
		Long: `Proposes terms to a shop, or a change of terms in force. What is not said stays as it
is agreed now; without an agreement it has the default shown below. A newer proposal
replaces an open one. Terms in force stay in force until the change is accepted. The
command waits up to 2 s to say whether the shop has the proposal; one that is offline
gets it when it returns. With --both there are two proposals, which are made together or not
at all. Right after a start, what the node must know of the shop is waited for, up to 5 s.

The open quantity of terms to sell follows the stock there is: without --open-quantity it is
the number of units that this shop has available now, so that a partner may hold all of
them, and no more. It is 1000 where nothing is counted, and at least 1000 where one of the
products is not counted. Of terms to buy it is 1000: the supplier decides.`,
		Example: `  souk partner propose --dir shop Birch-Books --sell --discount 15%
  souk partner propose --dir shop Birch-Books --both --discount 10% --hold-lifetime 30m --countries SE,DE
  souk partner propose Birch-Books --buy --open-quantity 500 --accept-within 24h --cancel until-accepted`,
		Args: takes(1, 1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			said := directions.chosen()
			if said == nil {
				return usagef("say which way: --sell (you supply), --buy (they supply) or --both")
			}
			if err := terms.check(); err != nil {
				return err
			}
			fed, shop, err := a.meetPartner(cmd, c, args[0])
			if err != nil {
				return err
			}
			now, err := a.tradesWith(cmd, c, shop.shop)
			if err != nil {
				return err
			}
			p := view.Propose{Partner: shop.shop, Direction: directions.one()}
			sent := make([]exchange.Terms, len(said))
			for i, direction := range said {
				sent[i] = terms.proposal(cmd, inDirection(now, direction), direction)
				if currency != "" {
					sent[i].Currency = exchange.Currency(strings.ToUpper(currency))
				}
				if t := proposed(sent[i]); i == 0 {
					p.Terms = t
				} else {
					p.BuyTerms = &t
				}
			}
			got, err := c.Propose(cmd.Context(), p)
			if err != nil {
				return err
			}
			err = a.showBegun(cmd, c, fed, shop.shop, got.Partnerships, func(p *page, i int, t view.Partnership) {
				a.proposalMade(p, fed, t, sent[i])
			})
			return cmp.Or(err, refusedOf(got.Partnerships))
		}),
	}
	directions.register(cmd)
	terms.register(cmd)
	cmd.Flags().StringVar(&currency, "currency", "", "ISO 4217 `code` in which is settled (default: the supplier's own)")
	return cmd
}

// tradesWith lists the partnerships with one shop.
func (a partnerCommands) tradesWith(cmd *cobra.Command, c *client.Client, shop exchange.ShopID) ([]view.Partnership, error) {
	all, err := c.Partnerships(cmd.Context())
	if err != nil {
		return nil, err
	}
	var out []view.Partnership
	for _, t := range all.Partnerships {
		if t.Partner == shop {
			out = append(out, t)
		}
	}
	return out, nil
}

// directionText is "sell to Birch" or "buy from Birch".
func directionText(t view.Partnership) string {
	if t.Direction == view.Sell {
		return "sell to " + t.PartnerName
	}
	return "buy from " + t.PartnerName
}

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond)
}

// termsOf reads terms as the API shows them; proposed is the way back.
func termsOf(t view.Terms) exchange.Terms {
	rule, err := parseCancelRule(t.Cancel)
	if err != nil {
		rule = 0 // a rule of a newer node: shown as unknown, and refused in a proposal
	}
	return exchange.Terms{
		Discount: exchange.BasisPoints(t.DiscountBP), Currency: t.Currency, HoldLifetime: seconds(t.HoldSeconds),
		OpenQuantity: t.OpenQuantity, AcceptWithin: seconds(t.AcceptSeconds), Cancel: rule,
		Countries: t.Countries, Feed: t.Feed, SettlementDays: t.SettlementDays,
	}
}

func proposed(t exchange.Terms) view.ProposedTerms {
	return view.ProposedTerms{
		DiscountBP: uint32(t.Discount), Currency: t.Currency, HoldSeconds: t.HoldLifetime.Seconds(),
		OpenQuantity: t.OpenQuantity, AcceptSeconds: t.AcceptWithin.Seconds(), Cancel: t.Cancel.String(),
		Countries: t.Countries, SettlementDays: &t.SettlementDays,
	}
}
