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

// What an owner does about a partnership: propose, accept, decline, withdraw, end. A
// supplier's act is entered at once; a retailer's is queued until the supplier is reached.

// Propose proposes terms for the partnership in which this shop has the given side. A
// retailer's proposal is queued until the supplier is reached.
func (p *Partnerships) Propose(ctx context.Context, partner exchange.ShopID, side exchange.Party, terms exchange.Terms) error {
	return p.propose(ctx, partner, []exchange.Party{side}, []exchange.Terms{terms})
}

// ProposeBoth proposes terms to sell to a partner and terms to buy from it, in one commit:
// both proposals are made, or none.
func (p *Partnerships) ProposeBoth(ctx context.Context, partner exchange.ShopID, sell, buy exchange.Terms) error {
	return p.propose(ctx, partner, []exchange.Party{exchange.Supplier, exchange.Retailer}, []exchange.Terms{sell, buy})
}

// MayTakeOn reports why this shop may make no new partnership now: its member list is old or
// frozen.
func (p *Partnerships) MayTakeOn() error { return p.members.MayTakeOn() }

// propose proposes terms[i] for the partnership in which this shop has sides[i].
func (p *Partnerships) propose(ctx context.Context, partner exchange.ShopID, sides []exchange.Party, terms []exchange.Terms) error {
	acts := make([]func(*writer.Batch) error, len(sides))
	for i, side := range sides {
		if err := terms[i].Check(); err != nil {
			return err
		}
		acts[i] = p.partnershipAct(partner, side, record.QueuedPropose, message.ProposeTerms{Terms: terms[i]})
	}
	if partner == p.me {
		return exchange.Errorf(exchange.CodeInvalid, "this is your own shop")
	}
	if !p.members.IsMember(partner) {
		return exchange.Errorf(exchange.CodeNotMember, "%v is not a member; see souk members", partner)
	}
	if err := p.MayTakeOn(); err != nil {
		return err
	}
	return p.act(ctx, acts...)
}

// AcceptTerms accepts the open proposal of a partner. hash names the proposal that the owner
// has read. If this shop is the retailer, the terms come into force with the supplier's entry.
func (p *Partnerships) AcceptTerms(ctx context.Context, partner exchange.ShopID, side exchange.Party, hash ledger.Hash) error {
	return p.act(ctx, p.partnershipAct(partner, side, record.QueuedAccept, message.AcceptTerms{Proposal: hash}))
}

// DeclineTerms closes a partner's proposal, or withdraws this shop's own.
func (p *Partnerships) DeclineTerms(ctx context.Context, partner exchange.ShopID, side exchange.Party, hash ledger.Hash) error {
	return p.act(ctx, p.partnershipAct(partner, side, record.QueuedDecline, message.DeclineTerms{Proposal: hash}))
}

// WithdrawTerms takes back this shop's own proposals that are not in force yet; CodeStale
// where there is none. Repeats change nothing.
//
// A withdrawal is a decline by the proposer, and names the entry of the proposal. A queued
// proposal of a retailer has no entry yet. It cannot be left out either: its number is
// taken, and the supplier may have it. So the number is noted (WithdrawnTo), and the decline
// is queued in the commit that brings the proposal's entry. Where the supplier refuses a
// later proposal, that commit queues the decline of the earlier one. An entry in between, an
// accept too, comes first; then the withdrawal is refused.
//
// A supplier whose end could not be entered when it was made enters the end instead, which
// closes the proposal.
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
			return nil // the withdrawal is queued already
		case rec.Queued == record.QueuedPropose:
			return p.takeBackQueued(b, id, rec)
		case !own && closed.Of == side && closed.By == side:
			return nil // the proposal is withdrawn already
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

// takeBackQueued takes back every proposal of this shop's, the newest of which is queued. The
// supplier may have an older proposal, which stays open if it refuses the newest.
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
	p.told(b, id, rec, false)
	return nil
}

