package desk

import (
	"bytes"
	"context"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/reservation"
)

// Reservations and orders, as the shop that sells.

// ReserveRequest asks for one supplier's products.
type ReserveRequest struct {
	Supplier exchange.ShopID
	Lines    []exchange.Line
	Country  string        // ship-to
	MaxTotal int64         // minor units of the supplier's currency; 0 = any
	Lifetime time.Duration // 0 = the longest the terms allow
	// ID makes a repeat of the same request find the same hold; zero = a new one.
	ID exchange.HoldID
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
func (d *Desk) Reserve(ctx context.Context, r ReserveRequest) (*ReservationRecord, error) {
	rec, err := d.prepareReserve(r)
	if err != nil {
		return nil, err
	}
	reply, err := d.ask(ctx, r.Supplier, rec.Raw)
	if err != nil {
		if !isRefusal(err) {
			rec.Detail = "the supplier has not answered"
			d.saveSoon(*rec)
		}
		return nil, err
	}
	return rec, d.reserved(ctx, rec, reply)
}

// prepareReserve checks the request and makes the bytes that are sent.
func (d *Desk) prepareReserve(r ReserveRequest) (*ReservationRecord, error) {
	if r.Supplier == d.me {
		return nil, exchange.Errorf(exchange.CodeInvalid, "this is your own product; sell it from your own stock")
	}
	if d.partners.isEnding(chainID{r.Supplier, d.me}) {
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
	if r.ID.IsZero() {
		var tail [12]byte
		if err := d.randomBytes(tail[:]); err != nil {
			return nil, err
		}
		var err error
		if r.ID, err = d.NewReservationID(r.Supplier, tail); err != nil {
			return nil, err
		}
	}
	req := Hold{ID: r.ID, Lines: r.Lines, Country: r.Country, MaxTotal: r.MaxTotal, Lifetime: r.Lifetime.Milliseconds()}
	raw, err := d.frame(&req)
	if err != nil {
		return nil, err
	}
	return &ReservationRecord{Supplier: r.Supplier, Request: req, Raw: raw, Created: d.clock.Now()}, nil
}

// reserved reads the supplier's answer into rec and records it. A quote that is not
// what was asked for is refused, and its hold given back.
func (d *Desk) reserved(ctx context.Context, rec *ReservationRecord, reply []byte) error {
	answer, sealed, err := d.openAnswer(rec.Supplier, rec.Request.ID, reply)
	if err != nil {
		return err
	}
	if answer.Request != digest(rec.Raw) {
		return exchange.Errorf(exchange.CodeSignature, "the supplier answered another request")
	}
	if err := d.judge(ctx, rec, answer, sealed); err != nil {
		return err
	}
	err = rec.take(answer, sealed)
	if exchange.CodeOf(err) == exchange.CodeConflict {
		return err // the record, if it is kept, is of the hold that has this id
	}
	d.saveSoon(*rec)
	return err
}

// judge is checkAnswer for a reservation that is not held here yet, and what follows
// from it.
func (d *Desk) judge(ctx context.Context, rec *ReservationRecord, answer *HoldAnswer, sealed []byte) error {
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

// take notes an answer; it returns the refusal where it is one.
func (rec *ReservationRecord) take(answer *HoldAnswer, sealed []byte) error {
	rec.State, rec.Refusal, rec.Detail = answer.State, answer.Refusal, answer.Detail
	if answer.Quote != nil {
		if err := answer.Quote.CheckSums(); err != nil {
			return err
		}
		rec.Answer, rec.Expires = sealed, answer.Quote.Expires
	}
	if answer.Refusal != exchange.CodeOK {
		return exchange.Errorf(answer.Refusal, "%s", answer.Detail)
	}
	return nil
}

// saveReservation keeps a later record from being overwritten by an earlier one.
func (d *Desk) saveReservation(b *batch, rec *ReservationRecord) error {
	before, err := b.reservation(rec.Request.ID)
	if err != nil {
		return err
	}
	if before != nil && before.after(rec) {
		return nil
	}
	return b.save(reservationKey(rec.Request.ID), rec)
}

// after reports whether rec knows more of the hold than other does: answers come
// in any order, and the one that placed a hold is repeated after it ended.
func (rec *ReservationRecord) after(other *ReservationRecord) bool {
	switch {
	case rec.State.Terminal() != other.State.Terminal():
		return rec.State.Terminal()
	case other.State == reservation.None:
		return rec.State != reservation.None
	}
	return rec.State == other.State && rec.Expires > other.Expires
}

// openAnswer verifies a sealed answer about a hold of ours.
func (d *Desk) openAnswer(supplier exchange.ShopID, id exchange.HoldID, reply []byte) (*HoldAnswer, []byte, error) {
	v, err := d.unframe(reply)
	if err != nil {
		return nil, nil, err
	}
	sa, ok := v.(*SealedAnswer)
	if !ok {
		return nil, nil, exchange.Errorf(exchange.CodeInvalid, "the supplier answered with a %T", v)
	}
	payload, err := d.verifier.Open(supplier, sa.Sealed)
	if err != nil {
		return nil, nil, err
	}
	if v, err = d.codec.Decode(KindHoldAnswer, payload); err != nil {
		return nil, nil, err
	}
	a := v.(*HoldAnswer)
	if a.Supplier != supplier || a.Retailer != d.me || a.Hold != id {
		return nil, nil, exchange.Errorf(exchange.CodeSignature, "the supplier's answer is about another hold")
	}
	return a, sa.Sealed, nil
}

// Reservation is what this shop knows of a hold of its own; with a supplier it
// has forgotten, it asks every supplier it trades with.
func (d *Desk) Reservation(ctx context.Context, id exchange.HoldID) (*ReservationRecord, error) {
	rec, err := d.known(id)
	if err != nil {
		return nil, err
	}
	if rec != nil {
		if rec.State != reservation.None {
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
func (d *Desk) known(id exchange.HoldID) (*ReservationRecord, error) {
	if rec := d.recent.get(id); rec != nil {
		return rec, nil
	}
	v, err := d.read(KindReservationRecord, reservationKey(id))
	if err != nil || v == nil {
		return nil, err
	}
	return v.(*ReservationRecord), nil
}

// recall asks a supplier about a hold whose answer was lost.
func (d *Desk) recall(ctx context.Context, supplier exchange.ShopID, id exchange.HoldID, rec *ReservationRecord) (*ReservationRecord, error) {
	raw, err := d.frame(&HoldStatus{ID: id})
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
		rec = &ReservationRecord{Supplier: supplier, Request: Hold{ID: id}, Created: answer.At}
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
	if err := rec.take(answer, sealed); err != nil && rec.Answer == nil {
		return nil, err
	}
	return rec, d.do(ctx, func(b *batch) error { return d.saveReservation(b, rec) })
}

// Release gives a reservation back.
func (d *Desk) Release(ctx context.Context, id exchange.HoldID) (*ReservationRecord, error) {
	return d.changeReservation(ctx, id, &Release{ID: id})
}

// Extend moves a reservation's expiry to until, within the terms.
func (d *Desk) Extend(ctx context.Context, id exchange.HoldID, until exchange.Time) (*ReservationRecord, error) {
	return d.changeReservation(ctx, id, &Extend{ID: id, Until: until})
}

func (d *Desk) changeReservation(ctx context.Context, id exchange.HoldID, change Value) (*ReservationRecord, error) {
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
	if answer.Request != digest(raw) {
		return nil, exchange.Errorf(exchange.CodeSignature, "the supplier answered another request")
	}
	if err := d.checkExtended(rec, answer); err != nil {
		return nil, err // what was held before stays as it was
	}
	refusal := rec.take(answer, sealed)
	d.recent.put(rec)
	defer d.recent.forget(rec)
	if err := d.do(ctx, func(b *batch) error { return d.saveReservation(b, rec) }); err != nil {
		return nil, err
	}
	return rec, refusal
}

// ReservationQuote is the quote of a reservation; an error where it has none.
func (d *Desk) ReservationQuote(rec *ReservationRecord) (*exchange.Quote, error) {
	if rec.Answer == nil {
		return nil, exchange.Errorf(exchange.CodeState, "the reservation has no quote")
	}
	payload, err := d.verifier.Peek(rec.Answer)
	if err != nil {
		return nil, err
	}
	v, err := d.codec.Decode(KindHoldAnswer, payload)
	if err != nil {
		return nil, err
	}
	if q := v.(*HoldAnswer).Quote; q != nil {
		return q, nil
	}
	return nil, exchange.Errorf(exchange.CodeState, "the reservation has no quote")
}

// PlaceOrder commits a reservation with the consumer's address. When it returns,
// the signed request is durable here and on its way until the supplier answers,
// whatever fails meanwhile; the record says how far it is. Placing the same
// reservation again returns the order it became.
func (d *Desk) PlaceOrder(ctx context.Context, id exchange.HoldID, to exchange.ShipTo) (*OrderRecord, error) {
	if err := to.Check(); err != nil {
		return nil, err
	}
	res, err := d.Reservation(ctx, id)
	if err != nil {
		return nil, err
	}
	quote, err := d.ReservationQuote(res)
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeState, "reservation %v is %v and cannot be ordered", id, res.State)
	}
	if to.Country != quote.Country {
		return nil, exchange.Errorf(exchange.CodeCountry, "the reservation was quoted for %s, the address is in %s; reserve again", quote.Country, to.Country)
	}
	raw, err := d.codec.Encode(&ShipTo{to})
	if err != nil {
		return nil, err
	}
	var salt [16]byte
	if err := d.randomBytes(salt[:]); err != nil {
		return nil, err
	}
	c := chainID{res.Supplier, d.me}
	var rec *OrderRecord
	err = d.do(ctx, func(b *batch) error {
		k := orderKey(exchange.Retailer, id, res.Supplier)
		if rec, err = b.order(k); err != nil || rec != nil {
			return err
		}
		// The supplier's clock decides; this spares a request that cannot succeed.
		if res.State != reservation.Held && res.State != reservation.Committed {
			return exchange.Errorf(exchange.CodeState, "reservation %v is %v and cannot be ordered", id, res.State)
		}
		if err := d.members.MayTrade(); err != nil {
			return err
		}
		terms, version, err := b.termsInForce(c)
		if err != nil {
			return err
		}
		if err := d.checkOrdered(res, quote, terms, version); err != nil {
			return err
		}
		hash := digest(append(bytes.Clone(salt[:]), raw...))
		rec = &OrderRecord{ID: id, Supplier: res.Supplier, Retailer: d.me, Quote: *quote, ShipToHash: hash, Requested: b.now}
		if err := b.save(k, rec); err != nil {
			return err
		}
		if err := d.saveReservation(b, res); err != nil { // the order's entry will find it
			return err
		}
		b.then(func() { d.recent.drop(id) })
		return d.queue(b, c, SubmitOrder{Order: id, Quote: res.Answer, ShipTo: hash}, salt, raw)
	})
	return rec, err
}

// CancelBought asks the supplier to cancel unshipped units of an order this shop
// placed; no lines means everything open.
func (d *Desk) CancelBought(ctx context.Context, id exchange.OrderID, lines []order.Units, reason string) (*OrderRecord, error) {
	found, err := d.Order(exchange.Retailer, id)
	if err != nil {
		return nil, err
	}
	var rec *OrderRecord
	err = d.do(ctx, func(b *batch) error {
		k := orderKey(exchange.Retailer, id, found.Supplier)
		if rec, err = b.order(k); err != nil {
			return err
		}
		if rec.Order.Submitted == 0 && rec.Refusal != exchange.CodeOK {
			return exchange.Errorf(exchange.CodeState, "the supplier refused the order; there is nothing to cancel")
		}
		if rec.Order.Submitted != 0 { // refuse at once what the supplier is sure to refuse
			if _, _, err := order.Step(rec.Order, order.Cancel{By: exchange.Retailer, Lines: lines}, b.now); err != nil {
				return err
			}
		}
		rec.CancelAt = b.now
		if err := b.save(k, rec); err != nil {
			return err
		}
		return d.queue(b, chainID{found.Supplier, d.me}, CancelOrder{Order: id, Lines: lines, Reason: clip(reason, MaxReason)}, [16]byte{}, nil)
	})
	return rec, err
}

// queue numbers and signs a request and puts it into the outbox.
func (d *Desk) queue(b *batch, c chainID, act Act, salt [16]byte, shipTo []byte) error {
	rec, err := b.chain(c)
	if err != nil {
		return err
	}
	if rec.Chain.Frozen {
		return errFrozen
	}
	most := uint64(MaxOutbox)
	if _, end := act.(EndTrade); !end {
		most-- // the last place is an end's, which cannot be refused and is queued once
	}
	if waiting := rec.Queued - rec.Chain.Answered; waiting >= most {
		return exchange.Errorf(exchange.CodeLimit, "%d requests to this supplier wait for an answer; try again when it is online", waiting)
	}
	rec.Queued++
	b.setChain(c, rec)
	b.then(func() { d.courier.queued(c.supplier) })
	return d.sign(b, c, rec.Queued, act, salt, shipTo)
}

// sign puts a signed request into the outbox.
func (d *Desk) sign(b *batch, c chainID, number uint64, act Act, salt [16]byte, shipTo []byte) error {
	payload, err := d.codec.Encode(&Request{Supplier: c.supplier, Retailer: c.retailer, Number: number, At: b.now, Act: act})
	if err != nil {
		return err
	}
	sig, err := d.signer.Sign(DomainRequest, payload)
	if err != nil {
		return err
	}
	return b.save(outboxKey(c.supplier, number), &OutboxRecord{
		Number: number, Signed: SignedRequest{Payload: payload, Signature: sig}, Salt: salt, ShipTo: shipTo,
	})
}

// MaxOutbox bounds what waits for one supplier: at ~10 KiB for an order of 64
// lines, 100 MB.
const MaxOutbox = 10_000
