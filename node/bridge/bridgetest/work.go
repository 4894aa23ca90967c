package bridgetest

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
)

// errDied is what the caller of a killed call sees.
var errDied = errors.New("the system was killed")

// dying is the system, each call of which is killed before a step.
type dying struct {
	*System
	step int
}

func (d dying) Hold(_ context.Context, asks []bridge.Ask) ([]bridge.Answer, error) {
	return work(d.System, d.step, asks, d.holdOne)
}

func (d dying) Commit(_ context.Context, refs []bridge.Ref) ([]bridge.Answer, error) {
	return work(d.System, d.step, refs, d.commitOne)
}

func (d dying) Release(_ context.Context, parts []bridge.Part) ([]bridge.Answer, error) {
	return work(d.System, d.step, parts, d.releaseOne)
}

// immortal is the step of a call that is not killed.
const immortal = -1

// Hold implements bridge.Bridge.
func (s *System) Hold(ctx context.Context, asks []bridge.Ask) ([]bridge.Answer, error) {
	return call(ctx, s, true, asks, s.holdOne)
}

// Commit implements bridge.Bridge.
func (s *System) Commit(ctx context.Context, refs []bridge.Ref) ([]bridge.Answer, error) {
	return call(ctx, s, false, refs, s.commitOne)
}

// Release implements bridge.Bridge.
func (s *System) Release(ctx context.Context, parts []bridge.Part) ([]bridge.Answer, error) {
	return call(ctx, s, true, parts, s.releaseOne)
}

// tx is what one element of a call changes: all or nothing.
type tx struct {
	left int // steps until it is killed; immortal = never
	undo []func()
}

// step is one change of a transaction. It returns errDied where the call is killed before it.
func (t *tx) step(do, undo func()) error {
	if t.left == 0 {
		return errDied
	}
	t.left--
	do()
	t.undo = append(t.undo, undo)
	return nil
}

// work does the elements of a call one after the other, each in a transaction.
func work[E any](s *System, die int, list []E, do func(*tx, E) (bridge.Answer, error)) ([]bridge.Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var answers []bridge.Answer
	for _, e := range list {
		t := &tx{left: die}
		a, err := do(t, e)
		if err == nil {
			err = t.step(func() {}, func() {}) // the commit of the transaction
		}
		if err != nil {
			if s.broken != halfDone {
				for _, undo := range slices.Backward(t.undo) {
					undo()
				}
			}
			return nil, err
		}
		answers = append(answers, a)
		if s.broken == batchStops && !a.OK {
			for range list[len(answers):] {
				answers = append(answers, bridge.Answer{ID: idOf(list[len(answers)])})
			}
			break
		}
	}
	return answers, nil
}

func (s *System) holdOne(t *tx, q bridge.Ask) (bridge.Answer, error) {
	s.lapse()
	if old := s.asks[q.ID]; old != nil && !s.forgets(old) {
		return s.heldBefore(q, old), nil
	}
	s.between(idCheckedLate)
	a := &ask{state: bridge.Held, lines: sorted(q.Lines), rest: make(map[exchange.SKU]int64), parts: make(map[uint32]bool), made: s.now(), expires: q.Expires}
	before := s.asks[q.ID]
	if err := t.step(func() { s.asks[q.ID] = a }, func() {
		if delete(s.asks, q.ID); before != nil {
			s.asks[q.ID] = before
		}
	}); err != nil {
		return bridge.Answer{}, err
	}
	short := s.short(q.Lines)
	if len(short) > 0 && s.broken != takesSome {
		err := t.step(func() { a.state = bridge.Refused }, func() {})
		return bridge.Answer{ID: q.ID, Short: short}, err
	}
	s.between(checksFirst)
	if err := s.deadlock(q.Lines); err != nil {
		return bridge.Answer{}, err
	}
	for _, l := range q.Lines {
		sh := s.shelves[l.SKU]
		if sh == nil || sh.free < l.Units && s.broken != checksFirst {
			continue
		}
		if err := t.step(func() { s.add(sh, -l.Units); a.rest[l.SKU] = l.Units }, func() { s.add(sh, l.Units) }); err != nil {
			return bridge.Answer{}, err
		}
	}
	return bridge.Answer{ID: q.ID, OK: len(short) == 0, Short: short}, nil
}

