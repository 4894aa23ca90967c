package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/node/api/view"
)

// stockRoutes are what people and the shop's other channels say of the shelves.
type stockRoutes struct {
	desk  *desk.Desk
	clock exchange.Clock
}

func (s *stockRoutes) register(r *router) {
	tags := []string{"products"}
	add(r, huma.Operation{
		OperationID: "get-stock", Method: http.MethodGet, Path: "/api/v1/products/{sku}/stock", Tags: tags,
		Summary:     "The stock of one of the shop's own products, for sale or not",
		Description: "ETag is its revision.",
	}, route{may: []exchange.Code{exchange.CodeNotFound}}, s.stock)
	add(r, huma.Operation{
		OperationID: "set-stock", Method: http.MethodPut, Path: "/api/v1/products/{sku}/stock", Tags: tags,
		Summary: "Count the shelf of one of the shop's own products",
		Description: "It says of which state it was made: If-Match has the ETag that was read (412 if the stock has changed since), or counted_at when it was counted " +
			"(409 if it was counted later, or a file read). With neither it is refused (428), for it would sell again what was sold since, unless nothing has ever told of " +
			"the stock. What a shop sells elsewhere is told by movements.",
	}, route{conditional: true, may: also(mayWrite, exchange.CodeNotFound, exchange.CodeStale)}, s.setStock)
	add(r, huma.Operation{
		OperationID: "count-shelves", Method: http.MethodPut, Path: "/api/v1/stock", Tags: tags,
		Summary:     "Count the shelves of several of the shop's own products",
		Description: "All are set, or, where one of them is not a product of the shop, or has changed since, none. Each says counted_at or if_revision, as for one product.",
	}, route{may: also(mayWrite, exchange.CodeNotFound, exchange.CodeStale, exchange.CodePrecondition)}, s.countShelves)
	add(r, huma.Operation{
		OperationID: "tell-movements", Method: http.MethodPost, Path: "/api/v1/stock/movements", Tags: tags,
		Summary: "Tell what the shop's own checkout, till, goods-in and people did to the shelf",
		Description: "sold and damaged take units off the shelf, returned and received put them there, counted says what lies there. What happened before the last count " +
			"or file is contained in it; in doubt units that went are taken off, and units that came are not added. Where the product's figures come from a system that " +
			"knows nothing of Souk, or have no chosen meaning, what comes is told by its files alone (409 wrong-state). Where the key's first answer was lost, what was done then is repeated.",
	}, route{key: keyOnce, may: also(mayWrite, exchange.CodeNotFound, exchange.CodeStale, exchange.CodeState, exchange.CodeOverflow)}, s.tell)
}

type stockInput struct {
	SKU string `path:"sku" maxLength:"128" doc:"Percent-encoded."`
}

// stockAnswer is a stock with its revision as ETag.
type stockAnswer struct {
	ETag string `header:"ETag" doc:"The revision, for If-Match."`
	Body view.Stock
}

func (s *stockRoutes) answer(stock hold.Stock) (*stockAnswer, error) {
	v, err := stockView(s.desk.Shelf, stock)
	if err != nil {
		return nil, err
	}
	return &stockAnswer{ETag: etag(v.Revision), Body: v}, nil
}

func (s *stockRoutes) stock(_ context.Context, in *stockInput) (*stockAnswer, error) {
	sku, err := exchange.ParseSKU(in.SKU)
	if err != nil {
		return nil, err
	}
	if _, err := s.desk.Shelf.Record(sku); err != nil {
		return nil, err
	}
	stock, err := s.desk.Shelf.Stock(sku)
	if err != nil {
		return nil, err
	}
	return s.answer(stock)
}

type setStockInput struct {
	SKU     string `path:"sku" maxLength:"128" doc:"Percent-encoded."`
	IfMatch string `header:"If-Match" maxLength:"64" example:"\"7\"" doc:"The ETag of the stock as it was read."`
	Body    view.SetStock
}

