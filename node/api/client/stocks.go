package client

import (
	"context"
	"net/http"
	"strconv"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// Stocks are the calls about the stocks of the shop's own products.
type Stocks struct{ c *Client }

// Stocks are the calls about stocks.
func (c *Client) Stocks() Stocks { return Stocks{c} }

// Of is the stock of one of the shop's own products.
func (s Stocks) Of(ctx context.Context, sku exchange.SKU) (*view.Stock, error) {
	return get[view.Stock](ctx, s.c, path("products", string(sku), "stock"), nil)
}

// Set counts the shelf of one of the shop's own products.
func (s Stocks) Set(ctx context.Context, sku exchange.SKU, stock view.SetStock) (*view.Stock, error) {
	return as[view.Stock](ctx, s.c, call{method: http.MethodPut, path: path("products", string(sku), "stock"), body: stock})
}

// SetOf is Set for what was made of the stock at a revision: of another one it fails with
// exchange.CodeStale, and the problem (errors.As) has the stock as it is.
func (s Stocks) SetOf(ctx context.Context, sku exchange.SKU, stock view.SetStock, revision uint64) (*view.Stock, error) {
	return as[view.Stock](ctx, s.c, call{
		method: http.MethodPut, path: path("products", string(sku), "stock"), body: stock, ifMatch: strconv.Quote(strconv.FormatUint(revision, 10)),
	})
}

// Count counts the shelves of several of the shop's own products, all or none.
func (s Stocks) Count(ctx context.Context, counts view.CountShelves) (*view.Shelves, error) {
	return as[view.Shelves](ctx, s.c, call{method: http.MethodPut, path: path("stock"), body: counts})
}

// Tell tells what the shop's other channels did to the shelf.
func (s Stocks) Tell(ctx context.Context, tell view.TellMovements) (*view.MovementResults, error) {
	return post[view.MovementResults](ctx, s.c, path("stock", "movements"), tell)
}

// Movements is the journal of a product's stock, the newest first, one page at a time; limit 0 =
// 50, at most 200.
func (s Stocks) Movements(ctx context.Context, sku exchange.SKU, limit int, cursor string) (*view.Movements, error) {
	return get[view.Movements](ctx, s.c, path("products", string(sku), "movements"), values("limit", number(limit), "cursor", cursor))
}
