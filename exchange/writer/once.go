package writer

import (
	"context"
	"errors"

	"github.com/souk-market/souk/exchange/kv"
)

// Once makes the acts of one request of the owner's, which may be repeated under a key,
// happen once: a row of each act's commit says how many of them were done. So nobody finds
// an act without its key after a crash, or a key without its act, and the key costs no
// commit of its own.
//
// Acts are told apart by their order in the request. So a version that changes the order of a
// request's acts must give the request another key row.
type Once struct {
	// Key is the row's; Rows are what stands there, and beside it, once so many acts of the
	// request were done.
	Key  []byte
	Rows func(acts int) []kv.Write
	// Acts reads from the row how many were done.
	Acts func(value []byte) (int, error)
	// Repeats has acts run again though they were done: a repeat finds by itself what the
	// first did, and the row only tells other requests apart.
	Repeats bool

	acts int // of this run of the request, so far
	done bool
}

// ErrDone is the error of an act that was done before under the same key.
var ErrDone = errors.New("this was done before under the same key")

// Done reports whether an act of this run is durable, and with it the row. It is for the
// goroutine that runs the request.
func (o *Once) Done() bool { return o.done }

type onceKey struct{}

// WithOnce has each act under the returned context happen once. The value goes by context
// because it crosses the API's handlers and the parts of the shop, like a request's deadline:
// only whoever makes it and [Writer.Act] need to know of it.
func WithOnce(ctx context.Context, o *Once) context.Context {
	return context.WithValue(ctx, onceKey{}, o)
}

// Act is Do for an act of the owner's, which may carry a key ([WithOnce]); ErrDone where it
// was done before. What partners ask goes through Do: their requests have ids of their own,
// and the hot path looks nothing up.
func (w *Writer) Act(ctx context.Context, op func(*Batch) error) error {
	return w.Acts(ctx, op)
}

// Acts is Act for several acts of one request that are done together, in one commit or not at
// all. Acts that were done before are left out; ErrDone where all were.
func (w *Writer) Acts(ctx context.Context, ops ...func(*Batch) error) error {
	run := func(b *Batch, ops []func(*Batch) error) error {
		for _, op := range ops {
			if err := op(b); err != nil {
				return err
			}
		}
		return nil
	}
	o, _ := ctx.Value(onceKey{}).(*Once)
	if o == nil {
		return w.Do(ctx, func(b *Batch) error { return run(b, ops) })
	}
	first := o.acts
	o.acts += len(ops)
	err := w.Do(ctx, func(b *Batch) error {
		before, err := o.before(b)
		if err != nil {
			return err
		}
		todo := ops
		if !o.Repeats {
			todo = ops[min(max(before-first, 0), len(ops)):]
		}
		if len(todo) == 0 {
			return ErrDone
		}
		if err := run(b, todo); err != nil {
			return err
		}
		for _, row := range o.Rows(max(before, first+len(ops))) {
			b.Put(row.Key, row.Value)
		}
		return nil
	})
	o.done = o.done || err == nil
	return err
}

// before is how many acts of the request were done.
func (o *Once) before(b *Batch) (int, error) {
	value, ok, err := b.Get(o.Key)
	if err != nil || !ok {
		return 0, err
	}
	return o.Acts(value)
}
