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
	"github.com/souk-market/souk/node/api/view"
)

// pingEvery keeps a silent stream from being taken for a dead one, by proxies and
// by the server: a caller that has gone is noticed by the write.
const pingEvery = 15 * time.Second

// eventRoutes stream events.
type eventRoutes struct {
	desk     *desk.Desk
	clock    desk.Clock
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
	events, stop := s.desk.Watch()
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
			if e.Type != desk.EventGreet { // between the parts of this shop
				ok = tell(eventView(s.desk.Shop(), e))
			}
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
func eventView(own exchange.ShopID, e desk.Event) view.Event {
	v := view.Event{
		Type: string(e.Type), At: view.Time(e.At), Partner: e.Shop, Order: e.Order, Status: e.Status, Detail: e.Detail,
	}
	if e.Side != 0 {
		v.Side, v.By = e.Side.String(), whoIs(e.By, e.Side)
	}
	if e.Currency != "" {
		v.Due = ptr(view.MoneyOf(exchange.Money{Minor: e.Due, Currency: e.Currency}))
	}
	v.Count, v.Reservation = e.Count, e.Hold
	supplier := own
	if e.Side == exchange.Retailer {
		supplier = e.Shop
	}
	for _, l := range e.Lines {
		v.Lines = append(v.Lines, view.ReserveLine{Product: exchange.ProductID{Shop: supplier, SKU: l.SKU}, Quantity: int64(l.Quantity)})
	}
	for _, sku := range e.SKUs {
		v.Products = append(v.Products, exchange.ProductID{Shop: own, SKU: sku})
	}
	return v
}
