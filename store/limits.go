package store

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
)

// Limits of keys and values, the same for every profile.
const (
	// MaxKeyBytes is the longest key, several times the longest of package replica's index keys: a
	// tag, a search token, a ShopID and a SKU. Badger's own limit is 65,000, space byte
	// included.
	MaxKeyBytes = 1024

	// MaxValueBytes is the longest value: one less than Badger's value threshold of
	// 1 MiB, at which values move to the value log.
	MaxValueBytes = 1<<20 - 1

	// WriteOverhead is what each write counts for beside its key and value against
	// MaxBatchBytes: 1 byte of key space, 2 of meta and 10 of version, rounded up.
	WriteOverhead = 16
)

// Limits are what one Commit may carry. A writer that drains a queue into
// batches stays below them by counting len(Key) + len(Value) + WriteOverhead for
// each write.
type Limits struct {
	BatchBytes  int64 // most bytes, counted as above
	BatchWrites int   // most writes, repeated keys included
}

// Badger takes 15% of the memtable in one transaction, and one skip-list node
// (96 bytes) of that for each write. TestLimits holds the figures below against the
// memtables that options.go sets.
var (
	// A batch of 1,000 holds takes about 2.5 MB: a request and a sealed answer of 1 KB
	// each, and stock, index and ledger records. A replica's limits would cut it in three.
	ledgerLimits = Limits{BatchBytes: 4_800_000, BatchWrites: 50_000}

	// There is room for one value of the greatest size, or for more than 3,000 catalog
	// records of 300 bytes with their keys.
	replicaLimits = Limits{BatchBytes: 1_200_000, BatchWrites: 12_000}
)

// check returns nil for a batch that may be committed, else an error with
// kv.ErrRefused in its chain.
func (l Limits) check(writes []kv.Write) error {
	if len(writes) > l.BatchWrites {
		return refusal(exchange.CodeLimit, "a batch of %d writes is over the store's %d; split it", len(writes), l.BatchWrites)
	}
	var total int64
	for _, w := range writes {
		switch {
		case len(w.Key) == 0:
			return refusal(exchange.CodeLimit, "a key of the store has 1 to %d bytes; one is empty", MaxKeyBytes)
		case len(w.Key) > MaxKeyBytes:
			return refusal(exchange.CodeLimit, "a key of the store has 1 to %d bytes, not %d: %.40x…", MaxKeyBytes, len(w.Key), w.Key)
		case !w.Delete && len(w.Value) > MaxValueBytes:
			return refusal(exchange.CodeLimit, "a value of the store has at most %d bytes; that of key %x has %d", MaxValueBytes, w.Key, len(w.Value))
		}
		total += int64(len(w.Key)) + WriteOverhead
		if !w.Delete {
			total += int64(len(w.Value))
		}
	}
	if total > l.BatchBytes {
		return refusal(exchange.CodeLimit, "a batch of %d bytes is over the store's %d; split it", total, l.BatchBytes)
	}
	return nil
}

// refusal is an error that promises that nothing was written.
func refusal(code exchange.Code, format string, args ...any) *exchange.Error {
	return exchange.Errorf(code, format+": %w", append(args, kv.ErrRefused)...)
}
