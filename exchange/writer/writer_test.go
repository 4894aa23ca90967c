package writer_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/writer"
	"github.com/souk-market/souk/store"
)

// numbers are records of a table: a count under its name.
var numbers = writer.Rows[string, int]{
	Key:    func(k string) []byte { return []byte(k) },
	Decode: func(raw []byte) (int, error) { return strconv.Atoi(string(raw)) },
	Encode: func(n int) ([]byte, error) { return strconv.AppendInt(nil, int64(n), 10), nil },
	Size:   func(k string, _ int) int { return len(k) + 20 },
}

func adding(counts *writer.Table[string, int], k string, n int) operation {
	return func(b *writer.Batch) error {
		have, _, err := counts.Get(b, k)
		if err == nil {
			counts.Set(b, k, have+n)
		}
		return err
	}
}

var errNo = errors.New("no")

// TestOneBatch: operations that run together see each other's rows, those that fail leave
// no trace, and effects follow in the order of the operations.
func TestOneBatch(t *testing.T) {
	remove := func(key string) operation {
		return func(b *writer.Batch) error { b.Delete([]byte(key)); return nil }
	}
	copied := func(from, to string) operation {
		return func(b *writer.Batch) error {
			v, ok, err := b.Get([]byte(from))
			if err == nil && ok {
				b.Put([]byte(to), v)
			}
			return err
		}
	}
	attempt := func(op operation) operation {
		return func(b *writer.Batch) error { b.Attempt(op); return nil } // its error is part of the plan
	}
	keep := func(e writer.Effect) operation {
		return func(b *writer.Batch) error { b.Keep(e); return nil }
	}
	for _, c := range []struct {
		name    string
		before  operation
		ops     []operation
		answers []error
		rows    string
		effects []writer.Effect
		commits int
	}{
		{name: "the last write counts", ops: []operation{put("a", "1"), put("a", "2")}, rows: "a=2", commits: 1},
		{name: "a row is read as it was written", ops: []operation{put("a", "1"), copied("a", "b")}, rows: "a=1 b=1", commits: 1},
		{name: "and not as it was deleted", before: put("a", "1"), ops: []operation{remove("a"), copied("a", "b")}, commits: 1},
		{name: "written, deleted, written", ops: []operation{put("a", "1"), remove("a"), put("a", "3")}, rows: "a=3", commits: 1},
		{
			name: "an operation that fails", before: put("a", "0"),
			ops:     []operation{each(put("b", "1"), then(1)), failing(errNo, each(put("a", "2"), put("b", "2"), put("c", "2"), remove("a"), then(2))), each(put("d", "3"), then(3))},
			answers: []error{nil, errNo, nil}, rows: "a=0 b=1 d=3", effects: []writer.Effect{1, 3}, commits: 1,
		},
		{
			name:    "all fail",
			ops:     []operation{failing(errNo, put("a", "1")), failing(errNo, then(2))},
			answers: []error{errNo, errNo},
		},
		{
			name: "a part that fails", ops: []operation{each(put("a", "1"), attempt(failing(errNo, each(put("a", "2"), put("b", "2"), then(2)))), copied("a", "c"), then(3))},
			rows: "a=1 c=1", effects: []writer.Effect{3}, commits: 1,
		},
		{
			name: "parts within parts",
			ops: []operation{
				each(put("a", "1"), attempt(each(put("b", "1"), attempt(failing(errNo, put("c", "1"))), put("d", "1")))),
				each(put("e", "1"), attempt(failing(errNo, each(put("f", "1"), attempt(put("g", "1")))))),
			},
			rows: "a=1 b=1 d=1 e=1", commits: 1,
		},
		{name: "effects alone need no commit", ops: []operation{then(1)}, effects: []writer.Effect{1}},
		{
			name: "what is kept stands, and comes first", ops: []operation{each(put("a", "1"), then(1)), failing(errNo, each(put("b", "1"), then(2), keep("kept")))},
			answers: []error{nil, errNo}, rows: "a=1", effects: []writer.Effect{"kept", 1}, commits: 1,
		},
		{
			name: "what is kept is committed alone", ops: []operation{failing(errNo, keep("kept"))},
			answers: []error{errNo}, effects: []writer.Effect{"kept"}, commits: 1,
		},
		{name: "nothing is nothing", ops: []operation{each()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(nil)
			if c.before != nil {
				r.done(t, c.before)
			}
			commits := 0
			r.disk.see = func([]kv.Write) { commits++ }
			answers, fatal := r.together(c.ops...)
			if c.answers == nil {
				c.answers = make([]error, len(c.ops))
			}
			if fatal != nil || !slices.Equal(answers, c.answers) {
				t.Errorf("answers %v, want %v; %v", answers, c.answers, fatal)
			}
			if got := r.rows(t); got != c.rows {
				t.Errorf("stored: %s; want %s", got, c.rows)
			}
			if !slices.Equal(r.effects, c.effects) {
				t.Errorf("effects %v, want %v", r.effects, c.effects)
			}
			if commits != c.commits {
				t.Errorf("%d commits, want %d", commits, c.commits)
			}
		})
	}
}

