package desk

import (
	"context"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// Holds, as the shop that ships: the hot path.

// sealedAnswer receives the sealed bytes of a hold's answer when the batch is sealed.
type sealedAnswer struct {
	sealed []byte
	placed hold.State // of a hold that was decided now, for the meter
	reason exchange.Code
}

// serveHold answers a hold request; raw is the whole framed request.
func (d *Desk) serveHold(ctx context.Context, from exchange.ShopID, raw []byte, req *message.Hold) (message.Value, error) {
	var out sealedAnswer
	sum := message.Digest(raw)
	err := d.do(ctx, func(b *batch) error { return d.hold(b, from, sum, req, &out) })
	if err != nil {
		return nil, err
	}
	if m := d.meter.Load(); m != nil && m.Hold != nil && out.placed != hold.None {
		m.Hold(from, out.placed, out.reason)
	}
	return &message.SealedAnswer{Sealed: out.sealed}, nil
}

func (d *Desk) hold(b *batch, from exchange.ShopID, sum [32]byte, req *message.Hold, out *sealedAnswer) error {
	k := record.HoldKey(from, req.ID)
	rec, err := b.holdRecord(k)
	if err != nil {
		return err
	}
	answer := message.HoldAnswer{Supplier: d.me, Retailer: from, Hold: req.ID, Request: sum, At: b.now}
	if rec != nil {
		return d.holdAgain(b, k, rec, answer, out)
	}
	if err := d.checkWindow(b, req.ID); err != nil {
		return d.sealAnswer(b, answer.Refused(err), nil, out)
	}
	if err := d.maySell(); err != nil {
		return err
	}
	if err := d.members.MayTrade(); err != nil {
		return err
	}
	chain := ledger.ID{Supplier: d.me, Retailer: from}
	terms, version, err := b.termsInForce(chain)
	if err != nil {
		return err
	}
	rec = &record.Hold{Retailer: from, Request: sum, Terms: version}
	quote, place, err := d.quote(b, from, req, terms, version)
	if err == nil {
		err = d.place(b, chain, rec, place, terms, req.ID)
	}
	if err != nil {
		if exchange.CodeOf(err) == exchange.CodeInternal {
			return err
		}
		if !d.quotas.holds.take(b, from) {
			return err // answered, but not kept
		}
		rec.Hold, _, _ = hold.Step(hold.Hold{}, hold.Refuse{Code: exchange.CodeOf(err)}, b.now)
		out.placed, out.reason = hold.Refused, exchange.CodeOf(err)
		return d.sealPlaced(b, k, rec, answer.Refused(err), out)
	}
	out.placed = hold.Held
	answer.State, answer.Quote = hold.Held, quote
	b.quotes[string(k)] = quote
	return d.sealPlaced(b, k, rec, answer, out)
}

// holdAgain answers a hold whose id is known: a repeat gets the same bytes,
// anything else a conflict; a tombstone refuses.
func (d *Desk) holdAgain(b *batch, k []byte, rec *record.Hold, answer message.HoldAnswer, out *sealedAnswer) error {
	switch {
	case rec.Request == answer.Request:
		b.placedAnswer(k, rec, out)
		return nil
	case rec.Request == [32]byte{}:
		rec.Request = answer.Request
		return d.sealPlaced(b, k, rec, answer.Refused(exchange.Errorf(exchange.CodeReleased, "the hold was released before it arrived")), out)
	}
	return d.sealAnswer(b, answer.Refused(exchange.Errorf(exchange.CodeConflict,
		"this reservation id was used before with other content; use a new id")), nil, out)
}

// checkWindow refuses an absent hold whose window has passed: its record may
// have been pruned, so it could run twice.
func (d *Desk) checkWindow(b *batch, id exchange.HoldID) error {
	current, w := exchange.WindowAt(b.now), id.Window()
	switch {
	case w > current:
		return exchange.Errorf(exchange.CodeInvalid, "window %d has not been issued yet; %d is current", w, current)
	case w+1 < current:
		return exchange.Errorf(exchange.CodeTooOld, "window %d has passed; make a new reservation", w)
	}
	return nil
}

// quote prices a hold request under the terms and checks everything but stock.
func (d *Desk) quote(b *batch, from exchange.ShopID, req *message.Hold, terms exchange.Terms, version uint32) (*exchange.Quote, hold.Place, error) {
	policy := d.policy.Load()
	lifetime := terms.HoldLifetime
	switch {
	case req.Lifetime > lifetime.Milliseconds():
		return nil, hold.Place{}, exchange.Errorf(exchange.CodeLifetime, "the terms let a hold live %s, not %s", exchange.Span(lifetime), exchange.Span(time.Duration(req.Lifetime)*time.Millisecond))
	case !terms.ShipsTo(req.Country):
		return nil, hold.Place{}, exchange.Errorf(exchange.CodeCountry, "the terms do not cover %s", req.Country)
	}
	if req.Lifetime > 0 {
		lifetime = time.Duration(req.Lifetime) * time.Millisecond
	}
	lines := make([]exchange.PricedLine, len(req.Lines))
	for i, l := range req.Lines {
		rec, err := b.offered(l.SKU)
		if err != nil {
			return nil, hold.Place{}, err
		}
		p := &rec.Product
		if p.Price.Currency != terms.Currency {
			return nil, hold.Place{}, exchange.Errorf(exchange.CodeCurrency, "%s is priced in %s, the terms say %s", l.SKU, p.Price.Currency, terms.Currency)
		}
		lines[i] = exchange.PricedLine{Line: l, Title: p.Title, List: p.Price.Minor, Grams: p.Grams}
	}
	q := &exchange.Quote{
		Supplier: d.me, Retailer: from, Hold: req.ID, TermsVersion: version, Country: req.Country,
		Currency: terms.Currency, Tax: policy.Tax, Rate: policy.Rate, Issued: b.now, Expires: b.now.Add(lifetime),
		AcceptWithin: terms.AcceptWithin, Cancel: terms.Cancel,
	}
	if err := exchange.PriceQuote(q, lines, terms.Discount, policy.Shipping); err != nil {
		return nil, hold.Place{}, err
	}
	if req.MaxTotal > 0 && q.Total > req.MaxTotal {
		return nil, hold.Place{}, exchange.Errorf(exchange.CodePriceChanged, "the total, shipping included, is %s, above the limit of %s", d.amount(q.Total, q.Currency), d.amount(req.MaxTotal, q.Currency))
	}
	return q, hold.Place{Lines: req.Lines, Expires: q.Expires}, nil
}

// place takes the stock, counts the open quantity, and indexes the expiry.
func (d *Desk) place(b *batch, id ledger.ID, rec *record.Hold, place hold.Place, terms exchange.Terms, held exchange.HoldID) error {
	next, fx, err := hold.Step(rec.Hold, place, b.now)
	if err != nil {
		return err
	}
	c, err := b.chain(id)
	if err != nil {
		return err
	}
	units := next.Units()
	if open := c.OpenHeld + c.OpenUnshipped; open+units > terms.OpenQuantity {
		return exchange.Errorf(exchange.CodeOpenQuantity, "%d units asked; %d of the %d that the terms allow are held or unshipped", units, open, terms.OpenQuantity)
	}
	if err := b.fits(fx.Stock); err != nil {
		return err
	}
	if err := b.move(fx.Stock); err != nil {
		return exchange.Errorf(exchange.CodeInternal, "stock moved between check and step: %w", err)
	}
	c.OpenHeld += units
	b.setChain(id, c)
	rec.Hold = next
	b.put(record.HoldExpiryKey(next.Expires, rec.Retailer, held), nil)
	d.noteExpiry(next.Expires)
	b.then(func() { d.holdChanged(rec.Retailer, held, &next) })
	return nil
}

// fits checks every line before any is moved, so that a refusal changes nothing.
func (b *batch) fits(deltas []hold.Delta) error {
	for _, delta := range deltas {
		s, err := b.stock(delta.SKU)
		if err != nil {
			return err
		}
		if _, err := s.Step(delta.Move, delta.Units); err != nil {
			return exchange.Errorf(exchange.CodeOf(err), "%s: %w", delta.SKU, err)
		}
	}
	return nil
}

// serveRelease gives a hold back, or leaves a tombstone for one still to come.
func (d *Desk) serveRelease(ctx context.Context, from exchange.ShopID, raw []byte, req *message.Release) (message.Value, error) {
	return d.serveHoldEvent(ctx, from, raw, req.ID, func(b *batch, k []byte, rec *record.Hold, answer message.HoldAnswer, out *sealedAnswer) error {
		if rec == nil {
			if err := d.checkWindow(b, req.ID); err != nil {
				return d.sealAnswer(b, answer.Refused(err), nil, out)
			}
			if _, _, err := b.termsInForce(ledger.ID{Supplier: d.me, Retailer: from}); err != nil {
				return err // a shop that is no partner leaves no tombstones
			}
			if !d.quotas.holds.take(b, from) {
				return errSlower
			}
			rec = &record.Hold{Retailer: from}
		}
		err := d.endHold(b, req.ID, rec, hold.Release{})
		if exchange.CodeOf(err) == exchange.CodeInternal {
			return err
		}
		if err != nil && rec.Hold.State != hold.Released {
			answer.Refusal, answer.Detail = exchange.CodeOf(err), err.Error()
		}
		answer.State = rec.Hold.State
		return d.sealLatest(b, k, rec, answer, out)
	})
}

// serveExtend moves a hold's expiry within the terms.
func (d *Desk) serveExtend(ctx context.Context, from exchange.ShopID, raw []byte, req *message.Extend) (message.Value, error) {
	return d.serveHoldEvent(ctx, from, raw, req.ID, func(b *batch, k []byte, rec *record.Hold, answer message.HoldAnswer, out *sealedAnswer) error {
		if rec == nil {
			return d.sealAnswer(b, answer.Refused(exchange.Errorf(exchange.CodeNotFound, "there is no such hold")), nil, out)
		}
		err := d.extend(b, k, req, rec, &answer)
		if exchange.CodeOf(err) == exchange.CodeInternal {
			return err
		}
		answer.State = rec.Hold.State
		if err != nil {
			answer.Refusal, answer.Detail = exchange.CodeOf(err), err.Error()
		}
		return d.sealLatest(b, k, rec, answer, out)
	})
}

func (d *Desk) extend(b *batch, k []byte, req *message.Extend, rec *record.Hold, answer *message.HoldAnswer) error {
	if err := d.maySell(); err != nil {
		return err
	}
	chain := ledger.ID{Supplier: d.me, Retailer: rec.Retailer}
	terms, _, err := b.termsInForce(chain)
	if err != nil {
		return err
	}
	if err := b.checkEnded(chain, rec); err != nil && rec.Hold.State == hold.Held {
		return err
	}
	next, _, err := hold.Step(rec.Hold, hold.Extend{Until: req.Until, Limit: terms.HoldLifetime}, b.now)
	if err != nil {
		return err
	}
	quote, err := d.ownQuote(b, k, rec)
	if err != nil {
		return exchange.Errorf(exchange.CodeInternal, "the quote of hold %v is unreadable: %w", req.ID, err)
	}
	b.del(record.HoldExpiryKey(rec.Hold.Expires, rec.Retailer, req.ID))
	b.put(record.HoldExpiryKey(next.Expires, rec.Retailer, req.ID), nil)
	d.noteExpiry(next.Expires)
	rec.Hold = next
	quote.Expires = next.Expires
	answer.Quote = quote
	return nil
}

// ownQuote is the quote of a hold of ours, from its first answer, in a copy of
// the caller's.
func (d *Desk) ownQuote(b *batch, k []byte, rec *record.Hold) (*exchange.Quote, error) {
	if q, ok := b.quotes[string(k)]; ok {
		copied := *q
		return &copied, nil
	}
	payload, err := d.verifier.Peek(rec.Placed)
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
	return nil, exchange.Errorf(exchange.CodeState, "the hold was refused")
}

// serveHoldStatus tells the retailer where one of its holds stands: the answer
// it may have missed, byte for byte.
func (d *Desk) serveHoldStatus(from exchange.ShopID, req *message.HoldStatus) (message.Value, error) {
	v, err := d.read(record.KindHold, record.HoldKey(from, req.ID))
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, exchange.Errorf(exchange.CodeNotFound, "there is no such hold")
	}
	rec := v.(*record.Hold)
	if rec.Latest != nil {
		return &message.SealedAnswer{Sealed: rec.Latest}, nil
	}
	if rec.Placed == nil {
		return nil, exchange.Errorf(exchange.CodeReleased, "the hold was released before it arrived")
	}
	return &message.SealedAnswer{Sealed: rec.Placed}, nil
}

