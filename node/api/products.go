package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/money"
)

// productRoutes look at own and partners' products.
type productRoutes struct {
	desk    *desk.Desk
	catalog Catalog
	own     *catalogRoutes
	shops   *shops
	clock   exchange.Clock
}

func (s *productRoutes) register(r *router) {
	tags := []string{"products"}
	add(r, huma.Operation{
		OperationID: "search-products", Method: http.MethodGet, Path: "/api/v1/products", Tags: append(tags, originalTag),
		Summary: "Search own and partners' products",
		Description: "Every condition given must hold. With a text, the best come first; else by shop and title; sort has other orders. " +
			"A plural finds the singular and the other way round, after what has the words as they stand. " +
			"To follow the catalogs, ask with updated_since for what came, changed or went since.",
	}, route{may: []exchange.Code{exchange.CodeOverflow}, now: asOfNow}, s.searchProducts)
	add(r, huma.Operation{
		OperationID: "get-product", Method: http.MethodGet, Path: "/api/v1/products/{id}", Tags: tags,
		Summary: "One product; with live=1 its supplier is asked what is available now",
	}, route{time: partnerTime, may: mayAsk, relays: true, now: asOfNow, original: "/api/v1/product/{id}"}, s.getProduct)
}

type searchInput struct {
	Text     string          `query:"q" maxLength:"200" doc:"Words; each begins a word of title, SKU, barcode, vendor, option, category or group."`
	Shop     exchange.ShopID `query:"shop" doc:"Of this supplier only."`
	Group    string          `query:"group" maxLength:"255" doc:"Variants of exactly this group."`
	Category string          `query:"category" maxLength:"255" doc:"The category's beginning."`
	MinUSD   string          `query:"min_usd" maxLength:"32" doc:"List price in US dollars, at least. A product whose supplier has no rate is found only without such a limit." example:"10.00"`
	MaxUSD   string          `query:"max_usd" maxLength:"32" doc:"List price in US dollars, at most; as min_usd."`
	InStock  bool            `query:"in_stock" doc:"At least one unit."`
	Sort     string          `query:"sort" enum:"relevance,availability,title,price,-price,updated" doc:"relevance: as without; availability: as relevance, what is in stock first; title: whatever the shop; price, -price: in US dollars, products without last; updated: what this shop learned of last first."`
	Updated  time.Time       `query:"updated_since" doc:"What this shop learned of since then, removals too, the latest first. Give as_of of the answer before." example:"2026-11-30T12:00:00Z"`
	Count    bool            `query:"count" doc:"Tell how many there are: exactly up to about 2,000 and where no condition but shop is given, else at least."`
	Facets   bool            `query:"facets" doc:"Tell how many there are of each shop, category and vendor, and in stock."`
	Limit    int             `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor   string          `query:"cursor" maxLength:"1000" doc:"next of the page before, of the same query."`
}

func (s *productRoutes) searchProducts(ctx context.Context, in *searchInput) (*body[view.Products], error) {
	q := replica.Query{
		Text: in.Text, Shop: in.Shop, Group: in.Group, Category: in.Category,
		InStock: in.InStock, Limit: in.Limit, Cursor: in.Cursor, Sort: replica.Sort(in.Sort),
	}
	if in.Sort == sortRelevance {
		q.Sort = replica.SortBest
	}
	if !in.Updated.IsZero() {
		q.UpdatedSince = max(exchange.TimeOf(in.Updated), 1)
	}
	for text, cents := range map[string]*int64{in.MinUSD: &q.MinCents, in.MaxUSD: &q.MaxCents} {
		if text == "" {
			continue
		}
		m, err := money.Parse(exchange.USD, text)
		if err != nil {
			return nil, err
		}
		*cents = m.Minor
	}
	asOf := s.clock.Now().Add(-newsSlack)
	found, err := s.catalog.Search(ctx, q)
	if err != nil {
		return nil, err
	}
	out := view.Products{Products: make([]view.Product, len(found.Products)), Next: found.Next, Partial: found.Partial}
	for i, p := range found.Products {
		out.Products[i] = productView(p)
	}
	if q.UpdatedSince != 0 {
		s.sayNews(ctx, &out, found, asOf)
	}
	if in.Count || in.Facets {
		total, err := s.catalog.Count(ctx, q)
		if err != nil {
			return nil, err
		}
		s.sayTotal(ctx, &out, total, in)
	}
	return answer(out, nil)
}

const (
	sortRelevance = "relevance"
	// newsSlack is how much earlier than now as_of is: a change is noted before its commit, and a
	// search that runs in between does not see it. No commit takes as long.
	newsSlack = 10 * time.Second
)

// sayNews adds what belongs to an answer about changes.
func (s *productRoutes) sayNews(ctx context.Context, out *view.Products, found Found, asOf exchange.Time) {
	out.AsOf = view.Time(asOf)
	for _, r := range found.Removed {
		out.Removed = append(out.Removed, view.Removed{ID: r.ID, At: view.Time(r.At)})
	}
	for shop, since := range s.catalog.Removals(ctx) {
		out.Shops = append(out.Shops, view.SeenCatalog{Shop: shop, Name: s.shops.nameOf(ctx, shop), Since: view.Time(since)})
	}
	slices.SortFunc(out.Shops, func(a, b view.SeenCatalog) int { return a.Shop.Compare(b.Shop) })
}

func (s *productRoutes) sayTotal(ctx context.Context, out *view.Products, t replica.Total, in *searchInput) {
	if in.Count {
		out.Total = &view.Total{Count: t.Count, AtLeast: t.AtLeast}
	}
	if !in.Facets {
		return
	}
	list := func(facets []replica.Facet, name func(string) string) []view.Facet {
		out := make([]view.Facet, len(facets))
		for i, f := range facets {
			out[i] = view.Facet{Value: f.Value, Name: name(f.Value), Count: f.Count}
		}
		return out
	}
	unnamed := func(string) string { return "" }
	out.Facets = &view.Facets{
		Shops: list(t.Shops, func(id string) string {
			shop, err := exchange.ParseShopID(id)
			if err != nil {
				return ""
			}
			return s.shops.nameOf(ctx, shop)
		}),
		Categories: list(t.Categories, unnamed), Vendors: list(t.Vendors, unnamed), InStock: t.InStock, AtLeast: t.FacetsAtLeast,
	}
}

type productInput struct {
	ID   string `path:"id" maxLength:"300" doc:"ShopID:SKU, percent-encoded."`
	Live bool   `query:"live" doc:"Ask the supplier now. Nothing is held by it."`
}

func (s *productRoutes) getProduct(ctx context.Context, in *productInput) (*body[view.Product], error) {
	id, err := exchange.ParseProductID(in.ID)
	if err != nil {
		return nil, err
	}
	if id.Shop == s.desk.Shop() {
		own, err := s.own.page(ctx, id.SKU)
		if err != nil || !in.Live {
			return answer(own, err)
		}
		return s.live(ctx, id, own)
	}
	found, err := s.catalog.Product(ctx, id)
	if err != nil {
		return nil, err
	}
	out := productView(found)
	if in.Live {
		return s.live(ctx, id, out)
	}
	return answer(out, nil)
}

// live adds what the product's supplier says now.
func (s *productRoutes) live(ctx context.Context, id exchange.ProductID, out view.Product) (*body[view.Product], error) {
	line, err := s.catalog.Live(ctx, id)
	if id.Shop == s.desk.Shop() && exchange.CodeOf(err) == exchange.CodeNotFound {
		line, err = message.StockLine{SKU: id.SKU}, nil // it is off sale
	}
	if err != nil {
		return nil, err
	}
	out.Live = &view.LiveStock{Known: line.Known, Available: view.AvailabilityOf(line.Available)}
	if line.Known {
		out.Live.Price = ptr(view.MoneyOf(line.Price))
	}
	return answer(out, nil)
}

func moneyOrNil(m *exchange.Money) *view.Money {
	if m == nil {
		return nil
	}
	return ptr(view.MoneyOf(*m))
}

func productView(f FoundProduct) view.Product {
	p := f.Product
	out := view.Product{
		ID: f.ID, Shop: f.ID.Shop, ShopName: f.ShopName, Own: f.Own, SKU: p.SKU, Title: p.Title, Group: p.Group,
		Description: p.Description, Vendor: p.Vendor, Category: p.Category, Barcode: p.Barcode, Image: p.Image, Grams: p.Grams,
		Price:     view.MoneyOf(p.Price),
		Options:   optionsView(p.Options),
		Available: view.AvailabilityOf(p.Available), Sellable: f.Sellable, Why: f.Why, Shortfall: f.Shortfall, AsOf: view.Time(f.AsOf),
		Updated: view.Time(f.Updated), DiscountBP: uint32(f.Discount), Cost: moneyOrNil(f.Cost),
	}
	if h := f.Here; h != nil {
		out.Here = &view.HerePrice{Price: view.MoneyOf(h.Price), Cost: moneyOrNil(h.Cost), Rate: h.Rate, Source: h.Source, Date: h.Date}
	}
	out.Summary, out.Tags, out.MoreCategories, out.MoreImages, out.NoShipping = p.Summary, p.Tags, p.MoreCategories, p.MoreImages, p.NoShipping
	if p.CompareAt > 0 {
		out.CompareAt = ptr(view.MoneyOf(exchange.Money{Minor: p.CompareAt, Currency: p.Price.Currency}))
	}
	if p.USD.Known() {
		out.PriceUSD = &view.USDPrice{Money: view.Dollars(p.USD.Cents), Rate: p.USD.Rate, Source: p.USD.Source, Date: p.USD.Date}
	}
	return out
}

func optionsView(options []exchange.Option) (out []view.Option) {
	for _, o := range options {
		out = append(out, view.Option{Name: o.Name, Value: o.Value})
	}
	return out
}
