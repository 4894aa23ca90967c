package api

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/node/api/view"
)

// maxWait is the longest that an order or a cancellation waits for the supplier.
const maxWait = 30 * time.Second

// orderRoutes are the operations on orders, in both roles.
type orderRoutes struct {
	desk     *desk.Desk
	shops    *shops
	stopping context.Context // of the server: what waits for a supplier ends by it
}

func (s *orderRoutes) register(r *router) {
	tags := []string{"orders"}
	add(r, huma.Operation{
		OperationID: "place-order", Method: http.MethodPost, Path: "/api/v1/orders", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Order a reservation for a consumer",
		Description: "The signed order is durable when this answers, and is sent until the supplier answers. 201: the supplier has it; " +
			"202: it has not answered yet, see the order or the events. Ordering the same reservation again with the same address, reference and note finds the same order; with another it is a conflict.",
		Responses: map[string]*huma.Response{"202": orderResponse(r, "The supplier has not answered yet.")},
	}, route{key: keyAgain, time: requestTime + maxWait, may: mayRelay, relays: true, original: "/api/v1/order"}, s.placeOrder)
	add(r, huma.Operation{
		OperationID: "list-orders", Method: http.MethodGet, Path: "/api/v1/orders", Tags: tags,
		Summary: "Orders, in one role or in both",
		Description: "The newest first: by the day of their reservations, and within a day by when they were placed. Every condition given must hold. " +
			"A page looks at no more than 5,000 orders, beside those of the day in which it begins: it may be short, even empty, while there is a next one.",
	}, route{}, s.listOrders)
	add(r, huma.Operation{
		OperationID: "get-order", Method: http.MethodGet, Path: "/api/v1/orders/{id}", Tags: tags,
		Summary: "One order", Description: "With the consumer's address and the retailer's reference and note, until they are erased.",
	}, route{may: []exchange.Code{exchange.CodeNotFound, exchange.CodeConflict}, formerly: "/api/v1/order/{id}"}, s.getOrder)
	act := func(name, summary string) huma.Operation {
		return huma.Operation{OperationID: name + "-order", Method: http.MethodPost, Path: "/api/v1/orders/{id}/" + name, Tags: tags, Summary: summary}
	}
	once := func(name string) route {
		return route{key: keyOnce, may: mayOrder, formerly: "/api/v1/order/{id}/" + name}
	}
	add(r, act("accept", "Bind this shop to ship an order it received"), once("accept"), s.acceptOrder)
	add(r, act("reject", "Turn down an order that is not accepted yet"), once("reject"), s.rejectOrder)
	add(r, act("ship", "Send units of a sold order on their way"), once("ship"), s.shipOrder)
	add(r, act("deliver", "Mark shipped units of a sold order as arrived"), once("deliver"), s.deliverOrder)
	cancel := act("cancel", "Cancel unshipped units, in either role")
	cancel.Description = "Of a bought order this asks the supplier; 202: it has not answered yet. One whose supplier is out of the federation (partner_gone) is closed in this shop's own records alone, whole and whatever the terms' cancel rule, and cancelling says when; nobody is asked."
	cancel.Responses = map[string]*huma.Response{"202": orderResponse(r, "The supplier has not answered yet.")}
	asked := once("cancel")
	asked.time, asked.may, asked.relays = requestTime+maxWait, mayRelay, true
	add(r, cancel, asked, s.cancelOrder)
}

// orderBody is an order with a status of its own.
type orderBody struct {
	Status int
	Body   view.Order
}

type placeInput struct {
	Wait waitSeconds `query:"wait" minimum:"0" maximum:"30" doc:"Seconds to wait for the supplier's answer; default 10."`
	Body view.PlaceOrder
}

// waitSeconds is a parameter that tells "0" from none: huma's own defaults replace
// a zero.
type waitSeconds struct {
	value int
	given bool
}

// defaultWait suits a supplier that is there: its answer takes milliseconds.
const defaultWait = 10 * time.Second

// Schema implements huma.SchemaProvider.
func (waitSeconds) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: huma.TypeInteger} }

// Receiver implements huma.ParamWrapper.
func (w *waitSeconds) Receiver() reflect.Value { return reflect.ValueOf(&w.value).Elem() }

// OnParamSet implements huma.ParamReactor.
func (w *waitSeconds) OnParamSet(given bool, _ any) { w.given = given }

func (w waitSeconds) duration() time.Duration {
	if !w.given {
		return defaultWait
	}
	return time.Duration(w.value) * time.Second
}

