package store

import (
	"bytes"

	"github.com/dgraph-io/badger/v4"

	"github.com/souk-market/souk/exchange/kv"
)

// Spaces of keys within Badger; see the package comment.
const (
	spaceMeta byte = 0x00
	spaceData byte = 0x01
	spaceEnd  byte = 0x02 // the first key behind the callers' keys
)

var formatKey = append([]byte{spaceMeta}, "format"...)

// inner is the key under which Badger has a caller's key.
func inner(key []byte) []byte {
	return append(append(make([]byte, 0, 1+len(key)), spaceData), key...)
}

// Scan implements kv.Store. visit may call Get, Scan and Commit; the scan does not
// see what they write. While it runs, compaction keeps every version it may
// still visit, so a scan that waits for a network belongs in pieces.
func (d *DB) Scan(r kv.Range, visit func(key, value []byte) bool) error {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.active.Done()
	from, to := inner(r.From), []byte{spaceEnd}
	if r.To != nil {
		to = inner(r.To)
	}
	if bytes.Compare(from, to) >= 0 {
		return nil
	}
	txn, err := d.snapshot()
	if err != nil {
		return err
	}
	defer txn.Discard()
	opts := badger.DefaultIteratorOptions
	// Values lie beside their keys; prefetching would start a goroutine for each
	// only to wait for it.
	opts.PrefetchValues = false
	opts.Reverse = r.Reverse
	opts.Prefix = commonPrefix(from, to) // leaves out tables that cannot have a key of r
	it := txn.NewIterator(opts)
	defer it.Close()
	if r.Reverse {
		err = scanDown(it, from, to, visit)
	} else {
		err = scanUp(it, from, to, visit)
	}
	if err != nil {
		return d.readError(err)
	}
	return nil
}

func scanUp(it *badger.Iterator, from, to []byte, visit func(key, value []byte) bool) error {
	for it.Seek(from); it.Valid() && bytes.Compare(it.Item().Key(), to) < 0; it.Next() {
		if more, err := show(it.Item(), visit); !more || err != nil {
			return err
		}
	}
	return nil
}

func scanDown(it *badger.Iterator, from, to []byte, visit func(key, value []byte) bool) error {
	it.Seek(to) // the greatest key ≤ to
	if it.Valid() && bytes.Equal(it.Item().Key(), to) {
		it.Next()
	}
	for ; it.Valid() && bytes.Compare(it.Item().Key(), from) >= 0; it.Next() {
		if more, err := show(it.Item(), visit); !more || err != nil {
			return err
		}
	}
	return nil
}

func show(item *badger.Item, visit func(key, value []byte) bool) (more bool, err error) {
	key := item.Key()[1:]
	err = item.Value(func(value []byte) error {
		more = visit(key[:len(key):len(key)], value[:len(value):len(value)])
		return nil
	})
	return more, err
}

// commonPrefix is what every key of [a, b) starts with, a and b included.
func commonPrefix(a, b []byte) []byte {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return a[:i]
		}
	}
	return a[:n]
}
