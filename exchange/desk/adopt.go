package desk

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/partnership"
	"github.com/souk-market/souk/exchange/record"
)

// The retailer's half of a ledger: entries come from the supplier, are checked
// by running the same machines, and are countersigned.

// incoming is a sealed entry that opened.
type incoming struct {
	sealed []byte
	hash   ledger.Hash
	entry  *message.Entry
}

// openEntries verifies sealed entries of a supplier, outside the writer.
func (d *Desk) openEntries(supplier exchange.ShopID, sealed [][]byte) ([]incoming, error) {
	list := make([]incoming, 0, len(sealed))
	for _, s := range sealed {
		payload, err := d.verifier.Open(supplier, s)
		if err != nil {
			return nil, err
		}
		v, err := d.codec.Decode(message.KindEntry, payload)
		if err != nil {
			return nil, err
		}
		e := v.(*message.Entry)
		if latest := d.clock.Now().Add(maxAhead); e.At > latest { // no proof of anything: one of the two clocks is wrong
			return nil, exchange.Errorf(exchange.CodeInvalid, "entry %d is dated %v, more than %v after this shop's clock; check both clocks", e.Position, e.At, maxAhead)
		}
		list = append(list, incoming{s, message.Digest(payload), e})
	}
	return list, nil
}

// adoptAll takes the entries of one answer or push, in as many operations as their
// size asks for: each entry is complete by itself. An entry that breaks the rules
// freezes the chain, durably, and is returned as errFrozen's code.
func (d *Desk) adoptAll(ctx context.Context, c ledger.ID, list []incoming) error {
	for len(list) > 0 {
		var taken int
		var end error
		err := d.do(ctx, func(b *batch) (err error) {
			taken, end, err = d.adoptSome(b, c, list)
			return err
		})
		if err == nil {
			err = end
		}
		if err != nil {
			return err
		}
		list = list[taken:]
	}
	return nil
}

// adoptSome takes entries until its share of the batch is spent, and says how many
// those were; none where making way for the first took all of it. end is why no more
// may be taken: those before stay adopted.
func (d *Desk) adoptSome(b *batch, c ledger.ID, list []incoming) (taken int, end, err error) {
	for share := b.share(); taken < len(list) && !share.spent(b); {
		in := list[taken]
		if end := d.mayAdopt(b, c, in.entry); end != nil {
			return taken, end, nil
		}
		err := b.attempt(func(b *batch) error { return d.adopt(b, c, in) })
		if errors.Is(err, errNumberTaken) {
			if done, err := d.renumber(b, c, in.entry.Number, share); err != nil {
				return 0, nil, exchange.Errorf(exchange.CodeInternal, "request %d cannot move up: %w", in.entry.Number, err)
			} else if !done {
				return taken, nil, nil
			}
			continue
		}
		switch exchange.CodeOf(err) {
		case exchange.CodeOK:
			taken++
			continue
		case exchange.CodeInternal, exchange.CodeBehind, exchange.CodeFrozen, exchange.CodeNotMember:
			return 0, nil, err
		}
		return taken, err, d.freeze(b, c, in, err)
	}
	return taken, nil, nil
}

// adopt appends one entry. Any error but CodeInternal, CodeBehind, CodeFrozen
// and CodeNotMember is proof that the supplier broke the rules.
func (d *Desk) adopt(b *batch, c ledger.ID, in incoming) error {
	rec, err := b.chain(c)
	if err != nil {
		return err
	}
	e := in.entry
	if e.Position > 0 && e.Position <= rec.Chain.Position {
		return d.adoptAgain(b, c, in)
	}
	next, err := rec.Chain.Append(e.Link, in.hash)
	if err != nil {
		return err
	}
	act, err := d.actOf(b, c, e)
	if err != nil {
		return err
	}
	at := entryAt{chain: c, by: exchange.Supplier, at: e.At, position: e.Position, hash: in.hash, number: e.Number}
	if e.Request != nil {
		at.by = exchange.Retailer
	}
	if e.Outcome == exchange.CodeOK {
		err = d.step(b, at, act)
	} else {
		err = d.refusedByPartner(b, c, act, e)
	}
	if err != nil {
		return err
	}
	b.put(record.EntryKey(c, e.Position), in.sealed)
	if rec, err = b.chain(c); err != nil {
		return err
	}
	rec.Chain = next
	if e.Number != 0 {
		b.put(record.NumberKey(c, e.Number), kv.Uint64(e.Position))
		b.del(record.OutboxKey(c.Supplier, e.Number))
		rec.Queued = max(rec.Queued, e.Number)
	}
	b.setChain(c, rec)
	switch act.(type) {
	case message.ProposeTerms, message.AcceptTerms, message.DeclineTerms, message.EndTrade:
		return d.closeWithdrawn(b, c)
	}
	return nil
}

