package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/node/api/view"
)

// stockRoutes count the shelves of the shop's own products.
type stockRoutes struct {
	desk *desk.Desk
}

func (s *stockRoutes) register(r *router) {
	tags := []string{"products"}
	add(r, huma.Operation{
		OperationID: "set-stock", Method: http.MethodPut, Path: "/api/v1/products/{sku}/stock", Tags: tags,
		Summary: "Count the shelf of one of the shop's own products",
	}, route{may: also(mayWrite, exchange.CodeNotFound)}, s.setStock)
	add(r, huma.Operation{
		OperationID: "count-shelves", Method: http.MethodPut, Path: "/api/v1/stock", Tags: tags,
		Summary:     "Count the shelves of several of the shop's own products",
		Description: "All are set, or, where one of them is not a product of the shop, none.",
	}, route{may: also(mayWrite, exchange.CodeNotFound)}, s.countShelves)
}

type stockInput struct {
	SKU  string `path:"sku" maxLength:"128" doc:"Percent-encoded."`
	Body view.SetStock
}

func (s *stockRoutes) setStock(ctx context.Context, in *stockInput) (*body[view.Stock], error) {
	count, err := shelfCount(in.SKU, in.Body)
	if err != nil {
		return nil, err
	}
	stock, err := s.desk.Shelf.SetStock(ctx, count.SKU, count.Units, count.Unlimited)
	return answer(stockView(stock), err)
}

type shelvesInput struct {
	Body view.CountShelves
}

func (s *stockRoutes) countShelves(ctx context.Context, in *shelvesInput) (*body[view.Shelves], error) {
	counts := make([]shelf.Count, len(in.Body.Counts))
	for i, c := range in.Body.Counts {
		var err error
		if counts[i], err = shelfCount(c.SKU, c.SetStock); err != nil {
			return nil, err
		}
	}
	stocks, err := s.desk.Shelf.Count(ctx, counts)
	if err != nil {
		return nil, err
	}
	out := view.Shelves{Shelves: make([]view.Shelf, len(stocks))}
	for i, stock := range stocks {
		out.Shelves[i] = view.Shelf{SKU: counts[i].SKU, Stock: stockView(stock)}
	}
	return answer(out, nil)
}

func shelfCount(name string, set view.SetStock) (shelf.Count, error) {
	sku, err := exchange.ParseSKU(name)
	if err != nil {
		return shelf.Count{}, err
	}
	if (set.Units != nil) == set.Unlimited {
		return shelf.Count{}, exchange.Errorf(exchange.CodeInvalid, "give either units or unlimited: true")
	}
	count := shelf.Count{SKU: sku, Unlimited: set.Unlimited}
	if set.Units != nil {
		count.Units = *set.Units
	}
	return count, nil
}

func stockView(s hold.Stock) view.Stock {
	out := view.Stock{Unlimited: s.Unlimited, Held: s.Held, Unshipped: s.Unshipped(), Revision: s.Revision}
	if !s.Unlimited {
		out.Shelf, out.Available, out.Shortfall = s.Shelf(), s.Available(), s.Shortfall()
		out.Missing, out.Deficit = s.Missing, s.Deficit()
	}
	return out
}
