package api

import (
	"context"
	"crypto/rand"
	"errors"
	"math"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/node/api/view"
)

func (s *Server) reservationRoutes(api huma.API) {
	tags := []string{"reservations"}
	add(s, api, huma.Operation{
		OperationID: "reserve", Method: http.MethodPost, Path: "/api/v1/reservations", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary:     "Set stock aside at a supplier, all lines or none, and get its sealed quote",
		Description: "When the supplier does not answer in time the problem is unavailable: send the same request with the same Idempotency-Key again.",
	}, route{key: keyHold, time: partnerTime}, s.reserve)
	add(s, api, huma.Operation{
		OperationID: "get-reservation", Method: http.MethodGet, Path: "/api/v1/reservations/{id}", Tags: tags,
		Summary:     "A reservation of this shop's",
		Description: "One whose placing the supplier has not answered yet is asked for again; while the supplier does not answer, its state is none.",
	}, route{time: partnerTime}, s.getReservation)
	add(s, api, huma.Operation{
		OperationID: "list-reservations", Method: http.MethodGet, Path: "/api/v1/reservations", Tags: tags,
		Summary: "This shop's reservations",
		Description: "The newest first: by the day of their ids, and within a day by when they were asked for. They are listed for eight days after their own. " +
			"No supplier is asked; look at a single one to have an answer that was lost asked for again.",
	}, route{}, s.listReservations)
	add(s, api, huma.Operation{
		OperationID: "release-reservation", Method: http.MethodDelete, Path: "/api/v1/reservations/{id}", Tags: tags,
		Summary: "Give a reservation back",
	}, route{time: partnerTime}, s.releaseReservation)
	add(s, api, huma.Operation{
		OperationID: "extend-reservation", Method: http.MethodPost, Path: "/api/v1/reservations/{id}/extend", Tags: tags,
		Summary: "Move a reservation's expiry, within the terms",
	}, route{key: keyOnce, time: partnerTime}, s.extendReservation)
}

type reserveInput struct {
	Body view.Reserve
}

