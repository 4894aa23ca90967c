package trade

import (
	"context"
	"errors"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/backoff"
	"github.com/souk-market/souk/exchange/kv"
)

// The asking side of the trade protocol.

// ask sends a framed request to a partner and waits for a signed answer. After a time-out
// nobody knows whether the partner acted, so ask sends the same bytes again after 1, 2, 4,
// 8, 8 … seconds until ctx ends. A refusal by the partner ends it. So does a partner's
// answer that its store refused the commit (kv.ErrRefused), unless an earlier attempt may
// have been carried out.
func (r *Retailer) ask(ctx context.Context, to exchange.ShopID, raw []byte) ([]byte, error) {
	sure := true // no earlier attempt may have been carried out
	var pauses backoff.Doubling
	for {
		reply, err := r.attempt(ctx, to, raw)
		if err == nil || isRefusal(err) {
			return reply, err
		}
		if sure = sure && errors.Is(err, kv.ErrRefused); sure {
			return nil, exchange.Errorf(exchange.CodeUnavailable, "%s: %w", to.Short(), err)
		}
		if r.writer.Inline() { // a simulation retries itself
			return nil, unknown(to, err)
		}
		select {
		case <-time.After(pauses.Next()):
		case <-ctx.Done():
			return nil, unknown(to, err)
		}
	}
}

// attempt sends a request once and waits up to askTimeout for the answer.
func (r *Retailer) attempt(ctx context.Context, to exchange.ShopID, raw []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return r.network.Request(ctx, to, raw)
}

// askTimeout is how long a caller waits for one answer before it asks again: the
// worst round trip over a relay (1 s) and a busy supplier's batches (1 s), doubled.
const askTimeout = 4 * time.Second

// ErrUnanswered says that a partner did not answer a request: nobody knows whether it
// acted. It comes with CodeUnavailable, the partner and the cause.
var ErrUnanswered = errors.New("did not answer; whether it acted is unknown, ask again with the same id")

func unknown(to exchange.ShopID, err error) error {
	// %v: the cause may be the sure no of the last attempt alone, which this is not.
	return exchange.Errorf(exchange.CodeUnavailable, "%s %w: %v", to.Short(), ErrUnanswered, err)
}

// isRefusal reports an answer that asking again will not change.
func isRefusal(err error) bool {
	code := exchange.CodeOf(err)
	return code != exchange.CodeOK && code != exchange.CodeInternal && !code.Retry()
}
