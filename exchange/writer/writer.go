package writer

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
)

// MaxOperations is how many operations one transaction takes at most. With 8
// partners × 32 holds in flight 256 are waiting at most; above ~1,000 the
// answer to the first waits longer for the last than the shared fsync saves.
const MaxOperations = 1024

// writeBehindDelay is how long an operation of WriteBehind waits for others to share a
// commit. It bounds the commits a second, whatever a busy retailer reserves.
const writeBehindDelay = 200 * time.Millisecond

// Signer seals a batch; it is the part of message.Signer that the writer needs.
type Signer interface {
	// Seal turns a batch's payloads into sealed leaves under one signature.
	Seal(payloads [][]byte) (sealed [][]byte, err error)
}

// Due is what time alone makes due. Its methods are called in the writer's turn.
type Due interface {
	// Expire adds to b what its time has passed, before any operation runs. An error is
	// fatal: the store cannot be read.
	Expire(b *Batch) error
	// Next is the earliest time at which Expire may have something to do.
	Next() exchange.Time
	// Rest is called where the store refused a batch of the time now: Expire has nothing
	// to do for a while.
	Rest(now exchange.Time)
}

// Config is what a Writer is made of. Everything without "optional" is required.
type Config struct {
	Store  kv.Store
	Signer Signer
	Clock  exchange.Clock
	Limits kv.Limits     // of one commit
	Last   exchange.Time // of the newest commit in the store; 0 = there is none
	// Stamp adds the rows that every commit carries, Batch.Now among them.
	Stamp func(*Batch) error
	// Apply does one effect of a batch that is durable, in the writer's turn: be quick.
	Apply func(at exchange.Time, e Effect)
	// Committed, optional, receives how many operations a durable batch had.
	Committed func(operations int)
	// Inline makes every operation a batch of its own, run by its caller: for
	// single-goroutine simulations. Run must not be called then.
	Inline bool
}

// Writer drains a queue of operations into durable batches. Its methods are safe for
// concurrent use, unless it is inline: then it is for one goroutine.
type Writer struct {
	cfg   Config
	due   Due
	queue chan *Operation
	idle  chan *Operation // may wait for company, writeBehindDelay at most

	stopped chan struct{} // closed when Run has returned

	// turn is held by whoever runs a batch: the goroutine of Run, or the caller itself at a
	// writer that is inline. It guards what follows and all that belongs to the writer's turn.
	turn    sync.Mutex
	tables  []table
	last    *Batch       // the latest, finished or not: its memory is used again
	kept    []Effect     // that no rollback takes away; they wait for the next commit (Batch.Keep)
	written atomic.Int64 // time of the newest commit; written in turn, read by anyone
	failed  error        // a commit whose outcome is unknown: nothing may run any more
}

// Operation is a queued change and where its caller waits.
type Operation struct {
	run   func(*Batch) error
	done  chan error // buffered: the writer never waits for a caller
	err   error
	taken atomic.Bool // by the writer, to run it, or by its caller, to give it up
	begun bool        // the writer has taken it; it may run again in a smaller batch

	// settled, where set, runs when the operation is over, committed or not; in the
	// writer's turn: be quick.
	settled func()
}

// answer ends the operation and answers its caller.
func (o *Operation) answer(err error) {
	o.done <- err
	if o.settled != nil {
		o.settled()
	}
}

// New makes a writer that does nothing until Run, or until its first operation where it is
// inline.
func New(cfg Config) *Writer {
	w := &Writer{
		cfg: cfg, due: nothing{}, stopped: make(chan struct{}),
		queue: make(chan *Operation, 4*MaxOperations), idle: make(chan *Operation, 4*MaxOperations),
	}
	w.written.Store(int64(cfg.Last))
	return w
}

// SetDue says what time makes due. It is called before the writer runs.
func (w *Writer) SetDue(d Due) { w.due = d }

// nothing is ever due.
type nothing struct{}

func (nothing) Expire(*Batch) error { return nil }
func (nothing) Next() exchange.Time { return 1<<62 - 1 }
func (nothing) Rest(exchange.Time)  {}

// Inline reports whether the writer runs each operation at once, in its caller's goroutine.
func (w *Writer) Inline() bool { return w.cfg.Inline }

// Limits are those of one commit.
func (w *Writer) Limits() kv.Limits { return w.cfg.Limits }

// Written is the time of the newest commit.
func (w *Writer) Written() exchange.Time { return exchange.Time(w.written.Load()) }

// Now is the time that a batch would have which begins now: that of the clock, but never before the
// newest commit, whatever the clock was set to.
func (w *Writer) Now() exchange.Time { return max(w.cfg.Clock.Now(), w.Written()) }

// Do runs op in the next batch and returns when that batch is durable. It
// returns op's error, a refusal of the store (nothing was written), or ctx's
// error: op will never run then. An op that the writer has begun is waited for
// whatever becomes of ctx, so op may write to its caller's variables. op may run more
// than once; only its last run counts.
func (w *Writer) Do(ctx context.Context, op func(*Batch) error) error {
	o := &Operation{run: op, done: make(chan error, 1)}
	if w.cfg.Inline {
		w.batch([]*Operation{o})
		return <-o.done
	}
	select {
	case w.queue <- o:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stopped:
		return errStopping
	}
	select {
	case err := <-o.done:
		return err
	case <-ctx.Done():
		if o.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
	case <-w.stopped:
	}
	select {
	case err := <-o.done:
		return err
	case <-w.stopped:
		// The writer answers everything it took before it closes stopped.
		select {
		case err := <-o.done:
			return err
		default:
			return errStopping
		}
	}
}

