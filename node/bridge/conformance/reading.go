package conformance

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
)

const (
	// maxPages bounds how far the changes and open asks of a system are read.
	maxPages = 100_000
	// quietReads is how often an unchanged product may be told again: a system may have to wait
	// for transactions that others have open.
	quietReads = 5
)

func readingCases() []Case {
	return []Case{
		{Name: "changes", Rule: "Changes from the start tell every product, with what is free.", run: tryChanges},
		{Name: "changes-resume", Rule: "Changes from a cursor tell what changed since, and not everything anew.", run: tryChangesResume},
		{Name: "changes-gap", Rule: "A cursor that the system does not know is answered with a gap.", run: tryChangesGap},
		{Name: "changes-forgotten", Rule: "A cursor that is too old is answered with a gap.", run: tryChangesForgotten,
			needs: func(t Target) string { return lacks(t.Forget == nil, "a way to make it forget old changes") }},
		{Name: "open", Rule: "Open tells what is held or committed, with the lines that are still set aside, and nothing else.", run: tryOpen},
		{Name: "open-after", Rule: "Open goes on after an ID, in the order of IDs, to an end.", run: tryOpenAfter},
	}
}

// changes reads on from a cursor to the end: what is free of each product, as told last.
func (t *trial) changes(since string) (map[exchange.SKU]int64, string) {
	free := make(map[exchange.SKU]int64)
	for range maxPages {
		p, err := t.Bridge.Changes(t.ctx, since)
		t.must(wrap("changes", err))
		switch {
		case p.Gap:
			t.failf("changes since %q, which the system gave a moment ago, is a gap", since)
		case len(p.Changes) > bridge.MaxBatch:
			t.failf("a page has %d changes; %d are allowed", len(p.Changes), bridge.MaxBatch)
		case len(p.Next) > bridge.MaxCursor || strings.ContainsFunc(p.Next, func(r rune) bool { return r <= ' ' || r > '~' }):
			t.failf("next is %.300q: up to %d characters of visible ASCII are allowed", p.Next, bridge.MaxCursor)
		case p.More && (p.Next == since || len(p.Changes) == 0):
			t.failf("a page has more after it, and does not go on: since %q, next %q, %d changes", since, p.Next, len(p.Changes))
		case p.Next == "":
			t.failf("a page has no next: it would begin anew")
		}
		for _, c := range p.Changes {
			if c.Free < 0 {
				t.failf("%d units of %s are free, says a change", c.Free, c.SKU)
			}
			free[c.SKU] = c.Free
		}
		if since = p.Next; !p.More {
			return free, since
		}
	}
	t.failf("the changes have no end within %d pages", maxPages)
	return nil, ""
}

func (t *trial) wantTold(told map[exchange.SKU]int64, sku exchange.SKU, want int64) {
	if got, ok := told[sku]; !ok || got != want {
		t.failf("the changes tell that %d units of %s are free (told at all: %v), not %d", got, sku, ok, want)
	}
}

func tryChanges(t *trial) {
	a, b := t.SKUs[0], t.SKUs[1]
	t.stock(a, 5)
	t.stock(b, 3)
	t.held(lines(a, 2))
	told, _ := t.changes("")
	t.wantTold(told, a, 3)
	t.wantTold(told, b, 3)
}

func tryChangesResume(t *trial) {
	a, b := t.SKUs[0], t.SKUs[1]
	t.stock(a, 5)
	t.stock(b, 3)
	_, start := t.changes("")
	id := t.held(lines(a, 2))
	told, next := t.changes(start)
	t.wantTold(told, a, 3)
	t.release(id, 1)
	told, next = t.changes(next)
	t.wantTold(told, a, 5)
	told, _ = t.changes(start)
	t.wantTold(told, a, 5)
	for read := 0; ; read++ {
		told, next = t.changes(next)
		if len(told) == 0 {
			break
		}
		if read == quietReads {
			t.failf("changes that were read to their end are told again and again: %v", slices.Sorted(maps.Keys(told)))
		}
	}
	t.held(lines(b, 1))
	told, _ = t.changes(next)
	t.wantTold(told, b, 2)
}

func tryChangesGap(t *trial) {
	for _, since := range []string{"souk-trial-no-such-cursor", "99999999999999999999999999", "0/0/0/0/0/0"} {
		p, err := t.Bridge.Changes(t.ctx, since)
		t.must(wrap("changes since an unknown cursor", err))
		if !p.Gap {
			t.failf("changes since %q, which the system never gave, is no gap", since)
		}
	}
}

