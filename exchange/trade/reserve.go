package trade

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
	"github.com/souk-market/souk/exchange/writer"
)

// Reservations at the retailer.

// ReserveRequest asks for one supplier's products.
type ReserveRequest struct {
	Supplier exchange.ShopID
	Lines    exchange.Lines
	Country  string         // ship-to
	MaxTotal exchange.Money // the most that may be due, shipping included; zero = any
	Lifetime time.Duration  // 0 = half of the longest that the terms allow; see [exchange.Terms.DefaultHold]
	// Key makes a repeat of the request find the same reservation, for 24 hours and across
	// crashes; zero = each request makes a new one. It must be a secret's digest, another for
	// each supplier: it becomes a part of the hold's id, which the supplier sees. Where a crash
	// lost the record, the supplier's hold is found again if it is what is asked for, whatever
	// terms or version came in between.
	Key ReservationKey
	// ID asks again for the reservation with this id; zero = a new one, or that of Key.
	ID exchange.HoldID
}

// ReservationKey is the part of a hold's id that a caller's key decides.
type ReservationKey [12]byte

// Reservation is a reservation of this shop's as it stands now.
type Reservation struct {
	*record.Reservation
	Quote *exchange.Quote // nil where it has none
	// State is the present state, which the record alone cannot say; see [Retailer.StateOf].
	State hold.State
}

// Reserve holds stock at a supplier and returns the reservation with its quote.
// The hold is durable at the supplier when Reserve returns. Here the record is pending and
// committed with a later batch: a reservation lost in a crash is found again by its id or
// key, or expires.
//
// A refusal is an error with the supplier's code. Where the supplier does not answer in ctx's
// time, the error is CodeUnavailable ([ErrUnanswered]) and the outcome unknown. A caller with a
// key, or with the id of the reservation returned beside the error, has ReturnTime to call again
// with it; this shop goes on asking meanwhile, and then gives the hold back (doc.go: When the
// answer is lost). No reservation is returned, and none is recorded, where the supplier was not
// asked: where that is because it is out of reach, message.ErrNotAsked is in the error's chain.
func (r *Retailer) Reserve(ctx context.Context, req ReserveRequest) (*Reservation, error) {
	if err := r.checkReserve(req); err != nil {
		return nil, err
	}
	wish, err := r.wishOf(ctx, req)
	if err != nil {
		return nil, err
	}
	leave, err := r.comeBack(&wish)
	if err != nil {
		return nil, err
	}
	defer leave()
	rec, err := r.prepareReserve(req, wish)
	if err != nil {
		return nil, err
	}
	if wish.isKnown(rec.Raw) {
		known := *wish.known
		if known.State == hold.Held {
			known.ReleaseAt, known.Detail, known.Left = 0, "", false
		}
		if known.State == hold.Released && known.Left { // this caller's, and too late
			return r.shown(&known, overFor(&known))
		}
		return r.shown(&known, r.saveNow(ctx, &known))
	}
	out := &Reservation{Reservation: rec, State: hold.None}
	mayHold, named := wish.mayHold(&r.pending), !wish.isNew
	note := &noting{}
	if wish.known == nil || wish.known.State == hold.None {
		note = r.asker.noteLate(r.asker.left(*rec, named))
	}
	reply, open, err := r.asker.askAgain(ctx, req.Supplier, rec.Raw)
	wish.noted = note.end()
	if err != nil {
		if isUndone(err) && mayHold {
			err, open = unknown(req.Supplier, err), true
		}
		named = named || !gone(ctx) // who still listens is told the id
		switch {
		case open: // where a later attempt was refused, an earlier one may arrive yet
			r.asker.takeOver(ctx, r.asker.left(*rec, named && !isRefusal(err)))
		case wish.noted:
			r.asker.unnote(ctx, wish.id, wish.known)
		}
		if errors.Is(err, message.ErrNotAsked) {
			return nil, err
		}
		return out, err
	}
	out.Quote, err = r.reserved(ctx, rec, reply, wish)
	switch code := exchange.CodeOf(err); {
	case code == exchange.CodeOK && gone(ctx) && wish.isUnanswered():
		r.asker.takeOver(ctx, *r.asker.keptFor(rec, named))
	case code == exchange.CodeConflict && wish.noted:
		r.asker.unnote(ctx, wish.id, wish.known)
	case code == exchange.CodeBehind || code != exchange.CodeOK && rec.State == hold.None && wish.noted:
		r.asker.takeOver(ctx, r.asker.left(*rec, named))
	}
	if exchange.CodeOf(err) == exchange.CodeConflict && wish.requestLost() {
		if found := r.foundAgain(ctx, rec, req.Lifetime); found != nil {
			return r.shownAgain(found)
		}
	}
	switch {
	case err != nil || wish.isNew:
		out.State = rec.State
		return out, err
	case wish.known != nil:
		return r.shownAgain(rec)
	}
	// The order may be here though the reservation is not: a ledger brings it back after a loss.
	out.State, err = r.StateOf(rec)
	return out, err
}

