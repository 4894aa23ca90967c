package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/wake"
	"github.com/souk-market/souk/exchange/writer"
)

// Idempotency keys in the shop's store:
//
//	k/r/ key                 keptKey as JSON
//	k/t/ time(8) key         the same keys in the order of time (no value)
//
// where key is 32 bytes: a digest, never what the caller sent.
const (
	prefixKept     = "k/r/"
	prefixKeptTime = "k/t/"
)

const (
	// keepFor is how long a key is kept.
	keepFor = 24 * time.Hour
	// maxKept bounds the kept keys: a request a second, all day long. At 2 KiB for a usual
	// answer they take 200 MB. The oldest keys are removed first.
	maxKept = 100_000
	// pruneChunk deletions, two writes each, are far below one commit's limit.
	pruneChunk = 1000
	pruneEvery = 10 * time.Minute
)

// keptKey is what is known of a keyed request. Fields are only ever added.
type keptKey struct {
	ID      keyID             `json:"-"`
	Request [sha256.Size]byte `json:"request"` // a digest of method, path, query and body
	At      exchange.Time     `json:"at"`
	// Acts is how many acts of the request were done: the row is written in the commit of each.
	// Rows of versions before have none.
	Acts    int    `json:"acts,omitempty"`
	Status  int    `json:"status,omitempty"` // of the answer; 0 = there is none yet
	Type    string `json:"type,omitempty"`
	Body    []byte `json:"body,omitempty"`
	TooLong bool   `json:"too_long,omitempty"` // Body was not kept

	stored bool // it is in the store
}

// keptKeys are the rows of idempotency keys in the store.
type keptKeys struct {
	store   kv.Store
	changes *writer.Writer // commits the rows, each with the act that its key names

	mu        sync.Mutex
	unwritten map[keyID]*keptKey // guarded by mu: queued by writeBehind, until its commit
	clock     exchange.Clock
	kept      atomic.Int64 // keys in the store, about
	full      wake.Signal  // set when there are more than maxKept
}

// count finds out how many keys there are.
func (s *keptKeys) count() error {
	n := int64(0)
	for _, err := range kv.Rows(s.store, kv.Prefix([]byte(prefixKeptTime))) {
		if err != nil {
			return err
		}
		n++
	}
	s.kept.Store(n)
	return nil
}

// load returns the key's record: nil where there is no record, or it is older than keepFor.
func (s *keptKeys) load(id keyID) (*keptKey, error) {
	if kept := s.pending(id); kept != nil {
		return kept, nil
	}
	raw, ok, err := s.store.Get(append([]byte(prefixKept), id[:]...))
	if err != nil || !ok {
		return nil, err
	}
	kept := &keptKey{ID: id, stored: true}
	if err := json.Unmarshal(raw, kept); err != nil {
		return nil, exchange.Errorf(exchange.CodeInternal, "a kept request is unreadable: %w", err)
	}
	if s.clock.Now().Sub(kept.At) > keepFor {
		return nil, s.drop(kept)
	}
	return kept, nil
}

func (kept *keptKey) keys() (record, byTime []byte) {
	record = append([]byte(prefixKept), kept.ID[:]...)
	byTime = binary.BigEndian.AppendUint64([]byte(prefixKeptTime), uint64(kept.At))
	return record, append(byTime, kept.ID[:]...)
}

// rows are the key's rows in the store.
func (kept *keptKey) rows() ([]kv.Write, error) {
	raw, err := json.Marshal(kept)
	if err != nil {
		return nil, err
	}
	record, byTime := kept.keys()
	return []kv.Write{{Key: record, Value: raw}, {Key: byTime}}, nil
}

// pending returns a copy of a record that writeBehind has queued and no commit has written; else nil.
func (s *keptKeys) pending(id keyID) *keptKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.unwritten[id]
	if kept == nil || s.clock.Now().Sub(kept.At) > keepFor {
		return nil
	}
	copied := *kept
	return &copied
}

