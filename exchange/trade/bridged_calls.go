package trade

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
)

// Calls of the shop's own system, outside the writer's turn.

// BridgeCall is a call that is due. Make makes it; Done takes what came of it into the records. A
// process may end before, between and after them.
type BridgeCall struct {
	x       *Bridged
	asks    []*asking
	told    []tell
	commits bool // of told
	answers map[exchange.HoldID]bridge.Answer
	err     error
}

// tell is a message of the outbox in a call.
type tell struct {
	number uint64
	msg    *record.Bridged
}

// Calls takes the calls that are due now, and says when to ask again (0 = when woken). While
// [Trade.Run] runs, it makes them itself.
func (x *Bridged) Calls() (list []*BridgeCall, next exchange.Time) {
	if !x.On() {
		return nil, 0
	}
	earliest := func(t exchange.Time) {
		if t != 0 && (next == 0 || t < next) {
			next = t
		}
	}
	for {
		c, at := x.holdCall()
		earliest(at)
		if c == nil {
			break
		}
		list = append(list, c)
	}
	for {
		c, at := x.tellCall()
		earliest(at)
		if c == nil {
			break
		}
		list = append(list, c)
	}
	return list, next
}

// holdCall is a call for holds, where one is due.
func (x *Bridged) holdCall() (*BridgeCall, exchange.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := x.clock.Now()
	for len(x.waiting) > 0 && x.waiting[0].deadline <= now { // refused by now, and given back
		x.waiting = x.waiting[1:]
	}
	if len(x.waiting) == 0 || x.holds+x.telling >= maxCalls {
		return nil, 0
	}
	if first := x.waiting[0].due; x.holds > 0 && len(x.waiting) < bridge.MaxBatch && now < first {
		return nil, min(first, now.Add(askPause))
	}
	var some, rest []*asking
	next := exchange.Time(0)
	for _, a := range x.waiting {
		switch {
		case len(some) < bridge.MaxBatch && a.after <= now:
			some = append(some, a)
			continue
		case a.after > now && (next == 0 || a.after < next):
			next = a.after
		}
		rest = append(rest, a)
	}
	x.waiting = rest
	if len(some) == 0 {
		return nil, next
	}
	x.holds++
	return &BridgeCall{x: x, asks: some}, 0
}

// tellCall is a call of the outbox, where one is due.
func (x *Bridged) tellCall() (*BridgeCall, exchange.Time) {
	x.mu.Lock()
	full := x.telling >= maxTold || x.holds+x.telling >= maxCalls
	x.mu.Unlock()
	now := x.clock.Now()
	if at := x.outbox.next(now); full || at == 0 || at > now {
		if full {
			at = 0
		}
		return nil, at
	}
	most := bridge.MaxBatch
	if x.breaker.down() {
		ok, trial := x.breaker.may()
		if !ok {
			return nil, trial
		}
		most = 1
	}
	told, commits := x.outbox.take(x, now, most)
	if len(told) == 0 {
		x.breaker.back()
		return nil, 0
	}
	x.mu.Lock()
	x.telling++
	x.mu.Unlock()
	return &BridgeCall{x: x, told: told, commits: commits}, 0
}

