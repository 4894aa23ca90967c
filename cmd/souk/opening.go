package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/hub"
	"github.com/souk-market/souk/store"
)

// A script or a person may call a command right after the command that starts the shop or the
// hub. The later command waits, for as long as a start takes.
const (
	// startTime is how long a process may take from its start to having its folder locked:
	// some 50 ms, ten times that on a busy machine, and six times as much as that.
	startTime = 3 * time.Second
	// openTime is how long a process that has the folder locked may take to open it. It verifies
	// all ledgers, some 20,000 entries a second: 100,000 entries take 5 s.
	openTime = 15 * time.Second
	// waitQuietly is how long a person at a terminal does not wonder.
	waitQuietly = time.Second
	// lookAgain is how often a command looks whether the folder has been opened. Each look opens
	// three files.
	lookAgain = 50 * time.Millisecond
)

// wait is a command's waiting for what is about to open.
type wait struct {
	what string    // "the shop"
	errs io.Writer // where it says so
	tell bool      // a person reads errs
}

func waitFor(what string, errs io.Writer) *wait { return &wait{what, errs, isTerminal(errs)} }

// until calls look until what it returns, how long may be waited since the first look, has
// passed; 0 = there is nothing to wait for. The end of ctx is an error: an interruption.
func (w *wait) until(ctx context.Context, look func() time.Duration) error {
	began, said := time.Now(), !w.tell
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		most := look()
		waited := time.Since(began)
		if waited >= most {
			return nil
		}
		if !said && waited >= waitQuietly {
			fmt.Fprintf(w.errs, "souk: waiting for %s to open …\n", w.what)
			said = true
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return &interruption{fmt.Sprintf("%s was not open yet, and nothing was done", w.what), ctx.Err()}
		}
	}
}

// awaitShop waits while the node of a shop's folder is about to answer; try is what needs
// it, and fails with CodeNotRunning until then.
func (a *app) awaitShop(cmd *cobra.Command, dir string, try func() error) error {
	w := waitFor("the shop", cmd.ErrOrStderr())
	var err error
	interrupted := w.until(cmd.Context(), func() time.Duration {
		if err = try(); exchange.CodeOf(err) != exchange.CodeNotRunning {
			return 0
		}
		return openingTime(dir)
	})
	if interrupted != nil {
		return interrupted
	}
	return err
}

// openingTime is how long a shop that does not answer may take until it answers. A shop in
// no federation has startTime only: its node waits for the hub, without a bound.
func openingTime(dir string) time.Duration {
	shop, err := holdsFile(dir, shopFile)
	if err != nil || !shop {
		return 0
	}
	if joined, err := holdsFile(dir, federationFile); err != nil || !joined || !inUse(dir) {
		return startTime
	}
	return openTime
}

// hubOpens waits while a process that has a hub's folder locked does not take commands yet: a hub
// that starts, or another command. Where needed is set, hubOpens also waits for a hub that nobody
// has started yet.
func (a hubCommands) hubOpens(cmd *cobra.Command, needed bool) {
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		dir, err := a.hubDir()
		if err != nil {
			return err
		}
		if err := a.awaitHub(cmd, dir, needed); err != nil {
			return err
		}
		err = run(cmd, args)
		if exchange.CodeOf(err) != exchange.CodeLocked { // with which nothing was done
			return err
		}
		if err := a.awaitHub(cmd, dir, needed); err != nil {
			return err
		}
		return run(cmd, args)
	}
}

func (a hubCommands) awaitHub(cmd *cobra.Command, dir string, needed bool) error {
	w := waitFor("the hub", cmd.ErrOrStderr())
	return w.until(cmd.Context(), func() time.Duration {
		ctx := cmd.Context()
		if hub.Hears(ctx, dir) {
			return 0
		}
		_, held, err := store.Holder(dir)
		switch {
		case err != nil:
			return 0
		case held:
			return openTime
		case needed:
			return startTime
		}
		return 0
	})
}
