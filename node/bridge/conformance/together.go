package conformance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
)

const (
	// rounds of each race; one alone would often not meet it.
	raceRounds = 10
	// maxSteps bounds the steps of a call that dies.
	maxSteps = 64
	// sequences of repeated and reordered messages.
	sequences = 10
)

func togetherCases() []Case {
	return []Case{
		{Name: "fifty-for-five", Rule: "Of 50 holds at once of one unit of 5, five are answered yes.", run: tryFiftyForFive},
		{Name: "same-id-at-once", Rule: "One hold that comes many times at once takes its units once.", run: trySameIDAtOnce},
		{Name: "release-races-commit", Rule: "A release and a commit at once leave nothing set aside, whichever comes first.", run: tryReleaseRacesCommit},
		{Name: "opposite-lines", Rule: "Holds and releases at once, with their lines in opposite orders, are all answered.", run: tryOppositeLines},
		{Name: "own-checkout", Rule: "The system's own checkout and 50 holds at once sell no unit twice.", run: tryOwnCheckout,
			needs: func(t Target) string { return lacks(t.Sell == nil, "a way to sell by its own checkout") }},
		{Name: "repeated-and-reordered", Rule: "Messages that come twice, late and in another order lose no unit and count none twice.", run: tryReordered},
		{Name: "restart", Rule: "Every answer outlives a restart.", run: tryRestart,
			needs: func(t Target) string { return lacks(t.Restart == nil, "a way to restart it") }},
		{Name: "killed", Rule: "A call that is killed at any step is, when repeated, answered as if it were the first.", run: tryKilled,
			needs: func(t Target) string { return lacks(t.Dying == nil, "a way to kill it at each step") }},
	}
}

func tryFiftyForFive(t *trial) {
	a := t.SKUs[0]
	for range raceRounds {
		t.stock(a, 5)
		ids := make([]exchange.HoldID, 50)
		for i := range ids {
			ids[i] = t.id()
		}
		var yes atomic.Int64
		t.atOnce(len(ids), func(i int) error {
			got, err := t.holdAt(t.Bridge, ask(ids[i], lines(a, 1)))
			if got.OK {
				yes.Add(1)
			}
			return err
		})
		if yes.Load() != 5 {
			t.failf("%d of 50 holds at once were answered yes, where 5 units were free", yes.Load())
		}
		t.wantFree(a, 0, "after 50 holds at once for 5 units")
		for _, id := range ids {
			t.release(id, 1)
		}
		t.wantFree(a, 5, "after all of them were released")
	}
}

func trySameIDAtOnce(t *trial) {
	a := t.SKUs[0]
	for range raceRounds {
		t.stock(a, 5)
		id := t.id()
		t.atOnce(10, func(int) error {
			got, err := t.holdAt(t.Bridge, ask(id, lines(a, 2)))
			if err == nil && !got.OK && got.Problem != bridge.Busy {
				err = fmt.Errorf("one hold that came ten times at once was answered no (%q, %v)", got.Problem, got.Short)
			}
			return err
		})
		t.wantFree(a, 3, "after one hold of 2 of 5, which came ten times at once")
		t.release(id, 1)
	}
}

func tryReleaseRacesCommit(t *trial) {
	a := t.SKUs[0]
	for range raceRounds {
		t.stock(a, 3)
		id := t.held(lines(a, 2))
		t.atOnce(4, func(i int) error {
			if i%2 == 0 {
				_, err := t.commitAt(t.Bridge, id)
				return err
			}
			_, err := t.releaseAt(t.Bridge, bridge.Part{ID: id, Seq: 1, Reason: "a trial"})
			return err
		})
		t.release(id, 1) // where the other was busy
		t.wantFree(a, 3, "after a hold was committed and released at once")
		t.no(t.commit(id), bridge.Missing, "a commit after a release")
	}
}

