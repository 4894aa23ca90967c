package conformance

import (
	"slices"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
)

func holdCases() []Case {
	return []Case{
		{Name: "hold", Rule: "A hold takes its units, and no others.", run: tryHold},
		{Name: "last-unit", Rule: "Exactly what is free can be held, and then nothing.", run: tryLastUnit},
		{Name: "all-or-none", Rule: "A hold of which a line is short takes nothing, and every short line is named.", run: tryAllOrNone},
		{Name: "unknown-product", Rule: "A product that the system does not know is short, with none available.", run: tryUnknownProduct},
		{Name: "repeat", Rule: "The same ID with the same lines, in any order, is answered as before and takes nothing again.", run: tryRepeat},
		{Name: "other-lines", Rule: "The same ID with other lines is answered key_reused, and changes nothing.", run: tryOtherLines},
		{Name: "refused-stays", Rule: "An ID that was refused stays refused, also when stock has come.", run: tryRefusedStays},
		{Name: "batch", Rule: "In a batch of 100, one bad ask is answered no and the others are not touched by it.", run: tryBatch},
		{Name: "lapse", Rule: "No hold ends by itself: not by expires_at, which is the node's to watch.", run: tryLapse},
		{Name: "clock-ahead", Rule: "No hold ends by itself: not when the system's clock is a day ahead.", run: tryClockAhead,
			needs: func(t Target) string { return lacks(t.Ahead == nil, "a way to move its clock") }},
		{Name: "pool", Rule: "Variants that sell from one pool are counted together, in one ask and in several.", run: tryPool,
			needs: func(t Target) string { return lacks(t.Pool[0] == "", "two products that sell from one pool") }},
	}
}

func lacks(missing bool, what string) string {
	if missing {
		return what
	}
	return ""
}

func tryHold(t *trial) {
	a, b := t.SKUs[0], t.SKUs[1]
	t.stock(a, 5)
	t.stock(b, 4)
	t.held(lines(a, 2, bridge.Line{SKU: b, Units: 1}))
	t.wantFree(a, 3, "after a hold of 2 of 5")
	t.wantFree(b, 3, "after a hold of 1 of 4")
}

func tryLastUnit(t *trial) {
	a := t.SKUs[0]
	t.stock(a, 3)
	over := t.hold(t.id(), lines(a, 4))
	t.no(over, "", "a hold of one unit more than is free")
	t.wantShort(over, exchange.Short{SKU: a, Asked: 4, Available: 3})
	t.held(lines(a, 3))
	last := t.hold(t.id(), lines(a, 1))
	t.no(last, "", "a hold of a unit where none is free")
	t.wantShort(last, exchange.Short{SKU: a, Asked: 1, Available: 0})
}

func (t *trial) wantShort(a bridge.Answer, want ...exchange.Short) {
	got := slices.Clone(a.Short)
	order := func(x, y exchange.Short) int {
		if x.SKU < y.SKU {
			return -1
		}
		return 1
	}
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if !slices.Equal(got, want) {
		t.failf("the short lines are %v, not %v", got, want)
	}
}

func tryAllOrNone(t *trial) {
	a, b := t.SKUs[0], t.SKUs[1]
	t.stock(a, 3)
	t.stock(b, 2)
	for _, order := range [][]bridge.Line{
		lines(a, 1, bridge.Line{SKU: b, Units: 3}),
		lines(b, 3, bridge.Line{SKU: a, Units: 1}),
	} {
		got := t.hold(t.id(), order)
		t.no(got, "", "a hold of which one line is short")
		t.wantShort(got, exchange.Short{SKU: b, Asked: 3, Available: 2})
	}
	both := t.hold(t.id(), lines(a, 4, bridge.Line{SKU: b, Units: 3}))
	t.no(both, "", "a hold of which both lines are short")
	t.wantShort(both, exchange.Short{SKU: a, Asked: 4, Available: 3}, exchange.Short{SKU: b, Asked: 3, Available: 2})
	t.wantFree(a, 3, "after holds that were refused")
	t.wantFree(b, 2, "after holds that were refused")
}

// unknown is a product that no shop has.
const unknown exchange.SKU = "souk-trial-no-such-product"

func tryUnknownProduct(t *trial) {
	a := t.SKUs[0]
	t.stock(a, 2)
	got := t.hold(t.id(), lines(a, 1, bridge.Line{SKU: unknown, Units: 1}))
	t.no(got, "", "a hold with an unknown product")
	t.wantShort(got, exchange.Short{SKU: unknown, Asked: 1, Available: 0})
	t.wantFree(a, 2, "after it")
}

