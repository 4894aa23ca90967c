package writer

import (
	"iter"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
)

// Batch is one turn of the writer. Only the goroutine that runs the batch touches it, and
// only until the batch is committed.
type Batch struct {
	w   *Writer
	now exchange.Time

	index  map[string]int // key → its place in writes
	writes []kv.Write
	rows   int // that tables will write
	bytes  int // of writes, tables' rows and seals; an estimate from above

	leaves  []*Leaf
	effects []Effect

	undo   []func() // of the operation that runs, latest last
	final  bool     // nothing can be undone any more: the batch is being finished
	failed error    // the first error of the store that an operation met
}

// Effect says what is to be done once a batch is durable: tell watchers, send, forget. It
// is a value, so that a test can look at it; [Config.Apply] does it.
type Effect any

// newBatch begins a batch in the memory of the one before, which is finished.
func (w *Writer) newBatch(now exchange.Time) *Batch {
	b := &Batch{w: w, now: now}
	if last := w.last; last != nil {
		clear(last.index)
		clear(last.undo)
		b.index, b.undo = last.index, last.undo[:0]
	} else {
		b.index = make(map[string]int)
	}
	for _, t := range w.tables {
		t.begin()
	}
	w.last = b
	return b
}

// Now is the writer's time, the same for the whole batch.
func (b *Batch) Now() exchange.Time { return b.now }

// Failed is the first error of the store that an operation of the batch met; nil where
// there was none.
func (b *Batch) Failed() error { return b.failed }

// Run applies one operation, or none of it. What ran before cannot be undone any more.
func (b *Batch) Run(op func(*Batch) error) error {
	b.settle()
	return b.Attempt(op)
}

// settle keeps what has run so far.
func (b *Batch) settle() {
	clear(b.undo)
	b.undo = b.undo[:0]
}

// Attempt applies a part of an operation, or none of that part.
func (b *Batch) Attempt(part func(*Batch) error) error {
	s := b.savepoint()
	err := part(b)
	if err != nil {
		b.rollback(s)
	}
	return err
}

// savepoint is how far the operation that runs has come, for rollback.
type savepoint struct{ undo, leaves, effects, rows, bytes int }

func (b *Batch) savepoint() savepoint {
	return savepoint{len(b.undo), len(b.leaves), len(b.effects), b.rows, b.bytes}
}

func (b *Batch) rollback(s savepoint) {
	for i := len(b.undo) - 1; i >= s.undo; i-- {
		b.undo[i]()
	}
	b.undo, b.leaves, b.effects = b.undo[:s.undo], b.leaves[:s.leaves], b.effects[:s.effects]
	b.rows, b.bytes = s.rows, s.bytes
}

// Undo has f called where what runs now is rolled back: for state of the caller's that
// belongs to the writer's turn. A batch that the store refuses calls no f.
func (b *Batch) Undo(f func()) { b.undo = append(b.undo, f) }

// Get is the value under key as this batch sees it, and whether there is one. Rows of a
// [Table] that the batch has set are not seen: ask the table.
func (b *Batch) Get(key []byte) (value []byte, ok bool, err error) {
	if i, ok := b.index[string(key)]; ok {
		w := b.writes[i]
		return w.Value, !w.Delete, nil
	}
	value, ok, err = b.w.cfg.Store.Get(key)
	if err != nil && b.failed == nil {
		b.failed = err
	}
	return value, ok, err
}

// Touched reports whether the batch has written or deleted the row under key.
func (b *Batch) Touched(key []byte) bool {
	_, ok := b.index[string(key)]
	return ok
}

// Put writes a row. The slices are the batch's from now on.
func (b *Batch) Put(key, value []byte) { b.write(kv.Write{Key: key, Value: value}) }

// Delete removes a row, where there is one.
func (b *Batch) Delete(key []byte) { b.write(kv.Write{Key: key, Delete: true}) }

