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

// Feed is the shop's own changefeed. Its methods are safe for concurrent use; methods that
// take a batch belong to the writer's turn.
type Feed struct {
	cfg Config

	// These eight belong to the writer's turn.

	// turn is the batch that published last. A batch publishes at most once: publishing
	// reads buckets from the store, which lacks what the batch itself has written.
	turn    *writer.Batch
	drained *drained // of turn
	// highest is an epoch of which Open found rows lost, or 0. The next epoch is greater.
	highest    uint64
	marks      *markSet    // of the committed marks
	set        *bucket.Set // of the committed products
	tombstones int         // how many removals are kept
	// expanded is up to which product those of a marked stock are marked.
	expanded map[exchange.SKU]exchange.SKU
	expands  int // how many products one operation marks for their stocks

	mu        sync.Mutex          // guards update and listeners
	update    *message.FeedUpdate // durable and not handed out yet; several are merged
	listeners []func(*message.FeedUpdate, message.FeedKey)

	wake    wake.Signal // marks may be waiting
	quiet   atomic.Bool // no mark came between the last two publishings
	flushes flushes     // who waits for the publisher
}

// New makes a feed. Open must follow before it is used.
func New(cfg Config) *Feed {
	f := &Feed{cfg: cfg, wake: wake.New(), tombstones: catalog.MaxTombstones, marks: newMarkSet(), set: bucket.NewSet(), expands: maxExpanded}
	f.expanded = make(map[exchange.SKU]exchange.SKU)
	f.flushes.next = make(chan struct{})
	f.wake.Set() // marks may be left from before
	return f
}

// Open loads the bucket digests and compares them with the last signed head. If they do not
// agree, Open makes them again from the items. If those do not agree either, rows were lost,
// and the next publishing starts another epoch.
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

// remakeBuckets makes the bucket digests from the items, and stores them.
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

// meta is the feed's committed state; zero before the first publishing.
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

// Greeting is what the shop's greeting tells a partner: the feed's last head and the key of its gossip.
// Both are nil before the first publishing.
func (f *Feed) Greeting() (*message.SignedFeedHead, *message.FeedKey, error) {
	meta, err := f.meta()
	if err != nil || len(meta.Head.Payload) == 0 {
		return nil, nil, err
	}
	return &meta.Head, &meta.Key, nil
}

// RotateKey makes a new key for the feed's gossip. A former partner, who has only the old
// key, can read no update that follows (design: Catalogs).
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
