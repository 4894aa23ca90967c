package trade

import (
	"context"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Own channels where the shop's own system has the authority over the stock: it is asked for their
// reservations as for those of partners. A sale is not recorded before the system said yes to its
// commit; the caller waits for that.

// sellWithin is how long the reservation lives that a sale of lines makes.
const sellWithin = time.Minute

// errCommitUnknown: the sale may be repeated.
var errCommitUnknown = exchange.Errorf(exchange.CodeUnavailable, "your own system has not said whether it has the goods, so nothing is sold yet; repeat the sale")

// stillAsked is a reservation that a key has found, as it stands. One that was refused is refused
// again; nobody confirms one that a process before has asked for.
func (o *OwnSales) stillAsked(b *writer.Batch, id exchange.HoldID, rec *heldRecord) (*heldRecord, error) {
	if rec.Hold.State == hold.Asked {
		asking, err := o.holds.bridged.asking(b, holdID{o.me, id})
		if err != nil || asking {
			return rec, err
		}
		if err := o.endAsked(b, id, rec, hold.Refuse{Code: exchange.CodeUnavailable}, errNotAsked); err != nil {
			return nil, err
		}
		return rec, nil
	}
	if rec.Hold.State == hold.Refused {
		return nil, exchange.Errorf(rec.Hold.Refusal, "your own system refused this reservation before; use a new key to ask again")
	}
	return rec, nil
}

// confirmed is an own reservation once the shop's own system has answered.
func (o *OwnSales) confirmed(ctx context.Context, id exchange.HoldID) (*Reservation, error) {
	if err := o.holds.bridged.wait(ctx, holdID{o.me, id}); err != nil {
		return nil, err
	}
	res, err := o.Reservation(id)
	if err == nil && res.State == hold.Refused { // settled before anybody waited
		err = exchange.Errorf(res.Refusal, "your own system refused this reservation; use a new key to ask again")
	}
	return res, err
}

func (o *OwnSales) endAsked(b *writer.Batch, id exchange.HoldID, rec *heldRecord, e hold.Event, why error) error {
	return o.holds.bridged.endAsked(b, holdID{o.me, id}, rec, e, why)
}

// commitFirst has the shop's own system say yes to a sale before it is recorded, and returns the
// request as one of a reservation. sure is false where there is nothing to say yes to: the sale was
// made before, or its reservation has ended or is none of the system's.
func (o *OwnSales) commitFirst(ctx context.Context, req SaleRequest) (_ SaleRequest, sure bool, err error) {
	if req.Reservation.IsZero() {
		res, err := o.Reserve(ctx, OwnRequest{Lines: req.Lines, Key: req.Key, Lifetime: min(sellWithin, o.longest())})
		if err != nil {
			return req, false, err
		}
		req.Reservation, req.Lines = res.Request.ID, exchange.Lines{}
	}
	id, x := req.Reservation, o.holds.bridged
	rec, err := record.Get[record.Hold](o.store, o.codec, record.HoldKey(o.me, id))
	if err != nil || rec == nil || rec.Hold.State != hold.Held || rec.Hold.Expires <= o.clock.Now() {
		return req, false, err
	}
	row, err := record.Get[record.Asked](o.store, o.codec, record.AskedKey(id))
	if err != nil || row == nil {
		return req, false, err
	}
	if ok, _ := x.breaker.may(); !ok {
		return req, false, errCommitUnknown
	}
	callCtx, cancel := under(ctx, callTime)
	defer cancel()
	answers, err := x.system.Commit(callCtx, []bridge.Ref{{ID: id, Reference: req.Reference}})
	if err == nil {
		err = bridge.CheckAnswers([]exchange.HoldID{id}, answers)
	}
	x.outcome(err)
	x.tellBreaker()
	switch {
	case err != nil || answers[0].Problem == bridge.Busy:
		return req, false, errCommitUnknown
	case answers[0].OK:
		return req, true, nil
	}
	x.catchUp.alarm(func(c *catchUp) { c.denied++ })
	x.log.Error("the shop's own system says no to a sale of goods that it had set aside", "reservation", id, "why", answers[0].Problem)
	if _, err := o.Release(ctx, id); err != nil {
		return req, false, err
	}
	return req, false, &exchange.Error{Code: exchange.CodeGone, Short: answers[0].Short, Message: "your own system does not have the goods of this reservation any more"}
}

// mayTake refuses to sell what the shop's own system has not said yes to.
func (o *OwnSales) mayTake(b *writer.Batch, id exchange.HoldID, held *heldRecord, sure bool) error {
	if !o.holds.bridged.On() {
		return nil
	}
	_, asked, err := o.holds.bridged.rows.Get(b, id)
	if err != nil || !asked {
		return err
	}
	held.sure = sure
	switch {
	case held.Hold.State == hold.Expired, held.Hold.State == hold.Held && b.Now() >= held.Hold.Expires:
		return exchange.Errorf(exchange.CodeExpired, "the reservation expired at %v, and your own system has its goods again; reserve them anew", held.Hold.Expires)
	case held.Hold.State == hold.Held && !sure:
		return errCommitUnknown
	}
	return nil
}

// heldUntil is when a reservation expires that is held; 0 of another.
func (o *OwnSales) heldUntil(id exchange.HoldID) (exchange.Time, error) {
	rec, err := record.Get[record.Hold](o.store, o.codec, record.HoldKey(o.me, id))
	if err != nil || rec == nil || rec.Hold.State != hold.Held {
		return 0, err
	}
	return rec.Hold.Expires, nil
}

// declined is the code with which the shop's own system has refused a reservation; CodeOK of another.
func (o *OwnSales) declined(b *writer.Batch, id exchange.HoldID) (exchange.Code, error) {
	rec, err := o.holds.get(b, holdID{o.me, id})
	if err != nil || rec == nil || rec.Hold.State != hold.Refused {
		return exchange.CodeOK, err
	}
	return rec.Hold.Refusal, nil
}
