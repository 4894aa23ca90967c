package desk

import (
	"bytes"
	"container/heap"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/reservation"
)

// A supplier says nothing when a hold ends by time, so a retailer's watchers are told of
// its own reservations by this shop's clock, as Standing tells it. Nothing is recorded: the
// supplier's clock has the last word. Each is told once while the desk is open, and one
// whose time passed before is not told: who watches reads first what there is.

const (
	// lapseTick is how long a reservation's end may be told late, so that those which end
	// together are listed together.
	lapseTick = newsEvery
	// maxLapses bounds the reservations listed, at 16 bytes each and as many again while
	// their lists grow: 32 MB, for over a thousand reservations a second that live 15
	// minutes. Of those beyond it one event tells, without saying which.
	maxLapses = 1 << 20
	// lapseIdle is the longest wait, in case the clock is set.
	lapseIdle = time.Minute
)

// lapses are the reservations that may end by time, by the tick in which they do.
type lapses struct {
	mu     sync.Mutex
	ticks  map[exchange.Time]*lapsing
	order  tickHeap // the keys of ticks
	listed int
	wake   chan struct{} // buffered 1: something ends sooner than the runner thinks
}

// lapsing is what may end in one tick.
type lapsing struct {
	ids  []exchange.HoldID // the same more than once, where more than one answer told of it
	more bool              // and others, which are not listed
}

type tickHeap []exchange.Time

func (h tickHeap) Len() int           { return len(h) }
func (h tickHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h tickHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *tickHeap) Push(x any)        { *h = append(*h, x.(exchange.Time)) }
func (h *tickHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

func (l *lapses) init() {
	l.ticks, l.wake = make(map[exchange.Time]*lapsing), make(chan struct{}, 1)
}

// note lists a reservation that is held and expires after now. It is on the way of every
// reservation: an append, and a place in the heap for the first of each tick.
func (l *lapses) note(rec *ReservationRecord, now exchange.Time) {
	if rec.State != reservation.Held || rec.Expires <= now {
		return
	}
	const tick = exchange.Time(lapseTick / time.Millisecond)
	at := (rec.Expires + tick - 1) / tick * tick
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.ticks[at]
	if t == nil {
		t = &lapsing{}
		l.ticks[at] = t
		heap.Push(&l.order, at)
		if l.order[0] == at {
			select {
			case l.wake <- struct{}{}:
			default:
			}
		}
	}
	if l.listed == maxLapses {
		t.more = true
		return
	}
	t.ids = append(t.ids, rec.Request.ID)
	l.listed++
}

// due takes what may have ended by now, and says when to look again.
func (l *lapses) due(now exchange.Time) (ids []exchange.HoldID, more bool, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.order) > 0 && l.order[0] <= now {
		at := heap.Pop(&l.order).(exchange.Time)
		t := l.ticks[at]
		delete(l.ticks, at)
		l.listed -= len(t.ids)
		ids, more = append(ids, t.ids...), more || t.more
	}
	wait = lapseIdle
	if len(l.order) > 0 {
		wait = min(wait, l.order[0].Sub(now))
	}
	slices.SortFunc(ids, func(a, b exchange.HoldID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids), more, wait
}

// runLapses tells of each reservation that ends by time, until ctx ends.
func (d *Desk) runLapses(ctx context.Context) {
	if err := d.listLapses(ctx); err != nil {
		d.log.Error("reservations made before this start are not told of when they expire", "err", err)
	}
	timer := time.NewTimer(lapseIdle)
	defer timer.Stop()
	for {
		timer.Reset(d.tellLapsed())
		select {
		case <-timer.C:
		case <-d.lapses.wake:
		case <-ctx.Done():
			return
		}
	}
}

// listLapses lists what the store says is held, which is all that was reserved in the last
// eight windows: 5 µs each, beside everything else.
func (d *Desk) listLapses(ctx context.Context) error {
	return d.store.Scan(Prefix([]byte(prefixReservation)), func(_, raw []byte) bool {
		if v, err := d.codec.Decode(KindReservationRecord, raw); err == nil { // who reads a damaged one is told so
			d.lapses.note(v.(*ReservationRecord), d.clock.Now())
		}
		return ctx.Err() == nil
	})
}

// tellLapsed tells watchers of the reservations that have ended by time, and says when to
// look again. What was ordered, given back or extended meanwhile has not ended.
func (d *Desk) tellLapsed() (wait time.Duration) {
	now := d.clock.Now()
	ids, more, wait := d.lapses.due(now)
	for _, id := range ids {
		rec, err := d.known(id)
		if err != nil || rec == nil {
			continue // pruned, or unreadable, which its reader is told
		}
		if state, err := d.Standing(rec); err == nil && state == reservation.Expired {
			d.ownHoldExpired(rec, now)
		}
		d.lapses.note(rec, now)
	}
	if more {
		d.watch.notify(Event{Type: EventHold, At: now, Side: exchange.Retailer, Status: reservation.Expired.String()})
	}
	return wait
}
