package trade

import (
	"context"
	"errors"
	"reflect"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// A retailer's purchases: the orders that this shop places with suppliers.

// PlaceOrder commits a reservation with the consumer's address and this shop's reference and
// note. When it returns, the signed request is durable in the outbox and is sent until the
// supplier answers; the record says how far it is.
//
// Placing the same reservation again with the same delivery returns its order, for as long
// as the order is kept. With another one the error is CodeConflict, since the parcel goes to
// the first address, under the first reference. An order that the supplier refused is returned
// whatever the delivery: nothing is shipped.
func (r *Retailer) PlaceOrder(ctx context.Context, id exchange.HoldID, to exchange.Delivery) (*record.Order, error) {
	if err := to.Check(); err != nil {
		return nil, err
	}
	raw, err := r.codec.Encode(&message.ShipTo{Delivery: to})
	if err != nil {
		return nil, err
	}
	before, err := r.orders.Find(exchange.Retailer, id)
	switch {
	case err == nil:
		return r.orderedBefore(before, raw)
	case exchange.CodeOf(err) != exchange.CodeNotFound:
		return nil, err
	}
	leave, res, err := r.changing(ctx, id, false)
	if leave != nil {
		defer leave()
	}
	if err != nil {
		return nil, err
	}
	if err := overFor(res); err != nil {
		return nil, err
	}
	quote, err := r.quoteIn(res.Answer)
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeState, "reservation %v is %v and cannot be ordered", id, res.State)
	}
	if to.Country != quote.Country {
		return nil, exchange.Errorf(exchange.CodeCountry, "the reservation was quoted for %s, the address is in %s; reserve again", quote.Country, to.Country)
	}
	var rec *record.Order
	err = r.writer.Act(ctx, func(b *writer.Batch) error {
		if err := r.baskets.free(id); err != nil {
			return err
		}
		rec, err = r.submitOrder(b, res, quote, raw)
		return err
	})
	return rec, err
}

// orderedBefore answers PlaceOrder for a reservation that has an order. A refusal that
// comes between the reads of the order and of the salt erases the salt; then the order is
// read again and shows the refusal.
func (r *Retailer) orderedBefore(before *record.Order, shipTo []byte) (*record.Order, error) {
	salt, err := record.Get[record.ShipTo](r.store, r.codec, record.ShipToKey(r.me, before.ID))
	if err == nil && salt == nil {
		before, err = r.orders.Find(exchange.Retailer, before.ID)
	}
	if err != nil {
		return nil, err
	}
	return before, sameDelivery(r.codec, before, salt, shipTo)
}

// submitOrder queues the order of a reservation, unless it was ordered meanwhile.
func (r *Retailer) submitOrder(b *writer.Batch, res *record.Reservation, quote *exchange.Quote, shipTo []byte) (*record.Order, error) {
	id, ledgerID := res.Request.ID, ledger.ID{Supplier: res.Supplier, Retailer: r.me}
	k := orderID{exchange.Retailer, id, res.Supplier}
	before, err := r.orders.get(b, k)
	if err != nil {
		return nil, err
	}
	if before != nil {
		salt, err := record.Get[record.ShipTo](b, r.codec, record.ShipToKey(r.me, id))
		if err != nil {
			return nil, err
		}
		return before, sameDelivery(r.codec, before, salt, shipTo)
	}
	// The supplier's clock decides; this spares a request that cannot succeed.
	if err := overFor(res); err != nil {
		return nil, err
	}
	if res.State != hold.Held && res.State != hold.Committed {
		return nil, exchange.Errorf(exchange.CodeState, "reservation %v is %v and cannot be ordered", id, res.State)
	}
	if err := r.members.MayTrade(); err != nil {
		return nil, err
	}
	terms, version, err := r.partnerships.termsInForce(b, ledgerID)
	if err != nil {
		return nil, err
	}
	if err := r.checkOrdered(res, quote, terms, version); err != nil {
		return nil, err
	}
	secret := record.ShipTo{Raw: shipTo}
	if err := r.random(secret.Salt[:]); err != nil {
		return nil, err
	}
	hash := message.ShipToHash(secret.Salt, shipTo)
	rec := &record.Order{ID: id, Supplier: res.Supplier, Retailer: r.me, Quote: *quote, ShipToHash: hash, Requested: b.Now()}
	if err := r.orders.set(b, k, rec, 0); err != nil {
		return nil, err
	}
	if err := r.put(b, record.ShipToKey(r.me, id), &secret); err != nil {
		return nil, err
	}
	ordered := *res
	ordered.ReleaseAt, ordered.ExtendTo = 0, 0
	if err := r.saveReservation(b, &ordered); err != nil { // the order's entry marks it later (reservationOrdered)
		return nil, err
	}
	b.Then(reservationOrdered{id})
	return rec, r.ledgers.queue(b, ledgerID, message.SubmitOrder{Order: id, Quote: res.Answer, ShipTo: hash}, secret.Salt, shipTo)
}