// shownAgain is the reservation that a repeat found, with its present state. The supplier
// repeats the answer that placed the hold, also after a release, an extension or an order.
func (r *Retailer) shownAgain(rec *record.Reservation) (*Reservation, error) {
	known, err := r.known(rec.Request.ID)
	if err != nil {
		return nil, err
	}
	if known != nil && known.After(rec) {
		rec = known
	}
	return r.shown(rec, nil)
}

// checkReserve refuses a request before the supplier is asked.
func (r *Retailer) checkReserve(req ReserveRequest) error {
	if req.Supplier == r.me {
		return exchange.Errorf(exchange.CodeInvalid, "this is your own product: reserve it as one")
	}
	if r.partnerships.view.isEnding(ledger.ID{Supplier: req.Supplier, Retailer: r.me}) {
		return exchange.Errorf(exchange.CodeNoPartnership, "you have ended the partnership with %v; propose a new one", req.Supplier)
	}
	if err := r.members.MayTrade(); err != nil {
		return err
	}
	if err := exchange.CheckCountry(req.Country); err != nil {
		return err
	}
	if req.MaxTotal == (exchange.Money{}) {
		return nil
	}
	if req.MaxTotal.Minor <= 0 {
		return exchange.Errorf(exchange.CodeInvalid, "a limit of nothing would refuse everything; leave it out")
	}
	terms, active := r.partnerships.view.inForce(ledger.ID{Supplier: req.Supplier, Retailer: r.me})
	if active && req.MaxTotal.Currency != terms.Currency {
		return exchange.Errorf(exchange.CodeCurrency, "this supplier is paid in %s; give max_total in it", terms.Currency)
	}
	return nil
}

// prepareReserve makes the bytes that are sent. A repeat is the same reservation: it keeps the
// time at which it was first asked for, as far as this shop has noted it.
func (r *Retailer) prepareReserve(req ReserveRequest, w wish) (*record.Reservation, error) {
	created := r.clock.Now()
	if at, ok := r.pending.created(w.id); ok && !w.isNew {
		created = at
	} else if w.known != nil {
		created = w.known.Created
	}
	ask := message.Hold{
		ID: w.id, Lines: req.Lines, Country: req.Country, MaxTotal: req.MaxTotal.Minor, Lifetime: r.lifetime(req, w).Milliseconds(),
		Reads: exchange.NewestQuote,
	}
	if w.known != nil && len(w.known.Raw) > 0 { // asked by an older version: the repeat is the same bytes
		ask.Reads = w.known.Request.Reads
	}
	raw, err := r.frame(&ask)
	if err != nil {
		return nil, err
	}
	rec := &record.Reservation{Supplier: req.Supplier, Request: ask, Raw: raw, Created: created}
	if w.known != nil {
		rec.ExtendTo = w.known.ExtendTo // it still waits for its answer
	}
	return rec, nil
}

// lifetime is how long a hold is asked for. A repeat that says nothing asks as the first request
// did, whatever terms or default came in between: the supplier compares the two byte for byte.
func (r *Retailer) lifetime(req ReserveRequest, w wish) time.Duration {
	switch {
	case req.Lifetime != 0:
		return req.Lifetime
	case w.known != nil && len(w.known.Raw) > 0:
		return time.Duration(w.known.Request.Lifetime) * time.Millisecond
	}
	terms, active := r.partnerships.view.inForce(ledger.ID{Supplier: req.Supplier, Retailer: r.me})
	if !active {
		return 0 // the supplier refuses, whatever is asked
	}
	return terms.DefaultHold()
}

