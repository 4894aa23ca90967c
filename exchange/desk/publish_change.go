package desk

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
)

// publishing is one drain of dirty marks within a batch.
type publishing struct {
	d      *Desk
	b      *batch
	meta   *FeedMeta
	before uint64 // sequence before
	epoch  bool   // a new one begins
	bytes  int

	items    []FeedItem
	overflow bool // the items are too many for an update
	size     int
	changed  map[uint32]map[string]changedRow // by bucket and SKU: what the batch makes of it
}

// changedRow is a product's place in a bucket digest after the batch.
type changedRow struct {
	sequence uint64
	hash     catalog.Digest
	live     bool
}

func (d *Desk) newPublishing(b *batch) (*publishing, error) {
	meta, err := batchMeta(b)
	if err != nil {
		return nil, err
	}
	p := &publishing{d: d, b: b, meta: meta, changed: make(map[uint32]map[string]changedRow)}
	if meta.Epoch == 0 || meta.Epoch <= d.feed.highest {
		if meta.Epoch, err = catalog.NextEpoch(b.now, max(meta.Epoch, d.feed.highest)); err != nil {
			return nil, err
		}
		p.epoch = true
	}
	if meta.Key == (FeedKey{}) {
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
	limit := p.d.limits.BatchWrites*3/4 - len(p.b.writes) - 2*len(p.b.stocks) - bucketGroups - 1
	return max(1, min(MaxPublish, limit/writesPerChange))
}

// full reports that the records published take a quarter of a batch's bytes;
// another quarter is for groups and what else the batch holds beyond its half.
func (p *publishing) full() bool { return p.bytes > p.d.limits.BatchBytes/4 }

// product publishes what has become of one product, if that is news.
func (p *publishing) product(sku exchange.SKU) error {
	itemKey := bucketKey(prefixFeedItem, sku)
	row, known, err := p.b.get(itemKey)
	if err != nil {
		return err
	}
	var old changedRow
	if known {
		if old.sequence, old.hash, old.live, err = itemRow(row); err != nil {
			return err
		}
	}
	record, err := p.record(sku)
	if err != nil {
		return err
	}
	next := changedRow{live: record != nil, hash: sha256.Sum256(record)}
	if next.live == old.live && (!next.live || next.hash == old.hash) {
		return nil
	}
	p.meta.Sequence++
	next.sequence = p.meta.Sequence
	p.replace(sku, old, known)
	row = be64(next.sequence)
	if next.live {
		row = append(row, next.hash[:]...)
	} else {
		p.b.put(key(prefixFeedTombstone, be64(next.sequence)), []byte(sku))
		p.meta.Tombstones++
	}
	p.b.put(itemKey, row)
	p.b.put(changeKey(next.sequence), changeRow(sku, record))
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
	return p.d.codec.Encode(&FeedProduct{product})
}

// replace removes the rows of a product's former change.
func (p *publishing) replace(sku exchange.SKU, old changedRow, known bool) {
	if !known {
		return
	}
	p.b.del(changeKey(old.sequence))
	if !old.live {
		p.b.del(key(prefixFeedTombstone, be64(old.sequence)))
		p.meta.Tombstones--
	}
}

// note keeps what the digest and the update need to know of a change.
func (p *publishing) note(sku exchange.SKU, row changedRow, record []byte) {
	p.touch(sku, row)
	p.bytes += 2*len(sku) + len(record) + 64
	p.size += len(sku) + len(record) + itemOverhead
	if p.overflow = p.overflow || p.size > MaxUpdateBytes; p.overflow {
		p.items = nil
		return
	}
	p.items = append(p.items, FeedItem{Sequence: row.sequence, SKU: sku, Record: record})
}

func (p *publishing) touch(sku exchange.SKU, row changedRow) {
	bucket := catalog.BucketOf(sku)
	if p.changed[bucket] == nil {
		p.changed[bucket] = make(map[string]changedRow)
	}
	p.changed[bucket][string(sku)] = row
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
	err := p.d.store.Scan(Prefix([]byte(prefixFeedTombstone)), func(k, v []byte) bool {
		oldest = append(oldest, tombstone{binary.BigEndian.Uint64(k[len(prefixFeedTombstone):]), exchange.SKU(v)})
		return len(oldest) < min(excess, MaxPublish)
	})
	if err != nil {
		return err
	}
	for _, t := range oldest {
		k := key(prefixFeedTombstone, be64(t.seq))
		if _, still, err := p.b.get(k); err != nil {
			return err
		} else if !still {
			continue // the product has come back in this batch
		}
		p.b.del(k)
		p.b.del(changeKey(t.seq))
		p.b.del(bucketKey(prefixFeedItem, t.sku))
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
	sums := make(map[uint32]bucketSum, len(p.changed))
	for bucket, rows := range p.changed {
		sum, err := sumBucket(d.store, []byte(prefixFeedItem), bucket, itemRow, rows)
		if err != nil {
			return err
		}
		sums[bucket] = sum
	}
	set := d.feed.set.with(sums)
	for _, w := range set.rows([]byte(prefixFeedGroup)) {
		p.b.put(w.Key, w.Value)
	}
	if err := p.sign(set); err != nil {
		return err
	}
	if err := p.b.save(keyFeed, p.meta); err != nil {
		return err
	}
	update := &FeedUpdate{Head: p.meta.Head, After: p.before, Items: p.items}
	if p.epoch {
		update.After, update.Items = 0, nil
	}
	p.b.then(func() {
		f := d.feed
		set.apply()
		f.mu.Lock()
		defer f.mu.Unlock()
		f.update = mergeUpdates(f.update, update)
		f.poke()
	})
	return nil
}

func (p *publishing) sign(set *bucketChange) error {
	p.meta.Count = set.count
	payload, err := p.d.codec.Encode(&FeedHead{
		Shop: p.d.me, Feed: exchange.MainFeed, Epoch: p.meta.Epoch, Sequence: p.meta.Sequence,
		Count: set.count, Digest: set.tree.Root(), At: p.b.now,
	})
	if err != nil {
		return err
	}
	sig, err := p.d.signer.Sign(DomainFeed, payload)
	if err != nil {
		return err
	}
	p.meta.Head = SignedFeedHead{Payload: payload, Signature: sig}
	return nil
}

// mergeUpdates makes one update of two that follow each other: the later head, and
// the latest change of each product; no changes where one of them had none to give
// or they are too many together.
func mergeUpdates(first, then *FeedUpdate) *FeedUpdate {
	if first == nil {
		return then
	}
	merged := &FeedUpdate{Head: then.Head, After: first.After}
	if len(first.Items) == 0 || len(then.Items) == 0 {
		return merged
	}
	again := make(map[exchange.SKU]bool, len(then.Items))
	for _, it := range then.Items {
		again[it.SKU] = true
	}
	items := make([]FeedItem, 0, len(first.Items)+len(then.Items))
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

// rowReader reads a stored row's place in a bucket digest.
type rowReader func(row []byte) (seq uint64, hash catalog.Digest, live bool, err error)

// sumBucket digests one bucket of the rows under prefix ‖ bucket ‖ SKU, as they
// will be once changed is committed.
func sumBucket(store Store, prefix []byte, bucket uint32, read rowReader, changed map[string]changedRow) (bucketSum, error) {
	add := make([]string, 0, len(changed))
	for sku := range changed {
		add = append(add, sku)
	}
	slices.Sort(add)
	h := catalog.NewBucketHash()
	put := func(sku string) error {
		row := changed[sku]
		if !row.live {
			return nil
		}
		return h.Add([]byte(sku), row.sequence, row.hash)
	}
	var failed error
	at := groupKey(prefix, uint16(bucket))
	err := store.Scan(Prefix(at), func(key, value []byte) bool {
		sku := key[len(at):]
		for len(add) > 0 && add[0] <= string(sku) && failed == nil {
			failed = put(add[0])
			add = add[1:]
		}
		if _, replaced := changed[string(sku)]; replaced || failed != nil {
			return failed == nil
		}
		seq, hash, live, err := read(value)
		if err == nil && live {
			err = h.Add(sku, seq, hash)
		}
		failed = err
		return failed == nil
	})
	for len(add) > 0 && err == nil && failed == nil {
		failed = put(add[0])
		add = add[1:]
	}
	if err == nil {
		err = failed
	}
	count := uint32(h.Count())
	return bucketSum{h.Sum(), count}, err
}

// sumAll digests every bucket that has rows under prefix, in one scan.
func sumAll(store Store, prefix []byte, read rowReader) (map[uint32]bucketSum, error) {
	sums := make(map[uint32]bucketSum)
	h := catalog.NewBucketHash()
	var bucket uint32
	flush := func() {
		if n := h.Count(); n > 0 {
			sums[bucket] = bucketSum{h.Sum(), uint32(n)}
		}
	}
	var failed error
	err := store.Scan(Prefix(prefix), func(key, value []byte) bool {
		rest := key[len(prefix):]
		if len(rest) < 3 {
			failed = exchange.Errorf(exchange.CodeInternal, "a catalog row has a key of %d bytes", len(key))
			return false
		}
		if b := uint32(binary.BigEndian.Uint16(rest)); b != bucket {
			flush()
			bucket = b
		}
		seq, hash, live, err := read(value)
		if err == nil && live {
			err = h.Add(rest[2:], seq, hash)
		}
		failed = err
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	flush()
	return sums, err
}
