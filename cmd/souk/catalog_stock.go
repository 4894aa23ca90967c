package main

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/inventory"
)

func (a *app) setStockCommand() *cobra.Command {
	var at string
	var revision uint64
	cmd := &cobra.Command{
		Use:   "set-stock SKU=N|unlimited…",
		Short: "Say what the shelf holds",
		Long: `Counts the shelf of products: N is what you find there, with units that are held or
sold and not yet shipped. What partners can have is N less those. If more is promised
than there is, the shortfall is recorded and shown. All of the products are set or, if
one of them is unknown, none. If you did not count just now, say when with --at: what was
told of the time since is taken off. Or say with --revision which revision you saw (souk
stock show): if the shelf has moved since, nothing is changed. What you sold is told by
souk stock sold, not counted.`,
		Example: `  souk catalog set-stock --dir shop SHOE-42=12 SHOE-43=7 --at -20m
  souk catalog set-stock --dir shop SHOE-42=12 --revision 7
  souk catalog set-stock --dir shop GIFTCARD=unlimited`,
		Args: takes(1, -1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			shop, err := c.Shop(cmd.Context())
			if err != nil {
				return err
			}
			byRevision, without := cmd.Flags().Changed("revision"), "now"
			if byRevision {
				if without = ""; len(args) > 1 {
					return errOneRevision
				}
			}
			counted, err := momentFlag(at, without, a.now())
			if err != nil {
				return err
			}
			var counts view.CountShelves
			for _, arg := range args {
				count, err := stockArg(shop.Shop, arg)
				if err != nil {
					return err
				}
				if count.CountedAt = counted; byRevision {
					count.IfRevision = &revision
				}
				counts.Counts = append(counts.Counts, count)
			}
			after, err := c.Stocks().Count(cmd.Context(), counts)
			if err != nil {
				return err
			}
			return a.show(cmd, after.Shelves, func(p *page) { shelvesPage(p, after.Shelves) })
		}),
	}
	cmd.Flags().StringVar(&at, "at", "", "when you counted: a `moment` such as 2030-06-01T12:00:00Z, or -20m (default: now)")
	cmd.Flags().Uint64Var(&revision, "revision", 0, "the `revision` of what you saw; of one product")
	return cmd
}

func shelvesPage(p *page, shelves []view.Shelf) {
	p.table([]string{"SKU", "SHELF", "HELD", "UNSHIPPED", "AVAILABLE", "SHORTFALL", "REVISION"}, func(row func(...any)) {
		for _, s := range shelves {
			if s.Unlimited {
				row(s.SKU, "unlimited", s.Held, s.Unshipped, "unlimited", s.Shortfall, s.Revision)
				continue
			}
			row(s.SKU, s.Shelf, s.Held, s.Unshipped, s.Available, s.Shortfall, s.Revision)
		}
	})
}

// stockArg reads "SKU=12" or "SKU=unlimited".
func stockArg(self exchange.ShopID, arg string) (view.ShelfCount, error) {
	var count view.ShelfCount
	i := strings.LastIndexByte(arg, '=')
	if i <= 0 {
		return count, usagef("%q is not SKU=N or SKU=unlimited", arg)
	}
	sku, err := ownSKU(self, arg[:i])
	if err != nil {
		return count, err
	}
	count.SKU = string(sku)
	if arg[i+1:] == "unlimited" {
		count.Unlimited = true
		return count, nil
	}
	n, err := strconv.ParseInt(arg[i+1:], 10, 64)
	if err != nil || n < 0 || n > inventory.MaxStock {
		return count, usagef("%q is not a count of 0 to %d units, or unlimited", arg[i+1:], inventory.MaxStock)
	}
	count.Units = &n
	return count, nil
}
