package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/money"
)

// productRoutes look at own and partners' products.
type productRoutes struct {
	desk    *desk.Desk
	catalog Catalog
}

func (s *productRoutes) register(r *router) {
	tags := []string{"products"}
	add(r, huma.Operation{
		OperationID: "search-products", Method: http.MethodGet, Path: "/api/v1/products", Tags: append(tags, originalTag),
		Summary:     "Search own and partners' products",
		Description: "Every condition given must hold. With a text, the best come first; else by shop and title.",
	}, route{may: []exchange.Code{exchange.CodeOverflow}}, s.searchProducts)
	add(r, huma.Operation{
		OperationID: "get-product", Method: http.MethodGet, Path: "/api/v1/products/{id}", Tags: tags,
		Summary: "One product; with live=1 its supplier is asked what is available now",
	}, route{time: partnerTime, may: mayAsk, relays: true, original: "/api/v1/product/{id}"}, s.getProduct)
}

type searchInput struct {
	Text     string          `query:"q" maxLength:"200" doc:"Words; each begins a word of title, SKU, barcode, vendor, option, category or group."`
	Shop     exchange.ShopID `query:"shop" doc:"Of this supplier only."`
	Group    string          `query:"group" maxLength:"255" doc:"Variants of exactly this group."`
	Category string          `query:"category" maxLength:"255" doc:"The category's beginning."`
	MinUSD   string          `query:"min_usd" maxLength:"32" doc:"List price in US dollars, at least." example:"10.00"`
	MaxUSD   string          `query:"max_usd" maxLength:"32" doc:"List price in US dollars, at most."`
	InStock  bool            `query:"in_stock" doc:"At least one unit."`
	Limit    int             `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor   string          `query:"cursor" maxLength:"1000" doc:"next of the page before, of the same query."`
}

func (s *productRoutes) searchProducts(ctx context.Context, in *searchInput) (*body[view.Products], error) {
	q := replica.Query{
		Text: in.Text, Shop: in.Shop, Group: in.Group, Category: in.Category,
		InStock: in.InStock, Limit: in.Limit, Cursor: in.Cursor,
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
	found, err := s.catalog.Search(ctx, q)
	if err != nil {
		return nil, err
	}
	out := view.Products{Products: make([]view.Product, len(found.Products)), Next: found.Next, Partial: found.Partial}
	for i, p := range found.Products {
		out.Products[i] = productView(p)
	}
	return answer(out, nil)
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
	found, err := s.catalog.Product(ctx, id)
	if err != nil {
		return nil, err
	}
	out := productView(found)
	if found.Own {
		stock, err := s.desk.Shelf.Stock(id.SKU)
		if err != nil {
			return nil, err
		}
		out.Stock, out.Available = ptr(stockView(stock)), view.AvailabilityOf(stock.Availability())
	}
	if in.Live {
		line, err := s.catalog.Live(ctx, id)
		if err != nil {
			return nil, err
		}
		out.Live = &view.LiveStock{Known: line.Known, Available: view.AvailabilityOf(line.Available)}
		if line.Known {
			out.Live.Price = ptr(view.MoneyOf(line.Price))
		}
	}
	return answer(out, nil)
}

func productView(f FoundProduct) view.Product {
	p := f.Product
	out := view.Product{
		ID: f.ID, Shop: f.ID.Shop, ShopName: f.ShopName, Own: f.Own, SKU: p.SKU, Title: p.Title, Group: p.Group,
		Description: p.Description, Vendor: p.Vendor, Category: p.Category, Barcode: p.Barcode, Image: p.Image, Grams: p.Grams,
		Price:     view.MoneyOf(p.Price),
		PriceUSD:  view.USDPrice{Money: view.Dollars(p.USD.Cents), Rate: p.USD.Rate, Source: p.USD.Source, Date: p.USD.Date},
		Available: view.AvailabilityOf(p.Available), Sellable: f.Sellable, Why: f.Why, AsOf: view.Time(f.AsOf),
	}
	for _, o := range p.Options {
		out.Options = append(out.Options, view.Option{Name: o.Name, Value: o.Value})
	}
	return out
}
