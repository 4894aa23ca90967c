package desk

import (
	"context"
	"errors"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// Reservations, as the shop that sells.

// ReserveRequest asks for one supplier's products.
type ReserveRequest struct {
	Supplier exchange.ShopID
	Lines    []exchange.Line
	Country  string        // ship-to
	MaxTotal int64         // minor units of the supplier's currency; 0 = any
	Lifetime time.Duration // 0 = the longest the terms allow
	// ID makes a repeat of the same request find the same hold; zero = a new one.
	ID exchange.HoldID
	// New says that ID is random and has never been asked for: nothing is known of it,
	// so nothing is looked up.
	New bool
}

// NewReservationID makes an id for a hold at supplier: its current window and 12
// bytes, which must be random or a secret's digest (an API's idempotency key).
func (d *Desk) NewReservationID(supplier exchange.ShopID, tail [12]byte) (exchange.HoldID, error) {
	w, ok := d.partners.window(supplier)
	if !ok {
		return exchange.HoldID{}, exchange.Errorf(exchange.CodeUnavailable, "%v has not been reached since this shop started; try again when it is online", supplier)
	}
	return exchange.NewHoldID(w, tail), nil
}

// Reserve holds stock at a supplier and returns the reservation with its quote.
// The hold is durable at the supplier when Reserve returns; here it is recorded soon
// after (a reservation lost in a crash is found again by its id, or expires). A
// refusal is an error with the supplier's code. When the supplier does not
// answer in ctx's time, the error is CodeUnavailable and the outcome unknown:
// call again with the same ID.
func (d *Desk) Reserve(ctx context.Context, r ReserveRequest) (*record.Reservation, error) {
	rec, err := d.prepareReserve(r)
	if err != nil {
		return nil, err
	}
	reply, err := d.ask(ctx, r.Supplier, rec.Raw)
	if err != nil {
		if errors.Is(err, kv.ErrRefused) && !r.New && d.mayHold(rec.Request.ID) {
			err = unknown(r.Supplier, err)
		}
		if !isRefusal(err) && !errors.Is(err, kv.ErrRefused) {
			rec.Detail = "the supplier has not answered"
			d.saveSoon(*rec)
		}
		return nil, err
	}
	return rec, d.reserved(ctx, rec, reply, r.New || r.ID.IsZero())
}

// prepareReserve checks the request and makes the bytes that are sent.
func (d *Desk) prepareReserve(r ReserveRequest) (*record.Reservation, error) {
	if r.Supplier == d.me {
		return nil, exchange.Errorf(exchange.CodeInvalid, "this is your own product; sell it from your own stock")
	}
	if d.partners.isEnding(ledger.ID{Supplier: r.Supplier, Retailer: d.me}) {
		return nil, exchange.Errorf(exchange.CodeNoPartnership, "you have ended the partnership with %v; propose a new one", r.Supplier)
	}
	if err := d.members.MayTrade(); err != nil {
		return nil, err
	}
	if err := exchange.CheckLines(r.Lines); err != nil {
		return nil, err
	}
	if err := exchange.CheckCountry(r.Country); err != nil {
		return nil, err
	}
	created := d.clock.Now()
	if r.ID.IsZero() {
		var tail [12]byte
		if err := d.randomBytes(tail[:]); err != nil {
			return nil, err
		}
		var err error
		if r.ID, err = d.NewReservationID(r.Supplier, tail); err != nil {
			return nil, err
		}
	} else if !r.New {
		var err error
		if created, err = d.firstAsked(r.ID); err != nil {
			return nil, err
		}
	}
	req := message.Hold{ID: r.ID, Lines: r.Lines, Country: r.Country, MaxTotal: r.MaxTotal, Lifetime: r.Lifetime.Milliseconds()}
	raw, err := d.frame(&req)
	if err != nil {
		return nil, err
	}
	return &record.Reservation{Supplier: r.Supplier, Request: req, Raw: raw, Created: created}, nil
}

// reserved reads the supplier's answer into rec and records it. A quote that is not
// what was asked for is refused, and its hold given back.
func (d *Desk) reserved(ctx context.Context, rec *record.Reservation, reply []byte, newID bool) error {
	answer, sealed, err := d.openAnswer(rec.Supplier, rec.Request.ID, reply)
	if err != nil {
		return err
	}
	if answer.Request != message.Digest(rec.Raw) {
		return exchange.Errorf(exchange.CodeSignature, "the supplier answered another request")
	}
	if err := d.judge(ctx, rec, answer, sealed); err != nil {
		return err
	}
	err = rec.Take(answer, sealed)
	if exchange.CodeOf(err) == exchange.CodeConflict {
		return err // the record, if it is kept, is of the hold that has this id
	}
	if newID {
		d.saveNewSoon(*rec)
	} else {
		d.saveSoon(*rec)
	}
	return err
}

// judge is checkAnswer for a reservation that is not held here yet, and what follows
// from it.
func (d *Desk) judge(ctx context.Context, rec *record.Reservation, answer *message.HoldAnswer, sealed []byte) error {
	err := d.checkAnswer(rec, answer)
	switch exchange.CodeOf(err) {
	case exchange.CodeOK:
		return nil
	case exchange.CodeBehind: // held or not is decided when the terms have come
		d.courier.behind(rec.Supplier)
		rec.Detail = err.Error()
		d.saveSoon(*rec)
	default:
		d.distrust(ctx, rec, sealed, err)
	}
	return err
}

// saveReservation keeps a later record from being overwritten by an earlier one, and the
// moment at which the reservation was first asked for.
func (d *Desk) saveReservation(b *batch, rec *record.Reservation) error {
	before, err := b.reservation(rec.Request.ID)
	if err != nil {
		return err
	}
	if before != nil && before.After(rec) {
		return nil
	}
	if before != nil && before.Created < rec.Created {
		first := *rec // rec itself may be read as a recent one
		first.Created = before.Created
		rec = &first
	}
	if before == nil || before.State != hold.Held || before.Expires != rec.Expires { // else it is listed, or told
		b.then(func() { d.lapses.note(rec) })
	}
	return b.save(record.ReservationKey(rec.Request.ID), rec)
}

// openAnswer verifies a sealed answer about a hold of ours.
func (d *Desk) openAnswer(supplier exchange.ShopID, id exchange.HoldID, reply []byte) (*message.HoldAnswer, []byte, error) {
	v, err := d.unframe(reply)
	if err != nil {
		return nil, nil, err
	}
	sa, ok := v.(*message.SealedAnswer)
	if !ok {
		return nil, nil, exchange.Errorf(exchange.CodeInvalid, "the supplier answered with a %T", v)
	}
	payload, err := d.verifier.Open(supplier, sa.Sealed)
	if err != nil {
		return nil, nil, err
	}
	if v, err = d.codec.Decode(message.KindHoldAnswer, payload); err != nil {
		return nil, nil, err
	}
	a := v.(*message.HoldAnswer)
	if a.Supplier != supplier || a.Retailer != d.me || a.Hold != id {
		return nil, nil, exchange.Errorf(exchange.CodeSignature, "the supplier's answer is about another hold")
	}
	return a, sa.Sealed, nil
}

// Reservation is what this shop knows of a hold of its own; with a supplier it
// has forgotten, it asks every supplier it trades with.
func (d *Desk) Reservation(ctx context.Context, id exchange.HoldID) (*record.Reservation, error) {
	rec, err := d.known(id)
	if err != nil {
		return nil, err
	}
	if rec != nil {
		if rec.State != hold.None || !d.members.IsMember(rec.Supplier) { // who is out answers nobody
			return rec, nil
		}
		return d.recall(ctx, rec.Supplier, id, rec)
	}
	for _, supplier := range d.suppliers() {
		if rec, err := d.recall(ctx, supplier, id, nil); err == nil {
			return rec, nil
		}
	}
	return nil, exchange.Errorf(exchange.CodeNotFound, "there is no reservation %v", id)
}

// known is what this shop has recorded of a reservation, or is about to; nil
// where that is nothing.
func (d *Desk) known(id exchange.HoldID) (*record.Reservation, error) {
	if rec := d.recent.get(id); rec != nil {
		return rec, nil
	}
	v, err := d.read(record.KindReservation, record.ReservationKey(id))
	if err != nil || v == nil {
		return nil, err
	}
	return v.(*record.Reservation), nil
}

// recall asks a supplier about a hold whose answer was lost.
func (d *Desk) recall(ctx context.Context, supplier exchange.ShopID, id exchange.HoldID, rec *record.Reservation) (*record.Reservation, error) {
	raw, err := d.frame(&message.HoldStatus{ID: id})
	if err != nil {
		return nil, err
	}
	reply, err := d.ask(ctx, supplier, raw)
	if err != nil {
		return rec, err
	}
	answer, sealed, err := d.openAnswer(supplier, id, reply)
	if err != nil {
		return rec, err
	}
	if rec == nil {
		rec = &record.Reservation{Supplier: supplier, Request: message.Hold{ID: id}, Created: answer.At}
	}
	if q := answer.Quote; q != nil && len(rec.Request.Lines) == 0 {
		rec.Request.Country = q.Country
		for _, l := range q.Lines {
			rec.Request.Lines = append(rec.Request.Lines, exchange.Line{SKU: l.SKU, Quantity: l.Quantity})
		}
	}
	if err := d.judge(ctx, rec, answer, sealed); err != nil {
		return rec, err
	}
	if err := rec.Take(answer, sealed); err != nil && rec.Answer == nil {
		return nil, err
	}
	return rec, d.do(ctx, func(b *batch) error { return d.saveReservation(b, rec) })
}

// Release gives a reservation back. A supplier that was revoked or has left holds nothing
// and is asked nothing.
func (d *Desk) Release(ctx context.Context, id exchange.HoldID) (*record.Reservation, error) {
	if rec, err := d.known(id); err != nil || rec != nil && !d.members.IsMember(rec.Supplier) {
		return rec, err
	}
	return d.changeReservation(ctx, id, &message.Release{ID: id})
}

// Extend moves a reservation's expiry to until, within the terms.
func (d *Desk) Extend(ctx context.Context, id exchange.HoldID, until exchange.Time) (*record.Reservation, error) {
	return d.changeReservation(ctx, id, &message.Extend{ID: id, Until: until})
}

func (d *Desk) changeReservation(ctx context.Context, id exchange.HoldID, change message.Value) (*record.Reservation, error) {
	rec, err := d.Reservation(ctx, id)
	if rec == nil { // one whose request may still be on its way is given back by a tombstone
		return nil, err
	}
	raw, err := d.frame(change)
	if err != nil {
		return nil, err
	}
	reply, err := d.ask(ctx, rec.Supplier, raw)
	if err != nil {
		return nil, err
	}
	answer, sealed, err := d.openAnswer(rec.Supplier, id, reply)
	if err != nil {
		return nil, err
	}
	if answer.Request != message.Digest(raw) {
		return nil, exchange.Errorf(exchange.CodeSignature, "the supplier answered another request")
	}
	if err := d.checkExtended(rec, answer); err != nil {
		return nil, err // what was held before stays as it was
	}
	refusal := rec.Take(answer, sealed)
	d.recent.put(rec)
	defer d.recent.forget(rec)
	if err := d.do(ctx, func(b *batch) error { return d.saveReservation(b, rec) }); err != nil {
		return nil, err
	}
	return rec, refusal
}

// ReservationQuote is the quote of a reservation; an error where it has none.
func (d *Desk) ReservationQuote(rec *record.Reservation) (*exchange.Quote, error) {
	if rec.Answer == nil {
		return nil, exchange.Errorf(exchange.CodeState, "the reservation has no quote")
	}
	payload, err := d.verifier.Peek(rec.Answer)
	if err != nil {
		return nil, err
	}
	v, err := d.codec.Decode(message.KindHoldAnswer, payload)
	if err != nil {
		return nil, err
	}
	if q := v.(*message.HoldAnswer).Quote; q != nil {
		return q, nil
	}
	return nil, exchange.Errorf(exchange.CodeState, "the reservation has no quote")
}

// Standing is where a reservation of this shop's stands now, as far as this shop can
// tell: the supplier says nothing when a hold ends by time or with the partnership, and
// its clock, not this one, has the last word on an order. One whose order is on its way
// is committed. A supplier that was revoked or has left holds nothing.
func (d *Desk) Standing(rec *record.Reservation) (hold.State, error) {
	gone := !d.members.IsMember(rec.Supplier)
	switch {
	case rec.State == hold.None && gone:
		return hold.Released, nil
	case rec.State != hold.Held:
		return rec.State, nil
	}
	switch order, err := d.Order(exchange.Retailer, rec.Request.ID); {
	case err == nil && order.Refusal == exchange.CodeOK:
		return hold.Committed, nil
	case err != nil && exchange.CodeOf(err) != exchange.CodeNotFound:
		return 0, err
	}
	trade, err := d.Trade(rec.Supplier, exchange.Retailer)
	switch {
	case err != nil:
		return 0, err
	case gone || !trade.State.Active || trade.Ending:
		return hold.Released, nil
	case rec.Expires <= d.clock.Now():
		return hold.Expired, nil
	}
	return hold.Held, nil
}
