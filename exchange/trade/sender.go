package trade

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/backoff"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/wake"
)

// sender decides when queued requests go to suppliers and entries to retailers. It sends at
// once, then again after 1, 2, 4, 8, 8 … seconds until the partner answers or countersigns,
// and at once when a partner connects. It sends only what is committed.
type sender struct {
	*shop
	partnerships *Partnerships
	ledgers      *Ledgers
	asker        *asker

	unasked unasked
	overdue overdue

	mu     sync.Mutex
	queues map[queue]*queueState
	wake   wake.Signal // something is due sooner than the runner thinks
}

// queue names the messages of one kind to one partner.
type queue struct {
	partner exchange.ShopID
	kind    message.Kind // KindSubmit, KindPush, KindSignedHead, KindSealedAnswer, or KindHold: about reservations
	lane    uint8        // of KindHold; else 0
}

// queueState belongs to sender.mu.
type queueState struct {
	due      exchange.Time    // next send; 0 = nothing to send
	pauses   backoff.Doubling // between attempts that fail
	inFlight bool             // a message is sent and not answered yet
	owed     exchange.Time    // of KindSubmit: since when attempts have failed; 0 = the last one did not
	refused  exchange.Code    // what the partner's last answer was, where it was a refusal
}

// Delays before a first send.
const (
	// ackDelay lets several entries share one countersigned head.
	ackDelay = 50 * time.Millisecond
	// answeredDelay waits for the head of entries that went out in an answer,
	// before they are pushed again.
	answeredDelay = 2 * time.Second
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

func newSender(base *shop, p *Partnerships, l *Ledgers) *sender {
	return &sender{shop: base, partnerships: p, ledgers: l, queues: make(map[queue]*queueState), wake: wake.New()}
}

// plan moves a queue's next send to at, if that is sooner. With fresh the pauses begin at one
// second again.
func (s *sender) plan(to queue, at exchange.Time, fresh bool) {
	s.mu.Lock()
	state := s.queues[to]
	if state == nil {
		state = &queueState{}
		s.queues[to] = state
	}
	if fresh {
		state.pauses.Reset()
	}
	if state.due == 0 || at < state.due {
		state.due = at
	}
	s.mu.Unlock()
	s.wake.Set()
}

// queued: a request was put into the outbox.
func (s *sender) queued(supplier exchange.ShopID) {
	s.plan(queue{partner: supplier, kind: message.KindSubmit}, s.clock.Now(), false)
}

// appended: an entry was appended for a retailer. inAnswer says that an answer carried it.
func (s *sender) appended(id ledger.ID, inAnswer bool) {
	at := s.clock.Now()
	if inAnswer {
		at = at.Add(answeredDelay)
	}
	s.plan(queue{partner: id.Retailer, kind: message.KindPush}, at, !inAnswer)
}

// behind: entries of a supplier are missing here.
func (s *sender) behind(supplier exchange.ShopID) {
	s.plan(queue{partner: supplier, kind: message.KindSubmit}, s.clock.Now(), true)
}

// acknowledged: the retailer has countersigned the ledger up to acked; it ends at head.
func (s *sender) acknowledged(id ledger.ID, acked, head uint64) {
	if acked < head {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if state := s.queues[queue{partner: id.Retailer, kind: message.KindPush}]; state != nil {
		state.due = 0
		state.pauses.Reset()
	}
}

// connected: the partner is connected; what is queued for it goes now.
func (s *sender) connected(partner exchange.ShopID) {
	now := s.clock.Now()
	s.plan(queue{partner: partner, kind: message.KindSubmit}, now, true)
	s.plan(queue{partner: partner, kind: message.KindPush}, now, true)
	if s.unasked.first(partner) != nil {
		s.plan(queue{partner: partner, kind: message.KindSealedAnswer}, now, true)
	}
	for _, to := range s.asker.connected(partner) {
		s.plan(to, now, true)
	}
}

// outgoing takes what is due now, and says when to ask again (0 = when woken).
func (s *sender) outgoing() (list []Outgoing, next exchange.Time) {
	now := s.clock.Now()
	var due []queue
	s.mu.Lock()
	for to, state := range s.queues {
		if latest := now.Add(backoff.Longest); state.due > latest {
			state.due = latest // the clock fell back since it was planned
		}
		switch {
		case state.due == 0 || state.inFlight:
		case state.due <= now:
			state.inFlight, state.due = true, 0
			due = append(due, to)
		case next == 0 || state.due < next:
			next = state.due
		}
	}
	s.mu.Unlock()
	sortQueues(due)
	for _, to := range due {
		out, err := s.compose(to)
		if err != nil {
			s.log.Error("composing a message", "to", to.partner, "err", err)
		}
		if out == nil {
			s.landed(to, err == nil, false)
			continue
		}
		list = append(list, *out)
	}
	return list, next
}

// landed ends a send. If it succeeded and more waits, the next one is due now; if it failed,
// after a pause.
func (s *sender) landed(to queue, ok, more bool) {
	s.mu.Lock()
	state := s.queues[to]
	state.inFlight = false
	now := s.clock.Now()
	if ok {
		state.owed = 0
	}
	switch {
	case ok && !more:
		state.pauses.Reset() // what was planned meanwhile stays planned
	case ok:
		state.pauses.Reset()
		state.due = now
	default:
		again := now.Add(state.pauses.Next())
		if state.due == 0 || state.due > again {
			state.due = again
		}
	}
	s.mu.Unlock()
	s.wake.Set()
}

// sendFailed plans the next attempt after a failure. A refusal may end without a message (the
// partner mends its records, or upgrades), so the message is sent again, at most
// backoff.Longest apart. The refusal is logged when its code differs from the last one's. A
// fork and a frozen ledger are final: the queue waits for its next event or connection.
func (s *sender) sendFailed(to queue, err error) {
	final := false
	if isRefusal(err) {
		code := exchange.CodeOf(err)
		if s.refusedAnew(to, code) {
			s.log.Warn("a message was refused; it is sent again until it is taken", "to", to.partner, "err", err)
		}
		final = code == exchange.CodeFork || code == exchange.CodeFrozen
	}
	s.landed(to, final, false)
	if !final {
		s.owed(to, err)
	}
}

// refusedAnew notes a partner's refusal, and reports whether its last answer was
// another.
func (s *sender) refusedAnew(to queue, code exchange.Code) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.queues[to]
	anew := state.refused != code
	state.refused = code
	return anew
}

// taken notes that a partner accepted a message of a queue.
func (s *sender) taken(to queue) {
	s.overdue.answered(to)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queues[to].refused = exchange.CodeOK
}

// run sends what is due until ctx ends.
func (s *sender) run(ctx context.Context) {
	var sends sync.WaitGroup
	defer sends.Wait()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		list, next := s.outgoing()
		for _, out := range list {
			sends.Go(func() {
				sendCtx, cancel := context.WithTimeout(ctx, sendTimeout)
				defer cancel()
				reply, err := s.network.Request(sendCtx, out.To, out.Raw)
				// A reply must be recorded even while the shop stops; the writer outlives the sender.
				out.Done(context.WithoutCancel(ctx), reply, err)
			})
		}
		timer.Reset(time.Hour)
		if next != 0 {
			timer.Reset(max(next.Sub(s.clock.Now()), time.Millisecond))
		}
		select {
		case <-s.wake.C():
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// sortQueues sorts queues, so that the order of sends does not depend on the map's.
func sortQueues(list []queue) {
	slices.SortFunc(list, func(a, b queue) int {
		return cmp.Or(a.partner.Compare(b.partner), cmp.Compare(a.kind, b.kind), cmp.Compare(a.lane, b.lane))
	})
}
