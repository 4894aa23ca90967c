package desk

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// batch is one turn of the writer: operations run one after the other against
// an overlay of the store; then everything they decided is sealed under one
// signature and committed in one transaction. An operation that fails leaves no
// trace (rollback). Only the writer's goroutine touches a batch.
type batch struct {
	d   *Desk
	now exchange.Time // the writer's time, the same for the whole batch

	index  map[string]int // key → its place in writes
	writes []kv.Write
	bytes  int

	stocks map[exchange.SKU]hold.Stock  // decoded, to be written at the end
	chains map[ledger.ID]*record.Ledger // likewise; replaced, never changed in place

	holds   map[string]*record.Hold              // likewise, by key; their sealed answers arrive in finish
	quotes  map[string]*exchange.Quote           // of holds placed in this batch, whose answers are not sealed yet
	ended   map[ledger.ID]uint32                 // terms versions that ended in this batch; see Desk.ended
	sold    map[exchange.OrderID]exchange.ShopID // orders begun in this batch, and by whom; nil = none
	entered map[string][32]byte                  // requests entered in this batch, by the number's key: digests
	latest  map[string][]byte                    // sealed answers to releases and extensions, by hold key and request digest

	leaves []leaf
	sealed []func() // run once everything is sealed, before the commit
	// released notes which holds of ended terms are released by this batch.
	released []func()
	after    []func() // run once the batch is durable

	undo []func() // of the operation that runs

	// stopping is why this batch stops the shop's selling, if it does; see stopSelling.
	stopping string

	// failed is the first error of the store that an operation met.
	failed error

	// answering is set while a retailer's requests are entered: what is appended
	// goes out in the answer.
	answering bool
}

// leaf is a payload to be sealed; then receives the sealed bytes before the commit.
type leaf struct {
	payload []byte
	then    func(sealed []byte)
}

// newBatch begins a batch; last is the one before, if any, which is finished: its
// maps have the size that this one will need.
func newBatch(d *Desk, now exchange.Time, last *batch) *batch {
	if last == nil {
		return &batch{
			d: d, now: now,
			index:  make(map[string]int),
			stocks: make(map[exchange.SKU]hold.Stock),
			chains: make(map[ledger.ID]*record.Ledger),
			holds:  make(map[string]*record.Hold),
			quotes: make(map[string]*exchange.Quote),
			latest: make(map[string][]byte), entered: make(map[string][32]byte),
		}
	}
	clear(last.index)
	clear(last.stocks)
	clear(last.chains)
	clear(last.holds)
	clear(last.quotes)
	clear(last.latest)
	clear(last.entered)
	return &batch{
		d: d, now: now, undo: last.undo[:0],
		index: last.index, stocks: last.stocks, chains: last.chains, holds: last.holds, quotes: last.quotes, latest: last.latest, entered: last.entered,
	}
}

// run applies one operation, or none of it.
func (b *batch) run(op func(*batch) error) error {
	b.settle()
	return b.attempt(op)
}

// settle keeps what has run so far: it cannot be rolled back any more.
func (b *batch) settle() {
	clear(b.undo)
	b.undo = b.undo[:0]
}

// attempt applies a part of an operation, or none of that part.
func (b *batch) attempt(op func(*batch) error) error {
	s := b.savepoint()
	err := op(b)
	if err != nil {
		b.rollback(s)
	}
	return err
}

// savepoint is a moment of the operation that runs.
type savepoint struct{ undo, leaves, sealed, after, bytes int }

func (b *batch) savepoint() savepoint {
	return savepoint{len(b.undo), len(b.leaves), len(b.sealed), len(b.after), b.bytes}
}

func (b *batch) rollback(s savepoint) {
	for i := len(b.undo) - 1; i >= s.undo; i-- {
		b.undo[i]()
	}
	b.undo, b.leaves, b.sealed, b.after = b.undo[:s.undo], b.leaves[:s.leaves], b.sealed[:s.sealed], b.after[:s.after]
	b.bytes = s.bytes
}