// reserved reads the supplier's answer into rec and records it. A quote that is not
// what was asked for is refused, and its hold given back.
func (r *Retailer) reserved(ctx context.Context, rec *record.Reservation, reply []byte, w wish) (*exchange.Quote, error) {
	answer, sealed, err := r.openAnswer(rec.Supplier, rec.Request.ID, reply)
	if err != nil {
		return nil, err
	}
	if answer.Request != message.Digest(rec.Raw) {
		return nil, exchange.Errorf(exchange.CodeSignature, "the supplier answered another request")
	}
	asked := w.firstAsked(rec, r.ledgers)
	if asked == 0 && w.known == nil && answer.Quote != nil {
		rec.Created = min(rec.Created, answer.Quote.Issued)
	}
	if err := r.judge(ctx, rec, answer, sealed, asked); err != nil {
		return nil, err
	}
	err = rec.Take(answer, sealed)
	if exchange.CodeOf(err) == exchange.CodeConflict {
		return nil, err // the record, if it is kept, is of the hold that has this id
	}
	if w.isNew && !w.noted {
		r.saveNewBehind(*rec)
		return answer.Quote, err
	}
	known, failed := r.known(rec.Request.ID)
	if failed != nil {
		return nil, failed
	}
	switch {
	case known != nil && known.After(rec): // it is newer than this answer and must not be replaced
	case w.noted || known != nil && known.ReleaseAt != 0:
		// What the store says would give back after a crash what the caller is told now.
		if failed := r.saveNow(context.WithoutCancel(ctx), rec); failed != nil {
			r.asker.takeOver(ctx, r.asker.left(*rec, true))
			return nil, failed
		}
	default:
		r.saveBehind(*rec)
	}
	return answer.Quote, err
}

// judge runs checkAnswer for a reservation that is not recorded as held, and records a failure.
func (r *Retailer) judge(ctx context.Context, rec *record.Reservation, answer *message.HoldAnswer, sealed []byte, asked exchange.Time) error {
	err := r.checkAnswer(rec, answer, asked)
	switch exchange.CodeOf(err) {
	case exchange.CodeOK:
		return nil
	case exchange.CodeBehind: // checked again when the terms have come
		r.sender.behind(rec.Supplier)
	default:
		r.distrust(ctx, rec, sealed, err)
	}
	return err
}

// saveReservation writes a reservation's record unless the one before is later or the same. It
// keeps the time at which the reservation was first asked for.
func (r *Retailer) saveReservation(b *writer.Batch, rec *record.Reservation) error {
	before, err := r.get(b, rec.Request.ID)
	if err != nil {
		return err
	}
	if before != nil && (before.After(rec) || before.Same(rec)) {
		return nil
	}
	if before != nil && before.Created < rec.Created {
		first := *rec // rec itself may be pending, and others read it
		first.Created = before.Created
		rec = &first
	}
	if before == nil || before.State != hold.Held || before.Expires != rec.Expires { // else a notice is listed, or was given
		b.Then(reservationRecorded{rec})
	}
	r.rows.Set(b, rec.Request.ID, rec)
	return r.baskets.reservationSaved(b, rec)
}

// openAnswer verifies and decodes a supplier's sealed answer about this shop's hold id.
func (r *Retailer) openAnswer(supplier exchange.ShopID, id exchange.HoldID, reply []byte) (*message.HoldAnswer, []byte, error) {
	sa, err := message.Reply[message.SealedAnswer](r.codec, reply)
	if err != nil {
		return nil, nil, err
	}
	payload, err := r.verifier.Open(supplier, sa.Sealed)
	if err != nil {
		return nil, nil, err
	}
	a, err := message.Decode[message.HoldAnswer](r.codec, payload)
	if err != nil {
		return nil, nil, err
	}
	if a.Supplier != supplier || a.Retailer != r.me || a.Hold != id {
		return nil, nil, exchange.Errorf(exchange.CodeSignature, "the supplier's answer is about another hold")
	}
	return a, sa.Sealed, nil
}

// Reservation is a reservation of this shop's. Where this shop has no record of it, every
// supplier with a partnership in force is asked. Where the supplier of a recorded one does
// not answer, the reservation is returned beside the error ([ErrUnanswered]).
func (r *Retailer) Reservation(ctx context.Context, id exchange.HoldID) (*Reservation, error) {
	rec, err := r.lookUp(ctx, id)
	return r.shown(rec, err)
}

// shown is the reservation of a record, with its present state and its quote. err is passed on.
func (r *Retailer) shown(rec *record.Reservation, err error) (*Reservation, error) {
	if rec == nil {
		return nil, err
	}
	out := &Reservation{Reservation: rec}
	var failed error
	if out.State, failed = r.StateOf(rec); failed != nil {
		return nil, failed
	}
	if rec.Answer != nil {
		if out.Quote, failed = r.quoteIn(rec.Answer); failed != nil && exchange.CodeOf(failed) != exchange.CodeState {
			return nil, failed
		}
	}
	return out, err
}

