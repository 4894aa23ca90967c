package trade

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/partnership"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/writer"
)

// A ledger at either side: the supplier appends entries (perform, answer), the retailer
// adopts them (adopt), and both run step for the entry's act.

// entryAt is where and when an entry stands: what step needs to know besides the act.
type entryAt struct {
	ledger   ledger.ID
	by       exchange.Party
	at       exchange.Time
	position uint64
	hash     ledger.Hash
	number   uint64         // at the retailer: of its request that the entry answers
	secret   *record.ShipTo // at the supplier, of SubmitOrder: salt and address
}

// allowed reports whether a side may do an act. The cases list the acts of one side; either
// side may do the others.
func allowed(act message.Act, by exchange.Party) bool {
	switch act.(type) {
	case message.SubmitOrder:
		return by == exchange.Retailer
	case message.AcceptOrder, message.RejectOrder, message.ShipOrder, message.DeliverOrder, message.ExpireOrder:
		return by == exchange.Supplier
	}
	return true
}

// perform enters the supplier's own act. A refusal enters nothing.
func (l *Ledgers) perform(b *writer.Batch, id ledger.ID, act message.Act) error {
	if err := l.selling.mayAct(); err != nil {
		return err
	}
	rec, err := l.get(b, id)
	if err != nil {
		return err
	}
	if rec.Chain.Frozen {
		return errFrozen
	}
	at := entryAt{ledger: id, by: exchange.Supplier, at: b.Now(), position: rec.Chain.Position + 1}
	if err := l.step(b, at, act); err != nil {
		return err
	}
	return l.enter(b, at, message.Entry{Own: act, Terms: l.partnerships.termsVersion(b, id)}, 0)
}

// answer enters the retailer's request, also one that it refuses, and returns the outcome.
// A shop that has stopped selling answers nothing.
func (l *Ledgers) answer(b *writer.Batch, id ledger.ID, signed message.SignedRequest, req *message.Request, secret *record.ShipTo) (exchange.Code, error) {
	if err := l.selling.MaySell(); err != nil {
		return 0, err
	}
	rec, err := l.get(b, id)
	if err != nil {
		return 0, err
	}
	at := entryAt{ledger: id, by: exchange.Retailer, at: b.Now(), position: rec.Chain.Position + 1, secret: secret}
	entry := message.Entry{Request: &signed}
	// A refusal undoes what the act changed, and nothing else: the entry stands.
	if err := b.Attempt(func(b *writer.Batch) error { return l.step(b, at, req.Act) }); err != nil {
		if code := exchange.CodeOf(err); code == exchange.CodeInternal || code == exchange.CodeRestored {
			return 0, err
		}
		entry.Outcome, entry.Detail = exchange.CodeOf(err), exchange.Clip(err.Error(), message.MaxReason)
		l.requests.take(b, id.Retailer)
	}
	entry.Terms = l.partnerships.termsVersion(b, id)
	return entry.Outcome, l.enter(b, at, entry, req.Number)
}

// enter links the entry into the ledger's hash chain, seals it and plans its sending. The
// hash of a proposal's entry, known only here, becomes the proposal's name.
func (l *Ledgers) enter(b *writer.Batch, at entryAt, e message.Entry, number uint64) error {
	rec, err := l.get(b, at.ledger) // again: the step may have changed its counts
	if err != nil {
		return err
	}
	e.Link = rec.Chain.Next(at.at, number)
	payload, err := l.codec.Encode(&e)
	if err != nil {
		return err
	}
	hash := message.Digest(payload)
	if rec.Chain, err = rec.Chain.Append(e.Link, hash); err != nil {
		return err
	}
	l.set(b, at.ledger, rec)
	if number != 0 {
		b.Put(record.NumberKey(at.ledger, number), kv.Uint64(e.Position))
		l.entered.Set(b, requestID{at.ledger, number}, message.Digest(e.Request.Payload))
	}
	if e.Outcome == exchange.CodeOK {
		if err := l.partnerships.nameProposal(b, at, e, hash); err != nil {
			return err
		}
	}
	b.Seal(payload, record.EntryKey(at.ledger, e.Position))
	b.Then(entryAppended{at.ledger, l.answering})
	return nil
}

// nameProposal gives the open proposal the hash of its entry, if it has none yet.
func (p *Partnerships) nameProposal(b *writer.Batch, at entryAt, e message.Entry, hash ledger.Hash) error {
	rec, err := p.get(b, at.ledger)
	if err != nil {
		return err
	}
	if rec.State.Open.By == 0 || rec.State.Open.Hash != (ledger.Hash{}) {
		return nil
	}
	rec.State.Open.Hash = hash
	p.rows.Set(b, at.ledger, rec)
	return nil
}

