package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// Baskets are the calls about what the shop holds, orders and gives back as one.
type Baskets struct{ c *Client }

// Baskets are the calls about baskets.
func (c *Client) Baskets() Baskets { return Baskets{c} }

// Hold sets products of several shops aside at once. Where they are not had, the problem (errors.As)
// has the basket, whose parts say why.
func (b Baskets) Hold(ctx context.Context, basket view.NewBasket) (*view.Basket, error) {
	return post[view.Basket](ctx, b.c, path("baskets"), basket)
}

// List lists baskets, one page at a time: those in a state, view.OpenBaskets, or "" = all. limit 0 =
// 50, at most 200. A page may be short, even empty, while Next is set.
func (b Baskets) List(ctx context.Context, state string, limit int, cursor string) (*view.Baskets, error) {
	return get[view.Baskets](ctx, b.c, path("baskets"), values("state", state, "limit", number(limit), "cursor", cursor))
}

// Get is one basket.
func (b Baskets) Get(ctx context.Context, id exchange.BasketID) (*view.Basket, error) {
	return get[view.Basket](ctx, b.c, path("baskets", id.String()), nil)
}

// Extend moves the expiry of every part.
func (b Baskets) Extend(ctx context.Context, id exchange.BasketID, until time.Time) (*view.Basket, error) {
	return post[view.Basket](ctx, b.c, path("baskets", id.String(), "extend"), view.Extend{Until: until})
}

// Order orders every part that is held, and waits for the suppliers' answers, in whole seconds up to
// 30. A basket that not every supplier has answered by then is "ordering".
func (b Baskets) Order(ctx context.Context, id exchange.BasketID, order view.OrderBasket, wait time.Duration) (*view.Basket, error) {
	return as[view.Basket](ctx, b.c, call{
		method: http.MethodPost, path: path("baskets", id.String(), "order"), body: order,
		query: url.Values{"wait": {strconv.Itoa(int(min(max(wait, 0), 30*time.Second) / time.Second))}},
	})
}

// Release gives a basket back.
func (b Baskets) Release(ctx context.Context, id exchange.BasketID) (*view.Basket, error) {
	return as[view.Basket](ctx, b.c, call{method: http.MethodDelete, path: path("baskets", id.String())})
}