func (s *orderRoutes) placeOrder(ctx context.Context, in *placeInput) (*orderBody, error) {
	to := exchange.Delivery{Reference: in.Body.Reference, Note: strings.ReplaceAll(in.Body.Note, "\r\n", "\n")}
	var err error
	if to.ShipTo, err = s.shipTo(ctx, in.Body); err != nil {
		return nil, err
	}
	events, stop := s.desk.Events.Watch()
	defer stop()
	rec, err := s.desk.Retailer.PlaceOrder(ctx, in.Body.Reservation, to)
	if err != nil {
		return nil, s.shops.ofReservation(ctx, s.desk, in.Body.Reservation, err)
	}
	answered := func(r *record.Order) bool { return r.Order.Submitted != 0 || r.Refusal != exchange.CodeOK }
	if rec, err = s.await(ctx, events, in.Wait.duration(), rec, answered); err != nil {
		return nil, err
	}
	if rec.Order.Submitted == 0 && rec.Refusal != exchange.CodeOK {
		return nil, exchange.Errorf(rec.Refusal, "the supplier refused the order: %s", rec.Detail)
	}
	return s.orderAnswer(ctx, exchange.Retailer, rec, answered(rec), http.StatusCreated), nil
}

// shipTo is the address of an order; its country, where it is not given, is the one
// that was quoted for.
func (s *orderRoutes) shipTo(ctx context.Context, in view.PlaceOrder) (exchange.ShipTo, error) {
	to := exchange.ShipTo(in.ShipTo)
	if to.Country != "" {
		var err error
		to.Country, err = view.ParseCountry(to.Country)
		return to, err
	}
	before, err := s.desk.Orders.Find(exchange.Retailer, in.Reservation)
	if err == nil {
		to.Country = before.Quote.Country
	}
	if exchange.CodeOf(err) != exchange.CodeNotFound {
		return to, err
	}
	res, err := s.desk.Retailer.Reservation(ctx, in.Reservation)
	if err != nil {
		return to, err
	}
	to.Country = res.Request.Country
	return to, nil
}

// await returns the purchase when settled says so. After wait, or when the caller is gone or
// the server stops, it returns the order as it stands: the request to the supplier is durable,
// and its sender goes on. A supplier that is known to be away is not waited for.
func (s *orderRoutes) await(ctx context.Context, events <-chan event.Event, wait time.Duration, rec *record.Order, settled func(*record.Order) bool) (*record.Order, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for waiting := !s.desk.Retailer.Away(rec.Supplier); waiting && !settled(rec); {
		select {
		case e := <-events:
			if o, ok := e.(event.Order); !ok || o.ID != rec.ID {
				continue
			}
		case <-timer.C:
			waiting = false
		case <-ctx.Done():
			waiting = false
		case <-s.stopping.Done():
			waiting = false
		}
		var err error
		if rec, err = s.desk.Orders.Find(exchange.Retailer, rec.ID); err != nil {
			return nil, err
		}
	}
	return rec, nil
}

// orderAnswer has the status done, or 202 where the supplier has not answered.
func (s *orderRoutes) orderAnswer(ctx context.Context, side exchange.Party, rec *record.Order, answered bool, done int) *orderBody {
	if !answered {
		done = http.StatusAccepted
	}
	return &orderBody{Status: done, Body: s.orderView(ctx, side, rec)}
}

type orderInput struct {
	ID exchange.OrderID `path:"id"`
}

// huma does not look into embedded structs that are not exported: each input has
// an ID of its own.
type roleInput struct {
	ID   exchange.OrderID `path:"id"`
	Role string           `query:"role" enum:"bought,sold" doc:"Needed only where the shop has two orders of this id, one in each role."`
}

// find looks an order up in the role given, or in the one that has it.
func (s *orderRoutes) find(id exchange.OrderID, role string) (exchange.Party, *record.Order, error) {
	if role != "" {
		rec, err := s.desk.Orders.Find(sideOf(role), id)
		return sideOf(role), rec, err
	}
	bought, err := s.desk.Orders.Find(exchange.Retailer, id)
	if err != nil && exchange.CodeOf(err) != exchange.CodeNotFound {
		return 0, nil, err
	}
	sold, err := s.desk.Orders.Find(exchange.Supplier, id)
	switch code := exchange.CodeOf(err); {
	case bought == nil:
		return exchange.Supplier, sold, err
	case code == exchange.CodeNotFound:
		return exchange.Retailer, bought, nil
	case err != nil && code != exchange.CodeConflict:
		return 0, nil, err
	}
	// Another shop chose the id of an order that it sold to us for one of its own.
	return 0, nil, exchange.Errorf(exchange.CodeConflict, "there is a bought and a sold order %v; say which with role=bought or role=sold", id)
}

