package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/basket"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/node/api/view"
)

// basketRoutes are the operations on what this shop holds, orders and gives back as one.
type basketRoutes struct {
	keys     *idempotency
	desk     *desk.Desk
	shops    *shops
	stopping context.Context
}

func (s *basketRoutes) register(r *router) {
	tags := []string{"baskets"}
	add(r, huma.Operation{
		OperationID: "hold-basket", Method: http.MethodPost, Path: "/api/v1/baskets", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Set products of several shops aside at once, all or none, and get their quotes",
		Description: "All suppliers are asked at the same time, and the shop's own products are held with the basket's record. " +
			"Where anything cannot be had, nothing is kept: the problem names every line that is short, and has the basket, whose parts say why each was not had. " +
			"Where suppliers have only been silent, the problem is unavailable. Either way what may be held is given back until each supplier has answered. partial keeps what could be had. " +
			"expires_at is when the first part expires: have the payment authorised before it, order, and capture it when the basket is done.",
	}, route{key: keyHold, time: partnerTime, may: mayRelay, relays: true}, s.hold)
	add(r, huma.Operation{
		OperationID: "list-baskets", Method: http.MethodGet, Path: "/api/v1/baskets", Tags: tags,
		Summary:     "This shop's baskets",
		Description: "The newest first: by the day of their ids, and within a day by when they were asked for. They are listed for eight days after their own.",
	}, route{}, s.list)
	add(r, huma.Operation{
		OperationID: "get-basket", Method: http.MethodGet, Path: "/api/v1/baskets/{id}", Tags: tags,
		Summary: "A basket as it stands, with what is to be paid back",
	}, route{may: []exchange.Code{exchange.CodeNotFound}}, s.get)
	add(r, huma.Operation{
		OperationID: "extend-basket", Method: http.MethodPost, Path: "/api/v1/baskets/{id}/extend", Tags: tags,
		Summary:     "Move the expiry of every part, within its terms",
		Description: "Where a part cannot be extended the problem says why; the others are, and expires_at stays that of the earliest.",
	}, route{key: keyAgain, time: partnerTime, may: mayRelay, relays: true}, s.extend)
	add(r, huma.Operation{
		OperationID: "order-basket", Method: http.MethodPost, Path: "/api/v1/baskets/{id}/order", Tags: tags,
		Summary: "Order every part that is held, for one address",
		Description: "All orders, and the sale of own products, are durable in one step, or nothing is ordered: past expires_at the problem is expired. " +
			"Then each supplier accepts or refuses its part; refund says what is to be paid back. Capture what the accepted parts come to, and void the rest. " +
			"Ordering it again with the same address, reference and note finds the basket as it stands.",
		Responses: map[string]*huma.Response{"202": {
			Description: "Ordered; not every supplier has accepted or refused yet.",
			Content:     map[string]*huma.MediaType{"application/json": {Schema: schemaOf[view.Basket](r)}},
		}},
	}, route{key: keyAgain, time: requestTime + maxWait, may: mayRelay, relays: true}, s.order)
	add(r, huma.Operation{
		OperationID: "release-basket", Method: http.MethodDelete, Path: "/api/v1/baskets/{id}", Tags: tags,
		Summary:     "Give a basket back",
		Description: "A supplier that does not answer in time is asked until it does; meanwhile the basket is releasing.",
	}, route{time: partnerTime, may: also(mayWrite, exchange.CodeNotFound, exchange.CodeOrdered)}, s.release)
}

type holdBasketInput struct {
	Key  string `header:"Idempotency-Key" hidden:"true"` // documented by the route
	Body view.NewBasket
}

func (s *basketRoutes) hold(ctx context.Context, in *holdBasketInput) (*body[view.Basket], error) {
	req, err := s.request(ctx, in)
	if err != nil {
		s.keys.forgetHold(in.Key)
		return nil, err
	}
	b, err := s.desk.Baskets.Hold(ctx, req)
	var no *trade.BasketError
	switch {
	case errors.As(err, &no):
		p := problemOf(no)
		p.Basket = ptr(s.basketView(ctx, no.Basket))
		return nil, p
	case err != nil:
		s.keys.forgetHold(in.Key)
		return nil, err
	}
	return answer(s.basketView(ctx, b), nil)
}