func (b *batch) get(key []byte) ([]byte, bool, error) {
	if i, ok := b.index[string(key)]; ok {
		w := b.writes[i]
		return w.Value, !w.Delete, nil
	}
	value, ok, err := b.d.store.Get(key)
	if err != nil && b.failed == nil {
		b.failed = err
	}
	return value, ok, err
}

func (b *batch) put(key, value []byte) { b.write(kv.Write{Key: key, Value: value}) }
func (b *batch) del(key []byte)        { b.write(kv.Write{Key: key, Delete: true}) }

// write keeps the last write to each key.
func (b *batch) write(w kv.Write) {
	b.bytes += len(w.Key) + len(w.Value)
	if i, ok := b.index[string(w.Key)]; ok {
		before := b.writes[i]
		b.undo = append(b.undo, func() { b.writes[i] = before })
		b.writes[i] = w
		return
	}
	k := string(w.Key)
	b.index[k] = len(b.writes)
	b.writes = append(b.writes, w)
	b.undo = append(b.undo, func() {
		delete(b.index, k)
		b.writes = b.writes[:len(b.writes)-1]
	})
}

// load decodes the record under key into a Value of its kind; nil where there is none.
// One of ours that cannot be read is a fault of ours (CodeInternal), whatever the
// codec calls it: no partner is refused, or frozen as a forger, for it. save is alike.
func (b *batch) load(k message.Kind, key []byte) (message.Value, error) {
	raw, ok, err := b.get(key)
	if err != nil || !ok {
		return nil, err
	}
	v, err := b.d.codec.Decode(k, raw)
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInternal, "a stored record (kind %d) is damaged: %w", k, err)
	}
	return v, nil
}

// peek is load for records that many operations read: what is committed is
// decoded once and kept (recordCache). The value is everybody's: do not change it.
func (b *batch) peek(k message.Kind, key []byte) (message.Value, error) {
	if _, ok := b.index[string(key)]; ok {
		return b.load(k, key)
	}
	if v, ok := b.d.records[string(key)]; ok {
		return v, nil
	}
	v, err := b.load(k, key)
	if err == nil && v != nil {
		b.d.records.put(key, v)
	}
	return v, err
}

// recordCache holds decoded records as they are committed: products, stock,
// ledger ends and partnerships. Only the writer's turn touches it, and every commit
// drops what it wrote.
type recordCache map[string]message.Value

// maxCached bounds the cache: at some 2 KB for a product of usual length, 32 MB.
const maxCached = 16_384

func (c recordCache) put(key []byte, v message.Value) {
	if len(c) >= maxCached {
		clear(c)
	}
	c[string(key)] = v
}

func (b *batch) save(key []byte, v message.Value) error {
	raw, err := b.d.codec.Encode(v)
	if err != nil {
		return exchange.Errorf(exchange.CodeInternal, "a record (kind %d) cannot be stored: %w", v.Kind(), err)
	}
	b.put(key, raw)
	return nil
}

// seal asks for payload to be sealed with the batch. then runs after the
// signature and before the commit, and may put the sealed bytes; nothing it
// puts can be rolled back.
func (b *batch) seal(payload []byte, then func(sealed []byte)) {
	b.leaves = append(b.leaves, leaf{payload, then})
	b.bytes += 2 * (len(payload) + sealOverhead)
}

// sealOverhead is what a seal adds to a payload: id, signature, and a path of 10
// hashes (MaxBatchOps leaves). A hold keeps its answer and is rewritten with it.
const sealOverhead = 16 + 64 + 10*32 + 32

// then runs f once the batch is durable, on the writer's goroutine: be quick.
func (b *batch) then(f func()) { b.after = append(b.after, f) }

// stock is a product's counts; a product without a record has none.
func (b *batch) stock(sku exchange.SKU) (hold.Stock, error) {
	if s, ok := b.stocks[sku]; ok {
		return s, nil
	}
	v, err := b.peek(record.KindStock, record.StockKey(sku))
	if err != nil || v == nil {
		return hold.Stock{}, err
	}
	return v.(*record.Stock).Stock, nil
}

