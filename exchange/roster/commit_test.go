package roster_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/roster"
	"github.com/souk-market/souk/store"
)

// TestCommitFaults: whatever a commit does, the list is the old or the new one after
// a restart, and the same pull completes it.
func TestCommitFaults(t *testing.T) {
	for _, entries := range []int{3, 700} { // one batch and several
		h := newHub(t)
		h.append(h.join(h.key()))
		old := h.fork().list
		h.append(h.voids(entries, strings.Repeat("y", membership.MaxWhy))...)
		for _, fault := range []store.Fault{store.FaultRefuse, store.FaultBefore, store.FaultAfter} {
			for commit := 1; commit <= 2; commit++ {
				t.Run(fmt.Sprintf("%d entries, fault %d, commit %d", entries, fault, commit), func(t *testing.T) {
					h := *h
					h.t = t
					f := &failing{Mem: store.Memory()}
					r := h.open(f)
					if _, err := h.pull(r, old, 0, membership.MaxBundleBytes); err != nil {
						t.Fatal(err)
					}
					f.in, f.fault = commit, fault
					_, err := h.pull(r, h.list, 1, membership.MaxBundleBytes)
					if f.in > 0 { // it took fewer commits
						if err != nil || entries > 100 {
							t.Fatalf("%v", err)
						}
						return
					}
					if refused := errors.Is(err, kv.ErrRefused); err == nil || refused != (fault == store.FaultRefuse) {
						t.Fatalf("%v", err)
					}
					same(t, r, old)
					if fault == store.FaultRefuse {
						if _, err := h.pull(r, h.list, 1, membership.MaxBundleBytes); err != nil {
							t.Fatal(err)
						}
						same(t, r, h.list)
						return
					}
					_, err = h.pull(r, h.list, 1, membership.MaxBundleBytes)
					wantCode(t, err, exchange.CodeInternal)

					r = h.open(f.Clone()) // the process starts again
					if size := r.State().Size(); size != 1 && size != h.list.State().Size() {
						t.Fatalf("%d entries", size)
					}
					if _, err := h.pull(r, h.list, r.State().Size(), membership.MaxBundleBytes); err != nil {
						t.Fatal(err)
					}
					same(t, r, h.list)
				})
			}
		}
	}
}

// failing lets the in-th commit from now fail.
type failing struct {
	*store.Mem
	in    int
	fault store.Fault
}

func (f *failing) Commit(writes []kv.Write) error {
	if f.in--; f.in == 0 {
		f.FailNext(f.fault)
	}
	return f.Mem.Commit(writes)
}

// TestHalfStoredListIsReplaced: entries of a list that was never committed give way to others.
func TestHalfStoredListIsReplaced(t *testing.T) {
	h := newHub(t)
	h.append(h.join(h.key()))
	fork := h.fork()
	h.append(h.voids(700, strings.Repeat("y", membership.MaxWhy))...)
	f := &failing{Mem: store.Memory()}
	r := h.open(f)
	if err := r.Apply(must(fork.list.Bundle(0, membership.MaxBundleBytes))(t)); err != nil {
		t.Fatal(err)
	}
	f.in, f.fault = 2, store.FaultBefore
	if _, err := h.pull(r, h.list, 1, membership.MaxBundleBytes); err == nil {
		t.Fatal("no fault")
	}
	r = h.open(f.Clone())
	fork.append(fork.join(fork.key()))
	if _, err := h.pull(r, fork.list, 1, membership.MaxBundleBytes); err != nil {
		t.Fatal(err)
	}
	same(t, r, fork.list)
}

// TestDamage flips a bit in each stored value: no damaged list opens.
func TestDamage(t *testing.T) {
	h := newHub(t)
	shop := h.key()
	h.append(h.join(shop), h.join(h.key()))
	var keys [][]byte
	values := map[string][]byte{}
	if err := h.store.Scan(kv.Prefix([]byte("members/")), func(k, v []byte) bool {
		keys = append(keys, bytes.Clone(k))
		values[string(k)] = bytes.Clone(v)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if len(keys) != 4 {
		t.Fatalf("%q", keys)
	}
	try := func(what string, w kv.Write) {
		s := h.store.Clone()
		if err := s.Commit([]kv.Write{w}); err != nil {
			t.Fatal(err)
		}
		if r, err := roster.Open(h.config(s)); err == nil {
			if !bytes.Equal(r.Checkpoint(), h.list.Checkpoint()) { // a spare bit of base64 may differ
				t.Errorf("%s: it opens", what)
			}
		}
	}
	for _, k := range keys {
		for at := 0; at < len(values[string(k)]); at += 7 {
			v := bytes.Clone(values[string(k)])
			v[at] ^= 4
			try(fmt.Sprintf("%q byte %d", k, at), kv.Write{Key: k, Value: v})
		}
		try(fmt.Sprintf("%q gone", k), kv.Write{Key: k, Delete: true})
	}
}

func TestForeignFolder(t *testing.T) {
	h := newHub(t)
	h.append()
	if f, ok, err := roster.Stored(h.store); err != nil || !ok || !f.Equal(h.fed) {
		t.Fatalf("%+v, %v, %v", f, ok, err)
	}
	if _, ok, err := roster.Stored(store.Memory()); ok || err != nil {
		t.Fatal("an empty store holds a list")
	}
	cfg := h.config(h.store)
	cfg.Federation = must(membership.NewFederation("hillside", public(seededKey(5)), public(h.admission)))(t)
	_, err := roster.Open(cfg)
	wantCode(t, err, exchange.CodeConflict)
}

// TestOnDisk keeps the list in a real store.
func TestOnDisk(t *testing.T) {
	h := newHub(t)
	h.append(h.join(h.key()), h.join(h.key()))
	dir := t.TempDir()
	for range 2 {
		db, err := store.Open(dir, store.Options{Sync: true})
		if err != nil {
			t.Fatal(err)
		}
		r := h.open(db)
		if _, err := h.pull(r, h.list, r.State().Size(), membership.MaxBundleBytes); err != nil {
			t.Fatal(err)
		}
		same(t, r, h.list)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
