package store

import (
	"errors"
	"fmt"
	"testing"

	"github.com/souk-market/souk/exchange/kv"
)

func TestMemFaults(t *testing.T) {
	m := Memory()
	put(t, m, "a", "1")
	write := []kv.Write{{Key: []byte("a"), Value: []byte("2")}}

	m.FailNext(FaultRefuse)
	must(t, m.Commit(nil)) // writes nothing, so it does not count
	if err := m.Commit(write); !errors.Is(err, kv.ErrRefused) {
		t.Fatalf("refusal: %v", err)
	}
	wantValue(t, m, "a", "1")
	must(t, m.Commit(write))
	wantValue(t, m, "a", "2")

	write[0].Value = []byte("3")
	for fault, want := range map[Fault]string{FaultBefore: "2", FaultAfter: "3"} {
		m := m.Clone()
		m.FailNext(fault)
		err := m.Commit(write)
		if err == nil || errors.Is(err, kv.ErrRefused) {
			t.Fatalf("fault %d: %v", fault, err)
		}
		if _, _, got := m.Get([]byte("a")); !errors.Is(got, err) {
			t.Errorf("fault %d: the store answers on: %v", fault, got)
		}
		restarted := m.Clone()
		wantValue(t, restarted, "a", want)
		put(t, restarted, "a", "4")
	}
	wantValue(t, m, "a", "2") // clones are apart
}

func TestMemClone(t *testing.T) {
	m := Memory()
	for i := range 1000 {
		put(t, m, fmt.Sprint(i), "old")
	}
	c := m.Clone()
	for i := range 1000 {
		put(t, m, fmt.Sprint(i), "new")
		must(t, c.Commit([]kv.Write{{Key: []byte(fmt.Sprint(i / 2)), Delete: true}}))
	}
	if m.Len() != 1000 || c.Len() != 500 {
		t.Errorf("%d and %d keys, want 1000 and 500", m.Len(), c.Len())
	}
	wantValue(t, m, "7", "new")
	wantValue(t, c, "700", "old")
}

// TestMemSpoils: what a visitor keeps past its visit is gone.
func TestMemSpoils(t *testing.T) {
	m := Memory()
	put(t, m, "key", "value")
	var kept []byte
	must(t, m.Scan(kv.Range{}, func(_, v []byte) bool { kept = v; return true }))
	if string(kept) == "value" {
		t.Error("a kept value still reads well")
	}
	wantValue(t, m, "key", "value")
}

func BenchmarkMem(b *testing.B) {
	m := Memory()
	i := 0
	for b.Loop() {
		k := fmt.Appendf(nil, "key%06d", i*7919%100_000)
		_ = m.Commit([]kv.Write{{Key: k, Value: k}})
		_, _, _ = m.Get(k)
		i++
	}
}