// adoptAgain compares an entry with the one at its position.
func (d *Desk) adoptAgain(b *batch, c ledger.ID, in incoming) error {
	ours, ok, err := b.get(record.EntryKey(c, in.entry.Position))
	if err != nil {
		return err
	}
	if !ok {
		return exchange.Errorf(exchange.CodeInternal, "entry %d is not in the store", in.entry.Position)
	}
	payload, err := d.verifier.Peek(ours)
	if err != nil {
		return exchange.Errorf(exchange.CodeInternal, "entry %d in the store is damaged: %w", in.entry.Position, err)
	}
	if message.Digest(payload) != in.hash {
		return exchange.Errorf(exchange.CodeFork, "the supplier sealed two different entries %d", in.entry.Position)
	}
	return nil
}

// actOf is what an entry does. A request it embeds must be one this shop signed.
// Where another one is queued under its number, this shop has lost state
// (errNumberTaken): the queued ones have not been answered and move up.
func (d *Desk) actOf(b *batch, c ledger.ID, e *message.Entry) (message.Act, error) {
	if (e.Request == nil) == (e.Own == nil) || (e.Request != nil) != (e.Number != 0) {
		return nil, exchange.Errorf(exchange.CodeFork, "entry %d is neither an answer nor an act of the supplier", e.Position)
	}
	if e.Own != nil {
		if e.Outcome != exchange.CodeOK {
			return nil, exchange.Errorf(exchange.CodeFork, "entry %d refuses the supplier's own act", e.Position)
		}
		return e.Own, nil
	}
	v, err := b.load(record.KindOutbox, record.OutboxKey(c.Supplier, e.Number))
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInternal, "queued request %d is unreadable: %w", e.Number, err)
	}
	var queued message.SignedRequest
	if v != nil {
		queued = v.(*record.Outbox).Signed
	}
	same := bytes.Equal(queued.Payload, e.Request.Payload)
	if !same || !bytes.Equal(queued.Signature, e.Request.Signature) { // else it is this shop's own
		if err := d.verifier.Verify(message.DomainRequest, c.Retailer, e.Request.Payload, e.Request.Signature); err != nil {
			return nil, err
		}
	}
	act, err := d.requestedAct(c, e)
	if err == nil && v != nil && !same {
		err = errNumberTaken
	}
	return act, err
}

// errNumberTaken: the supplier has answered a lost request under a queued one's number.
var errNumberTaken = errors.New("the number of a queued request is taken")

// renumber moves the queued requests from a number on up by one, signed anew: the
// supplier can take a number only once, and it has taken this one. It moves from the
// highest down while share lasts, keeps its place in the store, and reports whether it
// is done. In between a number is free in the middle of the outbox: what is sent then
// is refused for the number that is taken, and nothing after it is entered.
func (d *Desk) renumber(b *batch, c ledger.ID, from uint64, share share) (done bool, err error) {
	rec, err := b.chain(c)
	if err != nil {
		return false, err
	}
	k := record.MovingKey(c.Supplier)
	place, moving, err := b.get(k)
	if err != nil {
		return false, err
	}
	n := rec.Queued
	if moving {
		n = binary.BigEndian.Uint64(place)
	} else {
		d.log.Warn("this shop has lost requests it had signed, and continues after them; was it restored from an old backup?",
			"supplier", c.Supplier, "number", from)
		rec.Queued++ // what is queued from now on comes after those that move
		b.setChain(c, rec)
		if err := b.queuedMovesUp(c, from); err != nil {
			return false, err
		}
	}
	for ; n >= from; n-- {
		if share.spent(b) {
			b.put(k, kv.Uint64(n))
			return false, nil
		}
		if err := d.moveUp(b, c, n); err != nil {
			return false, err
		}
	}
	b.del(k)
	b.then(func() { d.courier.queued(c.Supplier) })
	return true, nil
}

// moveUp gives a queued request the next number.
func (d *Desk) moveUp(b *batch, c ledger.ID, n uint64) error {
	v, err := b.load(record.KindOutbox, record.OutboxKey(c.Supplier, n))
	if err != nil {
		return err
	}
	if v == nil {
		return exchange.Errorf(exchange.CodeInternal, "request %d is not in the outbox", n)
	}
	old := v.(*record.Outbox)
	if v, err = d.codec.Decode(message.KindRequest, old.Signed.Payload); err != nil {
		return err
	}
	b.del(record.OutboxKey(c.Supplier, n))
	return d.sign(b, c, n+1, v.(*message.Request).Act, old.Salt, old.ShipTo)
}

