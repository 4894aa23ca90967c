package writer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/writer"
	"github.com/souk-market/souk/store"
)

// TestRandomOperations holds the writer against a model: random operations, which fail,
// are undone in part, are too large, are given up, or meet a store that refuses or breaks.
// What they read, what is stored, sealed and encoded, which effects follow and what the
// callers are told must be what the model says.
func TestRandomOperations(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newSimulation(rt)
		for range rapid.IntRange(1, 4).Draw(rt, "rounds") {
			s.round()
		}
		s.quiet()
	})
}

// simulation is a writer and its model, played in one goroutine: each step is done to both.
type simulation struct {
	*rapid.T
	w      *writer.Writer
	disk   *disk
	clock  *hand
	seals  *sealer
	limits kv.Limits

	stored, cached, brief *writer.Table[string, value]

	rows    map[string]string // the store, as it must be
	written exchange.Time     // of the newest commit
	kept    []string          // effects that wait for a commit, whatever fails
	due     []*script         // what time has made due
	resting exchange.Time     // nothing is due until after it

	batch   *writer.Batch // the one that runs, or ran last
	m       *model        // of it
	side    []int         // the callers' own state, which they undo
	runs    []*call       // operations that have run in it, in their order
	others  bool          // something was in it before the first of them
	mixed   bool          // something was in it before one that succeeded
	encoded map[string]int
	ended   bool              // the batch was committed, refused, or had nothing to commit
	effects []string          // that are still to be applied, in this order
	alone   []*call           // each of them must run in a batch of its own, in this order
	broken  map[string]string // the store where the commit of unknown outcome happened; nil = there was none
	serial  int               // of scripts and calls
}

func newSimulation(t *rapid.T) *simulation {
	s := &simulation{
		T: t, disk: &disk{Mem: store.Memory()}, clock: &hand{now: 1000}, seals: &sealer{}, rows: map[string]string{},
		limits: rapid.SampledFrom([]kv.Limits{kv.DefaultLimits, {BatchBytes: 6_000, BatchWrites: 10_000}, {BatchBytes: 1 << 20, BatchWrites: 300}}).Draw(t, "limits"),
	}
	if rapid.Bool().Draw(t, "the store takes less") {
		s.disk.bytes = 3_000
	}
	s.open()
	return s
}

// open makes the writer over the store, as a process does that starts.
func (s *simulation) open() {
	s.disk.see, s.disk.after = s.committing, s.committed
	s.batch, s.ended, s.kept, s.effects, s.alone, s.broken, s.resting = nil, true, nil, nil, nil, nil, 0
	s.w = writer.New(writer.Config{
		Store: s.disk, Signer: s.seals, Clock: s.clock, Limits: s.limits, Last: s.written, Stamp: stamp, Apply: s.apply,
	})
	s.w.SetDue(s)
	s.stored = writer.NewTable(s.w, s.table("s/", 0, true))
	s.cached = writer.NewTable(s.w, s.table("c/", 2, false))
	s.brief = writer.NewTable(s.w, writer.Rows[string, value]{})
}

// table describes one of the stored tables; indexed, with a row for each changed record.
func (s *simulation) table(prefix string, cached int, indexed bool) writer.Rows[string, value] {
	rows := writer.Rows[string, value]{
		Key: func(k string) []byte { return []byte(prefix + k) },
		Decode: func(raw []byte) (v value, err error) {
			err = json.Unmarshal(raw, &v)
			return v, err
		},
		Encode: func(v value) ([]byte, error) {
			s.encoded[prefix+v.Key]++
			if v.Text == "unencodable" {
				return nil, errUnencodable
			}
			if v.leaf != nil {
				if v.Sealed = string(v.leaf.Bytes()); v.Sealed == "" {
					s.Fatalf("record %s is encoded before its leaf is sealed", v.Key)
				}
			}
			return json.Marshal(v)
		},
		Size: func(k string, v value) int {
			return 2*(len(prefix)+len(k)) + 100 + len(v.Key) + len(v.Text) + len(v.Sealed)
		},
		Cached: cached,
	}
	if indexed {
		rows.Writes = 2
		rows.Flushed = func(b *writer.Batch, k string, _ value) { b.Put([]byte("i/"+k), []byte("changed")) }
	}
	return rows
}

// apply is Config.Apply: effects come in their order, after the commit of their batch.
func (s *simulation) apply(at exchange.Time, e writer.Effect) {
	if !s.ended && s.nothing() {
		s.becomeDurable()
	}
	if len(s.effects) == 0 || s.effects[0] != e {
		s.Fatalf("effect %v is applied, of %v", e, s.effects)
	}
	if now := max(s.clock.now, s.written); at != now {
		s.Fatalf("effect %v is applied at %d, not %d", e, at, now)
	}
	s.effects = s.effects[1:]
	for _, l := range s.m.leaves {
		if stored, _, err := s.disk.Get([]byte(l.key)); l.key != "" && (err != nil || string(stored) != s.rows[l.key]) {
			s.Fatalf("an effect sees %q under %s: %v", stored, l.key, err)
		}
	}
	var n int
	if _, err := fmt.Sscanf(e.(string), "ended %d", &n); err == nil {
		s.due = slices.DeleteFunc(s.due, func(d *script) bool { return d.n == n })
	}
}

