package desk

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/partnership"
	"github.com/souk-market/souk/exchange/record"
)

// What an owner does about a partnership: propose, accept, decline, withdraw, end. As
// supplier it is entered at once; as retailer it is queued until the supplier is reached.

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
	return d.partnershipAct(ctx, partner, side, record.QueuedPropose, message.ProposeTerms{Terms: terms})
}

// AcceptTerms accepts the open proposal of a partner; hash names the one the
// owner has seen. As retailer the terms come into force with the supplier's entry.
func (d *Desk) AcceptTerms(ctx context.Context, partner exchange.ShopID, side exchange.Party, hash ledger.Hash) error {
	return d.partnershipAct(ctx, partner, side, record.QueuedAccept, message.AcceptTerms{Proposal: hash})
}

// DeclineTerms closes a partner's proposal, or withdraws one's own.
func (d *Desk) DeclineTerms(ctx context.Context, partner exchange.ShopID, side exchange.Party, hash ledger.Hash) error {
	return d.partnershipAct(ctx, partner, side, record.QueuedDecline, message.DeclineTerms{Proposal: hash})
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
func (d *Desk) WithdrawTerms(ctx context.Context, partner exchange.ShopID, side exchange.Party) error {
	c := d.chainWith(partner, side)
	return d.do(ctx, func(b *batch) error {
		p, err := b.partnership(c)
		if err != nil {
			return err
		}
		own, closed := p.State.Open.By == side, p.State.Declined
		decline := message.DeclineTerms{Proposal: p.State.Open.Hash}
		switch {
		case p.Queued == record.QueuedWithdraw, own && (p.Queued == record.QueuedDecline || p.Queued == record.QueuedEnd):
			return nil // it is on its way
		case p.Queued == record.QueuedPropose:
			return d.takeBackQueued(b, c, p)
		case !own && closed.Of == side && closed.By == side:
			return nil // it is done
		case !own:
			return exchange.Errorf(exchange.CodeStale, "this shop has no proposal that could be taken back; it was answered, withdrawn or replaced")
		case side == exchange.Supplier && p.Ending:
			return d.perform(b, c, message.EndTrade{Reason: p.EndingReason})
		case side == exchange.Supplier:
			return d.supplierAct(b, c, decline)
		}
		return d.retailerAct(b, c, record.QueuedDecline, decline)
	})
}

// takeBackQueued takes back every proposal of this shop's, the newest of which is queued. An
// older one may be with the supplier, and is what is open there if that refuses the newest.
func (d *Desk) takeBackQueued(b *batch, c ledger.ID, p record.Partnership) error {
	chain, err := b.chain(c)
	if err != nil {
		return err
	}
	p.Queued, p.WithdrawnTo = record.QueuedWithdraw, chain.Queued
	if p.State.Open.By == exchange.Retailer {
		p.Withdrawn = p.State.Open.Hash
	}
	b.then(func() { d.partnershipChanged(c, p, partnership.Effects{}) })
	return b.save(record.PartnershipKey(c), &p)
}

// closeWithdrawn declines an open proposal that is taken back, as soon as no request is
// queued that closes or replaces it unless it is refused. It follows each entry of a
// partnership request.
func (d *Desk) closeWithdrawn(b *batch, c ledger.ID) error {
	p, err := b.partnership(c)
	if err != nil || p.Queued != "" || p.Withdrawn == (ledger.Hash{}) || p.Withdrawn != p.State.Open.Hash {
		return err
	}
	err = b.attempt(func(b *batch) error {
		if err := d.retailerAct(b, c, record.QueuedDecline, message.DeclineTerms{Proposal: p.Withdrawn}); err != nil {
			return err
		}
		queued, err := b.partnership(c)
		if err != nil {
			return err
		}
		queued.Refusal, queued.Detail = p.Refusal, p.Detail // of what was proposed after it
		return b.save(record.PartnershipKey(c), &queued)
	})
	if err != nil && exchange.CodeOf(err) != exchange.CodeInternal { // nothing that its supplier did: the entry stands
		d.log.Warn("a withdrawn proposal stays open; withdraw it again", "supplier", c.Supplier, "err", err)
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
	return d.partnershipAct(ctx, partner, side, record.QueuedEnd, message.EndTrade{Reason: exchange.Clip(reason, message.MaxReason)})
}

func (d *Desk) partnershipAct(ctx context.Context, partner exchange.ShopID, side exchange.Party, kind string, act message.Act) error {
	c := d.chainWith(partner, side)
	return d.do(ctx, func(b *batch) error {
		if side == exchange.Supplier {
			return d.supplierAct(b, c, act)
		}
		return d.retailerAct(b, c, kind, act)
	})
}

// retailerAct queues a retailer's partnership act.
func (d *Desk) retailerAct(b *batch, c ledger.ID, kind string, act message.Act) error {
	p, err := b.partnership(c)
	if err != nil {
		return err
	}
	if end, ok := act.(message.EndTrade); ok {
		chain, err := b.chain(c)
		if err != nil || p.NothingToEnd() {
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
	if kind == record.QueuedEnd {
		p.EndNumber = chain.Queued
	}
	b.then(func() { d.partnershipChanged(c, p, partnership.Effects{}) })
	return b.save(record.PartnershipKey(c), &p)
}

// queuedMovesUp follows requests that get the next number, those from from on.
func (b *batch) queuedMovesUp(c ledger.ID, from uint64) error {
	p, err := b.partnership(c)
	if err != nil || max(p.QueuedNumber, p.EndNumber, p.WithdrawnTo) < from {
		return err
	}
	for _, n := range []*uint64{&p.QueuedNumber, &p.EndNumber, &p.WithdrawnTo} {
		if *n >= from {
			*n++
		}
	}
	return b.save(record.PartnershipKey(c), &p)
}

// supplierAct enters a supplier's partnership act, after an end that could not be
// entered when it was made.
func (d *Desk) supplierAct(b *batch, c ledger.ID, act message.Act) error {
	p, err := b.partnership(c)
	if err != nil {
		return err
	}
	end, ends := act.(message.EndTrade)
	if ends && p.NothingToEnd() {
		return nil
	}
	if p.Ending && !ends {
		if err := d.perform(b, c, message.EndTrade{Reason: p.EndingReason}); err != nil {
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
func (d *Desk) markEnding(b *batch, c ledger.ID, p record.Partnership, reason string) error {
	if p.Ending {
		return nil
	}
	p.Ending, p.EndingAt, p.EndingReason = true, b.now, reason
	if err := b.save(record.PartnershipKey(c), &p); err != nil {
		return err
	}
	if c.Supplier == d.me {
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