// TestUndo: callers put their own state back, the latest change first.
func TestUndo(t *testing.T) {
	r := newRig(nil)
	var state, undone []int
	add := func(n int) operation {
		return func(b *writer.Batch) error {
			state = append(state, n)
			b.Undo(func() { state, undone = state[:len(state)-1], append(undone, n) })
			return nil
		}
	}
	r.together(add(1), failing(errNo, each(add(2), add(3))), each(add(4), func(b *writer.Batch) error {
		b.Attempt(failing(errNo, each(add(5), add(6)))) // its error is part of the plan
		return nil
	}))
	if !slices.Equal(state, []int{1, 4}) || !slices.Equal(undone, []int{3, 2, 6, 5}) {
		t.Errorf("state %v, undone %v", state, undone)
	}
}

// TestSeal: every payload of a batch is sealed with the others, stored under its key, and
// may be part of a record.
func TestSeal(t *testing.T) {
	r := newRig(nil)
	var with, without, failed, old *writer.Leaf
	taken := writer.NewTable(r.Writer, writer.Rows[string, *writer.Leaf]{
		Key:    func(k string) []byte { return []byte(k) },
		Decode: func(raw []byte) (*writer.Leaf, error) { return writer.Sealed(raw), nil },
		Encode: func(l *writer.Leaf) ([]byte, error) { return l.Bytes(), nil },
		Size:   func(k string, _ *writer.Leaf) int { return len(k) },
	})
	r.disk.see = func([]kv.Write) {
		if len(r.effects) > 0 {
			t.Error("an effect leaves before the commit")
		}
	}
	answers, fatal := r.together(
		func(b *writer.Batch) error { with = b.Seal([]byte("with"), []byte("key")); b.Then(with); return nil },
		func(b *writer.Batch) error { failed = b.Seal([]byte("failed"), []byte("lost")); return errNo },
		func(b *writer.Batch) error {
			without = b.Seal([]byte("without"), nil)
			taken.Set(b, "record", without)
			if with.Bytes() != nil || without.Bytes() != nil {
				t.Error("a leaf is sealed before its batch is done")
			}
			return nil
		})
	if fatal != nil || !slices.Equal(answers, []error{nil, errNo, nil}) {
		t.Fatal(answers, fatal)
	}
	if string(with.Bytes()) != "seal 1 0/2 with" || string(without.Bytes()) != "seal 1 1/2 without" || failed.Bytes() != nil {
		t.Errorf("%q, %q, %q", with.Bytes(), without.Bytes(), failed.Bytes())
	}
	if got := r.rows(t); got != "key=seal 1 0/2 with record=seal 1 1/2 without" {
		t.Errorf("stored: %s", got)
	}
	if len(r.effects) != 1 {
		t.Errorf("effects %v", r.effects)
	}
	r.done(t, func(b *writer.Batch) (err error) { old, _, err = taken.Get(b, "record"); return err })
	if string(old.Bytes()) != "seal 1 1/2 without" || r.seals.batches != 1 {
		t.Errorf("read again: %q, after %d seals", old.Bytes(), r.seals.batches)
	}
}

