package api

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/node/api/view"
)

// reservationRoutes are the operations on this shop's reservations at its suppliers.
type reservationRoutes struct {
	keys     *idempotency
	desk     *desk.Desk
	shops    *shops
	business *Business
	log      *slog.Logger
}

func (s *reservationRoutes) register(r *router) {
	tags := []string{"reservations"}
	add(r, huma.Operation{
		OperationID: "reserve", Method: http.MethodPost, Path: "/api/v1/reservations", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Set stock aside at a supplier or of the shop's own, all lines or none, and get its quote",
		Description: "Lines of the shop's own products are held at once, at list price; sell them with POST /api/v1/sales. The rest is about a supplier's. When the supplier does not answer in time the problem is unavailable and names the reservation that may have been made: send the same request with the same Idempotency-Key again within " + returnTime + ". " +
			"The shop goes on asking meanwhile; then it gives the stock back and answers a repeat with released. It gives back at once what a caller without a key asked for that breaks off. " +
			"When the supplier is not reachable the problem is unavailable without a reservation: nothing was asked and nothing is held. Of a supplier that is known to be away this takes less than a second.",
	}, route{key: keyHold, time: partnerTime, may: mayRelay, relays: true}, s.reserve)
	add(r, huma.Operation{
		OperationID: "get-reservation", Method: http.MethodGet, Path: "/api/v1/reservations/{id}", Tags: tags,
		Summary: "A reservation of this shop's",
		Description: "One whose placing the supplier has not answered yet is asked for again; while the supplier does not answer, its state is none. " +
			"One of an answer that came too late for its caller says in release_at when it is given back: repeat the request with its key, order it or extend it before that.",
	}, route{time: partnerTime, may: mayRelay, relays: true}, s.getReservation)
	add(r, huma.Operation{
		OperationID: "list-reservations", Method: http.MethodGet, Path: "/api/v1/reservations", Tags: tags,
		Summary: "This shop's reservations",
		Description: "The newest first: by the day of their ids, and within a day by when they were asked for. They are listed for eight days after their own. " +
			"No supplier is asked for the list; an answer that was lost is asked for again by itself.",
	}, route{}, s.listReservations)
	add(r, huma.Operation{
		OperationID: "release-reservation", Method: http.MethodDelete, Path: "/api/v1/reservations/{id}", Tags: tags,
		Summary:     "Give a reservation back",
		Description: "When the supplier does not answer in time the problem is unavailable, and the shop asks until it does.",
	}, route{time: partnerTime, may: mayRelay, relays: true}, s.releaseReservation)
	add(r, huma.Operation{
		OperationID: "extend-reservation", Method: http.MethodPost, Path: "/api/v1/reservations/{id}/extend", Tags: tags,
		Summary:     "Move a reservation's expiry, within the terms",
		Description: "When the supplier does not answer in time the problem is unavailable, and the shop asks until it does.",
	}, route{key: keyAgain, time: partnerTime, may: mayRelay, relays: true}, s.extendReservation)
}

type reserveInput struct {
	Key  string `header:"Idempotency-Key" hidden:"true"` // documented by the route
	Body view.Reserve
}

func (s *reservationRoutes) reserve(ctx context.Context, in *reserveInput) (*body[view.Reservation], error) {
	req, err := s.reserveRequest(ctx, in)
	if err != nil {
		s.keys.forgetHold(in.Key)
		return nil, err
	}
	if req.Supplier == s.desk.Shop() {
		return s.reserveOwn(ctx, in.Key, req)
	}
	res, err := s.desk.Retailer.Reserve(ctx, req)
	s.business.Hold(req.Supplier, exchange.Retailer, outcomeOf(exchange.CodeOf(err)))
	if err == nil {
		return s.reservationAnswer(ctx, res, nil)
	}
	supplier, sure := s.shops.nameOf(ctx, req.Supplier), errors.Is(err, kv.ErrRefused)
	if res != nil && res.State == hold.Refused && exchange.CodeOf(err).Retry() { // its own system did not answer it
		p := problemOf(exchange.Errorf(exchange.CodeOf(err), "%s held nothing: %w", supplier, err))
		p.Retry = false
		return nil, p
	}
	if sure {
		err = exchange.Errorf(exchange.CodeUnavailable, "%s cannot write at the moment, and held nothing; try again later", supplier)
	}
	err = s.unanswered(supplier, err, "whether it acted is unknown; send the same request with the same "+KeyHeader+" again within "+returnTime+", after which this shop gives the stock back")
	if res == nil { // refused here: in words of this shop, which knows the other by its ID
		s.keys.forgetHold(in.Key)
		err = s.shops.named(ctx, err, req.Supplier)
	}
	p := problemOf(err)
	if p.Retry && !sure && res != nil {
		p.Reservation = &res.Request.ID
	}
	return nil, p
}

