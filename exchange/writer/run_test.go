package writer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/writer"
	"github.com/souk-market/souk/store"
)

// The goroutine of Run, in time that testing/synctest makes.

// bubble is its clock.
type bubble struct{}

func (bubble) Now() exchange.Time { return exchange.TimeOf(time.Now()) }

// alarm is due once.
type alarm struct {
	at  exchange.Time
	run func(*writer.Batch) error
}

const never = exchange.MaxTime

func (a *alarm) Expire(b *writer.Batch) error {
	if b.Now() < a.at {
		return nil
	}
	a.at = never
	return a.run(b)
}

func (a *alarm) Next() exchange.Time { return a.at }

func (a *alarm) Rest(exchange.Time) {}

// running is a writer that runs in a bubble, and what its operations told.
type running struct {
	*rig
	start time.Time
	told  []string   // "how long after the start: what"
	ended chan error // what Run returned
	stop  context.CancelFunc
}

// newRunning makes a writer that is not started yet; due may be nil.
func newRunning(due writer.Due) *running {
	r := &running{start: time.Now(), ended: make(chan error, 1)}
	r.rig = newRig(func(cfg *writer.Config) { cfg.Clock = bubble{} })
	if due != nil {
		r.SetDue(due)
	}
	return r
}

func (r *running) run(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	r.stop = stop
	go func() { r.ended <- r.Run(ctx) }()
}

// tell notes when something happened; in the writer's turn.
func (r *running) tell(what string) {
	r.told = append(r.told, fmt.Sprint(time.Since(r.start), ": ", what))
}

func (r *running) telling(what string) operation {
	return func(b *writer.Batch) error {
		r.tell(what)
		b.Put([]byte(what), []byte(what))
		return nil
	}
}

// TestWriteBehindWaitsForCompany: an operation of WriteBehind shares the commit of what comes next, and
// waits for it no longer than WriteBehindDelay.
func TestWriteBehindWaitsForCompany(t *testing.T) {
	const short = writer.WriteBehindDelay / 4
	for _, c := range []struct {
		name    string
		due     time.Duration // after the start; 0 = never
		play    func(r *running)
		told    []string
		batches []int
	}{
		{"alone", 0, func(r *running) { r.WriteBehind(r.telling("a"), nil) }, []string{"200ms: a"}, []int{1}},
		{"two share one commit, and the first one's delay", 0, func(r *running) {
			r.WriteBehind(r.telling("a"), nil)
			time.Sleep(short)
			r.WriteBehind(r.telling("b"), nil)
		}, []string{"200ms: a", "200ms: b"}, []int{2}},
		{"one that comes after the commit has a delay of its own", 0, func(r *running) {
			r.WriteBehind(r.telling("a"), nil)
			time.Sleep(writer.WriteBehindDelay + short)
			r.WriteBehind(r.telling("b"), nil)
		}, []string{"200ms: a", "450ms: b"}, []int{1, 1}},
		{"who waits takes it along", 0, func(r *running) {
			r.WriteBehind(r.telling("a"), nil)
			time.Sleep(short)
			if err := r.Do(context.Background(), r.telling("b")); err != nil {
				r.tell(err.Error())
			}
		}, []string{"50ms: b", "50ms: a"}, []int{2}},
		{"what is due takes it along", short, func(r *running) { r.WriteBehind(r.telling("a"), nil) }, []string{"50ms: due", "50ms: a"}, []int{1}},
		{"a wake finds what is due", 0, func(r *running) { r.Wake() }, nil, []int{1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				due := &alarm{at: never}
				r := newRunning(due)
				if due.run = r.telling("due"); c.due > 0 {
					due.at = exchange.TimeOf(r.start.Add(c.due))
				}
				r.run(t)
				c.play(r)
				time.Sleep(time.Second)
				r.stop()
				if err := <-r.ended; err != nil {
					t.Error(err)
				}
				if !slices.Equal(r.told, c.told) {
					t.Errorf("%q, want %q", r.told, c.told)
				}
				if !slices.Equal(r.committed, c.batches) {
					t.Errorf("batches of %v operations, want %v", r.committed, c.batches)
				}
			})
		})
	}
}

// TestFullCompany: as many operations of WriteBehind as one transaction takes wait for nobody.
func TestFullCompany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunning(nil)
		r.run(t)
		for range writer.MaxOperations {
			r.WriteBehind(put("k", "v"), func() { r.tell("settled") })
		}
		synctest.Wait()
		if len(r.told) != writer.MaxOperations || r.told[0] != "0s: settled" {
			t.Errorf("%d operations are settled at once, want %d", len(r.told), writer.MaxOperations)
		}
		r.stop()
		if err := <-r.ended; err != nil {
			t.Error(err)
		}
	})
}

// TestWriteBehindDropsAtAFullQueue: a caller of WriteBehind never waits, and is told.
func TestWriteBehindDropsAtAFullQueue(t *testing.T) {
	r := newRig(nil)
	r.FillWriteBehind()
	if r.WriteBehind(put("k", "v"), func() { t.Error("settled, and never queued") }) {
		t.Error("a full queue takes one more")
	}
}

// fixed is a Due that is next at a time.
type fixed exchange.Time

func (fixed) Expire(*writer.Batch) error { return nil }
func (f fixed) Next() exchange.Time      { return exchange.Time(f) }
func (fixed) Rest(exchange.Time)         {}

