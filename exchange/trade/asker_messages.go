package trade

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/backoff"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// What the asker sends for callers that have left, and what becomes of the answers.

// sentAsk is a message about a reservation, and the record that it follows from.
type sentAsk struct {
	open *openAsk
	rec  *record.Reservation
	raw  []byte
	kind message.Kind
}

// compose makes the message about the first reservation of a lane that is due; nil where none is.
func (a *asker) compose(to queue) (*Outgoing, error) {
	for {
		o := a.due(to)
		if o == nil {
			return nil, nil
		}
		if a.network.Away(to.partner) { // the network reconnects by itself; every lane's dials would be many
			a.sender.plan(to, a.clock.Now().Add(awayLook), false)
			if a.isDue(o) {
				a.owed(o, errNotConnected)
			}
			return nil, nil
		}
		sent, at, err := a.look(o)
		if err != nil {
			a.put(o, a.clock.Now().Add(backoff.Longest))
			return nil, err
		}
		switch {
		case at != 0:
			a.put(o, at)
			return nil, nil // it was the first
		case sent != nil && a.begin(sent):
			return &Outgoing{To: to.partner, Raw: sent.raw, Done: func(ctx context.Context, reply []byte, err error) {
				a.answered(ctx, sent, reply, err)
			}}, nil
		}
	}
}

// errNotConnected is why a supplier is not asked that is away.
var errNotConnected = exchange.Errorf(exchange.CodeUnavailable, "it is not connected, and is asked as soon as it is")

// isDue reports whether a reservation is to be looked at by now.
func (a *asker) isDue(o *openAsk) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return o.at <= a.clock.Now()
}

// look finds what is to be asked about an open reservation now. at is when to look again where that
// is later. A reservation that is settled, or ordered, is forgotten.
func (a *asker) look(o *openAsk) (sent *sentAsk, at exchange.Time, err error) {
	a.mu.Lock()
	at = o.at
	adds := o.adds
	a.mu.Unlock()
	if now := a.clock.Now(); at > now && at <= now.Add(ReturnTime) { // else the clock fell back
		return nil, at, nil
	}
	rec, err := a.latest(o.id)
	if err != nil {
		return nil, 0, err
	}
	if rec != nil {
		if order, err := a.retailer.orders.Find(exchange.Retailer, o.id); err == nil && order.Stands() {
			rec = nil // the ledger says what becomes of it
		} else if err != nil && exchange.CodeOf(err) != exchange.CodeNotFound {
			return nil, 0, err
		}
	}
	if rec == nil {
		a.forgetRead(o, adds)
		return nil, 0, nil
	}
	change, at := wanted(rec, a.clock.Now())
	if change == nil && at == 0 {
		a.forgetRead(o, adds)
		return nil, 0, nil
	}
	if at != 0 {
		return nil, at, nil
	}
	sent = &sentAsk{open: o, rec: rec, raw: rec.Raw, kind: change.Kind()}
	if sent.kind != message.KindHold { // a repeated hold is the same bytes, whatever the codec makes now
		sent.raw, err = a.frame(change)
	}
	return sent, 0, err
}

// forgetRead drops a reservation whose record was read as settled, unless a caller has recorded another
// since, and has had it added again.
func (a *asker) forgetRead(o *openAsk, adds int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if o.adds == adds {
		a.forget(o)
	}
}

// isGivenBack reports that a reservation's hold is being given back: nothing can be made of it any
// more. A time further away than ReturnTime was set before the clock fell back.
func isGivenBack(rec *record.Reservation, now exchange.Time) bool {
	return rec.ReleaseAt != 0 && (rec.ReleaseAt <= now || rec.ReleaseAt > now.Add(ReturnTime))
}

// wanted is what to ask a supplier about a reservation now; where that is later, at is when.
// Neither: its record is settled.
func wanted(rec *record.Reservation, now exchange.Time) (ask message.Value, at exchange.Time) {
	id := rec.Request.ID
	switch {
	case rec.Settled():
		return nil, 0
	case isGivenBack(rec, now):
		return &message.Release{ID: id}, 0
	case rec.State == hold.None && rec.ReleaseAt != 0 && len(rec.Raw) > 0:
		return &rec.Request, 0
	case rec.State == hold.None: // nobody can name it, or its request is lost
		return &message.Release{ID: id}, 0
	case rec.ExtendTo != 0 && rec.State == hold.Held:
		return &message.Extend{ID: id, Until: rec.ExtendTo}, 0
	}
	return nil, rec.ReleaseAt
}

// put has the asker look at a reservation at a time.
func (a *asker) put(o *openAsk, at exchange.Time) {
	a.mu.Lock()
	o.at = at
	a.mu.Unlock()
	a.sender.plan(o.to, at, false)
}

// begin notes that a message is under way, unless a caller works on its reservation now.
func (a *asker) begin(sent *sentAsk) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := sent.open
	if a.callers[o.id] > 0 || a.asks[o.id] != o {
		return false
	}
	o.sent = sent
	o.releasing = o.releasing || sent.kind == message.KindRelease
	return true
}

// stands reports whether what a message is answered still counts: no caller has come since it was
// sent. The caller holds mu.
func (a *asker) stands(sent *sentAsk) bool { return sent.open.sent == sent }

