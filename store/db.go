package store

import (
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/table"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
)

var _ kv.Store = (*DB)(nil)

// DB is a store on a disk. It is safe for concurrent use. Badger's own
// goroutines run from Open to Close; DB adds none.
type DB struct {
	dir      string
	bdb      *badger.DB
	limits   Limits
	space    *space
	log      *activeLog // nil when unsynced; used under committing
	slog     *slog.Logger
	metrics  *metrics
	readOnly bool   // Commit refuses; see ReadOnly
	remove   func() // cleans up after Close; nil = nothing to do

	committing sync.RWMutex               // locked by the commit in flight, read-locked to take a snapshot
	broken     atomic.Pointer[brokenFail] // set by the first Commit of unknown outcome

	gate   sync.Mutex // guards closed, and active's step away from zero
	closed bool
	active sync.WaitGroup // calls in flight; Close waits for them
}

type brokenFail struct{ err error }

// errClosed answers every call after Close.
var errClosed = refusal(exchange.CodeUnavailable, "the store is closed")

// enter admits a call that uses Badger; every nil answer is followed by
// active.Done.
func (d *DB) enter() error {
	if b := d.broken.Load(); b != nil {
		return b.err
	}
	d.gate.Lock()
	defer d.gate.Unlock()
	if d.closed {
		return errClosed
	}
	d.active.Add(1)
	return nil
}

// Get implements kv.Store.
func (d *DB) Get(key []byte) (value []byte, ok bool, err error) {
	if err := d.enter(); err != nil {
		return nil, false, err
	}
	defer d.active.Done()
	txn, err := d.snapshot()
	if err != nil {
		return nil, false, err
	}
	defer txn.Discard()
	item, err := txn.Get(inner(key))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, false, nil
	}
	if err == nil {
		value, err = item.ValueCopy(nil)
	}
	if err != nil {
		return nil, false, d.readError(err)
	}
	return value, true, nil
}

func (d *DB) readError(err error) error {
	return exchange.Errorf(exchange.CodeInternal, "reading from %s: %w", d.dir, err)
}

// Limits says what one Commit may carry.
func (d *DB) Limits() Limits { return d.limits }

// Commit implements kv.Store. It refuses, with kv.ErrRefused in the chain, a
// batch over Limits (CodeLimit), any batch while free space is below the floor
// (CodeDiskFull), and any after Close (CodeUnavailable). After an error of another kind
// every call returns that error.
func (d *DB) Commit(writes []kv.Write) error {
	if d.readOnly {
		return refusal(exchange.CodeState, "%s is open for reading only", d.dir)
	}
	if err := d.limits.check(writes); err != nil {
		d.metrics.refused(err)
		return err
	}
	if len(writes) == 0 {
		return nil
	}
	d.committing.Lock()
	defer d.committing.Unlock()
	if err := d.enter(); err != nil {
		return err
	}
	defer d.active.Done()
	if err := d.space.check(); err != nil {
		d.metrics.refused(err)
		return err
	}
	start := time.Now()
	if err := d.write(writes); err != nil {
		// CodeInternal, whatever the cause: an error of code CodeDiskFull would
		// match kv.ErrRefused and promise what nobody knows.
		err = exchange.Errorf(exchange.CodeInternal, "a commit to %s failed and nobody knows whether it happened; end the process and start it again: %w", d.dir, err)
		d.broken.Store(&brokenFail{err})
		d.slog.Error("ALARM: a commit failed; the store is out of use until it is opened again", "dir", d.dir, "err", err)
		return err
	}
	d.metrics.committed(writes, time.Since(start))
	return nil
}

// write is one transaction. Badger keeps references to keys and values until it
// returns, and copies what it keeps longer.
func (d *DB) write(writes []kv.Write) error {
	txn := d.bdb.NewTransaction(true)
	defer txn.Discard()
	size, log := 0, int64(logTxnOverhead)
	for _, w := range writes {
		size += 1 + len(w.Key)
		log += int64(len(w.Key) + len(w.Value) + logEntryOverhead)
	}
	keys := make([]byte, 0, size) // one allocation for all of them
	for _, w := range writes {
		from := len(keys)
		keys = append(append(keys, spaceData), w.Key...)
		key := keys[from:len(keys):len(keys)]
		var err error
		if w.Delete {
			err = txn.Delete(key)
		} else {
			err = txn.Set(key, w.Value)
		}
		if err != nil {
			return err
		}
	}
	return d.commit(txn, log)
}

// commit makes a transaction durable that takes at most so many bytes of the log.
func (d *DB) commit(txn *badger.Txn, log int64) error {
	if err := txn.Commit(); err != nil {
		return err
	}
	if d.log == nil {
		return nil
	}
	return d.log.sync(log)
}

// snapshot starts a read of what is durable: Badger shows a transaction before
// it is synced, so it waits for the commit in flight.
func (d *DB) snapshot() (*badger.Txn, error) {
	d.committing.RLock()
	defer d.committing.RUnlock()
	if b := d.broken.Load(); b != nil {
		return nil, b.err
	}
	return d.bdb.NewTransaction(false), nil
}

// Free is how many bytes may still be written to the disk; -1 where it cannot be
// told.
func (d *DB) Free() int64 {
	free, err := d.space.free(d.space.dir)
	if err != nil {
		return -1
	}
	return free
}

// Healthy returns nil while commits are accepted, else why they are not and
// what to do.
func (d *DB) Healthy() error {
	if b := d.broken.Load(); b != nil {
		return b.err
	}
	if e := d.space.low.Load(); e != nil {
		return e
	}
	d.gate.Lock()
	defer d.gate.Unlock()
	if d.closed {
		return errClosed
	}
	return nil
}

// Verify reads every table from the disk and checks its sums; CodeInternal names
// the damage. It takes as long as reading the whole store; a node runs it now and then,
// for Badger does not check a block that rots while the store is open.
func (d *DB) Verify() error {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.active.Done()
	for _, t := range d.bdb.Tables() {
		_, err := checkTable(table.NewFilename(t.ID, d.dir))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // compaction may have replaced it
			return damaged(d.dir, err)
		}
	}
	return nil
}

// Close waits for the calls in flight, writes what is in memory and lets the folder go. A
// Close that was not reached loses nothing.
func (d *DB) Close() error {
	d.gate.Lock()
	if d.closed {
		d.gate.Unlock()
		return nil
	}
	d.closed = true
	d.gate.Unlock()
	d.active.Wait()
	d.metrics.unregister()
	err := errors.Join(d.log.close(), d.bdb.Close())
	if d.remove != nil {
		d.remove()
	}
	if err != nil {
		return exchange.Errorf(exchange.CodeInternal, "closing %s: %w", d.dir, err)
	}
	return nil
}