// Make makes the call.
func (c *BridgeCall) Make(ctx context.Context) {
	var ids []exchange.HoldID
	var answers []bridge.Answer
	x := c.x
	switch {
	case len(c.asks) > 0:
		asks := make([]bridge.Ask, len(c.asks))
		latest := exchange.Time(0)
		for i, a := range c.asks {
			asks[i], ids, latest = a.ask, append(ids, a.id), max(latest, a.deadline)
		}
		ctx, cancel := under(ctx, min(latest.Sub(x.clock.Now()), askTime))
		defer cancel()
		answers, c.err = x.system.Hold(ctx, asks)
	case c.commits:
		ctx, cancel := under(ctx, callTime)
		defer cancel()
		refs := make([]bridge.Ref, len(c.told))
		for i, t := range c.told {
			refs[i], ids = bridge.Ref{ID: t.msg.ID, Reference: t.msg.Reference}, append(ids, t.msg.ID)
		}
		answers, c.err = x.system.Commit(ctx, refs)
	default:
		ctx, cancel := under(ctx, callTime)
		defer cancel()
		parts := make([]bridge.Part, len(c.told))
		for i, t := range c.told {
			parts[i] = bridge.Part{ID: t.msg.ID, Seq: t.msg.Seq, Lines: linesOf(t.msg.Lines), Reason: t.msg.Reason}
			ids = append(ids, t.msg.ID)
		}
		answers, c.err = x.system.Release(ctx, parts)
	}
	if c.err == nil {
		c.err = bridge.CheckAnswers(ids, answers)
	}
	c.answers = make(map[exchange.HoldID]bridge.Answer, len(answers))
	if c.err != nil {
		return
	}
	for _, a := range answers {
		c.answers[a.ID] = a
	}
}

func linesOf(units []order.Units) []bridge.Line {
	var lines []bridge.Line
	for _, u := range units {
		lines = append(lines, bridge.Line{SKU: u.SKU, Units: u.Units})
	}
	return lines
}

// Done takes what came of the call into the records.
func (c *BridgeCall) Done(ctx context.Context) {
	x := c.x
	x.count(c)
	x.mu.Lock()
	if len(c.asks) > 0 {
		x.holds--
	} else {
		x.telling--
	}
	x.mu.Unlock()
	if len(c.asks) > 0 {
		asks := c.asks
		if c.err == nil {
			asks = x.askBusyAgain(c)
		}
		x.settle(ctx, asks, c.answers)
	} else {
		x.answered(ctx, c)
	}
	x.tellBreaker()
	x.wake.Set()
}

// count counts a call, and has the breaker know what came of it.
func (x *Bridged) count(c *BridgeCall) {
	x.breaker.mu.Lock()
	switch {
	case len(c.asks) > 0:
		x.breaker.calls.Hold++
	case c.commits:
		x.breaker.calls.Commit++
	default:
		x.breaker.calls.Release++
	}
	x.breaker.mu.Unlock()
	x.outcome(c.err)
}

// outcome has the breaker know what came of a call.
func (x *Bridged) outcome(err error) { x.breaker.outcome(err, errors.Is(err, bridge.ErrSetup)) }

// busyPause is when a system that is busy is asked again.
const busyPause = 100 * time.Millisecond

// askBusyAgain puts back the asks to which the system says that it is busy, as long as their
// deadlines leave time. The others are returned.
func (x *Bridged) askBusyAgain(c *BridgeCall) (rest []*asking) {
	x.mu.Lock()
	defer x.mu.Unlock()
	again := x.clock.Now().Add(busyPause)
	for _, a := range c.asks {
		if answer := c.answers[a.id]; answer.Problem == bridge.Busy && !answer.OK && again.Add(busyPause) < a.deadline && !x.writer.Inline() {
			a.after = again
			x.waiting = append(x.waiting, a)
			continue
		}
		rest = append(rest, a)
	}
	return rest
}

// Pump makes the calls that are due, one after the other, at a shop that runs inline.
func (x *Bridged) Pump(ctx context.Context) {
	for {
		list, _ := x.Calls()
		if len(list) == 0 {
			return
		}
		for _, c := range list {
			c.Make(ctx)
			c.Done(ctx)
		}
	}
}

// run makes calls until ctx ends.
func (x *Bridged) run(ctx context.Context) {
	if !x.On() {
		return
	}
	var calls sync.WaitGroup
	defer calls.Wait()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		list, next := x.Calls()
		for _, c := range list {
			calls.Go(func() {
				c.Make(ctx)
				if ctx.Err() == nil {
					c.Done(ctx)
				}
			})
		}
		timer.Reset(time.Hour)
		if next != 0 {
			timer.Reset(max(next.Sub(x.clock.Now()), time.Millisecond))
		}
		select {
		case <-x.wake.C():
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}
