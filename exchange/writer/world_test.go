package writer_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/writer"
	"github.com/souk-market/souk/store"
)

// The parts that a writer of these tests is made of: a store in memory that is watched, a
// signer whose seals can be read, a clock that is set by hand.

// sealer seals a payload as "seal <n> <place>/<leaves> <payload>", n counting the batches.
type sealer struct{ batches int }

// errUnsealable is what the sealer says to a payload that begins with "unsealable".
var errUnsealable = errors.New("the payload cannot be sealed")

func (s *sealer) Seal(payloads [][]byte) ([][]byte, error) {
	s.batches++
	var sealed [][]byte
	for i, p := range payloads {
		if bytes.HasPrefix(p, []byte("unsealable")) {
			return nil, errUnsealable
		}
		sealed = append(sealed, sealOf(s.batches, i, len(payloads), string(p)))
	}
	return sealed, nil
}

func sealOf(batch, place, leaves int, payload string) []byte {
	return fmt.Appendf(nil, "seal %d %d/%d %s", batch, place, leaves, payload)
}

// hand is a clock that is set by hand.
type hand struct{ now exchange.Time }

func (h *hand) Now() exchange.Time { return h.now }

// disk is a store that knows a limit of bytes, and tells of each commit.
type disk struct {
	*store.Mem
	bytes int                     // most of one commit; 0 = the store's own limit
	see   func([]kv.Write)        // before a commit; optional
	after func([]kv.Write, error) // after it; optional
}

func (d *disk) Commit(writes []kv.Write) error {
	if d.see != nil {
		d.see(writes)
	}
	err := d.commit(writes)
	if d.after != nil {
		d.after(writes, err)
	}
	return err
}

func (d *disk) commit(writes []kv.Write) error {
	if n := sizeOf(writes); d.bytes > 0 && n > d.bytes {
		return exchange.Errorf(exchange.CodeLimit, "a batch of %d bytes: %w", n, kv.ErrRefused)
	}
	return d.Mem.Commit(writes)
}

func sizeOf(writes []kv.Write) (n int) {
	for _, w := range writes {
		n += len(w.Key) + len(w.Value) + store.WriteOverhead
	}
	return n
}

// contents is everything in a store.
func contents(t fataler, s kv.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	for row, err := range kv.Rows(s, kv.Range{}) {
		if err != nil {
			t.Fatalf("%v", err)
		}
		all[string(row.Key)] = string(row.Value)
	}
	return all
}

// fataler is what testing.TB and rapid.T have in common here.
type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// keyStamp is where these tests' batches keep their time.
var keyStamp = []byte("time")

// stampBytes is the size of its row.
const stampBytes = 4 + 8

func stamp(b *writer.Batch) error {
	b.Put(keyStamp, binary.BigEndian.AppendUint64(nil, uint64(b.Now())))
	return nil
}

// rig is a writer that neither runs nor is inline: callers wait until the test runs what
// they queued, together.
type rig struct {
	*writer.Writer
	disk      *disk
	seals     *sealer
	clock     *hand
	effects   []writer.Effect // in the order in which they were applied
	committed []int           // operations of each durable batch
}

// newRig is a rig over an empty store; change, optional, changes its configuration.
func newRig(change func(*writer.Config)) *rig {
	r := &rig{disk: &disk{Mem: store.Memory()}, seals: &sealer{}, clock: &hand{now: 1000}}
	cfg := writer.Config{
		Store: r.disk, Signer: r.seals, Clock: r.clock, Limits: kv.DefaultLimits, Stamp: stamp,
		Apply:     func(_ exchange.Time, e writer.Effect) { r.effects = append(r.effects, e) },
		Committed: func(n int) { r.committed = append(r.committed, n) },
	}
	if change != nil {
		change(&cfg)
	}
	r.Writer = writer.New(cfg)
	return r
}

type operation = func(*writer.Batch) error

// together queues operations in their order, runs them as the writer does, and returns
// what each caller got, and the error that ends the process.
func (r *rig) together(ops ...operation) (answers []error, fatal error) {
	answers = make([]error, len(ops))
	var callers sync.WaitGroup
	var queued []*writer.Operation
	for i, op := range ops {
		callers.Go(func() { answers[i] = r.Do(context.Background(), op) })
		queued = append(queued, r.Next())
	}
	fatal = r.Together(queued)
	callers.Wait()
	return answers, fatal
}

// done runs operations together that must all succeed.
func (r *rig) done(t testing.TB, ops ...operation) {
	t.Helper()
	answers, fatal := r.together(ops...)
	if err := errors.Join(append(answers, fatal)...); err != nil {
		t.Fatal(err)
	}
}

// rows are those of the store but the time, as "key=value", in the order of keys.
func (r *rig) rows(t testing.TB) string {
	t.Helper()
	var list []string
	for k, v := range contents(t, r.disk.Mem) {
		if k != string(keyStamp) {
			list = append(list, k+"="+v)
		}
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func put(key, value string) operation {
	return func(b *writer.Batch) error {
		b.Put([]byte(key), []byte(value))
		return nil
	}
}

// failing is op, and then an error.
func failing(err error, op operation) operation {
	return func(b *writer.Batch) error {
		if op != nil {
			if got := op(b); got != nil {
				return got
			}
		}
		return err
	}
}

func then(e writer.Effect) operation {
	return func(b *writer.Batch) error {
		b.Then(e)
		return nil
	}
}

// each runs operations one after the other, as one.
func each(ops ...operation) operation {
	return func(b *writer.Batch) error {
		for _, op := range ops {
			if err := op(b); err != nil {
				return err
			}
		}
		return nil
	}
}
