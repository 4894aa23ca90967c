package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// TestPerhapsHeld: after every end of a reserve of which nobody knows whether the supplier
// holds the stock, its owner is told how to find that out; after others nothing is added.
func TestPerhapsHeld(t *testing.T) {
	a := &app{dir: "birch"}
	id := exchange.NewHoldID(1, [12]byte{7})
	lost := exchange.Errorf(exchange.CodeUnavailable, "the node did not answer; whether it was done is unknown: EOF")
	for name, c := range map[string]struct {
		err  error
		says string
	}{
		"the supplier did not answer": {&view.Problem{Code: "unavailable", Reservation: &id}, "souk reservation show --dir birch " + id.String()},
		"the node did not answer":     {lost, "repeat the command with --key basket-17"},
		"Ctrl-C":                      {exchange.Errorf(exchange.CodeUnavailable, "the node did not answer: %w", context.Canceled), "souk reservation list --dir birch"},
		"no node":                     {exchange.Errorf(exchange.CodeNotRunning, "no node runs on birch"), ""},
		"refused":                     {&view.Problem{Code: "insufficient-stock", Detail: "1 asked, 0 available"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := reservationCommands{a}.perhapsHeld(c.err, "basket-17", "Acorn Shoes")
			if exchange.CodeOf(got) != exchange.CodeOf(c.err) || isCancel(got) != isCancel(c.err) {
				t.Errorf("%v became %v", c.err, got)
			}
			if c.says == "" && !errors.Is(got, c.err) || !strings.Contains(interruptedOr(got), c.says) {
				t.Errorf("%v does not say %q", got, c.says)
			}
		})
	}
}

func interruptedOr(err error) string {
	if isCancel(err) {
		return interrupted(err)
	}
	return err.Error()
}
