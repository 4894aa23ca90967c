package protocol

import (
	"crypto/ed25519"
	"crypto/rand"
	"io"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/merkle"
	"github.com/souk-market/souk/exchange/message"
)

// MaxBatch is the most leaves of one seal: a path of 16 nodes, and more than a
// store's transaction holds.
const MaxBatch = 1 << 16

// Signer signs for one shop in one federation. It implements message.Signer and
// is safe for concurrent use where its source of randomness is.
type Signer struct {
	key    ed25519.PrivateKey
	shop   exchange.ShopID
	origin string
	rand   io.Reader
}

var _ message.Signer = (*Signer)(nil)

// NewSigner returns the Signer of the shop that joined the federation origin (1
// to 255 bytes) with key. Seals take their random bytes from random; nil is
// crypto/rand. Like package ed25519, it panics if key has a wrong length.
func NewSigner(key ed25519.PrivateKey, origin string, random io.Reader) *Signer {
	if len(key) != ed25519.PrivateKeySize {
		panic("protocol: an Ed25519 private key of a wrong length")
	}
	if random == nil {
		random = rand.Reader
	}
	s := &Signer{key: key, origin: origin, rand: random}
	copy(s.shop[:], key.Public().(ed25519.PublicKey))
	return s
}

// Shop is the shop that signs.
func (s *Signer) Shop() exchange.ShopID { return s.shop }

// Sign signs payload under domain, which is printable ASCII of 1 to 32 bytes and
// not message.DomainBatch.
func (s *Signer) Sign(domain string, payload []byte) ([]byte, error) {
	if err := notBatch(domain); err != nil {
		return nil, err
	}
	return s.sign(domain, payload)
}

func (s *Signer) sign(domain string, payload []byte) ([]byte, error) {
	var buf [maxStatement]byte
	msg, err := statement(buf[:0], domain, s.origin, &s.shop, payload)
	if err != nil {
		return nil, err
	}
	return ed25519.Sign(s.key, msg), nil
}

// Seal makes each payload a leaf of one tree, whose root it signs once, and
// returns the encoded leaves in the same order. 1 to MaxBatch payloads of 1 to
// MaxEntry bytes; none gives none.
func (s *Signer) Seal(payloads [][]byte) ([][]byte, error) {
	if len(payloads) == 0 {
		return nil, nil
	}
	if len(payloads) > MaxBatch {
		return nil, exchange.Errorf(exchange.CodeLimit, "a seal covers at most %d leaves, not %d", MaxBatch, len(payloads))
	}
	leaves, hashes, err := s.leaves(payloads)
	if err != nil {
		return nil, err
	}
	root, paths := merkle.Paths(hashes)
	payload := batchPayload(root, uint64(len(leaves)))
	signature, err := s.sign(message.DomainBatch, payload[:])
	if err != nil {
		return nil, err
	}
	out := make([][]byte, len(leaves))
	var path [maxPath]byte
	for i, leaf := range leaves {
		l := sealed{leaf: leaf, index: uint64(i), size: uint64(len(leaves)), path: path[:0], signature: signature}
		for _, node := range paths[i] {
			l.path = append(l.path, node[:]...)
		}
		out[i] = l.append(make([]byte, 0, l.length()))
	}
	return out, nil
}

// leaves puts 16 random bytes before each payload. They keep a shop that holds
// one leaf from guessing its neighbours', whose hashes stand in its path.
func (s *Signer) leaves(payloads [][]byte) ([][]byte, []merkle.Hash, error) {
	salts := make([]byte, saltSize*len(payloads))
	if _, err := io.ReadFull(s.rand, salts); err != nil {
		return nil, nil, exchange.Errorf(exchange.CodeInternal, "no randomness for a seal: %w", err)
	}
	total := len(salts)
	for _, p := range payloads {
		if len(p) == 0 || len(p) > MaxEntry {
			return nil, nil, exchange.Errorf(exchange.CodeInvalid, "a sealed payload has 1 to %d bytes, not %d", MaxEntry, len(p))
		}
		total += len(p)
	}
	backing := make([]byte, 0, total)
	leaves, hashes := make([][]byte, len(payloads)), make([]merkle.Hash, len(payloads))
	for i, p := range payloads {
		start := len(backing)
		backing = append(append(backing, salts[i*saltSize:(i+1)*saltSize]...), p...)
		leaves[i] = backing[start:]
		hashes[i] = merkle.Leaf(leaves[i])
	}
	return leaves, hashes, nil
}