func tryOppositeLines(t *trial) {
	a, b := t.SKUs[0], t.SKUs[1]
	t.stock(a, Need)
	t.stock(b, Need)
	t.atOnce(8, func(i int) error {
		order := lines(a, 1, bridge.Line{SKU: b, Units: 1})
		if i%2 == 0 {
			order = lines(b, 1, bridge.Line{SKU: a, Units: 1})
		}
		for range raceRounds {
			id := t.id()
			got, err := t.holdAt(t.Bridge, ask(id, order))
			if err != nil {
				return err
			}
			if !got.OK && got.Problem != bridge.Busy {
				return fmt.Errorf("a hold of free units was answered no (%q, %v)", got.Problem, got.Short)
			}
			if _, err := t.releaseAt(t.Bridge, bridge.Part{ID: id, Seq: 1, Lines: order}); err != nil {
				return err
			}
		}
		return nil
	})
}

func tryOwnCheckout(t *trial) {
	a := t.SKUs[0]
	for range raceRounds {
		t.stock(a, 5)
		ids := make([]exchange.HoldID, 50)
		for i := range ids {
			ids[i] = t.id()
		}
		var held, sold atomic.Int64
		t.atOnce(2*len(ids), func(i int) error {
			if i%2 == 0 {
				did, err := t.Sell(t.ctx, a, 1)
				if did {
					sold.Add(1)
				}
				return err
			}
			got, err := t.holdAt(t.Bridge, ask(ids[i/2], lines(a, 1)))
			if got.OK {
				held.Add(1)
			}
			return err
		})
		if n := held.Load() + sold.Load(); n > 5 {
			t.failf("%d units were held and %d sold by the own checkout at once, where 5 were free", held.Load(), sold.Load())
		}
		t.wantFree(a, 5-held.Load()-sold.Load(), "after holds and own checkouts at once")
		for _, id := range ids {
			t.release(id, 1)
		}
	}
}

// message is one call about one ask.
type message func(*trial) error

// tryReordered sends everything that can be said about a few asks, each up to three times and in
// any order, and at the end gives everything back.
func tryReordered(t *trial) {
	a, b := t.SKUs[0], t.SKUs[1]
	for round := range sequences {
		rnd := rand.New(rand.NewPCG(uint64(round), 1))
		t.stock(a, Need)
		t.stock(b, Need)
		var all []message
		var ids []exchange.HoldID
		for range 5 {
			id := t.id()
			ids = append(ids, id)
			l := lines(a, 1+rnd.Int64N(4), bridge.Line{SKU: b, Units: 1 + rnd.Int64N(3)})
			part := func(seq uint32, l ...bridge.Line) message {
				return func(t *trial) error {
					_, err := t.releaseAt(t.Bridge, bridge.Part{ID: id, Seq: seq, Lines: l})
					return err
				}
			}
			for _, m := range []message{
				func(t *trial) error { _, err := t.holdAt(t.Bridge, ask(id, l)); return err },
				func(t *trial) error { _, err := t.commitAt(t.Bridge, id); return err },
				part(1, bridge.Line{SKU: a, Units: 1}), part(2, bridge.Line{SKU: a, Units: 1}, bridge.Line{SKU: b, Units: 1}),
			} {
				for range 1 + rnd.IntN(3) {
					all = append(all, m)
				}
			}
		}
		// Mostly in order, as a network delivers: each message moves some places.
		for i := range all {
			j := max(0, min(len(all)-1, i+rnd.IntN(9)-4))
			all[i], all[j] = all[j], all[i]
		}
		for n, m := range all {
			t.must(m(t))
			if n%8 == 0 {
				t.balanced(ids, fmt.Sprintf("after message %d of sequence %d", n, round))
			}
		}
		t.balanced(ids, fmt.Sprintf("after sequence %d", round))
		for _, id := range ids {
			t.release(id, 3)
		}
		t.wantFree(a, Need, "after everything was given back")
		t.wantFree(b, Need, "after everything was given back")
	}
}

// balanced checks that what is free and what the asks have set aside is all there is.
func (t *trial) balanced(ids []exchange.HoldID, when string) {
	open := t.open()
	for _, sku := range t.SKUs {
		sum := t.free(sku)
		for _, id := range ids {
			sum += open[id].units[sku]
		}
		if sum != Need {
			t.failf("%s, free and set aside units of %s are %d in all, and there are %d", when, sku, sum, Need)
		}
	}
}

