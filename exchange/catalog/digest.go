package catalog

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/merkle"
)

// Buckets is how many buckets a set is split into: 2^bucketBits.
const (
	bucketBits = 12
	Buckets    = 1 << bucketBits
)

// Digest is the digest of a record, a bucket or a set.
type Digest = [sha256.Size]byte

// EmptyBucket is the digest of a bucket without products: SHA-256 of nothing.
func EmptyBucket() Digest { return sha256.Sum256(nil) }

// BucketOf is the bucket a SKU falls into.
func BucketOf(sku exchange.SKU) uint32 {
	sum := sha256.Sum256([]byte(sku))
	return uint32(binary.BigEndian.Uint16(sum[:])) >> (16 - bucketBits)
}

// BucketHash digests one bucket, row by row. The zero value is not usable; take
// one from NewBucketHash and reuse it for many buckets.
type BucketHash struct {
	h     hash.Hash
	last  []byte
	count int
	buf   []byte
}

// NewBucketHash returns an empty bucket's hash.
func NewBucketHash() *BucketHash { return &BucketHash{h: sha256.New()} }

// Add appends a live product's row. It fails with CodeInvalid where sku is not
// greater than the one before (rows are added in byte order, none twice) or too long.
func (b *BucketHash) Add(sku []byte, sequence uint64, record Digest) error {
	if len(sku) == 0 || len(sku) > exchange.MaxSKU {
		return exchange.Errorf(exchange.CodeInvalid, "a SKU of %d bytes stands in a catalog", len(sku))
	}
	if b.count > 0 && bytes.Compare(b.last, sku) >= 0 {
		return exchange.Errorf(exchange.CodeInvalid, "SKU %q follows %q in a bucket; rows ascend", sku, b.last)
	}
	b.last = append(b.last[:0], sku...)
	b.count++
	b.buf = binary.BigEndian.AppendUint16(b.buf[:0], uint16(len(sku)))
	b.buf = append(b.buf, sku...)
	b.buf = binary.BigEndian.AppendUint64(b.buf, sequence)
	b.buf = append(b.buf, record[:]...)
	b.h.Write(b.buf)
	return nil
}

// Count is how many rows were added since the last Sum.
func (b *BucketHash) Count() int { return b.count }

// Sum returns the bucket's digest and empties b for the next bucket.
func (b *BucketHash) Sum() Digest {
	var d Digest
	b.h.Sum(d[:0])
	b.h.Reset()
	b.count = 0
	b.last = b.last[:0]
	return d
}

// SetDigest is the digest of the set with these bucket digests; there must be
// Buckets of them. A Tree gives the same, kept up to date change by change.
func SetDigest(buckets []Digest) (Digest, error) {
	if len(buckets) != Buckets {
		return Digest{}, exchange.Errorf(exchange.CodeInvalid, "a set has %d bucket digests, not %d", Buckets, len(buckets))
	}
	leaves := make([]merkle.Hash, Buckets)
	for i, d := range buckets {
		leaves[i] = merkle.Leaf(d[:])
	}
	return merkle.Root(leaves), nil
}

// Diff lists the buckets in which two sets differ, ascending; both slices must
// have the same length.
func Diff(a, b []Digest) []uint32 {
	var differ []uint32
	for i := range a {
		if a[i] != b[i] {
			differ = append(differ, uint32(i))
		}
	}
	return differ
}