// step carries out an act, at either side. It fails with the refusal that the entry states;
// the caller then undoes whatever step has changed.
func (l *Ledgers) step(b *writer.Batch, at entryAt, act message.Act) error {
	if !allowed(act, at.by) {
		return exchange.Errorf(exchange.CodeInvalid, "the %v cannot do this", at.by)
	}
	switch act := act.(type) {
	case message.ProposeTerms:
		return l.partnerships.stepPartnership(b, at, partnership.Propose{By: at.by, Terms: act.Terms, Hash: at.hash})
	case message.AcceptTerms:
		return l.partnerships.stepPartnership(b, at, partnership.Accept{By: at.by, Hash: act.Proposal})
	case message.DeclineTerms:
		return l.partnerships.stepPartnership(b, at, partnership.Decline{By: at.by, Hash: act.Proposal})
	case message.EndTrade:
		return l.partnerships.stepPartnership(b, at, partnership.End{By: at.by, Reason: act.Reason})
	case message.SubmitOrder:
		return l.orders.stepSubmit(b, at, act)
	case message.CancelOrder:
		return l.orders.stepOrder(b, at, act.Order, order.Cancel{By: at.by, Lines: act.Lines}, func(r *record.Order) { r.Reason = act.Reason })
	case message.AcceptOrder:
		if at.ledger.Supplier == l.me {
			if err := l.supplier.bridged.mayAccept(b, act.Order); err != nil {
				return err
			}
		}
		return l.orders.stepOrder(b, at, act.Order, order.Accept{}, nil)
	case message.RejectOrder:
		return l.orders.stepOrder(b, at, act.Order, order.Reject{}, func(r *record.Order) { r.Reason = act.Reason })
	case message.ShipOrder:
		return l.orders.stepShip(b, at, act)
	case message.DeliverOrder:
		return l.orders.stepOrder(b, at, act.Order, order.Deliver{Lines: act.Lines}, nil)
	case message.ExpireOrder:
		return l.orders.stepOrder(b, at, act.Order, order.Expire{}, func(r *record.Order) { r.Reason = "" })
	}
	return exchange.Errorf(exchange.CodeInvalid, "this version does not know the act %T; upgrade", act)
}

// stepPartnership runs the partnership's machine for an entry, and what follows from it.
func (p *Partnerships) stepPartnership(b *writer.Batch, at entryAt, e partnership.Event) error {
	if at.ledger.Supplier == p.me {
		if err := p.mayPartner(b, at, e); err != nil {
			return err
		}
	}
	rec, err := p.get(b, at.ledger)
	if err != nil {
		return err
	}
	var fx partnership.Effects
	if rec.State, fx, err = partnership.Step(rec.State, e, at.at); err != nil {
		return err
	}
	if at.number != 0 {
		rec.Entered(at.number, e)
	} else if _, end := e.(partnership.End); end && at.ledger.Supplier == p.me {
		rec.ForgetEnd()
	}
	if rec.Withdrawn != rec.State.Open.Hash { // it was answered, closed or replaced
		rec.Withdrawn = ledger.Hash{}
	}
	p.rows.Set(b, at.ledger, rec)
	if fx.Ended && at.ledger.Supplier == p.me {
		p.supplier.endTerms(b, at.ledger, rec.State.Version)
		if err := p.feed.RotateKey(b); err != nil {
			return err
		}
	}
	p.told(b, at.ledger, rec, fx.Ended)
	return nil
}

// mayPartner refuses a partnership request for reasons that only the supplier knows.
func (p *Partnerships) mayPartner(b *writer.Batch, at entryAt, e partnership.Event) error {
	switch e := e.(type) {
	case partnership.Propose:
		if e.Terms.Currency != p.currency {
			return exchange.Errorf(exchange.CodeCurrency, "the supplier sells in %s; propose terms in that currency, not %s", p.currency, e.Terms.Currency)
		}
		if err := p.members.MayTakeOn(); err != nil {
			return err
		}
		if at.by == exchange.Retailer && !p.proposals.take(b, at.ledger.Retailer) {
			return exchange.Errorf(exchange.CodeLimit, "the supplier answers %d proposals a day; propose again tomorrow", proposalsADay)
		}
		return nil
	case partnership.Accept:
		return p.members.MayTakeOn()
	}
	return nil
}

