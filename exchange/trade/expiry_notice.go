package trade

import (
	"bytes"
	"container/heap"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/wake"
)

// Expiry notices. A supplier sends no message when a hold ends by time, so the retailer
// notifies its watchers by its own clock (StateOf). A notice changes no record: the
// supplier's clock has the last word.
//
// Each reservation has one notice while the shop is open, and another one where it was
// extended after the first, which a clock that was ahead allows. There is no notice of a
// reservation that expired before the shop was opened: a watcher reads the list first. Nor
// is there one where the store refused the record or a crash lost it (saveBehind), until
// somebody asks for the reservation.

const (
	// noticeTick is how late a notice may come: reservations that end within one tick are
	// listed together.
	noticeTick = event.Interval
	// maxNotices bounds the reservations listed. At 16 bytes each, and as many again while the
	// lists grow, they take 32 MB: over a thousand reservations a second that live 15 minutes.
	// Beyond it one event says that others ended, without their ids.
	maxNotices = 1 << 20
	// noticeIdle is the longest wait, in case the clock is set. It is also the pause before a
	// record that could not be read is read again: a damaged one costs one read a minute.
	noticeIdle = time.Minute
	// noticeLook is how many reservations are checked between checks of the context: at two
	// reads of the store each, 10 ms.
	noticeLook = 1_000
)

// expiryNotices are the reservations that may end by time, by the tick in which they do.
type expiryNotices struct {
	mu     sync.Mutex
	ticks  map[exchange.Time]*notice
	order  tickHeap // the keys of ticks
	listed int
	wake   wake.Signal // something ends sooner than the runner thinks
}

// notice is what may end in one tick.
type notice struct {
	ids  []exchange.HoldID // an id is listed again by each answer about it
	more bool              // beyond maxNotices others end in this tick
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

func (n *expiryNotices) init() {
	n.ticks, n.wake = make(map[exchange.Time]*notice), wake.New()
}

// note lists a reservation that is held, even if its time has passed: by a clock that is
// ahead, a short reservation may be over when its answer comes. Every reservation calls it,
// so it costs an append, and a place in the heap for the first of each tick.
func (n *expiryNotices) note(rec *record.Reservation) {
	if rec.State == hold.Held {
		n.list(rec.Request.ID, rec.Expires)
	}
}

// list lists a reservation in the first tick that ends at until or later.
func (n *expiryNotices) list(id exchange.HoldID, until exchange.Time) {
	const tick = exchange.Time(noticeTick / time.Millisecond)
	at := (until + tick - 1) / tick * tick
	n.mu.Lock()
	defer n.mu.Unlock()
	t := n.ticks[at]
	if t == nil {
		t = &notice{}
		n.ticks[at] = t
		heap.Push(&n.order, at)
		if n.order[0] == at {
			n.wake.Set()
		}
	}
	if n.listed == maxNotices {
		t.more = true
		return
	}
	t.ids = append(t.ids, id)
	n.listed++
}

// due takes the reservations that may have ended by now. wait is when to call it again.
func (n *expiryNotices) due(now exchange.Time) (ids []exchange.HoldID, more bool, wait time.Duration) {
	ticks, wait := n.take(now)
	for _, t := range ticks {
		ids, more = append(ids, t.ids...), more || t.more
	}
	slices.SortFunc(ids, func(a, b exchange.HoldID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids), more, wait
}

// take takes the ticks that are over. wait is the time until the next tick. The writer calls
// list under the same lock, so the lock is held for nothing slower than the heap.
func (n *expiryNotices) take(now exchange.Time) (over []*notice, wait time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.order) > 0 && n.order[0] <= now {
		at := heap.Pop(&n.order).(exchange.Time)
		over = append(over, n.ticks[at])
		n.listed -= len(n.ticks[at].ids)
		delete(n.ticks, at)
	}
	wait = noticeIdle
	if len(n.order) > 0 {
		wait = min(wait, n.order[0].Sub(now))
	}
	return over, wait
}

// runNotices notifies watchers of each reservation that ends by time, until ctx ends.
func (r *Retailer) runNotices(ctx context.Context) {
	if err := r.listNotices(ctx); err != nil {
		r.log.Error("not all reservations made before this start were read: some are not told of when they expire, and what suppliers owe about them is not asked for", "err", err)
	}
	timer := time.NewTimer(noticeIdle)
	defer timer.Stop()
	for {
		timer.Reset(r.NotifyExpired(ctx))
		select {
		case <-timer.C:
		case <-r.notices.wake.C():
		case <-ctx.Done():
			return
		}
	}
}

// listNotices lists the stored reservations that are held. It reads all reservations of the
// last eight windows, at 5 µs each, while the shop already works.
func (r *Retailer) listNotices(ctx context.Context) error {
	for row, err := range record.Rows[record.Reservation](r.store, r.codec, kv.Prefix([]byte(record.PrefixReservation))) {
		switch {
		case ctx.Err() != nil:
			return nil
		case row.Key == nil:
			return err
		case err != nil: // a damaged record: Reservation reports it
		default:
			r.asker.note(row.Record)
			if row.Record.Expires > r.clock.Now() {
				r.notices.note(row.Record)
			}
		}
	}
	return nil
}

// NotifyExpired notifies watchers of the reservations that have ended by time. wait is when
// to call it again. A reservation that was ordered or released meanwhile has no notice. One
// that was extended, or is held again since the clock was set back, is listed again.
func (r *Retailer) NotifyExpired(ctx context.Context) (wait time.Duration) {
	now := r.clock.Now()
	ids, more, wait := r.notices.due(now)
	for i, id := range ids {
		if i%noticeLook == 0 && ctx.Err() != nil {
			return wait
		}
		rec, err := r.known(id)
		if err == nil && rec == nil {
			continue // pruned
		}
		var state hold.State
		if err == nil {
			state, err = r.StateOf(rec)
		}
		switch {
		case err != nil:
			r.notices.list(id, now.Add(noticeIdle))
		case state == hold.Expired:
			r.events.Hold(now, rec.Supplier, exchange.Retailer, hold.Expired.String(), rec.Request.ID, rec.Request.Lines)
		case state == hold.Held:
			r.notices.note(rec)
		}
	}
	if more {
		r.events.Notify(event.Holds{At: now, Side: exchange.Retailer, Status: hold.Expired.String()})
	}
	return wait
}