func tryChangesForgotten(t *trial) {
	a := t.SKUs[0]
	t.stock(a, 5)
	_, old := t.changes("")
	t.held(lines(a, 2))
	t.must(wrap("forgetting", t.Forget(t.ctx)))
	p, err := t.Bridge.Changes(t.ctx, old)
	t.must(wrap("changes", err))
	if !p.Gap {
		t.failf("changes since a cursor of which the system has forgotten what followed is no gap")
	}
	told, _ := t.changes("")
	t.wantTold(told, a, 3)
}

// standing is an ask as the trial expects Open to tell it.
type standing struct {
	state bridge.State
	units map[exchange.SKU]int64
}

// open reads all open asks; those of the trial alone are returned.
func (t *trial) open() map[exchange.HoldID]standing {
	mine := make(map[exchange.HoldID]standing)
	var after exchange.HoldID
	for range maxPages {
		list, err := t.Bridge.Open(t.ctx, after)
		t.must(wrap("open", err))
		if len(list) == 0 {
			return mine
		}
		for _, s := range list {
			if bytes.Compare(s.ID[:], after[:]) <= 0 {
				t.failf("open after %s tells %s: not in the order of IDs", after, s.ID)
			}
			after = s.ID
			if s.State != bridge.Held && s.State != bridge.Committed || len(s.Lines) == 0 {
				t.failf("open tells %s as %q with %d lines", s.ID, s.State, len(s.Lines))
			}
			if !slices.Contains(t.ids, s.ID) {
				continue
			}
			units := make(map[exchange.SKU]int64)
			for _, l := range s.Lines {
				units[l.SKU] += l.Units
			}
			mine[s.ID] = standing{s.State, units}
		}
	}
	t.failf("the open asks have no end within %d pages", maxPages)
	return nil
}

func tryOpen(t *trial) {
	a, b := t.SKUs[0], t.SKUs[1]
	t.stock(a, 8)
	t.stock(b, 3)
	held := t.held(lines(a, 1, bridge.Line{SKU: b, Units: 1}))
	committed := t.held(lines(a, 2))
	t.yes(t.commit(committed), "a commit")
	cut := t.held(lines(a, 3, bridge.Line{SKU: b, Units: 1}))
	t.yes(t.commit(cut), "a commit")
	t.release(cut, 1, bridge.Line{SKU: a, Units: 1}, bridge.Line{SKU: b, Units: 1})
	released, cancelled, unasked := t.held(lines(a, 1)), t.held(lines(a, 1)), t.id()
	t.release(released, 1)
	t.yes(t.commit(cancelled), "a commit")
	t.release(cancelled, 1)
	t.release(unasked, 1)
	t.hold(t.id(), lines(a, exchange.MaxQuantity))
	want := map[exchange.HoldID]standing{
		held:      {bridge.Held, map[exchange.SKU]int64{a: 1, b: 1}},
		committed: {bridge.Committed, map[exchange.SKU]int64{a: 2}},
		cut:       {bridge.Committed, map[exchange.SKU]int64{a: 2}},
	}
	got := t.open()
	for sku, id := range t.fillers {
		if s := got[id]; s.state != bridge.Held || s.units[sku] == 0 {
			t.failf("open tells %s as %v, which is held", id, s)
		}
		delete(got, id)
	}
	same := func(x, y standing) bool { return x.state == y.state && maps.Equal(x.units, y.units) }
	if !maps.EqualFunc(got, want, same) {
		t.failf("open tells %v, and it is %v", got, want)
	}
}

func tryOpenAfter(t *trial) {
	a := t.SKUs[0]
	t.stock(a, 5)
	var ids []exchange.HoldID
	for range 5 {
		ids = append(ids, t.held(lines(a, 1)))
	}
	slices.SortFunc(ids, func(x, y exchange.HoldID) int { return bytes.Compare(x[:], y[:]) })
	for i, id := range ids[:4] {
		list, err := t.Bridge.Open(t.ctx, id)
		t.must(wrap("open", err))
		list = slices.DeleteFunc(list, func(s bridge.Standing) bool { return !slices.Contains(t.ids, s.ID) })
		list = slices.DeleteFunc(list, func(s bridge.Standing) bool { return slices.Contains(slices.Collect(maps.Values(t.fillers)), s.ID) })
		if len(list) == 0 || list[0].ID != ids[i+1] {
			t.failf("open after %s does not begin with %s: %v", id, ids[i+1], list)
		}
	}
}