// reserveOwn reserves the shop's own products: nobody is asked.
func (s *reservationRoutes) reserveOwn(ctx context.Context, key string, req trade.ReserveRequest) (*body[view.Reservation], error) {
	res, err := s.desk.Own.Reserve(ctx, trade.OwnRequest{Lines: req.Lines, Country: req.Country, MaxTotal: req.MaxTotal, Lifetime: req.Lifetime, Key: req.Key})
	if err != nil {
		s.keys.forgetHold(key)
	}
	return s.reservationAnswer(ctx, res, err)
}

// own is a reservation of the shop's own products; nil where the id names none.
func (s *reservationRoutes) own(id exchange.HoldID) (*trade.Reservation, error) {
	res, err := s.desk.Own.Reservation(id)
	if exchange.CodeOf(err) == exchange.CodeNotFound {
		return nil, nil
	}
	return res, err
}

// reserveRequest reads and checks a whole request, before a reservation's id is made.
func (s *reservationRoutes) reserveRequest(ctx context.Context, input *reserveInput) (trade.ReserveRequest, error) {
	in := input.Body
	req := trade.ReserveRequest{Lifetime: seconds(in.Seconds)}
	var err error
	lines := make([]exchange.Line, len(in.Lines))
	for i, l := range in.Lines {
		if i > 0 && l.Product.Shop != req.Supplier && (l.Product.Shop == s.desk.Shop() || req.Supplier == s.desk.Shop()) {
			return req, exchange.Errorf(exchange.CodeInvalid, "a reservation is of your own products or of one supplier's, not of both; make one for each")
		}
		if i > 0 && l.Product.Shop != req.Supplier {
			return req, exchange.Errorf(exchange.CodeInvalid, "a reservation is with one supplier; make one for each of %v and %v", req.Supplier, l.Product.Shop)
		}
		req.Supplier = l.Product.Shop
		lines[i] = exchange.Line{SKU: l.Product.SKU, Quantity: exchange.Quantity(l.Quantity)}
	}
	if req.Lines, err = exchange.NewLines(lines); err != nil {
		return req, err
	}
	if in.Country == "" && req.Supplier != s.desk.Shop() {
		return req, exchange.Errorf(exchange.CodeInvalid, "the request is not valid: country is missing; it says where the goods will go")
	}
	if in.Country != "" {
		if req.Country, err = view.ParseCountry(in.Country); err != nil {
			return req, err
		}
	}
	if req.Supplier != s.desk.Shop() {
		if err := s.shops.present(ctx, req.Supplier); err != nil {
			return req, err
		}
	}
	req.Key = s.keys.reservationKey(input.Key, req.Supplier)
	if in.MaxTotal == nil {
		return req, nil
	}
	if req.MaxTotal, err = in.MaxTotal.Money(); err != nil {
		return req, err
	}
	if req.MaxTotal.Minor == 0 {
		return req, exchange.Errorf(exchange.CodeInvalid, "a max_total of nothing would refuse everything; leave it out")
	}
	return req, nil
}

// askedOn follows where a release or an extension was not answered.
const askedOn = "whether it acted is unknown; this shop asks until it answers: look at the reservation"

// returnTime is trade.ReturnTime in words.
var returnTime = exchange.Span(trade.ReturnTime)

type reservationInput struct {
	ID exchange.HoldID `path:"id"`
}

func (s *reservationRoutes) getReservation(ctx context.Context, in *reservationInput) (*body[view.Reservation], error) {
	if res, err := s.own(in.ID); err != nil || res != nil {
		return s.reservationAnswer(ctx, res, err)
	}
	rec, err := s.desk.Retailer.Reservation(ctx, in.ID)
	if rec != nil && (errors.Is(err, trade.ErrUnanswered) || errors.Is(err, message.ErrNotAsked)) {
		err = nil // the reservation shows as not answered yet
	}
	return s.reservationAnswer(ctx, rec, err)
}

// unanswered says in words for a person that a supplier was not reached, or did not answer, and logs
// why. so is what follows where it did not answer.
func (s *reservationRoutes) unanswered(supplier string, err error, so string) error {
	if errors.Is(err, message.ErrNotAsked) && exchange.CodeOf(err) == exchange.CodeUnavailable {
		s.log.Info("a supplier was not reached", "supplier", supplier, "err", err)
		return exchange.Errorf(exchange.CodeUnavailable, "%s is not reachable, so nothing was asked of it; try again when it is back (souk members shows who is connected)", supplier)
	}
	if !errors.Is(err, trade.ErrUnanswered) {
		return err
	}
	s.log.Info("a supplier did not answer", "supplier", supplier, "err", err)
	return exchange.Errorf(exchange.CodeUnavailable, "%s did not answer in time, so %s", supplier, so)
}