func (s *stockRoutes) setStock(ctx context.Context, in *setStockInput) (*stockAnswer, error) {
	count, err := s.shelfCount(in.SKU, in.Body)
	if err != nil {
		return nil, err
	}
	if in.IfMatch != "" {
		if count.Revision, err = parseETag(in.IfMatch); err != nil {
			return nil, err
		}
	}
	after, err := s.desk.Shelf.Count(ctx, []shelf.Count{count})
	if err != nil {
		p := s.problem(err)
		if p.Code == exchange.CodeStale.String() && count.Revision != nil {
			p.Status, p.Title = http.StatusPreconditionFailed, http.StatusText(http.StatusPreconditionFailed)
		}
		return nil, p
	}
	return s.answer(after[0])
}

type shelvesInput struct {
	Body view.CountShelves
}

func (s *stockRoutes) countShelves(ctx context.Context, in *shelvesInput) (*body[view.Shelves], error) {
	counts := make([]shelf.Count, len(in.Body.Counts))
	for i, c := range in.Body.Counts {
		var err error
		if counts[i], err = s.shelfCount(c.SKU, c.SetStock); err != nil {
			return nil, err
		}
		counts[i].Revision = c.IfRevision
	}
	stocks, err := s.desk.Shelf.Count(ctx, counts)
	if err != nil {
		return nil, s.problem(err)
	}
	out := view.Shelves{Shelves: make([]view.Shelf, len(stocks))}
	for i, stock := range stocks {
		v, err := stockView(s.desk.Shelf, stock)
		if err != nil {
			return nil, err
		}
		out.Shelves[i] = view.Shelf{SKU: counts[i].SKU, Stock: v}
	}
	return answer(out, nil)
}

func (s *stockRoutes) shelfCount(name string, set view.SetStock) (shelf.Count, error) {
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
	count.When, err = s.moment("counted_at", set.CountedAt)
	return count, err
}

// moment reads when something happened.
func (s *stockRoutes) moment(name, text string) (shelf.Moment, error) {
	switch {
	case text == "":
		return shelf.Moment{}, nil
	case text == "now":
		return shelf.Now, nil
	}
	now := s.clock.Now().Std()
	at, err := view.ParseMoment(text, now)
	if err != nil {
		return shelf.Moment{}, exchange.Errorf(exchange.CodeInvalid, "%s: %w", name, err)
	}
	if strings.HasPrefix(text, "-") {
		return shelf.Moment{Ago: now.Sub(at)}, nil
	}
	return shelf.Moment{At: exchange.TimeOf(at)}, nil
}

// problem shows the stock that a count met.
func (s *stockRoutes) problem(err error) *view.Problem {
	p := problemOf(err)
	var stale *shelf.StaleError
	if errors.As(err, &stale) {
		if v, err := stockView(s.desk.Shelf, stale.Stock); err == nil {
			p.Stock = &v
		}
	}
	return p
}

// etag is the ETag of a revision.
func etag(revision uint64) string { return strconv.Quote(strconv.FormatUint(revision, 10)) }

// parseETag reads an If-Match header: one ETag that this API gave.
func parseETag(text string) (*uint64, error) {
	number := strings.TrimSuffix(strings.TrimPrefix(text, `"`), `"`)
	revision, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInvalid, "If-Match has the ETag of the stock as you read it, as in \"7\", not %.40q", text)
	}
	return &revision, nil
}

func stockView(of *shelf.Shelf, s hold.Stock) (view.Stock, error) {
	revision, err := of.Revision(s)
	if err != nil {
		return view.Stock{}, err
	}
	out := view.Stock{Unlimited: s.Unlimited, Held: s.Held, Unshipped: s.Unshipped(), Revision: revision}
	if !s.Unlimited {
		out.Shelf, out.Available, out.Shortfall = s.Shelf(), s.Available(), s.Shortfall()
		out.Missing, out.Deficit = s.Missing, s.Deficit()
	}
	return out, nil
}
