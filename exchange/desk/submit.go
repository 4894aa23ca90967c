package desk

import (
	"reflect"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
)

// What a submitted order does: it commits its hold at the price that was sealed for it.

// stepSubmit begins an order. The supplier commits the hold; the retailer finds
// the order that it queued.
func (d *Desk) stepSubmit(b *batch, at entryAt, act message.SubmitOrder) error {
	partner, side := at.chain.Partner(d.me)
	var hold *record.Hold
	var err error
	if side == exchange.Supplier {
		if hold, err = b.holdRecord(record.HoldKey(partner, act.Order)); err != nil {
			return err
		}
	}
	quote, err := d.openQuote(at.chain, act, hold)
	if err != nil {
		return err
	}
	k := record.OrderKey(side, act.Order, partner)
	rec, err := b.order(k)
	if err != nil {
		return err
	}
	if rec == nil {
		rec = &record.Order{ID: act.Order, Supplier: at.chain.Supplier, Retailer: at.chain.Retailer, Quote: *quote, ShipToHash: act.ShipTo}
	}
	if side == exchange.Supplier {
		if err := d.commitHold(b, at, act, quote, hold); err != nil {
			return err
		}
	}
	lines := make([]exchange.Line, len(quote.Lines))
	for i, l := range quote.Lines {
		lines[i] = exchange.Line{SKU: l.SKU, Quantity: l.Quantity}
	}
	acceptBy := at.at.Add(quote.AcceptWithin)
	if rec.Order, _, err = order.Step(rec.Order, order.Submit{Lines: lines, Cancel: quote.Cancel, AcceptBy: acceptBy}, at.at); err != nil {
		return err
	}
	rec.First, rec.Last = at.position, at.position
	if side == exchange.Supplier {
		b.put(record.OrderExpiryKey(acceptBy, at.chain.Retailer, act.Order), nil)
		d.noteExpiry(acceptBy)
	} else if err := b.reservationOrdered(act.Order); err != nil {
		return err
	}
	if err := b.save(k, rec); err != nil {
		return err
	}
	b.then(func() { d.orderChanged(rec, partner, side, 0) })
	return nil
}

// openQuote checks that the order's quote was sealed by the supplier for this hold;
// hold is the supplier's own record of it, if there is one.
func (d *Desk) openQuote(c ledger.ID, act message.SubmitOrder, hold *record.Hold) (*exchange.Quote, error) {
	open := func(sealed []byte) ([]byte, error) { return d.verifier.Open(c.Supplier, sealed) }
	if hold.Answered(act.Quote) {
		open = d.verifier.Peek
	}
	payload, err := open(act.Quote)
	if code := exchange.CodeOf(err); code == exchange.CodeNotMember || code == exchange.CodeInternal {
		return nil, err // nothing is said about the quote
	}
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeSignature, "the order's quote was not sealed by the supplier: %w", err)
	}
	v, err := d.codec.Decode(message.KindHoldAnswer, payload)
	if err != nil {
		return nil, err
	}
	a := v.(*message.HoldAnswer)
	if a.Supplier != c.Supplier || a.Retailer != c.Retailer || a.Hold != act.Order || a.Quote == nil {
		return nil, exchange.Errorf(exchange.CodeInvalid, "the order's quote is for another hold")
	}
	return a.Quote, nil
}

// commitHold turns the hold into stock sold, and keeps the consumer's address.
func (d *Desk) commitHold(b *batch, at entryAt, act message.SubmitOrder, quote *exchange.Quote, rec *record.Hold) error {
	if err := d.members.MayTrade(); err != nil {
		return err
	}
	if _, _, err := b.termsInForce(at.chain); err != nil {
		return err
	}
	if err := d.checkShipTo(at.secret, act.ShipTo, quote.Country); err != nil {
		return err
	}
	if rec == nil && b.keepsHold(act.Order) {
		// openQuote has seen this shop's seal on it.
		d.stopSelling(b, "shop "+at.chain.Retailer.String()+" holds a quote sealed by this shop whose hold is not in this store; the store was restored from an old backup or lost data")
		return d.maySell()
	}
	if rec == nil {
		return exchange.Errorf(exchange.CodeNotFound, "there is no such hold")
	}
	if same, err := d.quotedFor(rec, quote); err != nil {
		return err
	} else if !same {
		d.stopSelling(b, "shop "+at.chain.Retailer.String()+" holds a quote sealed by this shop for hold "+act.Order.String()+", which is another one in this store; the store was restored from an old backup or lost data")
		return d.maySell()
	}
	if err := b.checkEnded(at.chain, rec); err != nil {
		return err
	}
	if err := b.checkUnique(act.Order, at.chain.Retailer); err != nil {
		return err
	}
	units := rec.Hold.Units()
	if err := d.endHold(b, act.Order, rec, hold.Commit{}); err != nil {
		return err
	}
	b.setHold(record.HoldKey(at.chain.Retailer, act.Order), rec)
	c, err := b.chain(at.chain)
	if err != nil {
		return err
	}
	c.OpenUnshipped += units
	b.setChain(at.chain, c)
	return b.save(record.ShipToKey(at.chain.Retailer, act.Order), at.secret)
}

// quotedFor reports whether a quote that this shop sealed is of this hold: what the
// first answer quoted, until then or until an extension that the hold knows of. Any
// other is of a hold under the same id that this store has lost, for other units or
// another price.
func (d *Desk) quotedFor(rec *record.Hold, quote *exchange.Quote) (bool, error) {
	if rec.Placed == nil || rec.Hold.State == hold.Refused {
		return false, nil // a tombstone, a refusal, or placed in this very batch: nobody has a quote of it
	}
	payload, err := d.verifier.Peek(rec.Placed)
	if err != nil {
		return false, exchange.Errorf(exchange.CodeInternal, "the stored answer of hold %v is damaged: %w", quote.Hold, err)
	}
	v, err := d.codec.Decode(message.KindHoldAnswer, payload)
	if err != nil {
		return false, exchange.Errorf(exchange.CodeInternal, "the stored answer of hold %v is damaged: %w", quote.Hold, err)
	}
	placed := v.(*message.HoldAnswer).Quote
	if placed == nil || quote.Expires < placed.Expires || quote.Expires > rec.Hold.Expires {
		return false, nil
	}
	extended := *placed
	extended.Expires = quote.Expires
	return reflect.DeepEqual(&extended, quote) && slices.EqualFunc(quote.Lines, rec.Hold.Lines, func(l exchange.QuoteLine, h exchange.Line) bool {
		return l.SKU == h.SKU && l.Quantity == h.Quantity
	}), nil
}

func (d *Desk) checkShipTo(secret *record.ShipTo, hash [32]byte, country string) error {
	if secret == nil || shipToHash(secret.Salt, secret.Raw) != hash {
		return exchange.Errorf(exchange.CodeInvalid, "the order's address does not match its hash")
	}
	v, err := d.codec.Decode(message.KindShipTo, secret.Raw)
	if err != nil {
		return err
	}
	to := v.(*message.ShipTo)
	if err := to.Check(); err != nil {
		return err
	}
	if to.Country != country {
		return exchange.Errorf(exchange.CodeCountry, "the reservation was quoted for %s, the address is in %s", country, to.Country)
	}
	return nil
}
