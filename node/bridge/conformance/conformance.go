package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
)

// Need is how many units of each product must be free where the suite cannot set the stock.
const Need = 10

// caseTime bounds one case: a system that stops answering ends the case, not the suite.
const caseTime = time.Minute

// Target is a system under trial. What it cannot do, it leaves nil: the cases that need it are
// left out, and say so.
type Target struct {
	Bridge bridge.Bridge
	SKUs   [2]exchange.SKU // of which nobody else sells or stocks units meanwhile
	Pool   [2]exchange.SKU // two that sell from one pool; zero = none

	// Stock sets how many units are free; what is set aside stays so.
	Stock func(ctx context.Context, sku exchange.SKU, units int64) error
	// Sell sells by the system's own checkout: whether it did.
	Sell func(ctx context.Context, sku exchange.SKU, units int64) (bool, error)
	// Ahead moves the system's clock on, for good.
	Ahead func(d time.Duration)
	// Restart ends the system as a kill would, and starts it again.
	Restart func(ctx context.Context) error
	// Forget makes every cursor that was given too old.
	Forget func(ctx context.Context) error
	// Dying is the system as a process of which each call is killed before a step of its work:
	// step 0 is the first. A call that has fewer steps is done, and answered.
	Dying func(step int) bridge.Bridge
	// Forge sends a hold as somebody without the secret, or with an old message, could; the
	// HTTP status of the answer.
	Forge func(ctx context.Context, f Forgery, ask bridge.Ask) (int, error)
}

// Case tries one rule.
type Case struct {
	Name  string
	Rule  string // what the system has to do, in a sentence
	needs func(Target) string
	run   func(*trial)
}

// Result is what a case found.
type Result struct {
	Case    Case
	Err     error  // what is wrong; nil = nothing
	LeftOut string // what the target lacks; the case did not run
}

// Cases are all cases, in the order to run them.
func Cases() []Case {
	return append(append(append(append(holdCases(), orderCases()...), togetherCases()...), readingCases()...), forgedCases()...)
}

// Try runs all cases, one after the other, and tells each result as it comes. It ends early where
// ctx ends. It returns an error where a case failed.
func Try(ctx context.Context, target Target, tell func(Result)) error {
	failed := 0
	for _, c := range Cases() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r := c.Try(ctx, target)
		if r.Err != nil {
			failed++
		}
		tell(r)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d cases failed", failed, len(Cases()))
	}
	return nil
}

// Try runs one case.
func (c Case) Try(ctx context.Context, target Target) Result {
	r := Result{Case: c}
	if c.needs != nil {
		if r.LeftOut = c.needs(target); r.LeftOut != "" {
			return r
		}
	}
	ctx, stop := context.WithTimeoutCause(ctx, caseTime, errors.New("the case took longer than a minute"))
	defer stop()
	t := &trial{Target: target, ctx: ctx, fillers: make(map[exchange.SKU]exchange.HoldID)}
	r.Err = t.try(c.run)
	if err := t.try((*trial).tidy); r.Err == nil && err != nil {
		r.Err = fmt.Errorf("giving back what the case took: %w", err)
	}
	return r
}
