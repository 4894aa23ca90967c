package feed

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bucket"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// publishing is one drain of dirty marks within a batch.
type publishing struct {
	f      *Feed
	b      *writer.Batch
	meta   *record.Feed
	before uint64 // sequence before
	epoch  bool   // a new epoch begins
	bytes  int    // of the rows written, estimated

	items    []message.FeedItem               // for the update; none once overflow is set
	overflow bool                             // the items are too large for an update
	size     int                              // of the items
	changed  map[uint32]map[string]bucket.Row // by bucket and SKU: the rows that the batch writes
}

func (f *Feed) newPublishing(b *writer.Batch) (*publishing, error) {
	meta, err := f.metaFrom(b)
	if err != nil {
		return nil, err
	}
	p := &publishing{f: f, b: b, meta: &meta, changed: make(map[uint32]map[string]bucket.Row)}
	if meta.Epoch == 0 || meta.Epoch <= f.highest {
		if meta.Epoch, err = catalog.NextEpoch(b.Now(), max(meta.Epoch, f.highest)); err != nil {
			return nil, err
		}
		p.epoch = true
	}
	if meta.Key == (message.FeedKey{}) {
		if meta.Key, err = f.newKey(); err != nil {
			return nil, err
		}
	}
	p.before = meta.Sequence
	return p, nil
}

// room is how many marks fit in the batch beside the writes in it.
func (p *publishing) room() int { return max(1, min(MaxPublish, p.left()/writesPerChange)) }

// left is how many writes fit in the batch beside those in it. It leaves room for all groups of
// buckets and the feed's row, and a quarter of the batch to other operations.
func (p *publishing) left() int {
	return p.f.cfg.Writer.Limits().BatchWrites*3/4 - p.b.Writes() - bucket.Groups - 1
}

// full reports that the published records take a quarter of a batch's bytes. A second
// quarter is for the groups; half is for other operations.
func (p *publishing) full() bool { return p.bytes > p.f.cfg.Writer.Limits().BatchBytes/4 }

// product publishes one product if its public record differs from the record published last.
func (p *publishing) product(sku exchange.SKU) error {
	itemKey := bucket.Key(prefixItem, sku)
	row, known, err := p.b.Get(itemKey)
	if err != nil {
		return err
	}
	var old bucket.Row
	if known {
		if old.Sequence, old.Hash, old.Live, err = itemRow(row); err != nil {
			return err
		}
	}
	record, err := p.record(sku)
	if err != nil {
		return err
	}
	next := bucket.Row{Live: record != nil, Hash: sha256.Sum256(record)}
	if next.Live == old.Live && (!next.Live || next.Hash == old.Hash) {
		return nil
	}
	p.meta.Sequence++
	next.Sequence = p.meta.Sequence
	p.replace(sku, old, known)
	row = kv.Uint64(next.Sequence)
	if next.Live {
		row = append(row, next.Hash[:]...)
	} else {
		p.b.Put(kv.Key(prefixTombstone, kv.Uint64(next.Sequence)), []byte(sku))
		p.meta.Tombstones++
	}
	p.b.Put(itemKey, row)
	p.b.Put(changeKey(next.Sequence), changeRow(sku, record))
	p.note(sku, next, record)
	return nil
}

// record encodes what the catalog says of a product; nil if the product is not offered. A
// product that no partner would accept counts as not offered.
func (p *publishing) record(sku exchange.SKU) ([]byte, error) {
	product, live, err := p.f.cfg.Shelf.Public(p.b, sku)
	if err != nil || !live {
		return nil, err
	}
	if err := catalog.CheckProduct(product); err != nil {
		p.f.cfg.Logger.Warn("a product is left out of the catalog", "sku", sku, "err", err)
		return nil, nil
	}
	return p.f.cfg.Codec.Encode(&message.FeedProduct{Product: product})
}

// replace removes the rows of a product's former change.
func (p *publishing) replace(sku exchange.SKU, old bucket.Row, known bool) {
	if !known {
		return
	}
	p.b.Delete(changeKey(old.Sequence))
	if !old.Live {
		p.b.Delete(kv.Key(prefixTombstone, kv.Uint64(old.Sequence)))
		p.meta.Tombstones--
	}
}

// note keeps a change for the digest and the update.
func (p *publishing) note(sku exchange.SKU, row bucket.Row, record []byte) {
	p.touch(sku, row)
	p.bytes += 2*len(sku) + len(record) + 64
	p.size += len(sku) + len(record) + itemOverhead
	if p.overflow = p.overflow || p.size > MaxUpdateBytes; p.overflow {
		p.items = nil
		return
	}
	p.items = append(p.items, message.FeedItem{Sequence: row.Sequence, SKU: sku, Record: record})
}