// replace sets a decoded record of the batch, so that the operation that runs can
// be undone, and reports whether there was one.
func replace[K comparable, V any](b *batch, records map[K]V, k K, v V) (had bool) {
	before, had := records[k]
	b.undo = append(b.undo, func() {
		if had {
			records[k] = before
		} else {
			delete(records, k)
		}
	})
	records[k] = v
	return had
}

// setStock records a product's counts and marks it for the publisher.
func (b *batch) setStock(sku exchange.SKU, s hold.Stock) {
	had := replace(b, b.stocks, sku, s)
	if !had {
		b.bytes += 2 * (len(sku) + recordOverhead)
	}
}

// recordOverhead is what a stock or chain record and its key take in a batch,
// generously: the estimate that keeps batches below the store's limit.
const recordOverhead = 128

// holdRecord is a hold's record, in a copy of the caller's; nil where there is none.
func (b *batch) holdRecord(k []byte) (*record.Hold, error) {
	if r, ok := b.holds[string(k)]; ok {
		copied := *r
		return &copied, nil
	}
	v, err := b.load(record.KindHold, k)
	if err != nil || v == nil {
		return nil, err
	}
	return v.(*record.Hold), nil
}

func (b *batch) setHold(k []byte, r *record.Hold) {
	id := string(k)
	had := replace(b, b.holds, id, r)
	if !had {
		b.bytes += len(k) + recordOverhead + len(r.Placed) + len(r.Latest) + len(r.Hold.Lines)*(exchange.MaxSKU+8)
	}
}

// placedAnswer gives out the answer to the request that placed the hold; it may
// be waiting for its seal in this very batch. latestAnswer is its like for a release
// or extension, which another of the batch may have followed since.
func (b *batch) placedAnswer(k []byte, r *record.Hold, out *sealedAnswer) {
	out.sealed = r.Placed
	if out.sealed == nil {
		b.sealed = append(b.sealed, func() { out.sealed = b.holds[string(k)].Placed })
	}
}

func (b *batch) latestAnswer(k []byte, r *record.Hold, out *sealedAnswer) {
	out.sealed = r.Latest
	if out.sealed == nil {
		id := latestID(k, r.LatestRequest)
		b.sealed = append(b.sealed, func() { out.sealed = b.latest[id] })
	}
}

// latestID names the answer to one request about a hold.
func latestID(k []byte, request [32]byte) string { return string(k) + string(request[:]) }

// move applies the deltas of a step, all or none.
func (b *batch) move(deltas []hold.Delta) error {
	for _, delta := range deltas {
		s, err := b.stock(delta.SKU)
		if err != nil {
			return err
		}
		s, err = s.Step(delta.Move, delta.Units)
		if err != nil {
			return exchange.Errorf(exchange.CodeOf(err), "%s: %w", delta.SKU, err)
		}
		b.setStock(delta.SKU, s)
	}
	return nil
}

// chain is the record of one direction of trade; a chain nobody has written to
// is empty. Callers treat it as a value: change a copy and setChain it.
func (b *batch) chain(id ledger.ID) (record.Ledger, error) {
	if c, ok := b.chains[id]; ok {
		return *c, nil
	}
	v, err := b.peek(record.KindLedger, record.LedgerKey(id))
	if err != nil {
		return record.Ledger{}, err
	}
	var c record.Ledger
	if v != nil {
		c = *v.(*record.Ledger)
	}
	c.Chain.Supplier, c.Chain.Retailer = id.Supplier, id.Retailer
	return c, nil
}

func (b *batch) setChain(id ledger.ID, c record.Ledger) {
	had := replace(b, b.chains, id, &c)
	if !had {
		b.bytes += recordOverhead + len(c.AckedHead.Payload) + len(c.AckedHead.Signature)
	}
}

// empty reports whether a commit would change nothing.
func (b *batch) empty() bool {
	return b.stopping == "" && len(b.writes)+len(b.stocks)+len(b.chains)+len(b.holds)+len(b.leaves) == 0
}

// writeOverhead is what the store counts for a write besides its key and value.
const writeOverhead = 16

