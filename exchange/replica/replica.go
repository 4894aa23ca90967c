package replica

import (
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
	sortFew  int         // maxSorted; tests make it less
	crowded  wake.Signal // a copy remembers more removals than it should; Sweep helps

	mu     sync.Mutex // guards shops, loaded and broken
	shops  map[exchange.ShopID]*replica
	loaded []*replica // replicas with their bucket sets in memory, oldest first
	broken error      // of a commit of unknown outcome

	// numbering guards next. It is held until next is durable, so that a later number
	// is never recorded before an earlier number.
	numbering sync.Mutex
	next      uint32 // number of the next generation

	stored byte // version of the rows in the store; for Open alone
}

// Config is what Replicas are made of. Store, Codec, Verifier and Clock are required.
type Config struct {
	Store    kv.Store // apart from the shop's synced store
	Codec    message.Codec
	Verifier message.Verifier
	Clock    exchange.Clock
	Limits   kv.Limits // of one commit
	Logger   *slog.Logger
	// Alarm is called when a supplier's catalog does not add up. Alarm and Proven are
	// called while the replica is locked: they must be quick and must not call Replicas.
	Alarm func(shop exchange.ShopID, why string)
	// Proven is called whenever a live copy was proven equal to a head.
	Proven func(shop exchange.ShopID, head message.FeedHead)
	// Reachable says whether a shop can be reached now, and if not, since when it cannot.
	// nil = every shop can.
	Reachable func(shop exchange.ShopID) (now bool, since exchange.Time)
	// Own is the shop's own catalog; nil = it has none.
	Own *Own
	// UnreachableAfter is how long a supplier may be out of reach before its products
	// are not sellable now; 0 means DefaultUnreachableAfter.
	UnreachableAfter time.Duration
}

// DefaultUnreachableAfter outlasts a restart or an address change, with the retries that
// follow. Until then a hold with an unreachable supplier fails by itself.
const DefaultUnreachableAfter = 5 * time.Minute

// replica is one shop's catalog here.
type replica struct {
	shop exchange.ShopID

	mu      sync.Mutex // held while the replica's rows change; guards the fields up to moved
	meta    record.Replica
	head    message.FeedHead // of meta.Head; zero where nothing was proven
	live    generation
	pulling generation // a full pull under way
	session *Pull
	log     changeLog     // of live
	gone    bool          // the replica was dropped
	moved   chan struct{} // closed and forgotten when live changes; nil = nobody waits

	view atomic.Pointer[view]       // what readers see; nil = nothing live
	set  atomic.Pointer[bucket.Set] // of live; nil = not in memory
}

// view is a live copy as search needs it.
type view struct {
	shop       exchange.ShopID
	generation uint32
	head       message.FeedHead
	proven     bool
	refreshed  exchange.Time
	log        changeLog
}

// Open loads the state of every replica: two rows each, whatever the replica's size. It
// starts nothing.
func Open(cfg Config) (*Replicas, error) {
	r := &Replicas{
		store: cfg.Store, codec: cfg.Codec, verifier: cfg.Verifier, clock: cfg.Clock, limits: cfg.Limits,
		log: cfg.Logger, cfg: cfg, shops: make(map[exchange.ShopID]*replica), next: 1,
		late: late{some: wake.New()}, crowded: wake.New(), sortFew: maxSorted,
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
	if err := r.openVersion(); err != nil {
		return nil, err
	}
	for row, err := range record.Rows[record.Replica](r.store, r.codec, kv.Prefix([]byte(prefixMeta))) {
		if err == nil {
			err = r.open(row.Key[len(prefixMeta):], row.Record)
		}
		if err != nil {
			return nil, err
		}
	}
	return r, r.writeVersion()
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
	if err := r.openIndex(rep); err != nil {
		return err
	}
	rep.show()
	r.shops[shop] = rep
	return nil
}

// proven reports whether the live copy equalled the head signed for where it stands.
func (p *replica) proven() bool {
	return p.live.Number != 0 && p.head.Position() == p.live.position() && p.live.Dirty == [catalog.Buckets / 8]byte{}
}

// show makes the replica's present state the state that readers see, and wakes the callers of
// reached. It is called with mu held.
func (p *replica) show() {
	if p.moved != nil {
		close(p.moved)
		p.moved = nil
	}
	if p.live.Number == 0 || p.gone {
		p.view.Store(nil)
		return
	}
	p.view.Store(&view{p.shop, p.live.Number, p.head, p.proven(), p.meta.Refreshed, p.log})
}

// replica finds or makes a shop's replica.
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

// commit writes. After a commit of unknown outcome, memory may differ from the store: commit
// then refuses everything, and the replicas must be opened again.
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
