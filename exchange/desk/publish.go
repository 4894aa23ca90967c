package desk

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bucket"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// The supplier's half of the catalog: what changed becomes numbered, digested and
// signed. Every change of a product or its stock leaves a dirty mark in its own
// transaction; the publisher drains the marks.
//
// # Rows
//
// Integers are big-endian. The order of the letters matters: one scan from c/c
// ends at the feed's own row, one from c/f begins with it, so that changes and the
// head they add up to, or the digests and their head, come from one snapshot.
//
//	d/ bucket(2) sku     dirty mark; in bucket order, as they are drained
//	c/c/ sequence(8)     a change: len(SKU) (2) ‖ SKU ‖ record; no record = tombstone
//	c/f                  record.Feed
//	c/g/ group(2)        16 buckets: digest (32) ‖ live products (4) each
//	c/i/ bucket(2) sku   sequence (8) ‖ SHA-256(record) (32); a tombstone has no hash
//	c/t/ sequence(8)     a tombstone's SKU
const (
	prefixFeedChange    = "c/c/"
	prefixFeedItem      = "c/i/"
	prefixFeedTombstone = "c/t/"
	prefixFeedGroup     = "c/g/"
)

var keyFeed = []byte("c/f")

// Limits of publishing.
const (
	// PublishInterval is the shortest time between two publishings (design: Catalogs).
	PublishInterval = 100 * time.Millisecond
	// publishShare bounds the publisher's part of the writer's time to 1/(1+share) while
	// the shop sells or imports: it rests for share times as long as it worked.
	publishShare = 4
	// publishShareQuiet is the same where nothing was marked while it worked: what is
	// left of a large import goes out 2.5 times as fast when the import is over.
	publishShareQuiet = 1
	// maxPublishPause ends a rest on a machine so busy that an operation took long.
	maxPublishPause = time.Second
	// MaxPublish is how many marks one operation drains: 256 × 30 µs (three reads,
	// a record, a bucket of 244 rows in a feed of a million) hold the writer up for 8 ms.
	MaxPublish = 256
	// writesPerChange: the mark, the change, the old change, the item, a tombstone's
	// row gone or come, and one dropped tombstone's three.
	writesPerChange = 8
	// MaxUpdateBytes bounds the items of an update: a gossip message of 64 KiB less
	// the encryption's 48 bytes, a head of 600, and 5% for tags.
	MaxUpdateBytes = 60 << 10
	// itemOverhead is what an item takes beside SKU and record: sequence, tags, lengths.
	itemOverhead = 24
)

// feedState is what the publisher keeps in memory. Its rows are the truth.
type feedState struct {
	// turn is the batch that published last: it may publish once, because buckets
	// are read again from what is committed. highest is the epoch whose rows were
	// found lost at the start, if any: another follows. Both belong to the writer's turn.
	turn    *batch
	highest uint64
	// marks and set follow what is committed; the writer's turn, too.
	marks *markSet
	set   *bucket.Set

	tombstones int // how many are kept: catalog.MaxTombstones

	mu     sync.Mutex
	update *message.FeedUpdate // committed and not yet handed out, merged
	heard  []func(*message.FeedUpdate, message.FeedKey)

	wake  chan struct{} // holds one token when marks may be waiting
	quiet atomic.Bool   // no mark came between the last two publishings
}

// openFeed loads the bucket digests and holds them against the last signed head.
// Where they do not agree, they are made again from the items; where that does not
// help, rows were lost, and the next publishing starts another epoch.
func (d *Desk) openFeed() error {
	f := &feedState{wake: make(chan struct{}, 1), tombstones: catalog.MaxTombstones, marks: newMarkSet()}
	f.poke() // marks may be left from before
	d.feed = f
	meta, err := d.feedMeta()
	if err != nil {
		return err
	}
	if f.set, err = bucket.Load(d.store, []byte(prefixFeedGroup)); err != nil {
		d.log.Warn("the catalog's bucket digests are unreadable and made again", "err", err)
		f.set = bucket.NewSet()
	}
	if len(meta.Head.Payload) == 0 {
		return nil
	}
	head, err := d.ownHead(meta.Head)
	if err != nil {
		return err
	}
	if f.set.States(head) {
		return nil
	}
	sums, err := bucket.SumAll(d.store, []byte(prefixFeedItem), itemRow)
	if err != nil {
		return err
	}
	for b := range uint32(catalog.Buckets) {
		if _, ok := sums[b]; !ok {
			sums[b] = bucket.Sum{Digest: catalog.EmptyBucket()}
		}
	}
	change := bucket.NewSet().With(sums)
	if err := d.store.Commit(change.Rows([]byte(prefixFeedGroup))); err != nil {
		return err
	}
	f.set = change.Apply()
	if !f.set.States(head) {
		d.log.Error("the catalog's rows are not those its last head states; it starts another epoch", "epoch", meta.Epoch, "sequence", meta.Sequence)
		f.highest = meta.Epoch
	}
	return nil
}

