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

// A supplier says nothing when a hold ends by time, so a retailer's watchers are told of
// its own reservations by this shop's clock, as StateOf tells it. Nothing is recorded: the
// supplier's clock has the last word. Each is told once while the desk is open, and again
// where it was extended after that, which a clock that was ahead allows. One whose time
// passed before the desk was opened is not told: who watches reads first what there is. Nor
// is one whose record the store refused, or that was lost in a crash (saveBehind), until
// somebody asks for it.

const (
	// noticeTick is how long a reservation's end may be told late, so that those which end
	// together are listed together.
	noticeTick = event.Interval
	// maxNotices bounds the reservations listed, at 16 bytes each and as many again while
	// their lists grow: 32 MB, for over a thousand reservations a second that live 15
	// minutes. Of those beyond it one event tells, without saying which.
	maxNotices = 1 << 20
	// noticeIdle is the longest wait, in case the clock is set, and when what could not be
	// read is looked at again: a damaged record costs one read a minute.
	noticeIdle = time.Minute
	// noticeLook is how many reservations are looked at between looks at the context: at two
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

func (n *expiryNotices) init() {
	n.ticks, n.wake = make(map[exchange.Time]*notice), wake.New()
}

// note lists a reservation that is held, also where its time has passed: with a clock that
// is ahead it may have when its answer comes. It is on the way of every reservation: an
// append, and a place in the heap for the first of each tick.
func (n *expiryNotices) note(rec *record.Reservation) {
	if rec.State == hold.Held {
		n.list(rec.Request.ID, rec.Expires)
	}
}

// list has a reservation looked at in the tick that ends at until or after it.
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

// due takes what may have ended by now, and says when to look again.
func (n *expiryNotices) due(now exchange.Time) (ids []exchange.HoldID, more bool, wait time.Duration) {
	ticks, wait := n.take(now)
	for _, t := range ticks {
		ids, more = append(ids, t.ids...), more || t.more
	}
	slices.SortFunc(ids, func(a, b exchange.HoldID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids), more, wait
}

// take takes the ticks that are over, and says when the next one is. The writer lists what
// it has committed under the same lock: nothing that takes longer is done under it.
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

// runNotices tells of each reservation that ends by time, until ctx ends.
func (r *Retailer) runNotices(ctx context.Context) {
	if err := r.listNotices(ctx); err != nil {
		r.log.Error("reservations made before this start are not told of when they expire", "err", err)
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

// listNotices lists what the store says is held, which is all that was reserved in the last
// eight windows: 5 µs each, beside everything else.
func (r *Retailer) listNotices(ctx context.Context) error {
	for row, err := range record.Rows[record.Reservation](r.store, r.codec, kv.Prefix([]byte(record.PrefixReservation))) {
		switch {
		case ctx.Err() != nil:
			return nil
		case row.Key == nil:
			return err
		case err != nil: // who reads a damaged one is told so
		case row.Record.Expires > r.clock.Now():
			r.notices.note(row.Record)
		}
	}
	return nil
}

// NotifyExpired tells watchers of the reservations that have ended by time, and says when to
// look again. What was ordered or given back meanwhile has not ended; what was extended,
// or is held again by a clock that was set back, is looked at again at its end.
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