// serveHoldEvent runs a release or extension; the repeat of the last one gets
// the same bytes.
func (d *Desk) serveHoldEvent(ctx context.Context, from exchange.ShopID, raw []byte, id exchange.HoldID,
	event func(*batch, []byte, *record.Hold, message.HoldAnswer, *sealedAnswer) error) (message.Value, error) {
	var out sealedAnswer
	sum := message.Digest(raw)
	err := d.do(ctx, func(b *batch) error {
		k := record.HoldKey(from, id)
		rec, err := b.holdRecord(k)
		if err != nil {
			return err
		}
		if rec != nil && rec.LatestRequest == sum {
			b.latestAnswer(k, rec, &out)
			return nil
		}
		return event(b, k, rec, message.HoldAnswer{Supplier: d.me, Retailer: from, Hold: id, Request: sum, At: b.now}, &out)
	})
	if err != nil {
		return nil, err
	}
	return &message.SealedAnswer{Sealed: out.sealed}, nil
}

// endHold ends a HELD hold by e: stock, open quantity and index follow. On a
// refusal nothing changes. The caller saves rec.
func (d *Desk) endHold(b *batch, id exchange.HoldID, rec *record.Hold, e hold.Event) error {
	before := rec.Hold
	next, fx, err := hold.Step(before, e, b.now)
	if err != nil {
		return err
	}
	if err := b.move(fx.Stock); err != nil {
		return err
	}
	if before.State == hold.Held {
		chain := ledger.ID{Supplier: d.me, Retailer: rec.Retailer}
		c, err := b.chain(chain)
		if err != nil {
			return err
		}
		c.OpenHeld -= before.Units()
		b.setChain(chain, c)
		b.del(record.HoldExpiryKey(before.Expires, rec.Retailer, id))
		if next.State != hold.Committed { // the order's event tells of that
			b.then(func() { d.holdChanged(rec.Retailer, id, &next) })
		}
	}
	rec.Hold = next
	return nil
}

