package trade

import (
	"context"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Holds at the supplier: the hot path.

// holdOutcome is the answer to a request about a hold, sealed with the batch.
type holdOutcome struct {
	answer *writer.Leaf
	placed hold.State // of a hold that was decided now, for the meter
	reason exchange.Code
	waits  bool // the shop's own system is being asked for it
}

// serveHold answers a hold request. raw is the whole framed request.
func (s *Supplier) serveHold(ctx context.Context, from exchange.ShopID, raw []byte, req *message.Hold) (message.Value, error) {
	var out holdOutcome
	sum := message.Digest(raw)
	for out.waits = true; out.waits; {
		err := s.writer.Do(ctx, func(b *writer.Batch) (err error) {
			out, err = s.hold(b, from, sum, req)
			return err
		})
		if err == nil && out.waits {
			err = s.bridged.wait(ctx, holdID{from, req.ID})
		}
		if err != nil {
			return nil, err
		}
	}
	if m := s.meter.Load(); m != nil && m.Hold != nil && out.placed != hold.None {
		m.Hold(from, out.placed, out.reason)
	}
	return &message.SealedAnswer{Sealed: out.answer.Bytes()}, nil
}

func (s *Supplier) hold(b *writer.Batch, from exchange.ShopID, sum [32]byte, req *message.Hold) (out holdOutcome, err error) {
	k := holdID{from, req.ID}
	rec, err := s.get(b, k)
	if err != nil {
		return out, err
	}
	answer := message.HoldAnswer{Supplier: s.me, Retailer: from, Hold: req.ID, Request: sum, At: b.Now()}
	if rec != nil {
		return s.holdAgain(b, k, rec, answer)
	}
	err = s.checkWindow(b, req.ID)
	if err == nil && s.released.has(k) {
		err = errReleasedFirst
	}
	if err != nil {
		out.answer, err = s.seal(b, answer.Refused(err))
		return out, err
	}
	if err := s.selling.MaySell(); err != nil {
		return out, err
	}
	if err := s.members.MayTrade(); err != nil {
		return out, err
	}
	id := ledger.ID{Supplier: s.me, Retailer: from}
	terms, version, err := s.partnerships.termsInForce(b, id)
	if err != nil {
		return out, err
	}
	rec = &heldRecord{storedHold: record.Hold{Retailer: from, Request: sum, Terms: version}}
	quote, place, err := s.quote(b, from, req, terms, version)
	if err == nil {
		err = s.place(b, id, rec, place, terms, quote)
	}
	if err != nil {
		if exchange.CodeOf(err) == exchange.CodeInternal {
			return out, err
		}
		if !s.refused.take(b, from) {
			return out, err // answered, but not kept
		}
		rec.Hold, _, _ = hold.Step(hold.Hold{}, hold.Refuse{Code: exchange.CodeOf(err)}, b.Now())
		out.placed, out.reason = hold.Refused, exchange.CodeOf(err)
		out.answer, err = s.sealPlaced(b, k, rec, answer.Refused(err))
		return out, err
	}
	if rec.Hold.State == hold.Asked {
		s.holds.Set(b, k, rec)
		out.waits = true
		return out, nil
	}
	out.placed = hold.Held
	answer.State, answer.Quote = hold.Held, quote
	rec.quote = quote
	out.answer, err = s.sealPlaced(b, k, rec, answer)
	return out, err
}

var errReleasedFirst = exchange.Errorf(exchange.CodeReleased, "the hold was released before it arrived")

// holdAgain answers a hold request whose id is known. A repeat gets the same bytes, another
// request a conflict; a tombstone refuses.
func (s *Supplier) holdAgain(b *writer.Batch, k holdID, rec *heldRecord, answer message.HoldAnswer) (out holdOutcome, err error) {
	switch {
	case rec.Request == answer.Request:
		if rec.Hold.State == hold.Asked {
			if out.waits, err = s.bridged.askedAgain(b, k, rec); err != nil || out.waits {
				return out, err
			}
		}
		out.answer = rec.placedAnswer()
		return out, nil
	case rec.Request == [32]byte{}:
		rec.Request = answer.Request
		out.answer, err = s.sealPlaced(b, k, rec, answer.Refused(errReleasedFirst))
		return out, err
	}
	out.answer, err = s.seal(b, answer.Refused(exchange.Errorf(exchange.CodeConflict,
		"this reservation id was used before with other content; use a new id")))
	return out, err
}

// placedAnswer is the answer to the request that placed the hold. It may wait for its seal
// in this very batch.
func (h *heldRecord) placedAnswer() *writer.Leaf {
	if h.placed != nil {
		return h.placed
	}
	return writer.Sealed(h.Placed)
}

// latestAnswer is the answer to the latest release or extension.
func (h *heldRecord) latestAnswer() *writer.Leaf {
	if h.latest != nil {
		return h.latest
	}
	return writer.Sealed(h.Latest)
}

// checkWindow refuses a hold that has no record and whose window has passed: the record may
// have been pruned, and the hold would be placed twice.
func (s *Supplier) checkWindow(b *writer.Batch, id exchange.HoldID) error {
	current, w := exchange.WindowAt(b.Now()), id.Window()
	switch {
	case w > current:
		return exchange.Errorf(exchange.CodeInvalid, "window %d has not been issued yet; %d is current", w, current)
	case w+1 < current:
		return exchange.Errorf(exchange.CodeTooOld, "window %d has passed; make a new reservation", w)
	}
	return nil
}

// formatFor is the newest quote format that both shops read.
func formatFor(req *message.Hold) exchange.QuoteFormat {
	if req.Reads < exchange.QuoteByLine {
		return exchange.QuoteByUnit
	}
	return exchange.NewestQuote
}

// quote prices a hold request under the terms and checks everything but stock.
func (s *Supplier) quote(b *writer.Batch, from exchange.ShopID, req *message.Hold, terms exchange.Terms, version uint32) (*exchange.Quote, hold.Place, error) {
	policy := s.policy.Load()
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
	offer := func(sku exchange.SKU) (exchange.Offer, error) {
		rec, err := s.shelf.Offered(b, sku)
		if err != nil {
			return exchange.Offer{}, err
		}
		p := &rec.Product
		if p.Price.Currency != terms.Currency {
			return exchange.Offer{}, exchange.Errorf(exchange.CodeCurrency, "%s is priced in %s, the terms say %s", sku, p.Price.Currency, terms.Currency)
		}
		return exchange.Offer{
			Title: p.Title, List: p.Price.Minor, Grams: p.Grams, Options: p.Options, Barcode: p.Barcode, Image: p.Image, NoShipping: p.NoShipping,
		}, nil
	}
	q := &exchange.Quote{
		Format: formatFor(req), Supplier: s.me, Retailer: from, Hold: req.ID, TermsVersion: version, Country: req.Country,
		Currency: terms.Currency, Tax: policy.Tax, Rate: policy.Rate, Issued: b.Now(), Expires: b.Now().Add(lifetime),
		AcceptWithin: terms.AcceptWithin, Cancel: terms.Cancel,
	}
	if q.Format == exchange.QuoteByUnit && !q.Rate.Known() { // the reader of this is the retailer's owner
		return nil, hold.Place{}, exchange.Errorf(exchange.CodeNoRate, "the supplier has no US dollar rate for %s, and the version of Souk that asks reads only quotes in US dollars: run a newer version of Souk, or ask the supplier to give a rate (souk catalog rates)", q.Currency)
	}
	if err := exchange.PriceQuote(q, req.Lines, offer, terms.Discount, policy.Shipping); err != nil {
		return nil, hold.Place{}, err
	}
	if req.MaxTotal > 0 && q.Total > req.MaxTotal {
		return nil, hold.Place{}, exchange.Errorf(exchange.CodePriceChanged, "the total, shipping included, is %s, above the limit of %s",
			exchange.Money{Minor: q.Total, Currency: q.Currency}, exchange.Money{Minor: req.MaxTotal, Currency: q.Currency})
	}
	pools, err := s.shelf.From(b, req.Lines)
	return q, hold.Place{Lines: req.Lines, From: pools, Expires: q.Expires}, err
}

// place counts the open quantity of a hold and takes it, or has the shop's own system asked for it.
func (s *Supplier) place(b *writer.Batch, id ledger.ID, rec *heldRecord, place hold.Place, terms exchange.Terms, quote *exchange.Quote) error {
	ledgerRec, err := s.ledgers.get(b, id)
	if err != nil {
		return err
	}
	units := place.Lines.Units()
	if open := ledgerRec.OpenHeld + ledgerRec.OpenUnshipped; open+units > terms.OpenQuantity {
		return exchange.Errorf(exchange.CodeOpenQuantity, "%d units asked; %d of the %d that the terms allow are held or unshipped", units, open, terms.OpenQuantity)
	}
	if s.bridged.On() {
		err = s.bridged.ask(b, quote.Hold, rec, place, quote)
	} else {
		err = s.take(b, quote.Hold, rec, place)
	}
	if err != nil {
		return err
	}
	ledgerRec.OpenHeld += units
	s.ledgers.set(b, id, ledgerRec)
	return nil
}

// serveRelease releases a hold. Where there is none it leaves a tombstone, which refuses the
// hold's request should it come later.
func (s *Supplier) serveRelease(ctx context.Context, from exchange.ShopID, raw []byte, req *message.Release) (message.Value, error) {
	return s.serveHoldEvent(ctx, from, raw, req.ID, func(b *writer.Batch, k holdID, rec *heldRecord, answer message.HoldAnswer) (*writer.Leaf, error) {
		if rec == nil {
			if err := s.checkWindow(b, req.ID); err != nil {
				return s.seal(b, answer.Refused(err))
			}
			// A shop that never was a partner leaves no tombstones. One that was may be one again by the
			// time at which the hold's request comes.
			id := ledger.ID{Supplier: s.me, Retailer: from}
			switch ever, err := s.partnerships.everTerms(b, id); {
			case err != nil:
				return nil, err
			case ever == 0:
				_, _, err := s.partnerships.termsInForce(b, id)
				return nil, err
			}
			if !s.refused.take(b, from) { // answered, and kept in memory alone
				s.released.add(k)
				answer.State = hold.Released
				return s.seal(b, answer)
			}
			rec = &heldRecord{storedHold: record.Hold{Retailer: from}}
		}
		err := s.bridged.endOpen(b, k, rec, hold.Release{}, errReleasedFirst)
		if exchange.CodeOf(err) == exchange.CodeInternal {
			return nil, err
		}
		if err != nil && rec.Hold.State != hold.Released {
			answer.Refusal, answer.Detail = exchange.CodeOf(err), err.Error()
		}
		answer.State = rec.Hold.State
		return s.sealLatest(b, k, rec, answer)
	})
}

// serveExtend moves a hold's expiry as far as the terms allow.
func (s *Supplier) serveExtend(ctx context.Context, from exchange.ShopID, raw []byte, req *message.Extend) (message.Value, error) {
	return s.serveHoldEvent(ctx, from, raw, req.ID, func(b *writer.Batch, k holdID, rec *heldRecord, answer message.HoldAnswer) (*writer.Leaf, error) {
		if rec == nil {
			return s.seal(b, answer.Refused(exchange.Errorf(exchange.CodeNotFound, "there is no such hold")))
		}
		if rec.Hold.State == hold.Asked {
			return nil, errAsked
		}
		err := s.extend(b, req, rec, &answer)
		if exchange.CodeOf(err) == exchange.CodeInternal {
			return nil, err
		}
		answer.State = rec.Hold.State
		if err != nil {
			answer.Refusal, answer.Detail = exchange.CodeOf(err), err.Error()
		}
		return s.sealLatest(b, k, rec, answer)
	})
}

func (s *Supplier) extend(b *writer.Batch, req *message.Extend, rec *heldRecord, answer *message.HoldAnswer) error {
	if err := s.selling.MaySell(); err != nil {
		return err
	}
	id := ledger.ID{Supplier: s.me, Retailer: rec.Retailer}
	terms, _, err := s.partnerships.termsInForce(b, id)
	if err != nil {
		return err
	}
	if err := s.checkEnded(b, id, rec); err != nil && rec.Hold.State == hold.Held {
		return err
	}
	extended := *rec
	if err := s.prolong(b, req.ID, &extended, hold.Extend{Until: req.Until, Limit: terms.HoldLifetime}); err != nil {
		return err
	}
	quote, err := s.ownQuote(rec)
	if err != nil {
		return exchange.Errorf(exchange.CodeInternal, "the quote of hold %v is unreadable: %w", req.ID, err)
	}
	rec.Hold = extended.Hold
	quote.Expires = rec.Hold.Expires
	answer.Quote = quote
	return nil
}

// ownQuote is a copy of the quote in the answer that placed a hold of this supplier.
func (s *Supplier) ownQuote(rec *heldRecord) (*exchange.Quote, error) {
	if rec.quote != nil {
		copied := *rec.quote
		return &copied, nil
	}
	return s.quoteIn(rec.Placed)
}

// serveHoldStatus answers with the latest answer about a hold, byte for byte: the retailer
// may have missed it.
func (s *Supplier) serveHoldStatus(from exchange.ShopID, req *message.HoldStatus) (message.Value, error) {
	rec, err := record.Get[record.Hold](s.store, s.codec, record.HoldKey(from, req.ID))
	if err != nil {
		return nil, err
	}
	if rec == nil {
		return nil, exchange.Errorf(exchange.CodeNotFound, "there is no such hold")
	}
	if rec.Hold.State == hold.Asked {
		return nil, errAsked
	}
	if rec.Latest != nil {
		return &message.SealedAnswer{Sealed: rec.Latest}, nil
	}
	if rec.Placed == nil {
		return nil, errReleasedFirst
	}
	return &message.SealedAnswer{Sealed: rec.Placed}, nil
}

// serveHoldEvent runs a release or an extension. A repeat of the latest one gets the same
// bytes.
func (s *Supplier) serveHoldEvent(ctx context.Context, from exchange.ShopID, raw []byte, id exchange.HoldID,
	event func(*writer.Batch, holdID, *heldRecord, message.HoldAnswer) (*writer.Leaf, error)) (message.Value, error) {
	var out *writer.Leaf
	sum := message.Digest(raw)
	err := s.writer.Do(ctx, func(b *writer.Batch) error {
		k := holdID{from, id}
		rec, err := s.get(b, k)
		if err != nil {
			return err
		}
		if rec != nil && rec.LatestRequest == sum {
			out = rec.latestAnswer()
			return nil
		}
		out, err = event(b, k, rec, message.HoldAnswer{Supplier: s.me, Retailer: from, Hold: id, Request: sum, At: b.Now()})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &message.SealedAnswer{Sealed: out.Bytes()}, nil
}

// endHold ends a hold by e, and with it changes stock, open quantity and expiry index. On a
// refusal nothing changes. The caller stores rec.
func (s *Supplier) endHold(b *writer.Batch, id exchange.HoldID, rec *heldRecord, e hold.Event) error {
	before := rec.Hold
	if err := s.finish(b, id, rec, e); err != nil {
		return err
	}
	if !before.State.Open() || rec.Retailer == s.me {
		return nil
	}
	ledgerID := ledger.ID{Supplier: s.me, Retailer: rec.Retailer}
	ledgerRec, err := s.ledgers.get(b, ledgerID)
	if err != nil {
		return err
	}
	ledgerRec.OpenHeld -= before.Units()
	s.ledgers.set(b, ledgerID, ledgerRec)
	return nil
}

// sealPlaced seals the answer to the placing request and stores it with the record.
func (s *Supplier) sealPlaced(b *writer.Batch, k holdID, rec *heldRecord, answer message.HoldAnswer) (leaf *writer.Leaf, err error) {
	if leaf, err = s.seal(b, answer); err != nil {
		return nil, err
	}
	rec.placed = leaf
	s.holds.Set(b, k, rec)
	return leaf, nil
}

// sealLatest seals the answer to a later event on the hold and stores it with the record.
func (s *Supplier) sealLatest(b *writer.Batch, k holdID, rec *heldRecord, answer message.HoldAnswer) (leaf *writer.Leaf, err error) {
	if leaf, err = s.seal(b, answer); err != nil {
		return nil, err
	}
	rec.Latest, rec.latest, rec.LatestRequest = nil, leaf, answer.Request
	s.holds.Set(b, k, rec)
	return leaf, nil
}

// seal asks for an answer to be sealed with the batch.
func (s *Supplier) seal(b *writer.Batch, answer message.HoldAnswer) (*writer.Leaf, error) {
	payload, err := s.codec.Encode(&answer)
	if err != nil {
		return nil, err
	}
	return b.Seal(payload, nil), nil
}
