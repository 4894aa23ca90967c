package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// Exit codes; exitHelp is their documentation.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitRefused     = 3
	exitAway        = 4
	exitInterrupted = 130 // 128 + SIGINT, as shells report a program that a Ctrl-C ended
)

const exitHelp = `Exit codes:
  0    done; a run, a testnet or a waiting command that was stopped by Ctrl-C or
       SIGTERM ended well
  1    failed: something is not found, damaged or wrong; the message says what, and
       what to do next. Also: doctor found that the shop cannot sell, or audit found
       faults in its books
  2    the command line is wrong; nothing was tried
  3    refused by a rule, a partner or the terms of trade: not enough stock, the price
       has changed, expired, no partnership, not in that state, not a member, …
  4    not running, not reachable, busy, out of disk space, or in use by another
       process; the same command may work later
  130  interrupted before it was known whether it was done

With --json the error, too, is one JSON value, on stderr: its code tells errors apart,
usage being a wrong command line and interrupted a Ctrl-C. Where stock is short, lines
has every line that is: sku, asked and available.`

// usageError is a command line that cannot be carried out.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// failure is an error as --json prints it on stderr.
type failure struct {
	Code   string `json:"code"` // the name of an exchange.Code, or one of the next two
	Exit   int    `json:"exit"`
	Retry  bool   `json:"retry"` // the same command may work later
	Detail string `json:"detail"`

	Lines       []view.ShortLine    `json:"lines,omitempty"`       // every line that is short, as the API's problem has them
	Fields      []view.FieldProblem `json:"fields,omitempty"`      // what the node found wrong with the request
	Reservation *exchange.HoldID    `json:"reservation,omitempty"` // that may have been made
	Basket      *view.Basket        `json:"basket,omitempty"`      // that could not be held: its parts say why
}

// Codes of failures that no node knows.
const (
	codeUsage       = "usage"
	codeInterrupted = "interrupted"
)

// failureOf is an error with which a command ended, and its exit code.
func failureOf(err error, exit int) failure {
	code := exchange.CodeOf(err)
	f := failure{Code: code.String(), Exit: exit, Retry: exit == exitAway, Detail: err.Error()}
	switch exit {
	case exitUsage:
		f.Code = codeUsage
	case exitInterrupted:
		f.Code, f.Detail = codeInterrupted, interrupted(err)
	}
	var p *view.Problem
	if errors.As(err, &p) {
		f.Lines, f.Fields, f.Reservation, f.Basket = p.Lines, p.Fields, p.Reservation, p.Basket
	}
	return f
}

func (f failure) print(w io.Writer) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(f) // where stderr is closed, nobody is told
}

// asksJSON reports --json among arguments that could not be read.
func asksJSON(args []string) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
}

// exitCode sorts an error under an exit code.
func exitCode(err error) int {
	var usage *usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	code := exchange.CodeOf(err)
	if exit, ok := exitOf[code]; ok {
		return exit
	}
	if code.Retry() { // a kind that a newer version knows
		return exitAway
	}
	return exitFailure
}

// endCode is exitCode of a command whose context may have ended under it.
func endCode(ctx context.Context, err error) int {
	if err != nil && ctx.Err() != nil && isCancel(err) {
		return exitInterrupted
	}
	return exitCode(err)
}

// exitOf has an exit code for every kind of error: away where the same command may work later, which
// is what Code.Retry says, refused or failure where asking again as it is leads to the same answer.
// Two codes differ from Retry. CodeInternal is a failure: somebody must look at the fault before
// anything is repeated. CodeLocked is away: another process of this machine has to end.
var exitOf = map[exchange.Code]int{
	exchange.CodeOK:            exitOK,
	exchange.CodeInternal:      exitFailure,
	exchange.CodeInvalid:       exitFailure,
	exchange.CodeNotFound:      exitFailure,
	exchange.CodeNoRate:        exitFailure,
	exchange.CodeOverflow:      exitFailure,
	exchange.CodeSignature:     exitFailure,
	exchange.CodeVersion:       exitFailure,
	exchange.CodeUnauthorized:  exitFailure,
	exchange.CodeConflict:      exitRefused,
	exchange.CodeConfirm:       exitRefused,
	exchange.CodePrecondition:  exitRefused,
	exchange.CodeNotMember:     exitRefused,
	exchange.CodeNoPartnership: exitRefused,
	exchange.CodeInsufficient:  exitRefused,
	exchange.CodePriceChanged:  exitRefused,
	exchange.CodeTooOld:        exitRefused,
	exchange.CodeExpired:       exitRefused,
	exchange.CodeReleased:      exitRefused,
	exchange.CodeCountry:       exitRefused,
	exchange.CodeOpenQuantity:  exitRefused,
	exchange.CodeLifetime:      exitRefused,
	exchange.CodeStale:         exitRefused,
	exchange.CodeShipped:       exitRefused,
	exchange.CodeCancelRule:    exitRefused,
	exchange.CodeState:         exitRefused,
	exchange.CodeGone:          exitRefused,
	exchange.CodeWithdrawn:     exitRefused,
	exchange.CodeOrdered:       exitRefused,
	exchange.CodeCurrency:      exitRefused,
	exchange.CodeFork:          exitRefused,
	exchange.CodeRestored:      exitRefused,
	exchange.CodeFrozen:        exitRefused,
	exchange.CodeInvite:        exitRefused,
	exchange.CodeUnavailable:   exitAway,
	exchange.CodeBehind:        exitAway,
	exchange.CodeLimit:         exitAway,
	exchange.CodeDiskFull:      exitAway,
	exchange.CodeFreshness:     exitAway,
	exchange.CodeNotRunning:    exitAway,
	exchange.CodeLocked:        exitAway,
}
