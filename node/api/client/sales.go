package client

import (
	"context"
	"net/http"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// Sales are the calls on what the shop's own channels sell, and on what is kept for them.
type Sales struct{ c *Client }

// Sales are the calls on what the shop's own channels sell.
func (c *Client) Sales() Sales { return Sales{c} }

// Sell records a sale.
func (s Sales) Sell(ctx context.Context, sale view.NewSale) (*view.Sale, error) {
	return post[view.Sale](ctx, s.c, path("sales"), sale)
}

// SalesQuery asks for sales; what is not set is not asked for.
type SalesQuery struct {
	Status    string       // view.OpenSales = those of which something is to be shipped
	Reference string       // exactly this
	Tracking  string       // exactly a parcel's
	SKU       exchange.SKU // with a line of this product
	From, To  time.Time    // sold at From or later, before To
	Limit     int          // 0 = 50; at most 200
	Cursor    string       // view.Sales.Next of the page before
}

// List lists sales, one page at a time. A page may be short, even empty, while Next is set.
func (s Sales) List(ctx context.Context, q SalesQuery) (*view.Sales, error) {
	return get[view.Sales](ctx, s.c, path("sales"), values("status", q.Status, "reference", q.Reference, "tracking", q.Tracking,
		"sku", string(q.SKU), "from", moment(q.From), "to", moment(q.To), "limit", number(q.Limit), "cursor", q.Cursor))
}

// Get is one sale.
func (s Sales) Get(ctx context.Context, id exchange.OrderID) (*view.Sale, error) {
	return get[view.Sale](ctx, s.c, path("sales", id.String()), nil)
}

// Ship sends units on their way.
func (s Sales) Ship(ctx context.Context, id exchange.OrderID, ship view.Ship) (*view.Sale, error) {
	return post[view.Sale](ctx, s.c, path("sales", id.String(), "ship"), ship)
}

// Cancel cancels units that have not left.
func (s Sales) Cancel(ctx context.Context, id exchange.OrderID, cancel view.Cancel) (*view.Sale, error) {
	return post[view.Sale](ctx, s.c, path("sales", id.String(), "cancel"), cancel)
}

// Return takes units back.
func (s Sales) Return(ctx context.Context, id exchange.OrderID, back view.Return) (*view.Sale, error) {
	return post[view.Sale](ctx, s.c, path("sales", id.String(), "return"), back)
}

// Limits is what partners are not offered of an own product.
func (s Sales) Limits(ctx context.Context, sku exchange.SKU) (*view.Limits, error) {
	return get[view.Limits](ctx, s.c, path("products", string(sku), "limits"), nil)
}

// SetLimits changes it.
func (s Sales) SetLimits(ctx context.Context, sku exchange.SKU, limits view.SetLimits) (*view.Limits, error) {
	return as[view.Limits](ctx, s.c, call{method: http.MethodPut, path: path("products", string(sku), "limits"), body: limits})
}
