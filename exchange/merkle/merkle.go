package merkle

import (
	"crypto/sha256"
	"math/bits"
)

// Hash is a leaf or node hash.
type Hash = [sha256.Size]byte

// MaxPath bounds an audit path: trees have at most 2^32 leaves.
const MaxPath = 32

// Leaf hashes a leaf's bytes.
func Leaf(data []byte) Hash {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(data)
	return Hash(h.Sum(nil))
}

// Node hashes two subtrees.
func Node(left, right Hash) Hash {
	var buf [1 + 2*sha256.Size]byte
	buf[0] = 1
	copy(buf[1:], left[:])
	copy(buf[1+sha256.Size:], right[:])
	return sha256.Sum256(buf[:])
}

// split is the largest power of two smaller than n; n ≥ 2.
func split(n int) int { return 1 << (bits.Len(uint(n-1)) - 1) }

// Root is the tree head over leaf hashes. It takes n−1 node hashes.
func Root(leaves []Hash) Hash {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	}
	k := split(len(leaves))
	return Node(Root(leaves[:k]), Root(leaves[k:]))
}

// Paths returns the root and each leaf's audit path, from the leaf upwards.
// Together they take n−1 node hashes. Paths do not overlap, but one allocation
// holds them all: keep one for long and all stay.
func Paths(leaves []Hash) (Hash, [][]Hash) {
	paths := make([][]Hash, len(leaves))
	depth := bits.Len(uint(max(len(leaves), 1) - 1))
	backing := make([]Hash, 0, depth*len(leaves))
	for i := range paths {
		paths[i] = backing[i*depth : i*depth : (i+1)*depth]
	}
	if len(leaves) == 0 {
		return Root(nil), paths
	}
	return fill(leaves, paths), paths
}

func fill(leaves []Hash, paths [][]Hash) Hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := split(len(leaves))
	left, right := fill(leaves[:k], paths[:k]), fill(leaves[k:], paths[k:])
	for i := range paths[:k] {
		paths[i] = append(paths[i], right)
	}
	for i := k; i < len(paths); i++ {
		paths[i] = append(paths[i], left)
	}
	return Node(left, right)
}

// RootFromPath recomputes the root that a leaf hash at index, in a tree of size
// leaves, has with this path (RFC 9162 §2.1.3.2). ok is false where the path's
// length does not fit, whatever its length is: it never takes more than 64
// hashes. A root proves the leaf; it proves the index only to someone who knows
// the size from elsewhere (in 2 and in 3 leaves, the last one's paths look alike).
func RootFromPath(leaf Hash, index, size uint64, path []Hash) (root Hash, ok bool) {
	if index >= size {
		return root, false
	}
	fn, sn := index, size-1
	root = leaf
	for _, p := range path {
		if sn == 0 {
			return root, false
		}
		if fn&1 == 1 || fn == sn {
			root = Node(p, root)
			for fn&1 == 0 && fn != 0 {
				fn >>= 1
				sn >>= 1
			}
		} else {
			root = Node(root, p)
		}
		fn >>= 1
		sn >>= 1
	}
	return root, sn == 0
}
