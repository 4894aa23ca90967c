package trade

import (
	"context"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// The repeat of a request whose record a crash has lost (doc.go: How long a hold lives).

// requestLost reports that something may have been asked under this id in bytes that this shop
// does not have any more: the record was lost before it was committed, and made again from an
// answer, if at all.
func (w wish) requestLost() bool { return !w.isNew && (w.known == nil || len(w.known.Raw) == 0) }

// firstAsked is when the reservation rec was first asked for; 0 where an earlier life may have
// asked and lost the record, or where an answer has been believed before.
func (w wish) firstAsked(rec *record.Reservation, l *Ledgers) exchange.Time {
	if w.known != nil && w.known.Answer != nil || !w.isNew && w.known == nil && l.mayHaveAsked(w.id.Window()) {
		return 0
	}
	return rec.Created
}

// foundAgain asks the supplier for the hold that has the id of rec, a repeat that it has refused
// as another request. Where this shop has lost the first request it cannot send the same bytes:
// what it asked for by itself, the lifetime and the format, follows from terms and version. The
// hold is what is wanted if its quote is, and lives as long as the caller says, if he does
// (lifetime); then it is recorded. nil = it is another one, or nobody can say.
func (r *Retailer) foundAgain(ctx context.Context, rec *record.Reservation, lifetime time.Duration) *record.Reservation {
	raw, err := r.frame(&message.HoldStatus{ID: rec.Request.ID})
	if err != nil {
		return nil
	}
	reply, err := r.asker.ask(ctx, rec.Supplier, raw)
	if err != nil {
		return nil
	}
	answer, sealed, err := r.openAnswer(rec.Supplier, rec.Request.ID, reply)
	if err != nil || answer.Refusal != exchange.CodeOK || answer.State != hold.Held || answer.Quote == nil {
		return nil
	}
	asked, q := rec.Request, answer.Quote
	found := &record.Reservation{
		Supplier: rec.Supplier, Created: min(rec.Created, q.Issued),
		Request: message.Hold{ID: asked.ID, Lines: asked.Lines, Country: asked.Country, MaxTotal: asked.MaxTotal},
	}
	if r.checkAnswer(found, answer, 0) != nil || q.Expires < q.Issued.Add(lifetime) {
		return nil
	}
	if err := found.Take(answer, sealed); err != nil {
		return nil
	}
	r.saveBehind(*found)
	return found
}

// earlierTerms are the terms of a version that is in force no longer, and until when they were:
// it reads the ledger from its first entry. CodeNotFound where there is no such version.
func (l *Ledgers) earlierTerms(id ledger.ID, version uint32) (terms exchange.Terms, until exchange.Time, err error) {
	var open exchange.Terms // what was proposed last: nothing else can be accepted
	begun := false
	for row, err := range kv.Rows(l.store, kv.Prefix(kv.Key(record.PrefixEntry, id.Supplier[:], id.Retailer[:]))) {
		if err != nil {
			return terms, 0, err
		}
		payload, err := l.verifier.Peek(row.Value)
		if err != nil {
			return terms, 0, err
		}
		e, err := message.Decode[message.Entry](l.codec, payload)
		if err != nil {
			return terms, 0, err
		}
		if begun && e.Terms != version {
			return terms, e.At, nil
		}
		if e.Outcome != exchange.CodeOK {
			continue
		}
		act := e.Own
		if e.Request != nil {
			if act, err = l.requestedAct(id, e); err != nil {
				return terms, 0, err
			}
		}
		switch act := act.(type) {
		case message.ProposeTerms:
			open = act.Terms
		case message.AcceptTerms:
			if e.Terms == version {
				terms, begun = open, true
			}
		}
	}
	return terms, 0, exchange.Errorf(exchange.CodeNotFound, "terms %d are not earlier terms of this ledger", version)
}
