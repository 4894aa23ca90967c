package replica

import (
	"context"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/backoff"
)

// CatchUp waits until the index has the own catalog as it was before the call. Where it does
// not, for ctx ends or the feed publishes nothing, the error says why, and searches read the
// given products from the shop itself until it has: so they find what was written either
// way, and the wait only keeps them quick.
func (s *Follower) CatchUp(ctx context.Context, skus []exchange.SKU) error {
	err := s.caughtUp(ctx)
	if err != nil {
		s.cfg.Replicas.late.add(skus)
	}
	return err
}

// Late names own products that the index may not have as the shop offers them, as
// after a start; searches read them from the shop until it has.
func (s *Follower) Late(skus []exchange.SKU) { s.cfg.Replicas.late.add(skus) }

// caughtUp waits until what was written before the call is published and in the own copy.
func (s *Follower) caughtUp(ctx context.Context) error {
	at, err := s.cfg.Flush(ctx)
	if err != nil {
		return err
	}
	return s.cfg.Replicas.reached(ctx, s.cfg.Replicas.cfg.Own.Shop, at)
}

// settleLate waits until the index has the products that are late now, and forgets them. more
// reports that others are late, or that ctx or the feed kept it from that.
func (s *Follower) settleLate(ctx context.Context) (more bool, err error) {
	late := &s.cfg.Replicas.late
	number := late.last()
	if number == 0 {
		return false, nil
	}
	if err := s.caughtUp(ctx); err != nil {
		return true, err
	}
	late.drop(number)
	return late.last() > 0, nil
}

// runLate settles late products until ctx ends.
func (s *Follower) runLate(ctx context.Context) {
	var pauses backoff.Doubling
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.cfg.Replicas.late.some.C():
		}
		for more := true; more; {
			var err error
			if more, err = s.settleLate(ctx); err == nil {
				pauses.Reset()
				continue
			}
			pause := time.NewTimer(pauses.Next())
			select {
			case <-ctx.Done():
				pause.Stop()
				return
			case <-pause.C:
			}
		}
	}
}
