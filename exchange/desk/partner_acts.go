package desk

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/partnership"
)

// What an owner does about a partnership: propose, accept, decline, withdraw, end. As
// supplier it is entered at once; as retailer it is queued until the supplier is reached.

// Kinds of a retailer's request, as PartnershipRecord.Queued names them.
const (
	queuedPropose  = "propose"
	queuedAccept   = "accept"
	queuedDecline  = "decline"
	queuedWithdraw = "withdraw"
	queuedEnd      = "end"
)

// Propose offers a partner terms for the direction in which this shop has the
// given side. As retailer the proposal is queued until the supplier is reached.
func (d *Desk) Propose(ctx context.Context, partner exchange.ShopID, side exchange.Party, terms exchange.Terms) error {
	if err := terms.Check(); err != nil {
		return err
	}
	if partner == d.me {
		return exchange.Errorf(exchange.CodeInvalid, "this is your own shop")
	}
	if !d.members.IsMember(partner) {
		return exchange.Errorf(exchange.CodeNotMember, "%v is not a member; see souk members", partner)
	}
	if err := d.members.MayTakeOn(); err != nil {
		return err
	}
	return d.partnershipAct(ctx, partner, side, queuedPropose, ProposeTerms{Terms: terms})
}

// AcceptTerms accepts the open proposal of a partner; hash names the one the
// owner has seen. As retailer the terms come into force with the supplier's entry.
func (d *Desk) AcceptTerms(ctx context.Context, partner exchange.ShopID, side exchange.Party, hash ledger.Hash) error {
	return d.partnershipAct(ctx, partner, side, queuedAccept, AcceptTerms{Proposal: hash})
}

// DeclineTerms closes a partner's proposal, or withdraws one's own.
func (d *Desk) DeclineTerms(ctx context.Context, partner exchange.ShopID, side exchange.Party, hash ledger.Hash) error {
	return d.partnershipAct(ctx, partner, side, queuedDecline, DeclineTerms{Proposal: hash})
}

// WithdrawTerms takes back this shop's own proposal, which must not be in force yet:
// CodeStale where there is none. It is a decline by the proposer. A decline names the
// entry that carries the proposal, and a retailer's that is still queued has none: it is
// marked here, and declined in the commit that brings its entry. Its number is taken, and
// it may be with the supplier though no answer has come, so it cannot be left out. What the
// supplier enters in between, an accept too, comes first, and then the withdrawal is
// refused. Repeats change nothing.
func (d *Desk) WithdrawTerms(ctx context.Context, partner exchange.ShopID, side exchange.Party) error {
	c := d.chainWith(partner, side)
	return d.do(ctx, func(b *batch) error {
		p, err := b.partnership(c)
		if err != nil {
			return err
		}
		own := p.State.Open.By == side
		decline := DeclineTerms{Proposal: p.State.Open.Hash}
		switch {
		case p.Queued == queuedWithdraw, own && (p.Queued == queuedDecline || p.Queued == queuedEnd):
			return nil // it is on its way
		case p.Queued == queuedPropose:
			p.Queued = queuedWithdraw
			b.then(func() { d.partnershipChanged(c, p, partnership.Effects{}) })
			return b.save(partnershipKey(c), &p)
		case !own:
			return exchange.Errorf(exchange.CodeStale, "this shop has no proposal that could be taken back; it was answered, withdrawn or replaced")
		case side == exchange.Supplier:
			return d.supplierAct(b, c, decline)
		}
		return d.retailerAct(b, c, queuedDecline, decline)
	})
}

// isWithdrawn reports whether an entry, which is not adopted yet, carries a proposal of
// this shop's that its owner has taken back.
func (b *batch) isWithdrawn(c chainID, act Act, e *Entry) (bool, error) {
	if _, ok := act.(ProposeTerms); !ok || e.Request == nil || e.Outcome != exchange.CodeOK {
		return false, nil
	}
	p, err := b.partnership(c)
	return p.Queued == queuedWithdraw && e.Number >= p.QueuedNumber, err
}