func tryRestart(t *trial) {
	a := t.SKUs[0]
	t.stock(a, 5)
	held, committed, released, unasked := t.held(lines(a, 1)), t.held(lines(a, 2)), t.held(lines(a, 1)), t.id()
	t.yes(t.commit(committed), "a commit")
	t.release(committed, 1, bridge.Line{SKU: a, Units: 1})
	t.release(released, 1)
	t.release(unasked, 1)
	t.must(wrap("restarting", t.Restart(t.ctx)))
	t.yes(t.hold(held, lines(a, 1)), "the same hold after a restart")
	t.yes(t.commit(committed), "the same commit after a restart")
	t.release(committed, 1, bridge.Line{SKU: a, Units: 1})
	t.no(t.hold(released, lines(a, 1)), bridge.Missing, "a late copy of a hold, released before a restart,")
	t.no(t.hold(unasked, lines(a, 1)), bridge.Missing, "a hold, released before it and before a restart,")
	t.wantFree(a, 3, "after a restart and the same calls again")
	t.yes(t.commit(held), "a commit of a hold from before a restart")
}

// tryKilled kills each kind of call before its first step, then before its second, and so on,
// until it comes through; and repeats it each time.
func tryKilled(t *trial) {
	a, b := t.SKUs[0], t.SKUs[1]
	two := lines(a, 2, bridge.Line{SKU: b, Units: 1})
	for name, call := range map[string]struct {
		before func(exchange.HoldID)
		do     func(bridge.Bridge, exchange.HoldID) (bridge.Answer, error)
		ok     bool
		a, b   int64 // free after it
	}{
		"hold": {nil, func(s bridge.Bridge, id exchange.HoldID) (bridge.Answer, error) { return t.holdAt(s, ask(id, two)) }, true, 3, 4},
		"refused hold": {nil, func(s bridge.Bridge, id exchange.HoldID) (bridge.Answer, error) {
			return t.holdAt(s, ask(id, lines(a, 2, bridge.Line{SKU: b, Units: 6})))
		}, false, 5, 5},
		"commit": {func(id exchange.HoldID) { t.hold(id, two) }, t.commitAt, true, 3, 4},
		"release": {func(id exchange.HoldID) { t.hold(id, two) }, func(s bridge.Bridge, id exchange.HoldID) (bridge.Answer, error) {
			return t.releaseAt(s, bridge.Part{ID: id, Seq: 1})
		}, true, 5, 5},
		"part of an order": {func(id exchange.HoldID) { t.hold(id, two); t.commit(id) }, func(s bridge.Bridge, id exchange.HoldID) (bridge.Answer, error) {
			return t.releaseAt(s, bridge.Part{ID: id, Seq: 1, Lines: lines(a, 1)})
		}, true, 4, 4},
		"release of an unknown ID": {nil, func(s bridge.Bridge, id exchange.HoldID) (bridge.Answer, error) {
			return t.releaseAt(s, bridge.Part{ID: id, Seq: 1})
		}, true, 5, 5},
	} {
		for step := 0; ; step++ {
			if step == maxSteps {
				t.failf("a %s has no end within %d steps", name, maxSteps)
			}
			t.stock(a, 5)
			t.stock(b, 5)
			id := t.id()
			if call.before != nil {
				call.before(id)
			}
			_, died := call.do(t.Dying(step), id)
			got, err := call.do(t.Bridge, id)
			t.must(wrap(fmt.Sprintf("a %s that was killed before step %d, repeated", name, step), err))
			if got.OK != call.ok {
				t.failf("a %s that was killed before step %d, and repeated, was answered %v (%q, %v)", name, step, got.OK, got.Problem, got.Short)
			}
			when := fmt.Sprintf("after a %s that was killed before step %d and repeated", name, step)
			t.wantFree(a, call.a, when)
			t.wantFree(b, call.b, when)
			t.release(id, lastSeq)
			t.wantFree(a, 5, when+", and a release,")
			t.wantFree(b, 5, when+", and a release,")
			if died == nil {
				break
			}
			if t.ctx.Err() != nil {
				t.must(context.Cause(t.ctx))
			}
		}
	}
}