// overFor is why a reservation is over that its owner has not released: its supplier ended it, or nobody
// came back for it. nil = it is not.
func overFor(res *record.Reservation) error {
	if res.State == hold.Released && res.Refusal != exchange.CodeOK {
		return exchange.Errorf(res.Refusal, "reservation %v is over: %s", res.Request.ID, res.Detail)
	}
	return nil
}

// sameDelivery fails with CodeConflict where an order was placed with another delivery than
// shipTo, or where nobody can say. kept is what this shop keeps of the delivery; it is nil
// once that has been erased.
func sameDelivery(codec message.Codec, rec *record.Order, kept *record.ShipTo, shipTo []byte) error {
	if rec.Order.Submitted == 0 && rec.Refusal != exchange.CodeOK {
		return nil
	}
	if kept == nil {
		return exchange.Errorf(exchange.CodeConflict, "reservation %v has been ordered, and the address given then is erased, so nobody can tell whether it was this one. The order stands as it is; to send something here, reserve again", rec.ID)
	}
	if message.ShipToHash(kept.Salt, shipTo) == rec.ShipToHash {
		return nil
	}
	if sameAddress(codec, kept.Raw, shipTo) {
		return exchange.Errorf(exchange.CodeConflict, "reservation %v has been ordered for this address with another reference or note, which the supplier has. To change them, cancel the order and reserve again", rec.ID)
	}
	return exchange.Errorf(exchange.CodeConflict, "reservation %v has been ordered for another address, and goes there. To send it elsewhere, cancel the order and reserve again", rec.ID)
}

// sameAddress reports whether two encoded deliveries have one address.
func sameAddress(codec message.Codec, a, b []byte) bool {
	var to [2]exchange.ShipTo
	for i, raw := range [2][]byte{a, b} {
		v, err := message.Decode[message.ShipTo](codec, raw)
		if err != nil {
			return false
		}
		to[i] = v.ShipTo
	}
	return reflect.DeepEqual(to[0], to[1])
}

// CancelPurchase asks the supplier to cancel unshipped units of an order that this shop
// placed; no lines means everything open. Where the supplier has departed, nobody is
// asked: the order is closed whole, in this shop's own record alone (closeHere).
func (r *Retailer) CancelPurchase(ctx context.Context, id exchange.OrderID, lines []order.Units, reason string) (*record.Order, error) {
	found, err := r.orders.Find(exchange.Retailer, id)
	if err != nil {
		return nil, err
	}
	var rec *record.Order
	err = r.writer.Act(ctx, func(b *writer.Batch) error {
		if rec, err = r.orders.get(b, orderID{exchange.Retailer, id, found.Supplier}); err != nil {
			return err
		}
		return r.orders.cancelPurchase(b, rec, lines, reason)
	})
	if errors.Is(err, writer.ErrDone) {
		return found, nil
	}
	return rec, err
}

// cancelPurchase queues the cancellation of an order. rec is the caller's copy.
func (o *Orders) cancelPurchase(b *writer.Batch, rec *record.Order, lines []order.Units, reason string) error {
	k := orderID{exchange.Retailer, rec.ID, rec.Supplier}
	if rec.Order.Submitted == 0 && rec.Refusal != exchange.CodeOK {
		return exchange.Errorf(exchange.CodeState, "the supplier refused the order; there is nothing to cancel")
	}
	if !o.members.IsMember(rec.Supplier) {
		return o.closeHere(b, k, rec, lines)
	}
	if rec.Order.Submitted != 0 { // refuse at once what the supplier is sure to refuse
		if _, _, err := order.Step(rec.Order, order.Cancel{By: exchange.Retailer, Lines: lines}, b.Now()); err != nil {
			return err
		}
	}
	rec.CancelAt = b.Now()
	if err := o.set(b, k, rec, 0); err != nil {
		return err
	}
	return o.ledgers.queue(b, ledger.ID{Supplier: rec.Supplier, Retailer: o.me}, message.CancelOrder{Order: rec.ID, Lines: lines, Reason: exchange.Clip(reason, message.MaxReason)}, [16]byte{}, nil)
}

// closeHere closes a purchase whose supplier has departed. It sets CancelAt and queues no
// request, since nobody would answer. The ledger, and with it the order's counts, stay as
// the two shops signed them. The terms' cancel rule is not asked: a departed supplier ships
// nothing. Repeats change nothing. If the supplier becomes a member again, the order stands
// as its ledger says, and a further cancellation is sent.
func (o *Orders) closeHere(b *writer.Batch, k orderID, rec *record.Order, lines []order.Units) error {
	if len(lines) > 0 {
		return exchange.Errorf(exchange.CodeInvalid, "the supplier is out of the federation, so the order can only be closed whole, in this shop's own records; leave the lines out")
	}
	open := rec.Order.Submitted == 0 // it never came into the ledger
	for _, l := range rec.Order.Lines {
		open = open || l.Ordered > l.Shipped+l.Cancelled
	}
	switch {
	case !open || rec.Order.Status().Terminal():
		return exchange.Errorf(exchange.CodeState, "nothing of the order is left to cancel")
	case rec.CancelAt != 0:
		return nil
	}
	rec.CancelAt = b.Now()
	return o.set(b, k, rec, 0)
}
