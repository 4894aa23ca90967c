package replica

import (
	"bytes"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bucket"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/wake"
)

// Replicas are the copies of catalogs that this shop searches. See the package's doc for
// their rows and for what a replica claims.
type Replicas struct {
	store    kv.Store
	codec    message.Codec
	verifier message.Verifier
	clock    exchange.Clock
	limits   kv.Limits
	log      *slog.Logger
	cfg      Config // its callbacks
	stats    stats
	late     late

	mu     sync.Mutex
	shops  map[exchange.ShopID]*replica
	loaded []*replica // whose bucket sets are in memory, oldest first
	broken error      // a commit whose outcome is unknown

	// numbering is held from taking a generation number to the commit that records
	// it, so that a later number is never recorded before an earlier one.
	numbering sync.Mutex
	next      uint32
}

// Config is what Replicas are made of. Store, Codec,
// Verifier and Clock are required.
type Config struct {
	Store    kv.Store // its own, not the desk's
	Codec    message.Codec
	Verifier message.Verifier
	Clock    exchange.Clock
	Limits   kv.Limits // of one commit
	Logger   *slog.Logger
	// Alarm is told when a supplier's catalog does not add up. It and Proven are
	// called while the replica is locked: be quick, and ask Replicas nothing.
	Alarm func(shop exchange.ShopID, why string)
	// Proven is told whenever a live copy was proven equal to a head.
	Proven func(shop exchange.ShopID, head message.FeedHead)
	// Reachable says whether a shop can be reached now, and if not, since when it
	// cannot. Without it, every shop is reachable.
	Reachable func(shop exchange.ShopID) (now bool, since exchange.Time)
	// Own, optional, is the shop's own catalog.
	Own *Own
	// UnreachableAfter is how long a supplier may be out of reach before its products
	// are not sellable now; 0 means DefaultUnreachableAfter.
	UnreachableAfter time.Duration
}

// DefaultUnreachableAfter outlasts a restart, an address change and the retries after
// them; a hold with a supplier that is gone fails by itself meanwhile.
const DefaultUnreachableAfter = 5 * time.Minute

// replica is one shop's catalog here.
type replica struct {
	shop exchange.ShopID

	mu      sync.Mutex // held while the replica's rows change; guards what follows
	meta    record.Replica
	head    message.FeedHead // of meta.Head; zero where nothing was proven
	live    generation
	pulling generation // a full pull under way
	session *Pulling
	gone    bool          // dropped
	moved   chan struct{} // closed and forgotten when live moves; nil = nobody waits

	view atomic.Pointer[view]       // what readers see; nil = nothing live
	set  atomic.Pointer[bucket.Set] // of live, where it is in memory
}

// view is a live copy as search needs it.
type view struct {
	shop       exchange.ShopID
	generation uint32
	head       message.FeedHead
	proven     bool
	refreshed  exchange.Time
}

// generation is where one copy of a feed stands.
type generation struct {
	Number uint32 // 0 = there is none
	Epoch  uint64
	At     uint64 // changes up to it are applied
	// Fresh: no bucket digest and no search token is written yet.
	Fresh bool
	// Dirty marks the buckets whose stored digests are out of date.
	Dirty [catalog.Buckets / 8]byte
}

const generationBytes = 4 + 8 + 8 + 1 + catalog.Buckets/8

func (g *generation) mark(bucket uint32)        { g.Dirty[bucket/8] |= 1 << (bucket % 8) }
func (g *generation) marked(bucket uint32) bool { return g.Dirty[bucket/8]&(1<<(bucket%8)) != 0 }
func (g *generation) position() catalog.Position {
	return catalog.Position{Epoch: g.Epoch, Sequence: g.At}
}

func (g *generation) markedBuckets() []uint32 {
	var list []uint32
	for b := range uint32(catalog.Buckets) {
		if g.Fresh || g.marked(b) {
			list = append(list, b)
		}
	}
	return list
}

func (g *generation) append(row []byte) []byte {
	row = binary.BigEndian.AppendUint32(row, g.Number)
	row = binary.BigEndian.AppendUint64(row, g.Epoch)
	row = binary.BigEndian.AppendUint64(row, g.At)
	fresh := byte(0)
	if g.Fresh {
		fresh = 1
	}
	return append(append(row, fresh), g.Dirty[:]...)
}

func parseGeneration(row []byte) (g generation) {
	g.Number = binary.BigEndian.Uint32(row)
	g.Epoch = binary.BigEndian.Uint64(row[4:])
	g.At = binary.BigEndian.Uint64(row[12:])
	g.Fresh = row[20] == 1
	copy(g.Dirty[:], row[21:])
	return g
}

const (
	prefixMeta  = "m/"
	prefixWork  = "w/"
	prefixGone  = "x/"
	prefixItem  = "i/"
	prefixGroup = "d/"
	prefixToken = "t/"
)

