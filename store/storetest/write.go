package storetest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange/kv"
)

func testBatchAtomic(t *testing.T, s kv.Store, b Bounds) {
	commit(t, s, set("a", "1"), set("b", "1"))
	wantRefused(t, s, "a value too long at the end of a batch", []kv.Write{
		set("a", "2"), del("b"), set("c", "2"), {Key: []byte("d"), Value: make([]byte, b.ValueBytes+1)},
	})
	wantValue(t, s, "a", "1")
	wantValue(t, s, "b", "1")
	wantScan(t, s, kv.Range{}, "a", "b")
	commit(t, s, set("a", "3"))
	wantValue(t, s, "a", "3")
}

func testOrderInBatch(t *testing.T, s kv.Store, _ Bounds) {
	commit(t, s, set("a", "1"), set("a", "2"), del("a"), set("a", "3"), set("b", "1"), del("b"), del("c"), set("c", "1"))
	wantValue(t, s, "a", "3")
	wantAbsent(t, s, "b")
	wantValue(t, s, "c", "1")
}

func testDelete(t *testing.T, s kv.Store, _ Bounds) {
	commit(t, s, del("never"))
	commit(t, s, set("a", "1"), set("b", "1"))
	commit(t, s, del("a"))
	wantAbsent(t, s, "a")
	wantScan(t, s, kv.Range{}, "b")
	commit(t, s, set("a", "2"))
	wantValue(t, s, "a", "2")
	// A value beside Delete means nothing, however long.
	commit(t, s, kv.Write{Key: []byte("a"), Value: []byte("x"), Delete: true})
	wantAbsent(t, s, "a")
}

func testEmptyBatch(t *testing.T, s kv.Store, _ Bounds) {
	must(t, s.Commit(nil))
	must(t, s.Commit([]kv.Write{}))
	wantScan(t, s, kv.Range{})
}

// testAnyKey uses keys that a database may want for itself.
func testAnyKey(t *testing.T, s kv.Store, _ Bounds) {
	keys := []string{"\x00", "\x00format", "!badger!txn", "!badger!head", "\x01", "\x02", "\xff\xff", "ünï", "a\x00b"}
	slices.Sort(keys)
	for _, k := range keys {
		commit(t, s, set(k, k))
	}
	for _, k := range keys {
		wantValue(t, s, k, k)
	}
	wantScan(t, s, kv.Range{}, keys...)
}

func testLongest(t *testing.T, s kv.Store, b Bounds) {
	key := bytes.Repeat([]byte{0xff}, b.KeyBytes)
	value := bytes.Repeat([]byte{0xee}, b.ValueBytes)
	commit(t, s, kv.Write{Key: key, Value: value})
	got, ok, err := s.Get(key)
	must(t, err)
	if !ok || !bytes.Equal(got, value) {
		t.Fatalf("the longest value came back with %d bytes", len(got))
	}
	wantScan(t, s, kv.Prefix(key[:3]), string(key))
}

// fullBatch has exactly the greatest number of writes, or of bytes.
func fullBatch(b Bounds, writes int) []kv.Write {
	batch := make([]kv.Write, writes)
	left := b.BatchBytes
	for i := range batch {
		key := fmt.Appendf(nil, "full%08d", i)
		room := left/int64(writes-i) - int64(len(key)+b.WriteOverhead)
		batch[i] = kv.Write{Key: key, Value: make([]byte, max(0, min(room, int64(b.ValueBytes))))}
		left -= int64(len(key) + b.WriteOverhead + len(batch[i].Value))
	}
	return batch
}

func testFullBatch(t *testing.T, s kv.Store, b Bounds) {
	for _, writes := range []int{b.BatchWrites, b.BatchWrites / 10, int(b.BatchBytes)/b.ValueBytes + 1} {
		commit(t, s, fullBatch(b, writes)...)
		if got := len(scan(t, s, kv.Range{})); got != writes {
			t.Fatalf("%d keys after a full batch of %d", got, writes)
		}
		dels := fullBatch(b, writes)
		for i := range dels {
			dels[i].Delete = true
		}
		commit(t, s, dels...)
	}
}

func testOverLimits(t *testing.T, s kv.Store, b Bounds) {
	commit(t, s, set("a", "1"))
	wantRefused(t, s, "an empty key", []kv.Write{set("a", "2"), set("", "")})
	wantRefused(t, s, "a long key", []kv.Write{set("a", "2"), {Key: make([]byte, b.KeyBytes+1)}})
	wantRefused(t, s, "a long key to delete", []kv.Write{set("a", "2"), {Key: make([]byte, b.KeyBytes+1), Delete: true}})
	wantRefused(t, s, "a long value", []kv.Write{set("a", "2"), {Key: []byte("b"), Value: make([]byte, b.ValueBytes+1)}})
	many := make([]kv.Write, b.BatchWrites+1)
	for i := range many {
		many[i] = set("a", "2")
	}
	wantRefused(t, s, "too many writes", many)
	wantRefused(t, s, "too many bytes", append(fullBatch(b, b.BatchWrites/10), set("a", "2")))
	wantScan(t, s, kv.Range{}, "a")
	wantValue(t, s, "a", "1")
	commit(t, s, set("a", "3")) // and it goes on
	wantValue(t, s, "a", "3")
}

// testModel holds the store against a map over random batches; rapid prints the
// seed and takes it with -rapid.seed.
func testModel(t *testing.T, s kv.Store, _ Bounds) {
	key := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a', 0xfe, 0xff}), 1, 3)
	write := rapid.Custom(func(t *rapid.T) kv.Write {
		w := kv.Write{Key: key.Draw(t, "key"), Delete: rapid.IntRange(0, 3).Draw(t, "delete") == 0}
		if !w.Delete {
			w.Value = rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "value")
		}
		return w
	})
	rapid.Check(t, func(rt *rapid.T) {
		clear := []kv.Write{}
		for _, k := range scan(t, s, kv.Range{}) {
			clear = append(clear, del(k))
		}
		commit(t, s, clear...)
		model := map[string]string{}
		for range rapid.IntRange(1, 4).Draw(rt, "batches") {
			batch := rapid.SliceOfN(write, 0, 20).Draw(rt, "batch")
			commit(t, s, batch...)
			for _, w := range batch {
				delete(model, string(w.Key))
				if !w.Delete {
					model[string(w.Key)] = string(w.Value)
				}
			}
		}
		for k, v := range model {
			wantValue(t, s, k, v)
		}
		r := kv.Range{From: key.Draw(rt, "from"), To: key.Draw(rt, "to")}
		if rapid.Bool().Draw(rt, "no end") {
			r.To = nil
		}
		var want []string
		for _, k := range slices.Sorted(maps.Keys(model)) {
			if k >= string(r.From) && (r.To == nil || k < string(r.To)) {
				want = append(want, k)
			}
		}
		wantScan(t, s, r, want...)
		if t.Failed() {
			rt.FailNow()
		}
	})
}
