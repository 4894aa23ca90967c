package desk

import (
	"bytes"
	"container/heap"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
)

// A supplier says nothing when a hold ends by time, so a retailer's watchers are told of
// its own reservations by this shop's clock, as Standing tells it. Nothing is recorded: the
// supplier's clock has the last word. Each is told once while the desk is open, and again
// where it was extended after that, which a clock that was ahead allows. One whose time
// passed before the desk was opened is not told: who watches reads first what there is. Nor
// is one whose record the store refused, or that was lost in a crash (saveSoon), until
// somebody asks for it.

const (
	// lapseTick is how long a reservation's end may be told late, so that those which end
	// together are listed together.
	lapseTick = newsEvery
	// maxLapses bounds the reservations listed, at 16 bytes each and as many again while
	// their lists grow: 32 MB, for over a thousand reservations a second that live 15
	// minutes. Of those beyond it one event tells, without saying which.
	maxLapses = 1 << 20
	// lapseIdle is the longest wait, in case the clock is set, and when what could not be
	// read is looked at again: a damaged record costs one read a minute.
	lapseIdle = time.Minute
	// lapseLook is how many reservations are looked at between looks at the context: at two
	// reads of the store each, 10 ms.
	lapseLook = 1_000
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

// note lists a reservation that is held, also where its time has passed: with a clock that
// is ahead it may have when its answer comes. It is on the way of every reservation: an
// append, and a place in the heap for the first of each tick.
func (l *lapses) note(rec *record.Reservation) {
	if rec.State == hold.Held {
		l.list(rec.Request.ID, rec.Expires)
	}
}

// list has a reservation looked at in the tick that ends at until or after it.
func (l *lapses) list(id exchange.HoldID, until exchange.Time) {
	const tick = exchange.Time(lapseTick / time.Millisecond)
	at := (until + tick - 1) / tick * tick
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
	t.ids = append(t.ids, id)
	l.listed++
}

// due takes what may have ended by now, and says when to look again.
func (l *lapses) due(now exchange.Time) (ids []exchange.HoldID, more bool, wait time.Duration) {
	ticks, wait := l.take(now)
	for _, t := range ticks {
		ids, more = append(ids, t.ids...), more || t.more
	}
	slices.SortFunc(ids, func(a, b exchange.HoldID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids), more, wait
}

// take takes the ticks that are over, and says when the next one is. The writer lists what
// it has committed under the same lock: nothing that takes longer is done under it.
func (l *lapses) take(now exchange.Time) (over []*lapsing, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.order) > 0 && l.order[0] <= now {
		at := heap.Pop(&l.order).(exchange.Time)
		over = append(over, l.ticks[at])
		l.listed -= len(l.ticks[at].ids)
		delete(l.ticks, at)
	}
	wait = lapseIdle
	if len(l.order) > 0 {
		wait = min(wait, l.order[0].Sub(now))
	}
	return over, wait
}

// runLapses tells of each reservation that ends by time, until ctx ends.
func (d *Desk) runLapses(ctx context.Context) {
	if err := d.listLapses(ctx); err != nil {
		d.log.Error("reservations made before this start are not told of when they expire", "err", err)
	}
	timer := time.NewTimer(lapseIdle)
	defer timer.Stop()
	for {
		timer.Reset(d.tellLapsed(ctx))
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
	return d.store.Scan(kv.Prefix([]byte(record.PrefixReservation)), func(_, raw []byte) bool {
		if v, err := d.codec.Decode(record.KindReservation, raw); err == nil { // who reads a damaged one is told so
			if rec := v.(*record.Reservation); rec.Expires > d.clock.Now() {
				d.lapses.note(rec)
			}
		}
		return ctx.Err() == nil
	})
}

// tellLapsed tells watchers of the reservations that have ended by time, and says when to
// look again. What was ordered or given back meanwhile has not ended; what was extended,
// or is held again by a clock that was set back, is looked at again at its end.
func (d *Desk) tellLapsed(ctx context.Context) (wait time.Duration) {
	now := d.clock.Now()
	ids, more, wait := d.lapses.due(now)
	for i, id := range ids {
		if i%lapseLook == 0 && ctx.Err() != nil {
			return wait
		}
		rec, err := d.known(id)
		if err == nil && rec == nil {
			continue // pruned
		}
		var state hold.State
		if err == nil {
			state, err = d.Standing(rec)
		}
		switch {
		case err != nil:
			d.lapses.list(id, now.Add(lapseIdle))
		case state == hold.Expired:
			d.ownHoldExpired(rec, now)
		case state == hold.Held:
			d.lapses.note(rec)
		}
	}
	if more {
		d.watch.notify(Event{Type: EventHold, At: now, Side: exchange.Retailer, Status: hold.Expired.String()})
	}
	return wait
}
