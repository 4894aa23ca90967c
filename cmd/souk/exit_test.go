package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
)

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		code int
	}{
		{"no error", nil, exitOK},
		{"an error without a code", errors.New("x"), exitFailure},
		{"a newer code", exchange.Errorf(exchange.Code(1<<20), "of a newer node"), exitFailure},
		{"a newer code, to retry", exchange.Errorf(exchange.Code(1<<20|exchange.RetryBit), "of a newer node, later"), exitAway},
		{"internal", exchange.Errorf(exchange.CodeInternal, "x"), exitFailure},
		{"locked", exchange.Errorf(exchange.CodeLocked, "x"), exitAway},
		{"usage", usagef("x"), exitUsage},
		{"usage, wrapped", fmt.Errorf("y: %w", usagef("x")), exitUsage},
		{"usage with a code", &usageError{exchange.Errorf(exchange.CodeNotFound, "x")}, exitUsage},
		{"insufficient", exchange.Errorf(exchange.CodeInsufficient, "x"), exitRefused},
		{"price changed, wrapped", fmt.Errorf("y: %w", exchange.Errorf(exchange.CodePriceChanged, "x")), exitRefused},
		{"not running", exchange.Errorf(exchange.CodeNotRunning, "x"), exitAway},
		{"unavailable", exchange.Errorf(exchange.CodeUnavailable, "x"), exitAway},
		{"limit", exchange.Errorf(exchange.CodeLimit, "the hub is busy; try again in a minute"), exitAway},
		{"disk full", exchange.Errorf(exchange.CodeDiskFull, "x"), exitAway},
		{"freshness", exchange.Errorf(exchange.CodeFreshness, "x"), exitAway},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := exitCode(c.err); got != c.code {
				t.Errorf("%v exits with %d, want %d", c.err, got, c.code)
			}
		})
	}
}

// TestEveryCodeHasAnExitCode: a new kind of error is sorted when it is made, so that a script tries again
// where that may help, and only there.
func TestEveryCodeHasAnExitCode(t *testing.T) {
	departs := map[exchange.Code]int{exchange.CodeInternal: exitFailure, exchange.CodeLocked: exitAway}
	n := 0
	for code := exchange.CodeOK; code.String() != fmt.Sprintf("code-%d", uint32(code)); code++ {
		n++
		exit, ok := exitOf[code]
		if !ok {
			t.Errorf("%v has no exit code", code)
		}
		if own, ok := departs[code]; ok {
			if exit != own || (exit == exitAway) == code.Retry() {
				t.Errorf("%v exits with %d and its Retry is %v: it departs from the rule no more, or otherwise", code, exit, code.Retry())
			}
		} else if (exit == exitAway) != code.Retry() {
			t.Errorf("%v exits with %d, but whether it may work later is %v", code, exit, code.Retry())
		}
		if !strings.Contains(exitHelp, fmt.Sprintf("\n  %-5d", exit)) {
			t.Errorf("exit code %d of %v is not in the help", exit, code)
		}
	}
	if n != len(exitOf) {
		t.Errorf("%d codes are sorted, there are %d", len(exitOf), n)
	}
}

// TestInterrupted: a command that the owner broke off is told from one that failed.
func TestInterrupted(t *testing.T) {
	on := t.Context()
	off, cancel := context.WithCancel(on)
	cancel()
	broken := exchange.Errorf(exchange.CodeUnavailable, "no answer: %w", context.Canceled)
	for _, c := range []struct {
		name string
		ctx  context.Context
		err  error
		code int
	}{
		{"no answer", on, broken, exitAway},
		{"broken off", off, broken, exitInterrupted},
		{"done all the same", off, nil, exitOK},
		{"refused all the same", off, exchange.Errorf(exchange.CodeState, "x"), exitRefused},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := endCode(c.ctx, c.err); got != c.code {
				t.Errorf("%v exits with %d, want %d", c.err, got, c.code)
			}
		})
	}
}

// TestServicesGiveUp: what is refused, or wrong on the command line, is not started again by systemd.
func TestServicesGiveUp(t *testing.T) {
	units, err := filepath.Glob("../../deploy/systemd/*.service")
	if err != nil || len(units) != 2 {
		t.Fatal(units, err)
	}
	for _, unit := range units {
		b, err := os.ReadFile(unit)
		if want := fmt.Sprintf("\nRestartPreventExitStatus=%d %d\n", exitUsage, exitRefused); err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s: no %q, %v", unit, want, err)
		}
	}
}

func TestHelpNamesTheExitCodes(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"--help"}, strings.NewReader(""), &out, &errs); code != exitOK {
		t.Fatal(code, errs.String())
	}
	if !strings.Contains(out.String(), exitHelp) {
		t.Errorf("souk --help does not name the exit codes:\n%s", out.String())
	}
}