// requestedAct is the act of the request that an entry embeds.
func (d *Desk) requestedAct(c ledger.ID, e *message.Entry) (message.Act, error) {
	v, err := d.codec.Decode(message.KindRequest, e.Request.Payload)
	if err != nil {
		return nil, err
	}
	req := v.(*message.Request)
	if req.Supplier != c.Supplier || req.Retailer != c.Retailer || req.Number != e.Number {
		return nil, exchange.Errorf(exchange.CodeFork, "the entry embeds a request of another ledger or number")
	}
	return req.Act, nil
}

// refusedByPartner notes a refusal where people look for it.
func (d *Desk) refusedByPartner(b *batch, c ledger.ID, act message.Act, e *message.Entry) error {
	switch act := act.(type) {
	case message.EndTrade:
		return exchange.Errorf(exchange.CodeFork, "entry %d refuses an end, which cannot be refused", e.Position)
	case message.SubmitOrder:
		return d.orderRefused(b, c, act.Order, act, e)
	case message.CancelOrder:
		return d.orderRefused(b, c, act.Order, act, e)
	}
	p, err := b.partnership(c)
	if err != nil {
		return err
	}
	if _, propose := act.(message.ProposeTerms); propose && p.IsWithdrawn(e.Number) { // which is what its owner wants
		p.Answered(e.Number)
		b.then(func() { d.partnershipChanged(c, p, partnership.Effects{}) })
		return b.save(record.PartnershipKey(c), &p)
	}
	p.Refusal, p.Detail = e.Outcome, e.Detail
	p.Answered(e.Number)
	b.then(func() {
		d.watch.notify(Event{
			Type: EventPartnership, At: e.At, Shop: c.Supplier, Side: exchange.Retailer, Status: "refused", By: exchange.Supplier, Detail: e.Detail,
		})
	})
	return b.save(record.PartnershipKey(c), &p)
}

func (d *Desk) orderRefused(b *batch, c ledger.ID, id exchange.OrderID, act message.Act, e *message.Entry) error {
	k := record.OrderKey(exchange.Retailer, id, c.Supplier)
	rec, err := b.order(k)
	if err != nil || rec == nil {
		return err
	}
	rec.CancelAt, rec.Last = 0, e.Position
	_, submit := act.(message.SubmitOrder)
	if live := rec.Order.Submitted != 0; live != submit {
		// A second submit of a live order, or the cancel of one that was refused,
		// says nothing about it.
		rec.Refusal, rec.Detail = e.Outcome, e.Detail
	}
	if submit && rec.Order.Submitted == 0 { // it goes nowhere
		b.del(record.ShipToKey(d.me, id))
		if err := b.reservationEnded(id, e.Outcome); err != nil {
			return err
		}
	}
	b.then(func() { d.orderChanged(rec, c.Supplier, exchange.Retailer, 0) })
	return b.save(k, rec)
}

// freeze keeps the proof and stops the chain: nothing is appended, held or
// ordered on it any more.
func (d *Desk) freeze(b *batch, c ledger.ID, in incoming, why error) error {
	rec, err := b.chain(c)
	if err != nil {
		return err
	}
	if rec.Chain.Frozen {
		return nil
	}
	ours, _, err := b.get(record.EntryKey(c, in.entry.Position))
	if err != nil {
		return err
	}
	rec.Chain = rec.Chain.Freeze()
	b.setChain(c, rec)
	partner, _ := c.Partner(d.me)
	d.log.Error("ledger frozen as evidence", "partner", partner, "position", in.entry.Position, "why", why)
	b.then(func() {
		d.watch.notify(Event{Type: EventFrozen, At: b.now, Shop: partner, Detail: why.Error()})
	})
	return b.save(record.EvidenceKey(c), &record.Evidence{
		Supplier: c.Supplier, Retailer: c.Retailer, Position: in.entry.Position,
		Ours: ours, Theirs: in.sealed, Why: exchange.Clip(why.Error(), message.MaxReason), At: b.now,
	})
}

// signHead countersigns how far this shop has a supplier's ledger, from
// committed state only.
func (d *Desk) signHead(c ledger.ID) (*message.SignedHead, error) {
	v, err := d.read(record.KindLedger, record.LedgerKey(c))
	if err != nil {
		return nil, err
	}
	head := message.Head{Supplier: c.Supplier, Retailer: c.Retailer}
	if v != nil {
		chain := v.(*record.Ledger).Chain
		if chain.Frozen {
			return nil, errFrozen
		}
		head.Position, head.Hash = chain.Position, chain.Hash
	}
	payload, err := d.codec.Encode(&head)
	if err != nil {
		return nil, err
	}
	sig, err := d.signer.Sign(message.DomainHead, payload)
	if err != nil {
		return nil, err
	}
	return &message.SignedHead{Payload: payload, Signature: sig}, nil
}