// stepOrder runs the order's machine for an entry, and what follows from it. also, if any,
// changes the record further.
func (o *Orders) stepOrder(b *writer.Batch, at entryAt, id exchange.OrderID, e order.Event, also func(*record.Order)) error {
	partner, side := at.ledger.Partner(o.me)
	k := orderID{side, id, partner}
	rec, err := o.get(b, k)
	if err != nil {
		return err
	}
	if rec == nil {
		return exchange.Errorf(exchange.CodeNotFound, "there is no order %v", id)
	}
	before := rec.Order
	next, fx, err := order.Step(before, e, at.at)
	if err != nil {
		return err
	}
	off := rec.Due()
	rec.Order, rec.Last = next, at.position
	if off -= rec.Due(); next.Accepted == 0 {
		off = 0 // nothing was due yet
	}
	if len(fx.Freed) > 0 {
		rec.Cancelled, rec.CancelledBy = at.at, at.by
	}
	if also != nil {
		also(rec)
	}
	if at.by == exchange.Retailer {
		rec.CancelAt, rec.Refusal, rec.Detail = 0, exchange.CodeOK, ""
	}
	if side == exchange.Supplier {
		if err := o.supplier.orderEffects(b, at, rec, before, next, fx); err != nil {
			return err
		}
	}
	return o.set(b, k, rec, off)
}

// orderEffects changes the supplier's stock, open quantity and expiry index as the order
// changed.
func (s *Supplier) orderEffects(b *writer.Batch, at entryAt, rec *record.Order, before, next order.Order, fx order.Effects) error {
	deltas := orderDeltas(rec, fx, hold.MoveShip)
	var closed int64
	for _, d := range deltas {
		closed += d.Units
	}
	if _, err := s.shelf.Move(b, deltas, shelf.Of{Partner: rec.Retailer, Order: rec.ID, Ordered: before.Submitted}); err != nil {
		return exchange.Errorf(exchange.CodeInternal, "the order and its stock disagree: %w", err)
	}
	if err := s.bridged.freed(b, rec.ID, next, fx.Freed, rec.Reason); err != nil {
		return err
	}
	if closed > 0 {
		ledgerRec, err := s.ledgers.get(b, at.ledger)
		if err != nil {
			return err
		}
		ledgerRec.OpenUnshipped -= closed
		s.ledgers.set(b, at.ledger, ledgerRec)
	}
	if before.Status() == order.Submitted && next.Status() != order.Submitted {
		b.Delete(record.OrderExpiryKey(before.AcceptBy, at.ledger.Retailer, rec.ID))
	}
	return nil
}

// orderDeltas is what a step of an order or own sale does to the stock; ship is how units leave.
func orderDeltas(rec *record.Order, fx order.Effects, ship hold.Move) []hold.Delta {
	var deltas []hold.Delta
	move := func(units []order.Units, m hold.Move) {
		for _, u := range units {
			deltas = append(deltas, hold.Delta{SKU: u.SKU, Stock: rec.StockOf(u.SKU), Move: m, Units: u.Units})
		}
	}
	move(fx.Shipped, ship)
	move(fx.Freed, hold.MoveCancel)
	return deltas
}

// stepShip is stepOrder for a shipment, which adds a parcel to the record.
func (o *Orders) stepShip(b *writer.Batch, at entryAt, act message.ShipOrder) error {
	partner, side := at.ledger.Partner(o.me)
	if rec, err := o.get(b, orderID{side, act.Order, partner}); err != nil {
		return err
	} else if rec != nil && len(rec.Parcels) >= record.MaxParcels {
		return exchange.Errorf(exchange.CodeLimit, "the order has %d parcels, the most there can be; ship the rest in one by cancelling and ordering again", record.MaxParcels)
	}
	return o.stepOrder(b, at, act.Order, order.Ship{Lines: act.Lines}, func(r *record.Order) {
		lines := act.Lines
		if len(lines) == 0 { // everything that was open: what is shipped now less the earlier parcels
			for _, l := range r.Order.Lines {
				units := l.Shipped
				for _, p := range r.Parcels {
					for _, u := range p.Lines {
						if u.SKU == l.SKU {
							units -= u.Units
						}
					}
				}
				if units > 0 {
					lines = append(lines, order.Units{SKU: l.SKU, Units: units})
				}
			}
		}
		r.Parcels = append(r.Parcels, record.Parcel{At: at.at, Lines: lines, Carrier: act.Carrier, Tracking: act.Tracking})
	})
}

var errFrozen = exchange.Errorf(exchange.CodeFrozen, "the ledger with this shop is frozen: it sent two different histories; see souk doctor")
