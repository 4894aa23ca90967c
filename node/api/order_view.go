package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/node/api/view"
)

// How an order is shown.

func sideOf(role string) exchange.Party {
	if role == view.Sold {
		return exchange.Supplier
	}
	return exchange.Retailer
}

func roleOf(side exchange.Party) string {
	if side == exchange.Supplier {
		return view.Sold
	}
	return view.Bought
}

func partnerOf(side exchange.Party, r *record.Order) exchange.ShopID {
	if side == exchange.Supplier {
		return r.Retailer
	}
	return r.Supplier
}

// orderStatus is the order's status, or how far its request is.
func orderStatus(r *record.Order) string {
	switch {
	case r.Order.Submitted != 0:
		return r.Order.Status().String()
	case r.Refusal != exchange.CodeOK:
		return "refused"
	}
	return "requested"
}

// orderWhole shows an order with the consumer's address, the reference and the note, while they are
// kept.
func (s *orderRoutes) orderWhole(ctx context.Context, side exchange.Party, r *record.Order) (view.Order, error) {
	v := s.orderView(ctx, side, r)
	to, err := s.desk.Orders.Delivery(side, r)
	switch {
	case err == nil:
		v.ShipTo, v.Reference, v.Note = ptr(view.ShipTo(to.ShipTo)), to.Reference, to.Note
	case exchange.CodeOf(err) != exchange.CodeNotFound:
		return v, err
	}
	return v, nil
}

// orderView shows an order without the consumer's address, the reference and the note: answers of
// this kind are kept with idempotency keys, and an address must be erasable.
func (s *orderRoutes) orderView(ctx context.Context, side exchange.Party, r *record.Order) view.Order {
	partner := partnerOf(side, r)
	v := view.Order{
		ID: r.ID, Role: roleOf(side), Partner: partner, PartnerName: s.shops.nameOf(ctx, partner), Status: orderStatus(r),
		PartnerGone: departureView(s.shops.departure(partner)),
		Lines:       make([]view.OrderLine, 0, len(r.Quote.Lines)), Quote: quoteView(&r.Quote), Parcels: parcelsView(r.Parcels),
		Due: view.MoneyOf(exchange.Money{Minor: r.Due(), Currency: r.Quote.Currency}), DueUSD: view.USD(r.DueUSD(), r.Quote.Rate.Known()),
		Cancelled: view.Time(r.Cancelled), Reason: r.Reason, Refusal: view.RefusalOf(r.Refusal, r.Detail), Requested: view.Time(r.Requested),
		Submitted: view.Time(r.Order.Submitted), AcceptBy: view.Time(r.Order.AcceptBy), Accepted: view.Time(r.Order.Accepted),
		Closed: view.Time(r.Order.Closed), Cancelling: view.Time(r.CancelAt), FirstEntry: r.First, LastEntry: r.Last,
	}
	if r.CancelledBy != 0 {
		v.CancelledBy = r.CancelledBy.String()
	}
	counts := make(map[exchange.SKU]order.Line, len(r.Order.Lines))
	for _, l := range r.Order.Lines {
		counts[l.SKU] = l
	}
	for _, l := range r.Quote.Lines {
		c, ok := counts[l.SKU]
		if !ok { // not submitted yet
			c.Ordered = int64(l.Quantity)
		}
		v.Lines = append(v.Lines, view.OrderLine{
			Product: exchange.ProductID{Shop: r.Supplier, SKU: l.SKU}, SKU: l.SKU, Title: l.Title,
			Ordered: c.Ordered, Shipped: c.Shipped, Delivered: c.Delivered, Cancelled: c.Cancelled, Snapshot: snapshotView(&l),
		})
		if side == exchange.Supplier && ok {
			line := &v.Lines[len(v.Lines)-1]
			line.Short = min(toShip(r, c), s.desk.Shelf.Shortfalls().OfOrders(r.StockOf(l.SKU)))
		}
	}
	return v
}

// orderResponse documents a further answer that is an order.
func orderResponse(r *router, description string) *huma.Response {
	return &huma.Response{Description: description, Content: map[string]*huma.MediaType{"application/json": {Schema: schemaOf[view.Order](r)}}}
}
