package trade

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// What the sender sends, made of what is committed, and what becomes of the answers.

// compose makes the message of a queue from committed state; nil where nothing waits.
func (q *sender) compose(to queue) (*Outgoing, error) {
	if !q.members.IsMember(to.partner) {
		return nil, nil
	}
	switch to.kind {
	case message.KindSubmit:
		return q.composeSubmit(to)
	case message.KindPush:
		return q.composePush(to)
	}
	return q.composeHead(to)
}

func (q *sender) composeSubmit(to queue) (*Outgoing, error) {
	c := ledger.ID{Supplier: to.partner, Retailer: q.me}
	rec := q.ledgers.committed(c)
	msg := &message.Submit{}
	first := uint64(1)
	if rec != nil {
		chain := rec.Chain
		if chain.Frozen {
			return nil, nil
		}
		msg.Have, first = chain.Position, chain.Answered+1
	}
	var err error
	if msg.Requests, err = q.unanswered(to.partner, first); err != nil {
		return nil, err
	}
	if len(msg.Requests) == 0 && !q.partnerships.view.isAhead(to.partner, msg.Have) {
		return nil, nil
	}
	raw, err := q.frame(msg)
	if err != nil {
		return nil, err
	}
	return &Outgoing{To: to.partner, Raw: raw, Done: func(ctx context.Context, reply []byte, err error) {
		q.submitted(ctx, to, msg.Have, reply, err)
	}}, nil
}

// unanswered reads the requests queued for a supplier, message.MaxSubmitBytes of them. Those before
// the number first are answered and gone, and a scan pays for what is gone (expiryIndex).
func (q *sender) unanswered(supplier exchange.ShopID, first uint64) (list []message.SubmittedRequest, err error) {
	size := 0
	r := kv.Range{From: record.OutboxKey(supplier, first), To: kv.Prefix(kv.Key(record.PrefixOutbox, supplier[:])).To}
	for row, err := range record.Rows[record.Outbox](q.store, q.codec, r) {
		if err != nil {
			return nil, err
		}
		o := row.Record
		if size += len(o.Signed.Payload) + len(o.Signed.Signature) + len(o.ShipTo) + requestOverhead; size > message.MaxSubmitBytes && len(list) > 0 {
			break
		}
		list = append(list, message.SubmittedRequest{Signed: o.Signed, Salt: o.Salt, ShipTo: o.ShipTo})
	}
	return list, nil
}

// requestOverhead is what a submitted request takes beside its bytes: salt, number, tags
// and lengths.
const requestOverhead = 64

// submitted takes the outcome of a Submit, which said that entries up to have are here.
func (q *sender) submitted(ctx context.Context, to queue, have uint64, reply []byte, err error) {
	c := ledger.ID{Supplier: to.partner, Retailer: q.me}
	var entries *message.Entries
	if err == nil {
		entries, err = q.takeEntries(ctx, c, reply)
	}
	if err != nil {
		q.sendFailed(to, err)
		return
	}
	q.taken(to)
	q.partnerships.view.seen(to.partner, entries.Head)
	progress := len(entries.Entries) > 0
	if progress {
		q.plan(queue{to.partner, message.KindSignedHead}, q.clock.Now().Add(ackDelay), false)
	}
	more := have+uint64(len(entries.Entries)) < entries.Head || q.waiting(c)
	// An answer that brings nothing while something is missing is a failed attempt.
	q.landed(to, progress || !more, more)
}

// waiting reports whether requests to a supplier are unanswered.
func (q *sender) waiting(c ledger.ID) bool {
	rec := q.ledgers.committed(c)
	return rec != nil && !rec.Chain.Frozen && rec.Queued > rec.Chain.Answered
}

// takeEntries adopts the entries of an answer.
func (q *sender) takeEntries(ctx context.Context, c ledger.ID, reply []byte) (*message.Entries, error) {
	v, err := q.unframe(reply)
	if err != nil {
		return nil, err
	}
	entries, ok := v.(*message.Entries)
	if !ok {
		return nil, exchange.Errorf(exchange.CodeInvalid, "the supplier answered with a %T", v)
	}
	list, err := q.ledgers.openEntries(c.Supplier, entries.Entries)
	if err != nil {
		return nil, err
	}
	return entries, q.ledgers.adoptAll(ctx, c, list)
}

func (q *sender) composePush(to queue) (*Outgoing, error) {
	c := ledger.ID{Supplier: q.me, Retailer: to.partner}
	rec := q.ledgers.committed(c)
	if rec == nil {
		return nil, nil
	}
	chain := rec.Chain
	if chain.Frozen || chain.Acked >= chain.Position {
		return nil, nil
	}
	entries, err := q.ledgers.entriesAfter(c, chain.Acked)
	if err != nil {
		return nil, err
	}
	raw, err := q.frame(&message.Push{Entries: entries.Entries})
	if err != nil {
		return nil, err
	}
	covered := chain.Acked + uint64(len(entries.Entries))
	return &Outgoing{To: to.partner, Raw: raw, Done: func(ctx context.Context, reply []byte, err error) {
		if err == nil {
			err = q.takeHead(ctx, to.partner, reply)
		}
		if err != nil {
			q.sendFailed(to, err)
			return
		}
		q.taken(to)
		q.landed(to, true, covered < entries.Head)
	}}, nil
}

func (q *sender) takeHead(ctx context.Context, retailer exchange.ShopID, reply []byte) error {
	v, err := q.unframe(reply)
	if err != nil {
		return err
	}
	head, ok := v.(*message.SignedHead)
	if !ok {
		return exchange.Errorf(exchange.CodeInvalid, "the retailer answered with a %T", v)
	}
	return q.ledgers.acknowledge(ctx, retailer, head)
}

// composeHead tells a supplier how far this shop has its entries, unasked: it
// spares the push of entries that came in an answer.
func (q *sender) composeHead(to queue) (*Outgoing, error) {
	head, err := q.ledgers.signHead(ledger.ID{Supplier: to.partner, Retailer: q.me})
	if exchange.CodeOf(err) == exchange.CodeFrozen {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	raw, err := q.frame(head)
	if err != nil {
		return nil, err
	}
	// One attempt: the supplier's push asks again.
	return &Outgoing{To: to.partner, Raw: raw, Done: func(context.Context, []byte, error) { q.landed(to, true, false) }}, nil
}