// Expire makes s the writer's Due: what is due runs, each script by itself.
func (s *simulation) Expire(b *writer.Batch) error {
	s.begin(b)
	if len(s.alone) > 0 {
		s.Fatalf("time makes something due in the batch of an operation that runs alone")
	}
	if b.Now() <= s.resting {
		return nil
	}
	for _, d := range s.due {
		if b.Full() {
			return nil
		}
		before := s.m.clone()
		if err := b.Run(func(b *writer.Batch) error { return s.play(b, d.steps) }); err != nil {
			s.m = before
		}
		b.Then(fmt.Sprint("ended ", d.n))
		s.m.effects = append(s.m.effects, fmt.Sprint("ended ", d.n))
	}
	return nil
}

// Next makes s the writer's Due.
func (s *simulation) Next() exchange.Time { return s.clock.now }

// Rest makes s the writer's Due: the store has refused the batch.
func (s *simulation) Rest(now exchange.Time) {
	if !s.ended {
		s.refused(s.whyUnfinished())
	}
	s.resting = now
}

// run is an operation of a caller in the writer's turn.
func (s *simulation) run(b *writer.Batch, c *call) error {
	s.begin(b)
	if c.gaveUp {
		s.Fatalf("operation %d runs, and its caller was told that it would not", c.n)
	}
	if c.final && (!c.refused || exchange.CodeOf(c.want) == exchange.CodeDiskFull) {
		s.Fatalf("operation %d runs again, and it had ended with %v", c.n, c.want)
	}
	if len(s.alone) > 0 {
		if s.alone[0] != c || len(s.runs) > 0 {
			s.Fatalf("operation %d runs as number %d of a batch that is %d's alone", c.n, len(s.runs), s.alone[0].n)
		}
		s.alone = s.alone[1:]
	}
	if len(s.runs) == 0 {
		s.others = !s.m.empty()
	}
	s.runs = append(s.runs, c)
	if c.end != nil {
		c.end() // its caller's context: too late
	}
	before, mixed := s.m.clone(), s.mixed
	c.want, c.final, c.refused = nil, false, false
	b.Undo(func() { // also where the operation is put off to the next batch
		s.m, s.mixed = before, mixed
		if c.want == nil {
			s.runs = slices.DeleteFunc(s.runs, func(o *call) bool { return o == c })
		}
	})
	if c.want = s.play(b, c.steps); c.want != nil {
		s.m = before
	} else if !before.empty() {
		s.mixed = true
	}
	return c.want
}

// quiet runs a batch in which nothing is due, and compares the store.
func (s *simulation) quiet() {
	s.due = nil
	if err := s.w.Together(nil); err != nil {
		s.Fatalf("%v", err)
	}
	s.finished()
	s.same("at the end", contents(s, s.disk.Mem), s.rows)
	if len(s.kept) > 0 {
		s.Fatalf("effects %v were kept and never applied", s.kept)
	}
}

// round queues some calls, and runs them together.
func (s *simulation) round() {
	s.clock.now += exchange.Time(rapid.IntRange(-50, 100).Draw(s.T, "time passes"))
	for range rapid.IntRange(0, 2).Draw(s.T, "due") {
		s.due = append(s.due, s.script(false))
	}
	var calls []*call
	var queued []*writer.Operation
	var callers sync.WaitGroup
	for range rapid.IntRange(0, 6).Draw(s.T, "calls") {
		c := &call{script: s.script(true)}
		calls, queued = append(calls, c), append(queued, s.queue(c, &callers))
	}
	fault := rapid.SampledFrom([]store.Fault{store.FaultNone, store.FaultNone, store.FaultNone, store.FaultRefuse, store.FaultBefore, store.FaultAfter}).Draw(s.T, "fault")
	s.disk.FailNext(fault)
	fatal := s.w.Together(queued)
	s.finished()
	callers.Wait()
	s.disk.FailNext(store.FaultNone)
	if (fatal != nil) != (s.broken != nil) {
		s.Fatalf("the writer ends with %v", fatal)
	}
	for _, c := range calls {
		c.check(s.T, s.broken != nil)
	}
	if s.broken != nil {
		s.restart(fault)
	} else if len(s.alone) > 0 {
		s.Fatalf("%d operations did not run again alone", len(s.alone))
	}
	s.same("the store", contents(s, s.disk.Mem), s.rows)
	s.inspect()
}

// inspect has an operation read every record.
func (s *simulation) inspect() {
	keys := rapid.Permutation(tableKeys).Draw(s.T, "read")
	c := &call{script: &script{}}
	for _, k := range keys {
		c.steps = append(c.steps, step{do: "get stored", key: k}, step{do: "get cached", key: k}, step{do: "get brief", key: k})
	}
	var callers sync.WaitGroup
	callers.Go(func() { c.got = s.w.Do(context.Background(), func(b *writer.Batch) error { return s.run(b, c) }) })
	if err := s.w.Together([]*writer.Operation{s.w.Next()}); err != nil {
		s.Fatalf("%v", err)
	}
	s.finished()
	callers.Wait()
	c.check(s.T, false)
}

// restart is what follows a commit of unknown outcome: the writer does nothing any more,
// and another one reads what is there.
func (s *simulation) restart(fault store.Fault) {
	if err := s.w.Together(nil); err == nil {
		s.Fatalf("a writer goes on after a commit of unknown outcome")
	}
	if fault == store.FaultAfter {
		s.rows, s.written = s.broken, max(s.clock.now, s.written)
	}
	s.disk = &disk{Mem: s.disk.Mem.Clone(), bytes: s.disk.bytes}
	s.open()
}
