package conformance

import "github.com/souk-market/souk/exchange/bridge"

func orderCases() []Case {
	return []Case{
		{Name: "release", Rule: "A release gives back what is held, once, and then the ask is over.", run: tryRelease},
		{Name: "tombstone", Rule: "A release of an ID that was never asked is yes, and refuses the ask that comes late.", run: tryTombstone},
		{Name: "never-more", Rule: "A release gives back no more than was set aside, whatever it names.", run: tryNeverMore},
		{Name: "commit", Rule: "A commit keeps the units taken, and is yes again when it is repeated.", run: tryCommit},
		{Name: "commit-of-nothing", Rule: "A commit of an ID that is refused, given back or unknown is no: missing.", run: tryCommitOfNothing},
		{Name: "part", Rule: "After a commit, a part gives back the lines that it names, once for each seq.", run: tryPart},
		{Name: "parts-in-any-order", Rule: "Parts of one ID that come in another order are each done once.", run: tryPartsInAnyOrder},
		{Name: "part-of-a-hold", Rule: "A part of a hold leaves the rest held, and the rest can be committed.", run: tryPartOfAHold},
	}
}

func tryRelease(t *trial) {
	a := t.SKUs[0]
	t.stock(a, 5)
	id := t.held(lines(a, 3))
	t.release(id, 1)
	t.wantFree(a, 5, "after a hold of 3 of 5 was released")
	t.release(id, 1)
	t.release(id, 2)
	t.wantFree(a, 5, "after it was released again")
	t.no(t.hold(id, lines(a, 3)), bridge.Missing, "a late copy of a hold that was released")
	t.wantFree(a, 5, "after it")
}

func tryTombstone(t *trial) {
	a := t.SKUs[0]
	t.stock(a, 5)
	id := t.id()
	t.release(id, 1)
	t.no(t.hold(id, lines(a, 2)), bridge.Missing, "a hold that comes after its release")
	t.wantFree(a, 5, "after it")
	t.no(t.commit(id), bridge.Missing, "a commit of it")
	refused := t.id()
	t.no(t.hold(refused, lines(a, 6)), "", "a hold of more than there is")
	t.release(refused, 1)
	t.wantFree(a, 5, "after the release of an ID that was refused")
}

func tryNeverMore(t *trial) {
	a, b := t.SKUs[0], t.SKUs[1]
	t.stock(a, 5)
	t.stock(b, 5)
	id := t.held(lines(a, 2))
	t.yes(t.commit(id), "a commit")
	t.release(id, 1, bridge.Line{SKU: b, Units: 1})
	t.wantFree(b, 5, "after the release of a product that the ask does not have")
	t.release(id, 2, bridge.Line{SKU: a, Units: 3})
	t.wantFree(a, 5, "after the release of 3 units of an ask of 2")
	t.release(id, 3, bridge.Line{SKU: a, Units: 1})
	t.release(id, 4)
	t.wantFree(a, 5, "after further releases of it")
}

func tryCommit(t *trial) {
	a := t.SKUs[0]
	t.stock(a, 5)
	id := t.held(lines(a, 3))
	t.yes(t.commit(id), "the commit of a hold")
	t.wantFree(a, 2, "after a commit of 3 of 5")
	t.yes(t.commit(id), "the same commit again")
	t.yes(t.hold(id, lines(a, 3)), "a late copy of the hold of an order")
	t.wantFree(a, 2, "after it")
}

func tryCommitOfNothing(t *trial) {
	a := t.SKUs[0]
	t.stock(a, 5)
	t.no(t.commit(t.id()), bridge.Missing, "a commit of an ID that was never asked")
	refused := t.id()
	t.no(t.hold(refused, lines(a, 6)), "", "a hold of more than there is")
	t.no(t.commit(refused), bridge.Missing, "a commit of an ID that was refused")
	released := t.held(lines(a, 2))
	t.release(released, 1)
	t.no(t.commit(released), bridge.Missing, "a commit of an ID that was released")
	cancelled := t.held(lines(a, 2))
	t.yes(t.commit(cancelled), "a commit")
	t.release(cancelled, 1)
	t.no(t.commit(cancelled), bridge.Missing, "a commit of an order of which everything was cancelled")
	t.wantFree(a, 5, "after all of it")
}

func tryPart(t *trial) {
	a, b := t.SKUs[0], t.SKUs[1]
	t.stock(a, 5)
	t.stock(b, 5)
	id := t.held(lines(a, 3, bridge.Line{SKU: b, Units: 2}))
	t.yes(t.commit(id), "a commit")
	t.release(id, 1, bridge.Line{SKU: a, Units: 1})
	t.wantFree(a, 3, "after 1 of 3 was cancelled")
	t.wantFree(b, 3, "after a unit of the other product was cancelled")
	t.release(id, 1, bridge.Line{SKU: a, Units: 1})
	t.wantFree(a, 3, "after the same part again")
	t.release(id, 2, bridge.Line{SKU: a, Units: 1})
	t.wantFree(a, 4, "after the next part")
	t.yes(t.commit(id), "the same commit again, after parts of the order were cancelled,")
	t.yes(t.hold(id, lines(a, 3, bridge.Line{SKU: b, Units: 2})), "a late copy of the hold, after parts of the order were cancelled,")
	t.wantFree(a, 4, "after them")
	t.release(id, 3)
	t.wantFree(a, 5, "after the rest was cancelled")
	t.wantFree(b, 5, "after the rest was cancelled")
}

func tryPartsInAnyOrder(t *trial) {
	a := t.SKUs[0]
	t.stock(a, 6)
	id := t.held(lines(a, 5))
	t.yes(t.commit(id), "a commit")
	for _, p := range []struct {
		seq   uint32
		units int64
		free  int64
	}{{2, 1, 2}, {3, 2, 4}, {1, 1, 5}, {3, 2, 5}, {2, 1, 5}, {1, 1, 5}} {
		t.release(id, p.seq, bridge.Line{SKU: a, Units: p.units})
		t.wantFree(a, p.free, "after the parts 2, 3, 1 and then each again")
	}
}

func tryPartOfAHold(t *trial) {
	a, b := t.SKUs[0], t.SKUs[1]
	t.stock(a, 5)
	t.stock(b, 5)
	id := t.held(lines(a, 3, bridge.Line{SKU: b, Units: 1}))
	t.release(id, 1, bridge.Line{SKU: a, Units: 1})
	t.wantFree(a, 3, "after 1 of 3 held units was given back")
	t.yes(t.commit(id), "a commit of the rest")
	t.wantFree(a, 3, "after it")
	t.release(id, 2, bridge.Line{SKU: a, Units: 2}, bridge.Line{SKU: b, Units: 1})
	t.wantFree(a, 5, "after the rest was given back line by line")
	t.no(t.commit(id), bridge.Missing, "a commit of what was given back line by line")
}
