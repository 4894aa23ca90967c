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
	session *Pull
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
