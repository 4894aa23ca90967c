package api

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/danielgtaylor/huma/v2/sse"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/node/api/view"
)

// pingEvery keeps a silent stream from being taken for a dead one, by proxies and
// by the server: a caller that has gone is noticed by the write.
const pingEvery = 15 * time.Second

// eventRoutes stream events.
type eventRoutes struct {
	desk     *desk.Desk
	clock    exchange.Clock
	stopping context.Context // of the server: streams end by it
	streams  atomic.Int64    // open now
}

func (s *eventRoutes) register(r *router) {
	op := huma.Operation{
		OperationID: "watch-events", Method: http.MethodGet, Path: "/api/v1/events", Tags: []string{"events"},
		Summary: "Events as they happen (server-sent events)",
		Description: "An event says that something changed; read the details where they are. Ids count from 1 on each connection. " +
			"Nothing is replayed: every stream starts with hello, on which a client reads again what it shows. A client that does not keep up loses the oldest events.",
		Middlewares: huma.Middlewares{s.limitStreams},
	}
	r.prepare(&op, &route{stream: true})
	sse.Register(r.api, op, map[string]any{"message": view.Event{}}, s.watch)
}

func (s *eventRoutes) limitStreams(ctx huma.Context, next func(huma.Context)) {
	defer s.streams.Add(-1)
	if s.streams.Add(1) > maxStreams {
		_, w := humago.Unwrap(ctx)
		writeProblem(w, problemOf(exchange.Errorf(exchange.CodeLimit, "%d event streams are open; close one", maxStreams)))
		return
	}
	next(ctx)
}

// watch sends events until the caller goes or the server stops.
func (s *eventRoutes) watch(ctx context.Context, _ *struct{}, send sse.Sender) {
	events, stop := s.desk.Events.Watch()
	defer stop()
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	id := 0
	tell := func(e view.Event) bool {
		id++
		return send(sse.Message{ID: id, Data: e}) == nil
	}
	ok := tell(view.Event{Type: "hello", At: view.Time(s.clock.Now())})
	for ok {
		select {
		case e := <-events:
			ok = tell(eventView(s.desk.Shop(), e))
		case <-ping.C:
			ok = tell(view.Event{Type: "ping", At: view.Time(s.clock.Now())})
		case <-ctx.Done():
			return
		case <-s.stopping.Done():
			return
		}
	}
}

// eventView shows an event of the shop own.
func eventView(own exchange.ShopID, e event.Event) view.Event {
	switch e := e.(type) {
	case event.Holds:
		return holdsView(own, e)
	case event.Stock:
		v := view.Event{Type: "stock", At: view.Time(e.At), Side: exchange.Supplier.String()}
		for _, sku := range e.SKUs {
			v.Products = append(v.Products, exchange.ProductID{Shop: own, SKU: sku})
		}
		return v
	case event.Shortfall:
		v := view.Event{Type: "shortfall", At: view.Time(e.At), Side: exchange.Supplier.String()}
		for _, m := range e.Lines {
			v.Missing = append(v.Missing, view.MissingUnits{Product: exchange.ProductID{Shop: own, SKU: m.SKU}, Units: m.Units})
		}
		return v
	case event.Order:
		v := view.Event{
			Type: "order", At: view.Time(e.At), Partner: e.Partner, Side: e.Side.String(), Order: e.ID, Status: e.Status, Detail: e.Detail,
		}
		if e.Currency != "" {
			v.Due = ptr(view.MoneyOf(exchange.Money{Minor: e.Due, Currency: e.Currency}))
		}
		return v
	case event.Partnership:
		return view.Event{
			Type: "partnership", At: view.Time(e.At), Partner: e.Partner, Side: e.Side.String(), Status: e.Status,
			By: whoIs(e.By, e.Side), Detail: e.Detail,
		}
	case event.Catalog:
		return view.Event{Type: "catalog", At: view.Time(e.At), Partner: e.Shop}
	case event.Frozen:
		return view.Event{Type: "frozen", At: view.Time(e.At), Partner: e.Partner, Detail: e.Why}
	case event.Stopped:
		return view.Event{Type: "stopped", At: view.Time(e.At), Detail: e.Why}
	}
	return view.Event{} // there is no other
}

func holdsView(own exchange.ShopID, e event.Holds) view.Event {
	v := view.Event{
		Type: "hold", At: view.Time(e.At), Partner: e.Partner, Side: e.Side.String(), Status: e.Status, Count: e.Count, Reservation: e.ID,
	}
	supplier := own
	if e.Side == exchange.Retailer {
		supplier = e.Partner
	}
	for _, l := range e.Lines {
		v.Lines = append(v.Lines, view.ReserveLine{Product: exchange.ProductID{Shop: supplier, SKU: l.SKU}, Quantity: int64(l.Quantity)})
	}
	return v
}
