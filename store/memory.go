package store

import (
	"bytes"
	"sync"

	"github.com/tidwall/btree"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
)

var _ kv.Store = (*Mem)(nil)

// Mem is a store in memory for simulations: the same calls give the same
// results, it starts no goroutine, and a Clone costs nothing. It keeps the limits of
// a Ledger. It is safe for concurrent use.
type Mem struct {
	mu     sync.Mutex
	tree   *btree.BTreeG[pair] // guarded by mu; its pairs never change
	fault  Fault               // of the next Commit
	broken error               // set by a commit of unknown outcome
}

type pair struct{ key, value []byte }

// Memory returns an empty store in memory.
func Memory() *Mem {
	return &Mem{tree: btree.NewBTreeGOptions(
		func(a, b pair) bool { return bytes.Compare(a.key, b.key) < 0 },
		btree.Options{Degree: treeDegree, NoLocks: true})}
}

// treeDegree is small, for nearly every commit follows a snapshot and then copies whole
// nodes on its way.
const treeDegree = 4

// Fault is what goes wrong in a Commit of a Mem.
type Fault int

const (
	FaultNone   Fault = iota
	FaultRefuse       // refused as by a full disk: nothing is written, and the store goes on
	FaultBefore       // fails and did not happen
	FaultAfter        // fails and happened
)

// FailNext makes the next Commit that writes something fail so. After FaultBefore and
// FaultAfter, which the caller cannot tell apart, every call fails until the state is
// taken up again with Clone, as a process does that restarts.
func (m *Mem) FailNext(f Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = f
}

// Clone is the store that a process finds which starts after a crash now: all that was
// committed, no fault pending. The clone shares memory with m; neither sees what the other
// commits from now on.
func (m *Mem) Clone() *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Mem{tree: m.tree.Copy()}
}

// Limits says what one Commit may carry.
func (m *Mem) Limits() Limits { return ledgerLimits }

// Get implements kv.Store.
func (m *Mem) Get(key []byte) (value []byte, ok bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.tree.Get(pair{key: key})
	if m.broken != nil || !ok {
		return nil, false, m.broken
	}
	return bytes.Clone(p.value), true, nil
}

// Scan implements kv.Store. It spoils key and value after each visit, so that a
// caller who keeps them fails in a simulation and not in a shop.
func (m *Mem) Scan(r kv.Range, visit func(key, value []byte) bool) error {
	snapshot, err := m.snapshot()
	if err != nil {
		return err
	}
	var buf []byte
	walk(snapshot, r, func(p pair) bool {
		k := len(p.key)
		buf = append(append(buf[:0], p.key...), p.value...)
		more := visit(buf[:k:k], buf[k:len(buf):len(buf)])
		for i := range buf {
			buf[i] = 0xdb
		}
		return more
	})
	return nil
}

func (m *Mem) snapshot() (*btree.BTreeG[pair], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return nil, m.broken
	}
	return m.tree.Copy(), nil // copies nothing: the next commit copies what it changes
}

// walk visits the pairs of r in its order until visit returns false.
func walk(tree *btree.BTreeG[pair], r kv.Range, visit func(pair) bool) {
	above := func(p pair) bool { return r.To != nil && bytes.Compare(p.key, r.To) >= 0 }
	down := func(p pair) bool {
		return above(p) || bytes.Compare(p.key, r.From) >= 0 && visit(p) // only the pivot is above
	}
	switch {
	case !r.Reverse:
		tree.Ascend(pair{key: r.From}, func(p pair) bool { return !above(p) && visit(p) })
	case r.To == nil:
		tree.Reverse(down)
	default:
		tree.Descend(pair{key: r.To}, down)
	}
}

// Commit implements kv.Store.
func (m *Mem) Commit(writes []kv.Write) error {
	if err := ledgerLimits.check(writes); err != nil {
		return err
	}
	if len(writes) == 0 {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return m.broken
	}
	fault := m.fault
	m.fault = FaultNone
	switch fault {
	case FaultRefuse:
		return refusal(exchange.CodeDiskFull, "the disk is full by way of a test")
	case FaultBefore, FaultAfter:
		m.broken = exchange.Errorf(exchange.CodeInternal, "a commit failed by way of a test and nobody knows whether it happened")
		if fault == FaultBefore {
			return m.broken
		}
	}
	for _, w := range writes {
		if w.Delete {
			m.tree.Delete(pair{key: w.Key})
		} else {
			m.tree.Set(pair{bytes.Clone(w.Key), append(make([]byte, 0, len(w.Value)), w.Value...)})
		}
	}
	return m.broken
}

// Len is the number of keys.
func (m *Mem) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tree.Len()
}