// sealPlaced seals the answer to the placing request and stores it with the record.
func (d *Desk) sealPlaced(b *batch, k []byte, rec *record.Hold, answer message.HoldAnswer, out *sealedAnswer) error {
	b.setHold(k, rec)
	return d.sealAnswer(b, answer, func(sealed []byte) { b.holds[string(k)].Placed = sealed }, out)
}

// sealLatest seals the answer to a later event on the hold and stores it with the record.
func (d *Desk) sealLatest(b *batch, k []byte, rec *record.Hold, answer message.HoldAnswer, out *sealedAnswer) error {
	rec.Latest, rec.LatestRequest = nil, answer.Request
	b.setHold(k, rec)
	id := latestID(k, answer.Request)
	return d.sealAnswer(b, answer, func(sealed []byte) {
		b.latest[id] = sealed
		if r := b.holds[string(k)]; r.LatestRequest == answer.Request {
			r.Latest = sealed
		}
	}, out)
}

func (d *Desk) sealAnswer(b *batch, answer message.HoldAnswer, keep func([]byte), out *sealedAnswer) error {
	payload, err := d.codec.Encode(&answer)
	if err != nil {
		return err
	}
	b.seal(payload, func(sealed []byte) {
		if keep != nil {
			keep(sealed)
		}
		out.sealed = sealed
	})
	return nil
}
