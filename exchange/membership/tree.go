package membership

import (
	"crypto/sha256"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// emptyRoot is the root of a list without entries (RFC 6962: the hash of nothing).
var emptyRoot = tlog.Hash(sha256.Sum256(nil))

// tree is an immutable Merkle tree over the entries. hashes are tlog's stored hashes: a tree that
// continues this tree begins with the same hashes. An entry takes about 64 bytes.
type tree struct {
	size   uint64
	hashes []tlog.Hash
}

// ReadHashes implements tlog.HashReader.
func (t tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x < 0 || x >= int64(len(t.hashes)) {
			return nil, fmt.Errorf("hash %d is outside a tree of %d entries", x, t.size)
		}
		out[i] = t.hashes[x]
	}
	return out, nil
}

// with returns the tree over t's first n entries and then more; n ≤ t.size. t is unchanged.
func (t tree) with(n uint64, more [][]byte) tree {
	keep := tlog.StoredHashCount(int64(n))
	next := tree{size: n, hashes: make([]tlog.Hash, keep, keep+2*int64(len(more))+64)}
	copy(next.hashes, t.hashes)
	for _, entry := range more {
		hashes, err := tlog.StoredHashes(int64(next.size), entry, next)
		if err != nil {
			panic("membership: " + err.Error()) // all hashes of the smaller tree are there
		}
		next.hashes = append(next.hashes, hashes...)
		next.size++
	}
	return next
}

// root is the root of the first n entries; n ≤ t.size.
func (t tree) root(n uint64) tlog.Hash {
	if n == 0 {
		return emptyRoot
	}
	h, err := tlog.TreeHash(int64(n), t)
	if err != nil {
		panic("membership: " + err.Error()) // n is within the tree
	}
	return h
}

// proof shows that the first n entries, 1 ≤ n ≤ t.size, are a prefix of the tree.
func (t tree) proof(n uint64) []tlog.Hash {
	p, err := tlog.ProveTree(int64(t.size), int64(n), t)
	if err != nil {
		panic("membership: " + err.Error()) // n is within the tree
	}
	return p
}

// leaf is the hash of entry i < t.size.
func (t tree) leaf(i uint64) tlog.Hash { return t.hashes[tlog.StoredHashIndex(0, int64(i))] }

// common counts the entries from the start that both trees share.
func (t tree) common(o tree) uint64 {
	n := min(t.size, o.size)
	for i := range n {
		if t.leaf(i) != o.leaf(i) {
			return i
		}
	}
	return n
}