// feedMeta is the feed's committed state; the zero one before the first publishing.
func (d *Desk) feedMeta() (record.Feed, error) {
	v, err := d.read(record.KindFeed, keyFeed)
	if err != nil || v == nil {
		return record.Feed{}, err
	}
	return *v.(*record.Feed), nil
}

// ownHead decodes a head that this shop signed.
func (d *Desk) ownHead(signed message.SignedFeedHead) (*message.FeedHead, error) {
	v, err := d.codec.Decode(message.KindFeedHead, signed.Payload)
	if err != nil {
		return nil, err
	}
	return v.(*message.FeedHead), nil
}

// feedGreeting is what a hello tells a partner of the feed: the last head and the
// key of its gossip; nil before the first publishing.
func (d *Desk) feedGreeting() (*message.SignedFeedHead, *message.FeedKey, error) {
	meta, err := d.feedMeta()
	if err != nil || len(meta.Head.Payload) == 0 {
		return nil, nil, err
	}
	return &meta.Head, &meta.Key, nil
}

// rotateFeedKey makes a new key for the feed's gossip: whoever has only the old
// one is blind from the next update on (design: Catalogs).
func (d *Desk) rotateFeedKey(b *batch) error {
	meta, err := batchMeta(b)
	if err != nil {
		return err
	}
	if meta.Key, err = d.newFeedKey(); err != nil {
		return err
	}
	return b.save(keyFeed, meta)
}

func (d *Desk) newFeedKey() (k message.FeedKey, err error) {
	if err = d.randomBytes(k.ID[:]); err == nil {
		err = d.randomBytes(k.Key[:])
	}
	return k, err
}

func batchMeta(b *batch) (*record.Feed, error) {
	v, err := b.load(record.KindFeed, keyFeed)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return &record.Feed{}, nil
	}
	meta := *v.(*record.Feed)
	return &meta, nil
}

// OnPublish has f called with every update, after it is durable and merged with
// others of the same publishing, and the key to encrypt it with. f is called by
// the publisher and must be quick. Call OnPublish before Run.
func (d *Desk) OnPublish(f func(*message.FeedUpdate, message.FeedKey)) {
	d.feed.mu.Lock()
	defer d.feed.mu.Unlock()
	d.feed.heard = append(d.feed.heard, f)
}

// poke tells the publisher that there are marks. It never blocks.
func (f *feedState) poke() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// runPublisher publishes when there is something to, until ctx ends. After each
// operation it rests, so that a large import holds up neither the writer nor the
// updates of what was drained already.
func (d *Desk) runPublisher(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.feed.wake:
		}
		for more := true; more; {
			start := time.Now()
			var err error
			if more, err = d.publishSome(ctx); err != nil && ctx.Err() == nil {
				d.log.Error("publishing the catalog failed; trying again", "err", err)
				d.feed.poke()
			}
			rest := time.NewTimer(publishRest(time.Since(start), more, d.feed.quiet.Load()))
			select {
			case <-ctx.Done():
				rest.Stop()
				return
			case <-rest.C:
			}
		}
	}
}

// publishRest is how long the publisher rests after an operation that took so long:
// more reports that marks are left, quiet that none came meanwhile.
func publishRest(took time.Duration, more, quiet bool) time.Duration {
	share := time.Duration(publishShare)
	if quiet {
		share = publishShareQuiet
	}
	rest := min(share*took, maxPublishPause)
	if !more {
		rest = max(rest, PublishInterval)
	}
	return rest
}

// Publish drains the dirty marks and hands the updates to those who asked with
// OnPublish. A desk that runs inline calls it where a running one publishes by itself.
func (d *Desk) Publish(ctx context.Context) error {
	for more := true; more; {
		var err error
		if more, err = d.publishSome(ctx); err != nil {
			return err
		}
	}
	return nil
}

