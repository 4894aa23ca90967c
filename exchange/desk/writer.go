package desk

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
)

// MaxBatchOps is how many operations one transaction takes at most. With 8
// partners × 32 holds in flight 256 are waiting at most; above ~1,000 the
// answer to the first waits longer for the last than the shared fsync saves.
const MaxBatchOps = 1024

// operation is a queued change and where its caller waits.
type operation struct {
	run   func(*batch) error
	done  chan error // buffered: the writer never waits for a caller
	err   error
	taken atomic.Bool // by the writer, to run it, or by its caller, to give it up
	begun bool        // the writer has taken it; it may run again in a smaller batch

	// settled, where set, runs when the operation is over, committed or not; in the
	// writer's turn: be quick.
	settled func()
}

// answer ends the operation and tells who waits.
func (o *operation) answer(err error) {
	o.done <- err
	if o.settled != nil {
		o.settled()
	}
}

// writer drains a queue of operations into durable batches. Its zero value with
// a desk set is ready.
type writer struct {
	d     *Desk
	queue chan *operation
	idle  chan *operation // may wait for company, laterDelay at most

	// turn is held by whoever runs a batch: the goroutine of Run, or the caller
	// itself at a desk that runs inline.
	turn   sync.Mutex
	last   *batch // the latest, finished or not: its memory is used again
	failed error  // a commit whose outcome is unknown: nothing may run any more
}

// do runs op in the next batch and returns when that batch is durable. It
// returns op's error, a refusal of the store (nothing was written), or ctx's
// error: op will never run then. An op that the writer has begun is waited for
// whatever becomes of ctx, so op may write to its caller's variables.
func (d *Desk) do(ctx context.Context, op func(*batch) error) error {
	o := &operation{run: op, done: make(chan error, 1)}
	if d.inline {
		d.writer.batch([]*operation{o})
		return <-o.done
	}
	select {
	case d.writer.queue <- o:
	case <-ctx.Done():
		return ctx.Err()
	case <-d.stopped:
		return errStopping
	}
	select {
	case err := <-o.done:
		return err
	case <-ctx.Done():
		if o.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
	case <-d.stopped:
	}
	select {
	case err := <-o.done:
		return err
	case <-d.stopped:
		// The writer answers everything it took before it closes stopped.
		select {
		case err := <-o.done:
			return err
		default:
			return errStopping
		}
	}
}

// laterDelay is how long an operation of later waits for others to share a
// commit with: five commits a second, whatever a busy retailer reserves.
const laterDelay = 200 * time.Millisecond

// later queues op and returns at once; for records whose loss in a crash costs
// nothing that was promised. It drops op when the queue is full.
// It reports whether op was queued; then settled, unless nil, runs when op is over.
func (d *Desk) later(op func(*batch) error, settled func()) bool {
	o := &operation{run: op, done: make(chan error, 1), settled: settled}
	if d.inline {
		d.writer.batch([]*operation{o})
		return true
	}
	select {
	case d.writer.idle <- o:
		return true
	default:
		return false
	}
}

var errStopping = exchange.Errorf(exchange.CodeUnavailable, "the shop is stopping; try again when it runs")

// run drains the queue until ctx ends and the queue is empty. It returns the
// error of a commit whose outcome is unknown: the process must end then.
func (w *writer) run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var idle []*operation // waiting until idleDue for others to come
	var idleDue time.Time
	for {
		wait := w.d.untilNextExpiry()
		if len(idle) > 0 {
			wait = min(wait, time.Until(idleDue))
		}
		timer.Reset(wait)
		var ops []*operation
		select {
		case o := <-w.queue:
			ops = append(drain(w.queue, o), idle...)
			idle = nil
		case o := <-w.idle:
			if len(idle) == 0 {
				idleDue = time.Now().Add(laterDelay)
			}
			if idle = append(idle, o); len(idle) < MaxBatchOps {
				continue
			}
			ops, idle = idle, nil
		case <-timer.C:
			ops, idle = idle, nil
		case <-ctx.Done():
			return w.finish(idle)
		}
		if err := w.batch(ops); err != nil {
			return err
		}
	}
}