// heldBefore is the answer to a hold whose ID is known.
func (s *System) heldBefore(q bridge.Ask, a *ask) bridge.Answer {
	same := slices.Equal(a.lines, sorted(q.Lines))
	if s.broken == orderMatters {
		same = slices.Equal(a.lines, q.Lines)
	}
	switch {
	case a.state != bridge.Held && a.state != bridge.Committed && s.broken != yesAfterRelease:
		return bridge.Answer{ID: q.ID, Problem: bridge.Missing}
	case !same && s.broken == otherLinesToo:
		return bridge.Answer{ID: q.ID, OK: true}
	case !same:
		return bridge.Answer{ID: q.ID, Problem: bridge.KeyReused}
	}
	return bridge.Answer{ID: q.ID, OK: true}
}

// short are the lines for which too little is free.
func (s *System) short(lines []bridge.Line) []exchange.Short {
	var short []exchange.Short
	taken := make(map[*shelf]int64)
	for _, l := range lines {
		sh := s.shelves[l.SKU]
		var free int64
		if sh != nil {
			free = max(0, sh.free-taken[sh])
		}
		if s.broken == keepsOne {
			free = max(0, free-1)
		}
		if free < l.Units && !(s.broken == unknownIsYes && sh == nil) {
			short = append(short, exchange.Short{SKU: l.SKU, Asked: l.Units, Available: free})
			if s.broken == namesOne {
				return short
			}
			continue
		}
		if s.broken != poolLineByLine {
			taken[sh] += l.Units
		}
	}
	return short
}

func (s *System) commitOne(t *tx, r bridge.Ref) (bridge.Answer, error) {
	s.lapse()
	a := s.asks[r.ID]
	switch {
	case a != nil && a.state == bridge.Held,
		a != nil && a.state == bridge.Committed && s.broken != commitOnce:
		if s.broken == commitTakes {
			for _, l := range a.lines {
				s.add(s.shelves[l.SKU], -l.Units)
			}
		}
		was := a.state
		err := t.step(func() { a.state = bridge.Committed }, func() { a.state = was })
		return bridge.Answer{ID: r.ID, OK: true}, err
	case s.broken == commitsAnything:
		return bridge.Answer{ID: r.ID, OK: true}, nil
	}
	return bridge.Answer{ID: r.ID, Problem: bridge.Missing}, nil
}

func (s *System) releaseOne(t *tx, p bridge.Part) (bridge.Answer, error) {
	yes := bridge.Answer{ID: p.ID, OK: true}
	a := s.asks[p.ID]
	switch {
	case a == nil && s.broken == noMark:
		return yes, nil
	case a == nil && s.broken == unknownIsNo:
		return bridge.Answer{ID: p.ID, Problem: bridge.Missing}, nil
	case a == nil:
		err := t.step(func() { s.asks[p.ID] = &ask{state: bridge.Released, parts: make(map[uint32]bool)} }, func() { delete(s.asks, p.ID) })
		return yes, err
	case a.state == bridge.Refused, a.state == bridge.Released && s.broken != givesTwice:
		return yes, nil
	case a.parts[p.Seq] && s.broken != seqIgnored && s.broken != givesTwice:
		return yes, nil
	case s.broken == lastSeqAlone && len(a.parts) > 0 && p.Seq < slices.Max(slices.Collect(maps.Keys(a.parts))):
		return yes, nil
	}
	lines := p.Lines
	if len(lines) == 0 || s.broken == wholeAlways {
		lines = a.lines
	}
	if err := t.step(func() { a.parts[p.Seq] = true }, func() { delete(a.parts, p.Seq) }); err != nil {
		return yes, err
	}
	for _, l := range lines {
		if err := s.giveBack(t, a, l); err != nil {
			return yes, err
		}
	}
	if empty := !slices.ContainsFunc(a.lines, func(l bridge.Line) bool { return a.rest[l.SKU] > 0 }); empty || s.broken == partEnds {
		was := a.state
		return yes, t.step(func() { a.state = bridge.Released }, func() { a.state = was })
	}
	return yes, nil
}

func (s *System) giveBack(t *tx, a *ask, l bridge.Line) error {
	units := min(l.Units, a.rest[l.SKU])
	switch s.broken {
	case givesMore, givesTwice:
		units = l.Units
	}
	sh := s.shelves[l.SKU]
	if units == 0 || sh == nil {
		return nil
	}
	return t.step(func() { s.add(sh, units); a.rest[l.SKU] -= units }, func() { s.add(sh, -units); a.rest[l.SKU] += units })
}
