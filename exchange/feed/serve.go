package feed

import (
	"context"
	"encoding/binary"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bucket"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Serve answers a partner's pull, chunk by chunk. Changes, or bucket digests, come from one
// snapshot of the store; whole buckets do not. send may block. Errors:
//   - CodeNoPartnership: from may not see the catalog
//   - CodeNotFound, CodeInvalid: there is no such feed, or the pull is out of bounds
//   - CodeRestored: the shop has stopped selling
//   - CodeUnavailable: the feed has no head yet, or has just begun another epoch
//   - send's error, and ctx's
func (f *Feed) Serve(ctx context.Context, from exchange.ShopID, pull *message.FeedPull, send func(*message.FeedChunk) error) error {
	if from != f.cfg.Shop && !f.cfg.MayRead(from) {
		return exchange.Errorf(exchange.CodeNoPartnership, "there is no partnership under which %v may see this catalog; propose one", from)
	}
	if err := checkPull(pull); err != nil {
		return err
	}
	if pull.Have != nil {
		if err := f.checkHave(ctx, from, pull.Have); err != nil {
			return err
		}
	}
	if err := f.cfg.Selling.MaySell(); err != nil {
		return err
	}
	meta, err := f.meta()
	if err != nil {
		return err
	}
	if len(meta.Head.Payload) == 0 {
		return exchange.Errorf(exchange.CodeUnavailable, "the catalog has not been published yet; try again in a second")
	}
	s := &serving{ctx: ctx, f: f, send: send, first: meta.Head, chunk: message.FeedChunk{Head: &meta.Head, Key: &meta.Key}}
	switch {
	case pull.BucketDigests:
		return s.digests()
	case len(pull.Buckets) > 0:
		return s.buckets(pull.Buckets)
	}
	return s.changes(pull, meta)
}

func checkPull(p *message.FeedPull) error {
	if p.Feed != exchange.MainFeed {
		return exchange.Errorf(exchange.CodeNotFound, "there is no feed %.40q; use %q", p.Feed, exchange.MainFeed)
	}
	if len(p.Buckets) > message.MaxPullBuckets {
		return exchange.Errorf(exchange.CodeInvalid, "a pull asks for at most %d buckets, not %d", message.MaxPullBuckets, len(p.Buckets))
	}
	for i, b := range p.Buckets {
		if b >= catalog.Buckets || i > 0 && p.Buckets[i-1] >= b {
			return exchange.Errorf(exchange.CodeInvalid, "a pull asks for ascending buckets below %d", catalog.Buckets)
		}
	}
	return nil
}

// checkHave stops selling if a partner shows a head that this shop signed and has lost
// (design: Restore): the change that is lost may have been a sale to another partner. It
// ignores a head that does not verify. Why the feed then signs nothing says the package's doc.
func (f *Feed) checkHave(ctx context.Context, from exchange.ShopID, have *message.SignedFeedHead) error {
	if f.cfg.Verifier.Verify(message.DomainFeed, f.cfg.Shop, have.Payload, have.Signature) != nil {
		return nil
	}
	theirs, err := f.ownHead(*have)
	if err != nil || theirs.Shop != f.cfg.Shop || theirs.Feed != exchange.MainFeed {
		return nil
	}
	meta, err := f.meta()
	if err != nil {
		return err
	}
	if is, err := f.lacks(&meta, theirs); err != nil || !is {
		return err
	}
	return f.cfg.Writer.Do(ctx, func(b *writer.Batch) error {
		now, err := f.metaFrom(b)
		if err != nil {
			return err
		}
		if is, err := f.lacks(&now, theirs); err != nil || !is {
			return err
		}
		f.cfg.Selling.Stop(b, "shop "+from.String()+" holds a catalog head signed by this shop that is not in this store; the store was restored from an old backup or lost data")
		return nil
	})
}

// lacks reports whether a feed that stands at meta has lost the state of head, which this shop
// signed: head is later, or states another set for the same position.
func (f *Feed) lacks(meta *record.Feed, head *message.FeedHead) (bool, error) {
	if len(meta.Head.Payload) == 0 {
		return true, nil
	}
	ours, err := f.ownHead(meta.Head)
	if err != nil {
		return false, err
	}
	order := head.Position().Compare(ours.Position())
	return order > 0 || order == 0 && head.Digest != ours.Digest, nil
}

// serving is one answer while it is sent.
type serving struct {
	ctx   context.Context
	f     *Feed
	send  func(*message.FeedChunk) error
	first message.SignedFeedHead // sent in the first chunk
	chunk message.FeedChunk      // the next to send
	bytes int                    // of the chunk's items
}

func (s *serving) add(it message.FeedItem) error {
	s.chunk.Items = append(s.chunk.Items, it)
	s.bytes += len(it.SKU) + len(it.Record) + itemOverhead
	if s.bytes < message.MaxChunkBytes {
		return nil
	}
	return s.flush()
}

func (s *serving) flush() error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	chunk := s.chunk
	s.chunk, s.bytes = message.FeedChunk{}, 0
	return s.send(&chunk)
}

