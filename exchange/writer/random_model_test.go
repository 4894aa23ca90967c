package writer_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/writer"
)

// What a batch must be, and how it is held against what the writer makes of it.

// model is a batch, as it must be. Its parts are copied at each savepoint.
type model struct {
	rows                  map[string]*string // written by the batch; nil = deleted
	stored, cached, brief map[string]value
	leaves                []leaf
	effects               []string
	side                  []int // state of the callers', undone with their operations
}

type leaf struct {
	payload, key string
	real         *writer.Leaf
}

func newModel() *model {
	return &model{rows: map[string]*string{}, stored: map[string]value{}, cached: map[string]value{}, brief: map[string]value{}}
}

func (m *model) clone() *model {
	return &model{
		maps.Clone(m.rows), maps.Clone(m.stored), maps.Clone(m.cached), maps.Clone(m.brief),
		slices.Clone(m.leaves), slices.Clone(m.effects), slices.Clone(m.side),
	}
}

// empty reports whether the batch has nothing to write.
func (m *model) empty() bool { return len(m.rows)+len(m.stored)+len(m.cached)+len(m.leaves) == 0 }

// value is a record of the tables: text, and the sealed bytes that it takes along.
type value struct {
	Key, Text, Sealed string
	leaf              *writer.Leaf
}

var errUnencodable = errors.New("the record cannot be encoded")

// begin is called by whatever runs in a batch, first or later.
func (s *simulation) begin(b *writer.Batch) {
	if b == s.batch {
		return
	}
	s.finished()
	s.start(b)
	if now := max(s.clock.now, s.written); b.Now() != now {
		s.Fatalf("a batch is made at %d, not at %d", b.Now(), now)
	}
}

// start makes b the batch that runs; nil is one that no operation has shown.
func (s *simulation) start(b *writer.Batch) {
	s.batch, s.m, s.side, s.runs, s.others, s.mixed, s.ended, s.encoded = b, newModel(), nil, nil, false, false, false, map[string]int{}
}

// finished looks at the batch that has run, when the next one begins or the writer is done.
func (s *simulation) finished() {
	if !s.ended && s.nothing() {
		s.becomeDurable()
	}
	if !s.ended {
		s.refused(s.whyUnfinished())
	}
	if len(s.effects) > 0 && s.broken == nil {
		s.Fatalf("effects %v were not applied", s.effects)
	}
}

// nothing reports whether the batch has nothing to commit; its effects follow all the same.
func (s *simulation) nothing() bool { return s.m.empty() && len(s.kept) == 0 }

// whyUnfinished is why a batch that holds something never came to its commit.
func (s *simulation) whyUnfinished() error {
	for _, l := range s.m.leaves {
		if l.payload == "unsealable" {
			return errUnsealable
		}
	}
	for _, table := range []map[string]value{s.m.stored, s.m.cached} {
		for _, v := range table {
			if v.Text == "unencodable" {
				return errUnencodable
			}
		}
	}
	s.Fatalf("a batch with %d rows, %d leaves was not committed", len(s.m.rows), len(s.m.leaves))
	return nil
}

// committing holds what is about to be committed against the model.
func (s *simulation) committing(writes []kv.Write) {
	if s.ended { // in this batch nothing ran, and something is kept
		s.finished()
		s.start(nil)
	}
	want := s.applied()
	got, seen := maps.Clone(s.rows), map[string]bool{}
	for _, w := range writes {
		if seen[string(w.Key)] {
			s.Fatalf("%q is written twice in one commit", w.Key)
		}
		seen[string(w.Key)] = true
		if got[string(w.Key)] = string(w.Value); w.Delete {
			delete(got, string(w.Key))
		}
	}
	s.same("the commit", got, want)
	for k, n := range s.encoded {
		if n > 1 {
			s.Fatalf("record %s was encoded %d times for one commit", k, n)
		}
	}
	if len(s.encoded) != len(s.m.stored)+len(s.m.cached) {
		s.Fatalf("%d records were encoded, not %d", len(s.encoded), len(s.m.stored)+len(s.m.cached))
	}
	if size := sizeOf(writes) - stampBytes; s.mixed && (size > s.limits.BatchBytes || len(writes) > s.limits.BatchWrites) {
		s.Fatalf("%d operations make a commit of %d writes and %d bytes", len(s.runs), len(writes), size)
	}
	for _, c := range s.runs {
		if c.returned.Load() {
			s.Fatalf("operation %d was answered before its commit", c.n)
		}
	}
	if !slices.Equal(s.side, s.m.side) {
		s.Fatalf("what callers undo is %v, not %v", s.side, s.m.side)
	}
}

