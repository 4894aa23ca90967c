package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/souk-market/souk/exchange/kv"
)

// Bounds are the limits that the store under test promises.
type Bounds struct {
	KeyBytes      int
	ValueBytes    int
	BatchBytes    int64 // of keys, values and WriteOverhead for each write
	BatchWrites   int
	WriteOverhead int
}

// Run holds the stores that open returns, each empty, to the contract.
func Run(t *testing.T, bounds Bounds, open func(t *testing.T) kv.Store) {
	tests := []struct {
		name string
		run  func(t *testing.T, s kv.Store, b Bounds)
	}{
		{"Get", testGet},
		{"EmptyValue", testEmptyValue},
		{"SlicesAreTheCallers", testSlices},
		{"ScanOrder", testScanOrder},
		{"ScanBounds", testScanBounds},
		{"ScanPrefixEdges", testPrefixEdges},
		{"ScanStops", testScanStops},
		{"ScanSnapshot", testScanSnapshot},
		{"ScanWhileOthersCommit", testScanConcurrent},
		{"BatchIsAtomic", testBatchAtomic},
		{"WritesToOneKeyInOrder", testOrderInBatch},
		{"Delete", testDelete},
		{"EmptyBatch", testEmptyBatch},
		{"AnyKey", testAnyKey},
		{"LongestKeyAndValue", testLongest},
		{"FullBatch", testFullBatch},
		{"OverTheLimits", testOverLimits},
		{"Model", testModel},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t), bounds) })
	}
}

// Reopener is a store that can be closed, or dropped as by kill -9, and opened again.
type Reopener interface {
	kv.Store
	// Reopen returns the store as the next process finds it; the receiver is not
	// used again.
	Reopen(t *testing.T) Reopener
}

// RunDurable holds a store that keeps its data to what has to be there after a
// restart.
func RunDurable(t *testing.T, open func(t *testing.T) Reopener) {
	t.Run("Reopen", func(t *testing.T) {
		s := open(t)
		for round := range 4 {
			for i := range 50 {
				commit(t, s, set(fmt.Sprintf("k%02d", i), fmt.Sprintf("v%d-%d", round, i)), set("round", fmt.Sprint(round)))
			}
			commit(t, s, del(fmt.Sprintf("k%02d", round)), set("empty", ""))
			s = s.Reopen(t)
			wantValue(t, s, "round", fmt.Sprint(round))
			wantValue(t, s, "k49", fmt.Sprintf("v%d-49", round))
			wantValue(t, s, "empty", "")
			wantAbsent(t, s, fmt.Sprintf("k%02d", round))
			if got := len(scan(t, s, kv.Range{})); got != 51 {
				t.Fatalf("round %d: %d keys after reopening, want 51", round, got)
			}
		}
	})
	t.Run("ReopenManyBatches", func(t *testing.T) {
		// Enough bytes to pass through Badger's memtables into tables.
		s := open(t)
		value := bytes.Repeat([]byte("v"), 100_000)
		for i := range 600 { // 60 MB
			copy(value, fmt.Sprintf("%04d", i))
			commit(t, s, kv.Write{Key: fmt.Appendf(nil, "big%04d", i%300), Value: value}, set("last", fmt.Sprint(i)))
		}
		s = s.Reopen(t)
		wantValue(t, s, "last", "599")
		n := 300
		must(t, s.Scan(kv.Prefix([]byte("big")), func(k, v []byte) bool {
			if string(k) != fmt.Sprintf("big%04d", n-300) || string(v[:4]) != fmt.Sprintf("%04d", n) || len(v) != 100_000 {
				t.Errorf("%s has %d bytes and starts with %s, want %04d", k, len(v), v[:4], n)
			}
			n++
			return true
		}))
		if n != 600 {
			t.Errorf("%d big values, want 300", n-300)
		}
	})
}

func set(k, v string) kv.Write { return kv.Write{Key: []byte(k), Value: []byte(v)} }
func del(k string) kv.Write    { return kv.Write{Key: []byte(k), Delete: true} }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func commit(t *testing.T, s kv.Store, writes ...kv.Write) {
	t.Helper()
	must(t, s.Commit(writes))
}

func wantValue(t *testing.T, s kv.Store, key, want string) {
	t.Helper()
	v, ok, err := s.Get([]byte(key))
	must(t, err)
	if !ok || string(v) != want {
		t.Fatalf("%q is %q (there: %v), want %q", key, v, ok, want)
	}
}

func wantAbsent(t *testing.T, s kv.Store, key string) {
	t.Helper()
	v, ok, err := s.Get([]byte(key))
	must(t, err)
	if ok {
		t.Fatalf("%q is %q, want nothing", key, v)
	}
}

// scan returns the keys of r as the store visits them.
func scan(t *testing.T, s kv.Store, r kv.Range) []string {
	t.Helper()
	var keys []string
	must(t, s.Scan(r, func(k, _ []byte) bool {
		keys = append(keys, string(k))
		return true
	}))
	return keys
}

func wantScan(t *testing.T, s kv.Store, r kv.Range, want ...string) {
	t.Helper()
	if got := scan(t, s, r); !slices.Equal(got, want) {
		t.Errorf("scan of [%q, %q): %q, want %q", r.From, r.To, got, want)
	}
	slices.Reverse(want)
	r.Reverse = true
	if got := scan(t, s, r); !slices.Equal(got, want) {
		t.Errorf("reverse scan of [%q, %q): %q, want %q", r.From, r.To, got, want)
	}
}

func wantRefused(t *testing.T, s kv.Store, why string, writes []kv.Write) {
	t.Helper()
	err := s.Commit(writes)
	if !errors.Is(err, kv.ErrRefused) {
		t.Fatalf("%s: Commit returned %v, want a refusal", why, err)
	}
}
