package catalog_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/merkle"
)

// goldenEmptySet was computed apart from this code, with Python's hashlib.
const goldenEmptySet = "4797b889e53f1894f02caf17424cf9ce0a4b1ccf4cca4a2e4b0bd7258032aad8"

func TestBucketOf(t *testing.T) {
	for _, sku := range []exchange.SKU{"A", "SHOE-42", "id-7", "日本"} {
		t.Run(string(sku), func(t *testing.T) {
			sum := sha256.Sum256([]byte(sku))
			want := uint32(sum[0])<<4 | uint32(sum[1])>>4 // the first 12 bits
			if got := catalog.BucketOf(sku); got != want || got >= catalog.Buckets {
				t.Errorf("BucketOf(%s) = %d, want %d", sku, got, want)
			}
		})
	}
}

// The layout is a wire format: these bytes are what every replica of every
// version hashes.
func TestBucketDigestLayout(t *testing.T) {
	rec := sha256.Sum256([]byte("record"))
	var row []byte
	row = append(row, 0, 2)
	row = append(row, "AB"...)
	row = append(row, 0, 0, 0, 0, 0, 0, 0, 9)
	row = append(row, rec[:]...)
	h := catalog.NewBucketHash()
	if err := h.Add([]byte("AB"), 9, rec); err != nil {
		t.Fatal(err)
	}
	if got, want := h.Sum(), sha256.Sum256(row); got != want {
		t.Errorf("digest %x, want %x", got, want)
	}
	if h.Sum() != catalog.EmptyBucket() {
		t.Error("Sum does not empty the bucket")
	}
	root := catalog.NewTree().Root()
	if goldenEmptySet != hex.EncodeToString(root[:]) {
		t.Errorf("the empty set's digest is %x, want %s", root, goldenEmptySet)
	}
}

func TestBucketHashRefusesDisorder(t *testing.T) {
	h := catalog.NewBucketHash()
	for _, c := range []struct {
		sku string
		ok  bool
	}{{"B", true}, {"B", false}, {"A", false}, {"BA", true}, {"", false}, {string(make([]byte, exchange.MaxSKU+1)), false}} {
		if err := h.Add([]byte(c.sku), 1, catalog.Digest{}); (err == nil) != c.ok {
			t.Errorf("Add(%.5q) = %v, want ok %v", c.sku, err, c.ok)
		}
	}
}

// A tree changed one bucket at a time, or many, has the root that RFC 6962 gives
// the whole list.
func TestTreeEqualsSetDigest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := catalog.NewTree()
		digests := slices.Repeat([]catalog.Digest{catalog.EmptyBucket()}, catalog.Buckets)
		for range rapid.IntRange(1, 6).Draw(t, "rounds") {
			changed := map[uint32]catalog.Digest{}
			n := rapid.SampledFrom([]int{0, 1, 5, 700}).Draw(t, "changes")
			seed := rapid.Uint64().Draw(t, "seed")
			for i := range n {
				d := sha256.Sum256(binary.BigEndian.AppendUint64(nil, seed+uint64(i)))
				changed[uint32(binary.BigEndian.Uint16(d[:])>>4)] = d
			}
			way := rapid.SampledFrom([]string{"one by one", "all", "tried", "given up"}).Draw(t, "way")
			switch way {
			case "one by one":
				for b, d := range changed {
					tree.Set(b, d)
				}
			case "all":
				tree.SetAll(changed)
			default:
				checkChange(t, tree.With(changed), changed, digests)
				if way == "tried" {
					tree.With(changed).Apply()
				}
			}
			if way != "given up" {
				for b, d := range changed {
					digests[b] = d
				}
			}
			if rapid.Bool().Draw(t, "look") {
				want, err := catalog.SetDigest(digests)
				if err != nil {
					t.Fatal(err)
				}
				if got := tree.Root(); got != want {
					t.Fatalf("root %x, want %x", got, want)
				}
			}
		}
		if !slices.Equal(tree.Digests(), digests) {
			t.Fatal("the tree's digests are not those that were set")
		}
	})
}

// checkChange holds a change that is not applied against the whole list.
func checkChange(t *rapid.T, c *catalog.Change, changed map[uint32]catalog.Digest, before []catalog.Digest) {
	after := slices.Clone(before)
	for b, d := range changed {
		after[b] = d
	}
	want, err := catalog.SetDigest(after)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Root(); got != want {
		t.Fatalf("a change has root %x, want %x", got, want)
	}
	for b := range uint32(catalog.Buckets) {
		if c.Get(b) != after[b] {
			t.Fatalf("bucket %d of a change is %x, want %x", b, c.Get(b), after[b])
		}
	}
}

func TestSetDigestIsMerkleRoot(t *testing.T) {
	tree := catalog.NewTree()
	one := sha256.Sum256([]byte("x"))
	tree.Set(17, one)
	var leaves []merkle.Hash
	for i := range uint32(catalog.Buckets) {
		d := tree.Get(i)
		leaves = append(leaves, merkle.Leaf(d[:]))
	}
	if merkle.Root(leaves) != tree.Root() {
		t.Error("the tree's root is not the Merkle root of its buckets")
	}
	if got := catalog.Diff(tree.Digests(), catalog.NewTree().Digests()); !slices.Equal(got, []uint32{17}) {
		t.Errorf("Diff = %v", got)
	}
	if _, err := catalog.SetDigest(nil); err == nil {
		t.Error("a set of no buckets has a digest")
	}
}

// Two sets have one bucket digest only if their rows are equal: rows are
// length-prefixed and cannot run into each other.
func TestBucketDigestTellsSetsApart(t *testing.T) {
	sum := func(rows [][2]string) catalog.Digest {
		h := catalog.NewBucketHash()
		for _, r := range rows {
			if err := h.Add([]byte(r[0]), uint64(len(r[1])), sha256.Sum256([]byte(r[1]))); err != nil {
				t.Fatal(err)
			}
		}
		return h.Sum()
	}
	sets := [][][2]string{{}, {{"A", "x"}}, {{"A", "y"}}, {{"A", "x"}, {"B", "x"}}, {{"AB", "x"}}}
	var seen [][]byte
	for _, s := range sets {
		d := sum(s)
		for _, o := range seen {
			if bytes.Equal(o, d[:]) {
				t.Errorf("%v has another set's digest", s)
			}
		}
		seen = append(seen, d[:])
	}
}

func BenchmarkTreeChange(b *testing.B) {
	tree := catalog.NewTree()
	tree.Root()
	for i := range b.N {
		tree.Set(uint32(i)%catalog.Buckets, sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i))))
		tree.Root()
	}
}

// BenchmarkTreeWith tries 256 buckets, as a publishing of as many products does.
func BenchmarkTreeWith(b *testing.B) {
	tree := catalog.NewTree()
	changed := make(map[uint32]catalog.Digest)
	for i := range uint32(256) {
		changed[i*16] = sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
	}
	b.ReportAllocs()
	for b.Loop() {
		tree.With(changed).Root()
	}
}
