package main

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/money"
)

// searchFlags are a search's conditions and how much of the answer is wanted.
type searchFlags struct {
	shop, group, category string
	minUSD, maxUSD        string
	inStock, all, live    bool
	limit                 int
}

func (a *app) productsCommand() *cobra.Command {
	var o searchFlags
	cmd := &cobra.Command{
		Use:   "products [QUERY]",
		Short: "Search own and partners' products",
		Long: `Searches this shop's products and its partners'. Every word of QUERY begins a word of
the title, SKU, barcode, vendor, category or an option. What stands under PRODUCT is what
souk reserve takes. Prices are list prices, before your discount.`,
		Example: `  souk products --dir shop "running shoes" --in-stock
  souk products --dir shop lamp --shop Birch-Books --max-usd 50
  souk products --dir shop --category "clothing > shoes" --live`,
		Args: takes(0, -1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			return a.search(cmd, c, strings.Join(args, " "), o)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&o.shop, "shop", "", "only products of this `shop`")
	f.StringVar(&o.group, "group", "", "only the variants of one `group`")
	f.StringVar(&o.category, "category", "", "only categories that begin with this `text`")
	f.StringVar(&o.minUSD, "min-usd", "", "at least this `amount` in US dollars")
	f.StringVar(&o.maxUSD, "max-usd", "", "at most this `amount` in US dollars")
	f.BoolVar(&o.inStock, "in-stock", false, "only what can be had now")
	f.BoolVar(&o.live, "live", false, "ask the suppliers what they have at this moment")
	f.IntVar(&o.limit, "limit", replica.DefaultHits, "show at most this `number`")
	f.BoolVar(&o.all, "all", false, "show all, however many")
	return cmd
}

func (a *app) catalogListCommand() *cobra.Command {
	o := searchFlags{}
	cmd := &cobra.Command{
		Use:   "list [QUERY]",
		Short: "List one's own products",
		Example: `  souk catalog list --dir shop
  souk catalog list --dir shop boots --all`,
		Args: takes(0, -1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			shop, err := c.Shop(cmd.Context())
			if err != nil {
				return err
			}
			o.shop = shop.Shop.String()
			return a.search(cmd, c, strings.Join(args, " "), o)
		}),
	}
	cmd.Flags().IntVar(&o.limit, "limit", replica.DefaultHits, "show at most this `number`")
	cmd.Flags().BoolVar(&o.all, "all", false, "show all, however many")
	return cmd
}

func (a *app) search(cmd *cobra.Command, c *client.Client, text string, o searchFlags) error {
	if o.limit < 1 {
		return usagef("--limit is at least 1")
	}
	fed, err := loadFederation(cmd.Context(), c)
	if err != nil {
		return err
	}
	q := replica.Query{Text: text, Group: o.group, Category: o.category, InStock: o.inStock}
	if o.shop != "" {
		k, err := findShop(fed.shops, o.shop)
		if err != nil {
			return err
		}
		q.Shop = k.shop
	}
	for said, to := range map[string]*int64{o.minUSD: &q.MinCents, o.maxUSD: &q.MaxCents} {
		if said == "" {
			continue
		}
		m, err := money.Parse(exchange.USD, said)
		if err != nil {
			return &usageError{err}
		}
		*to = m.Minor
	}
	found, err := allPages(cmd, c, q, o)
	if err != nil {
		return err
	}
	if o.live {
		for i, p := range found.Products {
			now, err := c.Product(cmd.Context(), p.ID, true)
			switch {
			case err == nil:
				found.Products[i] = *now
			case exchange.CodeOf(err) == exchange.CodeUnavailable:
				found.Products[i].Sellable, found.Products[i].Why = false, "the supplier does not answer now"
			default:
				return err
			}
		}
	}
	return a.show(cmd, found, func(p *page) { productsPage(p, fed, found) })
}

// allPages collects as many hits as were asked for.
func allPages(cmd *cobra.Command, c *client.Client, q replica.Query, o searchFlags) (*view.Products, error) {
	out := &view.Products{Products: []view.Product{}}
	for {
		q.Limit = replica.MaxHits
		if !o.all {
			q.Limit = min(q.Limit, o.limit-len(out.Products))
		}
		got, err := c.Products(cmd.Context(), q)
		if err != nil {
			return nil, err
		}
		out.Products, out.Next, out.Partial = append(out.Products, got.Products...), got.Next, out.Partial || got.Partial
		if got.Next == "" || !o.all && len(out.Products) >= o.limit {
			return out, nil
		}
		q.Cursor = got.Next
	}
}

func productsPage(p *page, fed *federation, found *view.Products) {
	if len(found.Products) == 0 {
		p.line("Nothing found.")
		return
	}
	p.table([]string{"PRODUCT", "TITLE", "PRICE", "USD", "AVAILABLE", ""}, func(row func(...any)) {
		for _, v := range found.Products {
			row(quoteArg(fed.productRef(v.ID)), fullTitle(v), moneyText(v.Price), v.PriceUSD.Amount, availableText(v), localTimes(v.Why))
		}
	})
	if found.Partial {
		p.line("A word is too common, so this is not all: add words.")
	}
	if found.Next != "" {
		p.line("There are more: --limit N or --all")
	}
}

func availableText(v view.Product) string {
	available, mark := v.Available, ""
	if v.Live != nil {
		available, mark = v.Live.Available, " now"
		if !v.Live.Known {
			return "gone"
		}
	}
	if available.Unlimited {
		return "unlimited" + mark
	}
	return strconv.FormatInt(available.Units, 10) + mark
}

func moneyText(m view.Money) string { return m.Amount + " " + string(m.Currency) }