// request reads and checks a whole request: its lines by shop, in the order in which the shops come
// first.
func (s *basketRoutes) request(ctx context.Context, in *holdBasketInput) (trade.BasketRequest, error) {
	b := in.Body
	req := trade.BasketRequest{Partial: b.Partial, Lifetime: seconds(b.Seconds), Key: s.keys.basketKey(in.Key)}
	var err error
	if b.Country != "" {
		if req.Country, err = view.ParseCountry(b.Country); err != nil {
			return req, err
		}
	}
	var order []exchange.ShopID
	lines := make(map[exchange.ShopID][]exchange.Line)
	for _, l := range b.Lines {
		shop := l.Product.Shop
		if lines[shop] == nil {
			order = append(order, shop)
			if shop != s.desk.Shop() {
				if err := s.shops.present(ctx, shop); err != nil {
					return req, err
				}
			}
		}
		lines[shop] = append(lines[shop], exchange.Line{SKU: l.Product.SKU, Quantity: exchange.Quantity(l.Quantity)})
	}
	for _, shop := range order {
		part := trade.BasketPart{Supplier: shop}
		if part.Lines, err = exchange.NewLines(lines[shop]); err != nil {
			return req, err
		}
		req.Parts = append(req.Parts, part)
	}
	return req, nil
}

type basketInput struct {
	ID exchange.BasketID `path:"id"`
}

func (s *basketRoutes) get(ctx context.Context, in *basketInput) (*body[view.Basket], error) {
	b, err := s.desk.Baskets.Find(in.ID)
	return s.answer(ctx, b, err)
}

func (s *basketRoutes) release(ctx context.Context, in *basketInput) (*body[view.Basket], error) {
	b, err := s.desk.Baskets.Release(ctx, in.ID)
	return s.answer(ctx, b, err)
}

type extendBasketInput struct {
	ID   exchange.BasketID `path:"id"`
	Body view.Extend
}

func (s *basketRoutes) extend(ctx context.Context, in *extendBasketInput) (*body[view.Basket], error) {
	b, err := s.desk.Baskets.Extend(ctx, in.ID, exchange.TimeOf(in.Body.Until))
	return s.answer(ctx, b, err)
}

type orderBasketInput struct {
	ID   exchange.BasketID `path:"id"`
	Wait waitSeconds       `query:"wait" minimum:"0" maximum:"30" doc:"Seconds to wait for the suppliers' answers; default 10."`
	Body view.OrderBasket
}

// basketBody is a basket with a status of its own.
type basketBody struct {
	Status int
	Body   view.Basket
}

func (s *basketRoutes) order(ctx context.Context, in *orderBasketInput) (*basketBody, error) {
	o := trade.BasketOrder{CancelRest: in.Body.CancelRest}
	o.Delivery = exchange.Delivery{ShipTo: exchange.ShipTo(in.Body.ShipTo), Reference: in.Body.Reference, Note: strings.ReplaceAll(in.Body.Note, "\r\n", "\n")}
	before, err := s.desk.Baskets.Find(in.ID)
	if err != nil {
		return nil, err
	}
	if o.Delivery.Country == "" {
		o.Delivery.Country = before.Country
	}
	if o.Delivery.Country, err = view.ParseCountry(o.Delivery.Country); err != nil {
		return nil, err
	}
	b, err := s.desk.Baskets.Order(ctx, in.ID, o)
	if err != nil {
		return nil, err
	}
	if b.State == basket.Ordering && in.Wait.duration() > 0 {
		waiting, stop := context.WithTimeout(ctx, in.Wait.duration())
		defer stop()
		defer context.AfterFunc(s.stopping, stop)()
		if b, err = s.desk.Baskets.Await(waiting, in.ID, basket.Ordering); err != nil {
			return nil, err
		}
	}
	out := &basketBody{Status: http.StatusOK, Body: s.basketView(ctx, b)}
	if b.State == basket.Ordering {
		out.Status = http.StatusAccepted
	}
	return out, nil
}