func (p *publishing) touch(sku exchange.SKU, row bucket.Row) {
	number := catalog.BucketOf(sku)
	if p.changed[number] == nil {
		p.changed[number] = make(map[string]bucket.Row)
	}
	p.changed[number][string(sku)] = row
}

// dropTombstones forgets the oldest removals beyond f.tombstones and raises the floor to the
// last removal forgotten. It reads tombstones from the store: those that this batch wrote
// stay until the next publishing.
func (p *publishing) dropTombstones() error {
	excess := int(p.meta.Tombstones) - p.f.tombstones
	if excess <= 0 || p.idle() { // without a head nobody would know of the floor
		return nil
	}
	type tombstone struct {
		seq uint64
		sku exchange.SKU
	}
	var oldest []tombstone
	for row, err := range kv.Rows(p.f.cfg.Store, kv.Prefix([]byte(prefixTombstone))) {
		if err != nil {
			return err
		}
		oldest = append(oldest, tombstone{binary.BigEndian.Uint64(row.Key[len(prefixTombstone):]), exchange.SKU(row.Value)})
		if len(oldest) == min(excess, MaxPublish) {
			break
		}
	}
	for _, t := range oldest {
		k := kv.Key(prefixTombstone, kv.Uint64(t.seq))
		if _, still, err := p.b.Get(k); err != nil {
			return err
		} else if !still {
			continue // the product has come back in this batch
		}
		p.b.Delete(k)
		p.b.Delete(changeKey(t.seq))
		p.b.Delete(bucket.Key(prefixItem, t.sku))
		p.meta.Tombstones--
		p.meta.Floor = max(p.meta.Floor, t.seq)
	}
	return nil
}

// idle reports that nothing of the catalog changes, so that no head is signed.
func (p *publishing) idle() bool {
	return p.meta.Sequence == p.before && !p.epoch && len(p.meta.Head.Payload) > 0
}

// finish digests the changed buckets, signs the head and writes the feed's row. The set in
// memory changes once the batch is durable.
func (p *publishing) finish() error {
	if p.idle() {
		return nil
	}
	sums := make(map[uint32]bucket.Sum, len(p.changed))
	for number, rows := range p.changed {
		sum, err := bucket.SumOne(p.f.cfg.Store, []byte(prefixItem), number, itemRow, rows)
		if err != nil {
			return err
		}
		sums[number] = sum
	}
	set := p.f.set.With(sums)
	for _, w := range set.Rows([]byte(prefixGroup)) {
		p.b.Put(w.Key, w.Value)
	}
	if err := p.sign(set); err != nil {
		return err
	}
	if err := record.Put(p.b, p.f.cfg.Codec, keyFeed, p.meta); err != nil {
		return err
	}
	update := &message.FeedUpdate{Head: p.meta.Head, After: p.before, Items: p.items}
	if p.epoch {
		update.After, update.Items = 0, nil
	}
	p.b.Then(changed{set, update})
	return nil
}

func (p *publishing) sign(set *bucket.Change) error {
	p.meta.Count = set.Count
	payload, err := p.f.cfg.Codec.Encode(&message.FeedHead{
		Shop: p.f.cfg.Shop, Feed: exchange.MainFeed, Epoch: p.meta.Epoch, Sequence: p.meta.Sequence,
		Count: set.Count, Digest: set.Tree.Root(), At: p.b.Now(),
	})
	if err != nil {
		return err
	}
	sig, err := p.f.cfg.Signer.Sign(message.DomainFeed, payload)
	if err != nil {
		return err
	}
	p.meta.Head = message.SignedFeedHead{Payload: payload, Signature: sig}
	return nil
}

// mergeUpdates makes one update of two that follow each other: the later head, and the latest
// change of each product. The update has no changes if either of the two has none, or if the
// changes of both are too large together.
func mergeUpdates(first, then *message.FeedUpdate) *message.FeedUpdate {
	if first == nil {
		return then
	}
	merged := &message.FeedUpdate{Head: then.Head, After: first.After}
	if len(first.Items) == 0 || len(then.Items) == 0 {
		return merged
	}
	again := make(map[exchange.SKU]bool, len(then.Items))
	for _, it := range then.Items {
		again[it.SKU] = true
	}
	items := make([]message.FeedItem, 0, len(first.Items)+len(then.Items))
	for _, it := range first.Items {
		if !again[it.SKU] {
			items = append(items, it)
		}
	}
	items = append(items, then.Items...)
	size := 0
	for _, it := range items {
		size += len(it.SKU) + len(it.Record) + itemOverhead
	}
	if size <= MaxUpdateBytes {
		merged.Items = items
	}
	return merged
}
