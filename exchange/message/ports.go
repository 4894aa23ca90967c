package message

import (
	"context"
	"crypto/sha256"
	"errors"

	"github.com/souk-market/souk/exchange"
)

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

// Network carries requests to partners.
type Network interface {
	// Request carries one request. Three kinds of error tell the outcome: what the partner itself
	// answered, an *exchange.Error; one with ErrNotAsked in its chain, for nothing was sent; every
	// other leaves it unknown: ask again with the same id.
	Request(ctx context.Context, to exchange.ShopID, request []byte) (reply []byte, err error)
	// Away reports whether a partner is known to be out of reach: the latest attempt to connect
	// failed, and it has not connected since. It must be quick.
	Away(partner exchange.ShopID) bool
}

// ErrNotAsked is in the chain of an error of [Network.Request] where no connection came about and
// nothing of the request was sent: the partner knows nothing of it, and did nothing.
var ErrNotAsked = errors.New("not reachable, nothing was asked")

func Digest(raw []byte) [32]byte { return sha256.Sum256(raw) }
