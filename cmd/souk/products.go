package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

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
	sort, since           string
	count                 bool
	limit                 int
}

func (a *app) productsCommand() *cobra.Command {
	var o searchFlags
	cmd := &cobra.Command{
		Use:   "products [QUERY]",
		Short: "Search own and partners' products",
		Long: `Searches this shop's products and its partners'. Every word of QUERY begins a word of
the title, SKU, barcode, vendor, category or an option; a plural finds the singular and the
other way round. What stands under PRODUCT is what souk reserve takes. PRICE is the list
price, COST what one unit costs you by the terms in force; what that is in your currency
stands beside it, by your newest rates (souk catalog rates), to compare by: you pay in the
supplier's.

--sort: relevance (the best first; without QUERY by shop and title), availability (the same,
with what is in stock first), title, price, -price (in US dollars), updated (what this shop
learned of last first). --updated-since tells what came, changed or went since; the answer
under --json has as_of, which is what to give next time.`,
		Example: `  souk products --dir shop "running shoes" --in-stock
  souk products --dir shop lamp --shop Birch-Books --max-usd 50 --sort price --count
  souk products --dir shop --updated-since 24h --all
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
	f.StringVar(&o.minUSD, "min-usd", "", "at least this `amount` in US dollars; leaves out what has no price in dollars")
	f.StringVar(&o.maxUSD, "max-usd", "", "at most this `amount` in US dollars; as --min-usd")
	f.BoolVar(&o.inStock, "in-stock", false, "only what can be had now")
	f.StringVar(&o.sort, "sort", "", "`order`: relevance, availability, title, price, -price or updated")
	f.StringVar(&o.since, "updated-since", "", "only what changed since: a `time` ago such as 24h or 7d, or a moment such as 2026-11-30T12:00:00Z")
	f.BoolVar(&o.count, "count", false, "say how many there are, and of which shops, categories and vendors")
	f.BoolVar(&o.live, "live", false, "ask the suppliers what they have at this moment")
	f.IntVar(&o.limit, "limit", replica.DefaultHits, "show at most this `number`")
	f.BoolVar(&o.all, "all", false, "show all, however many")
	return cmd
}

func (a *app) catalogListCommand() *cobra.Command {
	o := searchFlags{}
	withdrawn := false
	cmd := &cobra.Command{
		Use:   "list [QUERY]",
		Short: "List one's own products",
		Long: `Lists this shop's products that are for sale. With --withdrawn it lists those that are
not: withdrawn by your own system, as drafts are, or removed by you, and since when. With
--all it lists them all, by SKU.`,
		Example: `  souk catalog list --dir shop
  souk catalog list --dir shop boots --all
  souk catalog list --dir shop --withdrawn`,
		Args: takes(0, -1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			shop, err := c.Shop(cmd.Context())
			if err != nil {
				return err
			}
			if withdrawn || o.all {
				return a.listCatalog(cmd, c, strings.Join(args, " "), o, withdrawn)
			}
			o.shop = shop.Shop.String()
			return a.search(cmd, c, strings.Join(args, " "), o)
		}),
	}
	cmd.Flags().IntVar(&o.limit, "limit", replica.DefaultHits, "show at most this `number`")
	cmd.Flags().BoolVar(&o.all, "all", false, "show all, however many, and those that are off sale")
	cmd.Flags().BoolVar(&withdrawn, "withdrawn", false, "show those that are off sale, withdrawn or removed")
	return cmd
}

// listCatalog lists own products by SKU, those that are off sale too, or them alone.
func (a *app) listCatalog(cmd *cobra.Command, c *client.Client, text string, o searchFlags, withdrawn bool) error {
	if o.limit < 1 {
		return usagef("--limit is at least 1")
	}
	q := client.CatalogQuery{Text: text, Limit: replica.MaxHits}
	if withdrawn {
		q.State = view.StateOffSale
	}
	out := &view.Products{Products: []view.Product{}}
	for {
		if !o.all {
			q.Limit = min(replica.MaxHits, o.limit-len(out.Products))
		}
		got, err := c.Catalog(cmd.Context(), q)
		if err != nil {
			return err
		}
		out.Products, out.Next = append(out.Products, got.Products...), got.Next
		if got.Next == "" || !o.all && len(out.Products) >= o.limit {
			break
		}
		q.Cursor = got.Next
	}
	return a.show(cmd, out, func(p *page) { catalogPage(p, out) })
}

func catalogPage(p *page, found *view.Products) {
	if len(found.Products) == 0 {
		p.line("Nothing found.")
		return
	}
	p.table([]string{"PRODUCT", "TITLE", "PRICE", "USD", "AVAILABLE", "STATE", ""}, func(row func(...any)) {
		for _, v := range found.Products {
			l, more := v.Listing, ""
			if l.State != view.StateListed {
				more = "since " + timeText(l.Since)
			}
			if l.Reason != "" {
				more = l.Reason + ", " + more
			}
			if v.Shortfall > 0 {
				more = strings.TrimPrefix(fmt.Sprintf("%s; %s", more, missingText(v.Shortfall)), "; ")
			}
			row(quoteArg(string(v.SKU)), fullTitle(v.Title, v.Options), moneyText(v.Price), priceUSDText(v), availableText(v), l.State, more)
		}
	})
	if found.Next != "" {
		p.line("There are more: --limit N or --all")
	}
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
	if q.Sort = replica.Sort(o.sort); o.sort == "relevance" {
		q.Sort = replica.SortBest
	}
	if !slices.Contains(replica.Sorts, q.Sort) {
		return usagef("--sort is relevance, availability, title, price, -price or updated, not %q", o.sort)
	}
	if o.since != "" {
		if q.UpdatedSince, err = a.since(o.since); err != nil {
			return err
		}
	}
	found, err := allPages(cmd, c, q, o)
	if err != nil {
		return err
	}
	if o.live {
		if err := askLive(cmd, c, found); err != nil {
			return err
		}
	}
	return a.show(cmd, found, func(p *page) { productsPage(p, fed, found) })
}

// askLive asks the suppliers of all products found what is available now, each that does not answer
// once.
func askLive(cmd *cobra.Command, c *client.Client, found *view.Products) error {
	silent := make(map[exchange.ShopID]bool)
	for i, p := range found.Products {
		if silent[p.Shop] {
			found.Products[i].Sellable, found.Products[i].Why = false, "the supplier does not answer now"
			continue
		}
		now, err := c.Product(cmd.Context(), p.ID, true)
		switch {
		case err == nil:
			found.Products[i] = *now
		case exchange.CodeOf(err) == exchange.CodeUnavailable:
			silent[p.Shop] = true
			found.Products[i].Sellable, found.Products[i].Why = false, "the supplier does not answer now"
		default:
			return err
		}
	}
	return nil
}

// allPages collects as many hits as were asked for.
func allPages(cmd *cobra.Command, c *client.Client, q replica.Query, o searchFlags) (*view.Products, error) {
	out := &view.Products{Products: []view.Product{}}
	for {
		q.Limit = replica.MaxHits
		if !o.all {
			q.Limit = min(q.Limit, o.limit-len(out.Products)-len(out.Removed))
		}
		ask := c.Products
		first := q.Cursor == ""
		if o.count && first {
			ask = c.ProductsCounted
		}
		got, err := ask(cmd.Context(), q)
		if err != nil {
			return nil, err
		}
		if first {
			out.Total, out.Facets, out.AsOf, out.Shops = got.Total, got.Facets, got.AsOf, got.Shops
		}
		out.Products, out.Next, out.Partial = append(out.Products, got.Products...), got.Next, out.Partial || got.Partial
		out.Removed = append(out.Removed, got.Removed...)
		if got.Next == "" || !o.all && len(out.Products)+len(out.Removed) >= o.limit {
			return out, nil
		}
		q.Cursor = got.Next
	}
}

func productsPage(p *page, fed *federation, found *view.Products) {
	if len(found.Products)+len(found.Removed) == 0 {
		p.line("Nothing found.")
	} else if len(found.Products) > 0 {
		productRows(p, fed, found.Products)
	}
	for _, r := range found.Removed {
		p.line("Gone: %s, since %s", quoteArg(fed.productRef(r.ID)), timeText(r.At))
	}
	if found.Partial {
		p.line("A word is too common, so this is not all: add words.")
	}
	totalLines(p, found)
	if found.Next != "" {
		p.line("There are more: --limit N or --all")
	}
}

// priceUSDText is empty where the supplier has no rate.
func priceUSDText(v view.Product) string {
	if v.PriceUSD == nil {
		return ""
	}
	return v.PriceUSD.Amount
}

// remarkText says why a product is not sellable, and of an own one how much is promised and missing.
func remarkText(v view.Product) string {
	why := localTimes(v.Why)
	if v.Shortfall == 0 {
		return why
	}
	return strings.TrimPrefix(fmt.Sprintf("%s; %s", why, missingText(v.Shortfall)), "; ")
}

func missingText(shortfall int64) string { return fmt.Sprintf("%d promised and not there", shortfall) }

// productRows is a table of products. It has what they cost, and what that is in the own currency,
// where a product has it.
func productRows(p *page, fed *federation, list []view.Product) {
	costs := slices.ContainsFunc(list, func(v view.Product) bool { return v.Cost != nil })
	var here *view.HerePrice
	head := []string{"PRODUCT", "TITLE", "PRICE"}
	if costs {
		head = append(head, "COST")
	}
	if i := slices.IndexFunc(list, func(v view.Product) bool { return v.Here != nil }); i >= 0 {
		here = list[i].Here
		head = append(head, "ABOUT "+string(here.Price.Currency))
	}
	p.table(append(head, "USD", "AVAILABLE", ""), func(row func(...any)) {
		for _, v := range list {
			cells := []any{quoteArg(fed.productRef(v.ID)), fullTitle(v.Title, v.Options), moneyText(v.Price)}
			if costs {
				cells = append(cells, amountText(v.Cost))
			}
			if here != nil {
				cells = append(cells, hereText(v.Here))
			}
			row(append(cells, priceUSDText(v), availableText(v), remarkText(v))...)
		}
	})
	if here != nil {
		p.line("About %s: the cost, else the price, by the %s rates of %s.", string(here.Price.Currency), here.Source, here.Date)
	}
}

func amountText(m *view.Money) string {
	if m == nil {
		return ""
	}
	return m.Amount
}

func hereText(h *view.HerePrice) string {
	switch {
	case h == nil:
		return ""
	case h.Cost != nil:
		return h.Cost.Amount
	}
	return h.Price.Amount
}

// totalLines say how many products there are, where that was asked for.
func totalLines(p *page, found *view.Products) {
	count := func(n int, atLeast bool) string {
		if atLeast {
			return "at least " + plainNumber(uint64(n))
		}
		return plainNumber(uint64(n))
	}
	if t := found.Total; t != nil {
		p.line("Products: %s", count(t.Count, t.AtLeast))
	}
	f := found.Facets
	if f == nil {
		return
	}
	p.line("In stock: %s", count(f.InStock, f.AtLeast))
	for _, facet := range []struct {
		name string
		list []view.Facet
	}{{"Shops", f.Shops}, {"Categories", f.Categories}, {"Vendors", f.Vendors}} {
		var parts []string
		for _, v := range facet.list[:min(len(facet.list), maxFacetShown)] {
			name := v.Value
			if v.Name != "" {
				name = v.Name
			}
			parts = append(parts, name+" "+count(v.Count, f.AtLeast))
		}
		if len(facet.list) > maxFacetShown {
			parts = append(parts, "…")
		}
		if len(parts) > 0 {
			p.line("%s: %s", facet.name, strings.Join(parts, ", "))
		}
	}
}

// maxFacetShown is how many values of a facet fit a screen; --json has all.
const maxFacetShown = 10

// since reads a span before now, or a moment.
func (a *app) since(text string) (exchange.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return exchange.TimeOf(at), nil
	}
	d, err := parseDuration(text)
	if err != nil {
		return 0, usagef("--updated-since is a time ago such as 24h or 7d, or a moment such as 2026-11-30T12:00:00Z, not %q", text)
	}
	return exchange.TimeOf(a.now().Add(-d)), nil
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
