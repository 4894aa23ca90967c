package trade

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// The sender's messages, made of committed records, and what becomes of the answers.

// compose makes the message of a queue from committed state; nil where nothing waits.
func (s *sender) compose(to queue) (*Outgoing, error) {
	if !s.members.IsMember(to.partner) {
		s.unasked.drop(to.partner)
		s.asker.departed(to)
		return nil, nil
	}
	switch to.kind {
	case message.KindSubmit:
		return s.composeSubmit(to)
	case message.KindPush:
		return s.composePush(to)
	case message.KindSealedAnswer:
		return s.composeUnasked(to)
	case message.KindHold:
		return s.asker.compose(to)
	}
	return s.composeHead(to)
}

func (s *sender) composeSubmit(to queue) (*Outgoing, error) {
	id := ledger.ID{Supplier: to.partner, Retailer: s.me}
	rec := s.ledgers.committed(id)
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
	if msg.Requests, err = s.unanswered(to.partner, first); err != nil {
		return nil, err
	}
	if len(msg.Requests) == 0 && !s.partnerships.view.isAhead(to.partner, msg.Have) {
		return nil, nil
	}
	raw, err := s.frame(msg)
	if err != nil {
		return nil, err
	}
	return &Outgoing{To: to.partner, Raw: raw, Done: func(ctx context.Context, reply []byte, err error) {
		s.submitted(ctx, to, msg.Have, reply, err)
	}}, nil
}

// unanswered reads the requests queued for a supplier, up to message.MaxSubmitBytes. Requests
// before the number first are answered and deleted; a scan over them would cost (expiryIndex).
func (s *sender) unanswered(supplier exchange.ShopID, first uint64) (list []message.SubmittedRequest, err error) {
	size := 0
	r := kv.Range{From: record.OutboxKey(supplier, first), To: kv.Prefix(kv.Key(record.PrefixOutbox, supplier[:])).To}
	for row, err := range record.Rows[record.Outbox](s.store, s.codec, r) {
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

// requestOverhead bounds what a submitted request takes beside payload, signature and address:
// salt, number, tags and lengths.
const requestOverhead = 64

// submitted takes the outcome of a Submit, which said that entries up to have are here.
func (s *sender) submitted(ctx context.Context, to queue, have uint64, reply []byte, err error) {
	id := ledger.ID{Supplier: to.partner, Retailer: s.me}
	var entries *message.Entries
	if err == nil {
		entries, err = s.takeEntries(ctx, id, reply)
	}
	if err != nil {
		s.sendFailed(to, err)
		return
	}
	s.taken(to)
	s.partnerships.view.noteAhead(to.partner, entries.Head)
	progress := len(entries.Entries) > 0
	if progress {
		s.plan(queue{partner: to.partner, kind: message.KindSignedHead}, s.clock.Now().Add(ackDelay), false)
	}
	more := have+uint64(len(entries.Entries)) < entries.Head || s.waiting(id)
	if more && !progress {
		s.sendFailed(to, errNothingNew)
		return
	}
	s.landed(to, true, more)
}

// errNothingNew makes an answer a failed attempt that brings nothing while something is missing.
var errNothingNew = exchange.Errorf(exchange.CodeUnavailable, "the answer brought nothing, and something is missing")

// waiting reports whether requests to a supplier are unanswered.
func (s *sender) waiting(id ledger.ID) bool {
	rec := s.ledgers.committed(id)
	return rec != nil && !rec.Chain.Frozen && rec.Queued > rec.Chain.Answered
}

// takeEntries adopts the entries of an answer.
func (s *sender) takeEntries(ctx context.Context, id ledger.ID, reply []byte) (*message.Entries, error) {
	entries, err := message.Reply[message.Entries](s.codec, reply)
	if err != nil {
		return nil, err
	}
	list, err := s.ledgers.openEntries(id.Supplier, entries.Entries)
	if err != nil {
		return nil, err
	}
	return entries, s.ledgers.adoptAll(ctx, id, list)
}

func (s *sender) composePush(to queue) (*Outgoing, error) {
	id := ledger.ID{Supplier: s.me, Retailer: to.partner}
	rec := s.ledgers.committed(id)
	if rec == nil {
		return nil, nil
	}
	chain := rec.Chain
	if chain.Frozen || chain.Acked >= chain.Position {
		return nil, nil
	}
	entries, err := s.ledgers.entriesAfter(id, chain.Acked)
	if err != nil {
		return nil, err
	}
	raw, err := s.frame(&message.Push{Entries: entries.Entries})
	if err != nil {
		return nil, err
	}
	covered := chain.Acked + uint64(len(entries.Entries))
	return &Outgoing{To: to.partner, Raw: raw, Done: func(ctx context.Context, reply []byte, err error) {
		if err == nil {
			err = s.takeHead(ctx, to.partner, reply)
		}
		if err != nil {
			s.sendFailed(to, err)
			return
		}
		s.taken(to)
		s.landed(to, true, covered < entries.Head)
	}}, nil
}

// takeHead records the countersigned head that answers a push.
func (s *sender) takeHead(ctx context.Context, retailer exchange.ShopID, reply []byte) error {
	head, err := message.Reply[message.SignedHead](s.codec, reply)
	if err != nil {
		return err
	}
	return s.ledgers.acknowledge(ctx, retailer, head)
}

// composeHead makes a countersigned head for a supplier. It spares the supplier the push of
// entries that came in an answer.
func (s *sender) composeHead(to queue) (*Outgoing, error) {
	head, err := s.ledgers.signHead(ledger.ID{Supplier: to.partner, Retailer: s.me})
	if exchange.CodeOf(err) == exchange.CodeFrozen {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	raw, err := s.frame(head)
	if err != nil {
		return nil, err
	}
	// One attempt is enough: otherwise the supplier pushes, and gets the head as the answer.
	return &Outgoing{To: to.partner, Raw: raw, Done: func(context.Context, []byte, error) { s.landed(to, true, false) }}, nil
}
