package bucket

import (
	"encoding/binary"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
)

// Bucket digests are stored 16 to a row, so that a change of one product rewrites
// 576 bytes and not the 144 KiB of all buckets, and a start reads 256 rows.
const (
	groupBuckets = 16
	Groups       = catalog.Buckets / groupBuckets // 256
	bucketCell   = 32 + 4                         // digest ‖ be32 live products
)

// Sum is what one bucket adds to a set.
type Sum struct {
	Digest catalog.Digest
	count  uint32
}

// Set is the digests of a set of products, as committed: the tree of bucket digests, and how
// many products each bucket has. It changes by [Set.With], a commit of [Change.Rows], and
// [Change.Apply], in this order. It is not safe for concurrent use.
type Set struct {
	Tree   *catalog.Tree
	counts [catalog.Buckets]uint32 // live products of each bucket
	count  uint64                  // of all buckets
}

// NewSet is the empty set.
func NewSet() *Set { return &Set{Tree: catalog.NewTree()} }

// States reports whether head is a statement about exactly this set.
func (s *Set) States(head *message.FeedHead) bool {
	return s.count == head.Count && s.Tree.Root() == head.Digest
}

// Change is a set as it will be with some buckets replaced. The set itself changes with Apply.
type Change struct {
	set   *Set
	Tree  *catalog.Change
	sums  map[uint32]Sum // of the replaced buckets
	Count uint64         // live products of all buckets
}

// With is the set with the given buckets in the place of its own.
func (s *Set) With(sums map[uint32]Sum) *Change {
	c := &Change{set: s, sums: sums, Count: s.count}
	digests := make(map[uint32]catalog.Digest, len(sums))
	for b, sum := range sums {
		digests[b] = sum.Digest
		c.Count += uint64(sum.count) - uint64(s.counts[b])
	}
	c.Tree = s.Tree.With(digests)
	return c
}

// States reports whether head is a statement about exactly the set that will be.
func (c *Change) States(head *message.FeedHead) bool {
	return c.Count == head.Count && c.Tree.Root() == head.Digest
}

// Apply changes the set and returns it. The set must not have changed since With.
func (c *Change) Apply() *Set {
	c.Tree.Apply()
	for b, sum := range c.sums {
		c.set.counts[b] = sum.count
	}
	c.set.count = c.Count
	return c.set
}

// Digests are the digests of all buckets as they will be.
func (c *Change) Digests() []catalog.Digest {
	digests := c.set.Tree.Digests()
	for b, sum := range c.sums {
		digests[b] = sum.Digest
	}
	return digests
}

// Rows are the writes that store the groups with replaced buckets.
func (c *Change) Rows(prefix []byte) []kv.Write {
	var touched [Groups]bool
	for b := range c.sums {
		touched[b/groupBuckets] = true
	}
	var writes []kv.Write
	for g := range uint16(Groups) {
		if !touched[g] {
			continue
		}
		row := make([]byte, 0, groupBuckets*bucketCell)
		for b := uint32(g) * groupBuckets; b < (uint32(g)+1)*groupBuckets; b++ {
			d, count := c.Tree.Get(b), c.set.counts[b]
			if sum, ok := c.sums[b]; ok {
				count = sum.count
			}
			row = append(row, d[:]...)
			row = binary.BigEndian.AppendUint32(row, count)
		}
		writes = append(writes, kv.Write{Key: GroupKey(prefix, g), Value: row})
	}
	return writes
}

// Load reads the rows under prefix. The buckets of a group without a row are empty. The
// caller compares the set with a signed head, for rows may be lost.
func Load(store kv.Store, prefix []byte) (*Set, error) {
	s := NewSet()
	digests := make(map[uint32]catalog.Digest, catalog.Buckets)
	for row, err := range kv.Rows(store, kv.Prefix(prefix)) {
		if err == nil {
			err = s.Read(row.Key[len(prefix):], row.Value, digests)
		}
		if err != nil {
			return nil, err
		}
	}
	s.Tree.SetAll(digests)
	return s, nil
}

// Read takes the counts of one group's row into s and the digests into digests, which the
// caller puts into s.Tree after all rows.
func (s *Set) Read(group, row []byte, digests map[uint32]catalog.Digest) error {
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