// last ends the answer. now is the feed's row in the snapshot of the items, or nil. If a
// publishing came after the first chunk's head was read, the items add up to now's head.
func (s *serving) last(now *record.Feed) error {
	if now != nil && string(now.Head.Payload) != string(s.first.Payload) {
		s.chunk.Head = &now.Head
	}
	s.chunk.Last = true
	return s.flush()
}

// changes sends the changes after the asked sequence, or everything. One scan reads the
// changes in their order and, at its end, the feed's row.
func (s *serving) changes(pull *message.FeedPull, meta record.Feed) error {
	at := catalog.Position{Epoch: pull.Epoch, Sequence: pull.After}
	after := pull.After
	if s.chunk.Full = catalog.NeedsFull(at, catalog.Position{Epoch: meta.Epoch, Sequence: meta.Sequence}, meta.Floor); s.chunk.Full {
		after = 0
	}
	full := s.chunk.Full
	var now *record.Feed
	r := kv.Range{From: changeKey(after + 1), To: append(keyFeed[:len(keyFeed):len(keyFeed)], 0)}
	for row, err := range kv.Rows(s.f.cfg.Store, r) {
		if err != nil {
			return err
		}
		if string(row.Key) == string(keyFeed) {
			if now, err = s.readMeta(row.Value); err != nil {
				return err
			}
			break
		}
		it, err := parseChange(row.Key, row.Value)
		if err != nil {
			return err
		}
		if full && len(it.Record) == 0 {
			continue
		}
		if err := s.add(it); err != nil {
			return err
		}
	}
	if now != nil && (now.Epoch != meta.Epoch || !full && now.Floor > after) {
		return exchange.Errorf(exchange.CodeUnavailable, "the catalog's feed has just begun again; ask again")
	}
	return s.last(now)
}

func (s *serving) readMeta(row []byte) (*record.Feed, error) {
	return record.Decode[record.Feed](s.f.cfg.Codec, row)
}

// digests sends all bucket digests and the head of their snapshot.
func (s *serving) digests() error {
	set := bucket.NewSet()
	digests := make(map[uint32]catalog.Digest, catalog.Buckets)
	for row, err := range kv.Rows(s.f.cfg.Store, kv.Range{From: keyFeed, To: kv.Prefix([]byte(prefixGroup)).To}) {
		if err != nil {
			return err
		}
		if string(row.Key) == string(keyFeed) {
			now, err := s.readMeta(row.Value)
			if err != nil {
				return err
			}
			s.chunk.Head = &now.Head
			continue
		}
		if err := set.Read(row.Key[len(prefixGroup):], row.Value, digests); err != nil {
			return err
		}
	}
	set.Tree.SetAll(digests)
	s.chunk.Digests = set.Tree.Digests()
	s.chunk.Last = true
	return s.flush()
}

// buckets sends whole buckets. A product that changes meanwhile may be missing; a partner
// that repairs its replica asks next for the changes after the replica's sequence.
func (s *serving) buckets(list []uint32) error {
	for _, number := range list {
		var items []message.FeedItem
		at := bucket.GroupKey([]byte(prefixItem), uint16(number))
		for row, err := range kv.Rows(s.f.cfg.Store, kv.Prefix(at)) {
			if err != nil {
				return err
			}
			if len(row.Value) > 8 {
				items = append(items, message.FeedItem{Sequence: binary.BigEndian.Uint64(row.Value), SKU: exchange.SKU(row.Key[len(at):])})
			}
		}
		for _, it := range items {
			k := changeKey(it.Sequence)
			row, ok, err := s.f.cfg.Store.Get(k)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if it, err = parseChange(k, row); err != nil {
				return err
			}
			if err := s.add(it); err != nil {
				return err
			}
		}
	}
	return s.last(nil)
}
