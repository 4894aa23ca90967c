package trade

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// The retailer's half of a ledger. The supplier sends entries; the retailer checks each
// by running the same machines, stores it and countersigns the head.

// incoming is a sealed entry whose seal was verified.
type incoming struct {
	sealed []byte
	hash   ledger.Hash
	entry  *message.Entry
}

// openEntries verifies sealed entries of a supplier, outside the writer.
func (l *Ledgers) openEntries(supplier exchange.ShopID, sealed [][]byte) ([]incoming, error) {
	list := make([]incoming, 0, len(sealed))
	for _, s := range sealed {
		payload, err := l.verifier.Open(supplier, s)
		if err != nil {
			return nil, err
		}
		e, err := message.Decode[message.Entry](l.codec, payload)
		if err != nil {
			return nil, err
		}
		if latest := l.clock.Now().Add(maxAhead); e.At > latest { // no proof of anything: one of the two clocks is wrong
			return nil, exchange.Errorf(exchange.CodeInvalid, "entry %d is dated %v, more than %v after this shop's clock; check both clocks", e.Position, e.At, maxAhead)
		}
		list = append(list, incoming{s, message.Digest(payload), e})
	}
	return list, nil
}

// adoptAll adopts the entries of one answer or push, in as many operations as their
// size asks for: each entry is complete by itself. An entry that breaks the rules
// freezes the ledger in the commit that finds it; the error says which rule.
func (l *Ledgers) adoptAll(ctx context.Context, id ledger.ID, list []incoming) error {
	for len(list) > 0 {
		var taken int
		var end error
		err := l.writer.Do(ctx, func(b *writer.Batch) (err error) {
			taken, end, err = l.adoptSome(b, id, list)
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

// adoptSome adopts entries until its share of the batch is spent; taken is how many. It
// is 0 where moving queued requests up (renumber) took the whole share. end is why no
// further entry may be adopted: the entries before it stay adopted.
func (l *Ledgers) adoptSome(b *writer.Batch, id ledger.ID, list []incoming) (taken int, end, err error) {
	for share := b.Share(); taken < len(list) && !share.Spent(b); {
		in := list[taken]
		if end := l.mayAdopt(b, id, in.entry); end != nil {
			return taken, end, nil
		}
		err := b.Attempt(func(b *writer.Batch) error { return l.adopt(b, id, in) })
		if errors.Is(err, errNumberTaken) {
			if done, err := l.renumber(b, id, in.entry.Number, share); err != nil {
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
		return taken, err, l.freeze(b, id, in, err)
	}
	return taken, nil, nil
}

// adopt appends one entry. Any error but CodeInternal, CodeBehind, CodeFrozen
// and CodeNotMember is proof that the supplier broke the rules.
func (l *Ledgers) adopt(b *writer.Batch, id ledger.ID, in incoming) error {
	rec, err := l.get(b, id)
	if err != nil {
		return err
	}
	e := in.entry
	if e.Position > 0 && e.Position <= rec.Chain.Position {
		return l.adoptAgain(b, id, in)
	}
	next, err := rec.Chain.Append(e.Link, in.hash)
	if err != nil {
		return err
	}
	act, err := l.actOf(b, id, e)
	if err != nil {
		return err
	}
	at := entryAt{ledger: id, by: exchange.Supplier, at: e.At, position: e.Position, hash: in.hash, number: e.Number}
	if e.Request != nil {
		at.by = exchange.Retailer
	}
	if e.Outcome == exchange.CodeOK {
		err = l.step(b, at, act)
	} else {
		err = l.refusedByPartner(b, id, act, e)
	}
	if err != nil {
		return err
	}
	b.Put(record.EntryKey(id, e.Position), in.sealed)
	if rec, err = l.get(b, id); err != nil {
		return err
	}
	rec.Chain = next
	if e.Number != 0 {
		b.Put(record.NumberKey(id, e.Number), kv.Uint64(e.Position))
		b.Delete(record.OutboxKey(id.Supplier, e.Number))
		rec.Queued = max(rec.Queued, e.Number)
	}
	l.set(b, id, rec)
	switch act.(type) {
	case message.ProposeTerms, message.AcceptTerms, message.DeclineTerms, message.EndTrade:
		return l.partnerships.closeWithdrawn(b, id)
	}
	return nil
}

// adoptAgain compares an entry with the one at its position.
func (l *Ledgers) adoptAgain(b *writer.Batch, id ledger.ID, in incoming) error {
	ours, ok, err := b.Get(record.EntryKey(id, in.entry.Position))
	if err != nil {
		return err
	}
	if !ok {
		return exchange.Errorf(exchange.CodeInternal, "entry %d is not in the store", in.entry.Position)
	}
	payload, err := l.verifier.Peek(ours)
	if err != nil {
		return exchange.Errorf(exchange.CodeInternal, "entry %d in the store is damaged: %w", in.entry.Position, err)
	}
	if message.Digest(payload) != in.hash {
		return exchange.Errorf(exchange.CodeFork, "the supplier sealed two different entries %d", in.entry.Position)
	}
	return nil
}

// actOf is the act of an entry. A request that the entry embeds must be signed by this
// shop. Where another request is queued under the same number, this shop has lost
// records: actOf returns errNumberTaken, and the caller moves the queue up (renumber).
func (l *Ledgers) actOf(b *writer.Batch, id ledger.ID, e *message.Entry) (message.Act, error) {
	if (e.Request == nil) == (e.Own == nil) || (e.Request != nil) != (e.Number != 0) {
		return nil, exchange.Errorf(exchange.CodeFork, "entry %d is neither an answer nor an act of the supplier", e.Position)
	}
	if e.Own != nil {
		if e.Outcome != exchange.CodeOK {
			return nil, exchange.Errorf(exchange.CodeFork, "entry %d refuses the supplier's own act", e.Position)
		}
		return e.Own, nil
	}
	waiting, err := record.Get[record.Outbox](b, l.codec, record.OutboxKey(id.Supplier, e.Number))
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInternal, "queued request %d is unreadable: %w", e.Number, err)
	}
	var queued message.SignedRequest
	if waiting != nil {
		queued = waiting.Signed
	}
	same := bytes.Equal(queued.Payload, e.Request.Payload)
	if !same || !bytes.Equal(queued.Signature, e.Request.Signature) { // else it is this shop's own
		if err := l.verifier.Verify(message.DomainRequest, id.Retailer, e.Request.Payload, e.Request.Signature); err != nil {
			return nil, err
		}
	}
	act, err := l.requestedAct(id, e)
	if err == nil && waiting != nil && !same {
		err = errNumberTaken
	}
	return act, err
}

// errNumberTaken: the supplier has answered a lost request under a queued one's number.
var errNumberTaken = errors.New("the number of a queued request is taken")

// renumber moves the queued requests from a number on up by one and signs them anew:
// the supplier has answered another request under this number. It begins at the highest
// number and works down while share lasts. It keeps its place in the store
// (record.MovingKey) and reports whether it is done.
//
// Until it is done, one number in the middle of the outbox is free. The supplier refuses
// what is sent meanwhile for the taken number, and enters nothing after it.
func (l *Ledgers) renumber(b *writer.Batch, id ledger.ID, from uint64, share writer.Share) (done bool, err error) {
	rec, err := l.get(b, id)
	if err != nil {
		return false, err
	}
	k := record.MovingKey(id.Supplier)
	place, moving, err := b.Get(k)
	if err != nil {
		return false, err
	}
	n := rec.Queued
	if moving {
		n = binary.BigEndian.Uint64(place)
	} else {
		l.log.Warn("this shop has lost requests it had signed, and continues after them; was it restored from an old backup?",
			"supplier", id.Supplier, "number", from)
		rec.Queued++ // what is queued from now on comes after those that move
		l.set(b, id, rec)
		if err := l.partnerships.queuedMovesUp(b, id, from); err != nil {
			return false, err
		}
	}
	for ; n >= from; n-- {
		if share.Spent(b) {
			b.Put(k, kv.Uint64(n))
			return false, nil
		}
		if err := l.moveUp(b, id, n); err != nil {
			return false, err
		}
	}
	b.Delete(k)
	b.Then(requestQueued{id.Supplier})
	return true, nil
}

// moveUp gives a queued request the next number.
func (l *Ledgers) moveUp(b *writer.Batch, id ledger.ID, n uint64) error {
	old, err := record.Get[record.Outbox](b, l.codec, record.OutboxKey(id.Supplier, n))
	if err != nil {
		return err
	}
	if old == nil {
		return exchange.Errorf(exchange.CodeInternal, "request %d is not in the outbox", n)
	}
	req, err := message.Decode[message.Request](l.codec, old.Signed.Payload)
	if err != nil {
		return err
	}
	b.Delete(record.OutboxKey(id.Supplier, n))
	return l.sign(b, id, n+1, req.Act, old.Salt, old.ShipTo)
}

// requestedAct is the act of the request that an entry embeds.
func (l *Ledgers) requestedAct(id ledger.ID, e *message.Entry) (message.Act, error) {
	req, err := message.Decode[message.Request](l.codec, e.Request.Payload)
	if err != nil {
		return nil, err
	}
	if req.Supplier != id.Supplier || req.Retailer != id.Retailer || req.Number != e.Number {
		return nil, exchange.Errorf(exchange.CodeFork, "the entry embeds a request of another ledger or number")
	}
	return req.Act, nil
}

// refusedByPartner notes a refusal by the supplier in the order's or the partnership's record.
func (l *Ledgers) refusedByPartner(b *writer.Batch, id ledger.ID, act message.Act, e *message.Entry) error {
	switch act := act.(type) {
	case message.EndTrade:
		return exchange.Errorf(exchange.CodeFork, "entry %d refuses an end, which cannot be refused", e.Position)
	case message.SubmitOrder:
		return l.orderRefused(b, id, act.Order, act, e)
	case message.CancelOrder:
		return l.orderRefused(b, id, act.Order, act, e)
	}
	p, err := l.partnerships.get(b, id)
	if err != nil {
		return err
	}
	if _, propose := act.(message.ProposeTerms); propose && p.IsWithdrawn(e.Number) { // the owner has taken it back
		p.Answered(e.Number)
		l.partnerships.rows.Set(b, id, p)
		l.partnerships.told(b, id, p, false)
		return nil
	}
	p.Refusal, p.Detail = e.Outcome, e.Detail
	p.Answered(e.Number)
	l.partnerships.rows.Set(b, id, p)
	b.Then(event.Partnership{
		At: e.At, Partner: id.Supplier, Side: exchange.Retailer, Status: "refused", By: exchange.Supplier, Detail: e.Detail,
	})
	return nil
}

func (l *Ledgers) orderRefused(b *writer.Batch, ledgerID ledger.ID, id exchange.OrderID, act message.Act, e *message.Entry) error {
	k := orderID{exchange.Retailer, id, ledgerID.Supplier}
	rec, err := l.orders.get(b, k)
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
	if submit && rec.Order.Submitted == 0 { // nothing is shipped: the address is not needed
		b.Delete(record.ShipToKey(l.me, id))
		if err := l.retailer.reservationEnded(b, id, e.Outcome); err != nil {
			return err
		}
	}
	return l.orders.set(b, k, rec, 0)
}

// freeze keeps the proof and stops the ledger: no entry is adopted, no hold and no order
// made in it any more.
func (l *Ledgers) freeze(b *writer.Batch, id ledger.ID, in incoming, why error) error {
	rec, err := l.get(b, id)
	if err != nil {
		return err
	}
	if rec.Chain.Frozen {
		return nil
	}
	ours, _, err := b.Get(record.EntryKey(id, in.entry.Position))
	if err != nil {
		return err
	}
	rec.Chain = rec.Chain.Freeze()
	l.set(b, id, rec)
	partner, _ := id.Partner(l.me)
	l.log.Error("ledger frozen as evidence", "partner", partner, "position", in.entry.Position, "why", why)
	b.Then(event.Frozen{At: b.Now(), Partner: partner, Why: why.Error()})
	return l.put(b, record.EvidenceKey(id), &record.Evidence{
		Supplier: id.Supplier, Retailer: id.Retailer, Position: in.entry.Position,
		Ours: ours, Theirs: in.sealed, Why: exchange.Clip(why.Error(), message.MaxReason), At: b.Now(),
	})
}

// servePush adopts the entries of a supplier's push and answers with this shop's head.
func (l *Ledgers) servePush(ctx context.Context, from exchange.ShopID, req *message.Push) (message.Value, error) {
	id := ledger.ID{Supplier: from, Retailer: l.me}
	list, err := l.openEntries(from, req.Entries)
	if err != nil {
		return nil, err
	}
	// Entries that are missing before these are asked for; the head says which.
	if err := l.adoptAll(ctx, id, list); exchange.CodeOf(err) == exchange.CodeBehind {
		l.partnerships.view.noteAhead(from, list[len(list)-1].entry.Position)
		l.sender.behind(from)
	} else if err != nil {
		return nil, err
	}
	return l.signHead(id)
}

// mayAdopt bounds the entries of a supplier with which no terms were ever in force; see
// mayEnter.
func (l *Ledgers) mayAdopt(b *writer.Batch, id ledger.ID, e *message.Entry) error {
	rec, err := l.get(b, id)
	if err != nil || e.Position <= rec.Chain.Position {
		return err
	}
	version, err := l.partnerships.everTerms(b, id)
	if err == nil && version == 0 && !l.strangers.take(b, id.Supplier) {
		err = errSlower
	}
	return err
}

// signHead countersigns the head of a supplier's ledger as this shop has committed it.
func (l *Ledgers) signHead(id ledger.ID) (*message.SignedHead, error) {
	rec := l.committed(id)
	head := message.Head{Supplier: id.Supplier, Retailer: id.Retailer}
	if rec != nil {
		chain := rec.Chain
		if chain.Frozen {
			return nil, errFrozen
		}
		head.Position, head.Hash = chain.Position, chain.Hash
	}
	payload, err := l.codec.Encode(&head)
	if err != nil {
		return nil, err
	}
	sig, err := l.signer.Sign(message.DomainHead, payload)
	if err != nil {
		return nil, err
	}
	return &message.SignedHead{Payload: payload, Signature: sig}, nil
}
