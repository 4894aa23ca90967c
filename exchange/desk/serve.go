package desk

import (
	"context"
	"errors"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// Serve answers one request of the trade protocol. raw is what the partner
// sent; the connection has proven that from sent it. An error that is an
// *exchange.Error is for the partner.
func (d *Desk) Serve(ctx context.Context, from exchange.ShopID, raw []byte) ([]byte, error) {
	if from == d.me || !d.members.IsMember(from) {
		return nil, exchange.Errorf(exchange.CodeNotMember, "%v is not a member", from)
	}
	v, err := d.unframe(raw)
	if err != nil {
		return nil, err
	}
	var reply message.Value
	switch req := v.(type) {
	case *message.Hold:
		reply, err = d.serveHold(ctx, from, raw, req)
	case *message.Release:
		reply, err = d.serveRelease(ctx, from, raw, req)
	case *message.Extend:
		reply, err = d.serveExtend(ctx, from, raw, req)
	case *message.HoldStatus:
		reply, err = d.serveHoldStatus(from, req)
	case *message.Submit:
		reply, err = d.serveSubmit(ctx, from, req)
	case *message.Push:
		reply, err = d.servePush(ctx, from, req)
	case *message.Pull:
		reply, err = d.entriesAfter(ledger.ID{Supplier: d.me, Retailer: from}, req.After)
	case *message.SignedHead:
		reply, err = d.serveHead(ctx, from, req)
	case *message.StockQuery:
		reply, err = d.serveStock(from, req)
	default:
		err = exchange.Errorf(exchange.CodeInvalid, "a %T is no trade request", v)
	}
	if errors.Is(err, kv.ErrRefused) { // what it says of this machine is not the partner's business
		d.log.Error("a partner's request was refused by the store", "from", from, "err", err)
		return nil, exchange.Errorf(exchange.CodeDiskFull, "the shop cannot write at the moment, and did nothing; try again later")
	}
	if err != nil {
		return nil, err
	}
	return d.frame(reply)
}

// serveSubmit enters the retailer's signed requests in the order of their
// numbers and answers with every entry the retailer does not have.
func (d *Desk) serveSubmit(ctx context.Context, from exchange.ShopID, req *message.Submit) (message.Value, error) {
	c := ledger.ID{Supplier: d.me, Retailer: from}
	if err := d.checkHave(c, req.Have); err != nil {
		return nil, err
	}
	acts := make([]*message.Request, len(req.Requests))
	for i, r := range req.Requests { // verified before the queue
		if err := d.verifier.Verify(message.DomainRequest, from, r.Signed.Payload, r.Signed.Signature); err != nil {
			return nil, err
		}
		v, err := d.codec.Decode(message.KindRequest, r.Signed.Payload)
		if err != nil {
			return nil, err
		}
		acts[i] = v.(*message.Request)
		if acts[i].Supplier != d.me || acts[i].Retailer != from {
			return nil, exchange.Errorf(exchange.CodeInvalid, "the request is for another ledger")
		}
	}
	for entered := 0; entered < len(acts); {
		var n int
		err := d.do(ctx, func(b *batch) (err error) {
			n, err = d.enterSome(b, c, req.Requests[entered:], acts[entered:])
			return err
		})
		if exchange.CodeOf(err) == exchange.CodeConflict {
			return d.entriesInstead(c, req.Have, err)
		}
		if err == errSlower && entered > 0 { // those before it stay entered
			break
		}
		if err != nil {
			return nil, err
		}
		entered += n
	}
	return d.entriesAfter(c, req.Have)
}

// enterSome enters requests until its share of the batch is spent, and says how many
// those were: each is complete by itself, and what one writes (an order, its parcels,
// its stock) has little to do with its own size.
func (d *Desk) enterSome(b *batch, c ledger.ID, sent []message.SubmittedRequest, acts []*message.Request) (n int, err error) {
	b.answering = true
	defer func() { b.answering = false }()
	for share := b.share(); n < len(acts) && !share.spent(b); n++ {
		err := d.enterRequest(b, c, sent[n], acts[n])
		if err == errSlower && n > 0 {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return n, nil
}

// checkHave refuses a retailer that says it has more of the ledger than this shop:
// to enter anything below its position would be a fork. Its word proves nothing, so
// nothing else follows; its next greeting carries the proof.
func (d *Desk) checkHave(c ledger.ID, have uint64) error {
	v, err := d.read(record.KindLedger, record.LedgerKey(c))
	if err != nil {
		return err
	}
	end := uint64(0)
	if v != nil {
		end = v.(*record.Ledger).Chain.Position
	}
	if have > end {
		return exchange.Errorf(exchange.CodeRestored, "you hold entry %d of a ledger that ends at %d here", have, end)
	}
	return nil
}

// entriesInstead answers a retailer that gave an answered number to another
// request with the entries it lacks: it has lost state, adopts them and continues its
// numbering. One that lacks nothing gets the conflict.
func (d *Desk) entriesInstead(c ledger.ID, have uint64, conflict error) (message.Value, error) {
	entries, err := d.entriesAfter(c, have)
	if err == nil && len(entries.Entries) == 0 {
		err = conflict
	}
	if err != nil {
		return nil, err
	}
	return entries, nil
}

// enterRequest answers the next number, repeats an answered one, and refuses a gap.
func (d *Desk) enterRequest(b *batch, c ledger.ID, sent message.SubmittedRequest, req *message.Request) error {
	signed := sent.Signed
	rec, err := b.chain(c)
	if err != nil {
		return err
	}
	switch {
	case rec.Chain.Frozen:
		return errFrozen
	case req.Number > rec.Chain.Answered+1:
		return exchange.Errorf(exchange.CodeBehind, "request %d came before request %d", req.Number, rec.Chain.Answered+1)
	case req.Number <= rec.Chain.Answered:
		return d.sameRequest(b, c, signed, req.Number)
	}
	if err := d.mayEnter(b, c, req.Act); err != nil {
		return err
	}
	var secret *record.ShipTo
	if len(sent.ShipTo) > 0 {
		secret = &record.ShipTo{Salt: sent.Salt, Raw: sent.ShipTo}
	}
	outcome, err := d.answer(b, c, signed, req, secret)
	if err != nil {
		return err
	}
	if submit, ok := req.Act.(message.SubmitOrder); ok && outcome == exchange.CodeOK && !d.policy.Load().AcceptByHand {
		return b.attemptQuietly(func(b *batch) error { return d.perform(b, c, message.AcceptOrder{Order: submit.Order}) })
	}
	return nil
}

// attemptQuietly drops a refusal: an order that was refused cannot be accepted.
func (b *batch) attemptQuietly(op func(*batch) error) error {
	if err := b.attempt(op); exchange.CodeOf(err) == exchange.CodeInternal {
		return err
	}
	return nil
}

// sameRequest lets a repeat pass and calls other bytes under its number a conflict.
func (d *Desk) sameRequest(b *batch, c ledger.ID, signed message.SignedRequest, number uint64) error {
	answered, begun := b.entered[string(record.NumberKey(c, number))]
	if !begun {
		e, err := d.entryOf(b, c, number)
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

// MaxEntriesBytes bounds the sealed entries of one answer or push: a message of
// the trade protocol is 256 KiB at most, its tags included, and one entry (an order
// of 64 lines, its quote inside its request) may be 53 KiB. A test holds it against
// the limits of package protocol.
const MaxEntriesBytes = 240 << 10

// entriesAfter reads committed entries after a position, up to MaxEntriesBytes.
func (d *Desk) entriesAfter(c ledger.ID, after uint64) (*message.Entries, error) {
	out := &message.Entries{}
	v, err := d.read(record.KindLedger, record.LedgerKey(c))
	if err != nil || v == nil {
		return out, err
	}
	out.Head = v.(*record.Ledger).Chain.Position
	if after >= out.Head {
		return out, nil
	}
	size := 0
	err = d.store.Scan(kv.Range{From: record.EntryKey(c, after+1), To: record.EntryKey(c, out.Head+1)}, func(_, sealed []byte) bool {
		size += len(sealed)
		if size > MaxEntriesBytes && len(out.Entries) > 0 {
			return false
		}
		out.Entries = append(out.Entries, append([]byte(nil), sealed...))
		return true
	})
	return out, err
}

// servePush takes entries from a supplier and answers how far this shop has them.
func (d *Desk) servePush(ctx context.Context, from exchange.ShopID, req *message.Push) (message.Value, error) {
	c := ledger.ID{Supplier: from, Retailer: d.me}
	list, err := d.openEntries(from, req.Entries)
	if err != nil {
		return nil, err
	}
	// Entries that are missing before these are asked for; the head says which.
	if err := d.adoptAll(ctx, c, list); exchange.CodeOf(err) == exchange.CodeBehind {
		d.partners.seen(from, list[len(list)-1].entry.Position)
		d.courier.behind(from)
	} else if err != nil {
		return nil, err
	}
	return d.signHead(c)
}

// serveHead records how far the retailer has countersigned; it answers nothing.
func (d *Desk) serveHead(ctx context.Context, from exchange.ShopID, signed *message.SignedHead) (message.Value, error) {
	return &message.Entries{}, d.acknowledge(ctx, from, signed)
}

func (d *Desk) acknowledge(ctx context.Context, from exchange.ShopID, signed *message.SignedHead) error {
	if err := d.verifier.Verify(message.DomainHead, from, signed.Payload, signed.Signature); err != nil {
		return err
	}
	v, err := d.codec.Decode(message.KindHead, signed.Payload)
	if err != nil {
		return err
	}
	head := v.(*message.Head)
	if head.Supplier != d.me || head.Retailer != from {
		return exchange.Errorf(exchange.CodeInvalid, "the head is of another ledger")
	}
	c := ledger.ID{Supplier: d.me, Retailer: from}
	return d.do(ctx, func(b *batch) error {
		rec, err := b.chain(c)
		if err != nil || head.Position == rec.Chain.Acked || head.Position == 0 {
			return err
		}
		at := rec.Chain.Hash
		if head.Position < rec.Chain.Position {
			if at, err = d.entryHash(b, c, head.Position); err != nil {
				return err
			}
		}
		if rec.Chain, err = rec.Chain.Ack(head.Position, head.Hash, at); err != nil {
			// A head alone is the retailer's word; only an entry sealed by this shop
			// (hello carries it) proves a loss.
			return err
		}
		if head.Position == rec.Chain.Acked {
			rec.AckedHead = *signed
		}
		b.setChain(c, rec)
		b.then(func() { d.courier.acked(c, rec.Chain.Acked, rec.Chain.Position) })
		return nil
	})
}

func (d *Desk) entryHash(b *batch, c ledger.ID, position uint64) ([32]byte, error) {
	sealed, ok, err := b.get(record.EntryKey(c, position))
	if err != nil {
		return [32]byte{}, err
	}
	if !ok {
		return [32]byte{}, exchange.Errorf(exchange.CodeInternal, "entry %d is not in the store", position)
	}
	payload, err := d.verifier.Peek(sealed)
	if err != nil {
		return [32]byte{}, err
	}
	return message.Digest(payload), nil
}

// serveStock says what is available now, to partners.
func (d *Desk) serveStock(from exchange.ShopID, req *message.StockQuery) (message.Value, error) {
	if !d.mayReadFeed(from) {
		return nil, exchange.Errorf(exchange.CodeNoPartnership, "no partnership is in force in this direction")
	}
	answer := &message.StockAnswer{At: d.clock.Now()}
	for _, sku := range req.SKUs {
		line := message.StockLine{SKU: sku}
		v, err := d.read(record.KindProduct, record.ProductKey(sku))
		if err != nil {
			return nil, err
		}
		if v != nil && !v.(*record.Product).Removed {
			s, err := d.Stock(sku)
			if err != nil {
				return nil, err
			}
			line.Known, line.Available, line.Price = true, s.Availability(), v.(*record.Product).Product.Price
		}
		answer.Lines = append(answer.Lines, line)
	}
	return answer, nil
}

// ask sends a framed request to a partner and waits for a signed answer: a
// time-out is "unknown", so it asks again with the same bytes after 1, 2, 4, 8, 8 …
// seconds until ctx ends. A partner's own refusal ends it; so does its word that it
// could write nothing, unless an attempt before that may have been carried out.
func (d *Desk) ask(ctx context.Context, to exchange.ShopID, raw []byte) ([]byte, error) {
	sure := true // no earlier attempt may have been carried out
	for attempt := 0; ; attempt++ {
		reply, err := d.attempt(ctx, to, raw)
		if err == nil || isRefusal(err) {
			return reply, err
		}
		if sure = sure && errors.Is(err, kv.ErrRefused); sure {
			return nil, exchange.Errorf(exchange.CodeUnavailable, "%s: %w", to.Short(), err)
		}
		if d.inline { // a simulation retries itself
			return nil, unknown(to, err)
		}
		select {
		case <-time.After(retryPause(attempt)):
		case <-ctx.Done():
			return nil, unknown(to, err)
		}
	}
}

// attempt is one request whose answer is waited for as long as one may be under way.
func (d *Desk) attempt(ctx context.Context, to exchange.ShopID, raw []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return d.network.Request(ctx, to, raw)
}

// askTimeout is how long a caller waits for one answer before it asks again: the
// worst round trip over a relay (1 s) and a busy supplier's batches (1 s), doubled.
const askTimeout = 4 * time.Second

// ErrUnanswered is what a partner leaves behind that did not answer a request: nobody
// knows whether it acted. It comes with CodeUnavailable, the partner and the cause.
var ErrUnanswered = errors.New("did not answer; whether it acted is unknown, ask again with the same id")

func unknown(to exchange.ShopID, err error) error {
	// %v: the cause may be the sure no of the last attempt alone, which this is not.
	return exchange.Errorf(exchange.CodeUnavailable, "%s %w: %v", to.Short(), ErrUnanswered, err)
}

// retryPause is 1, 2, 4, 8, 8 … seconds (design: Ledger).
func retryPause(attempt int) time.Duration {
	return time.Second << min(attempt, 3)
}

// isRefusal reports an answer that asking again will not change.
func isRefusal(err error) bool {
	code := exchange.CodeOf(err)
	return code != exchange.CodeOK && code != exchange.CodeInternal && !code.Retry()
}
