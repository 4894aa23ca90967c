package kv

// Limits keep a batch below what the store takes in one transaction.
type Limits struct {
	BatchBytes  int
	BatchWrites int
}

// DefaultLimits are below those of the smallest store (store.Replica).
var DefaultLimits = Limits{BatchBytes: 1 << 20, BatchWrites: 10_000}