// closeWithdrawn declines a withdrawn proposal whose entry has come.
func (d *Desk) closeWithdrawn(b *batch, c chainID, proposal ledger.Hash) error {
	err := b.attempt(func(b *batch) error { return d.retailerAct(b, c, queuedDecline, DeclineTerms{Proposal: proposal}) })
	if err != nil && exchange.CodeOf(err) != exchange.CodeInternal { // nothing that its supplier did: the entry stands
		d.log.Warn("a withdrawn proposal stays open; withdraw it again", "supplier", c.supplier, "err", err)
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
func (d *Desk) EndTrade(ctx context.Context, partner exchange.ShopID, side exchange.Party, reason string) error {
	return d.partnershipAct(ctx, partner, side, queuedEnd, EndTrade{Reason: clip(reason, MaxReason)})
}

func (d *Desk) partnershipAct(ctx context.Context, partner exchange.ShopID, side exchange.Party, kind string, act Act) error {
	c := d.chainWith(partner, side)
	return d.do(ctx, func(b *batch) error {
		if side == exchange.Supplier {
			return d.supplierAct(b, c, act)
		}
		return d.retailerAct(b, c, kind, act)
	})
}

// retailerAct queues a retailer's partnership act.
func (d *Desk) retailerAct(b *batch, c chainID, kind string, act Act) error {
	p, err := b.partnership(c)
	if err != nil {
		return err
	}
	if end, ok := act.(EndTrade); ok {
		chain, err := b.chain(c)
		if err != nil || p.over() {
			return err
		}
		if chain.Chain.Frozen {
			return d.markEnding(b, c, p, end.Reason)
		}
		if !p.Ending {
			p.Ending, p.EndingAt, p.EndingReason = true, b.now, end.Reason
		}
	}
	if err := checkAct(p, act); err != nil {
		return err
	}
	if err := d.queue(b, c, act, [16]byte{}, nil); err != nil {
		return err
	}
	chain, err := b.chain(c)
	if err != nil {
		return err
	}
	p.Queued, p.QueuedNumber, p.Refusal, p.Detail = kind, chain.Queued, exchange.CodeOK, ""
	b.then(func() { d.partnershipChanged(c, p, partnership.Effects{}) })
	return b.save(partnershipKey(c), &p)
}

// over reports whether an end would find nothing to end: no terms in force, no proposal,
// and no request of this shop's on its way that may lead to either.
func (p *PartnershipRecord) over() bool {
	return p.Queued == queuedEnd || p.Queued == "" && !p.State.Active && p.State.Open.By == 0
}

// answered notes that a partnership request of this shop's, by its number, has its entry.
func (p *PartnershipRecord) answered(number uint64) {
	if number >= p.QueuedNumber {
		p.Queued, p.QueuedNumber = "", 0
	}
}

// queuedMovesUp follows requests that get the next number, those from from on.
func (b *batch) queuedMovesUp(c chainID, from uint64) error {
	p, err := b.partnership(c)
	if err != nil || p.QueuedNumber < from {
		return err
	}
	p.QueuedNumber++
	return b.save(partnershipKey(c), &p)
}

// supplierAct enters a supplier's partnership act, after an end that could not be
// entered when it was made.
func (d *Desk) supplierAct(b *batch, c chainID, act Act) error {
	p, err := b.partnership(c)
	if err != nil {
		return err
	}
	end, ends := act.(EndTrade)
	if ends && p.over() {
		return nil
	}
	if p.Ending && !ends {
		if err := d.perform(b, c, EndTrade{Reason: p.EndingReason}); err != nil {
			return err
		}
	}
	err = b.attempt(func(b *batch) error { return d.perform(b, c, act) })
	if code := exchange.CodeOf(err); ends && (code == exchange.CodeRestored || code == exchange.CodeFrozen) {
		return d.markEnding(b, c, p, end.Reason)
	}
	return err
}

// markEnding ends a partnership in this shop's own records: no hold, no order, no
// catalog; and what is held here is released.
func (d *Desk) markEnding(b *batch, c chainID, p PartnershipRecord, reason string) error {
	if p.Ending {
		return nil
	}
	p.Ending, p.EndingAt, p.EndingReason = true, b.now, reason
	if err := b.save(partnershipKey(c), &p); err != nil {
		return err
	}
	if c.supplier == d.me {
		b.endTerms(c, p.State.Version)
		if err := d.rotateFeedKey(b); err != nil {
			return err
		}
	}
	b.then(func() { d.partnershipChanged(c, p, partnership.Effects{Ended: true}) })
	return nil
}

// checkAct refuses at once what the supplier is sure to refuse, or what a proposal of this
// shop's that is on its way to the supplier will have replaced by then.
func checkAct(p PartnershipRecord, act Act) error {
	var e partnership.Event
	switch act := act.(type) {
	case AcceptTerms:
		e = partnership.Accept{By: exchange.Retailer, Hash: act.Proposal}
	case DeclineTerms:
		e = partnership.Decline{By: exchange.Retailer, Hash: act.Proposal}
	default:
		return nil
	}
	if p.Queued == queuedPropose || p.Queued == queuedWithdraw {
		return exchange.Errorf(exchange.CodeStale, "a proposal of your own is on its way to the supplier and replaces this one; wait for the supplier to propose again")
	}
	_, _, err := partnership.Step(p.State, e, 0)
	return err
}