// once has the acts of a request written together with its key.
func (s *keptKeys) once(kept *keptKey, repeats bool) *writer.Once {
	record, _ := kept.keys()
	return &writer.Once{
		Key: record, Repeats: repeats,
		Rows: func(acts int) []kv.Write {
			done := *kept
			done.Acts = acts
			rows, err := done.rows()
			if err != nil {
				panic(err) // a struct of numbers and bytes always marshals
			}
			return rows
		},
		Acts: func(value []byte) (int, error) {
			var before keptKey
			if err := json.Unmarshal(value, &before); err != nil {
				return 0, exchange.Errorf(exchange.CodeInternal, "a kept request is unreadable: %w", err)
			}
			return before.Acts, nil
		},
	}
}

// added counts a key that a commit has brought.
func (s *keptKeys) added(kept *keptKey) {
	kept.stored = true
	if s.kept.Add(1) > maxKept+pruneChunk {
		s.full.Set()
	}
}

// writeBehind writes the record with a later commit of the writer. A crash before that commit loses
// the answer; the acts stay counted, since each act's own commit has its row.
// Invariant: until the commit the record is in unwritten, where pending finds it.
func (s *keptKeys) writeBehind(kept *keptKey) {
	copied := *kept
	isNew := !kept.stored
	if isNew {
		s.added(kept)
	}
	s.mu.Lock()
	s.unwritten[kept.ID] = kept
	s.mu.Unlock()
	settled := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.unwritten[kept.ID] == kept {
			delete(s.unwritten, kept.ID)
		}
	}
	queued := s.changes.WriteBehind(func(b *writer.Batch) error {
		record, _ := copied.keys()
		if raw, ok, err := b.Get(record); err != nil {
			return err
		} else if ok { // the row's count of acts is the newest
			var before keptKey
			if err := json.Unmarshal(raw, &before); err != nil {
				return exchange.Errorf(exchange.CodeInternal, "a kept request is unreadable: %w", err)
			}
			copied.Acts = before.Acts
		}
		rows, err := copied.rows()
		if err != nil {
			return err
		}
		for _, row := range rows {
			b.Put(row.Key, row.Value)
		}
		return nil
	}, settled)
	if queued {
		return
	}
	settled()
	if isNew {
		s.kept.Add(-1)
	}
}

// drop forgets the key.
func (s *keptKeys) drop(kept *keptKey) error {
	record, byTime := kept.keys()
	err := s.store.Commit([]kv.Write{{Key: record, Delete: true}, {Key: byTime, Delete: true}})
	if err == nil {
		s.kept.Add(-1)
	}
	return err
}

// run prunes until ctx ends. A commit of unknown outcome is reported to fail.
func (s *keptKeys) run(ctx context.Context, log *slog.Logger, fail func(error)) {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		switch err := s.prune(); {
		case errors.Is(err, kv.ErrRefused):
			log.Warn("old idempotency keys were not removed", "err", err)
		case err != nil:
			fail(err)
			return
		}
		select {
		case <-tick.C:
		case <-s.full.C():
		case <-ctx.Done():
			return
		}
	}
}

// prune removes keys that are too old, and the oldest of too many.
func (s *keptKeys) prune() error {
	for {
		old := s.clock.Now().Add(-keepFor)
		tooMany := s.kept.Load() - maxKept
		var writes []kv.Write
		for row, err := range kv.Rows(s.store, kv.Prefix([]byte(prefixKeptTime))) {
			if err != nil {
				return err
			}
			rest := row.Key[len(prefixKeptTime):]
			if len(rest) != 8+len(keyID{}) {
				continue
			}
			if exchange.Time(binary.BigEndian.Uint64(rest)) > old && int64(len(writes)/2) >= tooMany {
				break
			}
			writes = append(writes,
				kv.Write{Key: bytes.Clone(row.Key), Delete: true},
				kv.Write{Key: append([]byte(prefixKept), rest[8:]...), Delete: true})
			if len(writes) == 2*pruneChunk {
				break
			}
		}
		if len(writes) == 0 {
			return nil
		}
		if err := s.store.Commit(writes); err != nil {
			return err
		}
		s.kept.Add(-int64(len(writes) / 2))
	}
}