// lookUp is the record of a reservation. It asks a supplier where the record has no answer, and
// all suppliers where there is no record.
func (r *Retailer) lookUp(ctx context.Context, id exchange.HoldID) (*record.Reservation, error) {
	rec, err := r.known(id)
	if err != nil {
		return nil, err
	}
	if rec != nil {
		if rec.State != hold.None || !r.members.IsMember(rec.Supplier) { // a departed supplier answers nobody
			return rec, nil
		}
		found, err := r.recall(ctx, rec.Supplier, id, rec)
		if exchange.CodeOf(err) == exchange.CodeNotFound {
			return rec, nil // the request has not arrived there, and may yet
		}
		return found, err
	}
	for _, supplier := range r.partnerships.suppliers() {
		rec, err := r.recall(ctx, supplier, id, nil)
		if err == nil {
			return rec, nil
		}
		if rec != nil && errors.Is(err, kv.ErrRefused) { // the supplier knows it, and this shop cannot write
			return nil, err
		}
	}
	return nil, exchange.Errorf(exchange.CodeNotFound, "there is no reservation %v", id)
}

// known is the pending or else the committed record of a reservation; nil where there is
// neither.
func (r *Retailer) known(id exchange.HoldID) (*record.Reservation, error) {
	if rec := r.pending.get(id); rec != nil {
		return rec, nil
	}
	return record.Get[record.Reservation](r.store, r.codec, record.ReservationKey(id))
}

// recall asks a supplier about a hold whose answer this shop does not have.
func (r *Retailer) recall(ctx context.Context, supplier exchange.ShopID, id exchange.HoldID, rec *record.Reservation) (*record.Reservation, error) {
	raw, err := r.frame(&message.HoldStatus{ID: id})
	if err != nil {
		return nil, err
	}
	reply, err := r.asker.ask(ctx, supplier, raw)
	if err != nil {
		return rec, err
	}
	answer, sealed, err := r.openAnswer(supplier, id, reply)
	if err != nil {
		return rec, err
	}
	var asked exchange.Time
	if rec != nil {
		asked = rec.Created
	} else {
		rec = &record.Reservation{Supplier: supplier, Request: message.Hold{ID: id}, Created: answer.At}
	}
	if q := answer.Quote; q != nil && rec.Request.Lines.IsZero() {
		lines, err := q.HoldLines()
		if err != nil {
			return rec, err
		}
		rec.Request.Country, rec.Request.Lines = q.Country, lines
	}
	if err := r.judge(ctx, rec, answer, sealed, asked); err != nil {
		return rec, err
	}
	if err := rec.Take(answer, sealed); err != nil && rec.Answer == nil {
		return nil, err
	}
	return rec, r.writer.Do(ctx, func(b *writer.Batch) error {
		if r.pending.get(id) != nil {
			return nil // answered meanwhile
		}
		if before, err := r.get(b, id); err != nil || before != nil && before.State != hold.None {
			return err
		}
		return r.saveReservation(b, rec)
	})
}

// StateOf is the present state of a reservation, as far as this shop can tell. The supplier
// sends no message when a hold ends by time or with the partnership; its clock, not this
// shop's, has the last word on an order. A reservation whose order is queued is committed. A
// departed supplier holds nothing.
func (r *Retailer) StateOf(rec *record.Reservation) (hold.State, error) {
	departed := !r.members.IsMember(rec.Supplier)
	switch {
	case rec.State == hold.None && departed:
		return hold.Released, nil
	case rec.State != hold.Held && rec.State != hold.None:
		return rec.State, nil
	}
	switch order, err := r.orders.Find(exchange.Retailer, rec.Request.ID); {
	case err == nil && order.Refusal == exchange.CodeOK:
		return hold.Committed, nil
	case err != nil && exchange.CodeOf(err) != exchange.CodeNotFound:
		return 0, err
	}
	_, active := r.partnerships.view.inForce(ledger.ID{Supplier: rec.Supplier, Retailer: r.me})
	switch {
	case rec.State == hold.None:
		return hold.None, nil
	case departed || !active:
		return hold.Released, nil
	case rec.Expires <= r.clock.Now():
		return hold.Expired, nil
	}
	return hold.Held, nil
}
