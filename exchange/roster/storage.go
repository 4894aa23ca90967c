package roster

import (
	"bytes"
	"encoding/binary"
	"encoding/json"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/membership"
)

// Bounds of one commit, far below what the smallest store takes (store.Replica). A first
// pull of 10,000 shops, 6 MB, takes 24 commits of 0.2 ms.
const (
	commitBytes = 256 << 10
	writeCost   = 64 // bytes of a write's key and of the store's own overhead; so at most 4,096 writes
)

var (
	keyFederation = []byte("members/federation")
	keyCheckpoint = []byte("members/checkpoint")
	keyEvidence   = []byte("members/evidence")
	prefixEntry   = []byte("members/entry/")
	prefixProfile = []byte("members/profile/")
)

func keyEntry(index uint64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte(nil), prefixEntry...), index)
}

func keyProfile(shop exchange.ShopID) []byte {
	return append(append([]byte(nil), prefixProfile...), shop[:]...)
}

// newEntries returns the batches that make the stored list next out of state. The checkpoint,
// which makes the entries valid, is the last write.
func newEntries(state, next *membership.State, b membership.Bundle) [][]kv.Write {
	var batches [][]kv.Write
	var batch []kv.Write
	size := 0
	add := func(w kv.Write) {
		cost := len(w.Value) + writeCost
		if size+cost > commitBytes {
			batches, batch, size = append(batches, batch), nil, 0
		}
		batch, size = append(batch, w), size+cost
	}
	for i := state.Size(); i < next.Size(); i++ {
		add(kv.Write{Key: keyEntry(i), Value: b.Entries[i-b.From]})
	}
	if state.Checkpoint().Note == nil {
		federation, err := json.Marshal(next.Federation())
		if err != nil {
			panic("roster: " + err.Error()) // a string and two byte slices
		}
		add(kv.Write{Key: keyFederation, Value: federation})
	}
	add(kv.Write{Key: keyCheckpoint, Value: next.Checkpoint().Note})
	return append(batches, batch)
}

func evidenceWrite(s *membership.State) kv.Write {
	value := binary.BigEndian.AppendUint64(nil, s.Common())
	return kv.Write{Key: keyEvidence, Value: append(value, s.Evidence().Encode(s.Federation().Origin)...)}
}

// Stored returns the federation whose list a store holds, and whether it holds one.
func Stored(store kv.Store) (f membership.Federation, ok bool, err error) {
	value, ok, err := store.Get(keyFederation)
	if err != nil || !ok {
		return f, false, err
	}
	if err := json.Unmarshal(value, &f); err != nil {
		return f, false, damaged("its federation cannot be read: %w", err)
	}
	return f, true, f.Check()
}

func damaged(format string, args ...any) error {
	cause := exchange.Errorf(exchange.CodeSignature, format, args...)
	return exchange.Errorf(exchange.CodeSignature, "the stored member list is damaged; restore the folder from a backup: %w", cause)
}

// load reads the list and verifies it.
func load(store kv.Store, f membership.Federation) (*membership.State, error) {
	stored, ok, err := Stored(store)
	if err != nil {
		return nil, err
	}
	if ok && !stored.Equal(f) {
		return nil, exchange.Errorf(exchange.CodeConflict, "this folder belongs to the federation %s, not to %s; use another --dir", stored.Origin, f.Origin)
	}
	checkpoint, have, err := store.Get(keyCheckpoint)
	if err != nil {
		return nil, err
	}
	if have != ok {
		return nil, damaged("its federation or its checkpoint is missing")
	}
	state, err := membership.New(f)
	if have && err == nil {
		state, err = restore(store, f, checkpoint)
	}
	if err != nil {
		return nil, err
	}
	return loadEvidence(store, state)
}

func restore(store kv.Store, f membership.Federation, checkpoint []byte) (*membership.State, error) {
	c, err := membership.OpenCheckpoint(f, checkpoint)
	if err != nil {
		return nil, damaged("%w", err)
	}
	entries, err := readEntries(store, 0, c.Size, func(int) bool { return true })
	if err != nil {
		return nil, err
	}
	state, err := membership.Restore(f, entries, checkpoint)
	if err != nil && exchange.CodeOf(err) != exchange.CodeVersion {
		err = damaged("%w", err)
	}
	return state, err
}

// readEntries reads the entries [from, to), at least one. After each entry it stops unless more
// agrees to the size of all entries read, in bytes.
func readEntries(store kv.Store, from, to uint64, more func(size int) bool) ([][]byte, error) {
	var entries [][]byte
	size, next := 0, from
	for row, err := range kv.Rows(store, kv.Range{From: keyEntry(from), To: keyEntry(to)}) {
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(row.Key, keyEntry(next)) {
			break
		}
		next++
		size += len(row.Value)
		if entries = append(entries, bytes.Clone(row.Value)); !more(size) {
			return entries, nil
		}
	}
	if next < to {
		return nil, damaged("entry %d is missing", next)
	}
	return entries, nil
}

func loadEvidence(store kv.Store, state *membership.State) (*membership.State, error) {
	value, ok, err := store.Get(keyEvidence)
	if err != nil || !ok {
		return state, err
	}
	if len(value) < 8 {
		return nil, damaged("its evidence has %d bytes", len(value))
	}
	e, err := membership.VerifyEvidence(state.Federation(), value[8:])
	if err == nil {
		state, err = state.Freeze(e, binary.BigEndian.Uint64(value))
	}
	if err != nil {
		return nil, damaged("%w", err)
	}
	return state, nil
}
