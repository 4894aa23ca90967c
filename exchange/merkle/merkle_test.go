package merkle_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange/merkle"
)

// TestEqualsTlog holds roots, paths and their verification against tlog for
// every tree of up to 300 leaves.
func TestEqualsTlog(t *testing.T) {
	const largest = 300
	var stored storedHashes
	var leaves []merkle.Hash
	for n := int64(0); n <= largest; n++ {
		root, paths := merkle.Paths(leaves)
		want, err := tlog.TreeHash(n, stored)
		if err != nil {
			t.Fatal(err)
		}
		if merkle.Root(leaves) != merkle.Hash(want) || root != merkle.Hash(want) || len(paths) != len(leaves) {
			t.Fatalf("%d leaves: root %x of %d paths, and %x alone; tlog has %v", n, root, len(paths), merkle.Root(leaves), want)
		}
		for i, path := range paths {
			proof, err := tlog.ProveRecord(n, int64(i), stored)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.EqualFunc(path, proof, func(a merkle.Hash, b tlog.Hash) bool { return a == merkle.Hash(b) }) {
				t.Fatalf("leaf %d of %d: path %x, tlog has %v", i, n, path, proof)
			}
			if got, ok := merkle.RootFromPath(leaves[i], uint64(i), uint64(n), path); !ok || got != root {
				t.Fatalf("leaf %d of %d: its path leads to %x, %v", i, n, got, ok)
			}
			if len(path) > merkle.MaxPath {
				t.Fatalf("leaf %d of %d: path of %d hashes", i, n, len(path))
			}
		}

		data := fmt.Appendf(nil, "leaf %d", n)
		leaves = append(leaves, merkle.Leaf(data))
		added, err := tlog.StoredHashes(n, data, stored)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, added...)
	}
}

// storedHashes keeps a tlog in memory.
type storedHashes []tlog.Hash

func (s storedHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		out[i] = s[index]
	}
	return out, nil
}

func tree(n int) (leaves []merkle.Hash, root merkle.Hash, paths [][]merkle.Hash) {
	for i := range n {
		leaves = append(leaves, merkle.Leaf(binary.BigEndian.AppendUint64(nil, uint64(i))))
	}
	root, paths = merkle.Paths(leaves)
	return leaves, root, paths
}

// One changed bit anywhere, a lost, added or moved hash, another leaf: each
// leads to another root or to none.
func TestAnyCorruptionIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 300).Draw(t, "leaves")
		leaves, root, paths := tree(n)
		i := rapid.IntRange(0, n-1).Draw(t, "leaf")
		leaf, path := leaves[i], slices.Clone(paths[i])
		at := rapid.IntRange(0, len(path)-1).Draw(t, "hash of the path")
		switch rapid.SampledFrom([]string{"leaf bit", "path bit", "lost", "added", "swapped", "other leaf"}).Draw(t, "fault") {
		case "leaf bit":
			leaf[rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		case "path bit":
			path[at][rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		case "lost":
			path = slices.Delete(path, at, at+1)
		case "added":
			path = slices.Insert(path, at, merkle.Leaf([]byte("another")))
		case "swapped":
			if len(path) < 2 {
				t.Skip("nothing to swap")
			}
			other := (at + 1) % len(path)
			path[at], path[other] = path[other], path[at]
		case "other leaf":
			leaf = leaves[(i+1)%n]
		}
		got, ok := merkle.RootFromPath(leaf, uint64(i), uint64(n), path)
		if ok && got == root {
			t.Fatal("the fault was not found")
		}
		if ok != (len(path) == len(paths[i])) {
			t.Fatalf("a path of %d hashes, where %d fit, counts as fitting: %v", len(path), len(paths[i]), ok)
		}
	})
}

// Any index, size and path from outside is answered, whatever they are.
func TestRootFromPathTakesAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		index, size := rapid.Uint64().Draw(t, "index"), rapid.Uint64().Draw(t, "size")
		path := make([]merkle.Hash, rapid.IntRange(0, 130).Draw(t, "path"))
		if _, ok := merkle.RootFromPath(merkle.Hash{}, index, size, path); ok && (index >= size || len(path) > 64) {
			t.Fatalf("leaf %d of %d has a root over %d hashes", index, size, len(path))
		}
	})
}

func TestPathsDoNotOverlap(t *testing.T) {
	_, _, paths := tree(21)
	_, _, want := tree(21)
	for i := range paths {
		_ = append(paths[i], merkle.Hash{0xff}) // must not run into the next path
	}
	for i := range paths {
		if !slices.Equal(paths[i], want[i]) {
			t.Fatalf("appending to a path changed path %d", i)
		}
	}
}

// A leaf cannot pass for a node, nor a node for a leaf.
func TestLeavesAndNodesDiffer(t *testing.T) {
	a, b := merkle.Leaf([]byte("a")), merkle.Leaf([]byte("b"))
	if merkle.Leaf(slices.Concat(a[:], b[:])) == merkle.Node(a, b) {
		t.Error("a leaf that holds two hashes is their node")
	}
}

func BenchmarkPaths(b *testing.B) {
	for _, n := range []int{1, 64, 4096} {
		leaves, _, _ := tree(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				merkle.Paths(leaves)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/leaf")
		})
	}
}
