package bridgetest

import (
	"context"
	"errors"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
)

// Faults are ways in which a system fails. They are of the present, not of single calls: several
// may hold at once.
type Faults struct {
	Down    bool // every call fails, and nothing is done
	Hanging bool // every call waits until its caller gives up, and nothing is done
	Lost    bool // a call is done and its answer lost
	Lying   bool // a hold is answered yes, a release too, and nothing is done: the commit will find nothing
	Garbled bool // one answer of each call is of another ID
	Busy    bool // every answer is busy
}

// errFault is the error of a call that a fault failed.
var errFault = errors.New("the system fails")

// Fail sets the faults that hold from now on; the zero Faults heal it.
func (s *System) Fail(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
}

// Forget loses every ask, as a restored copy of the system's data does: the units are free again.
func (s *System) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, a := range s.asks {
		for sku, units := range a.rest {
			s.add(s.shelves[sku], units)
		}
		delete(s.asks, id)
	}
}

// reachable waits or fails, where the system cannot be asked.
func (s *System) reachable(ctx context.Context) error {
	s.mu.Lock()
	f := s.faults
	s.mu.Unlock()
	switch {
	case f.Hanging:
		<-ctx.Done()
		return context.Cause(ctx)
	case f.Down:
		return errFault
	}
	return ctx.Err()
}

// call does a call as the faults have it. A lying system answers those yes that may lie.
func call[E any](ctx context.Context, s *System, mayLie bool, list []E, do func(*tx, E) (bridge.Answer, error)) ([]bridge.Answer, error) {
	if err := s.reachable(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	f := s.faults
	s.mu.Unlock()
	var answers []bridge.Answer
	var err error
	switch {
	case f.Busy:
		for _, e := range list {
			answers = append(answers, bridge.Answer{ID: idOf(e), Problem: bridge.Busy})
		}
	case f.Lying && mayLie:
		for _, e := range list {
			answers = append(answers, bridge.Answer{ID: idOf(e), OK: true})
		}
	default:
		answers, err = work(s, immortal, list, do)
	}
	switch {
	case f.Lost && err == nil:
		return nil, errFault
	case f.Garbled && len(answers) > 0:
		answers[len(answers)-1].ID[15] ^= 1
	}
	return answers, err
}

func idOf(e any) exchange.HoldID {
	switch e := e.(type) {
	case bridge.Ask:
		return e.ID
	case bridge.Ref:
		return e.ID
	default:
		return e.(bridge.Part).ID
	}
}
