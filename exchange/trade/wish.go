package trade

import (
	"bytes"
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// What a caller of Reserve wishes for: a new reservation, or one that was asked for before.

// wish is a reservation that is asked for.
type wish struct {
	id    exchange.HoldID
	known *record.Reservation // what this shop has of it already; nil = nothing
	isNew bool                // nothing was ever asked under this id, so nothing is looked up
	noted bool                // a record of the request is in the store already, or may be
}

// wishOf finds or makes the id of the hold that a request asks for.
func (r *Retailer) wishOf(ctx context.Context, req ReserveRequest) (wish, error) {
	if !req.ID.IsZero() {
		known, err := r.known(req.ID)
		return wish{id: req.ID, known: known}, err
	}
	if !r.writer.Inline() { // a simulation waits for nothing
		r.awaitWindow(ctx, req.Supplier)
	}
	if req.Key != (ReservationKey{}) {
		return r.keyedWish(ctx, req.Supplier, req.Key)
	}
	var tail [12]byte
	if err := r.random(tail[:]); err != nil {
		return wish{}, err
	}
	id, err := r.newID(req.Supplier, tail)
	return wish{id: id, isNew: true}, err
}

// newID makes an id for a hold at supplier: its current window and 12 bytes, which must be
// random or a secret's digest.
func (r *Retailer) newID(supplier exchange.ShopID, tail [12]byte) (exchange.HoldID, error) {
	if w, ok := r.partnerships.view.window(supplier); ok {
		return exchange.NewHoldID(w, tail), nil
	}
	if _, active := r.partnerships.view.inForce(ledger.ID{Supplier: supplier, Retailer: r.me}); !active {
		return exchange.HoldID{}, exchange.Errorf(exchange.CodeNoPartnership, "there is no partnership to buy from %v; propose one first", supplier)
	}
	return exchange.HoldID{}, exchange.Errorf(exchange.CodeUnavailable, "%v has not been reached since this shop started: %w", supplier, message.ErrNotAsked)
}

// comeBack keeps the asker off the reservation that is wished for, which fails with CodeReleased
// where it is being given back. leave must be called.
func (r *Retailer) comeBack(w *wish) (leave func(), err error) {
	leave, first, err := r.asker.enter(w.id)
	if err != nil || w.isNew || w.known == nil {
		return leave, err
	}
	// The asker may have changed the record since it was read.
	if w.known, err = r.known(w.id); err == nil && first && w.known != nil && w.known.State != hold.Refused && isGivenBack(w.known, r.clock.Now()) {
		err = errGivenBack
	}
	if err != nil {
		leave()
	}
	return leave, err
}

// mayHold reports whether, by this shop's records, an earlier request may have placed the hold that
// is wished for at its supplier. A refused repeat says nothing about the earlier request.
func (w wish) mayHold(pending *pendingReservations) bool {
	switch {
	case w.isNew:
		return false
	case w.known == nil:
		return pending.asked(w.id)
	}
	return w.known.State == hold.None || w.known.State == hold.Held || w.known.State == hold.Committed
}

// isUnanswered reports that no caller has had an answer under this id, as far as this shop knows.
func (w wish) isUnanswered() bool {
	return w.known == nil || w.known.State == hold.None || w.known.ReleaseAt != 0
}

// isKnown reports that the answer to the request raw came while its caller was away: the hold is kept
// for the caller, who is back, or has been given back.
func (w wish) isKnown(raw []byte) bool {
	return w.known != nil && bytes.Equal(w.known.Raw, raw) &&
		(w.known.State == hold.Held && w.known.ReleaseAt != 0 || w.known.State == hold.Released && w.known.Refusal == exchange.CodeReleased)
}
