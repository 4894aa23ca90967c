package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/money"
)

// What the owner says of single products: off sale, back, at another price.

func (a catalogCommands) removeCommand() *cobra.Command {
	var release bool
	cmd := &cobra.Command{
		Use:   "remove SKU…",
		Short: "Take products off sale until you publish them again",
		Long: `Takes products off sale by your word: partners lose them within a second, and nobody can
hold them. No import brings them back, tonight's neither; souk catalog publish does. Open
reservations and orders keep their quotes. Stock and history stay.

With --release-holds, as for a recall, open reservations of them are ended at once, their
shops are told, and an order of one is refused. Orders that were placed stay: reject or
cancel them by hand. To remove what is removed is no error.`,
		Example: `  souk catalog remove --dir shop SHOE-42
  souk catalog remove --dir shop KETTLE-1 KETTLE-2 --release-holds`,
		Args: takes(1, -1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			skus, err := ownProducts(cmd.Context(), c, args)
			if err != nil {
				return err
			}
			var done []view.Removal
			for _, sku := range skus {
				r, err := c.RemoveProduct(cmd.Context(), sku, release)
				if err != nil {
					return partly(err, len(done), "removed")
				}
				done = append(done, *r)
			}
			return a.show(cmd, done, func(p *page) {
				for _, r := range done {
					removalLine(p, &r, release)
				}
			})
		}),
	}
	cmd.Flags().BoolVar(&release, "release-holds", false, "also end open reservations of them, as for a recall")
	return cmd
}

func removalLine(p *page, r *view.Removal, release bool) {
	said := "is removed: off sale until souk catalog publish"
	if r.Again {
		said = "was removed already, since " + timeText(r.Product.Listing.Since)
	}
	switch held := r.Product.Stock.Held; {
	case release:
		said += "; " + plural(int64(r.Released), "open reservation") + " ended"
	case held > 0:
		said += "; " + plural(held, "unit") + " in open reservations may still be ordered"
	}
	p.line("%s %s.", string(r.Product.SKU), said)
}

func (a catalogCommands) publishCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "publish SKU…",
		Short: "Bring back products that you have removed",
		Long: `Takes souk catalog remove back. A product that your own system has off sale as well, such
as a draft, stays off sale until an import has it for sale again.`,
		Example: `  souk catalog publish --dir shop SHOE-42`,
		Args:    takes(1, -1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			skus, err := ownProducts(cmd.Context(), c, args)
			if err != nil {
				return err
			}
			var done []view.Product
			for _, sku := range skus {
				v, err := c.PublishProduct(cmd.Context(), sku)
				if err != nil {
					return partly(err, len(done), "published")
				}
				done = append(done, *v)
			}
			return a.show(cmd, done, func(p *page) {
				for _, v := range done {
					if l := v.Listing; l.State == view.StateWithdrawn {
						p.line("%s is not removed, and stays off sale: your own system withdraws it (%s). An import that has it for sale brings it back.", string(v.SKU), l.Reason)
						continue
					}
					p.line("%s is for sale; %s available.", string(v.SKU), availableText(v))
				}
			})
		}),
	}
}

func (a catalogCommands) setPriceCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "set-price SKU=PRICE…",
		Short: "Set list prices",
		Long: `Sets the list price of products, in the shop's currency, and ends their sales. Quotes that
were given stay as they are. The next import that has another price changes it again.
A product that is off sale stays off.`,
		Example: `  souk catalog set-price --dir shop SHOE-42=89.90 SHOE-43=94.90`,
		Args:    takes(1, -1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			shop, err := c.Shop(cmd.Context())
			if err != nil {
				return err
			}
			var refs []string
			var prices []view.Amount
			for _, arg := range args {
				i := strings.LastIndexByte(arg, '=')
				if i <= 0 {
					return usagef("%q is not SKU=PRICE", arg)
				}
				m, err := money.Parse(shop.Currency, arg[i+1:])
				if err != nil {
					return &usageError{err}
				}
				refs, prices = append(refs, arg[:i]), append(prices, view.Amount{Minor: &m.Minor, Currency: m.Currency})
			}
			skus, err := ownProducts(cmd.Context(), c, refs)
			if err != nil {
				return err
			}
			var done []view.Product
			for i, sku := range skus {
				v, err := c.SetPrice(cmd.Context(), sku, prices[i])
				if err != nil {
					return partly(err, len(done), "priced")
				}
				done = append(done, *v)
			}
			return a.show(cmd, done, func(p *page) {
				p.table([]string{"SKU", "TITLE", "PRICE", "USD"}, func(row func(...any)) {
					for _, v := range done {
						row(v.SKU, fullTitle(v.Title, v.Options), moneyText(v.Price), priceUSDText(v))
					}
				})
				for _, v := range done {
					staysOffLine(p, &v)
				}
			})
		}),
	}
}

