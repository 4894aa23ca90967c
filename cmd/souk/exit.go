package main

import (
	"errors"
	"fmt"

	"github.com/souk-market/souk/exchange"
)

// Exit codes; exitHelp is their documentation.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
	exitRefused = 3
	exitAway    = 4
)

const exitHelp = `Exit codes:
  0  done
  1  failed; the message says why and what to do next
  2  the command line is wrong
  3  refused by the partner or by the terms of trade: not enough stock, the price
     has changed, expired, no partnership, …
  4  not running or not reachable; the same command may work later`

// usageError is a command line that cannot be carried out.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// exitCode sorts an error under an exit code.
func exitCode(err error) int {
	var usage *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		return exitUsage
	}
	switch exchange.CodeOf(err) {
	case exchange.CodeUnavailable, exchange.CodeNotRunning:
		return exitAway
	case exchange.CodeNoPartnership, exchange.CodeInsufficient, exchange.CodePriceChanged, exchange.CodeTooOld,
		exchange.CodeExpired, exchange.CodeReleased, exchange.CodeCountry, exchange.CodeOpenQuantity, exchange.CodeLifetime,
		exchange.CodeStale, exchange.CodeConflict, exchange.CodeShipped, exchange.CodeCancelRule, exchange.CodeState, exchange.CodeOrdered,
		exchange.CodeFreshness, exchange.CodeInvite, exchange.CodeNotMember:
		return exitRefused
	}
	return exitFailure
}
