package trade

import (
	"bytes"
	"reflect"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// The submit of an order commits its hold, at the price that the supplier sealed.

// stepSubmit begins an order. The supplier commits the hold; the retailer finds the record
// that PlaceOrder wrote.
func (o *Orders) stepSubmit(b *writer.Batch, at entryAt, act message.SubmitOrder) error {
	partner, side := at.ledger.Partner(o.me)
	var held *heldRecord
	var err error
	if side == exchange.Supplier {
		if held, err = o.supplier.get(b, holdID{partner, act.Order}); err != nil {
			return err
		}
	}
	quote, err := o.openQuote(at.ledger, act, held)
	if err != nil {
		return err
	}
	k := orderID{side, act.Order, partner}
	rec, err := o.get(b, k)
	if err != nil {
		return err
	}
	if rec == nil {
		rec = &record.Order{ID: act.Order, Supplier: at.ledger.Supplier, Retailer: at.ledger.Retailer, Quote: *quote, ShipToHash: act.ShipTo}
	}
	if side == exchange.Supplier {
		if err := o.supplier.commitHold(b, at, act, quote, held); err != nil {
			return err
		}
		rec.From = held.Hold.From
	}
	lines, err := quote.HoldLines()
	if err != nil {
		return err
	}
	acceptBy := at.at.Add(quote.AcceptWithin)
	if rec.Order, _, err = order.Step(rec.Order, order.Submit{Lines: lines, Cancel: quote.Cancel, AcceptBy: acceptBy}, at.at); err != nil {
		return err
	}
	rec.First, rec.Last = at.position, at.position
	if side == exchange.Supplier {
		b.Put(record.OrderExpiryKey(acceptBy, at.ledger.Retailer, act.Order), nil)
		o.supplier.noteExpiry(acceptBy)
	} else if err := o.retailer.reservationOrdered(b, act.Order); err != nil {
		return err
	}
	return o.set(b, k, rec, 0)
}

// openQuote checks that the order's quote was sealed by the supplier for this hold;
// held is the supplier's own record of it, if there is one.
func (o *Orders) openQuote(id ledger.ID, act message.SubmitOrder, held *heldRecord) (*exchange.Quote, error) {
	open := func(sealed []byte) ([]byte, error) { return o.verifier.Open(id.Supplier, sealed) }
	if held != nil && held.Answered(act.Quote) {
		open = o.verifier.Peek
	}
	payload, err := open(act.Quote)
	if code := exchange.CodeOf(err); code == exchange.CodeNotMember || code == exchange.CodeInternal {
		return nil, err // the quote may be sound
	}
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeSignature, "the order's quote was not sealed by the supplier: %w", err)
	}
	a, err := message.Decode[message.HoldAnswer](o.codec, payload)
	if err != nil {
		return nil, err
	}
	if a.Supplier != id.Supplier || a.Retailer != id.Retailer || a.Hold != act.Order || a.Quote == nil {
		return nil, exchange.Errorf(exchange.CodeInvalid, "the order's quote is for another hold")
	}
	return a.Quote, nil
}

// commitHold turns the hold into stock sold, and keeps the consumer's address.
func (s *Supplier) commitHold(b *writer.Batch, at entryAt, act message.SubmitOrder, quote *exchange.Quote, rec *heldRecord) error {
	if err := s.members.MayTrade(); err != nil {
		return err
	}
	if _, _, err := s.partnerships.termsInForce(b, at.ledger); err != nil {
		return err
	}
	if err := s.checkShipTo(at.secret, act.ShipTo, quote.Country); err != nil {
		return err
	}
	if rec == nil && s.keepsHold(b, act.Order) {
		// openQuote has verified this shop's seal on the quote.
		s.selling.Stop(b, "shop "+at.ledger.Retailer.String()+" holds a quote sealed by this shop whose hold is not in this store; the store was restored from an old backup or lost data")
		return s.selling.MaySell()
	}
	if rec == nil {
		return exchange.Errorf(exchange.CodeNotFound, "there is no such hold")
	}
	if same, err := s.quotedFor(rec, act.Quote, quote); err != nil {
		return err
	} else if !same {
		s.selling.Stop(b, "shop "+at.ledger.Retailer.String()+" holds a quote sealed by this shop for hold "+act.Order.String()+", which is another one in this store; the store was restored from an old backup or lost data")
		return s.selling.MaySell()
	}
	if err := s.checkEnded(b, at.ledger, rec); err != nil {
		return err
	}
	if err := s.checkUnique(b, act.Order, at.ledger.Retailer); err != nil {
		return err
	}
	if s.bridged.On() {
		to, err := message.Decode[message.ShipTo](s.codec, at.secret.Raw)
		if err != nil {
			return err
		}
		rec.reference = to.Reference
	}
	units := rec.Hold.Units()
	if err := s.endHold(b, act.Order, rec, hold.Commit{}); err != nil {
		return err
	}
	s.holds.Set(b, holdID{at.ledger.Retailer, act.Order}, rec)
	ledgerRec, err := s.ledgers.get(b, at.ledger)
	if err != nil {
		return err
	}
	ledgerRec.OpenUnshipped += units
	s.ledgers.set(b, at.ledger, ledgerRec)
	return s.put(b, record.ShipToKey(at.ledger.Retailer, act.Order), at.secret)
}

// quotedFor reports whether a quote that this shop sealed is of this hold: the quote of the
// first answer, with its expiry or a later one up to the hold's. Any other quote is of a hold
// with the same id that this store has lost.
func (s *Supplier) quotedFor(rec *heldRecord, sealed []byte, quote *exchange.Quote) (bool, error) {
	if rec.Placed == nil || rec.Hold.State == hold.Refused {
		return false, nil // a tombstone, a refusal, or placed in this very batch: nobody has a quote of it
	}
	if bytes.Equal(sealed, rec.Placed) {
		return true, nil // the first answer itself
	}
	placed, err := s.quoteIn(rec.Placed)
	if exchange.CodeOf(err) == exchange.CodeState {
		return false, nil // the answer quotes nothing
	}
	if err != nil {
		return false, exchange.Errorf(exchange.CodeInternal, "the stored answer of hold %v is damaged: %w", quote.Hold, err)
	}
	if quote.Expires < placed.Expires || quote.Expires > rec.Hold.Expires {
		return false, nil
	}
	extended := *placed
	extended.Expires = quote.Expires
	return reflect.DeepEqual(&extended, quote) && quote.Prices(rec.Hold.Lines), nil
}

// checkShipTo checks that the address is the one that the request signed, and its country the
// quote's.
func (s *Supplier) checkShipTo(secret *record.ShipTo, hash [32]byte, country string) error {
	if secret == nil || message.ShipToHash(secret.Salt, secret.Raw) != hash {
		return exchange.Errorf(exchange.CodeInvalid, "the order's address does not match its hash")
	}
	to, err := message.Decode[message.ShipTo](s.codec, secret.Raw)
	if err != nil {
		return err
	}
	if to.Country != country {
		return exchange.Errorf(exchange.CodeCountry, "the reservation was quoted for %s, the address is in %s", country, to.Country)
	}
	return nil
}
