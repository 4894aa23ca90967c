package trade

import (
	"bytes"
	"context"
	"errors"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Serve answers one request of the trade protocol. raw is the framed request; the connection
// has proven that from sent it. An error that is an *exchange.Error is for the partner.
func (t *Trade) Serve(ctx context.Context, from exchange.ShopID, raw []byte) ([]byte, error) {
	if from == t.Ledgers.me || !t.Ledgers.members.IsMember(from) {
		return nil, exchange.Errorf(exchange.CodeNotMember, "%v is not a member", from)
	}
	v, err := t.Ledgers.unframe(raw)
	if err != nil {
		return nil, err
	}
	var reply message.Value
	switch req := v.(type) {
	case *message.Hold:
		reply, err = t.Supplier.serveHold(ctx, from, raw, req)
	case *message.Release:
		reply, err = t.Supplier.serveRelease(ctx, from, raw, req)
	case *message.Extend:
		reply, err = t.Supplier.serveExtend(ctx, from, raw, req)
	case *message.HoldStatus:
		reply, err = t.Supplier.serveHoldStatus(from, req)
	case *message.Submit:
		reply, err = t.Ledgers.serveSubmit(ctx, from, req)
	case *message.Push:
		reply, err = t.Ledgers.servePush(ctx, from, req)
	case *message.Pull:
		reply, err = t.Ledgers.entriesAfter(ledger.ID{Supplier: t.Ledgers.me, Retailer: from}, req.After)
	case *message.SignedHead:
		reply, err = t.Ledgers.serveHead(ctx, from, req)
	case *message.StockQuery:
		reply, err = t.Supplier.serveStock(from, req)
	case *message.SealedAnswer:
		reply, err = t.Retailer.serveUnasked(ctx, from, req)
	default:
		err = exchange.Errorf(exchange.CodeInvalid, "a %T is no trade request", v)
	}
	if errors.Is(err, kv.ErrRefused) { // the partner learns no detail of this machine
		t.Ledgers.log.Error("a partner's request was refused by the store", "from", from, "err", err)
		return nil, exchange.Errorf(exchange.CodeDiskFull, "the shop cannot write at the moment, and did nothing; try again later")
	}
	if err != nil {
		return nil, err
	}
	return t.Ledgers.frame(reply)
}

// serveSubmit enters the retailer's signed requests in the order of their
// numbers and answers with every entry the retailer does not have.
func (l *Ledgers) serveSubmit(ctx context.Context, from exchange.ShopID, req *message.Submit) (message.Value, error) {
	id := ledger.ID{Supplier: l.me, Retailer: from}
	if err := l.checkHave(id, req.Have); err != nil {
		return nil, err
	}
	acts := make([]*message.Request, len(req.Requests))
	for i, r := range req.Requests { // verified before the writer's turn
		if err := l.verifier.Verify(message.DomainRequest, from, r.Signed.Payload, r.Signed.Signature); err != nil {
			return nil, err
		}
		act, err := message.Decode[message.Request](l.codec, r.Signed.Payload)
		if err != nil {
			return nil, err
		}
		acts[i] = act
		if acts[i].Supplier != l.me || acts[i].Retailer != from {
			return nil, exchange.Errorf(exchange.CodeInvalid, "the request is for another ledger")
		}
	}
	for entered := 0; entered < len(acts); {
		var n int
		err := l.writer.Do(ctx, func(b *writer.Batch) (err error) {
			n, err = l.enterSome(b, id, req.Requests[entered:], acts[entered:])
			return err
		})
		if exchange.CodeOf(err) == exchange.CodeConflict {
			return l.entriesInstead(id, req.Have, err)
		}
		if err == errSlower && entered > 0 { // the requests before it stay entered
			break
		}
		if err != nil {
			return nil, err
		}
		entered += n
	}
	return l.entriesAfter(id, req.Have)
}

// enterSome enters requests until its share of the batch is spent; n is how many. Each is
// complete by itself. How much a request writes (an order, its parcels, its stock) does not
// follow from its size.
func (l *Ledgers) enterSome(b *writer.Batch, id ledger.ID, sent []message.SubmittedRequest, acts []*message.Request) (n int, err error) {
	l.answering = true
	defer func() { l.answering = false }()
	for share := b.Share(); n < len(acts) && !share.Spent(b); n++ {
		err := l.enterRequest(b, id, sent[n], acts[n])
		if err == errSlower && n > 0 {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return n, nil
}

// checkHave refuses a retailer that says it has more of the ledger than this shop: an entry
// at a position that the retailer has would be a fork. The retailer's word proves nothing, so
// selling goes on; the retailer's next greeting carries the proof.
func (l *Ledgers) checkHave(id ledger.ID, have uint64) error {
	rec := l.committed(id)
	end := uint64(0)
	if rec != nil {
		end = rec.Chain.Position
	}
	if have > end {
		return exchange.Errorf(exchange.CodeRestored, "you hold entry %d of a ledger that ends at %d here", have, end)
	}
	return nil
}

// entriesInstead answers a retailer that gave an answered number to another request, since it
// has lost records. The answer is the entries that it lacks: it adopts them and moves its
// requests up. A retailer that lacks no entry gets the conflict.
func (l *Ledgers) entriesInstead(id ledger.ID, have uint64, conflict error) (message.Value, error) {
	entries, err := l.entriesAfter(id, have)
	if err == nil && len(entries.Entries) == 0 {
		err = conflict
	}
	if err != nil {
		return nil, err
	}
	return entries, nil
}

// enterRequest enters the request with the next number, accepts the repeat of an answered one,
// and refuses a gap.
func (l *Ledgers) enterRequest(b *writer.Batch, id ledger.ID, sent message.SubmittedRequest, req *message.Request) error {
	signed := sent.Signed
	rec, err := l.get(b, id)
	if err != nil {
		return err
	}
	switch {
	case rec.Chain.Frozen:
		return errFrozen
	case req.Number > rec.Chain.Answered+1:
		return exchange.Errorf(exchange.CodeBehind, "request %d came before request %d", req.Number, rec.Chain.Answered+1)
	case req.Number <= rec.Chain.Answered:
		return l.sameRequest(b, id, signed, req.Number)
	}
	if err := l.mayEnter(b, id, req.Act); err != nil {
		return err
	}
	var secret *record.ShipTo
	if len(sent.ShipTo) > 0 {
		secret = &record.ShipTo{Salt: sent.Salt, Raw: sent.ShipTo}
	}
	outcome, err := l.answer(b, id, signed, req, secret)
	if err != nil {
		return err
	}
	if submit, ok := req.Act.(message.SubmitOrder); ok && outcome == exchange.CodeOK && !l.supplier.policy.Load().AcceptByHand {
		return l.attemptQuietly(b, func(b *writer.Batch) error { return l.perform(b, id, message.AcceptOrder{Order: submit.Order}) })
	}
	return nil
}

// attemptQuietly drops a refusal: an order that was refused cannot be accepted.
func (l *Ledgers) attemptQuietly(b *writer.Batch, op func(*writer.Batch) error) error {
	if err := b.Attempt(op); exchange.CodeOf(err) == exchange.CodeInternal {
		return err
	}
	return nil
}

// sameRequest fails with CodeConflict unless the request is the one answered under its number.
func (l *Ledgers) sameRequest(b *writer.Batch, id ledger.ID, signed message.SignedRequest, number uint64) error {
	answered, begun, _ := l.entered.Get(b, requestID{id, number})
	if !begun {
		e, err := l.entryOf(b, id, number)
		if err != nil {
			return err
		}
		if e != nil && e.Request != nil {
			answered = message.Digest(e.Request.Payload)
		}
	}
	if answered != message.Digest(signed.Payload) {
		return exchange.Errorf(exchange.CodeConflict, "request %d was answered before, with other content", number)
	}
	return nil
}

// entriesAfter reads committed entries after a position, up to message.MaxEntriesBytes.
func (l *Ledgers) entriesAfter(id ledger.ID, after uint64) (*message.Entries, error) {
	out := &message.Entries{}
	rec := l.committed(id)
	if rec == nil {
		return out, nil
	}
	out.Head = rec.Chain.Position
	if after >= out.Head {
		return out, nil
	}
	size := 0
	for row, err := range kv.Rows(l.store, kv.Range{From: record.EntryKey(id, after+1), To: record.EntryKey(id, out.Head+1)}) {
		if err != nil {
			return nil, err
		}
		size += len(row.Value)
		if size > message.MaxEntriesBytes && len(out.Entries) > 0 {
			break
		}
		out.Entries = append(out.Entries, bytes.Clone(row.Value))
	}
	return out, nil
}

// serveHead records a countersigned head. Its answer is empty.
func (l *Ledgers) serveHead(ctx context.Context, from exchange.ShopID, signed *message.SignedHead) (message.Value, error) {
	return &message.Entries{}, l.acknowledge(ctx, from, signed)
}

// acknowledge verifies a retailer's countersigned head and records it.
func (l *Ledgers) acknowledge(ctx context.Context, from exchange.ShopID, signed *message.SignedHead) error {
	if err := l.verifier.Verify(message.DomainHead, from, signed.Payload, signed.Signature); err != nil {
		return err
	}
	head, err := message.Decode[message.Head](l.codec, signed.Payload)
	if err != nil {
		return err
	}
	if head.Supplier != l.me || head.Retailer != from {
		return exchange.Errorf(exchange.CodeInvalid, "the head is of another ledger")
	}
	id := ledger.ID{Supplier: l.me, Retailer: from}
	return l.writer.Do(ctx, func(b *writer.Batch) error {
		rec, err := l.get(b, id)
		if err != nil || head.Position == rec.Chain.Acked || head.Position == 0 {
			return err
		}
		at := rec.Chain.Hash
		if head.Position < rec.Chain.Position {
			if at, err = l.entryHash(b, id, head.Position); err != nil {
				return err
			}
		}
		if rec.Chain, err = rec.Chain.Ack(head.Position, head.Hash, at); err != nil {
			// A head alone is the retailer's word. Only an entry sealed by this shop proves a
			// loss; a greeting carries it.
			return err
		}
		if head.Position == rec.Chain.Acked {
			rec.AckedHead = *signed
		}
		l.set(b, id, rec)
		b.Then(headCountersigned{id, rec.Chain.Acked, rec.Chain.Position})
		return nil
	})
}

// entryHash is the hash of the stored entry at a position.
func (l *Ledgers) entryHash(b *writer.Batch, id ledger.ID, position uint64) ([32]byte, error) {
	sealed, ok, err := b.Get(record.EntryKey(id, position))
	if err != nil {
		return [32]byte{}, err
	}
	if !ok {
		return [32]byte{}, exchange.Errorf(exchange.CodeInternal, "entry %d is not in the store", position)
	}
	payload, err := l.verifier.Peek(sealed)
	if err != nil {
		return [32]byte{}, err
	}
	return message.Digest(payload), nil
}

// serveStock answers a partner's question what is available now.
func (s *Supplier) serveStock(from exchange.ShopID, req *message.StockQuery) (message.Value, error) {
	if !s.partnerships.MayReadFeed(from) {
		return nil, exchange.Errorf(exchange.CodeNoPartnership, "no partnership is in force in this direction")
	}
	answer := &message.StockAnswer{At: s.clock.Now()}
	for _, sku := range req.SKUs {
		line := message.StockLine{SKU: sku}
		product, err := s.shelf.Product(sku)
		if err != nil && exchange.CodeOf(err) != exchange.CodeNotFound {
			return nil, err
		}
		if err == nil {
			if line.Available, err = s.shelf.Bounds.Offered(sku, from); err != nil {
				return nil, err
			}
			line.Known, line.Price = true, product.Product.Price
		}
		answer.Lines = append(answer.Lines, line)
	}
	return answer, nil
}