func (s *basketRoutes) answer(ctx context.Context, b *trade.Basket, err error) (*body[view.Basket], error) {
	if err != nil {
		return nil, err
	}
	return answer(s.basketView(ctx, b), nil)
}

type listBasketsInput struct {
	State  string `query:"state" enum:"open,holding,held,partly_held,releasing,refused,ordering,done,released,expired" doc:"Only these; open: held, or a shop owes an answer."`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"64" doc:"next of the page before, of the same query."`
}

func (s *basketRoutes) list(ctx context.Context, in *listBasketsInput) (*body[view.Baskets], error) {
	var after exchange.BasketID
	if in.Cursor != "" {
		var err error
		if after, err = exchange.ParseHoldID(in.Cursor); err != nil {
			return nil, exchange.Errorf(exchange.CodeInvalid, "the cursor is not one of this list; start again without it")
		}
	}
	out := view.Baskets{Baskets: []view.Basket{}}
	read, more := 0, false
	err := s.desk.Baskets.Visit(after, func(b *trade.Basket) bool {
		if more = read == maxOrdersRead || len(out.Baskets) == in.Limit; more {
			return false
		}
		read++
		after = b.ID
		if in.State == "" || in.State == b.State.String() || in.State == view.OpenBaskets && !b.Settled() {
			out.Baskets = append(out.Baskets, s.basketView(ctx, b))
		}
		return true
	})
	if more {
		out.Next = after.String()
	}
	return answer(out, err)
}

// basketView shows a basket as it stands.
func (s *basketRoutes) basketView(ctx context.Context, b *trade.Basket) view.Basket {
	v := view.Basket{
		ID: b.ID, State: b.State.String(), Partial: b.Partial, CancelRest: b.CancelRest, Country: b.Country,
		Parts: make([]view.BasketPart, len(b.Parts)), Created: view.Time(b.Began), ExpiresAt: view.Time(b.Expires()), Ended: view.Time(b.Ended),
	}
	for i := range b.Parts {
		p := &b.Parts[i]
		part := view.BasketPart{
			Shop: p.Supplier, ShopName: s.shops.nameOf(ctx, p.Supplier), Own: p.Supplier == s.desk.Shop(), Reservation: p.Hold, State: p.State.String(),
			Lines: make([]view.ReserveLine, p.Lines.Len()), Expires: view.Time(p.Expires), Refusal: view.RefusalOf(p.Refusal, p.Detail),
		}
		for j, l := range p.Lines.All() {
			part.Lines[j] = view.ReserveLine{Product: exchange.ProductID{Shop: p.Supplier, SKU: l.SKU}, Quantity: int64(l.Quantity)}
		}
		if part.Refusal != nil {
			part.Refusal.Lines = view.ShortLinesOf(p.Short)
		}
		if q := b.Details[i].Quote; q != nil {
			part.Quote = ptr(quoteView(q))
		}
		v.Parts[i] = part
	}
	for _, r := range b.Refunds() {
		p := &b.Parts[r.Part]
		refund := view.BasketRefund{Shop: p.Supplier, Reservation: p.Hold, Amount: view.MoneyOf(r.Amount), Lines: make([]view.RefundLine, len(r.Lines))}
		for i, l := range r.Lines {
			refund.Lines[i] = view.RefundLine{
				Product: exchange.ProductID{Shop: p.Supplier, SKU: l.SKU}, Units: l.Units, Amount: view.MoneyOf(l.Amount), List: view.MoneyOf(l.List),
			}
		}
		v.Refund = append(v.Refund, refund)
	}
	return v
}
