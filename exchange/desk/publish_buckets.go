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
// replica: the tree of bucket digests and how many products each holds. It is what is
// committed; whoever changes it tries a bucketChange first. Not safe for concurrent use.
type bucketSet struct {
	tree   *catalog.Tree
	counts [catalog.Buckets]uint32
	count  uint64
}

func newBucketSet() *bucketSet { return &bucketSet{tree: catalog.NewTree()} }

// states reports whether head is a statement about exactly this set.
func (s *bucketSet) states(head *FeedHead) bool {
	return s.count == head.Count && s.tree.Root() == head.Digest
}

// bucketChange is a set as it will be with some buckets replaced. The set stays as it
// is until apply.
type bucketChange struct {
	set   *bucketSet
	tree  *catalog.Change
	sums  map[uint32]bucketSum
	count uint64
}

// with tries the given buckets in the place of the set's.
func (s *bucketSet) with(sums map[uint32]bucketSum) *bucketChange {
	c := &bucketChange{set: s, sums: sums, count: s.count}
	digests := make(map[uint32]catalog.Digest, len(sums))
	for b, sum := range sums {
		digests[b] = sum.digest
		c.count += uint64(sum.count) - uint64(s.counts[b])
	}
	c.tree = s.tree.With(digests)
	return c
}

// states reports whether head is a statement about exactly the set that will be.
func (c *bucketChange) states(head *FeedHead) bool {
	return c.count == head.Count && c.tree.Root() == head.Digest
}

// apply makes the change to its set, which must be as it was when with made it, and
// returns the set.
func (c *bucketChange) apply() *bucketSet {
	c.tree.Apply()
	for b, sum := range c.sums {
		c.set.counts[b] = sum.count
	}
	c.set.count = c.count
	return c.set
}

func (c *bucketChange) digests() []catalog.Digest {
	digests := c.set.tree.Digests()
	for b, sum := range c.sums {
		digests[b] = sum.digest
	}
	return digests
}

// rows are the writes that store the groups in which the change lies.
func (c *bucketChange) rows(prefix []byte) []Write {
	var touched [bucketGroups]bool
	for b := range c.sums {
		touched[b/groupBuckets] = true
	}
	var writes []Write
	for g := range uint16(bucketGroups) {
		if !touched[g] {
			continue
		}
		row := make([]byte, 0, groupBuckets*bucketCell)
		for b := uint32(g) * groupBuckets; b < (uint32(g)+1)*groupBuckets; b++ {
			d, count := c.tree.Get(b), c.set.counts[b]
			if sum, ok := c.sums[b]; ok {
				count = sum.count
			}
			row = append(row, d[:]...)
			row = binary.BigEndian.AppendUint32(row, count)
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
