package desk

import (
	"encoding/binary"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
)

// Bucket digests are stored 16 to a row, so that a change of one product rewrites
// 576 bytes and not the 144 KiB of all buckets, and a start reads 256 rows.
const (
	groupBuckets = 16
	bucketGroups = catalog.Buckets / groupBuckets
	bucketCell   = 32 + 4 // digest ‖ be32 live products
)

// bucketSum is what one bucket adds to a set.
type bucketSum struct {
	digest catalog.Digest
	count  uint32
}

// bucketSet is the digest side of a set of products, the supplier's own or a
// replica: the tree of bucket digests and how many products each holds. Once
// others can see it, it is not changed: clone, change, publish the clone.
type bucketSet struct {
	tree   *catalog.Tree
	counts [catalog.Buckets]uint32
	count  uint64
}

func newBucketSet() *bucketSet { return &bucketSet{tree: catalog.NewTree()} }

// with returns a copy in which the given buckets are replaced.
func (s *bucketSet) with(sums map[uint32]bucketSum) *bucketSet {
	c := &bucketSet{tree: s.tree.Clone(), counts: s.counts, count: s.count}
	digests := make(map[uint32]catalog.Digest, len(sums))
	for b, sum := range sums {
		digests[b] = sum.digest
		c.count += uint64(sum.count) - uint64(c.counts[b])
		c.counts[b] = sum.count
	}
	c.tree.SetAll(digests)
	return c
}

// states reports whether head is a statement about exactly this set.
func (s *bucketSet) states(head *FeedHead) bool {
	return s.count == head.Count && s.tree.Root() == head.Digest
}

// rows are the writes that store the groups in which sums lie.
func (s *bucketSet) rows(prefix []byte, sums map[uint32]bucketSum) []Write {
	var touched [bucketGroups]bool
	for b := range sums {
		touched[b/groupBuckets] = true
	}
	var writes []Write
	for g := range uint16(bucketGroups) {
		if !touched[g] {
			continue
		}
		row := make([]byte, 0, groupBuckets*bucketCell)
		for b := uint32(g) * groupBuckets; b < (uint32(g)+1)*groupBuckets; b++ {
			d := s.tree.Get(b)
			row = append(row, d[:]...)
			row = binary.BigEndian.AppendUint32(row, s.counts[b])
		}
		writes = append(writes, Write{Key: groupKey(prefix, g), Value: row})
	}
	return writes
}

func groupKey(prefix []byte, group uint16) []byte {
	return binary.BigEndian.AppendUint16(append(make([]byte, 0, len(prefix)+2), prefix...), group)
}

// loadBuckets reads the rows under prefix. Groups that were never written hold
// empty buckets. Whoever loads a set compares it to a signed head.
func loadBuckets(store Store, prefix []byte) (*bucketSet, error) {
	s := newBucketSet()
	digests := make(map[uint32]catalog.Digest, catalog.Buckets)
	var broken error
	err := store.Scan(Prefix(prefix), func(key, row []byte) bool {
		broken = s.read(key[len(prefix):], row, digests)
		return broken == nil
	})
	if err != nil {
		return nil, err
	}
	if broken != nil {
		return nil, broken
	}
	s.tree.SetAll(digests)
	return s, nil
}

func (s *bucketSet) read(group, row []byte, digests map[uint32]catalog.Digest) error {
	if len(group) != 2 || len(row) != groupBuckets*bucketCell {
		return exchange.Errorf(exchange.CodeInternal, "a row of bucket digests has %d bytes under a key of %d", len(row), len(group))
	}
	first := uint32(binary.BigEndian.Uint16(group)) * groupBuckets
	if first >= catalog.Buckets {
		return exchange.Errorf(exchange.CodeInternal, "a row of bucket digests begins at bucket %d", first)
	}
	for i := range uint32(groupBuckets) {
		cell := row[i*bucketCell:]
		digests[first+i] = catalog.Digest(cell[:32])
		s.counts[first+i] = binary.BigEndian.Uint32(cell[32:])
		s.count += uint64(s.counts[first+i])
	}
	return nil
}
