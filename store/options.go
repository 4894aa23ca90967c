package store

import (
	"io"
	"log/slog"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/prometheus/client_golang/prometheus"
)

// Profile sizes a store for what it keeps.
type Profile int

const (
	Ledger  Profile = iota // a shop's own state: holds, orders, ledgers, its catalog
	Replica                // a copy of a partner's catalog
)

// Options say how a store is opened. The zero value is an unsynced ledger
// with the default floor, no log and no metrics.
type Options struct {
	// Sync makes a Commit that returned nil survive a power cut. Set it for
	// everything that cannot be had again.
	Sync    bool
	Profile Profile

	// FreeFloor is the free space of the disk, in bytes, below which commits are
	// refused. 0 is DefaultFreeFloor; a negative one is no floor.
	FreeFloor int64

	// AcceptLoss opens a folder whose write-ahead log is damaged, at the price of
	// every commit after the damage. Only for an owner who has no better copy and
	// will compare the ledgers with the partners before selling.
	AcceptLoss bool

	Logger     *slog.Logger          // nil logs nothing
	Registerer prometheus.Registerer // nil keeps no metrics
	Name       string                // the label "store" of the metrics; unique in a registry

	// free reads the bytes a process may still write to the disk of dir; tests
	// replace it.
	free func(dir string) (int64, error)
}

// DefaultFreeFloor is the free space that a refusing store needs to stay
// alive. After the last commit Badger may still write, for a ledger: the active memtable
// and two queued ones as tables (3 × 32 MiB), and a compaction of four such tables
// and the 10 MiB of the level below them before its inputs are deleted
// (138 MiB): 234 MiB, rounded up. A replica needs a quarter.
const DefaultFreeFloor = 256 << 20

// tuning is what a Profile means.
type tuning struct {
	limits    Limits
	memTable  int64 // bytes; also the most of a WAL that a start after a crash replays
	openFloor int64 // free bytes below which Open would risk SIGBUS; see below
}

// memTables is the number of memtables that wait for being written as tables
// before commits wait for them.
const memTables = 2

// Open may write every waiting memtable and the active one as tables, and
// starts a new WAL: (memTables + 1) × memTable, and 16 MiB for the rest.
const openSlack = 16 << 20

func (p Profile) tuning() tuning {
	t := tuning{limits: ledgerLimits, memTable: 32 << 20}
	if p == Replica {
		t = tuning{limits: replicaLimits, memTable: 8 << 20}
	}
	t.openFloor = (memTables+1)*t.memTable + openSlack
	return t
}

// floor is the free space below which commits are refused; 0 is none.
func (o Options) floor() int64 {
	switch {
	case o.FreeFloor < 0:
		return 0
	case o.FreeFloor == 0:
		return DefaultFreeFloor
	}
	return o.FreeFloor
}

func (o Options) logger() *slog.Logger {
	if o.Logger == nil {
		return slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	return o.Logger.With("store", o.Name)
}

func (o Options) badger(dir string) badger.Options {
	t := o.Profile.tuning()
	b := badger.DefaultOptions(dir)
	b.SyncWrites = false // activeLog syncs
	b.MemTableSize = t.memTable
	b.NumMemtables = memTables
	b.NumLevelZeroTables = 4 // compaction starts; see DefaultFreeFloor
	b.NumCompactors = 2      // the least Badger takes
	b.ValueThreshold = MaxValueBytes + 1
	b.ValueLogFileSize = 1 << 20 // the least Badger takes; the file stays empty
	b.Compression = options.None // tables.go verifies tables as they are
	b.BlockCacheSize = 0         // blocks are read in place
	b.ChecksumVerificationMode = options.NoVerification
	b.DetectConflicts = false // commits are blind writes, one at a time
	b.MetricsEnabled = false  // process-wide expvars; metrics.go has our own
	b.Logger = badgerLog{o.logger()}
	return b
}
