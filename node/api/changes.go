package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/feed"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/node/api/view"
)

// changeRoutes tell what has changed.
type changeRoutes struct {
	desk   *desk.Desk
	own    *catalogRoutes
	orders *orderRoutes
	sales  *saleRoutes
}

func (s *changeRoutes) register(r *router) {
	add(r, huma.Operation{
		OperationID: "list-changes", Method: http.MethodGet, Path: "/api/v1/changes", Tags: []string{"events"},
		Summary: "Own products, orders and own sales that have changed",
		Description: "Without since: all of them, and then what changes. Each is shown as it stands now, once for all its changes since. " +
			"An own product is among them within some 100 ms of its change; its count, once it passes 100, where the first two digits change. " +
			"Where a change may be missing the problem is too-old: begin again without since, and forget what does not come.",
	}, route{may: []exchange.Code{exchange.CodeTooOld}}, s.listChanges)
}

type changesInput struct {
	Since string `query:"since" maxLength:"1000" doc:"next of the answer before."`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Of products, and of orders and sales."`
}

// changesCursor is how far a caller has read.
type changesCursor struct {
	Feed feed.Place  `json:"f"`
	Has  event.Point `json:"p"`           // its ID is of the newest event whose order was shown
	List string      `json:"l,omitempty"` // while the orders that there were at the beginning are listed: the last one
	Sale string      `json:"s,omitempty"` // then while the own sales are: the last one; fromFirst before that
	Done bool        `json:"d,omitempty"` // those are listed
}

func (c changesCursor) String() string {
	b, _ := json.Marshal(c) // of numbers and texts: cannot fail
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseChangesCursor(text string) (c changesCursor, err error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		return c, exchange.Errorf(exchange.CodeInvalid, "since is not next of another answer; begin without it")
	}
	return c, nil
}

// tooOld has a caller begin again.
func tooOld(why string) error {
	return exchange.Errorf(exchange.CodeTooOld, "%s, so a change may be missing: read all again, with GET /api/v1/changes without since, and forget what does not come", why)
}

func (s *changeRoutes) listChanges(ctx context.Context, in *changesInput) (*body[view.Changes], error) {
	cursor := changesCursor{Has: event.Point{ID: s.desk.Log.Last()}} // before anything is read
	if in.Since != "" {
		var err error
		if cursor, err = parseChangesCursor(in.Since); err != nil {
			return nil, err
		}
		has, err := s.desk.Log.Has(cursor.Has)
		if err != nil {
			return nil, err
		}
		if !has {
			return nil, tooOld("the event log does not reach back as far, or the shop's store was put back from an older copy")
		}
	}
	out := view.Changes{Products: []view.ChangedProduct{}, Orders: []view.Order{}, Sales: []view.Sale{}}
	for _, read := range []func(context.Context, *changesCursor, int, *view.Changes) error{s.products, s.changedOrders} {
		if err := read(ctx, &cursor, in.Limit, &out); err != nil {
			return nil, err
		}
	}
	var err error
	if cursor.Has, err = s.desk.Log.Point(cursor.Has.ID); err != nil {
		return nil, err
	}
	out.Next = cursor.String()
	return answer(out, nil)
}

// products adds the products that have changed.
func (s *changeRoutes) products(ctx context.Context, cursor *changesCursor, limit int, out *view.Changes) error {
	list, to, more, err := s.desk.Feed.Changes(cursor.Feed, limit)
	if exchange.CodeOf(err) == exchange.CodeTooOld {
		return tooOld("the catalog has begun again, or more was removed than is remembered")
	}
	if err != nil {
		return err
	}
	cursor.Feed, out.More = to, out.More || more
	for _, c := range list {
		v := view.ChangedProduct{ID: exchange.ProductID{Shop: s.desk.Shop(), SKU: c.SKU}, Removed: c.Removed}
		if !c.Removed {
			p, err := s.own.page(ctx, c.SKU)
			if err != nil {
				return err
			}
			if v.Removed = p.Listing.State != view.StateListed; !v.Removed { // it has gone off sale just now
				v.Product = &p
			}
		}
		out.Products = append(out.Products, v)
	}
	return nil
}

