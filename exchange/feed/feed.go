package feed

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bucket"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/wake"
	"github.com/souk-market/souk/exchange/writer"
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

	wake    wake.Signal // marks may be waiting
	quiet   atomic.Bool // no mark came between the last two publishings
	flushes flushes     // who waits for the publisher
}

// New makes a feed. Open must follow before it is used.
func New(cfg Config) *Feed {
	f := &Feed{cfg: cfg, wake: wake.New(), tombstones: catalog.MaxTombstones, marks: newMarkSet(), set: bucket.NewSet()}
	f.flushes.next = make(chan struct{})
	f.wake.Set() // marks may be left from before
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
