package trade

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Holds that the shop's own system is asked for, in three steps: the writer places the hold ASKED,
// durably; the system is asked outside the writer (bridged_calls.go); the writer makes the hold
// HELD or REFUSED and seals the answer.

// ask places a hold ASKED, and has the system asked for it once that is durable. quote is nil of
// an own reservation, whose record has its quote.
func (x *Bridged) ask(b *writer.Batch, id exchange.HoldID, rec *heldRecord, place hold.Place, quote *exchange.Quote) error {
	k := holdID{rec.Retailer, id}
	if err := x.mayAsk(b, k, place.Lines); err != nil {
		return err
	}
	deadline := b.Now().Add(askTime)
	if err := x.supplier.holdings.ask(b, id, rec, hold.Ask{Place: place, Deadline: deadline}); err != nil {
		return err
	}
	row, _, err := x.rows.Get(b, id)
	if err != nil {
		return err
	}
	row.Retailer, row.At = rec.Retailer, b.Now()
	x.rows.Set(b, id, row)
	a := &asking{
		holdID: k, quote: quote, deadline: deadline, done: make(chan struct{}),
		ask: bridge.Ask{ID: id, Partner: rec.Retailer, Expires: place.Expires},
	}
	for _, l := range place.Lines.All() {
		a.ask.Lines = append(a.ask.Lines, bridge.Line{SKU: l.SKU, Units: int64(l.Quantity)})
	}
	x.begun.Set(b, k, a)
	b.Then(holdAsked{a})
	return nil
}

// mayAsk refuses what need not, or cannot, be asked now.
func (x *Bridged) mayAsk(b *writer.Batch, k holdID, lines exchange.Lines) error {
	if x.breaker.down() {
		return exchange.Errorf(exchange.CodeUnavailable, "the supplier's own system does not answer, so nothing can be reserved; try again later")
	}
	x.mu.Lock()
	waiting := len(x.waiting)
	x.mu.Unlock()
	if waiting >= maxAsking || x.outbox.count() >= MaxUntold {
		return exchange.Errorf(exchange.CodeUnavailable, "the supplier's own system is behind, so nothing can be reserved; try again later")
	}
	row, ok, err := x.rows.Get(b, k.id)
	switch {
	case err != nil:
		return err
	case ok && row.Retailer != k.retailer: // the system knows the id as the other's
		return exchange.Errorf(exchange.CodeConflict, "another retailer's reservation has the id %v; reserve again", k.id)
	case ok && (row.Seq > 0 || x.outbox.has(k.id)):
		return errReleasedFirst
	}
	return x.knownShort(b.Now(), lines)
}

// knownShort refuses what the system has just said that it has not, so that many buyers of one
// unit are few calls.
func (x *Bridged) knownShort(now exchange.Time, lines exchange.Lines) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	var short []exchange.Short
	for _, l := range lines.All() {
		if s, ok := x.short[l.SKU]; ok && now < s.until && s.until <= now.Add(shortFor) && int64(l.Quantity) > s.available {
			short = append(short, exchange.Short{SKU: l.SKU, Asked: int64(l.Quantity), Available: s.available})
		}
	}
	if len(short) == 0 {
		return nil
	}
	return exchange.Insufficient(short)
}

// noteShort notes the system's word that products are short.
func (x *Bridged) noteShort(short []exchange.Short, now exchange.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.short)+len(short) > maxShort {
		clear(x.short)
	}
	for _, s := range short {
		x.short[s.SKU] = shortUntil{s.Available, now.Add(shortFor)}
	}
}

// forgetShort: something is given back.
func (x *Bridged) forgetShort() {
	x.mu.Lock()
	defer x.mu.Unlock()
	clear(x.short)
}