// closeWithdrawn declines an open proposal that this shop has withdrawn. It waits while a
// request is queued that may close or replace the proposal. adopt calls it after each entry
// of a partnership act.
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
	if err != nil && exchange.CodeOf(err) != exchange.CodeInternal { // no fault of the supplier's: the entry stands
		p.log.Warn("a withdrawn proposal stays open; withdraw it again", "supplier", id.Supplier, "err", err)
		return nil
	}
	return err
}

// EndTrade ends a partnership. It binds this shop when it returns: there are no new holds
// and orders; submitted orders finish. An end is never refused. Where this shop can enter
// nothing (the ledger is frozen, or selling has stopped), the end stands in this shop's
// records alone; a supplier enters it before its next act on that partnership. Where the
// partnership has ended, or this shop's end is queued, EndTrade changes nothing.
func (p *Partnerships) EndTrade(ctx context.Context, partner exchange.ShopID, side exchange.Party, reason string) error {
	return p.act(ctx, p.partnershipAct(partner, side, record.QueuedEnd, message.EndTrade{Reason: exchange.Clip(reason, message.MaxReason)}))
}

// act runs acts of the owner's in one commit. Where they were done before under their key, act
// returns nil.
func (p *Partnerships) act(ctx context.Context, ops ...func(*writer.Batch) error) error {
	if err := p.writer.Acts(ctx, ops...); !errors.Is(err, writer.ErrDone) {
		return err
	}
	return nil
}

// partnershipAct does act in the partnership in which this shop has the given side.
func (p *Partnerships) partnershipAct(partner exchange.ShopID, side exchange.Party, kind string, act message.Act) func(*writer.Batch) error {
	id := p.ledgerWith(partner, side)
	return func(b *writer.Batch) error {
		if side == exchange.Supplier {
			return p.supplierAct(b, id, act)
		}
		return p.retailerAct(b, id, kind, act)
	}
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
	if again, err := p.isQueued(b, id, rec, kind, act); again || err != nil {
		return err
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
	p.told(b, id, rec, false)
	return nil
}

// isQueued reports whether act, an answer to a proposal, waits for the supplier already: a
// repeat queues nothing, since the supplier would refuse the second. It is CodeStale where the
// other answer to that proposal waits.
func (p *Partnerships) isQueued(b *writer.Batch, id ledger.ID, rec record.Partnership, kind string, act message.Act) (bool, error) {
	proposal, answers := answered(act)
	if !answers || rec.Queued != record.QueuedAccept && rec.Queued != record.QueuedDecline {
		return false, nil
	}
	waiting, err := record.Get[record.Outbox](b, p.codec, record.OutboxKey(id.Supplier, rec.QueuedNumber))
	if err != nil || waiting == nil {
		return false, err
	}
	req, err := message.Decode[message.Request](p.codec, waiting.Signed.Payload)
	if err != nil {
		return false, err
	}
	switch of, _ := answered(req.Act); {
	case of != proposal:
		return false, nil // the supplier has proposed again since
	case rec.Queued == kind:
		return true, nil
	case rec.Queued == record.QueuedAccept:
		return false, exchange.Errorf(exchange.CodeStale, "you have accepted this proposal, and the supplier is being told; end the partnership once it is in force")
	}
	return false, exchange.Errorf(exchange.CodeStale, "you have declined this proposal, and the supplier is being told; propose terms of your own")
}

// answered is the proposal that act accepts or declines, and whether it does either.
func answered(act message.Act) (ledger.Hash, bool) {
	switch act := act.(type) {
	case message.AcceptTerms:
		return act.Proposal, true
	case message.DeclineTerms:
		return act.Proposal, true
	}
	return ledger.Hash{}, false
}

// queuedMovesUp raises the record's request numbers that are at least from by one, as
// renumber does with the requests.
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

// supplierAct enters a supplier's partnership act. An end that could not be entered when it
// was made is entered first.
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

// markEnding ends a partnership in this shop's own records: there is no new hold or order, the
// retailer may not read the catalog, and the holds here are released.
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
	p.told(b, id, rec, true)
	return nil
}

// checkAct refuses at once what the supplier is sure to refuse. It also refuses to answer a
// proposal that a queued proposal of this shop's replaces.
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
