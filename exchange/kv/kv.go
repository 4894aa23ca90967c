package kv

import "github.com/souk-market/souk/exchange"

// Store keeps a shop's state: opaque bytes under ordered keys. A Store is safe
// for concurrent use; a conformance suite (package store/storetest) pins what
// is promised here.
type Store interface {
	// Get returns the value under key, in a slice of the caller's, and whether
	// there is one.
	Get(key []byte) (value []byte, ok bool, err error)
	// Scan visits the keys of r in order, over one consistent snapshot, until
	// visit returns false. key and value are valid only during the call.
	Scan(r Range, visit func(key, value []byte) bool) error
	// Commit applies all writes or none. When it returns nil they survive a
	// power cut. When it returns an error nobody knows which: the caller must
	// end the process and read again, unless errors.Is(err, ErrRefused), which
	// promises that nothing was written. Writes to one key apply in order.
	Commit(writes []Write) error
}

// Range is the half-open span of keys [From, To); a nil To has no end.
type Range struct {
	From, To []byte
	Reverse  bool // visit from the greatest key downwards
}

// Prefix is the range of all keys that start with p.
func Prefix(p []byte) Range {
	to := append([]byte(nil), p...)
	for i := len(to) - 1; i >= 0; i-- {
		to[i]++
		if to[i] != 0 {
			return Range{From: p, To: to[:i+1]}
		}
	}
	return Range{From: p}
}

// Write sets a key, or deletes it where Delete is set.
type Write struct {
	Key, Value []byte
	Delete     bool
}

// ErrRefused is in the chain of a Commit error that wrote nothing: free space
// below the floor (CodeDiskFull), or a batch over the store's limits.
var ErrRefused = exchange.Errorf(exchange.CodeDiskFull, "the store refused the write; nothing was written")
