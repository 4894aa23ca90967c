package catalog

import (
	"maps"
	"slices"

	"github.com/souk-market/souk/exchange/merkle"
)

// Tree keeps the bucket digests of one set and, over them, the Merkle tree whose
// root is the set digest. A tree is not small: it takes Buckets digests and twice as many
// nodes. It is not safe for concurrent use.
type Tree struct {
	digests [Buckets]Digest
	// nodes is the tree as a heap: 1 is the root, the children of i are 2i and
	// 2i+1, leaf b is Buckets+b. Buckets is a power of two, so RFC 6962's split is
	// this shape.
	nodes [2 * Buckets]merkle.Hash
	stale bool // nodes above the leaves wait to be rebuilt
}

// NewTree returns the tree of the empty set.
func NewTree() *Tree {
	t := &Tree{}
	empty := EmptyBucket()
	leaf := merkle.Leaf(empty[:])
	for i := range t.digests {
		t.digests[i] = empty
		t.nodes[Buckets+i] = leaf
	}
	t.stale = true
	return t
}

// Set replaces a bucket's digest: one leaf hash and, in a tree whose Root was
// asked for before, 12 node hashes.
func (t *Tree) Set(bucket uint32, d Digest) {
	if t.digests[bucket] == d {
		return
	}
	t.digests[bucket] = d
	i := Buckets + bucket
	t.nodes[i] = merkle.Leaf(d[:])
	if t.stale {
		return
	}
	for i /= 2; i >= 1; i /= 2 {
		t.nodes[i] = merkle.Node(t.nodes[2*i], t.nodes[2*i+1])
	}
}

// SetAll replaces many digests. Above a few hundred, building the tree once
// (4,095 hashes) is cheaper than 12 hashes for each.
func (t *Tree) SetAll(changed map[uint32]Digest) {
	if len(changed) > Buckets/bucketBits {
		t.stale = true
	}
	for bucket, d := range changed {
		t.Set(bucket, d)
	}
}

// Get returns a bucket's digest.
func (t *Tree) Get(bucket uint32) Digest { return t.digests[bucket] }

// Digests returns a copy of all bucket digests.
func (t *Tree) Digests() []Digest { return append([]Digest(nil), t.digests[:]...) }

// Root is the set digest.
func (t *Tree) Root() Digest {
	if t.stale {
		for i := Buckets - 1; i >= 1; i-- {
			t.nodes[i] = merkle.Node(t.nodes[2*i], t.nodes[2*i+1])
		}
		t.stale = false
	}
	return t.nodes[1]
}

// Change is a tree as it will be with some buckets replaced: made by With, it can be
// looked at before it is durable, and given up at no cost.
type Change struct {
	tree    *Tree
	digests map[uint32]Digest
	nodes   []changedNode // from the leaves up, each level ascending; the root last
}

type changedNode struct {
	index uint32 // in Tree.nodes
	hash  merkle.Hash
}

// With computes what the tree becomes with changed, at one leaf hash and at most 12
// node hashes for each bucket. The tree stays as it is; the change holds changed, which
// must not be written to any more.
func (t *Tree) With(changed map[uint32]Digest) *Change {
	t.Root()
	c := &Change{tree: t, digests: changed, nodes: make([]changedNode, 0, len(changed)*(bucketBits/2+1))}
	for _, b := range slices.Sorted(maps.Keys(changed)) {
		d := changed[b]
		c.nodes = append(c.nodes, changedNode{Buckets + b, merkle.Leaf(d[:])})
	}
	for level := c.nodes; len(level) > 0 && level[0].index > 1; {
		from := len(c.nodes)
		for i := 0; i < len(level); i++ {
			parent := level[i].index / 2
			left, right := t.nodes[2*parent], t.nodes[2*parent+1]
			if level[i].index%2 == 1 {
				right = level[i].hash
			} else if left = level[i].hash; i+1 < len(level) && level[i+1].index == 2*parent+1 {
				i++
				right = level[i].hash
			}
			c.nodes = append(c.nodes, changedNode{parent, merkle.Node(left, right)})
		}
		level = c.nodes[from:]
	}
	return c
}

// Root is the set digest that the tree will have.
func (c *Change) Root() Digest {
	if n := len(c.nodes); n > 0 {
		return c.nodes[n-1].hash
	}
	return c.tree.Root()
}

// Get returns the digest that a bucket will have.
func (c *Change) Get(bucket uint32) Digest {
	if d, ok := c.digests[bucket]; ok {
		return d
	}
	return c.tree.digests[bucket]
}

// Apply makes the change to its tree, which must be as it was when With made it.
func (c *Change) Apply() {
	for b, d := range c.digests {
		c.tree.digests[b] = d
	}
	for _, n := range c.nodes {
		c.tree.nodes[n.index] = n.hash
	}
}
