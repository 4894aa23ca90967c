package desk

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
)

// courier decides when queued requests go to suppliers and entries to retailers:
// at once, then after 1, 2, 4, 8, 8 … seconds until they are answered or
// countersigned, and at once when a partner comes back. It sends only what is
// committed.
type courier struct {
	d *Desk

	mu    sync.Mutex
	lanes map[lane]*laneState
	wake  chan struct{} // buffered 1: something is due sooner than the runner thinks
}

// lane is one direction of messages to one partner.
type lane struct {
	to   exchange.ShopID
	kind message.Kind // KindSubmit, KindPush, or KindSignedHead
}

type laneState struct {
	due     exchange.Time // next send; 0 = nothing to send
	attempt int
	flying  bool
	refused exchange.Code // what the partner's last answer was, where it was a refusal
}

// Delays before a first send.
const (
	// ackDelay lets several entries share one countersigned head.
	ackDelay = 50 * time.Millisecond
	// answeredDelay waits for the head of entries that went out in an answer,
	// before they are pushed again.
	answeredDelay = 2 * time.Second
	// longestPause is the longest time for which anything is planned: the pause
	// after the fourth failure and later ones.
	longestPause = 8 * time.Second
	// sendTimeout is how long one send waits for its answer.
	sendTimeout = 10 * time.Second
)

// Outgoing is a message to a partner. Done must be called once, with the reply or
// the error of the attempt.
type Outgoing struct {
	To  exchange.ShopID
	Raw []byte
	// Done takes the outcome; it may write to the store, so ctx bounds it.
	Done func(ctx context.Context, reply []byte, err error)
}

func (c *courier) init(d *Desk) {
	c.d, c.lanes, c.wake = d, make(map[lane]*laneState), make(chan struct{}, 1)
}

// plan moves a lane's next send to at, if that is sooner. fresh forgets earlier
// failures.
func (c *courier) plan(l lane, at exchange.Time, fresh bool) {
	c.mu.Lock()
	s := c.lanes[l]
	if s == nil {
		s = &laneState{}
		c.lanes[l] = s
	}
	if fresh {
		s.attempt = 0
	}
	if s.due == 0 || at < s.due {
		s.due = at
	}
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// queued: a request was put into the outbox.
func (c *courier) queued(supplier exchange.ShopID) {
	c.plan(lane{supplier, message.KindSubmit}, c.d.clock.Now(), false)
}

// entered: an entry was appended for a retailer; inAnswer when it went out in an answer.
func (c *courier) entered(id ledger.ID, inAnswer bool) {
	at := c.d.clock.Now()
	if inAnswer {
		at = at.Add(answeredDelay)
	}
	c.plan(lane{id.Retailer, message.KindPush}, at, !inAnswer)
}

// behind: entries of a supplier are missing here.
func (c *courier) behind(supplier exchange.ShopID) {
	c.plan(lane{supplier, message.KindSubmit}, c.d.clock.Now(), true)
}

// acked: the retailer has everything up to position.
func (c *courier) acked(id ledger.ID, acked, head uint64) {
	if acked < head {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.lanes[lane{id.Retailer, message.KindPush}]; s != nil {
		s.due, s.attempt = 0, 0
	}
}

// connected: the partner is there; whatever waits for it goes now.
func (c *courier) connected(partner exchange.ShopID) {
	now := c.d.clock.Now()
	c.plan(lane{partner, message.KindSubmit}, now, true)
	c.plan(lane{partner, message.KindPush}, now, true)
}

// Outgoing takes what is due now, and says when to ask again (0 = when woken).
func (d *Desk) Outgoing() (list []Outgoing, next exchange.Time) {
	c := &d.courier
	now := d.clock.Now()
	var due []lane
	c.mu.Lock()
	for l, s := range c.lanes {
		if latest := now.Add(longestPause); s.due > latest {
			s.due = latest // the clock fell back since it was planned
		}
		switch {
		case s.due == 0 || s.flying:
		case s.due <= now:
			s.flying, s.due = true, 0
			due = append(due, l)
		case next == 0 || s.due < next:
			next = s.due
		}
	}
	c.mu.Unlock()
	sortLanes(due)
	for _, l := range due {
		out, err := d.compose(l)
		if err != nil {
			d.log.Error("composing a message", "to", l.to, "err", err)
		}
		if out == nil {
			c.landed(l, err == nil, false)
			continue
		}
		list = append(list, *out)
	}
	return list, next
}

// landed ends a flight: rest when everything is answered, else try again.
func (c *courier) landed(l lane, ok, more bool) {
	c.mu.Lock()
	s := c.lanes[l]
	s.flying = false
	now := c.d.clock.Now()
	switch {
	case ok && !more:
		s.attempt = 0 // what was planned meanwhile stays planned
	case ok:
		s.attempt = 0
		s.due = now
	default:
		again := now.Add(retryPause(s.attempt))
		s.attempt++
		if s.due == 0 || s.due > again {
			s.due = again
		}
	}
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// sendFailed plans the next attempt. A refusal may be lifted by something that this
// shop never hears of (the partner's records are mended, its version is newer), so it is
// asked again each longestPause, and logged when it is another than the last one. A
// fork or a frozen ledger is final: it waits for the next event on the lane or the next
// connection.
func (d *Desk) sendFailed(l lane, err error) {
	final := false
	if isRefusal(err) {
		code := exchange.CodeOf(err)
		if d.courier.refusedAnew(l, code) {
			d.log.Warn("a message was refused; it is sent again until it is taken", "to", l.to, "err", err)
		}
		final = code == exchange.CodeFork || code == exchange.CodeFrozen
	}
	d.courier.landed(l, final, false)
}

// refusedAnew notes a partner's refusal, and reports whether its last answer was
// another.
func (c *courier) refusedAnew(l lane, code exchange.Code) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.lanes[l]
	anew := s.refused != code
	s.refused = code
	return anew
}

// taken notes that a partner took a message of a lane.
func (c *courier) taken(l lane) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lanes[l].refused = exchange.CodeOK
}

// run sends what is due until ctx ends.
func (c *courier) run(ctx context.Context) {
	var flights sync.WaitGroup
	defer flights.Wait()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		list, next := c.d.Outgoing()
		for _, out := range list {
			flights.Go(func() {
				sendCtx, cancel := context.WithTimeout(ctx, sendTimeout)
				defer cancel()
				reply, err := c.d.network.Request(sendCtx, out.To, out.Raw)
				// What came must be recorded even while stopping; the writer outlives this.
				out.Done(context.WithoutCancel(ctx), reply, err)
			})
		}
		timer.Reset(time.Hour)
		if next != 0 {
			timer.Reset(max(next.Sub(c.d.clock.Now()), time.Millisecond))
		}
		select {
		case <-c.wake:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// sortLanes keeps the order of sends independent of the map's.
func sortLanes(list []lane) {
	slices.SortFunc(list, func(a, b lane) int {
		return cmp.Or(a.to.Compare(b.to), cmp.Compare(a.kind, b.kind))
	})
}
