package desk

import (
	"context"

	"github.com/souk-market/souk/exchange"
)

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

// Codec turns native values into versioned wire and record bytes and back.
// Encode of a value it made by Decode need not return the same bytes: what is
// signed or hashed is always the bytes received, never encoded again.
type Codec interface {
	Encode(v Value) ([]byte, error)
	// Decode reads untrusted bytes. It enforces the limits of package protocol
	// and returns CodeInvalid for anything it does not understand.
	Decode(k Kind, b []byte) (Value, error)
}

// Signer holds the shop's key. Domain is a NUL-free tag such as "souk/request/1"
// that keeps a signature for one purpose from serving another; origin (the
// federation) and the shop are bound in by the implementation.
type Signer interface {
	Shop() exchange.ShopID
	// Sign signs payload under domain.
	Sign(domain string, payload []byte) (sig []byte, err error)
	// Seal turns a batch's payloads into sealed leaves under one signature
	// (DESIGN §6: RFC 6962 leaves, each with a random 128-bit id).
	Seal(payloads [][]byte) (sealed [][]byte, err error)
}

// Verifier checks what other shops signed, against the member list: a shop
// that is not a member, or was revoked before, verifies nothing.
type Verifier interface {
	Verify(domain string, by exchange.ShopID, payload, sig []byte) error
	// Open checks a sealed leaf and returns its payload.
	Open(by exchange.ShopID, sealed []byte) (payload []byte, err error)
	// Peek returns a sealed leaf's payload without checking anything but its
	// form: for leaves this shop verified before it stored them.
	Peek(sealed []byte) (payload []byte, err error)
}

// Network carries one request to a partner. Any error leaves the outcome
// unknown, unless it is an *exchange.Error that the partner itself answered
// (IsAnswer reports that): ask again with the same id.
type Network interface {
	Request(ctx context.Context, to exchange.ShopID, request []byte) (reply []byte, err error)
}

// Clock tells the time. Only the supplier's clock decides expiry.
type Clock interface{ Now() exchange.Time }

// Members answers what the desk asks of the member list.
type Members interface {
	// IsMember reports whether shop is in the list and neither revoked nor gone.
	IsMember(shop exchange.ShopID) bool
	// MayTakeOn reports nil where the list is fresh enough for new partnerships,
	// else CodeFreshness or CodeFrozen.
	MayTakeOn() error
	// MayTrade reports nil where existing partners may hold and order, else
	// CodeFreshness: the owner has set an age of the list at which that halts. It is
	// asked for every hold, so it must be quick.
	MayTrade() error
}