// wait waits until a hold is not ASKED any more, at most until its caller leaves. The outcome is
// in its record, unless wait fails with it.
func (x *Bridged) wait(ctx context.Context, k holdID) error {
	a := x.pending(k)
	if a == nil {
		return nil
	}
	if x.writer.Inline() { // nobody else makes calls
		x.Pump(ctx)
		select {
		case <-a.done:
			return a.err
		default:
			return exchange.Errorf(exchange.CodeUnavailable, "the shop's own system has not answered yet")
		}
	}
	select {
	case <-a.done:
		return a.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settle ends what was asked for by the system's answer to each; none = it is unknown.
func (x *Bridged) settle(ctx context.Context, asks []*asking, answers map[exchange.HoldID]bridge.Answer) {
	for len(asks) > 0 {
		some := asks[:min(len(asks), settledAtOnce)]
		asks = asks[len(some):]
		err := x.writer.Do(ctx, func(b *writer.Batch) error {
			for _, a := range some {
				answer, known := answers[a.id]
				if err := x.settleOne(b, a, answer, known); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil { // their deadline refuses them
			x.log.Error("holds that the shop's own system has answered are not settled; they are refused at their deadline", "holds", len(some), "err", err)
		}
	}
}

func (x *Bridged) settleOne(b *writer.Batch, a *asking, answer bridge.Answer, known bool) error {
	rec, err := x.supplier.get(b, a.holdID)
	if err != nil {
		return err
	}
	if rec == nil || rec.Hold.State != hold.Asked {
		return nil // it has ended, and what the system set aside is being given back
	}
	if known && !answer.OK && answer.Problem != bridge.KeyReused && answer.Problem != bridge.Busy {
		return x.decline(b, a, rec, answer)
	}
	var why error = errTooSlow
	if known && answer.OK {
		confirmed := *rec
		err := b.Attempt(func(b *writer.Batch) error { return x.confirm(b, a, &confirmed) })
		if err == nil || exchange.CodeOf(err) == exchange.CodeInternal {
			return err
		}
		why = err
	}
	return x.endAsked(b, a.holdID, rec, hold.Refuse{Code: exchange.CodeOf(why)}, why)
}

// confirm makes an ASKED hold HELD, and seals the answer with its quote.
func (x *Bridged) confirm(b *writer.Batch, a *asking, rec *heldRecord) error {
	s := x.supplier
	if err := s.selling.MaySell(); err != nil {
		return err
	}
	if a.retailer != x.me {
		id := ledger.ID{Supplier: s.me, Retailer: a.retailer}
		if _, _, err := s.partnerships.termsInForce(b, id); err != nil {
			return err
		}
		if err := s.checkEnded(b, id, rec); err != nil {
			return err
		}
	}
	if err := s.confirm(b, a.id, rec); err != nil {
		return err
	}
	row, _, err := x.rows.Get(b, a.id)
	if err != nil {
		return err
	}
	row.At = b.Now()
	x.rows.Set(b, a.id, row)
	b.Then(holdSettled{id: a.holdID, state: hold.Held})
	if a.retailer == x.me {
		s.holds.Set(b, a.holdID, rec)
		return nil
	}
	rec.quote = a.quote
	_, err = s.sealPlaced(b, a.holdID, rec, message.HoldAnswer{
		Supplier: s.me, Retailer: a.retailer, Hold: a.id, Request: rec.Request, At: b.Now(), State: hold.Held, Quote: a.quote,
	})
	return err
}

// decline refuses a hold to which the system said no. Beyond the retailer's share of kept refusals
// nothing is kept of it: the system says no again to a repeat.
func (x *Bridged) decline(b *writer.Batch, a *asking, rec *heldRecord, answer bridge.Answer) error {
	var short []exchange.Short
	for _, s := range answer.Short {
		for _, l := range a.ask.Lines {
			if l.SKU == s.SKU && l.Units == s.Asked && s.Available < s.Asked && s.Available >= 0 {
				short = append(short, s)
			}
		}
	}
	why := exchange.Errorf(exchange.CodeInsufficient, "the supplier's own system says that the goods are not there")
	if len(short) > 0 {
		why = exchange.Insufficient(short)
		x.noteShort(short, b.Now())
	}
	rec.declined = true
	if a.retailer != x.me && !x.supplier.refused.take(b, a.retailer) {
		if err := x.supplier.endHold(b, a.id, rec, hold.Refuse{Code: why.Code}); err != nil {
			return err
		}
		b.Delete(record.HoldKey(a.retailer, a.id))
		b.Then(holdSettled{a.holdID, hold.Refused, why.Code, why})
		return nil
	}
	return x.endAsked(b, a.holdID, rec, hold.Refuse{Code: why.Code}, why)
}

// endAsked ends an ASKED hold by e, and seals why as the answer to the request that asked for it:
// nobody is ever told that it was ASKED. The caller stores nothing.
func (x *Bridged) endAsked(b *writer.Batch, k holdID, rec *heldRecord, e hold.Event, why error) error {
	s := x.supplier
	if err := s.endHold(b, k.id, rec, e); err != nil {
		return err
	}
	out := holdSettled{id: k, state: rec.Hold.State, why: rec.Hold.Refusal}
	if k.retailer == s.me {
		out.err = why
		s.holds.Set(b, k, rec)
	} else if _, err := s.sealPlaced(b, k, rec, message.HoldAnswer{
		Supplier: s.me, Retailer: k.retailer, Hold: k.id, Request: rec.Request, At: b.Now(),
	}.Refused(why)); err != nil {
		return err
	}
	b.Then(out)
	return nil
}

// endOpen ends an open hold by e. Of one that is ASKED why is the answer to the request that asked
// for it. The caller stores rec.
func (x *Bridged) endOpen(b *writer.Batch, k holdID, rec *heldRecord, e hold.Event, why error) error {
	if rec.Hold.State == hold.Asked {
		return x.endAsked(b, k, rec, e, why)
	}
	return x.supplier.endHold(b, k.id, rec, e)
}

// errAsked answers what asks about a hold while it is ASKED: as if it was too early.
var errAsked = exchange.Errorf(exchange.CodeUnavailable, "the hold is not answered yet; try again")

// errNotAsked: the process that asked for the hold has ended.
var errNotAsked = exchange.Errorf(exchange.CodeUnavailable, "the supplier was interrupted while it asked its own system; reserve again")

// askedAgain is the answer to a repeat of the request of an ASKED hold: wait says that it is the
// one that comes. A hold that a process before asked for is refused.
func (x *Bridged) askedAgain(b *writer.Batch, k holdID, rec *heldRecord) (wait bool, err error) {
	if wait, err = x.asking(b, k); err != nil || wait {
		return wait, err
	}
	return false, x.endAsked(b, k, rec, hold.Refuse{Code: exchange.CodeUnavailable}, errNotAsked)
}