// TestTable: a record is decoded as seldom and encoded as often as its table says.
func TestTable(t *testing.T) {
	for _, c := range []struct {
		name             string
		change           func(*writer.Rows[string, int])
		rows             string
		decoded, encoded int
	}{
		{"stored", func(*writer.Rows[string, int]) {}, "n=1111", 2, 2},
		{"cached", func(rows *writer.Rows[string, int]) { rows.Cached = 1 }, "n=1111", 0, 2},
		{"with an index", func(rows *writer.Rows[string, int]) {
			rows.Writes, rows.Flushed = 2, func(b *writer.Batch, k string, _ int) { b.Put([]byte("index "+k), nil); b.Then(k) }
		}, "index n= n=1111", 2, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(nil)
			rows, decoded, encoded := numbers, 0, 0
			c.change(&rows)
			rows.Decode = func(raw []byte) (int, error) { decoded++; return numbers.Decode(raw) }
			rows.Encode = func(n int) ([]byte, error) { encoded++; return numbers.Encode(n) }
			counts := writer.NewTable(r.Writer, rows)
			r.done(t, adding(counts, "n", 1), adding(counts, "n", 10))
			r.together(adding(counts, "n", 100), failing(errNo, adding(counts, "n", 5)), adding(counts, "n", 1000))
			r.done(t, func(b *writer.Batch) error {
				if n, ok, err := counts.Get(b, "n"); n != 1111 || !ok || err != nil {
					t.Errorf("%d, %v, %v", n, ok, err)
				}
				return nil
			})
			if got := r.rows(t); got != c.rows || decoded != c.decoded || encoded != c.encoded {
				t.Errorf("%s, decoded %d and encoded %d times; want %s, %d, %d", got, decoded, encoded, c.rows, c.decoded, c.encoded)
			}
		})
	}
	t.Run("its effects come first", func(t *testing.T) {
		r := newRig(nil)
		rows := numbers
		rows.Flushed = func(b *writer.Batch, k string, _ int) { b.Then("record of " + k) }
		counts := writer.NewTable(r.Writer, rows)
		r.done(t, func(b *writer.Batch) error {
			b.Then("wake who reads n")
			return adding(counts, "n", 1)(b)
		})
		if want := []writer.Effect{"record of n", "wake who reads n"}; !slices.Equal(r.effects, want) {
			t.Errorf("%q, want %q", r.effects, want)
		}
	})
	t.Run("for one batch", func(t *testing.T) {
		r := newRig(nil)
		brief := writer.NewTable(r.Writer, writer.Rows[string, int]{})
		see := func(want int) operation {
			return func(b *writer.Batch) error {
				if n, ok, err := brief.Get(b, "n"); n != want || ok != (want != 0) || err != nil {
					t.Errorf("%d, %v, %v; want %d", n, ok, err, want)
				}
				return nil
			}
		}
		r.done(t, see(0), adding(brief, "n", 1), see(1))
		r.together(failing(errNo, adding(brief, "n", 1)), see(0), adding(brief, "n", 2), see(2))
		r.done(t, see(0))
		if got := r.rows(t); got != "" {
			t.Errorf("stored: %s", got)
		}
	})
}

// TestRefused: a commit that the store refuses reaches whoever it may be due to, and nothing
// of it happened.
func TestRefused(t *testing.T) {
	large := put("large", fmt.Sprintf("%3000d", 0))
	unsealable := func(b *writer.Batch) error { b.Seal([]byte("unsealable"), nil); return nil }
	for _, c := range []struct {
		name  string
		full  bool // the disk, for the first commit
		ops   []operation
		want  []error
		again bool // each operation gets a commit of its own
		rows  string
	}{
		{"a full disk is nobody's fault", true, []operation{put("a", ""), put("b", "")}, []error{kv.ErrRefused, kv.ErrRefused}, false, ""},
		{"one too large among others", false, []operation{put("a", ""), large, put("b", "")}, []error{nil, kv.ErrRefused, nil}, true, "a= b="},
		{"one too large alone", false, []operation{large}, []error{kv.ErrRefused}, false, ""},
		{"what cannot be sealed", false, []operation{put("a", ""), unsealable, put("b", "")}, []error{nil, errUnsealable, nil}, true, "a= b="},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(nil)
			r.disk.bytes = 2000
			if c.full {
				r.disk.FailNext(store.FaultRefuse)
			}
			answers, fatal := r.together(c.ops...)
			if fatal != nil {
				t.Fatal(fatal)
			}
			for i, err := range answers {
				if !errors.Is(err, c.want[i]) {
					t.Errorf("operation %d: %v, want %v", i, err, c.want[i])
				}
			}
			if c.full && exchange.CodeOf(answers[0]) != exchange.CodeDiskFull {
				t.Errorf("a full disk: %v", answers[0])
			}
			if got := r.rows(t); got != c.rows {
				t.Errorf("stored: %s; want %s", got, c.rows)
			}
			for _, n := range r.committed {
				if c.again && n != 1 {
					t.Errorf("commits of %v operations", r.committed)
				}
			}
			r.done(t, put("z", ""))
		})
	}
}

