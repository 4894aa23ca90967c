package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/node/api/view"
)

const (
	// pingEvery keeps a silent stream from being taken for a dead one, by proxies and
	// by the server: a caller that has gone is noticed by the write.
	pingEvery = 15 * time.Second
	// eventTime bounds the sending of one event: a caller that takes none for as long is gone.
	eventTime = 15 * time.Second
)

// eventRoutes stream events.
type eventRoutes struct {
	desk     *desk.Desk
	clock    exchange.Clock
	log      *slog.Logger
	stopping context.Context // of the server: streams end by it
	streams  atomic.Int64    // open now
}

func (s *eventRoutes) register(r *router) {
	op := huma.Operation{
		OperationID: "watch-events", Method: http.MethodGet, Path: "/api/v1/events", Tags: []string{"events"},
		Summary: "Events, those that the log keeps from a place on, and then as they happen (server-sent events)",
		Description: "An event says that something changed; read the details where they are. The log keeps 30 days and a million events; GET /api/v1/changes tells what they add up to. " +
			"With Last-Event-ID, which a browser's EventSource sends by itself, or after, each event after that one comes once and in order, over restarts too; " +
			"where some may be missing, a gap comes first, and says what to do. What the log does not keep comes between, without an id.",
		Middlewares: huma.Middlewares{s.limitStreams},
	}
	r.prepare(&op, &route{stream: true})
	op.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: streamSchema(r)}}}
	huma.Register(r.api, op, func(ctx context.Context, in *watchInput) (*huma.StreamResponse, error) {
		f, err := s.follow(in)
		if err != nil {
			return nil, problemOf(err)
		}
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			defer f.Close()
			_, w := humago.Unwrap(ctx)
			w.Header().Set("Content-Type", "text/event-stream")
			s.stream(ctx.Context(), f, in, eventWriter(w))
		}}, nil
	})
}

// streamSchema is of a stream's messages.
func streamSchema(r *router) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeArray, Title: "Server-sent events",
		Items: &huma.Schema{
			Type: huma.TypeObject, Required: []string{"data"},
			Properties: map[string]*huma.Schema{
				"id":   {Type: huma.TypeString, Description: "The event's id, where it has one."},
				"data": schemaOf[view.Event](r),
			},
		},
	}
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

type watchInput struct {
	LastID string    `header:"Last-Event-ID" doc:"The id of the last event that was taken: what came after it follows. 0-0 is the beginning of the log. It goes before after and since."`
	After  string    `query:"after" maxLength:"64" doc:"As Last-Event-ID, for the first connection." example:"1790000000000-42"`
	Since  time.Time `query:"since" doc:"What was committed at this time or later follows (RFC 3339)." example:"2026-11-30T12:00:00Z"`
	Types  []string  `query:"types" enum:"order,partnership,shortfall,listing,frozen,stopped,started,hold,stock,catalog" doc:"Only these, with commas between; hello, gap, live and ping come always."`
}

// follow is a follower from the place that the caller names.
func (s *eventRoutes) follow(in *watchInput) (*event.Follower, error) {
	log := s.desk.Log
	switch after := orDefault(in.LastID, in.After); {
	case after != "":
		id, err := event.ParseID(after)
		if err != nil { // of a version before the log, perhaps
			return log.FollowUnknown(), nil
		}
		return log.FollowAfter(id)
	case !in.Since.IsZero():
		return log.FollowSince(exchange.TimeOf(in.Since))
	}
	return log.Follow(), nil
}

// stream sends events until the caller goes or the server stops.
func (s *eventRoutes) stream(ctx context.Context, f *event.Follower, in *watchInput, send func(view.Event) error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	hello := view.Event{Type: "hello", At: view.Time(s.clock.Now())}
	if in.LastID == "" && in.After == "" && in.Since.IsZero() {
		hello.ID = f.After().String()
	}
	for v, sent := hello, time.Now(); ; {
		if len(in.Types) == 0 || slices.Contains(in.Types, v.Type) || slices.Contains(everyStream, v.Type) {
			if send(v) != nil {
				return
			}
			sent = time.Now()
		}
		t, err := nextEvent(ctx, f, sent.Add(pingEvery))
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, context.DeadlineExceeded):
			v = view.Event{Type: "ping", At: view.Time(s.clock.Now())}
		case err != nil: // of the store: the caller comes again
			s.log.Error("an event stream ends", "err", err)
			return
		default:
			v = eventView(s.desk.Shop(), t.Event)
		}
		if t.ID.Number > 0 || slices.Contains(everyStream, v.Type) {
			v.ID = f.After().String()
		}
	}
}

