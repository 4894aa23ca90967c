package replica

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/backoff"
	"github.com/souk-market/souk/exchange/wake"
)

// CatchUp waits until the index has the own catalog as it was before the call. If ctx ends
// first, or the feed publishes nothing, the error says so and skus are late: searches read
// them from the shelf until the index has them. So searches find what was written either
// way; the wait only keeps them quick.
func (f *Follower) CatchUp(ctx context.Context, skus []exchange.SKU) error {
	err := f.caughtUp(ctx)
	if err != nil {
		f.cfg.Replicas.late.add(skus)
	}
	return err
}

// Late names own products that the index may lack, or have otherwise than the shop offers
// them. Searches read these products from the shelf until the index has them.
func (f *Follower) Late(skus []exchange.SKU) { f.cfg.Replicas.late.add(skus) }

// caughtUp waits until what was written before the call is published and in the own copy.
func (f *Follower) caughtUp(ctx context.Context) error {
	at, err := f.cfg.Flush(ctx)
	if err != nil {
		return err
	}
	return f.cfg.Replicas.reached(ctx, f.cfg.Replicas.cfg.Own.Shop, at)
}

// settleLate waits until the index has the products that are late now, and forgets them. more
// reports that products are late still: others, or all after an error.
func (f *Follower) settleLate(ctx context.Context) (more bool, err error) {
	late := &f.cfg.Replicas.late
	number := late.last()
	if number == 0 {
		return false, nil
	}
	if err := f.caughtUp(ctx); err != nil {
		return true, err
	}
	late.drop(number)
	return late.last() > 0, nil
}

// runLate settles late products until ctx ends.
func (f *Follower) runLate(ctx context.Context) {
	var pauses backoff.Doubling
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.cfg.Replicas.late.some.C():
		}
		for more := true; more; {
			var err error
			if more, err = f.settleLate(ctx); err == nil {
				pauses.Reset()
				continue
			}
			if rest(ctx, pauses.Next(), wake.Signal{}); ctx.Err() != nil {
				return
			}
		}
	}
}
