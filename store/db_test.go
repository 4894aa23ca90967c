package store

import (
	"testing"

	"github.com/dgraph-io/badger/v4"

	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/store/storetest"
)

func bounds(l Limits) storetest.Bounds {
	return storetest.Bounds{
		KeyBytes: MaxKeyBytes, ValueBytes: MaxValueBytes,
		BatchBytes: l.BatchBytes, BatchWrites: l.BatchWrites, WriteOverhead: WriteOverhead,
	}
}

// onDisk reopens by closing; kill_test.go has the other way.
type onDisk struct {
	*DB
	opts Options
}

func (d onDisk) Reopen(t *testing.T) storetest.Reopener {
	must(t, d.Close())
	return onDisk{mustOpen(t, d.dir, d.opts), d.opts}
}

func mustOpen(t testing.TB, dir string, opts Options) *DB {
	t.Helper()
	d, err := Open(dir, opts)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var kinds = []struct {
	name string
	opts Options
}{
	{"LedgerSynced", Options{Sync: true, FreeFloor: -1}},
	{"LedgerUnsynced", Options{FreeFloor: -1}},
	{"ReplicaUnsynced", Options{Profile: Replica, FreeFloor: -1}},
}

func TestContract(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			storetest.Run(t, bounds(k.opts.Profile.tuning().limits), func(t *testing.T) kv.Store {
				return mustOpen(t, t.TempDir(), k.opts)
			})
		})
	}
	t.Run("Memory", func(t *testing.T) {
		storetest.Run(t, bounds(ledgerLimits), func(*testing.T) kv.Store { return Memory() })
	})
}

type reopenedMem struct{ *Mem }

func (m reopenedMem) Reopen(*testing.T) storetest.Reopener { return reopenedMem{m.Clone()} }

func TestDurable(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			storetest.RunDurable(t, func(t *testing.T) storetest.Reopener {
				return onDisk{mustOpen(t, t.TempDir(), k.opts), k.opts}
			})
		})
	}
	t.Run("Memory", func(t *testing.T) {
		storetest.RunDurable(t, func(*testing.T) storetest.Reopener { return reopenedMem{Memory()} })
	})
}

// TestLimits holds our limits against the ones that Badger derives from the
// memtable.
func TestLimits(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			d := mustOpen(t, t.TempDir(), k.opts)
			l := d.Limits()
			if l.BatchBytes >= d.bdb.MaxBatchSize() || int64(l.BatchWrites)+1 >= d.bdb.MaxBatchCount() {
				t.Errorf("limits %+v are not below Badger's %d bytes and %d writes", l, d.bdb.MaxBatchSize(), d.bdb.MaxBatchCount())
			}
			if d.bdb.Opts().ValueThreshold != MaxValueBytes+1 {
				t.Errorf("values leave the table from %d bytes on", d.bdb.Opts().ValueThreshold)
			}
		})
	}
	if o := badger.DefaultOptions(""); o.SyncWrites {
		t.Error("Badger syncs by default now; LedgerUnsynced tests nothing")
	}
}