// staysOffLine says of a product off sale that a new price does not bring it back, and what does.
func staysOffLine(p *page, v *view.Product) {
	switch l := v.Listing; {
	case l == nil:
	case l.State == view.StateRemoved:
		p.line("%s stays off sale: you have removed it; souk catalog publish brings it back.", string(v.SKU))
	case l.State == view.StateWithdrawn:
		p.line("%s stays off sale: your own system withdraws it (%s). An import that has it for sale brings it back.", string(v.SKU), l.Reason)
	}
}

// ownProducts reads SKUs of this shop's products. Where one of them is unknown, it names all
// that are, so that nothing is done by half.
func ownProducts(ctx context.Context, c *client.Client, args []string) ([]exchange.SKU, error) {
	shop, err := c.Shop(ctx)
	if err != nil {
		return nil, err
	}
	var skus []exchange.SKU
	var unknown []string
	for _, arg := range args {
		sku, err := ownSKU(shop.Shop, arg)
		if err != nil {
			return nil, err
		}
		_, err = c.Product(ctx, exchange.ProductID{Shop: shop.Shop, SKU: sku}, false)
		switch exchange.CodeOf(err) {
		case exchange.CodeOK:
			skus = append(skus, sku)
		case exchange.CodeNotFound:
			unknown = append(unknown, string(sku))
		default:
			return nil, err
		}
	}
	if len(unknown) > 0 {
		return nil, exchange.Errorf(exchange.CodeNotFound, "this shop does not have %s; nothing was changed. See souk catalog list", strings.Join(unknown, ", "))
	}
	return skus, nil
}

// partly adds to an error how many products were done before it.
func partly(err error, done int, what string) error {
	if done == 0 {
		return err
	}
	return exchange.Errorf(exchange.CodeOf(err), "%w; %s before it: run the command again", err, plural(int64(done), "product")+" "+what)
}

func (a catalogCommands) historyCommand() *cobra.Command {
	return a.journalCommand("history", `  souk catalog history --dir shop SHOE-42
  souk catalog history --dir shop SHOE-42 --limit 0 --json`)
}

// journalCommand shows who took the last pair, when, and through which channel.
func (a catalogCommands) journalCommand(name, example string) *cobra.Command {
	limit := 50
	cmd := &cobra.Command{
		Use:   name + " SKU",
		Short: "Show what has moved a product's stock",
		Long: `Shows the journal of a product's stock, the newest first: who took the last pair, when, and
through which channel. It has what your channels told, shipments, counts, figures of files,
orders and cancellations: the newest 2,000 of 400 days, and all of the last 8 days.
Reservations are not in it. SHELF is what lay there after it; ordered and cancelled leave the
shelf as it is, and so does what a count or file had when it was told (contained).`,
		Example: example,
		Args:    takes(1, 1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			if limit < 0 {
				return usagef("--limit is 1 or more, or 0 for all")
			}
			fed, err := loadFederation(cmd.Context(), c)
			if err != nil {
				return err
			}
			sku, err := ownSKU(fed.self, args[0])
			if err != nil {
				return err
			}
			list, err := history(cmd.Context(), c, sku, limit)
			if err != nil {
				return err
			}
			return a.show(cmd, list, func(p *page) { historyPage(p, fed, list) })
		}),
	}
	cmd.Flags().IntVar(&limit, "limit", limit, "at most this `number`; 0 = all")
	return cmd
}

