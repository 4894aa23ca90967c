package main

import (
	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// promised is what of this shop's own products is held, or sold and not shipped yet.
type promised struct {
	Holds  []view.Hold  `json:"holds"`
	Orders []view.Order `json:"orders"`
	Next   bool         `json:"more,omitempty"` // there are more than were asked for
}

func (a *app) holdsCommand() *cobra.Command {
	limit := 50
	cmd := &cobra.Command{
		Use:   "holds [SKU]",
		Short: "Show who holds and ordered your products",
		Long: `Shows which partners hold units of a product, or of all, until when, and the orders of
which units are still to be shipped. Both keep units off sale.`,
		Example: `  souk catalog holds --dir shop SHOE-42
  souk catalog holds --dir shop --limit 200`,
		Args: takes(0, 1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			if limit < 1 {
				return usagef("--limit is at least 1")
			}
			var sku exchange.SKU
			if len(args) == 1 {
				shop, err := c.Shop(cmd.Context())
				if err != nil {
					return err
				}
				if sku, err = ownSKU(shop.Shop, args[0]); err != nil {
					return err
				}
			}
			out, err := promisedOf(cmd, c, sku, limit)
			if err != nil {
				return err
			}
			return a.show(cmd, out, func(p *page) { a.promisedPage(p, out, sku) })
		}),
	}
	cmd.Flags().IntVar(&limit, "limit", limit, "at most this `number` of each")
	return cmd
}

func promisedOf(cmd *cobra.Command, c *client.Client, sku exchange.SKU, limit int) (*promised, error) {
	out := &promised{Holds: []view.Hold{}}
	q := client.HoldsQuery{SKU: sku}
	for more := true; more; {
		q.Limit = min(200, limit-len(out.Holds))
		got, err := c.Holds(cmd.Context(), q)
		if err != nil {
			return nil, err
		}
		out.Holds, q.Cursor = append(out.Holds, got.Holds...), got.Next
		more = got.Next != "" && len(out.Holds) < limit
	}
	orders, err := listOrders(cmd.Context(), c, client.OrdersQuery{Role: view.Sold, ToShip: true, SKU: sku}, limit)
	if err != nil {
		return nil, err
	}
	out.Orders, out.Next = orders.Orders, q.Cursor != "" || orders.Next != ""
	return out, nil
}

func (a *app) promisedPage(p *page, out *promised, sku exchange.SKU) {
	if len(out.Holds) == 0 {
		p.line("Nobody holds anything.")
	} else {
		p.table([]string{"HELD BY", "UNITS", "EXPIRES", "RESERVATION"}, func(row func(...any)) {
			for _, h := range out.Holds {
				row(h.RetailerName, h.Units, untilText(h.Expires, a.now()), h.ID)
			}
		})
	}
	if len(out.Orders) == 0 {
		p.line("No orders are to be shipped.")
	} else {
		p.table([]string{"ORDERED BY", "TO SHIP", "STATUS", "PLACED", "ORDER", "REFERENCE"}, func(row func(...any)) {
			for _, o := range out.Orders {
				var units int64
				for _, l := range o.Lines {
					if sku == "" || l.SKU == sku {
						units += l.Ordered - l.Shipped - l.Cancelled
					}
				}
				row(o.PartnerName, units, orderState(&o), timeText(placed(o)), o.ID, o.Reference)
			}
		})
	}
	if out.Next {
		p.line("There are more: --limit N")
	}
}