// answered takes the outcome of a message.
func (a *asker) answered(ctx context.Context, sent *sentAsk, reply []byte, err error) {
	o := sent.open
	if err == nil || isRefusal(err) {
		var rec *record.Reservation
		if rec, err = a.take(sent, reply, err); err == nil {
			err = a.save(ctx, sent, rec)
		}
		if err == nil || isRefusal(err) {
			if err != nil {
				if a.sender.refusedAnew(o.to, exchange.CodeOf(err)) {
					a.log.Warn("what became of a reservation is not known; its supplier is asked again", "supplier", o.to.partner, "hold", o.id, "err", err)
				}
				a.put(o, a.clock.Now().Add(backoff.Longest))
			}
			a.sender.landed(o.to, true, false)
			a.planNext(o.to)
			if err != nil {
				a.owed(o, err)
			} else {
				a.sender.overdue.answered(o.to)
			}
			return
		}
	}
	a.mu.Lock()
	if a.stands(sent) {
		o.sent = nil
		o.at = a.clock.Now() // the others of its lane go first: what it waits for may be its own
	}
	a.mu.Unlock()
	a.sender.sendFailed(o.to, err)
	a.owed(o, err)
}

// take is the reservation after an answer, or after the refusal to give one. An error leaves it open.
func (a *asker) take(sent *sentAsk, reply []byte, refused error) (*record.Reservation, error) {
	rec := *sent.rec
	switch {
	case exchange.CodeOf(refused) == exchange.CodeNoPartnership: // every hold ended with it
		rec.Left = false
		return givenBack(rec, refused.Error()), nil
	case refused != nil && sent.kind == message.KindHold: // nothing was placed now; what comes late must not be
		rec.ReleaseAt = a.clock.Now()
		return &rec, nil
	case refused != nil:
		return nil, refused
	}
	answer, sealed, err := a.retailer.openAnswer(rec.Supplier, sent.open.id, reply)
	if err != nil {
		return nil, err
	}
	if answer.Request != message.Digest(sent.raw) {
		return nil, exchange.Errorf(exchange.CodeSignature, "the supplier answered another request")
	}
	switch sent.kind {
	case message.KindHold:
		return a.takePlaced(rec, answer, sealed)
	case message.KindExtend:
		return a.takeExtended(rec, answer, sealed), nil
	}
	return takeReleased(rec, answer, sealed)
}

// takePlaced takes the answer to a hold. What is held is kept for its caller until ReleaseAt.
func (a *asker) takePlaced(rec record.Reservation, answer *message.HoldAnswer, sealed []byte) (*record.Reservation, error) {
	err := a.retailer.checkAnswer(&rec, answer, rec.Created)
	switch exchange.CodeOf(err) {
	case exchange.CodeOK:
	case exchange.CodeBehind:
		a.sender.behind(rec.Supplier)
		return nil, err
	default:
		a.log.Error("a quote was refused", "supplier", rec.Supplier, "hold", rec.Request.ID, "why", err)
		distrusted(&rec, sealed, err, a.clock.Now())
		return &rec, nil
	}
	why, left := rec.Detail, rec.Left
	if rec.Take(answer, sealed) != nil { // refused: the record says why
		rec.ReleaseAt = 0
		return &rec, nil
	}
	rec.Detail, rec.Left = why, left
	return &rec, nil
}

// takeExtended takes the answer to an extension. Where its quote is not that of the hold, what was
// held before stays as it was.
func (a *asker) takeExtended(rec record.Reservation, answer *message.HoldAnswer, sealed []byte) *record.Reservation {
	rec.ExtendTo = 0
	if err := a.retailer.checkExtended(&rec, answer); err != nil {
		a.log.Error("an extension's quote was refused", "supplier", rec.Supplier, "hold", rec.Request.ID, "why", err)
		return &rec
	}
	_ = rec.Take(answer, sealed) // a refusal is in the record
	return &rec
}

// takeReleased takes the answer to a release. A quote that was refused here stays as evidence.
func takeReleased(rec record.Reservation, answer *message.HoldAnswer, sealed []byte) (*record.Reservation, error) {
	switch {
	case !answer.State.Terminal():
		return nil, exchange.Errorf(exchange.CodeSignature, "the supplier answered a release, and the hold is %v", answer.State)
	case rec.State == hold.Refused:
		rec.ReleaseAt = 0
		return &rec, nil
	case answer.State == hold.Released:
		return givenBack(rec, rec.Detail), nil
	}
	_ = rec.Take(answer, sealed) // it had ended before: the record says how
	rec.ReleaseAt, rec.ExtendTo = 0, 0
	return &rec, nil
}

// givenBack is a reservation whose hold the supplier has released, or has never placed and never
// will. why is empty where its owner asked for no more.
func givenBack(rec record.Reservation, why string) *record.Reservation {
	rec.State, rec.Refusal, rec.Detail, rec.Short, rec.ReleaseAt, rec.ExtendTo = hold.Released, exchange.CodeOK, "", nil, 0, 0
	if why != "" {
		rec.Refusal, rec.Detail = exchange.CodeReleased, exchange.Clip(why, message.MaxReason)
	}
	return &rec
}

// save records what a message was answered, unless a caller has come since it was sent: the caller
// asks for itself.
func (a *asker) save(ctx context.Context, sent *sentAsk, rec *record.Reservation) error {
	a.mu.Lock()
	if !a.stands(sent) {
		a.mu.Unlock()
		return nil
	}
	a.retailer.pending.put(rec) // a caller who comes now finds it
	a.mu.Unlock()
	var effects []writer.Effect
	if rec.State.Terminal() && !sent.rec.State.Terminal() {
		effects = append(effects, reservationEnded{rec})
	}
	err := a.retailer.savePending(ctx, rec, effects...)
	a.mu.Lock()
	defer a.mu.Unlock()
	switch o := sent.open; {
	case !a.stands(sent):
	case err != nil:
		o.sent = nil
	case rec.Settled():
		a.forget(o)
	default:
		o.sent, o.unsaved, o.at, o.owed = nil, nil, a.clock.Now(), 0
	}
	return err
}