// size estimates what a commit would carry, from above.
func (b *batch) size() (bytes, writes int) {
	writes = len(b.writes) + 2*len(b.stocks) + len(b.chains) + len(b.holds) + len(b.leaves) + 1
	return b.bytes + writes*writeOverhead, writes
}

// full reports whether another operation of usual size might pass the store's limits.
func (b *batch) full() bool {
	const worst = 256 // writes of one operation: 64 lines, and their marks and indexes
	bytes, writes := b.size()
	return bytes > b.d.limits.BatchBytes/2 || writes+worst > b.d.limits.BatchWrites
}

// share is what one operation may add to a batch before it goes on in another.
type share struct{ bytes, writes int }

// share begins an operation that does many things, each of them complete by itself:
// between two of them it asks spent, and goes on in another operation. A quarter of
// the limits fits a batch that is not full, and leaves room for the greatest thing
// there is (an order's record of 896 KiB).
func (b *batch) share() share {
	bytes, writes := b.size()
	return share{bytes + b.d.limits.BatchBytes/4, writes + b.d.limits.BatchWrites/4}
}

func (s share) spent(b *batch) bool {
	bytes, writes := b.size()
	return bytes > s.bytes || writes > s.writes
}

// over reports whether what has run may have passed the store's limits.
func (b *batch) over() bool {
	bytes, writes := b.size()
	return bytes > b.d.limits.BatchBytes || writes > b.d.limits.BatchWrites
}

// durable does what waited for the commit.
func (b *batch) durable() {
	for _, f := range b.released { // before what this batch ends
		f()
	}
	for _, w := range b.writes {
		delete(b.d.records, string(w.Key))
	}
	for sku, s := range b.stocks {
		b.d.records.put(record.StockKey(sku), &record.Stock{Stock: s})
		b.d.stockChanged(sku)
	}
	for id, c := range b.chains {
		b.d.records.put(record.LedgerKey(id), c)
	}
	for c, version := range b.ended {
		b.d.end(c, version)
	}
	if b.stopping != "" {
		b.d.watch.notify(Event{Type: EventStopped, At: b.now, Detail: b.stopping})
	}
	for _, f := range b.after {
		f()
	}
}

// endTerms marks the holds made under a version of the terms and earlier ones for
// release; from now on they can be neither ordered nor extended.
func (b *batch) endTerms(c ledger.ID, version uint32) {
	if b.ended == nil {
		b.ended = make(map[ledger.ID]uint32)
	}
	before := b.ended[c]
	b.undo = append(b.undo, func() { b.ended[c] = before })
	b.ended[c] = max(before, version)
}

// checkEnded refuses a hold whose partnership has ended since, though another may
// be in force by now.
func (b *batch) checkEnded(c ledger.ID, rec *record.Hold) error {
	if rec.Terms <= max(b.ended[c], b.d.ended[c].version) {
		return exchange.Errorf(exchange.CodeReleased, "the hold ended with the partnership it was made under")
	}
	return nil
}

// finish encodes what is still decoded, seals, and adds the writer's time.
func (b *batch) finish() error {
	for sku, s := range b.stocks {
		if err := b.save(record.StockKey(sku), &record.Stock{Stock: s}); err != nil {
			return err
		}
		b.mark(sku)
	}
	if len(b.stocks) > 0 {
		b.then(func() {
			for sku := range b.stocks {
				b.d.feed.marked(sku)
			}
		})
	}
	for id, c := range b.chains {
		if err := b.save(record.LedgerKey(id), c); err != nil {
			return err
		}
	}
	if len(b.leaves) > 0 {
		payloads := make([][]byte, len(b.leaves))
		for i, l := range b.leaves {
			payloads[i] = l.payload
		}
		sealed, err := b.d.signer.Seal(payloads)
		if err != nil {
			return err
		}
		for i, l := range b.leaves {
			l.then(sealed[i])
		}
		for _, f := range b.sealed {
			f()
		}
	}
	for k, r := range b.holds {
		if err := b.save([]byte(k), r); err != nil {
			return err
		}
	}
	meta := b.d.meta
	meta.Written = b.now
	return b.save(record.KeyMeta, &meta)
}