// TestUntilDue: a writer rests until something is due, and a minute at most.
func TestUntilDue(t *testing.T) {
	const now exchange.Time = 1_000_000
	for _, c := range []struct {
		name string
		next exchange.Time
		last exchange.Time // commit
		want time.Duration
	}{
		{"overdue", now - 5, 0, time.Millisecond},
		{"due now", now, 0, time.Millisecond},
		{"due in a while", now.Add(5 * time.Second), 0, 5 * time.Second},
		{"due in an hour", now.Add(time.Hour), 0, time.Minute},
		{"never due", never, 0, time.Minute},
		{"the clock is behind the last commit", now.Add(5 * time.Second), now.Add(2 * time.Second), 3 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(func(cfg *writer.Config) { cfg.Clock, cfg.Last = &hand{now}, c.last })
			r.SetDue(fixed(c.next))
			if got := r.UntilDue(); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
	t.Run("nothing can be due", func(t *testing.T) {
		if got := newRig(nil).UntilDue(); got != time.Minute {
			t.Errorf("%v, want a minute", got)
		}
	})
}

// TestDueRuns: what is due runs at its time though nobody asks for anything.
func TestDueRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		due := &alarm{}
		r := newRunning(due)
		due.at, due.run = exchange.TimeOf(r.start.Add(90*time.Second)), r.telling("due")
		r.run(t)
		time.Sleep(time.Hour)
		r.stop()
		if err := <-r.ended; err != nil || !slices.Equal(r.told, []string{"1m30s: due"}) {
			t.Errorf("%q: %v", r.told, err)
		}
	})
}

// TestStopDrains: what is queued when the writer stops still runs; who asks after that is
// refused.
func TestStopDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunning(nil)
		settled := 0
		for i := range 300 {
			go func() {
				if err := r.Do(context.Background(), put(fmt.Sprint("do ", i), "")); err != nil {
					t.Error(err)
				}
			}()
			if !r.WriteBehind(put(fmt.Sprint("later ", i), ""), func() { settled++ }) {
				t.Error("dropped")
			}
		}
		synctest.Wait()
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
		if rows := contents(t, r.disk); len(rows) != 600+1 || settled != 300 {
			t.Errorf("%d rows are stored, %d operations settled", len(rows), settled)
		}
		if err := r.Do(t.Context(), put("late", "")); exchange.CodeOf(err) != exchange.CodeUnavailable {
			t.Errorf("a writer that has stopped says %v", err)
		}
	})
}

// TestUnknownOutcomeEndsTheWriter: a commit of which nobody knows whether it happened ends
// Run, and whoever waits is told an error.
func TestUnknownOutcomeEndsTheWriter(t *testing.T) {
	for name, fault := range map[string]store.Fault{"it did not happen": store.FaultBefore, "it happened": store.FaultAfter} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRunning(nil)
				r.disk.FailNext(fault)
				answers := make(chan error, 3)
				for i := range 2 {
					go func() { answers <- r.Do(context.Background(), each(put(fmt.Sprint(i), ""), then("effect"))) }()
				}
				r.WriteBehind(each(put("later", ""), then("effect")), nil)
				synctest.Wait()
				r.run(t)
				if err := <-r.ended; err == nil || errors.Is(err, kv.ErrRefused) {
					t.Errorf("Run ends with %v", err)
				}
				answers <- r.Do(t.Context(), put("after", ""))
				for range 3 {
					if err := <-answers; err == nil {
						t.Error("an operation was answered that may not be durable")
					}
				}
				if len(r.effects) > 0 {
					t.Errorf("effects of it: %v", r.effects)
				}
			})
		})
	}
}

// TestGivenUp: a caller whose context ends before its turn is told so at once, and its
// operation never runs; one whose operation has begun waits for it.
func TestGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunning(nil)
		r.run(t)
		hold := make(chan struct{})
		impatient, cancel := context.WithCancel(t.Context())
		begun, waiting := make(chan error, 1), make(chan error, 1)
		go func() {
			begun <- r.Do(impatient, each(put("begun", ""), func(*writer.Batch) error { <-hold; return nil }))
		}()
		synctest.Wait()
		go func() { waiting <- r.Do(impatient, put("waiting", "")) }()
		synctest.Wait()
		cancel()
		if err := <-waiting; !errors.Is(err, context.Canceled) {
			t.Errorf("who waits for a turn is told %v", err)
		}
		synctest.Wait()
		select {
		case err := <-begun:
			t.Errorf("an operation that runs is answered %v", err)
		default:
		}
		close(hold)
		if err := <-begun; err != nil {
			t.Errorf("an operation that has run is answered %v", err)
		}
		r.stop()
		if err := <-r.ended; err != nil {
			t.Error(err)
		}
		if got := r.rows(t); got != "begun=" {
			t.Errorf("stored: %s", got)
		}
	})
}

// TestEndedContext: a caller whose context has ended already changes nothing.
func TestEndedContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunning(nil)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Do(ended, put("k", "v")); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		r.run(t)
		time.Sleep(time.Second)
		r.stop()
		if err := <-r.ended; err != nil || r.rows(t) != "" {
			t.Errorf("stored: %s, %v", r.rows(t), err)
		}
	})
}

// TestManyCallers: nothing is lost between callers that all change one record.
func TestManyCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunning(nil)
		counts := writer.NewTable(r.Writer, numbers)
		r.run(t)
		for range 32 {
			go func() {
				for range 20 {
					if err := r.Do(context.Background(), adding(counts, "n", 1)); err != nil {
						t.Error(err)
					}
				}
			}()
		}
		time.Sleep(time.Second)
		r.stop()
		if err := <-r.ended; err != nil || r.rows(t) != "n=640" {
			t.Errorf("stored: %s, %v", r.rows(t), err)
		}
	})
}
