package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/node/api/view"
)

// maxHoldsRead bounds the work for one page of holds that a filter thins out: each costs a read
// and a decoding, some 10 µs. The page then ends early and has a cursor.
const maxHoldsRead = 5000

// holdRoutes look at what partners hold of this shop's stock.
type holdRoutes struct {
	desk  *desk.Desk
	shops *shops
}

func (s *holdRoutes) register(r *router) {
	add(r, huma.Operation{
		OperationID: "list-holds", Method: http.MethodGet, Path: "/api/v1/holds", Tags: []string{"products"},
		Summary: "What partners hold of this shop's own products",
		Description: "Those that expire first at first. A hold ends when it expires, is given back or is ordered; what is ordered and not shipped yet is in " +
			"the list of orders (role=sold, to_ship=true, sku). Own reservations at suppliers are in the list of reservations.",
	}, route{}, s.listHolds)
}

type listHoldsInput struct {
	SKU     string          `query:"sku" maxLength:"128" doc:"Only those of this product of the shop's."`
	Partner exchange.ShopID `query:"partner" doc:"Only those of this retailer."`
	Limit   int             `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor  string          `query:"cursor" maxLength:"128" doc:"next of the page before, of the same query."`
}

func (s *holdRoutes) listHolds(ctx context.Context, in *listHoldsInput) (*body[view.Holds], error) {
	place, err := parseHoldPlace(in.Cursor)
	if err != nil {
		return nil, err
	}
	out := view.Holds{Holds: []view.Hold{}}
	read, more := 0, false
	err = s.desk.Supplier.OpenHolds(place, func(h trade.OpenHold) bool {
		if more = read == maxHoldsRead || len(out.Holds) == in.Limit; more {
			return false
		}
		read++
		place = h.HoldPlace
		if v := s.holdView(ctx, h, in.SKU); v.Units > 0 && (in.Partner.IsZero() || in.Partner == h.Retailer) {
			out.Holds = append(out.Holds, v)
		}
		return true
	})
	if more {
		out.Next = holdCursor(place)
	}
	return answer(out, err)
}

// holdView shows a hold; its Units are those of sku, where that is given.
func (s *holdRoutes) holdView(ctx context.Context, h trade.OpenHold, sku string) view.Hold {
	v := view.Hold{
		ID: h.ID, Retailer: h.Retailer, RetailerName: s.shops.nameOf(ctx, h.Retailer),
		Issued: view.Time(h.Hold.Issued), Expires: view.Time(h.Expires),
	}
	for _, l := range h.Hold.Lines.All() {
		v.Lines = append(v.Lines, view.Units{SKU: l.SKU, Units: int64(l.Quantity)})
		if sku == "" || string(l.SKU) == sku {
			v.Units += int64(l.Quantity)
		}
	}
	return v
}

// holdCursor is a place as a text: expiry, hold and retailer.
func holdCursor(p trade.HoldPlace) string {
	return strconv.FormatInt(int64(p.Expires), 10) + "-" + p.ID.String() + "-" + p.Retailer.String()
}

func parseHoldPlace(cursor string) (p trade.HoldPlace, err error) {
	if cursor == "" {
		return p, nil
	}
	parts := strings.Split(cursor, "-")
	if len(parts) == 3 {
		var ms int64
		if ms, err = strconv.ParseInt(parts[0], 10, 64); err == nil {
			p.Expires = exchange.Time(ms)
			if p.ID, err = exchange.ParseHoldID(parts[1]); err == nil {
				p.Retailer, err = exchange.ParseShopID(parts[2])
			}
		}
	}
	if len(parts) != 3 || err != nil {
		return p, exchange.Errorf(exchange.CodeInvalid, "the cursor is not one of this list; start again without it")
	}
	return p, nil
}