func tryRepeat(t *trial) {
	a, b := t.SKUs[0], t.SKUs[1]
	t.stock(a, 5)
	t.stock(b, 5)
	id := t.held(lines(a, 2, bridge.Line{SKU: b, Units: 1}))
	t.yes(t.hold(id, lines(a, 2, bridge.Line{SKU: b, Units: 1})), "the same hold again")
	t.yes(t.hold(id, lines(b, 1, bridge.Line{SKU: a, Units: 2})), "the same hold with its lines in another order")
	t.wantFree(a, 3, "after one hold of 2 of 5, told three times")
	t.wantFree(b, 4, "after one hold of 1 of 5, told three times")
	later, err := t.holdAt(t.Bridge, bridge.Ask{ID: id, Partner: partner, Lines: lines(a, 2, bridge.Line{SKU: b, Units: 1}),
		Expires: exchange.TimeOf(time.Now().Add(3 * time.Hour))})
	t.must(err)
	t.yes(later, "the same hold with a later expires_at, as after an extension,")
}

func tryOtherLines(t *trial) {
	a, b := t.SKUs[0], t.SKUs[1]
	t.stock(a, 5)
	t.stock(b, 5)
	id := t.held(lines(a, 2))
	for _, other := range [][]bridge.Line{lines(a, 3), lines(a, 1), lines(b, 2), lines(a, 2, bridge.Line{SKU: b, Units: 1})} {
		t.no(t.hold(id, other), bridge.KeyReused, "the ID of a hold with other lines")
	}
	t.wantFree(a, 3, "after a hold of 2 of 5, and its ID with other lines")
	t.wantFree(b, 5, "after it")
	t.yes(t.hold(id, lines(a, 2)), "the first hold again, after its ID with other lines,")
	t.yes(t.commit(id), "a commit of it")
	t.no(t.hold(id, lines(a, 1)), bridge.KeyReused, "the ID of an order with other lines")
}

func tryRefusedStays(t *trial) {
	a := t.SKUs[0]
	t.stock(a, 1)
	id := t.id()
	t.no(t.hold(id, lines(a, 2)), "", "a hold of 2 where 1 is free")
	t.stock(a, 5)
	if t.hold(id, lines(a, 2)).OK {
		t.failf("the same hold, after stock has come, was answered yes: the node has long said no")
	}
	t.wantFree(a, 5, "after it")
	t.yes(t.hold(t.id(), lines(a, 2)), "a new hold, after stock has come,")
}

func tryBatch(t *trial) {
	a := t.SKUs[0]
	t.stock(a, 5)
	var asks []bridge.Ask
	for i := range bridge.MaxBatch {
		l := lines(a, exchange.MaxQuantity)
		switch i {
		case 0, 50, 98, 99:
			l = lines(a, 1)
		case 49:
			l = lines(unknown, 1)
		}
		asks = append(asks, ask(t.id(), l))
	}
	answers, err := answered(t.ctx, t.Bridge.Hold, func(a bridge.Ask) exchange.HoldID { return a.ID }, asks...)
	t.must(wrap("a hold of 100 asks", err))
	for _, got := range answers {
		i := slices.IndexFunc(asks, func(a bridge.Ask) bool { return a.ID == got.ID })
		if possible := i == 0 || i == 50 || i >= 98; got.OK != possible {
			t.failf("ask %d of 100 was answered %v (%q, %v)", i, got.OK, got.Problem, got.Short)
		}
	}
	t.wantFree(a, 1, "after four asks of one unit of 5, among a hundred,")
}

func tryLapse(t *trial) {
	a := t.SKUs[0]
	t.stock(a, 1)
	past := ask(t.id(), lines(a, 1))
	past.Expires = exchange.TimeOf(time.Now().Add(-time.Minute))
	got, err := t.holdAt(t.Bridge, past)
	t.must(err)
	t.yes(got, "a hold of which the node's own time has just passed, but which it asks all the same,")
	t.wantFree(a, 0, "while it is held")
	t.no(t.hold(t.id(), lines(a, 1)), "", "another hold of its unit")
	t.yes(t.commit(past.ID), "a commit after expires_at, which the node accepts by its own clock,")
}

func tryClockAhead(t *trial) {
	a := t.SKUs[0]
	t.stock(a, 2)
	first, second := t.held(lines(a, 1)), t.held(lines(a, 1))
	t.yes(t.commit(second), "a commit")
	t.Ahead(24 * time.Hour)
	t.no(t.hold(t.id(), lines(a, 1)), "", "a hold of units that are held since a day by the system's clock")
	t.yes(t.commit(first), "a commit a day later by the system's clock")
	t.yes(t.commit(second), "a commit again, a day later by the system's clock,")
	t.wantFree(a, 0, "a day later by the system's clock")
}

func tryPool(t *trial) {
	a, b := t.Pool[0], t.Pool[1]
	t.stock(a, 5)
	t.wantFree(b, 5, "where the pool has 5")
	got := t.hold(t.id(), lines(a, 3, bridge.Line{SKU: b, Units: 3}))
	if got.OK {
		t.failf("a hold of 3 and 3 of two variants, with 5 in their pool, was answered yes")
	}
	t.no(got, "", "it")
	if len(got.Short) == 0 {
		t.failf("no short line is named of it")
	}
	t.held(lines(a, 3, bridge.Line{SKU: b, Units: 1}))
	t.wantFree(a, 1, "after a hold of 3 and 1 of a pool of 5")
	t.wantFree(b, 1, "after a hold of 3 and 1 of a pool of 5")
}
