package protocol

import (
	"crypto/ed25519"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/merkle"
	"github.com/souk-market/souk/exchange/message"
)

// Keys is what a Verifier asks of the member list. It is safe for concurrent use.
type Keys interface {
	// Key is the shop's current key; false where it is no member, left or was revoked.
	Key(shop exchange.ShopID) (ed25519.PublicKey, bool)
}

// rootsKept is how many verified batches a Verifier remembers: the leaves of one
// batch arrive within a second or two; 4,096 batches are one second of 100 partners
// that each commit 40 times. Each takes about 300 bytes: 1.2 MB.
const rootsKept = 4096

// batch is all that a batch's signature depends on. The key is in it so that a
// rotated key starts anew, the signature so that a forged one never profits
// from a good one that was seen before.
type batch struct {
	shop      exchange.ShopID
	key       [ed25519.PublicKeySize]byte
	root      merkle.Hash
	size      uint64
	signature [ed25519.SignatureSize]byte
}

// Verifier checks what members of one federation signed. It implements
// message.Verifier and is safe for concurrent use.
type Verifier struct {
	origin string
	keys   Keys
	roots  *lru.Cache[batch, struct{}] // batches whose signature has been verified
}

var _ message.Verifier = (*Verifier)(nil)

// NewVerifier returns a Verifier of the federation origin, by the keys of its members.
func NewVerifier(origin string, keys Keys) *Verifier {
	roots, err := lru.New[batch, struct{}](rootsKept)
	if err != nil {
		panic(err) // only a size below one fails
	}
	return &Verifier{origin: origin, keys: keys, roots: roots}
}

// Verify reports whether by signed payload under domain. It fails with
// CodeNotMember where by has no key, and CodeSignature where the signature is wrong.
func (v *Verifier) Verify(domain string, by exchange.ShopID, payload, sig []byte) error {
	if err := notBatch(domain); err != nil {
		return err
	}
	key, err := v.key(by)
	if err != nil {
		return err
	}
	return v.verify(key, domain, by, payload, sig)
}

// Open checks a sealed leaf of by's and returns its payload, which aliases b. It
// fails with CodeInvalid for bytes that are no seal, and like Verify. The
// signature of a batch is verified for the first of its leaves and remembered.
func (v *Verifier) Open(by exchange.ShopID, b []byte) ([]byte, error) {
	key, err := v.key(by)
	if err != nil {
		return nil, err
	}
	s, err := parseSealed(b)
	if err != nil {
		return nil, err
	}
	root, err := s.root()
	if err != nil {
		return nil, err
	}
	id := batch{shop: by, root: root, size: s.size}
	copy(id.key[:], key)
	copy(id.signature[:], s.signature)
	if _, seen := v.roots.Get(id); seen {
		return s.payload(), nil
	}
	payload := batchPayload(root, s.size)
	if err := v.verify(key, message.DomainBatch, by, payload[:], s.signature); err != nil {
		return nil, err
	}
	v.roots.Add(id, struct{}{})
	return s.payload(), nil
}

// Peek is the function of that name.
func (v *Verifier) Peek(b []byte) ([]byte, error) { return Peek(b) }

func (v *Verifier) key(by exchange.ShopID) (ed25519.PublicKey, error) {
	key, ok := v.keys.Key(by)
	if !ok {
		return nil, exchange.Errorf(exchange.CodeNotMember, "shop %s is not, or no longer, a member", by)
	}
	if len(key) != ed25519.PublicKeySize {
		return nil, exchange.Errorf(exchange.CodeInternal, "the member list has a key of %d bytes for shop %s", len(key), by)
	}
	return key, nil
}

func (v *Verifier) verify(key ed25519.PublicKey, domain string, by exchange.ShopID, payload, sig []byte) error {
	var buf [maxStatement]byte
	msg, err := statement(buf[:0], domain, v.origin, &by, payload)
	if err != nil {
		return err
	}
	if len(sig) != ed25519.SignatureSize || !ed25519.Verify(key, msg, sig) {
		return exchange.Errorf(exchange.CodeSignature, "a signature of shop %s does not verify", by)
	}
	return nil
}
