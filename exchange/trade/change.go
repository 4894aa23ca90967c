package trade

import (
	"context"
	"errors"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Releases and extensions of reservations, at the retailer.

// Release releases a reservation. A departed supplier holds nothing and is not asked. Where the
// supplier does not answer in ctx's time, the error is [ErrUnanswered]; it is asked until it does.
func (r *Retailer) Release(ctx context.Context, id exchange.HoldID) (*Reservation, error) {
	if rec, err := r.known(id); err != nil || rec != nil && !r.members.IsMember(rec.Supplier) {
		return r.shown(rec, err)
	}
	return r.shown(r.changeReservation(ctx, id, &message.Release{ID: id}, func(rec *record.Reservation) {
		rec.ReleaseAt, rec.ExtendTo = max(r.clock.Now(), 1), 0
		rec.Refusal, rec.Detail, rec.Left, rec.Short = exchange.CodeOK, "", false, nil
	}))
}

var errHoldUnanswered = errors.New("it owes the answer to the reservation itself")

// Extend moves a reservation's expiry to until, within the terms. Where the supplier does not answer
// in ctx's time, the error is [ErrUnanswered]; it is asked until it does.
func (r *Retailer) Extend(ctx context.Context, id exchange.HoldID, until exchange.Time) (*Reservation, error) {
	return r.shown(r.changeReservation(ctx, id, &message.Extend{ID: id, Until: until}, func(rec *record.Reservation) {
		rec.ReleaseAt, rec.ExtendTo = 0, until
	}))
}

// changeReservation sends a release or an extension and records the answer. unanswered makes of the
// record what it is while the answer is missing.
func (r *Retailer) changeReservation(ctx context.Context, id exchange.HoldID, change message.Value, unanswered func(*record.Reservation)) (*record.Reservation, error) {
	leave, rec, err := r.changing(ctx, id, change.Kind() == message.KindRelease)
	if leave != nil {
		defer leave()
	}
	if rec == nil {
		return nil, err
	}
	if rec.State == hold.None && change.Kind() == message.KindExtend {
		// The hold may arrive after the extension: that there is none yet says nothing of it.
		return nil, unknown(rec.Supplier, errHoldUnanswered)
	}
	raw, err := r.frame(change)
	if err != nil {
		return nil, err
	}
	waits := *rec
	unanswered(&waits)
	note := r.asker.noteLate(waits)
	reply, open, err := r.asker.askAgain(ctx, rec.Supplier, raw)
	noted := note.end()
	if err != nil {
		switch {
		case open && !isRefusal(err):
			r.asker.takeOver(ctx, waits)
		case noted:
			r.asker.unnote(ctx, id, rec)
		}
		return nil, err
	}
	answer, sealed, err := r.openAnswer(rec.Supplier, id, reply)
	switch {
	case err != nil:
	case answer.Request != message.Digest(raw):
		err = exchange.Errorf(exchange.CodeSignature, "the supplier answered another request")
	default:
		err = r.checkExtended(rec, answer)
	}
	if err != nil { // what was held before stays as it was
		if noted {
			r.asker.unnote(ctx, id, rec)
		}
		return nil, err
	}
	refusal := rec.Take(answer, sealed)
	rec.ReleaseAt, rec.ExtendTo = 0, 0
	r.pending.put(rec)
	defer r.pending.forget(rec)
	err = r.writer.Act(ctx, func(b *writer.Batch) error { return r.saveReservation(b, rec) })
	if err != nil && !errors.Is(err, writer.ErrDone) {
		return nil, err
	}
	return rec, refusal
}

// changing is the record of a reservation that is to be released, extended or ordered, from which the
// asker is kept off until leave, if any, is called. A release does not wait for the answer to the hold:
// where the hold may still arrive, it leaves a tombstone.
func (r *Retailer) changing(ctx context.Context, id exchange.HoldID, release bool) (leave func(), rec *record.Reservation, err error) {
	if release {
		leave = r.asker.enterToRelease(id)
		if rec, err = r.asker.latest(id); err != nil || rec != nil {
			return leave, rec, err
		}
	} else if leave, _, err = r.asker.enter(id); err != nil {
		return nil, nil, err
	}
	rec, err = r.lookUp(ctx, id)
	if !release && rec != nil && isGivenBack(rec, r.clock.Now()) {
		return leave, nil, errGivenBack
	}
	return leave, rec, err
}