func (s *Server) reserve(ctx context.Context, in *reserveInput) (*body[view.Reservation], error) {
	req, err := s.reserveRequest(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	if req.ID, err = s.reservationID(ctx, req.Supplier); err != nil {
		return nil, err
	}
	req.New = holdOf(ctx) == nil
	rec, err := s.desk.Retailer.Reserve(ctx, req)
	s.business.Hold(req.Supplier, exchange.Retailer, outcomeOf(exchange.CodeOf(err)))
	if err != nil {
		supplier, sure := s.names.of(ctx, req.Supplier), errors.Is(err, kv.ErrRefused)
		if sure {
			err = exchange.Errorf(exchange.CodeUnavailable, "%s cannot write at the moment, and held nothing; try again later", supplier)
		}
		p := problemOf(s.unanswered(supplier, err))
		if p.Retry && !sure {
			p.Reservation = &req.ID
		}
		return nil, p
	}
	return s.reservationAnswer(ctx, rec, nil)
}

// reserveRequest reads a request whole: what passes here is worth a reservation's id.
func (s *Server) reserveRequest(ctx context.Context, in view.Reserve) (trade.ReserveRequest, error) {
	req := trade.ReserveRequest{Lifetime: seconds(in.Seconds)}
	var err error
	if req.Country, err = view.ParseCountry(in.Country); err != nil {
		return req, err
	}
	for i, l := range in.Lines {
		if i > 0 && l.Product.Shop != req.Supplier {
			return req, exchange.Errorf(exchange.CodeInvalid, "a reservation is with one supplier; make one for each of %v and %v", req.Supplier, l.Product.Shop)
		}
		req.Supplier = l.Product.Shop
		req.Lines = append(req.Lines, exchange.Line{SKU: l.Product.SKU, Quantity: exchange.Quantity(l.Quantity)})
	}
	if req.Supplier == s.desk.Shop() {
		return req, exchange.Errorf(exchange.CodeInvalid, "this is your own product; sell it from your own stock")
	}
	if err := exchange.CheckLines(req.Lines); err != nil {
		return req, err
	}
	if err := s.present(ctx, req.Supplier); err != nil {
		return req, err
	}
	if in.MaxTotal == nil {
		return req, nil
	}
	limit, err := in.MaxTotal.Money()
	if err != nil {
		return req, err
	}
	p, err := s.desk.Partnerships.Get(req.Supplier, exchange.Retailer)
	if err != nil {
		return req, err
	}
	if due := p.State.Terms.Currency; p.State.Active && due != limit.Currency {
		return req, exchange.Errorf(exchange.CodeCurrency, "this supplier is paid in %s; give max_total in it", due)
	}
	if limit.Minor == 0 {
		return req, exchange.Errorf(exchange.CodeInvalid, "a max_total of nothing would refuse everything; leave it out")
	}
	req.MaxTotal = limit.Minor
	return req, nil
}

// reservationID makes the hold's id before the supplier is asked, so that an
// answer that is lost can be asked for.
func (s *Server) reservationID(ctx context.Context, supplier exchange.ShopID) (exchange.HoldID, error) {
	h := holdOf(ctx)
	if h != nil && !h.id.IsZero() {
		return h.id, nil
	}
	var tail [12]byte
	var id exchange.HoldID
	var err error
	s.desk.Retailer.AwaitWindow(ctx, supplier)
	if h != nil {
		tail = h.tail(supplier)
		id, err = s.desk.Retailer.KeyedReservationID(ctx, supplier, tail)
	} else {
		rand.Read(tail[:])
		id, err = s.desk.Retailer.NewReservationID(supplier, tail)
	}
	if err != nil {
		p, terr := s.desk.Partnerships.Get(supplier, exchange.Retailer)
		if terr == nil && !p.State.Active {
			err = exchange.Errorf(exchange.CodeNoPartnership, "there is no partnership to buy from %s; propose one first", s.names.of(ctx, supplier))
		}
		return id, s.unanswered(s.names.of(ctx, supplier), err)
	}
	if h != nil {
		h.id = id
	}
	return id, nil
}

type reservationInput struct {
	ID exchange.HoldID `path:"id"`
}

func (s *Server) getReservation(ctx context.Context, in *reservationInput) (*body[view.Reservation], error) {
	rec, err := s.desk.Retailer.Reservation(ctx, in.ID)
	if rec != nil && errors.Is(err, trade.ErrUnanswered) {
		err = nil // it shows as not answered yet
	}
	return s.reservationAnswer(ctx, rec, err)
}

// unanswered says in words for a person that a supplier did not answer, and logs why.
func (s *Server) unanswered(supplier string, err error) error {
	if !errors.Is(err, trade.ErrUnanswered) {
		return err
	}
	s.log.Info("a supplier did not answer", "supplier", supplier, "err", err)
	return exchange.Errorf(exchange.CodeUnavailable, "%s did not answer in time, so whether it acted is unknown; look at the reservation, or send the same request with the same %s again", supplier, KeyHeader)
}

func (s *Server) releaseReservation(ctx context.Context, in *reservationInput) (*body[view.Reservation], error) {
	rec, err := s.desk.Retailer.Release(ctx, in.ID)
	return s.reservationAnswer(ctx, rec, s.unanswered("the supplier", err))
}

type extendInput struct {
	ID   exchange.HoldID `path:"id"`
	Body view.Extend
}

func (s *Server) extendReservation(ctx context.Context, in *extendInput) (*body[view.Reservation], error) {
	rec, err := s.desk.Retailer.Extend(ctx, in.ID, exchange.TimeOf(in.Body.Until))
	return s.reservationAnswer(ctx, rec, s.ofReservation(ctx, in.ID, s.unanswered("the supplier", err)))
}

func (s *Server) reservationAnswer(ctx context.Context, rec *record.Reservation, err error) (*body[view.Reservation], error) {
	if err != nil {
		return nil, err
	}
	state, err := s.desk.Retailer.Standing(rec)
	if err != nil {
		return nil, err
	}
	v, err := s.reservationView(ctx, rec, state)
	return answer(v, err)
}

// reservationView shows a reservation that stands at state.
func (s *Server) reservationView(ctx context.Context, rec *record.Reservation, state hold.State) (view.Reservation, error) {
	v := view.Reservation{
		ID: rec.Request.ID, Supplier: rec.Supplier, SupplierName: s.names.of(ctx, rec.Supplier), State: state.String(),
		Lines: make([]view.ReserveLine, len(rec.Request.Lines)), Country: rec.Request.Country,
		Created: view.Time(rec.Created), Expires: view.Time(rec.Expires), Refusal: view.RefusalOf(rec.Refusal, rec.Detail),
	}
	for i, l := range rec.Request.Lines {
		v.Lines[i] = view.ReserveLine{Product: exchange.ProductID{Shop: rec.Supplier, SKU: l.SKU}, Quantity: int64(l.Quantity)}
	}
	if rec.Answer != nil {
		quote, err := s.desk.Retailer.ReservationQuote(rec)
		if err != nil {
			return v, err
		}
		v.Quote = ptr(quoteView(quote))
	}
	return v, nil
}

// seconds reads a span; the core counts milliseconds.
func seconds(s float64) time.Duration {
	return time.Duration(math.Round(s*1000)) * time.Millisecond
}

func quoteView(q *exchange.Quote) view.Quote {
	native := func(minor int64) view.Money { return view.MoneyOf(exchange.Money{Minor: minor, Currency: q.Currency}) }
	v := view.Quote{
		Lines: make([]view.QuoteLine, len(q.Lines)), Country: q.Country,
		Shipping: native(q.Shipping), ShippingUSD: view.Dollars(q.USDShipping),
		Tax:   view.Tax{Treatment: q.Tax.Treatment.String(), RateBP: uint32(q.Tax.Rate)},
		Total: native(q.Total), TotalUSD: view.Dollars(q.USDTotal),
		Rate: q.Rate.Text, RateDate: q.Rate.Date, RateSource: q.Rate.Source, TermsVersion: q.TermsVersion,
		Cancel: q.Cancel.String(), AcceptSeconds: q.AcceptWithin.Seconds(), Issued: view.Time(q.Issued), Expires: view.Time(q.Expires),
	}
	for i, l := range q.Lines {
		v.Lines[i] = view.QuoteLine{
			Product: exchange.ProductID{Shop: q.Supplier, SKU: l.SKU}, SKU: l.SKU, Title: l.Title, Quantity: int64(l.Quantity),
			List: native(l.List), Unit: native(l.Unit), Total: native(l.Total),
			UnitUSD: view.Dollars(l.USDUnit), TotalUSD: view.Dollars(l.USDTotal),
		}
	}
	return v
}
