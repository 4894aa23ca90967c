package store

import (
	"bytes"

	"github.com/souk-market/souk/exchange/kv"
)

// node is the root of a treap: a search tree by key and a heap by rank, where the
// rank is a hash of the key. Its shape follows from the set of keys alone, its
// depth is about 2 log₂ n, and nodes never change: with and without copy the path to
// the key, so an older root stays a snapshot for nothing. nil is the empty tree.
type node struct {
	key, value  []byte
	rank        uint64
	count       int
	left, right *node
}

// rankOf is FNV-1a with the finalizer of splitmix64, which spreads the low bits.
func rankOf(key []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range key {
		h = (h ^ uint64(c)) * 1099511628211
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

func (n *node) size() int {
	if n == nil {
		return 0
	}
	return n.count
}

// join is n with other children.
func (n *node) join(left, right *node) *node {
	return &node{key: n.key, value: n.value, rank: n.rank, count: left.size() + right.size() + 1, left: left, right: right}
}

func (n *node) find(key []byte) *node {
	for n != nil {
		switch c := bytes.Compare(key, n.key); {
		case c < 0:
			n = n.left
		case c > 0:
			n = n.right
		default:
			return n
		}
	}
	return nil
}

// with returns the tree in which key has value; it keeps both slices.
func (n *node) with(key, value []byte) *node {
	return n.insert(&node{key: key, value: value, rank: rankOf(key)})
}

func (n *node) insert(in *node) *node {
	if n == nil {
		return in.join(nil, nil)
	}
	c := bytes.Compare(in.key, n.key)
	switch {
	case c == 0:
		return in.join(n.left, n.right)
	case in.rank > n.rank: // then the key is not below n either
		left, right := n.split(in.key)
		return in.join(left, right)
	case c < 0:
		return n.join(n.left.insert(in), n.right)
	default:
		return n.join(n.left, n.right.insert(in))
	}
}

// split parts the tree into the keys below and above key, which is not in it.
func (n *node) split(key []byte) (below, above *node) {
	if n == nil {
		return nil, nil
	}
	if bytes.Compare(n.key, key) < 0 {
		below, above = n.right.split(key)
		return n.join(n.left, below), above
	}
	below, above = n.left.split(key)
	return below, n.join(above, n.right)
}

// without returns the tree that lacks key.
func (n *node) without(key []byte) *node {
	if n.find(key) == nil {
		return n
	}
	return n.remove(key)
}

func (n *node) remove(key []byte) *node {
	switch c := bytes.Compare(key, n.key); {
	case c < 0:
		return n.join(n.left.remove(key), n.right)
	case c > 0:
		return n.join(n.left, n.right.remove(key))
	}
	return merge(n.left, n.right)
}

// merge joins two trees, every key of a being below every key of b.
func merge(a, b *node) *node {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.rank > b.rank:
		return a.join(a.left, merge(a.right, b))
	default:
		return b.join(merge(a, b.left), b.right)
	}
}

// walk visits the nodes of r in its order until visit returns false.
func (n *node) walk(r kv.Range, visit func(*node) bool) bool {
	if n == nil {
		return true
	}
	low := bytes.Compare(n.key, r.From) < 0
	high := r.To != nil && bytes.Compare(n.key, r.To) >= 0
	first, second, skipFirst, skipSecond := n.left, n.right, low, high
	if r.Reverse {
		first, second, skipFirst, skipSecond = n.right, n.left, high, low
	}
	if !skipFirst && !first.walk(r, visit) {
		return false
	}
	if !low && !high && !visit(n) {
		return false
	}
	return skipSecond || second.walk(r, visit)
}