// TestKeptOutlivesARefusal: an operation that has found something out about this shop finds
// its caller's state changed when it runs again after a refusal; what it kept then still
// becomes durable, and its effect follows once.
func TestKeptOutlivesARefusal(t *testing.T) {
	for name, beside := range map[string][]operation{
		"alone": nil, "among others": {put("a", "")}, "beside one too large": {put("a", string(make([]byte, 2000)))},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(func(cfg *writer.Config) { cfg.Limits.BatchBytes = 1000 })
			found := false
			find := func(b *writer.Batch) error {
				if !found {
					found = true
					b.Keep("found")
				}
				return errNo
			}
			r.disk.bytes = 1
			if _, fatal := r.together(append([]operation{find}, beside...)...); fatal != nil || len(r.effects) > 0 {
				t.Fatalf("effects %v, %v", r.effects, fatal)
			}
			r.disk.bytes = 0
			for range 2 {
				r.done(t)
			}
			if !slices.Equal(r.effects, []writer.Effect{"found"}) || len(contents(t, r.disk)) != 1 {
				t.Errorf("effects %v, stored %v", r.effects, contents(t, r.disk))
			}
		})
	}
}

// TestTime: the writer's time never runs backwards, whatever the clock does.
func TestTime(t *testing.T) {
	r := newRig(func(cfg *writer.Config) { cfg.Last = 1500 })
	for _, c := range []struct{ clock, want exchange.Time }{{1000, 1500}, {2000, 2000}, {1700, 2000}, {2001, 2001}} {
		r.clock.now = c.clock
		r.done(t, func(b *writer.Batch) error {
			if b.Now() != c.want {
				t.Errorf("at %d the writer's time is %d, want %d", c.clock, b.Now(), c.want)
			}
			b.Put([]byte("a"), nil)
			return nil
		})
	}
}

// TestUnreadableStore: a store that cannot be read fails the operation, and the batch says so.
func TestUnreadableStore(t *testing.T) {
	r := newRig(nil)
	r.disk.FailNext(store.FaultBefore)
	if err := r.disk.Mem.Commit([]kv.Write{{Key: []byte("a")}}); err == nil {
		t.Fatal("the store is not broken")
	}
	answers, fatal := r.together(func(b *writer.Batch) error {
		_, _, err := b.Get([]byte("a"))
		if err == nil || !errors.Is(b.Failed(), err) {
			t.Errorf("read: %v; the batch says %v", err, b.Failed())
		}
		return err
	})
	if fatal != nil || answers[0] == nil {
		t.Errorf("%v, %v", answers, fatal)
	}
}

// TestDueFails: where what is due cannot be read, the process ends.
func TestDueFails(t *testing.T) {
	r := newRig(nil)
	r.SetDue(&alarm{run: func(*writer.Batch) error { return errNo }})
	if answers, fatal := r.together(put("a", "")); !errors.Is(fatal, errNo) || !errors.Is(answers[0], errNo) {
		t.Errorf("%v, %v", answers, fatal)
	}
}

// TestInline: at a writer that is inline each operation is a batch, run by its caller.
func TestInline(t *testing.T) {
	r := newRig(func(cfg *writer.Config) { cfg.Inline = true })
	settled := false
	if err := r.Do(t.Context(), put("a", "")); err != nil || r.rows(t) != "a=" {
		t.Errorf("%s, %v", r.rows(t), err)
	}
	if !r.WriteBehind(put("b", ""), func() { settled = true }) || !settled || r.rows(t) != "a= b=" {
		t.Errorf("%s, settled %v", r.rows(t), settled)
	}
	if err := r.Tick(); err != nil || len(r.committed) != 3 || !r.Inline() {
		t.Errorf("batches of %v operations: %v", r.committed, err)
	}
}
