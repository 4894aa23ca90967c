package trade_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
)

// system is a shop's own system that keeps the rules of package bridge: a shelf, what is set aside
// by id, and the parts that were given back. It sells at its own checkout too.
type system struct {
	free  map[exchange.SKU]int64 // not set aside and not sold
	asks  map[exchange.HoldID]*setAside
	calls map[string]int
	now   func() exchange.Time
}

type setAside struct {
	state bridge.State
	asked []bridge.Line
	left  map[exchange.SKU]int64
	parts map[uint32]bool
}

func newSystem(now func() exchange.Time) *system {
	return &system{free: map[exchange.SKU]int64{}, asks: map[exchange.HoldID]*setAside{}, calls: map[string]int{}, now: now}
}

func (s *system) Hold(_ context.Context, asks []bridge.Ask) (list []bridge.Answer, err error) {
	s.calls["hold"]++
	for _, ask := range asks {
		list = append(list, s.hold(ask))
	}
	return list, nil
}

func (s *system) hold(ask bridge.Ask) bridge.Answer {
	if known := s.asks[ask.ID]; known != nil {
		switch {
		case known.asked != nil && !slices.Equal(known.asked, ask.Lines):
			return bridge.Answer{ID: ask.ID, Problem: bridge.KeyReused}
		case known.state == bridge.Held || known.state == bridge.Committed:
			return bridge.Answer{ID: ask.ID, OK: true}
		}
		return bridge.Answer{ID: ask.ID, Problem: bridge.Missing}
	}
	known := &setAside{state: bridge.Held, asked: ask.Lines, left: map[exchange.SKU]int64{}, parts: map[uint32]bool{}}
	var short []exchange.Short
	for _, l := range ask.Lines {
		if l.Units > s.free[l.SKU] {
			short = append(short, exchange.Short{SKU: l.SKU, Asked: l.Units, Available: s.free[l.SKU]})
		}
	}
	s.asks[ask.ID] = known
	if len(short) > 0 {
		known.state = bridge.Refused
		return bridge.Answer{ID: ask.ID, Short: short}
	}
	for _, l := range ask.Lines {
		s.free[l.SKU] -= l.Units
		known.left[l.SKU] = l.Units
	}
	return bridge.Answer{ID: ask.ID, OK: true}
}

func (s *system) Commit(_ context.Context, refs []bridge.Ref) (list []bridge.Answer, err error) {
	s.calls["commit"]++
	for _, ref := range refs {
		known := s.asks[ref.ID]
		if known == nil || known.state != bridge.Held && known.state != bridge.Committed {
			list = append(list, bridge.Answer{ID: ref.ID, Problem: bridge.Missing})
			continue
		}
		known.state = bridge.Committed
		list = append(list, bridge.Answer{ID: ref.ID, OK: true})
	}
	return list, nil
}

func (s *system) Release(_ context.Context, parts []bridge.Part) (list []bridge.Answer, err error) {
	s.calls["release"]++
	for _, part := range parts {
		s.release(part)
		list = append(list, bridge.Answer{ID: part.ID, OK: true})
	}
	return list, nil
}

func (s *system) release(part bridge.Part) {
	known := s.asks[part.ID]
	if known == nil {
		s.asks[part.ID] = &setAside{state: bridge.Released, parts: map[uint32]bool{part.Seq: true}}
		return
	}
	if known.parts[part.Seq] {
		return
	}
	known.parts[part.Seq] = true
	give := map[exchange.SKU]int64{}
	for _, l := range part.Lines {
		give[l.SKU] += l.Units
	}
	open := int64(0)
	for sku, left := range known.left {
		n := left
		if part.Lines != nil {
			n = min(n, give[sku])
		}
		s.free[sku] += n
		known.left[sku] -= n
		open += known.left[sku]
	}
	if open == 0 && known.state != bridge.Refused {
		known.state = bridge.Released
	}
}

func (s *system) Changes(context.Context, string) (page bridge.Page, err error) {
	s.calls["changes"]++
	for _, sku := range slices.Sorted(maps.Keys(s.free)) {
		page.Changes = append(page.Changes, bridge.Change{SKU: sku, Free: s.free[sku], At: s.now()})
	}
	return page, nil
}

func (s *system) Open(_ context.Context, after exchange.HoldID) (list []bridge.Standing, err error) {
	s.calls["open"]++
	ids := slices.SortedFunc(maps.Keys(s.asks), func(a, b exchange.HoldID) int { return bytes.Compare(a[:], b[:]) })
	for _, id := range ids {
		known := s.asks[id]
		if bytes.Compare(id[:], after[:]) <= 0 || known.state != bridge.Held && known.state != bridge.Committed || len(list) == 5 {
			continue
		}
		st := bridge.Standing{ID: id, State: known.state}
		for _, l := range known.asked {
			if n := known.left[l.SKU]; n > 0 {
				st.Lines = append(st.Lines, bridge.Line{SKU: l.SKU, Units: n})
			}
		}
		list = append(list, st)
	}
	return list, nil
}

// setAsideOf is how many units of a product are set aside, and how many are orders'.
func (s *system) setAsideOf(sku exchange.SKU) (held, committed int64) {
	for _, a := range s.asks {
		switch a.state {
		case bridge.Held:
			held += a.left[sku]
		case bridge.Committed:
			committed += a.left[sku]
		}
	}
	return held, committed
}

var errSystem = errors.New("the system does not answer")

// bent is a system whose calls a test bends.
type bent struct {
	*system
	onHold    func([]bridge.Ask) ([]bridge.Answer, error, bool) // true: instead of the system's
	onCommit  func([]bridge.Ref) ([]bridge.Answer, error, bool)
	onRelease func([]bridge.Part) ([]bridge.Answer, error, bool)
	onOpen    func() error
}

func (b *bent) Hold(ctx context.Context, asks []bridge.Ask) ([]bridge.Answer, error) {
	if b.onHold != nil {
		if answers, err, instead := b.onHold(asks); instead {
			return answers, err
		}
	}
	return b.system.Hold(ctx, asks)
}

func (b *bent) Commit(ctx context.Context, refs []bridge.Ref) ([]bridge.Answer, error) {
	if b.onCommit != nil {
		if answers, err, instead := b.onCommit(refs); instead {
			return answers, err
		}
	}
	return b.system.Commit(ctx, refs)
}

func (b *bent) Release(ctx context.Context, parts []bridge.Part) ([]bridge.Answer, error) {
	if b.onRelease != nil {
		if answers, err, instead := b.onRelease(parts); instead {
			return answers, err
		}
	}
	return b.system.Release(ctx, parts)
}

func (b *bent) Open(ctx context.Context, after exchange.HoldID) ([]bridge.Standing, error) {
	if b.onOpen != nil {
		if err := b.onOpen(); err != nil {
			return nil, err
		}
	}
	return b.system.Open(ctx, after)
}