// changedOrders adds the orders that have changed: first those that there were at the beginning, then
// those that events tell of.
func (s *changeRoutes) changedOrders(ctx context.Context, cursor *changesCursor, limit int, out *view.Changes) error {
	switch {
	case !cursor.Done && cursor.Sale == "":
		return s.listed(ctx, cursor, limit, out)
	case !cursor.Done:
		return s.listedSales(cursor, limit, out)
	}
	log, from := s.desk.Log, cursor.Has.ID.Number+1
	page, err := log.Read(from, maxEventsRead)
	if err != nil {
		return err
	}
	seen := make(map[orderOf]bool)
	for i, t := range page {
		if t.ID.Number != from+uint64(i) {
			return tooOld("a part of the event log is missing")
		}
		if e, ok := t.Event.(event.Order); ok {
			k := orderOf{e.Side, e.ID, e.Partner}
			if !seen[k] && len(seen) == limit {
				break
			}
			seen[k] = true
		}
		cursor.Has.ID = t.ID
	}
	if out.More = out.More || cursor.Has.ID.Number < log.Last().Number; len(page) == 0 && from <= log.Last().Number {
		return tooOld("a part of the event log is missing")
	}
	for k := range seen {
		if k.partner == s.desk.Shop() {
			sale, err := s.desk.Own.Find(k.id)
			if exchange.CodeOf(err) == exchange.CodeNotFound {
				continue
			}
			if err == nil {
				err = s.addSale(out, sale)
			}
			if err != nil {
				return err
			}
			continue
		}
		rec, err := s.desk.Orders.With(k.side, k.id, k.partner)
		if err != nil {
			return err
		}
		if rec == nil {
			continue
		}
		if err := s.add(ctx, out, k.side, rec); err != nil {
			return err
		}
	}
	return nil
}

// maxEventsRead bounds the work for one answer: some 10 ms.
const maxEventsRead = 1000

// orderOf names an order as this shop keeps it.
type orderOf struct {
	side    exchange.Party
	id      exchange.OrderID
	partner exchange.ShopID
}

// listed adds the orders that there were at the beginning. What changes meanwhile, events tell of.
func (s *changeRoutes) listed(ctx context.Context, cursor *changesCursor, limit int, out *view.Changes) error {
	within := trade.OrderRange{Sides: []exchange.Party{exchange.Supplier, exchange.Retailer}}
	if cursor.List != "" {
		var err error
		if within, err = (&listOrdersInput{Cursor: cursor.List}).within(); err != nil {
			return err
		}
	}
	var failed error
	more := false
	err := s.desk.Orders.Visit(within, func(r trade.OrderRow) bool {
		if more = len(out.Orders) == limit; more {
			return false
		}
		failed = s.add(ctx, out, r.Side, r.Order)
		cursor.List = cursorOf("", r)
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	if !more {
		cursor.List, cursor.Sale, more = "", fromFirst, true
	}
	out.More = out.More || more
	return err
}

// fromFirst has the own sales be listed from the first one on.
const fromFirst = "first"

// listedSales adds the own sales that there were at the beginning.
func (s *changeRoutes) listedSales(cursor *changesCursor, limit int, out *view.Changes) error {
	var within trade.OrderRange
	if cursor.Sale != fromFirst {
		var err error
		if within.After, err = exchange.ParseHoldID(cursor.Sale); err != nil {
			return exchange.Errorf(exchange.CodeInvalid, "since is not next of another answer; begin without it")
		}
	}
	var failed error
	more := false
	err := s.desk.Own.Visit(within, func(sale *record.OwnSale) bool {
		if more = len(out.Sales) == limit; more {
			return false
		}
		failed = s.addSale(out, sale)
		cursor.Sale = sale.Sale.ID.String()
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	if !more {
		cursor.Sale, cursor.Done = "", true
		more = cursor.Has.ID.Number < s.desk.Log.Last().Number
	}
	out.More = out.More || more
	return err
}

func (s *changeRoutes) addSale(out *view.Changes, sale *record.OwnSale) error {
	v, err := s.sales.saleWhole(sale)
	if err == nil {
		out.Sales = append(out.Sales, v)
	}
	return err
}

func (s *changeRoutes) add(ctx context.Context, out *view.Changes, side exchange.Party, rec *record.Order) error {
	v, err := s.orders.orderWhole(ctx, side, rec)
	if err == nil {
		out.Orders = append(out.Orders, v)
	}
	return err
}
