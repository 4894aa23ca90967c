package trade

import (
	"context"
	"errors"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/backoff"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
)

// The asking side of the trade protocol.

// ask sends a framed request to a partner and waits for a signed answer. After a time-out
// nobody knows whether the partner acted, so ask sends the same bytes again after 1, 2, 4,
// 8, 8 … seconds, and at once when the partner greets, until ctx ends. A refusal by the partner
// ends it. So does what is sure to have had no effect (isUndone), unless an earlier attempt may
// have been carried out: the caller, who waits, may ask again as well.
func (a *asker) ask(ctx context.Context, to exchange.ShopID, raw []byte) ([]byte, error) {
	reply, _, err := a.askAgain(ctx, to, raw)
	return reply, err
}

// askAgain is ask. open reports that an attempt may still arrive, or have been carried out, whatever
// a later one was answered.
func (a *asker) askAgain(ctx context.Context, to exchange.ShopID, raw []byte) (reply []byte, open bool, err error) {
	var pauses backoff.Doubling
	for {
		greeting := a.greeting(to)
		reply, err := a.attempt(ctx, to, raw)
		if err == nil || isRefusal(err) {
			return reply, open, err
		}
		if open = open || !isUndone(err); !open {
			return nil, false, exchange.Errorf(exchange.CodeUnavailable, "%s: %w", to.Short(), err)
		}
		if a.writer.Inline() { // a simulation retries itself
			return nil, true, unknown(to, err)
		}
		pause := time.NewTimer(pauses.Next())
		select {
		case <-pause.C:
		case <-greeting:
		case <-ctx.Done():
			pause.Stop()
			return nil, true, unknown(to, err)
		}
		pause.Stop()
	}
}

// Away reports whether a supplier is known to be out of reach: a request would find no connection.
func (r *Retailer) Away(supplier exchange.ShopID) bool { return r.network.Away(supplier) }

// isUndone reports an error by which the request is sure to have had no effect at the partner:
// no connection came about (message.ErrNotAsked), or its store refused the commit
// (kv.ErrRefused).
func isUndone(err error) bool {
	return errors.Is(err, message.ErrNotAsked) || errors.Is(err, kv.ErrRefused)
}

// attempt sends a request once and waits up to askTimeout for the answer.
func (a *asker) attempt(ctx context.Context, to exchange.ShopID, raw []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return a.network.Request(ctx, to, raw)
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
