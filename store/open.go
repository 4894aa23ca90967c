package store

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"

	"github.com/dgraph-io/badger/v4"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/store/durable"
)

// Format is the number of the format that this version writes.
const Format = 1

// Open opens the store in dir, a folder of its own, and creates it where
// there is none. It fails with CodeLocked where a process has it open, CodeDiskFull
// where the disk is too full to start, CodeVersion for a newer format, and
// CodeInternal for damage (see the package comment). Badger's goroutines run until
// Close.
func Open(dir string, opts Options) (*DB, error) {
	t := opts.Profile.tuning()
	s := &space{dir: dir, floor: opts.floor(), free: opts.free, log: opts.logger()}
	if s.free == nil {
		s.free = freeBytes
	}
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	if err := s.checkOpen(t.openFloor); err != nil {
		return nil, err
	}
	if err := prepare(dir, opts); err != nil {
		return nil, err
	}
	bdb, err := openBadger(opts.badger(dir))
	if err != nil {
		return nil, openError(dir, err)
	}
	d := &DB{dir: dir, bdb: bdb, limits: t.limits, space: s, slog: opts.logger()}
	if err := d.start(opts); err != nil {
		return nil, errors.Join(err, d.log.close(), bdb.Close())
	}
	return d, nil
}

// makeDir creates dir for its owner alone and makes the name durable.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return exchange.Errorf(exchange.CodeInternal, "the folder of the store cannot be created: %w", err)
	}
	return durable.SyncDir(filepath.Dir(dir))
}

// checkOpen refuses to open on a disk so full that replaying the logs would
// run into its end, which Badger does not survive.
func (s *space) checkOpen(need int64) error {
	need = min(need, s.floor)
	if s.floor == 0 {
		return nil
	}
	if free, err := s.free(s.dir); err == nil && free < need {
		return s.refusal(free, need)
	}
	return nil
}

// prepare looks after what Badger would lose, or stumble over, in a folder
// that no process has open.
func prepare(dir string, opts Options) error {
	used, release, err := inUse(dir)
	if err != nil {
		return exchange.Errorf(exchange.CodeInternal, "the folder %s cannot be locked: %w", dir, err)
	}
	if used {
		return lockedError(dir)
	}
	defer release()
	span, err := checkLogs(dir, opts.Sync && !opts.AcceptLoss, opts.logger())
	if err != nil {
		return err
	}
	if err := checkTables(dir, span, opts.badger(dir)); err != nil {
		return damaged(dir, err)
	}
	return nil
}

// openBadger turns a panic over damaged files into an error. Badger's own
// goroutines are out of its reach.
func openBadger(o badger.Options) (bdb *badger.DB, err error) {
	defer recovered(&err)
	return badger.Open(o)
}

// openError tells a folder in use from a damaged one; Badger's errors do not
// keep their causes.
func openError(dir string, err error) error {
	used, release, lockErr := inUse(dir)
	if lockErr == nil && used {
		return lockedError(dir)
	}
	if lockErr == nil {
		release()
	}
	return damaged(dir, err)
}

func damaged(dir string, err error) error {
	return exchange.Errorf(exchange.CodeInternal, "the store in %s cannot be read; keep a copy of it and restore the latest backup: %w", dir, damageError{"", err})
}

// start makes the folder durable and checks the format, or writes it.
func (d *DB) start(opts Options) (err error) {
	if opts.Sync {
		if d.log, err = openActiveLog(d.dir); err != nil {
			return exchange.Errorf(exchange.CodeInternal, "the log of %s cannot be opened: %w", d.dir, err)
		}
	}
	if err := durable.SyncDir(d.dir); err != nil {
		return err
	}
	if err := d.checkFormat(); err != nil {
		return err
	}
	d.metrics, err = newMetrics(d, opts)
	return err
}

// checkFormat refuses a newer format and anything that is not a store, and writes the
// format into an empty folder.
func (d *DB) checkFormat() error {
	var found []byte
	empty := true
	err := d.bdb.View(func(txn *badger.Txn) error {
		item, err := txn.Get(formatKey)
		if err == nil {
			found, err = item.ValueCopy(nil)
			return err
		}
		if !errors.Is(err, badger.ErrKeyNotFound) {
			return err
		}
		it := txn.NewIterator(badger.IteratorOptions{})
		defer it.Close()
		it.Rewind()
		empty = !it.Valid()
		return nil
	})
	if err != nil {
		return damaged(d.dir, err)
	}
	if found == nil && empty {
		return d.writeFormat()
	}
	return formatError(d.dir, found)
}

func (d *DB) writeFormat() error {
	txn := d.bdb.NewTransaction(true)
	defer txn.Discard()
	err := txn.Set(formatKey, strconv.AppendInt(nil, Format, 10))
	if err == nil {
		err = d.commit(txn, 2*logTxnOverhead)
	}
	if err != nil {
		return exchange.Errorf(exchange.CodeInternal, "the store in %s cannot be written: %w", d.dir, err)
	}
	return nil
}

// formatError judges the bytes under formatKey; nil means there are none.
func formatError(dir string, found []byte) error {
	n, err := strconv.ParseUint(string(found), 10, 31)
	switch {
	case err != nil:
		return exchange.Errorf(exchange.CodeInvalid, "%s holds a database that is not a shop's store; choose another folder", dir)
	case n > Format:
		return exchange.Errorf(exchange.CodeVersion, "the store in %s has format %d and this version of souk knows formats up to %d; run a newer souk", dir, n, Format)
	case n < Format:
		return exchange.Errorf(exchange.CodeVersion, "the store in %s has format %d, which was never released", dir, n)
	}
	return nil
}