var keyNextGeneration = []byte("n")

func generationKey(prefix string, number uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte(prefix), number)
}

func itemKey(number uint32, sku exchange.SKU) []byte {
	return bucket.Key(string(generationKey(prefixItem, number)), sku)
}

// Open loads what is known of every replica: a row or two for each, whatever
// their size. It starts nothing.
func Open(cfg Config) (*Replicas, error) {
	r := &Replicas{
		store: cfg.Store, codec: cfg.Codec, verifier: cfg.Verifier, clock: cfg.Clock, limits: cfg.Limits,
		log: cfg.Logger, cfg: cfg, shops: make(map[exchange.ShopID]*replica), next: 1,
		late: late{some: wake.New()},
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if r.cfg.UnreachableAfter == 0 {
		r.cfg.UnreachableAfter = DefaultUnreachableAfter
	}
	if r.limits == (kv.Limits{}) {
		r.limits = kv.DefaultLimits
	}
	if raw, ok, err := r.store.Get(keyNextGeneration); err != nil {
		return nil, err
	} else if ok && len(raw) == 4 {
		r.next = binary.BigEndian.Uint32(raw)
	}
	for row, err := range record.Rows[record.Replica](r.store, r.codec, kv.Prefix([]byte(prefixMeta))) {
		if err == nil {
			err = r.open(row.Key[len(prefixMeta):], row.Record)
		}
		if err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *Replicas) open(key []byte, meta *record.Replica) error {
	shop, err := exchange.ShopIDFromBytes(key)
	if err != nil {
		return err
	}
	rep := &replica{shop: shop, meta: *meta}
	if len(rep.meta.Head.Payload) > 0 {
		head, err := message.Decode[message.FeedHead](r.codec, rep.meta.Head.Payload)
		if err != nil {
			return err
		}
		rep.head = *head
	}
	work, ok, err := r.store.Get(workKey(shop))
	if err != nil {
		return err
	}
	if ok {
		if len(work) != 2*generationBytes {
			return exchange.Errorf(exchange.CodeInternal, "a replica's state has %d bytes, not %d", len(work), 2*generationBytes)
		}
		rep.live, rep.pulling = parseGeneration(work), parseGeneration(work[generationBytes:])
	}
	rep.show()
	r.shops[shop] = rep
	return nil
}

func metaKey(shop exchange.ShopID) []byte { return kv.Key(prefixMeta, shop[:]) }
func workKey(shop exchange.ShopID) []byte { return kv.Key(prefixWork, shop[:]) }

// proven reports whether the live copy equalled the head signed for where it stands.
func (p *replica) proven() bool {
	return p.live.Number != 0 && p.head.Position() == p.live.position() && p.live.Dirty == [catalog.Buckets / 8]byte{}
}

// show makes the replica's present state the one that readers see, and wakes who waits for
// it.
func (p *replica) show() {
	if p.moved != nil {
		close(p.moved)
		p.moved = nil
	}
	if p.live.Number == 0 || p.gone {
		p.view.Store(nil)
		return
	}
	p.view.Store(&view{p.shop, p.live.Number, p.head, p.proven(), p.meta.Refreshed})
}

// workWrite is the replica's w/ row.
func (p *replica) workWrite(live, pulling generation) kv.Write {
	row := live.append(make([]byte, 0, 2*generationBytes))
	return kv.Write{Key: workKey(p.shop), Value: pulling.append(row)}
}

func (r *Replicas) metaWrite(m record.Replica) (kv.Write, error) {
	raw, err := r.codec.Encode(&m)
	return kv.Write{Key: metaKey(m.Shop), Value: raw}, err
}

// replica finds or makes a shop's.
func (r *Replicas) replica(shop exchange.ShopID) *replica {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.shops[shop]
	if p == nil {
		p = &replica{shop: shop, meta: record.Replica{Shop: shop}}
		r.shops[shop] = p
	}
	return p
}

// commit writes, and remembers a commit of unknown outcome: nothing may be built
// on memory then, and the replicas must be opened again.
func (r *Replicas) commit(writes []kv.Write) error {
	r.mu.Lock()
	err := r.broken
	r.mu.Unlock()
	if err != nil {
		return err
	}
	err = r.store.Commit(writes)
	if err != nil && !errors.Is(err, kv.ErrRefused) {
		err = exchange.Errorf(exchange.CodeInternal, "committing a replica failed, and whether it happened is unknown: %w", err)
		r.mu.Lock()
		r.broken = err
		r.mu.Unlock()
	}
	return err
}

// Broken is the error of a commit whose outcome is unknown, or nil.
func (r *Replicas) Broken() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.broken
}

// startGeneration begins a copy beside the live one, in place of an unfinished one.
func (r *Replicas) startGeneration(p *replica, epoch uint64) error {
	r.numbering.Lock()
	defer r.numbering.Unlock()
	g := generation{Number: r.next, Epoch: epoch, Fresh: true}
	meta, err := r.metaWrite(p.meta)
	if err != nil {
		return err
	}
	writes := []kv.Write{
		{Key: keyNextGeneration, Value: binary.BigEndian.AppendUint32(nil, g.Number+1)},
		meta, p.workWrite(p.live, g),
	}
	if p.pulling.Number != 0 {
		writes = append(writes, kv.Write{Key: generationKey(prefixGone, p.pulling.Number)})
	}
	if err := r.commit(writes); err != nil {
		return err
	}
	r.next++
	p.pulling = g
	return nil
}

// Drop forgets a shop's catalog: its partnership ended. Its rows go with Sweep.
func (r *Replicas) Drop(shop exchange.ShopID) error {
	r.mu.Lock()
	p := r.shops[shop]
	r.mu.Unlock()
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	writes := []kv.Write{{Key: metaKey(shop), Delete: true}, {Key: workKey(shop), Delete: true}}
	for _, g := range []generation{p.live, p.pulling} {
		if g.Number != 0 {
			writes = append(writes, kv.Write{Key: generationKey(prefixGone, g.Number)})
		}
	}
	if err := r.commit(writes); err != nil {
		return err
	}
	p.gone, p.session = true, nil
	p.show()
	r.mu.Lock()
	delete(r.shops, shop)
	r.mu.Unlock()
	return nil
}

// sweepKeys is how many keys one Sweep removes: a commit of some 200 KB.
const sweepKeys = 2000

// Sweep removes a part of a copy that nothing names any more. more asks for
// another call.
func (r *Replicas) Sweep() (more bool, err error) {
	var gone []byte
	for row, err := range kv.Rows(r.store, kv.Prefix([]byte(prefixGone))) {
		if err != nil {
			return false, err
		}
		gone = bytes.Clone(row.Key)
		break
	}
	if gone == nil {
		return false, nil
	}
	number := binary.BigEndian.Uint32(gone[len(prefixGone):])
	var writes []kv.Write
	for _, prefix := range []string{prefixToken, prefixItem, prefixGroup} {
		rows, err := r.deletions(generationKey(prefix, number), sweepKeys-len(writes))
		if err != nil {
			return false, err
		}
		writes = append(writes, rows...)
	}
	if len(writes) < sweepKeys {
		writes = append(writes, kv.Write{Key: gone, Delete: true})
	}
	return true, r.commit(writes)
}

// deletions are the writes that remove the first rows under prefix, at most n.
func (r *Replicas) deletions(prefix []byte, n int) ([]kv.Write, error) {
	var writes []kv.Write
	for row, err := range kv.Rows(r.store, kv.Prefix(prefix)) {
		if err != nil {
			return nil, err
		}
		if len(writes) == n {
			break
		}
		writes = append(writes, kv.Write{Key: bytes.Clone(row.Key), Delete: true})
	}
	return writes, nil
}

// Key is the key that a shop's gossip is encrypted with, as far as it is known.
func (r *Replicas) Key(shop exchange.ShopID) (message.FeedKey, bool) {
	r.mu.Lock()
	p := r.shops[shop]
	r.mu.Unlock()
	if p == nil {
		return message.FeedKey{}, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.meta.Key, p.meta.Key != message.FeedKey{}
}

// SetKey records the key that a hello or a pull told.
func (r *Replicas) SetKey(shop exchange.ShopID, key message.FeedKey) error {
	p := r.replica(shop)
	p.mu.Lock()
	defer p.mu.Unlock()
	return r.setKey(p, key)
}

func (r *Replicas) setKey(p *replica, key message.FeedKey) error {
	if p.gone || p.meta.Key == key {
		return nil
	}
	meta := p.meta
	meta.Key = key
	w, err := r.metaWrite(meta)
	if err != nil {
		return err
	}
	if err := r.commit([]kv.Write{w}); err != nil {
		return err
	}
	p.meta = meta
	return nil
}

// Status says where a replica stands.
type Status struct {
	Shop      exchange.ShopID
	Head      message.FeedHead // proven; zero where nothing was
	Epoch     uint64           // of the live copy
	At        uint64           // changes applied to it
	Proven    bool             // equal to Head; false within a pull and after a mismatch
	Pulling   bool             // a full pull is under way
	Refreshed exchange.Time    // when it was last known equal to the supplier's
}

// Status is a shop's replica; ok is false where there is none.
func (r *Replicas) Status(shop exchange.ShopID) (s Status, ok bool) {
	r.mu.Lock()
	p := r.shops[shop]
	r.mu.Unlock()
	if p == nil {
		return s, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return Status{
		Shop: shop, Head: p.head, Epoch: p.live.Epoch, At: p.live.At, Proven: p.proven(),
		Pulling: p.pulling.Number != 0, Refreshed: p.meta.Refreshed,
	}, true
}
