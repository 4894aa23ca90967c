package desk

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bucket"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// publishing is one drain of dirty marks within a batch.
type publishing struct {
	d      *Desk
	b      *batch
	meta   *record.Feed
	before uint64 // sequence before
	epoch  bool   // a new one begins
	bytes  int

	items    []message.FeedItem
	overflow bool // the items are too many for an update
	size     int
	changed  map[uint32]map[string]bucket.Row // by bucket and SKU: what the batch makes of it
}

func (d *Desk) newPublishing(b *batch) (*publishing, error) {
	meta, err := batchMeta(b)
	if err != nil {
		return nil, err
	}
	p := &publishing{d: d, b: b, meta: meta, changed: make(map[uint32]map[string]bucket.Row)}
	if meta.Epoch == 0 || meta.Epoch <= d.feed.highest {
		if meta.Epoch, err = catalog.NextEpoch(b.now, max(meta.Epoch, d.feed.highest)); err != nil {
			return nil, err
		}
		p.epoch = true
	}
	if meta.Key == (message.FeedKey{}) {
		if meta.Key, err = d.newFeedKey(); err != nil {
			return nil, err
		}
	}
	p.before = meta.Sequence
	return p, nil
}

// room is how many marks fit the batch besides what is in it: buckets' groups and
// the feed's row are always written, a quarter of the batch is left to others.
func (p *publishing) room() int {
	limit := p.d.limits.BatchWrites*3/4 - len(p.b.writes) - 2*len(p.b.stocks) - bucket.Groups - 1
	return max(1, min(MaxPublish, limit/writesPerChange))
}

// full reports that the records published take a quarter of a batch's bytes;
// another quarter is for groups and what else the batch holds beyond its half.
func (p *publishing) full() bool { return p.bytes > p.d.limits.BatchBytes/4 }

// product publishes what has become of one product, if that is news.
func (p *publishing) product(sku exchange.SKU) error {
	itemKey := bucket.Key(prefixFeedItem, sku)
	row, known, err := p.b.get(itemKey)
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
		p.b.put(kv.Key(prefixFeedTombstone, kv.Uint64(next.Sequence)), []byte(sku))
		p.meta.Tombstones++
	}
	p.b.put(itemKey, row)
	p.b.put(changeKey(next.Sequence), changeRow(sku, record))
	p.note(sku, next, record)
	return nil
}

// record encodes what the catalog says of a product: nil where it is not offered.
// A product that no partner would accept is not offered either.
func (p *publishing) record(sku exchange.SKU) ([]byte, error) {
	product, live, err := p.d.publicProduct(p.b, sku)
	if err != nil || !live {
		return nil, err
	}
	if err := catalog.CheckProduct(product); err != nil {
		p.d.log.Warn("a product is left out of the catalog", "sku", sku, "err", err)
		return nil, nil
	}
	return p.d.codec.Encode(&message.FeedProduct{Product: product})
}

// replace removes the rows of a product's former change.
func (p *publishing) replace(sku exchange.SKU, old bucket.Row, known bool) {
	if !known {
		return
	}
	p.b.del(changeKey(old.Sequence))
	if !old.Live {
		p.b.del(kv.Key(prefixFeedTombstone, kv.Uint64(old.Sequence)))
		p.meta.Tombstones--
	}
}

// note keeps what the digest and the update need to know of a change.
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

// dropTombstones forgets the oldest removals beyond MaxTombstones and raises the
// floor to the last forgotten. What this batch removed stays until the next.
func (p *publishing) dropTombstones() error {
	excess := int(p.meta.Tombstones) - p.d.feed.tombstones
	if excess <= 0 {
		return nil
	}
	type tombstone struct {
		seq uint64
		sku exchange.SKU
	}
	var oldest []tombstone
	err := p.d.store.Scan(kv.Prefix([]byte(prefixFeedTombstone)), func(k, v []byte) bool {
		oldest = append(oldest, tombstone{binary.BigEndian.Uint64(k[len(prefixFeedTombstone):]), exchange.SKU(v)})
		return len(oldest) < min(excess, MaxPublish)
	})
	if err != nil {
		return err
	}
	for _, t := range oldest {
		k := kv.Key(prefixFeedTombstone, kv.Uint64(t.seq))
		if _, still, err := p.b.get(k); err != nil {
			return err
		} else if !still {
			continue // the product has come back in this batch
		}
		p.b.del(k)
		p.b.del(changeKey(t.seq))
		p.b.del(bucket.Key(prefixFeedItem, t.sku))
		p.meta.Tombstones--
		p.meta.Floor = max(p.meta.Floor, t.seq)
	}
	return nil
}

// finish digests the changed buckets, signs the head and writes the feed's row.
// Memory follows when the batch is durable.
func (p *publishing) finish() error {
	d := p.d
	if p.meta.Sequence == p.before && !p.epoch && len(p.meta.Head.Payload) > 0 {
		return nil
	}
	sums := make(map[uint32]bucket.Sum, len(p.changed))
	for number, rows := range p.changed {
		sum, err := bucket.SumOne(d.store, []byte(prefixFeedItem), number, itemRow, rows)
		if err != nil {
			return err
		}
		sums[number] = sum
	}
	set := d.feed.set.With(sums)
	for _, w := range set.Rows([]byte(prefixFeedGroup)) {
		p.b.put(w.Key, w.Value)
	}
	if err := p.sign(set); err != nil {
		return err
	}
	if err := p.b.save(keyFeed, p.meta); err != nil {
		return err
	}
	update := &message.FeedUpdate{Head: p.meta.Head, After: p.before, Items: p.items}
	if p.epoch {
		update.After, update.Items = 0, nil
	}
	p.b.then(func() {
		f := d.feed
		set.Apply()
		f.mu.Lock()
		defer f.mu.Unlock()
		f.update = mergeUpdates(f.update, update)
		f.poke()
	})
	return nil
}

func (p *publishing) sign(set *bucket.Change) error {
	p.meta.Count = set.Count
	payload, err := p.d.codec.Encode(&message.FeedHead{
		Shop: p.d.me, Feed: exchange.MainFeed, Epoch: p.meta.Epoch, Sequence: p.meta.Sequence,
		Count: set.Count, Digest: set.Tree.Root(), At: p.b.now,
	})
	if err != nil {
		return err
	}
	sig, err := p.d.signer.Sign(message.DomainFeed, payload)
	if err != nil {
		return err
	}
	p.meta.Head = message.SignedFeedHead{Payload: payload, Signature: sig}
	return nil
}

// mergeUpdates makes one update of two that follow each other: the later head, and
// the latest change of each product; no changes where one of them had none to give
// or they are too many together.
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
