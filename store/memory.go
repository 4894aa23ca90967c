package store

import (
	"bytes"
	"sync"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
)

var _ kv.Store = (*Mem)(nil)

// Mem is a store in memory for simulations: the same calls give the same
// results, it starts no goroutine, and a Clone costs nothing. It keeps the limits of
// a Ledger. It is safe for concurrent use.
type Mem struct {
	mu     sync.Mutex
	root   *node // immutable: a commit makes a new one
	fault  Fault // of the next Commit
	broken error // set by a commit of unknown outcome
}

// Memory returns an empty store in memory.
func Memory() *Mem { return &Mem{} }

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

// Clone is the store that a process finds which starts after a crash at this
// moment: all that was committed, no fault pending. It shares memory with m; neither sees
// the other's later commits.
func (m *Mem) Clone() *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Mem{root: m.root}
}

// Limits says what one Commit may carry.
func (m *Mem) Limits() Limits { return ledgerLimits }

// snapshot is the state that reads see.
func (m *Mem) snapshot() (*node, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.root, m.broken
}

// Get implements kv.Store.
func (m *Mem) Get(key []byte) (value []byte, ok bool, err error) {
	root, err := m.snapshot()
	if err != nil {
		return nil, false, err
	}
	n := root.find(key)
	if n == nil {
		return nil, false, nil
	}
	return bytes.Clone(n.value), true, nil
}

// Scan implements kv.Store. It spoils key and value after each visit, so that a
// caller who keeps them fails in a simulation and not in a shop.
func (m *Mem) Scan(r kv.Range, visit func(key, value []byte) bool) error {
	root, err := m.snapshot()
	if err != nil {
		return err
	}
	var buf []byte
	root.walk(r, func(n *node) bool {
		k := len(n.key)
		buf = append(append(buf[:0], n.key...), n.value...)
		more := visit(buf[:k:k], buf[k:len(buf):len(buf)])
		for i := range buf {
			buf[i] = 0xdb
		}
		return more
	})
	return nil
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
	root := m.root
	for _, w := range writes {
		if w.Delete {
			root = root.without(w.Key)
		} else {
			root = root.with(bytes.Clone(w.Key), append(make([]byte, 0, len(w.Value)), w.Value...))
		}
	}
	m.root = root
	return m.broken
}

// Len is the number of keys.
func (m *Mem) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.root.size()
}
