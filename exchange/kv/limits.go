package kv

// Limits keep a batch below what the store takes in one transaction.
type Limits struct {
	BatchBytes  int
	BatchWrites int
}

// DefaultLimits suit a store with an 8 MiB memtable, whose transactions take
// 15% of it: 1.2 MB.
var DefaultLimits = Limits{BatchBytes: 1 << 20, BatchWrites: 10_000}
