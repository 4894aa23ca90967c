package protocol

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/merkle"
	"github.com/souk-market/souk/exchange/message"
)

// Bounds of what a statement is made of, in bytes.
const (
	maxDomain = 32
	maxOrigin = 255 // its length stands in one byte
	// maxStatement holds the longest statement: 32 + 1 + 1 + 255 + 32 + 32.
	maxStatement = maxDomain + 2 + maxOrigin + len(exchange.ShopID{}) + sha256.Size
)

// statement appends to buf the bytes that are signed; doc.go has their layout. The
// domain's line end and the origin's length make the layout unambiguous, and the
// fixed size of what follows makes the cost of a signature independent of the payload.
func statement(buf []byte, domain, origin string, shop *exchange.ShopID, payload []byte) ([]byte, error) {
	if err := checkDomain(domain); err != nil {
		return nil, err
	}
	if origin == "" || len(origin) > maxOrigin {
		return nil, exchange.Errorf(exchange.CodeInvalid, "a federation's origin has 1 to %d bytes, not %d", maxOrigin, len(origin))
	}
	hash := sha256.Sum256(payload)
	buf = append(buf, domain...)
	buf = append(buf, '\n', byte(len(origin)))
	buf = append(buf, origin...)
	buf = append(buf, shop[:]...)
	return append(buf, hash[:]...), nil
}

func checkDomain(domain string) error {
	if domain == "" || len(domain) > maxDomain {
		return exchange.Errorf(exchange.CodeInvalid, "a signature's domain has 1 to %d bytes, not %d", maxDomain, len(domain))
	}
	for i := range len(domain) {
		if domain[i] <= ' ' || domain[i] > '~' {
			return exchange.Errorf(exchange.CodeInvalid, "a signature's domain is printable ASCII, not %.40q", domain)
		}
	}
	return nil
}

// notBatch keeps callers from signing or accepting a bare statement under the
// domain of batches: only a seal may claim it.
func notBatch(domain string) error {
	if domain == message.DomainBatch {
		return exchange.Errorf(exchange.CodeInvalid, "the domain %s is for seals alone", domain)
	}
	return nil
}

// batchPayload is what the signature of a batch covers: the root, then the
// number of leaves as 8 bytes, big-endian.
func batchPayload(root merkle.Hash, size uint64) [sha256.Size + 8]byte {
	var b [sha256.Size + 8]byte
	copy(b[:], root[:])
	binary.BigEndian.PutUint64(b[sha256.Size:], size)
	return b
}
