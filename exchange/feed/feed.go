package feed

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"log/slog"
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
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/writer"
)

// Prefixes of the feed's rows; the package's doc has them.
const (
	prefixChange    = "c/c/"
	prefixItem      = "c/i/"
	prefixTombstone = "c/t/"
	prefixGroup     = "c/g/"
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

// Selling is what the feed asks and tells of whether the shop may sell.
type Selling interface {
	// MaySell is nil, or what a partner is told while the shop has stopped selling.
	MaySell() error
	// Stop stops selling, for why, even where the operation of b fails.
	Stop(b *writer.Batch, why string)
}

// Config is what a Feed is made of. Everything is required.
type Config struct {
	Shop     exchange.ShopID
	Store    kv.Store
	Codec    message.Codec
	Signer   message.Signer
	Verifier message.Verifier
	Writer   *writer.Writer
	Shelf    *shelf.Shelf
	Selling  Selling
	// MayRead reports whether a shop may see the catalog.
	MayRead func(exchange.ShopID) bool
	// Random fills bytes that nobody can guess.
	Random func([]byte) error
	Logger *slog.Logger
}

// Feed is the shop's own changefeed. Its methods are safe for concurrent use; those that
// take a batch are for the writer's turn.
type Feed struct {
	cfg Config

	// What follows belongs to the writer's turn; the rows are the truth.

	// turn is the batch that published last: it may publish once, because buckets are read
	// again from what is committed.
	turn *writer.Batch
	// highest is the epoch whose rows were found lost at the start, if any: another follows.
	highest uint64
	// marks and set follow what is committed.
	marks *markSet
	set   *bucket.Set
	// tombstones is how many removals are kept.
	tombstones int

	mu     sync.Mutex          // guards what follows
	update *message.FeedUpdate // committed and not yet handed out, merged
	heard  []func(*message.FeedUpdate, message.FeedKey)

	wake    chan struct{} // holds one token when marks may be waiting
	quiet   atomic.Bool   // no mark came between the last two publishings
	flushes flushes       // who waits for the publisher
}

// New makes a feed. Open must follow before it is used.
func New(cfg Config) *Feed {
	f := &Feed{cfg: cfg, wake: make(chan struct{}, 1), tombstones: catalog.MaxTombstones, marks: newMarkSet(), set: bucket.NewSet()}
	f.flushes.next = make(chan struct{})
	f.poke() // marks may be left from before
	return f
}

// Open loads the bucket digests and holds them against the last signed head.
// Where they do not agree, they are made again from the items; where that does not
// help, rows were lost, and the next publishing starts another epoch.
func (f *Feed) Open() error {
	meta, err := f.meta()
	if err != nil {
		return err
	}
	if f.set, err = bucket.Load(f.cfg.Store, []byte(prefixGroup)); err != nil {
		f.cfg.Logger.Warn("the catalog's bucket digests are unreadable and made again", "err", err)
		f.set = bucket.NewSet()
	}
	if len(meta.Head.Payload) == 0 {
		return nil
	}
	head, err := f.ownHead(meta.Head)
	if err != nil {
		return err
	}
	if f.set.States(head) {
		return nil
	}
	if err := f.remakeBuckets(); err != nil {
		return err
	}
	if !f.set.States(head) {
		f.cfg.Logger.Error("the catalog's rows are not those its last head states; it starts another epoch", "epoch", meta.Epoch, "sequence", meta.Sequence)
		f.highest = meta.Epoch
	}
	return nil
}

// remakeBuckets makes the bucket digests again from the items, and stores them.
func (f *Feed) remakeBuckets() error {
	sums, err := bucket.SumAll(f.cfg.Store, []byte(prefixItem), itemRow)
	if err != nil {
		return err
	}
	for b := range uint32(catalog.Buckets) {
		if _, ok := sums[b]; !ok {
			sums[b] = bucket.Sum{Digest: catalog.EmptyBucket()}
		}
	}
	change := bucket.NewSet().With(sums)
	if err := f.cfg.Store.Commit(change.Rows([]byte(prefixGroup))); err != nil {
		return err
	}
	f.set = change.Apply()
	return nil
}

// meta is the feed's committed state; the zero one before the first publishing.
func (f *Feed) meta() (record.Feed, error) { return f.metaFrom(f.cfg.Store) }

func (f *Feed) metaFrom(from record.Getter) (record.Feed, error) {
	rec, err := record.Get[record.Feed](from, f.cfg.Codec, keyFeed)
	if err != nil || rec == nil {
		return record.Feed{}, err
	}
	return *rec, nil
}

// ownHead decodes a head that this shop signed.
func (f *Feed) ownHead(signed message.SignedFeedHead) (*message.FeedHead, error) {
	return message.Decode[message.FeedHead](f.cfg.Codec, signed.Payload)
}

// Greeting is what a hello tells a partner of the feed: the last head and the
// key of its gossip; nil before the first publishing.
func (f *Feed) Greeting() (*message.SignedFeedHead, *message.FeedKey, error) {
	meta, err := f.meta()
	if err != nil || len(meta.Head.Payload) == 0 {
		return nil, nil, err
	}
	return &meta.Head, &meta.Key, nil
}

// RotateKey makes a new key for the feed's gossip: whoever has only the old
// one is blind from the next update on (design: Catalogs).
func (f *Feed) RotateKey(b *writer.Batch) error {
	meta, err := f.metaFrom(b)
	if err != nil {
		return err
	}
	if meta.Key, err = f.newKey(); err != nil {
		return err
	}
	return record.Put(b, f.cfg.Codec, keyFeed, &meta)
}

func (f *Feed) newKey() (k message.FeedKey, err error) {
	if err = f.cfg.Random(k.ID[:]); err == nil {
		err = f.cfg.Random(k.Key[:])
	}
	return k, err
}

// OnPublish has hear called with every update, after it is durable and merged with
// others of the same publishing, and the key to encrypt it with. hear is called by
// the publisher and must be quick. Call OnPublish before Run.
func (f *Feed) OnPublish(hear func(*message.FeedUpdate, message.FeedKey)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heard = append(f.heard, hear)
}

// poke tells the publisher that there are marks. It never blocks.
func (f *Feed) poke() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Run publishes when there is something to, until ctx ends. After each
// operation it rests, so that a large import holds up neither the writer nor the
// updates of what was drained already.
func (f *Feed) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		}
		for more := true; more; {
			start, asked := time.Now(), f.flushes.last()
			var err error
			switch more, err = f.PublishSome(ctx); {
			case err != nil && ctx.Err() == nil:
				f.cfg.Logger.Error("publishing the catalog failed; trying again", "err", err)
				f.poke()
			case err == nil && !more:
				f.flushes.reach(asked)
			}
			rest := time.NewTimer(publishRest(time.Since(start), more, f.quiet.Load()))
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
func (f *Feed) Publish(ctx context.Context) error {
	for more := true; more; {
		var err error
		if more, err = f.PublishSome(ctx); err != nil {
			return err
		}
	}
	return nil
}

// PublishSome drains what fits one operation and hands out the update; more
// reports that marks are left.
func (f *Feed) PublishSome(ctx context.Context) (more bool, err error) {
	err = f.cfg.Writer.Do(ctx, func(b *writer.Batch) (err error) {
		more, err = f.publish(b)
		return err
	})
	if err != nil {
		return false, err
	}
	f.mu.Lock()
	update, heard := f.update, slices.Clone(f.heard)
	f.update = nil
	f.mu.Unlock()
	if update == nil {
		return more, nil
	}
	meta, err := f.meta()
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
func (f *Feed) publish(b *writer.Batch) (more bool, err error) {
	if f.cfg.Selling.MaySell() != nil {
		return false, nil
	}
	if f.turn == b {
		return true, nil
	}
	p, err := f.newPublishing(b)
	if err != nil {
		return false, err
	}
	marks, more, err := f.marks.some(f.cfg.Store, p.room())
	if err != nil {
		return false, err
	}
	for i, sku := range marks {
		if p.full() {
			marks, more = marks[:i], true
			break
		}
		b.Delete(dirtyKey(sku))
		if err := p.product(sku); err != nil {
			return false, err
		}
	}
	if err := p.dropTombstones(); err != nil {
		return false, err
	}
	b.Then(drained{marks})
	f.turn = b
	return more, p.finish()
}

// Effects of the feed, which [Feed.Apply] does.
type (
	// drained: the marks of these products are gone, and what they told is published.
	drained struct{ marks []exchange.SKU }
	// changed: the set is another, and update tells how.
	changed struct {
		set    *bucket.Change
		update *message.FeedUpdate
	}
	// marked: a product's mark is durable.
	marked struct{ sku exchange.SKU }
)

// Apply does an effect of a durable batch; it reports whether the effect is the feed's.
func (f *Feed) Apply(e writer.Effect) bool {
	switch e := e.(type) {
	case drained:
		f.quiet.Store(f.marks.turn())
		for _, sku := range e.marks {
			f.marks.drop(sku)
		}
	case changed:
		e.set.Apply()
		f.mu.Lock()
		f.update = mergeUpdates(f.update, e.update)
		f.mu.Unlock()
		f.poke()
	case marked:
		f.marks.add(e.sku)
		f.poke()
	default:
		return false
	}
	return true
}

// Changed marks a product for the publisher; it follows every change of a product or its
// stock, in the batch of the change. A product that sells many times between two publishings
// is marked once.
func (f *Feed) Changed(b *writer.Batch, sku exchange.SKU) {
	if k := dirtyKey(sku); b.Touched(k) || !f.marks.has(sku) {
		b.Put(k, nil)
	}
	b.Then(marked{sku})
}

func changeKey(seq uint64) []byte { return kv.Key(prefixChange, kv.Uint64(seq)) }

func changeRow(sku exchange.SKU, record []byte) []byte {
	row := make([]byte, 0, 2+len(sku)+len(record))
	row = binary.BigEndian.AppendUint16(row, uint16(len(sku)))
	row = append(row, sku...)
	return append(row, record...)
}

// parseChange reads a c/c row into an item of the caller's.
func parseChange(key, row []byte) (message.FeedItem, error) {
	if len(key) != len(prefixChange)+8 || len(row) < 2 || len(row)-2 < int(binary.BigEndian.Uint16(row)) {
		return message.FeedItem{}, exchange.Errorf(exchange.CodeInternal, "a catalog change of %d bytes is damaged", len(row))
	}
	n := 2 + int(binary.BigEndian.Uint16(row))
	return message.FeedItem{
		Sequence: binary.BigEndian.Uint64(key[len(prefixChange):]),
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
