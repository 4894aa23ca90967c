package testnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/store"
)

// upStopTime is how long a running testnet may take to stop: all of its processes
// stop at the same time, and one second for itself.
const upStopTime = stopTime + time.Second

// Down stops the testnet in dir: the running souk testnet up, which stops its
// processes, and whatever an earlier one left. It signals only processes that hold
// a folder's lock under the very pid that the testnet recorded. What it does is written
// to out. The folder stays, for its logs; the next testnet in it replaces it.
func Down(ctx context.Context, dir string, out io.Writer) error {
	dir = orDefaultDir(dir)
	state, err := readState(dir)
	if err != nil {
		return err
	}
	said := false
	say := func(format string, args ...any) {
		said = true
		fmt.Fprintf(out, format+"\n", args...)
	}
	up := Member{Name: "the testnet", Folder: ".", PID: state.PID}
	err = end(ctx, dir, up, upStopTime, say)
	for _, m := range state.all() {
		err = errors.Join(err, end(ctx, dir, m, stopTime, say))
	}
	if err == nil && !said {
		say("Nothing runs in %s.", dir)
	}
	return err
}

// end stops the process that holds a member's folder, if it is the one recorded.
func end(ctx context.Context, dir string, m Member, patience time.Duration, say func(string, ...any)) error {
	folder := filepath.Join(dir, m.Folder)
	pid, held, err := store.Holder(folder)
	if err != nil || !held {
		return err
	}
	if pid == 0 || pid != m.PID {
		return exchange.Errorf(exchange.CodeConflict, "%s is used by process %d, which this testnet did not start (it started %d); stop it yourself", folder, pid, m.PID)
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return exchange.Errorf(exchange.CodeInternal, "process %d: %w", pid, err)
	}
	defer p.Release()
	for _, with := range []struct {
		signal syscall.Signal
		verb   string
	}{{syscall.SIGTERM, "Stopped"}, {syscall.SIGKILL, "Killed"}} {
		if err := p.Signal(with.signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return exchange.Errorf(exchange.CodeInternal, "process %d of %s cannot be stopped: %w", pid, m.Name, err)
		}
		free, err := awaitFree(ctx, folder, patience)
		if err != nil {
			return err
		}
		if free {
			say("%s %s (process %d).", with.verb, m.Name, pid)
			return nil
		}
		say("%s (process %d) did not stop within %v.", m.Name, pid, patience)
	}
	return exchange.Errorf(exchange.CodeUnavailable, "process %d of %s could not be ended", pid, m.Name)
}

// awaitFree waits until nobody holds a folder; false after patience.
func awaitFree(ctx context.Context, folder string, patience time.Duration) (bool, error) {
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := until(waiting, nil, func(context.Context) (bool, error) {
		_, held, err := store.Holder(folder)
		return !held, err
	})
	if err != nil && ctx.Err() == nil && waiting.Err() != nil {
		return false, nil
	}
	return err == nil, err
}