// everyStream are the types of event that tell of the stream itself.
var everyStream = []string{"hello", "gap", "live", "ping"}

// nextEvent is the follower's next event; context.DeadlineExceeded where there is none before a
// ping is due.
func nextEvent(ctx context.Context, f *event.Follower, ping time.Time) (event.Told, error) {
	ctx, cancel := context.WithDeadline(ctx, ping)
	defer cancel()
	return f.Next(ctx)
}

// eventWriter sends events over a connection, each within eventTime.
func eventWriter(w http.ResponseWriter) func(view.Event) error {
	ctl := http.NewResponseController(w)
	return func(e view.Event) error {
		data, err := json.Marshal(e)
		if err != nil {
			return err
		}
		id := ""
		if e.ID != "" {
			id = "id: " + e.ID + "\n"
		}
		ctl.SetWriteDeadline(time.Now().Add(eventTime)) // where there is no connection, as in a test, nothing is lost
		if _, err := fmt.Fprintf(w, "%sdata: %s\n\n", id, data); err != nil {
			return err
		}
		return ctl.Flush()
	}
}

// gapAdvice says what a gap is and what to do.
var gapAdvice = map[event.GapReason]string{
	event.GapPruned:   "The log does not reach back as far: what follows is all that it has.",
	event.GapRestored: "The shop's store was put back from an older copy, so some of what you were told has not happened; what follows is what was committed later.",
	event.GapUnknown:  "That is no id of this log; what follows is what happens from now on.",
	event.GapDamaged:  "A part of the log cannot be read and is left out.",
}

// eventView shows an event of the shop own.
func eventView(own exchange.ShopID, e event.Event) view.Event {
	switch e := e.(type) {
	case event.Holds:
		return holdsView(own, e)
	case event.Stock:
		return view.Event{Type: "stock", At: view.Time(e.At), Side: exchange.Supplier.String(), Products: ownProducts(own, e.SKUs)}
	case event.Listing:
		return view.Event{
			Type: "listing", At: view.Time(e.At), Side: exchange.Supplier.String(), Status: e.Status, Detail: e.Reason, Products: ownProducts(own, e.SKUs),
		}
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
	case event.Basket:
		return view.Event{Type: "basket", At: view.Time(e.At), Basket: e.ID, Status: e.Status, Detail: e.Detail}
	case event.Partnership:
		return view.Event{
			Type: "partnership", At: view.Time(e.At), Partner: e.Partner, Side: e.Side.String(), Status: e.Status,
			By: whoIs(e.By, e.Side), Detail: e.Detail,
		}
	case event.Bridge:
		return view.Event{Type: "bridge", At: view.Time(e.At), Partner: e.Partner, Order: e.Order, Status: e.Status, Detail: e.Detail}
	case event.Catalog:
		return view.Event{Type: "catalog", At: view.Time(e.At), Partner: e.Shop}
	case event.Frozen:
		return view.Event{Type: "frozen", At: view.Time(e.At), Partner: e.Partner, Detail: e.Why}
	case event.Stopped:
		return view.Event{Type: "stopped", At: view.Time(e.At), Detail: e.Why}
	case event.Started:
		return view.Event{Type: "started", At: view.Time(e.At)}
	case event.Live:
		return view.Event{Type: "live", At: view.Time(e.At)}
	case event.Gap:
		return view.Event{
			Type: "gap", At: view.Time(e.At), Status: string(e.Why),
			Detail: gapAdvice[e.Why] + " Events may be missing; read GET /api/v1/changes for what they would have told",
		}
	}
	return view.Event{} // there is no other
}

func ownProducts(own exchange.ShopID, skus []exchange.SKU) (list []exchange.ProductID) {
	for _, sku := range skus {
		list = append(list, exchange.ProductID{Shop: own, SKU: sku})
	}
	return list
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