// finish runs what is queued when the desk stops.
func (w *writer) finish(idle []*operation) error {
	for {
		ops := idle
		select {
		case o := <-w.queue:
			ops = append(drain(w.queue, o), idle...)
		case o := <-w.idle:
			ops = append(drain(w.idle, o), idle...)
		default:
			if len(idle) == 0 {
				return nil
			}
		}
		if err := w.batch(ops); err != nil {
			return err
		}
		idle = nil
	}
}

// drain takes what is waiting, up to a batch's size.
func drain(queue chan *operation, first *operation) []*operation {
	ops := []*operation{first}
	for len(ops) < MaxBatchOps {
		select {
		case o := <-queue:
			ops = append(ops, o)
		default:
			return ops
		}
	}
	return ops
}

// batch applies ops in as many transactions as the store's limits ask for: an
// operation that passes them gets CodeLimit alone, and those beside it go on. The
// error it returns is the one that ends the process.
func (w *writer) batch(ops []*operation) error {
	w.turn.Lock()
	defer w.turn.Unlock()
	if w.failed != nil {
		for _, o := range ops {
			o.answer(w.failed)
		}
		return w.failed
	}
	alone := 0 // how many of ops each get a transaction of their own
	for first := true; first || len(ops) > 0; first = false {
		n, parted, err := w.transaction(ops, alone > 0)
		if parted > 0 {
			alone = parted
			continue
		}
		alone = max(alone-n, 0)
		if err != nil {
			w.failed = err
			for _, o := range ops {
				o.answer(err)
			}
			return err
		}
		ops = ops[n:]
	}
	return nil
}

// transaction runs as many of ops as fit one commit, and says how many those were;
// alone, it runs one and nothing else. Where a commit is refused that others may be to
// blame for, nobody is answered: parted says how many are to run alone.
func (w *writer) transaction(ops []*operation, alone bool) (n, parted int, fatal error) {
	d := w.d
	b := newBatch(d, max(d.clock.Now(), d.meta.Written), w.last)
	w.last = b
	if !alone {
		if err := d.expireDue(b); err != nil {
			return 0, 0, err
		}
	}
	others := !b.empty() // what time alone has put into the batch
	for n < len(ops) && (n == 0 || !alone && !b.full()) {
		if !b.take(ops[n]) {
			break
		}
		n++
	}
	refused, fatal := w.commit(b)
	if fatal != nil {
		return 0, 0, fatal
	}
	if refused != nil {
		d.restExpiry(b.now)
		// A full disk is nobody's fault.
		if (n > 1 || n > 0 && others) && exchange.CodeOf(refused) != exchange.CodeDiskFull {
			return 0, n, nil
		}
	} else {
		b.durable()
		d.batchSize(n)
	}
	for _, o := range ops[:n] {
		if refused != nil {
			o.err = refused
		}
		o.answer(o.err)
	}
	return n, 0, nil
}

// take runs o, unless its caller has given it up. It reports false where o has made
// the batch too large: o is undone then and comes first in the next one, where the
// store has the last word.
func (b *batch) take(o *operation) bool {
	if !o.begun && !o.taken.CompareAndSwap(false, true) {
		return true
	}
	o.begun = true
	first := b.empty()
	b.settle()
	before := b.savepoint()
	o.err = b.attempt(o.run)
	if first || !b.over() {
		return true
	}
	b.rollback(before)
	return false
}

// commit makes a batch durable. After a refusal nothing of it happened; a fatal
// error leaves that unknown.
func (w *writer) commit(b *batch) (refused, fatal error) {
	if b.empty() {
		return nil, nil
	}
	if err := b.finish(); err != nil {
		return err, nil
	}
	err := w.d.store.Commit(b.writes)
	switch {
	case err == nil:
		w.d.meta.Written = b.now
		return nil, nil
	case errors.Is(err, kv.ErrRefused):
		return err, nil
	}
	return nil, exchange.Errorf(exchange.CodeInternal, "committing failed, and whether it happened is unknown: %w", err)
}