// publishSome drains what fits one operation and hands out the update; more
// reports that marks are left.
func (d *Desk) publishSome(ctx context.Context) (more bool, err error) {
	err = d.do(ctx, func(b *batch) (err error) {
		more, err = d.publish(b)
		return err
	})
	if err != nil {
		return false, err
	}
	f := d.feed
	f.mu.Lock()
	update, heard := f.update, slices.Clone(f.heard)
	f.update = nil
	f.mu.Unlock()
	if update == nil {
		return more, nil
	}
	meta, err := d.feedMeta()
	if err != nil {
		return more, err
	}
	for _, h := range heard {
		h(update, meta.Key)
	}
	return more, nil
}

// publish drains up to MaxPublish marks within a batch: it compares each
// product's public record to the one last published, gives those that differ a
// sequence, and signs the new head. more reports that marks are left. A shop that has
// stopped selling signs no head: partners would take it for later than those of the
// newest copy of the folder. The marks stay.
func (d *Desk) publish(b *batch) (more bool, err error) {
	if d.meta.Stopped != "" {
		return false, nil
	}
	f := d.feed
	if f.turn == b {
		return true, nil
	}
	p, err := d.newPublishing(b)
	if err != nil {
		return false, err
	}
	marks, more, err := f.marks.some(d.store, p.room())
	if err != nil {
		return false, err
	}
	for i, sku := range marks {
		if p.full() {
			marks, more = marks[:i], true
			break
		}
		b.del(dirtyKey(sku))
		if err := p.product(sku); err != nil {
			return false, err
		}
	}
	if err := p.dropTombstones(); err != nil {
		return false, err
	}
	b.then(func() {
		f.quiet.Store(f.marks.turn())
		for _, sku := range marks {
			f.marks.drop(sku)
		}
	})
	f.turn = b
	return more, p.finish()
}

// markDirty has the publisher look at a product once the batch is durable. Every
// change of a product or its stock calls it.
func (b *batch) markDirty(sku exchange.SKU) {
	b.mark(sku)
	b.then(func() { b.d.feed.marked(sku) })
}

// mark writes a product's dirty mark, unless the store has it: a product that sells
// many times between two publishings is marked once.
func (b *batch) mark(sku exchange.SKU) {
	k := dirtyKey(sku)
	if _, touched := b.index[string(k)]; touched || !b.d.feed.marks.has(sku) {
		b.put(k, nil)
	}
}

// marked learns that a product's mark is durable.
func (f *feedState) marked(sku exchange.SKU) {
	f.marks.add(sku)
	f.poke()
}

func changeKey(seq uint64) []byte { return kv.Key(prefixFeedChange, kv.Uint64(seq)) }

func changeRow(sku exchange.SKU, record []byte) []byte {
	row := make([]byte, 0, 2+len(sku)+len(record))
	row = binary.BigEndian.AppendUint16(row, uint16(len(sku)))
	row = append(row, sku...)
	return append(row, record...)
}

// parseChange reads a c/c row into an item of the caller's.
func parseChange(key, row []byte) (message.FeedItem, error) {
	if len(key) != len(prefixFeedChange)+8 || len(row) < 2 || len(row)-2 < int(binary.BigEndian.Uint16(row)) {
		return message.FeedItem{}, exchange.Errorf(exchange.CodeInternal, "a catalog change of %d bytes is damaged", len(row))
	}
	n := 2 + int(binary.BigEndian.Uint16(row))
	return message.FeedItem{
		Sequence: binary.BigEndian.Uint64(key[len(prefixFeedChange):]),
		SKU:      exchange.SKU(row[2:n]),
		Record:   slices.Clone(row[n:]),
	}, nil
}

// itemRow reads a c/i row: the sequence and, of a live product, its record's hash.
func itemRow(row []byte) (seq uint64, hash catalog.Digest, live bool, err error) {
	switch len(row) {
	case 8:
	case 8 + sha256.Size:
		live = true
		hash = catalog.Digest(row[8:])
	default:
		return 0, hash, false, exchange.Errorf(exchange.CodeInternal, "a catalog item of %d bytes is damaged", len(row))
	}
	return binary.BigEndian.Uint64(row), hash, live, nil
}