// history collects up to limit movements; 0 = all.
func history(ctx context.Context, c *client.Client, sku exchange.SKU, limit int) (*view.Movements, error) {
	const most = 200 // of one page
	out := &view.Movements{Movements: []view.Movement{}}
	for cursor := ""; ; cursor = out.Next {
		n := most
		if limit > 0 {
			n = min(n, limit-len(out.Movements))
		}
		got, err := c.Stocks().Movements(ctx, sku, n, cursor)
		if err != nil {
			return nil, err
		}
		got.Movements = append(out.Movements, got.Movements...)
		out = got
		if out.Next == "" || len(out.Movements) == limit {
			return out, nil
		}
	}
}

func historyPage(p *page, fed *federation, list *view.Movements) {
	if list.Pool != "" {
		p.line("It sells from the shared stock %s:", strings.TrimPrefix(list.Pool, "~"))
	}
	if len(list.Movements) == 0 {
		p.line("Nothing has moved it.")
		return
	}
	p.table([]string{"AT", "KIND", "UNITS", "SHELF", ""}, func(row func(...any)) {
		for _, m := range list.Movements {
			of := m.Source
			switch {
			case m.Order.IsZero():
			case m.Partner == fed.self:
				of = fmt.Sprintf("sale %v", m.Order)
			default:
				of = fmt.Sprintf("order %v of %s", m.Order, fed.name(m.Partner))
			}
			for _, more := range []string{m.Channel, m.Reference, m.Note} {
				if more != "" {
					of = strings.TrimSpace(of + " " + more)
				}
			}
			if m.Contained {
				of = strings.TrimSpace(of + " (contained)")
			}
			if m.Told != nil {
				of = strings.TrimSpace(of + " (told " + timeText(*m.Told) + ")")
			}
			if m.SKU != "" {
				of = strings.TrimSpace(string(m.SKU) + " " + of)
			}
			units := fmt.Sprintf("%+d", m.Units)
			if m.Kind == "ordered" || m.Kind == "cancelled" {
				units = fmt.Sprint(m.Units)
			}
			row(timeText(m.At), m.Kind, units, m.Shelf, of)
		}
	})
	if list.Next != "" {
		p.line("There are more: --limit N, or 0 for all")
	}
}

func (a catalogCommands) sourcesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "sources",
		Short: "Show what files were imported, and what their figures mean",
		Long: `Shows each file or system that products were imported from: what its stock figure means,
how soon it books Souk's orders, how far its clock may be off, and when it was imported
last. What they are is said by souk catalog import, or by [[source]] tables in shop.toml.`,
		Example: `  souk catalog sources --dir shop`,
		Args:    takes(0, 0),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, _ []string) error {
			list, err := c.Sources(cmd.Context())
			if err != nil {
				return err
			}
			return a.show(cmd, list, func(p *page) { sourcesPage(p, list) })
		}),
	}
}

func sourcesPage(p *page, list *view.Sources) {
	if len(list.Sources) == 0 {
		p.line("Nothing was imported yet: souk catalog import FILE")
		return
	}
	open := false
	p.table([]string{"SOURCE", "STOCK FIGURE", "BOOKED WITHIN", "CLOCK SLACK", "IMPORTED", ""}, func(row func(...any)) {
		for _, s := range list.Sources {
			figure, more := s.StockFigure, []string{}
			if figure == "" {
				figure, open = "not chosen", true
			}
			if s.Configured {
				more = append(more, "in "+shopFile)
			}
			if s.QualifySKU {
				more = append(more, "its ID before each SKU")
			}
			if len(s.Locations) > 0 {
				more = append(more, "of "+strings.Join(s.Locations, ", "))
			}
			if s.Columns != "" {
				more = append(more, "columns "+s.Columns)
			}
			row(s.Name, figure, s.BookedWithin, s.ClockSlack, timeText(s.Imported), strings.Join(more, "; "))
		}
	})
	if open {
		p.line("Where no meaning is chosen, the least of the three is taken. Say --stock-figure on-hand, free or free-unaware with the next import; see souk catalog import --help.")
	}
}