// applied is the store with the batch.
func (s *simulation) applied() map[string]string {
	rows := maps.Clone(s.rows)
	for k, v := range s.expected() {
		if v == nil {
			delete(rows, k)
		} else {
			rows[k] = *v
		}
	}
	return rows
}

// expected are the rows that the batch writes.
func (s *simulation) expected() map[string]*string {
	rows := maps.Clone(s.m.rows)
	set := func(k, v string) { rows[k] = &v }
	for i, l := range s.m.leaves {
		sealed := string(sealOf(s.seals.batches, i, len(s.m.leaves), l.payload))
		if got := string(l.real.Bytes()); got != sealed {
			s.Fatalf("leaf %d is %q, not %q", i, got, sealed)
		}
		if l.key != "" {
			set(l.key, sealed)
		}
	}
	for prefix, table := range map[string]map[string]value{"s/": s.m.stored, "c/": s.m.cached} {
		for k, v := range table {
			if v.leaf != nil {
				v.Sealed = string(v.leaf.Bytes())
			}
			raw, err := json.Marshal(v)
			if err != nil {
				s.Fatalf("%v", err)
			}
			set(prefix+k, string(raw))
			if prefix == "s/" {
				set("i/"+k, "changed")
			}
		}
	}
	set(string(keyStamp), string(kv.Uint64(uint64(max(s.clock.now, s.written)))))
	return rows
}

// same compares rows with what they must be.
func (s *simulation) same(what string, got, want map[string]string) {
	for k := range maps.Keys(want) {
		if v, ok := got[k]; !ok || v != want[k] {
			s.Fatalf("%s: %s is %q, not %q", what, k, v, want[k])
		}
	}
	for k := range maps.Keys(got) {
		if _, ok := want[k]; !ok {
			s.Fatalf("%s: %s is %q, and should not be", what, k, got[k])
		}
	}
}

// committed follows the store's answer.
func (s *simulation) committed(_ []kv.Write, err error) {
	switch {
	case err == nil:
		s.becomeDurable()
	case errors.Is(err, kv.ErrRefused):
		s.refused(err)
	default:
		s.ended, s.broken = true, s.applied()
	}
}

// becomeDurable: the batch was committed, and its effects are to follow.
func (s *simulation) becomeDurable() {
	if !s.nothing() {
		s.rows = s.applied()
		s.written = max(s.clock.now, s.written)
	}
	for _, c := range s.runs {
		c.final = true
	}
	s.effects = append(s.kept, s.m.effects...)
	s.kept, s.ended = nil, true
}

// refused: nothing of the batch happened. Where more than one operation may be to blame,
// each runs again, alone.
func (s *simulation) refused(why error) {
	s.ended = true
	again := s.several() && exchange.CodeOf(why) != exchange.CodeDiskFull
	for _, c := range s.runs {
		c.want, c.final, c.refused = why, !again, true
	}
	if again {
		s.alone = slices.Clone(s.runs)
	}
}

// several reports whether the batch holds more than one operation, or one beside what is
// due.
func (s *simulation) several() bool { return len(s.runs) > 1 || len(s.runs) == 1 && s.others }