func (s *orderRoutes) getOrder(ctx context.Context, in *roleInput) (*body[view.Order], error) {
	side, rec, err := s.find(in.ID, in.Role)
	if err != nil {
		return nil, err
	}
	return answer(s.orderWhole(ctx, side, rec))
}

func (s *orderRoutes) acceptOrder(ctx context.Context, in *orderInput) (*body[view.Order], error) {
	rec, err := s.desk.Supplier.AcceptOrder(ctx, in.ID)
	return s.soldAnswer(ctx, in.ID, rec, err)
}

type rejectInput struct {
	ID   exchange.OrderID `path:"id"`
	Body *view.Reject
}

func (s *orderRoutes) rejectOrder(ctx context.Context, in *rejectInput) (*body[view.Order], error) {
	rec, err := s.desk.Supplier.RejectOrder(ctx, in.ID, orZero(in.Body).Reason)
	return s.soldAnswer(ctx, in.ID, rec, err)
}

type shipInput struct {
	ID   exchange.OrderID `path:"id"`
	Body *view.Ship
}

func (s *orderRoutes) shipOrder(ctx context.Context, in *shipInput) (*body[view.Order], error) {
	b := orZero(in.Body)
	rec, err := s.desk.Supplier.ShipOrder(ctx, in.ID, unitsOf(b.Lines), b.Carrier, b.Tracking)
	return s.soldAnswer(ctx, in.ID, rec, err)
}

type deliverInput struct {
	ID   exchange.OrderID `path:"id"`
	Body *view.Deliver
}

func (s *orderRoutes) deliverOrder(ctx context.Context, in *deliverInput) (*body[view.Order], error) {
	rec, err := s.desk.Supplier.DeliverOrder(ctx, in.ID, unitsOf(orZero(in.Body).Lines))
	return s.soldAnswer(ctx, in.ID, rec, err)
}

// soldAnswer shows what became of a sold order. Only the supplier acts on a bought order.
func (s *orderRoutes) soldAnswer(ctx context.Context, id exchange.OrderID, rec *record.Order, err error) (*body[view.Order], error) {
	if exchange.CodeOf(err) == exchange.CodeNotFound {
		if bought, other := s.desk.Orders.Find(exchange.Retailer, id); other == nil {
			err = exchange.Errorf(exchange.CodeState, "this shop bought order %v: only the supplier, %s, accepts, rejects, ships and delivers it", id, s.shops.nameOf(ctx, bought.Supplier))
		}
	}
	if err != nil {
		return nil, err
	}
	return answer(s.orderView(ctx, exchange.Supplier, rec), nil)
}

type cancelInput struct {
	ID   exchange.OrderID `path:"id"`
	Role string           `query:"role" enum:"bought,sold" doc:"Needed only where the shop has two orders of this id, one in each role."`
	Wait waitSeconds      `query:"wait" minimum:"0" maximum:"30" doc:"Seconds to wait for the supplier's answer; default 10."`
	Body *view.Cancel
}

func (s *orderRoutes) cancelOrder(ctx context.Context, in *cancelInput) (*orderBody, error) {
	side, _, err := s.find(in.ID, in.Role)
	if err != nil {
		return nil, err
	}
	var rec *record.Order
	b := orZero(in.Body)
	if side == exchange.Supplier {
		if rec, err = s.desk.Supplier.CancelSale(ctx, in.ID, unitsOf(b.Lines), b.Reason); err != nil {
			return nil, err
		}
		return s.orderAnswer(ctx, side, rec, true, http.StatusOK), nil
	}
	events, stop := s.desk.Events.Watch()
	defer stop()
	if rec, err = s.desk.Retailer.CancelPurchase(ctx, in.ID, unitsOf(b.Lines), b.Reason); err != nil {
		return nil, err
	}
	if s.shops.departure(rec.Supplier) != nil {
		return s.orderAnswer(ctx, side, rec, true, http.StatusOK), nil
	}
	answered := func(r *record.Order) bool { return r.CancelAt == 0 }
	if rec, err = s.await(ctx, events, in.Wait.duration(), rec, answered); err != nil {
		return nil, err
	}
	if answered(rec) && rec.Refusal != exchange.CodeOK {
		return nil, exchange.Errorf(rec.Refusal, "the supplier refused to cancel: %s", rec.Detail)
	}
	return s.orderAnswer(ctx, side, rec, answered(rec), http.StatusOK), nil
}

func unitsOf(lines []view.Units) []order.Units {
	out := make([]order.Units, len(lines))
	for i, l := range lines {
		out[i] = order.Units{SKU: l.SKU, Units: l.Units}
	}
	return out
}

func orZero[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
