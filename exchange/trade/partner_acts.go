package trade

import (
	"context"
	"errors"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/partnership"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// What an owner does about a partnership: propose, accept, decline, withdraw, end. As
// supplier it is entered at once; as retailer it is queued until the supplier is reached.

// Propose offers a partner terms for the direction in which this shop has the
// given side. As retailer the proposal is queued until the supplier is reached.
func (p *Partnerships) Propose(ctx context.Context, partner exchange.ShopID, side exchange.Party, terms exchange.Terms) error {
	if err := terms.Check(); err != nil {
		return err
	}
	if partner == p.me {
		return exchange.Errorf(exchange.CodeInvalid, "this is your own shop")
	}
	if !p.members.IsMember(partner) {
		return exchange.Errorf(exchange.CodeNotMember, "%v is not a member; see souk members", partner)
	}
	if err := p.members.MayTakeOn(); err != nil {
		return err
	}
	return p.partnershipAct(ctx, partner, side, record.QueuedPropose, message.ProposeTerms{Terms: terms})
}

// AcceptTerms accepts the open proposal of a partner; hash names the one the
// owner has seen. As retailer the terms come into force with the supplier's entry.
func (p *Partnerships) AcceptTerms(ctx context.Context, partner exchange.ShopID, side exchange.Party, hash ledger.Hash) error {
	return p.partnershipAct(ctx, partner, side, record.QueuedAccept, message.AcceptTerms{Proposal: hash})
}

// DeclineTerms closes a partner's proposal, or withdraws one's own.
func (p *Partnerships) DeclineTerms(ctx context.Context, partner exchange.ShopID, side exchange.Party, hash ledger.Hash) error {
	return p.partnershipAct(ctx, partner, side, record.QueuedDecline, message.DeclineTerms{Proposal: hash})
}

// WithdrawTerms takes back this shop's own proposals, which must not be in force yet:
// CodeStale where there is none. It is a decline by the proposer. A decline names the entry
// that carries the proposal, and a retailer's that is still queued has none: its number is
// noted here, and it is declined in the commit that brings its entry, or that of what was
// proposed after it, where the supplier refuses that. Its number is taken, and it may be
// with the supplier though no answer has come, so it cannot be left out. What the supplier
// enters in between, an accept too, comes first, and then the withdrawal is refused.
// Repeats change nothing. As supplier whose end could not be entered when it was made, the
// end is entered, which closes the proposal.
func (p *Partnerships) WithdrawTerms(ctx context.Context, partner exchange.ShopID, side exchange.Party) error {
	id := p.ledgerWith(partner, side)
	return p.act(ctx, func(b *writer.Batch) error {
		rec, err := p.get(b, id)
		if err != nil {
			return err
		}
		own, closed := rec.State.Open.By == side, rec.State.Declined
		decline := message.DeclineTerms{Proposal: rec.State.Open.Hash}
		switch {
		case rec.Queued == record.QueuedWithdraw, own && (rec.Queued == record.QueuedDecline || rec.Queued == record.QueuedEnd):
			return nil // it is on its way
		case rec.Queued == record.QueuedPropose:
			return p.takeBackQueued(b, id, rec)
		case !own && closed.Of == side && closed.By == side:
			return nil // it is done
		case !own:
			return exchange.Errorf(exchange.CodeStale, "this shop has no proposal that could be taken back; it was answered, withdrawn or replaced")
		case side == exchange.Supplier && rec.Ending:
			return p.ledgers.perform(b, id, message.EndTrade{Reason: rec.EndingReason})
		case side == exchange.Supplier:
			return p.supplierAct(b, id, decline)
		}
		return p.retailerAct(b, id, record.QueuedDecline, decline)
	})
}

// takeBackQueued takes back every proposal of this shop's, the newest of which is queued. An
// older one may be with the supplier, and is what is open there if that refuses the newest.
func (p *Partnerships) takeBackQueued(b *writer.Batch, id ledger.ID, rec record.Partnership) error {
	ledgerRec, err := p.ledgers.get(b, id)
	if err != nil {
		return err
	}
	rec.Queued, rec.WithdrawnTo = record.QueuedWithdraw, ledgerRec.Queued
	if rec.State.Open.By == exchange.Retailer {
		rec.Withdrawn = rec.State.Open.Hash
	}
	p.rows.Set(b, id, rec)
	b.Then(partnershipChanged{ledger: id, record: rec})
	return nil
}

// closeWithdrawn declines an open proposal that is taken back, as soon as no request is
// queued that closes or replaces it unless it is refused. It follows each entry of a
// partnership request.
func (p *Partnerships) closeWithdrawn(b *writer.Batch, id ledger.ID) error {
	rec, err := p.get(b, id)
	if err != nil || rec.Queued != "" || rec.Withdrawn == (ledger.Hash{}) || rec.Withdrawn != rec.State.Open.Hash {
		return err
	}
	err = b.Attempt(func(b *writer.Batch) error {
		if err := p.retailerAct(b, id, record.QueuedDecline, message.DeclineTerms{Proposal: rec.Withdrawn}); err != nil {
			return err
		}
		queued, err := p.get(b, id)
		if err != nil {
			return err
		}
		queued.Refusal, queued.Detail = rec.Refusal, rec.Detail // of what was proposed after it
		p.rows.Set(b, id, queued)
		return nil
	})
	if err != nil && exchange.CodeOf(err) != exchange.CodeInternal { // nothing that its supplier did: the entry stands
		p.log.Warn("a withdrawn proposal stays open; withdraw it again", "supplier", id.Supplier, "err", err)
		return nil
	}
	return err
}

// EndTrade ends a direction of trade. It binds this shop when it returns: no new
// hold or order; submitted orders finish. It is never refused: on a ledger into which
// this shop can enter nothing (frozen as evidence, or its own selling has stopped) the
// end stands in this shop's records alone, and a supplier enters it before its next
// act on that partnership. Where there is nothing to end, because it has ended or this
// shop's end is on its way, nothing is done, and the end that was stays as it is.
func (p *Partnerships) EndTrade(ctx context.Context, partner exchange.ShopID, side exchange.Party, reason string) error {
	return p.partnershipAct(ctx, partner, side, record.QueuedEnd, message.EndTrade{Reason: exchange.Clip(reason, message.MaxReason)})
}

// act runs an act of the owner's. One that was done before under its key is done.
func (p *Partnerships) act(ctx context.Context, op func(*writer.Batch) error) error {
	if err := p.writer.Act(ctx, op); !errors.Is(err, writer.ErrDone) {
		return err
	}
	return nil
}

func (p *Partnerships) partnershipAct(ctx context.Context, partner exchange.ShopID, side exchange.Party, kind string, act message.Act) error {
	id := p.ledgerWith(partner, side)
	return p.act(ctx, func(b *writer.Batch) error {
		if side == exchange.Supplier {
			return p.supplierAct(b, id, act)
		}
		return p.retailerAct(b, id, kind, act)
	})
}

// retailerAct queues a retailer's partnership act.
func (p *Partnerships) retailerAct(b *writer.Batch, id ledger.ID, kind string, act message.Act) error {
	rec, err := p.get(b, id)
	if err != nil {
		return err
	}
	if end, ok := act.(message.EndTrade); ok {
		ledgerRec, err := p.ledgers.get(b, id)
		if err != nil || rec.NothingToEnd() {
			return err
		}
		if ledgerRec.Chain.Frozen {
			return p.markEnding(b, id, rec, end.Reason)
		}
		if !rec.Ending {
			rec.Ending, rec.EndingAt, rec.EndingReason = true, b.Now(), end.Reason
		}
	}
	if err := checkAct(rec, act); err != nil {
		return err
	}
	if err := p.ledgers.queue(b, id, act, [16]byte{}, nil); err != nil {
		return err
	}
	ledgerRec, err := p.ledgers.get(b, id)
	if err != nil {
		return err
	}
	rec.Queued, rec.QueuedNumber, rec.Refusal, rec.Detail = kind, ledgerRec.Queued, exchange.CodeOK, ""
	if kind == record.QueuedEnd {
		rec.EndNumber = ledgerRec.Queued
	}
	p.rows.Set(b, id, rec)
	b.Then(partnershipChanged{ledger: id, record: rec})
	return nil
}

// queuedMovesUp follows requests that get the next number, those from from on.
func (p *Partnerships) queuedMovesUp(b *writer.Batch, id ledger.ID, from uint64) error {
	rec, err := p.get(b, id)
	if err != nil || max(rec.QueuedNumber, rec.EndNumber, rec.WithdrawnTo) < from {
		return err
	}
	for _, n := range []*uint64{&rec.QueuedNumber, &rec.EndNumber, &rec.WithdrawnTo} {
		if *n >= from {
			*n++
		}
	}
	p.rows.Set(b, id, rec)
	return nil
}

// supplierAct enters a supplier's partnership act, after an end that could not be
// entered when it was made.
func (p *Partnerships) supplierAct(b *writer.Batch, id ledger.ID, act message.Act) error {
	rec, err := p.get(b, id)
	if err != nil {
		return err
	}
	end, ends := act.(message.EndTrade)
	if ends && rec.NothingToEnd() {
		return nil
	}
	if rec.Ending && !ends {
		if err := p.ledgers.perform(b, id, message.EndTrade{Reason: rec.EndingReason}); err != nil {
			return err
		}
	}
	err = b.Attempt(func(b *writer.Batch) error { return p.ledgers.perform(b, id, act) })
	if code := exchange.CodeOf(err); ends && (code == exchange.CodeRestored || code == exchange.CodeFrozen) {
		return p.markEnding(b, id, rec, end.Reason)
	}
	return err
}

// markEnding ends a partnership in this shop's own records: no hold, no order, no
// catalog; and what is held here is released.
func (p *Partnerships) markEnding(b *writer.Batch, id ledger.ID, rec record.Partnership, reason string) error {
	if rec.Ending {
		return nil
	}
	rec.Ending, rec.EndingAt, rec.EndingReason = true, b.Now(), reason
	p.rows.Set(b, id, rec)
	if id.Supplier == p.me {
		p.supplier.endTerms(b, id, rec.State.Version)
		if err := p.feed.RotateKey(b); err != nil {
			return err
		}
	}
	b.Then(partnershipChanged{id, rec, partnership.Effects{Ended: true}})
	return nil
}

// checkAct refuses at once what the supplier is sure to refuse, or what a proposal of this
// shop's that is on its way to the supplier will have replaced by then.
func checkAct(p record.Partnership, act message.Act) error {
	var e partnership.Event
	switch act := act.(type) {
	case message.AcceptTerms:
		e = partnership.Accept{By: exchange.Retailer, Hash: act.Proposal}
	case message.DeclineTerms:
		e = partnership.Decline{By: exchange.Retailer, Hash: act.Proposal}
	default:
		return nil
	}
	if p.Queued == record.QueuedPropose || p.Queued == record.QueuedWithdraw {
		return exchange.Errorf(exchange.CodeStale, "a proposal of your own is on its way to the supplier and replaces this one; wait for the supplier to propose again")
	}
	_, _, err := partnership.Step(p.State, e, 0)
	return err
}
