package desk

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// What the courier sends, made of what is committed, and what becomes of the answers.

// compose makes the message of a lane from committed state; nil where nothing waits.
func (d *Desk) compose(l lane) (*Outgoing, error) {
	if !d.members.IsMember(l.to) {
		return nil, nil
	}
	switch l.kind {
	case message.KindSubmit:
		return d.composeSubmit(l)
	case message.KindPush:
		return d.composePush(l)
	}
	return d.composeHead(l)
}

// MaxSubmitBytes bounds the requests of one Submit, as MaxEntriesBytes does its answer.
const MaxSubmitBytes = 240 << 10

func (d *Desk) composeSubmit(l lane) (*Outgoing, error) {
	c := ledger.ID{Supplier: l.to, Retailer: d.me}
	v, err := d.read(record.KindLedger, record.LedgerKey(c))
	if err != nil {
		return nil, err
	}
	msg := &message.Submit{}
	first := uint64(1)
	if v != nil {
		chain := v.(*record.Ledger).Chain
		if chain.Frozen {
			return nil, nil
		}
		msg.Have, first = chain.Position, chain.Answered+1
	}
	if msg.Requests, err = d.unanswered(l.to, first); err != nil {
		return nil, err
	}
	if len(msg.Requests) == 0 && !d.partners.isAhead(l.to, msg.Have) {
		return nil, nil
	}
	raw, err := d.frame(msg)
	if err != nil {
		return nil, err
	}
	return &Outgoing{To: l.to, Raw: raw, Done: func(ctx context.Context, reply []byte, err error) {
		d.submitted(ctx, l, msg.Have, reply, err)
	}}, nil
}

// unanswered reads the requests queued for a supplier, MaxSubmitBytes of them. Those before
// the number first are answered and gone, and a scan pays for what is gone (expiryIndex).
func (d *Desk) unanswered(supplier exchange.ShopID, first uint64) (list []message.SubmittedRequest, err error) {
	size := 0
	var failed error
	r := kv.Range{From: record.OutboxKey(supplier, first), To: kv.Prefix(kv.Key(record.PrefixOutbox, supplier[:])).To}
	err = d.store.Scan(r, func(_, raw []byte) bool {
		if size += len(raw); size > MaxSubmitBytes && len(list) > 0 {
			return false
		}
		var v message.Value
		if v, failed = d.codec.Decode(record.KindOutbox, raw); failed != nil {
			return false
		}
		o := v.(*record.Outbox)
		list = append(list, message.SubmittedRequest{Signed: o.Signed, Salt: o.Salt, ShipTo: o.ShipTo})
		return true
	})
	if err == nil {
		err = failed
	}
	return list, err
}

// submitted takes the outcome of a Submit, which said that entries up to have are here.
func (d *Desk) submitted(ctx context.Context, l lane, have uint64, reply []byte, err error) {
	c := ledger.ID{Supplier: l.to, Retailer: d.me}
	var entries *message.Entries
	if err == nil {
		entries, err = d.takeEntries(ctx, c, reply)
	}
	if err != nil {
		d.sendFailed(l, err)
		return
	}
	d.courier.taken(l)
	d.partners.seen(l.to, entries.Head)
	progress := len(entries.Entries) > 0
	if progress {
		d.courier.plan(lane{l.to, message.KindSignedHead}, d.clock.Now().Add(ackDelay), false)
	}
	more := have+uint64(len(entries.Entries)) < entries.Head || d.waiting(c)
	// An answer that brings nothing while something is missing is a failed attempt.
	d.courier.landed(l, progress || !more, more)
}

// waiting reports whether requests to a supplier are unanswered. One that cannot
// be read is found again by the next attempt.
func (d *Desk) waiting(c ledger.ID) bool {
	v, err := d.read(record.KindLedger, record.LedgerKey(c))
	if err != nil || v == nil {
		return err != nil
	}
	rec := v.(*record.Ledger)
	return !rec.Chain.Frozen && rec.Queued > rec.Chain.Answered
}

// takeEntries adopts the entries of an answer.
func (d *Desk) takeEntries(ctx context.Context, c ledger.ID, reply []byte) (*message.Entries, error) {
	v, err := d.unframe(reply)
	if err != nil {
		return nil, err
	}
	entries, ok := v.(*message.Entries)
	if !ok {
		return nil, exchange.Errorf(exchange.CodeInvalid, "the supplier answered with a %T", v)
	}
	list, err := d.openEntries(c.Supplier, entries.Entries)
	if err != nil {
		return nil, err
	}
	return entries, d.adoptAll(ctx, c, list)
}

func (d *Desk) composePush(l lane) (*Outgoing, error) {
	c := ledger.ID{Supplier: d.me, Retailer: l.to}
	v, err := d.read(record.KindLedger, record.LedgerKey(c))
	if err != nil || v == nil {
		return nil, err
	}
	chain := v.(*record.Ledger).Chain
	if chain.Frozen || chain.Acked >= chain.Position {
		return nil, nil
	}
	entries, err := d.entriesAfter(c, chain.Acked)
	if err != nil {
		return nil, err
	}
	raw, err := d.frame(&message.Push{Entries: entries.Entries})
	if err != nil {
		return nil, err
	}
	covered := chain.Acked + uint64(len(entries.Entries))
	return &Outgoing{To: l.to, Raw: raw, Done: func(ctx context.Context, reply []byte, err error) {
		if err == nil {
			err = d.takeHead(ctx, l.to, reply)
		}
		if err != nil {
			d.sendFailed(l, err)
			return
		}
		d.courier.taken(l)
		d.courier.landed(l, true, covered < entries.Head)
	}}, nil
}

func (d *Desk) takeHead(ctx context.Context, retailer exchange.ShopID, reply []byte) error {
	v, err := d.unframe(reply)
	if err != nil {
		return err
	}
	head, ok := v.(*message.SignedHead)
	if !ok {
		return exchange.Errorf(exchange.CodeInvalid, "the retailer answered with a %T", v)
	}
	return d.acknowledge(ctx, retailer, head)
}

// composeHead tells a supplier how far this shop has its entries, unasked: it
// spares the push of entries that came in an answer.
func (d *Desk) composeHead(l lane) (*Outgoing, error) {
	head, err := d.signHead(ledger.ID{Supplier: l.to, Retailer: d.me})
	if exchange.CodeOf(err) == exchange.CodeFrozen {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	raw, err := d.frame(head)
	if err != nil {
		return nil, err
	}
	// One attempt: the supplier's push asks again.
	return &Outgoing{To: l.to, Raw: raw, Done: func(context.Context, []byte, error) { d.courier.landed(l, true, false) }}, nil
}