// WriteBehind queues op and returns at once. It is for records whose loss in a crash costs
// nothing that was promised. It drops op when the queue is full, and reports whether op was
// queued. After a queued op is over, settled runs in the writer's turn, unless it is nil.
// After Run has returned neither op nor settled runs.
func (w *Writer) WriteBehind(op func(*Batch) error, settled func()) bool {
	o := &Operation{run: op, done: make(chan error, 1), settled: settled}
	if w.cfg.Inline {
		w.batch([]*Operation{o})
		return true
	}
	select {
	case w.idle <- o:
		return true
	default:
		return false
	}
}

// Wake has a batch run within writeBehindDelay, though nothing may be queued: something has
// become due. Where the queue is full, the writer is awake.
func (w *Writer) Wake() { w.WriteBehind(func(*Batch) error { return nil }, nil) }

var errStopping = exchange.Errorf(exchange.CodeUnavailable, "the shop is stopping; try again when it runs")

// Run drains the queue until ctx ends and the queue is empty. It returns the
// error of a commit whose outcome is unknown: the process must end then.
func (w *Writer) Run(ctx context.Context) error {
	defer close(w.stopped)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var idle []*Operation // waiting until idleDue for others to come
	var idleDue time.Time
	for {
		wait := w.UntilDue()
		if len(idle) > 0 {
			wait = min(wait, time.Until(idleDue))
		}
		timer.Reset(wait)
		var ops []*Operation
		select {
		case o := <-w.queue:
			ops = append(drain(w.queue, o), idle...)
			idle = nil
		case o := <-w.idle:
			if len(idle) == 0 {
				idleDue = time.Now().Add(writeBehindDelay)
			}
			if idle = append(idle, o); len(idle) < MaxOperations {
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

// UntilDue is how long a writer without operations rests: until something is due, and a
// minute at most, in case the clock is set. Writer's turn only.
func (w *Writer) UntilDue() time.Duration {
	wait := w.due.Next().Sub(w.Now())
	return min(max(wait, time.Millisecond), time.Minute)
}

// finish runs what is queued when the writer stops.
func (w *Writer) finish(idle []*Operation) error {
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
func drain(queue chan *Operation, first *Operation) []*Operation {
	ops := []*Operation{first}
	for len(ops) < MaxOperations {
		select {
		case o := <-queue:
			ops = append(ops, o)
		default:
			return ops
		}
	}
	return ops
}

// Tick runs one batch of what is due now, at a writer that is inline.
func (w *Writer) Tick() error { return w.batch(nil) }

// batch applies ops in as many transactions as the store's limits ask for: an
// operation that passes them gets CodeLimit alone, and those beside it go on. The
// error it returns is the one that ends the process.
func (w *Writer) batch(ops []*Operation) error {
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
		n, retry, err := w.transaction(ops, alone > 0)
		if retry > 0 {
			alone = retry
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

// transaction runs a prefix of ops in one commit and returns its length n.
// If the store refuses a commit that held more than one operation, it answers nobody and
// returns retry = n: the caller runs those n again, one per commit, so that only the
// operation that is too large fails. With single set it runs exactly one.
func (w *Writer) transaction(ops []*Operation, single bool) (n, retry int, fatal error) {
	b := w.newBatch(w.Now())
	if !single {
		if err := w.due.Expire(b); err != nil {
			return 0, 0, err
		}
	}
	others := !b.bare() // what time alone has put into the batch
	for n < min(len(ops), MaxOperations) && (n == 0 || !single && !b.Full()) {
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
		w.due.Rest(b.now)
		// A full disk is nobody's fault.
		if (n > 1 || n > 0 && others) && exchange.CodeOf(refused) != exchange.CodeDiskFull {
			return 0, n, nil
		}
	} else {
		b.durable()
		if w.cfg.Committed != nil {
			w.cfg.Committed(n)
		}
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
func (b *Batch) take(o *Operation) bool {
	if !o.begun && !o.taken.CompareAndSwap(false, true) {
		return true
	}
	o.begun = true
	first := b.bare()
	b.settle()
	before := b.savepoint()
	o.err = b.Attempt(o.run)
	if first || o.err != nil || !b.over() { // one that failed has added nothing
		return true
	}
	b.rollback(before)
	return false
}

// commit makes a batch durable. After a refusal nothing of it happened; a fatal
// error leaves that unknown.
func (w *Writer) commit(b *Batch) (refused, fatal error) {
	if b.Empty() {
		return nil, nil
	}
	if err := b.finish(); err != nil {
		return err, nil
	}
	err := w.cfg.Store.Commit(b.writes)
	switch {
	case err == nil:
		w.written.Store(int64(b.now))
		return nil, nil
	case errors.Is(err, kv.ErrRefused):
		return err, nil
	}
	return nil, exchange.Errorf(exchange.CodeInternal, "committing failed, and whether it happened is unknown: %w", err)
}
