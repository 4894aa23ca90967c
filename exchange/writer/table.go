package writer

// Rows says how the records of a [Table] lie in the store. Only Key and Decode are
// required of a table that is stored; a table without them lives for one batch.
type Rows[K comparable, V any] struct {
	// Key is the record's place in the store.
	Key func(K) []byte
	// Decode and Encode turn stored bytes into a record and back. Encode runs after the
	// batch is sealed, so that a record may take sealed bytes along.
	Decode func([]byte) (V, error)
	Encode func(V) ([]byte, error)
	// Size bounds the bytes that a record adds to a batch, its key included.
	Size func(K, V) int
	// Writes is how many rows a record makes with what Flushed adds; 0 means 1.
	Writes int
	// Flushed, where set, adds what belongs to a changed record (an index row, a mark, an
	// effect), once a batch and record, in no order.
	Flushed func(*Batch, K, V)
	// Cached is how many committed records stay decoded in memory; 0 = none.
	Cached int
}

// Table gives operations the records of one type. A record is decoded when it is read,
// unless it is cached or the batch has set it, changed as a value, and encoded once at the
// end, however many operations of the batch touch it. A value that Get returned is
// everybody's: an operation changes a copy and Sets that. The rows of a table whose records
// are cached are written by the table alone: it does not see a Put or Delete of the batch's.
type Table[K comparable, V any] struct {
	rows    Rows[K, V]
	pending map[K]V // set by the batch that runs
	cache   map[K]V // as committed
}

// table is what the writer does with each of its tables.
type table interface {
	begin()
	flush(*Batch) error
	committed()
}

// NewTable makes a table of w's. Tables are made before the writer runs.
func NewTable[K comparable, V any](w *Writer, rows Rows[K, V]) *Table[K, V] {
	if rows.Writes == 0 {
		rows.Writes = 1
	}
	t := &Table[K, V]{rows: rows, pending: make(map[K]V), cache: make(map[K]V)}
	w.tables = append(w.tables, t)
	return t
}

// Get is the record of k as the batch sees it, and whether there is one.
func (t *Table[K, V]) Get(b *Batch, k K) (v V, ok bool, err error) {
	if v, ok := t.pending[k]; ok {
		return v, true, nil
	}
	if t.rows.Key == nil {
		return v, false, nil
	}
	if v, ok := t.cache[k]; ok {
		return v, true, nil
	}
	raw, ok, err := b.Get(t.rows.Key(k))
	if err != nil || !ok {
		return v, false, err
	}
	if v, err = t.rows.Decode(raw); err != nil {
		return v, false, err
	}
	t.keep(k, v)
	return v, true, nil
}

// Set makes v the record of k.
func (t *Table[K, V]) Set(b *Batch, k K, v V) {
	before, had := t.pending[k]
	b.Undo(func() {
		if had {
			t.pending[k] = before
		} else {
			delete(t.pending, k)
		}
	})
	t.pending[k] = v
	switch {
	case t.rows.Key == nil:
	case had: // only what it has grown by
		b.bytes += max(t.rows.Size(k, v)-t.rows.Size(k, before), 0)
	default:
		b.rows += t.rows.Writes
		b.bytes += t.rows.Size(k, v)
	}
}

// keep remembers a committed record.
func (t *Table[K, V]) keep(k K, v V) {
	if t.rows.Cached == 0 {
		return
	}
	if len(t.cache) >= t.rows.Cached {
		clear(t.cache)
	}
	t.cache[k] = v
}

func (t *Table[K, V]) begin() { clear(t.pending) }

func (t *Table[K, V]) flush(b *Batch) error {
	if t.rows.Key == nil {
		return nil
	}
	for k, v := range t.pending {
		raw, err := t.rows.Encode(v)
		if err != nil {
			return err
		}
		b.Put(t.rows.Key(k), raw)
		if t.rows.Flushed != nil {
			t.rows.Flushed(b, k, v)
		}
	}
	return nil
}

func (t *Table[K, V]) committed() {
	if t.rows.Cached == 0 {
		return
	}
	for k, v := range t.pending {
		t.keep(k, v)
	}
}
