package trade

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/writer"
)

// What partners' holds and own reservations have in common. The callers store the records, and
// count what concerns a partner alone: terms, open quantity, seals.

// of says whose the hold is, for the shelf.
func (h *holdings) of(rec *heldRecord) shelf.Of {
	return shelf.Of{Partner: rec.Retailer, Own: rec.Retailer == h.me, Counted: rec.Counted}
}

// take places a hold: it takes the stock and indexes the expiry.
func (h *holdings) take(b *writer.Batch, id exchange.HoldID, rec *heldRecord, place hold.Place) error {
	next, fx, err := hold.Step(rec.Hold, place, b.Now())
	if err != nil {
		return err
	}
	if err := h.shelf.Fits(b, fx.Stock, h.of(rec)); err != nil {
		return err
	}
	if rec.Counted, err = h.shelf.Move(b, fx.Stock, h.of(rec)); err != nil {
		return exchange.Errorf(exchange.CodeInternal, "stock moved between check and step: %w", err)
	}
	rec.Hold = next
	b.Put(record.HoldExpiryKey(next.Expires, rec.Retailer, id), nil)
	h.due(next.Expires)
	b.Then(holdChanged{rec.Retailer, id, next})
	return nil
}

// ask places a hold ASKED: it takes the stock, whatever the counts say, and indexes the deadline.
func (h *holdings) ask(b *writer.Batch, id exchange.HoldID, rec *heldRecord, e hold.Ask) error {
	next, fx, err := hold.Step(rec.Hold, e, b.Now())
	if err != nil {
		return err
	}
	if err := h.shelf.Fits(b, fx.Stock, h.of(rec)); err != nil {
		return err
	}
	if rec.Counted, err = h.shelf.Move(b, fx.Stock, h.of(rec)); err != nil {
		return exchange.Errorf(exchange.CodeInternal, "stock moved between check and step: %w", err)
	}
	rec.Hold = next
	h.index(b, id, rec, next)
	return nil
}

// confirm makes an ASKED hold HELD.
func (h *holdings) confirm(b *writer.Batch, id exchange.HoldID, rec *heldRecord) error {
	before := rec.Hold
	next, _, err := hold.Step(before, hold.Confirm{}, b.Now())
	if err != nil {
		return err
	}
	b.Delete(record.HoldExpiryKey(before.Due(), rec.Retailer, id))
	rec.Hold = next
	h.index(b, id, rec, next)
	b.Then(holdChanged{rec.Retailer, id, next})
	return h.changed(b, id, rec)
}

// index indexes when an open hold ends by time.
func (h *holdings) index(b *writer.Batch, id exchange.HoldID, rec *heldRecord, next hold.Hold) {
	b.Put(record.HoldExpiryKey(next.Due(), rec.Retailer, id), nil)
	h.due(next.Due())
}

// prolong moves a hold's expiry.
func (h *holdings) prolong(b *writer.Batch, id exchange.HoldID, rec *heldRecord, e hold.Extend) error {
	next, _, err := hold.Step(rec.Hold, e, b.Now())
	if err != nil {
		return err
	}
	b.Delete(record.HoldExpiryKey(rec.Hold.Expires, rec.Retailer, id))
	b.Put(record.HoldExpiryKey(next.Expires, rec.Retailer, id), nil)
	h.due(next.Expires)
	rec.Hold = next
	return h.changed(b, id, rec)
}

// finish ends a hold by e, and with it changes stock and expiry index. On a refusal nothing changes.
func (h *holdings) finish(b *writer.Batch, id exchange.HoldID, rec *heldRecord, e hold.Event) error {
	before := rec.Hold
	next, fx, err := hold.Step(before, e, b.Now())
	if err != nil {
		return err
	}
	of := h.of(rec)
	of.Order, of.Ordered = id, b.Now()
	if _, err := h.shelf.Move(b, fx.Stock, of); err != nil {
		return err
	}
	if before.State.Open() {
		b.Delete(record.HoldExpiryKey(before.Due(), rec.Retailer, id))
		if before.State == hold.Held && next.State != hold.Committed { // watchers get the order's event
			b.Then(holdChanged{rec.Retailer, id, next})
		}
		if err := h.bridged.ended(b, id, rec, next); err != nil {
			return err
		}
	}
	rec.Hold, rec.Counted = next, 0
	return h.changed(b, id, rec)
}

// changed tells the basket, if there is one, of an own hold that was changed.
func (h *holdings) changed(b *writer.Batch, id exchange.HoldID, rec *heldRecord) error {
	if rec.Retailer != h.me {
		return nil
	}
	return h.baskets.ownChanged(b, id, &rec.Hold)
}