func (s *reservationRoutes) releaseReservation(ctx context.Context, in *reservationInput) (*body[view.Reservation], error) {
	if res, err := s.own(in.ID); err != nil || res != nil {
		if err == nil {
			res, err = s.desk.Own.Release(ctx, in.ID)
		}
		return s.reservationAnswer(ctx, res, err)
	}
	rec, err := s.desk.Retailer.Release(ctx, in.ID)
	return s.reservationAnswer(ctx, rec, s.unanswered("the supplier", err, askedOn))
}

type extendInput struct {
	ID   exchange.HoldID `path:"id"`
	Body view.Extend
}

func (s *reservationRoutes) extendReservation(ctx context.Context, in *extendInput) (*body[view.Reservation], error) {
	if res, err := s.own(in.ID); err != nil || res != nil {
		if err == nil {
			res, err = s.desk.Own.Extend(ctx, in.ID, exchange.TimeOf(in.Body.Until))
		}
		return s.reservationAnswer(ctx, res, err)
	}
	rec, err := s.desk.Retailer.Extend(ctx, in.ID, exchange.TimeOf(in.Body.Until))
	return s.reservationAnswer(ctx, rec, s.shops.ofReservation(ctx, s.desk, in.ID, s.unanswered("the supplier", err, askedOn)))
}

func (s *reservationRoutes) reservationAnswer(ctx context.Context, res *trade.Reservation, err error) (*body[view.Reservation], error) {
	if err != nil {
		return nil, err
	}
	return answer(s.reservationView(ctx, res), nil)
}

// reservationView shows a reservation as it stands.
func (s *reservationRoutes) reservationView(ctx context.Context, res *trade.Reservation) view.Reservation {
	rec := res.Reservation
	v := view.Reservation{
		ID: rec.Request.ID, Supplier: rec.Supplier, SupplierName: s.shops.nameOf(ctx, rec.Supplier), Own: rec.Supplier == s.desk.Shop(), State: res.State.String(),
		Lines: make([]view.ReserveLine, rec.Request.Lines.Len()), Country: rec.Request.Country,
		Created: view.Time(rec.Created), Expires: view.Time(rec.Expires), ReleaseAt: view.Time(rec.ReleaseAt), ExtendTo: view.Time(rec.ExtendTo), Refusal: view.RefusalOf(rec.Refusal, rec.Detail),
	}
	for i, l := range rec.Request.Lines.All() {
		v.Lines[i] = view.ReserveLine{Product: exchange.ProductID{Shop: rec.Supplier, SKU: l.SKU}, Quantity: int64(l.Quantity)}
	}
	if v.Refusal != nil {
		v.Refusal.Lines = view.ShortLinesOf(rec.Short)
	}
	if res.Quote != nil {
		v.Quote = ptr(quoteView(res.Quote))
	}
	return v
}

// seconds reads a span; the core counts milliseconds.
func seconds(s float64) time.Duration {
	return time.Duration(math.Round(s*1000)) * time.Millisecond
}

func quoteView(q *exchange.Quote) view.Quote {
	native := func(minor int64) view.Money { return view.MoneyOf(exchange.Money{Minor: minor, Currency: q.Currency}) }
	dollars := func(cents int64) *view.Money { return view.USD(cents, q.Rate.Known()) }
	v := view.Quote{
		Format: 1, Lines: make([]view.QuoteLine, len(q.Lines)), Country: q.Country,
		Shipping: native(q.Shipping), ShippingUSD: dollars(q.USDShipping),
		Tax:   view.Tax{Treatment: q.Tax.Treatment.String(), RateBP: uint32(q.Tax.Rate)},
		Total: native(q.Total), TotalUSD: dollars(q.USDTotal),
		Rate: q.Rate.Text, RateDate: q.Rate.Date, RateSource: q.Rate.Source, TermsVersion: q.TermsVersion,
		Cancel: q.Cancel.String(), AcceptSeconds: q.AcceptWithin.Seconds(), Issued: view.Time(q.Issued), Expires: view.Time(q.Expires),
	}
	if q.Format != exchange.QuoteByUnit {
		v.Format, v.DiscountBP = int(q.Format), ptr(uint32(q.Discount))
	}
	for i := range q.Lines {
		l := &q.Lines[i]
		unit, _ := q.UnitPrice(l)
		unitUSD := l.USDUnit
		if q.Format != exchange.QuoteByUnit {
			unitUSD, _ = q.Cents(unit) // less than the line's, which was converted
		}
		v.Lines[i] = view.QuoteLine{
			Product: exchange.ProductID{Shop: q.Supplier, SKU: l.SKU}, SKU: l.SKU, Title: l.Title, Quantity: int64(l.Quantity),
			List: native(l.List), Unit: native(unit), Total: native(l.Total),
			UnitUSD: dollars(unitUSD), TotalUSD: dollars(l.USDTotal), Snapshot: snapshotView(l),
		}
	}
	return v
}

func snapshotView(l *exchange.QuoteLine) view.Snapshot {
	return view.Snapshot{Options: optionsView(l.Options), Barcode: l.Barcode, Image: l.Image, Cut: l.Cut}
}
