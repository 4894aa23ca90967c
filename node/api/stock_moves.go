package api

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/node/api/view"
)

type movesInput struct {
	Body view.TellMovements
}

func (s *stockRoutes) tell(ctx context.Context, in *movesInput) (*body[view.MovementResults], error) {
	lines := make([]shelf.Line, len(in.Body.Movements))
	for i, m := range in.Body.Movements {
		var err error
		if lines[i], err = s.line(m); err != nil {
			return nil, exchange.Errorf(exchange.CodeOf(err), "movement %d (%.128s): %w; nothing was changed", i+1, m.SKU, err)
		}
	}
	told, err := s.desk.Moves.Tell(ctx, lines, in.Body.Atomic)
	if err != nil {
		p := s.problem(err)
		for i, t := range told {
			if t.Err == nil {
				continue
			}
			v, err := s.result(&lines[i], t)
			if err != nil {
				return nil, err
			}
			p.Movements = append(p.Movements, v)
		}
		return nil, p
	}
	out := view.MovementResults{Movements: make([]view.MovementResult, len(told))}
	for i, t := range told {
		if out.Movements[i], err = s.result(&lines[i], t); err != nil {
			return nil, err
		}
	}
	return answer(out, nil)
}

func (s *stockRoutes) line(m view.ToldMovement) (shelf.Line, error) {
	l := shelf.Line{Units: m.Units, Revision: m.IfRevision, ID: m.ID, Channel: m.Channel, Reference: m.Reference, Note: m.Note}
	var err error
	if l.SKU, err = exchange.ParseSKU(m.SKU); err != nil {
		return l, err
	}
	if l.Cause, err = record.ParseCause(m.Kind); err != nil {
		return l, err
	}
	l.When, err = s.moment("at", m.At)
	return l, err
}

var results = map[shelf.Result]string{
	shelf.Applied: "applied", shelf.Contained: "contained", shelf.Repeated: "repeated", shelf.Refused: "refused",
}

func (s *stockRoutes) result(l *shelf.Line, t shelf.Told) (view.MovementResult, error) {
	out := view.MovementResult{SKU: l.SKU, ID: l.ID, Result: results[t.Result]}
	code := exchange.CodeOf(t.Err)
	if t.Err != nil {
		out.Problem = &view.MovementProblem{Code: code.String(), Detail: t.Err.Error()}
	}
	if code == exchange.CodeNotFound {
		return out, nil
	}
	stock, err := stockView(s.desk.Shelf, t.Stock)
	out.Stock, out.Revision = &stock, stock.Revision
	return out, err
}
