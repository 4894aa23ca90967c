package trade

import (
	"context"
	"reflect"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// A retailer's check of a supplier's quote. A seal proves who sent the quote, not that it
// prices what was asked for. An order signs the quote, so whatever the quote says binds.

// maxAhead is how far a partner's clock may be ahead of this shop's: a day for a wrong date, a
// day for a wrong zone. A quote or an entry dated later is refused.
const maxAhead = 48 * time.Hour

// checkAnswer compares an answer about a reservation with the request and the terms. It fails
// with CodeSignature where the quote is not what was asked for, CodeStale where its terms are
// in force no longer, and CodeBehind where its terms have not arrived here yet. Under earlier
// terms, a quote must have been made while they were in force, and the request too: asked is
// when it was made, or 0 where this shop cannot say, or has believed an answer to it before.
func (r *Retailer) checkAnswer(rec *record.Reservation, a *message.HoldAnswer, asked exchange.Time) error {
	placed := len(rec.Raw) > 0 && a.Request == message.Digest(rec.Raw)
	switch {
	case a.Refusal != exchange.CodeOK && a.Quote != nil:
		return otherQuote("it stands in a refusal (%v)", a.Refusal)
	case a.Refusal != exchange.CodeOK && placed && a.State != hold.Refused:
		return otherQuote("it refuses (%v) a reservation that is %v", a.Refusal, a.State)
	case a.Refusal != exchange.CodeOK:
		return nil // nothing is held, or what is held stays as it was
	case a.Quote == nil && (placed || a.State == hold.Held):
		return otherQuote("it has no prices")
	case a.Quote == nil:
		return nil
	case placed && a.State != hold.Held:
		return otherQuote("it prices a reservation that is %v", a.State)
	}
	q := a.Quote
	if err := r.checkAsked(rec, q); err != nil {
		return err
	}
	if placed && rec.Request.Lifetime > 0 && q.Expires > q.Issued.Add(time.Duration(rec.Request.Lifetime)*time.Millisecond) {
		return otherQuote("it lives longer than the %s asked for", exchange.Span(time.Duration(rec.Request.Lifetime)*time.Millisecond))
	}
	id := ledger.ID{Supplier: rec.Supplier, Retailer: r.me}
	terms, version := r.partnerships.view.terms(id)
	switch {
	case q.TermsVersion > version:
		return exchange.Errorf(exchange.CodeBehind, "the supplier quotes under terms %d, which have not arrived here; try again in a moment", q.TermsVersion)
	case q.TermsVersion < version:
		if earlier, until, err := r.partnerships.ledgers.earlierTerms(id, q.TermsVersion); err == nil && max(q.Issued, asked) <= until {
			return checkTerms(q, earlier)
		}
		return exchange.Errorf(exchange.CodeStale, "the supplier quotes under terms %d, but terms %d are in force; reserve again", q.TermsVersion, version)
	}
	return checkTerms(q, terms)
}

// checkAsked compares a quote with the request; it does not look at the terms. A reservation
// whose request this shop has lost has no lines to compare.
func (r *Retailer) checkAsked(rec *record.Reservation, q *exchange.Quote) error {
	req := &rec.Request
	switch {
	case q.Supplier != rec.Supplier || q.Retailer != r.me || q.Hold != req.ID:
		return otherQuote("it is another reservation's")
	case req.Country != "" && q.Country != req.Country:
		return otherQuote("it ships to %s, not %s", q.Country, req.Country)
	case req.MaxTotal > 0 && q.Total > req.MaxTotal:
		return otherQuote("its total of %s is above the limit of %s", exchange.Money{Minor: q.Total, Currency: q.Currency}, exchange.Money{Minor: req.MaxTotal, Currency: q.Currency})
	case q.Expires <= q.Issued || q.Issued > r.clock.Now().Add(maxAhead):
		return otherQuote("it is of %v and expires at %v", q.Issued, q.Expires)
	case !req.Lines.IsZero() && !q.Prices(req.Lines):
		return otherQuote("its products or quantities are not those asked for")
	}
	return q.CheckSums()
}

// checkTerms compares a quote with the terms of its version.
func checkTerms(q *exchange.Quote, t exchange.Terms) error {
	switch {
	case q.Currency != t.Currency:
		return otherQuote("it is in %s; the terms say %s", q.Currency, t.Currency)
	case !t.ShipsTo(q.Country):
		return otherQuote("the terms do not cover %s", q.Country)
	case q.AcceptWithin != t.AcceptWithin || q.Cancel != t.Cancel:
		return otherQuote("an order of it could be accepted for %s and cancelled %v; the terms say %s and %v", exchange.Span(q.AcceptWithin), q.Cancel, exchange.Span(t.AcceptWithin), t.Cancel)
	case q.Expires > q.Issued.Add(t.HoldLifetime):
		return otherQuote("it lives from %v to %v; the terms allow %s", q.Issued, q.Expires, exchange.Span(t.HoldLifetime))
	}
	if q.Format != exchange.QuoteByUnit {
		if q.Discount != t.Discount {
			return otherQuote("its discount is %d basis points; the terms say %d", q.Discount, t.Discount)
		}
		return nil // CheckSums has applied it to each line
	}
	for _, l := range q.Lines {
		if unit, err := exchange.Discount(l.List, t.Discount); err != nil || unit != l.Unit {
			return otherQuote("%s costs %s, not %s less the terms' discount", l.SKU, exchange.Money{Minor: l.Unit, Currency: q.Currency}, exchange.Money{Minor: l.List, Currency: q.Currency})
		}
	}
	return nil
}

// checkExtended compares the quote of an extension with the reservation's quote: only the
// expiry may differ.
func (r *Retailer) checkExtended(rec *record.Reservation, a *message.HoldAnswer) error {
	if a.Quote == nil || rec.Answer == nil || a.Refusal != exchange.CodeOK {
		return r.checkAnswer(rec, a, rec.Created)
	}
	held, err := r.quoteIn(rec.Answer)
	if err != nil {
		return err
	}
	now := *a.Quote
	now.Expires = held.Expires
	if !reflect.DeepEqual(&now, held) {
		return otherQuote("more than its expiry changed with the extension")
	}
	if a.Quote.Expires > held.Issued.Add(exchange.MaxHoldLifetime) {
		return otherQuote("it lives until %v, longer than any terms allow", a.Quote.Expires)
	}
	return nil
}

// checkOrdered is the last check of a quote before an order signs it. A quote under earlier
// terms was checked against those when it came; a quote names the version of its terms.
func (r *Retailer) checkOrdered(rec *record.Reservation, q *exchange.Quote, terms exchange.Terms, version uint32) error {
	if err := r.checkAsked(rec, q); err != nil {
		return err
	}
	switch {
	case q.TermsVersion > version:
		return exchange.Errorf(exchange.CodeBehind, "the supplier quotes under terms %d, which have not arrived here; try again in a moment", q.TermsVersion)
	case q.TermsVersion == version:
		return checkTerms(q, terms)
	}
	return nil
}

// otherQuote is the error for a quote that is not what was asked for.
func otherQuote(format string, args ...any) error {
	return exchange.Errorf(exchange.CodeSignature, "the supplier's quote is not what was asked for: %w; tell the supplier, the sealed answer is kept",
		exchange.Errorf(exchange.CodeSignature, format, args...))
}

// distrust records that an answer failed checkAnswer, so that nothing is ordered on it, and
// releases the hold. The record keeps the sealed answer as evidence.
func (r *Retailer) distrust(ctx context.Context, rec *record.Reservation, sealed []byte, why error) {
	r.log.Error("a quote was refused", "supplier", rec.Supplier, "hold", rec.Request.ID, "why", why)
	distrusted(rec, sealed, why, r.clock.Now())
	raw, err := r.frame(&message.Release{ID: rec.Request.ID})
	if err == nil {
		_, err = r.asker.attempt(ctx, rec.Supplier, raw)
	}
	if err != nil {
		r.asker.takeOver(ctx, *rec)
		return
	}
	rec.ReleaseAt = 0
	r.saveBehind(*rec)
}

// distrusted makes rec the record of an answer that failed checkAnswer, whose hold is given back from
// now on.
func distrusted(rec *record.Reservation, sealed []byte, why error, now exchange.Time) {
	rec.State, rec.Refusal, rec.Detail, rec.Answer = hold.Refused, exchange.CodeOf(why), exchange.Clip(why.Error(), message.MaxReason), sealed
	rec.ReleaseAt, rec.ExtendTo, rec.Left = max(now, 1), 0, false
}
