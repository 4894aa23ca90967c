package storetest

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/souk-market/souk/exchange/kv"
)

func testGet(t *testing.T, s kv.Store, _ Bounds) {
	wantAbsent(t, s, "a")
	commit(t, s, set("a", "1"), set("ab", "2"))
	wantValue(t, s, "a", "1")
	wantValue(t, s, "ab", "2")
	wantAbsent(t, s, "b")
	wantAbsent(t, s, "abc")
	commit(t, s, set("a", "3"))
	wantValue(t, s, "a", "3")
}

func testEmptyValue(t *testing.T, s kv.Store, _ Bounds) {
	commit(t, s, set("a", ""), kv.Write{Key: []byte("nil")})
	wantValue(t, s, "a", "")
	wantValue(t, s, "nil", "")
	wantScan(t, s, kv.Range{}, "a", "nil")
}

func testSlices(t *testing.T, s kv.Store, _ Bounds) {
	key, value := []byte("key"), []byte("value")
	commit(t, s, kv.Write{Key: key, Value: value})
	copy(key, "xxx")
	copy(value, "xxxxx")
	wantValue(t, s, "key", "value")
	got, _, err := s.Get([]byte("key"))
	must(t, err)
	copy(got, "xxxxx")
	wantValue(t, s, "key", "value")
	must(t, s.Scan(kv.Range{}, func(k, v []byte) bool {
		_ = append(k, 'x') // must not reach the value or the store
		if string(v) != "value" {
			t.Errorf("value is %q", v)
		}
		return true
	}))
	wantValue(t, s, "key", "value")
}

func testScanOrder(t *testing.T, s kv.Store, _ Bounds) {
	wantScan(t, s, kv.Range{})
	for _, k := range []string{"b", "a\xff", "a", "a\x00", "c", "\x00", "\xff", "aa"} {
		commit(t, s, set(k, "v"+k))
	}
	wantScan(t, s, kv.Range{}, "\x00", "a", "a\x00", "aa", "a\xff", "b", "c", "\xff")
	must(t, s.Scan(kv.Range{}, func(k, v []byte) bool {
		if string(v) != "v"+string(k) {
			t.Errorf("%q has value %q", k, v)
		}
		return true
	}))
}

func testScanBounds(t *testing.T, s kv.Store, _ Bounds) {
	commit(t, s, set("a", ""), set("b", ""), set("c", ""), set("d", ""))
	at := func(from, to string) kv.Range { return kv.Range{From: []byte(from), To: []byte(to)} }
	wantScan(t, s, at("b", "d"), "b", "c")
	wantScan(t, s, at("a0", "c0"), "b", "c")
	wantScan(t, s, at("b", "b"))
	wantScan(t, s, at("d", "b"))
	wantScan(t, s, at("", "b"), "a")
	wantScan(t, s, at("e", "z"))
	wantScan(t, s, at("a", ""))
	wantScan(t, s, kv.Range{From: []byte("c")}, "c", "d")
	wantScan(t, s, kv.Range{To: []byte("c")}, "a", "b")
}

func testPrefixEdges(t *testing.T, s kv.Store, _ Bounds) {
	keys := []string{"p", "p\x00", "p\xfe\xff", "p\xff", "p\xff\x00", "p\xff\xff", "p\xff\xff\xff", "q", "\xff", "\xff\x00", "\xff\xff"}
	for _, k := range keys {
		commit(t, s, set(k, ""))
	}
	for _, p := range append(keys, "", "o", "p\xfe", "\xfe", "r") {
		var want []string
		for _, k := range keys {
			if strings.HasPrefix(k, p) {
				want = append(want, k)
			}
		}
		wantScan(t, s, kv.Prefix([]byte(p)), want...)
	}
}

func testScanStops(t *testing.T, s kv.Store, _ Bounds) {
	for i := range 10 {
		commit(t, s, set(fmt.Sprint(i), ""))
	}
	for _, reverse := range []bool{false, true} {
		n := 0
		must(t, s.Scan(kv.Range{Reverse: reverse}, func(_, _ []byte) bool { n++; return n < 3 }))
		if n != 3 {
			t.Errorf("reverse %v: %d visits after the third said stop", reverse, n)
		}
	}
}

// testScanSnapshot writes, from within a scan, around the place it is at.
func testScanSnapshot(t *testing.T, s kv.Store, _ Bounds) {
	for _, reverse := range []bool{false, true} {
		commit(t, s, set("b", "1"), set("d", "1"), set("f", "1"), del("a"), del("c"), del("g"))
		var got []string
		must(t, s.Scan(kv.Range{Reverse: reverse}, func(k, v []byte) bool {
			got = append(got, string(k)+string(v))
			if len(got) == 1 {
				commit(t, s, set("a", "2"), set("c", "2"), set("d", "2"), set("g", "2"), del("b"), del("f"))
				wantValue(t, s, "d", "2")
				wantScan(t, s, kv.Range{}, "a", "c", "d", "g")
			}
			return true
		}))
		want := "b1 d1 f1"
		if reverse {
			want = "f1 d1 b1"
		}
		if strings.Join(got, " ") != want {
			t.Errorf("a scan saw %s, want the snapshot %s", got, want)
		}
	}
}

// testScanConcurrent: a writer keeps two keys equal; no scan may see them differ.
func testScanConcurrent(t *testing.T, s kv.Store, _ Bounds) {
	commit(t, s, set("x", "0"), set("y", "0"))
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := range 200 {
			if err := s.Commit([]kv.Write{set("x", fmt.Sprint(i)), set("y", fmt.Sprint(i))}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 200 {
		var got []string
		must(t, s.Scan(kv.Range{}, func(_, v []byte) bool {
			got = append(got, string(v))
			return true
		}))
		if len(got) != 2 || got[0] != got[1] {
			t.Fatalf("a scan saw half a commit: %q", got)
		}
	}
	writer.Wait()
	wantValue(t, s, "x", "199")
}
