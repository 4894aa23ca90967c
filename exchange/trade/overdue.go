package trade

import (
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/backoff"
	"github.com/souk-market/souk/exchange/message"
)

// The log tells of requests of this shop's that a supplier leaves unanswered for long.

const (
	// overdueAfter is how long a supplier owes an answer before the log tells: where the network is
	// whole, it has answered by then.
	overdueAfter = 30 * time.Second
	// overdueFirst is the pause between two lines about one supplier, twice as long each time, up to
	// overdueLongest: an absence of days fills no log.
	overdueFirst   = time.Minute
	overdueLongest = time.Hour
)

// overdue spaces the lines about unanswered requests, for each supplier and kind of request.
type overdue struct {
	mu   sync.Mutex
	told map[queue]*toldOverdue // guarded by mu; by queues of lane 0
}

type toldOverdue struct {
	next   exchange.Time // when the next line may come
	pauses backoff.Doubling
}

// due reports whether to tell now of what has been owed since then.
func (o *overdue) due(to queue, since, now exchange.Time) bool {
	if now.Sub(since) < overdueAfter {
		return false
	}
	to.lane = 0
	o.mu.Lock()
	defer o.mu.Unlock()
	t := o.told[to]
	if t == nil {
		if o.told == nil {
			o.told = make(map[queue]*toldOverdue)
		}
		t = &toldOverdue{pauses: backoff.Doubling{First: overdueFirst, Longest: overdueLongest}}
		o.told[to] = t
	}
	if now < t.next && t.next <= now.Add(overdueLongest) { // else the clock fell back
		return false
	}
	t.next = now.Add(t.pauses.Next())
	return true
}

// answered begins the pauses between lines again.
func (o *overdue) answered(to queue) {
	to.lane = 0
	o.mu.Lock()
	defer o.mu.Unlock()
	if t := o.told[to]; t != nil {
		t.pauses.Reset()
	}
}

// owed tells of signed requests that a supplier leaves unanswered; why is what became of the last attempt.
func (s *sender) owed(to queue, why error) {
	if to.kind != message.KindSubmit {
		return
	}
	now := s.clock.Now()
	s.mu.Lock()
	state := s.queues[to]
	if state.owed == 0 {
		state.owed = now
	}
	since := state.owed
	s.mu.Unlock()
	if s.overdue.due(to, since, now) {
		s.log.Warn("a supplier leaves orders or other requests unanswered; they are sent again until it answers",
			"supplier", to.partner, "for", now.Sub(since).Round(time.Second), "again_in", s.nextIn(to, now), "err", why)
	}
}

// owed tells of a reservation about which a supplier leaves a message unanswered; why is what became of
// the last attempt.
func (a *asker) owed(o *openAsk, why error) {
	now := a.clock.Now()
	a.mu.Lock()
	if o.owed == 0 {
		o.owed = now
	}
	since := o.owed
	a.mu.Unlock()
	if !a.sender.overdue.due(o.to, since, now) {
		return
	}
	a.mu.Lock()
	open := 0
	for lane := range uint8(askLanes) {
		open += len(a.lanes[queue{partner: o.to.partner, kind: o.to.kind, lane: lane}])
	}
	a.mu.Unlock()
	a.log.Warn("a supplier leaves reservations unanswered; it is asked again until it answers",
		"supplier", o.to.partner, "reservations", open, "one", o.id, "for", now.Sub(since).Round(time.Second),
		"again_in", a.sender.nextIn(o.to, now), "err", why)
}

// nextIn is how long after now a queue is sent next; 0 = it is being sent.
func (s *sender) nextIn(to queue, now exchange.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state := s.queues[to]; state != nil && state.due > now {
		return state.due.Sub(now).Round(time.Second)
	}
	return 0
}