// write keeps the last write to each key.
func (b *Batch) write(w kv.Write) {
	b.bytes += len(w.Key) + len(w.Value)
	if i, ok := b.index[string(w.Key)]; ok {
		before := b.writes[i]
		b.writes[i] = w
		if !b.final {
			b.Undo(func() { b.writes[i] = before })
		}
		return
	}
	k := string(w.Key)
	b.index[k] = len(b.writes)
	b.writes = append(b.writes, w)
	if !b.final {
		b.Undo(func() {
			delete(b.index, k)
			b.writes = b.writes[:len(b.writes)-1]
		})
	}
}

// Sized is an effect that [Config.Stamp] adds rows for.
type Sized interface {
	// Size bounds the bytes that the effect adds to the batch.
	Size() int
}

// Then adds an effect of the operation that runs.
func (b *Batch) Then(e Effect) {
	if s, ok := e.(Sized); ok {
		b.bytes += s.Size()
	}
	b.effects = append(b.effects, e)
}

// Effects visits the batch's effects in the order in which they are applied: what was kept
// first, then those of tables, then those of operations. It is for [Config.Stamp], which may add
// more while it visits; those are not visited.
func (b *Batch) Effects() iter.Seq[Effect] {
	return func(yield func(Effect) bool) {
		for _, list := range [][]Effect{b.w.kept, b.effects} {
			for _, e := range list {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// Keep adds an effect that stands even where the operation that runs fails, before all
// others, and has the batch committed though it may hold nothing else: for what a failed
// operation has found out about this shop itself. The caller's state changes at once, and
// [Config.Stamp] makes it durable. Where the store refuses the batch, the effect goes to the
// next one, for the operation that runs again does not find its state unchanged and Keep it.
func (b *Batch) Keep(e Effect) { b.w.kept = append(b.w.kept, e) }

// Leaf is a payload that a batch seals. Its sealed bytes are there from the commit on.
type Leaf struct {
	payload, sealed []byte
	key             []byte // of the row that stores the sealed bytes; nil = none
}

// Sealed is a leaf that was sealed before.
func Sealed(sealed []byte) *Leaf { return &Leaf{sealed: sealed} }

// Bytes are the sealed bytes; nil before the batch is sealed.
func (l *Leaf) Bytes() []byte { return l.sealed }

// Seal asks for payload to be sealed with the batch, and for the sealed bytes to be stored
// under key, where that is not nil.
func (b *Batch) Seal(payload, key []byte) *Leaf {
	l := &Leaf{payload: payload, key: key}
	b.leaves = append(b.leaves, l)
	b.bytes += 2 * (len(payload) + len(key) + sealOverhead)
	return l
}

// sealOverhead is what a seal adds to a payload: id, signature, and a path of 10 hashes
// (MaxOperations leaves) and a root. The estimate counts it twice: a record that keeps its
// answer is rewritten with it.
const sealOverhead = 16 + 64 + 10*32 + 32

// finish seals, adds the rows of leaves and tables, and stamps the batch.
func (b *Batch) finish() error {
	b.final = true
	if len(b.leaves) > 0 {
		payloads := make([][]byte, len(b.leaves))
		for i, l := range b.leaves {
			payloads[i] = l.payload
		}
		sealed, err := b.w.cfg.Signer.Seal(payloads)
		if err != nil {
			return err
		}
		for i, l := range b.leaves {
			l.sealed = sealed[i]
			if l.key != nil {
				b.Put(l.key, l.sealed)
			}
		}
	}
	// Invariant: the effects of tables come before those of operations, so that whoever an
	// operation's effect wakes finds the records' state as committed.
	operations := b.effects
	b.effects = nil
	for _, t := range b.w.tables {
		if err := t.flush(b); err != nil {
			return err
		}
	}
	b.effects = append(b.effects, operations...)
	return b.w.cfg.Stamp(b)
}

// durable does what waited for the commit.
func (b *Batch) durable() {
	for _, t := range b.w.tables {
		t.committed()
	}
	kept := b.w.kept
	b.w.kept = nil
	for _, e := range kept {
		b.w.cfg.Apply(b.now, e)
	}
	for _, e := range b.effects {
		b.w.cfg.Apply(b.now, e)
	}
}
