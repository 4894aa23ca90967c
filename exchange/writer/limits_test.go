package writer_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/writer"
)

// within reports commits that pass limits, and counts the commits.
func (r *rig) within(t *testing.T, limits kv.Limits) (commits *int) {
	commits = new(int)
	r.disk.see = func(writes []kv.Write) {
		*commits++
		if n := sizeOf(writes) - stampBytes; n > limits.BatchBytes || len(writes) > limits.BatchWrites {
			t.Errorf("a commit of %d writes and %d bytes", len(writes), n)
		}
	}
	return commits
}

// TestBatchLimits: batches stay below the limits they are given, however many operations
// wait and whatever these write.
func TestBatchLimits(t *testing.T) {
	few := kv.Limits{BatchBytes: 1 << 20, BatchWrites: 400}
	small := kv.Limits{BatchBytes: 20_000, BatchWrites: 10_000}
	text := strings.Repeat("t", 500)
	for _, c := range []struct {
		name    string
		limits  kv.Limits
		op      func(r *rig) func(i int) operation
		commits int // about
	}{
		{"rows", small, func(*rig) func(int) operation {
			return func(i int) operation { return put(fmt.Sprint(i), text) }
		}, 50},
		{"many rows", few, func(*rig) func(int) operation {
			return func(i int) operation { return put(fmt.Sprint(i), "") }
		}, 7},
		{"leaves", small, func(*rig) func(int) operation {
			return func(i int) operation {
				return func(b *writer.Batch) error { b.Seal([]byte(text), []byte(fmt.Sprint(i))); return nil }
			}
		}, 200},
		{"records and their index", few, func(r *rig) func(int) operation {
			rows := numbers
			rows.Writes, rows.Flushed = 2, func(b *writer.Batch, k string, _ int) { b.Put([]byte("index "+k), nil) }
			counts := writer.NewTable(r.Writer, rows)
			return func(i int) operation { return adding(counts, fmt.Sprint(i), 1) }
		}, 14},
		{"records that grow", small, func(r *rig) func(int) operation {
			texts := writer.NewTable(r.Writer, writer.Rows[string, string]{
				Key:    func(k string) []byte { return []byte(k) },
				Decode: func(raw []byte) (string, error) { return string(raw), nil },
				Encode: func(v string) ([]byte, error) { return []byte(v), nil },
				Size:   func(k, v string) int { return len(k) + len(v) },
			})
			return func(i int) operation {
				return func(b *writer.Batch) error {
					k := fmt.Sprint(i / 20)
					v, _, err := texts.Get(b, k)
					texts.Set(b, k, v+text[:100])
					return err
				}
			}
		}, 10},
		{"some of which fail", small, func(*rig) func(int) operation {
			return func(i int) operation {
				if i%2 == 0 {
					return func(b *writer.Batch) error { b.Attempt(failing(errNo, put("x", text))); return nil } // its error is part of the plan
				}
				return put(fmt.Sprint(i), text)
			}
		}, 25},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(func(cfg *writer.Config) { cfg.Limits = c.limits })
			op := c.op(r)
			commits := r.within(t, c.limits)
			var ops []operation
			for i := range 1000 {
				ops = append(ops, op(i))
			}
			r.done(t, ops...)
			if *commits < c.commits/2 || *commits > c.commits*2 {
				t.Errorf("%d commits, want about %d", *commits, c.commits)
			}
		})
	}
}

// TestMostOperations: however many operations wait, a transaction takes MaxOperations of
// them: the path of a seal is counted for that many.
func TestMostOperations(t *testing.T) {
	r := newRig(nil)
	var ops []operation
	for range 2 * writer.MaxOperations {
		ops = append(ops, put("a", ""))
	}
	r.done(t, ops...)
	if want := []int{writer.MaxOperations, writer.MaxOperations}; !slices.Equal(r.committed, want) {
		t.Errorf("batches of %v operations, want %v", r.committed, want)
	}
}

// TestTooLargeAnOperation: one that no transaction takes fails alone, whether the writer or
// only the store knows the limit; those beside it are done.
func TestTooLargeAnOperation(t *testing.T) {
	const limit = 5000
	for name, known := range map[string]kv.Limits{
		"known to the writer":     {BatchBytes: limit, BatchWrites: 10_000},
		"known to the store only": kv.DefaultLimits,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(func(cfg *writer.Config) { cfg.Limits = known })
			r.disk.bytes = limit
			var ops []operation
			for i := range 10 {
				ops = append(ops, put(fmt.Sprint(i), strings.Repeat("v", 900)))
			}
			ops = slices.Insert(ops, 4, put("large", strings.Repeat("v", limit)))
			answers, fatal := r.together(ops...)
			for i, err := range answers {
				if (i == 4) != errors.Is(err, kv.ErrRefused) || i != 4 && err != nil {
					t.Errorf("operation %d: %v", i, err)
				}
			}
			if rows := contents(t, r.disk); fatal != nil || len(rows) != 10+1 {
				t.Errorf("%d rows are stored: %v", len(rows), fatal)
			}
		})
	}
}

// TestShare: an operation that does many things goes on in others, none of which passes the
// limits, whatever is in the batch with it.
func TestShare(t *testing.T) {
	limits := kv.Limits{BatchBytes: 20_000, BatchWrites: 1000}
	for name, value := range map[string]string{"of bytes": strings.Repeat("v", 500), "of writes": ""} {
		t.Run(name, func(t *testing.T) {
			r := newRig(func(cfg *writer.Config) { cfg.Limits = limits })
			commits := r.within(t, limits)
			done, turns := 0, 0
			some := func(b *writer.Batch) error {
				turns++
				for share := b.Share(); done < 2000 && !share.Spent(b); done++ {
					b.Put([]byte(fmt.Sprint(done)), []byte(value))
				}
				return nil
			}
			for done < 2000 {
				before := done
				r.done(t, put("beside", strings.Repeat("v", 5000)), some)
				if done == before {
					t.Fatal("nothing is done in a turn")
				}
			}
			if rows := contents(t, r.disk); len(rows) != 2000+2 || turns < 8 || *commits < turns {
				t.Errorf("%d rows in %d turns and %d commits", len(rows), turns, *commits)
			}
		})
	}
}
