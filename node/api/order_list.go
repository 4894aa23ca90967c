package api

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/node/api/view"
)

// The list of orders and its filters.

// maxOrdersRead bounds the work for one page of orders that a filter thins out: some 50 ms, or
// twice that where addresses are read for a reference. The page then ends early and has a cursor.
const maxOrdersRead = 5000

type listOrdersInput struct {
	Role      string          `query:"role" enum:"bought,sold" doc:"Only these; default: both, and each order says its own."`
	Status    string          `query:"status" enum:"open,requested,refused,submitted,accepted,partly_shipped,shipped,delivered,cancelled,rejected,expired" doc:"Only these; open: somebody still has to do something about them."`
	Partner   exchange.ShopID `query:"partner" doc:"With this shop only."`
	Reference string          `query:"reference" maxLength:"64" doc:"Only those with exactly this reference of the retailer's."`
	Tracking  string          `query:"tracking" maxLength:"255" doc:"Only those with a parcel of exactly this tracking code."`
	SKU       string          `query:"sku" maxLength:"128" doc:"Only those with a line of this product of the supplier's."`
	ToShip    bool            `query:"to_ship" doc:"Only those with units that are neither shipped nor cancelled; with sku, of that product."`
	From      time.Time       `query:"from" doc:"Only those placed at this moment or later (RFC 3339)."`
	To        time.Time       `query:"to" doc:"Only those placed before this moment (RFC 3339)."`
	Limit     int             `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor    string          `query:"cursor" maxLength:"64" doc:"next of the page before, of the same query."`
}

func (s *orderRoutes) listOrders(ctx context.Context, in *listOrdersInput) (*body[view.Orders], error) {
	within, err := in.within()
	if err != nil {
		return nil, err
	}
	out := view.Orders{Orders: []view.Order{}}
	var failed error
	var last trade.OrderRow
	read, more := 0, false
	err = s.desk.Orders.Visit(within, func(r trade.OrderRow) bool {
		if more = read == maxOrdersRead || len(out.Orders) == in.Limit; more {
			return false
		}
		read++
		last = r
		if !in.takes(r, within) {
			return true
		}
		var v view.Order
		if in.Reference != "" { // before the whole is made: most have another
			if ok, err := s.hasReference(r, in.Reference); err != nil || !ok {
				failed = err
				return err == nil
			}
		}
		if v, failed = s.orderWhole(ctx, r.Side, r.Order); failed != nil {
			return false
		}
		if in.Status != view.OpenOrders || !closedHere(v) {
			out.Orders = append(out.Orders, v)
		}
		return true
	})
	if err == nil {
		err = failed
	}
	if more {
		out.Next = cursorOf(in.Role, last)
	}
	return answer(out, err)
}

// within is what of the query spares reading.
func (in *listOrdersInput) within() (r trade.OrderRange, err error) {
	r = trade.OrderRange{Sides: []exchange.Party{exchange.Supplier, exchange.Retailer}, From: momentOf(in.From), To: momentOf(in.To)}
	if in.Role != "" {
		r.Sides = []exchange.Party{sideOf(in.Role)}
	}
	if in.Cursor == "" {
		return r, nil
	}
	id, ofSide := in.Cursor, false
	if in.Role == "" {
		for letter, side := range cursorSides {
			if rest, ok := strings.CutPrefix(in.Cursor, letter); ok {
				id, r.AfterSide, ofSide = rest, side, true
			}
		}
	} else {
		r.AfterSide, ofSide = sideOf(in.Role), true
	}
	if r.After, err = exchange.ParseHoldID(id); err != nil || !ofSide {
		return r, exchange.Errorf(exchange.CodeInvalid, "the cursor is not one of this list; start again without it")
	}
	return r, nil
}

// cursorSides are the letters before the id in a cursor of both roles: two shops may give one id to
// an order of each role.
var cursorSides = map[string]exchange.Party{"s-": exchange.Supplier, "b-": exchange.Retailer}

func cursorOf(role string, r trade.OrderRow) string {
	if role == "" {
		for letter, side := range cursorSides {
			if side == r.Side {
				return letter + r.ID.String()
			}
		}
	}
	return r.ID.String()
}

// momentOf is a parameter's time; 0 where it is not given.
func momentOf(t time.Time) exchange.Time {
	if t.IsZero() {
		return 0
	}
	return exchange.TimeOf(t)
}

// takes reports whether the list is to show an order, by all conditions but the reference.
func (in *listOrdersInput) takes(r trade.OrderRow, within trade.OrderRange) bool {
	status, placed := orderStatus(r.Order), r.Placed()
	switch {
	case in.Status == view.OpenOrders && !slices.Contains(view.OpenOrderStatuses, status):
		return false
	case in.Status != "" && in.Status != view.OpenOrders && in.Status != status:
		return false
	case !in.Partner.IsZero() && in.Partner != partnerOf(r.Side, r.Order):
		return false
	case placed < within.From || within.To != 0 && placed >= within.To:
		return false
	case in.Tracking != "" && !slices.ContainsFunc(r.Parcels, func(p record.Parcel) bool { return p.Tracking == in.Tracking }):
		return false
	}
	return in.hasLine(r.Order)
}

// hasLine reports whether an order has a line that sku and to_ship ask for.
func (in *listOrdersInput) hasLine(r *record.Order) bool {
	if in.SKU == "" && !in.ToShip {
		return true
	}
	if r.Order.Submitted == 0 { // not in the ledger yet: all of it is to be shipped, or nothing
		asked := in.SKU == "" || slices.ContainsFunc(r.Quote.Lines, func(l exchange.QuoteLine) bool { return string(l.SKU) == in.SKU })
		return asked && !(in.ToShip && r.Refusal != exchange.CodeOK)
	}
	return slices.ContainsFunc(r.Order.Lines, func(l order.Line) bool {
		return (in.SKU == "" || string(l.SKU) == in.SKU) && (!in.ToShip || toShip(r, l) > 0)
	})
}

// toShip is how many units of a submitted order's line are still to be shipped.
func toShip(r *record.Order, l order.Line) int64 {
	if r.Order.Status().Terminal() {
		return 0
	}
	return l.Ordered - l.Shipped - l.Cancelled
}

func (s *orderRoutes) hasReference(r trade.OrderRow, reference string) (bool, error) {
	to, err := s.desk.Orders.Delivery(r.Side, r.Order)
	if exchange.CodeOf(err) == exchange.CodeNotFound {
		return false, nil
	}
	return err == nil && to.Reference == reference, err
}

// closedHere reports whether a bought order was closed in this shop's own records alone, since its
// supplier is out of the federation: nobody does anything about it any more.
func closedHere(o view.Order) bool {
	return o.PartnerGone != nil && o.Role == view.Bought && !o.Cancelling.IsZero()
}
