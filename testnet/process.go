package testnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/souk-market/souk/exchange"
)

// stopTime is how long a process may take to stop in order before it is killed: a
// node answers the requests it took, ten seconds at most, and closes its stores.
const stopTime = 15 * time.Second

// logName is a process's log, in its own state folder.
const logName = "log"

// process is a hub or a shop as a child process. It may be started again after it
// has ended. One goroutine starts and stops it; done, err and pid may be looked at
// by others between that.
type process struct {
	name   string // for people
	dir    string // its state folder
	binary string
	args   []string

	cmd   *exec.Cmd
	done  chan struct{} // closed when it has ended; nil before the first start
	err   error         // how it ended; valid once done is closed
	asked bool          // to stop; a second signal would end it at once
}

// start starts the process. Its output is added to its log.
func (p *process) start() error {
	log, err := os.OpenFile(p.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return exchange.Errorf(exchange.CodeInternal, "the log of %s cannot be written: %w", p.name, err)
	}
	defer log.Close() // the child has its own
	cmd := exec.Command(p.binary, p.args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = childAttributes()
	started, done := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(done)
		// Linux ties a child's death signal to the thread that made it: the thread
		// must live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		<-done
		return exchange.Errorf(exchange.CodeInternal, "%s cannot be started: %w", p.name, err)
	}
	p.cmd, p.done, p.asked = cmd, done, false
	return nil
}

// alive reports whether the process runs.
func (p *process) alive() bool {
	if p.done == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// pid is 0 while the process does not run.
func (p *process) pid() int {
	if !p.alive() {
		return 0
	}
	return p.cmd.Process.Pid
}

// kill ends the process at once (kill -9), and waits until it is gone.
func (p *process) kill() error {
	if !p.alive() {
		return nil
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return exchange.Errorf(exchange.CodeInternal, "%s cannot be killed: %w", p.name, err)
	}
	<-p.done
	return nil
}

// interrupt asks the process to stop in order.
func (p *process) interrupt() {
	if p.alive() && !p.asked {
		p.asked = true
		// It may end in between; who waits for it sees that.
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
}

// stop stops the process in order, and kills it after stopTime; then it says so by
// CodeUnavailable. Ending with a failure is an error too.
func (p *process) stop() error {
	if !p.alive() {
		return nil
	}
	p.interrupt()
	timer := time.NewTimer(stopTime)
	defer timer.Stop()
	select {
	case <-p.done:
		if p.err != nil {
			return exchange.Errorf(exchange.CodeInternal, "%s did not stop cleanly: %w", p.name, p.err)
		}
		return nil
	case <-timer.C:
		return errors.Join(exchange.Errorf(exchange.CodeUnavailable, "%s did not stop within %v and was killed; its log is %s", p.name, stopTime, p.logPath()), p.kill())
	}
}

// ended is the error of a process that should be running and is not.
func (p *process) ended() error {
	if p.alive() {
		return nil
	}
	how := "it ended by itself"
	if p.err != nil {
		how = p.err.Error()
	}
	return exchange.Errorf(exchange.CodeNotRunning, "the process has ended: %s", how)
}

func (p *process) logPath() string { return filepath.Join(p.dir, logName) }

// Of a failed process's log its last lines are shown: a screen at most.
const (
	tailLines = 15
	tailBytes = 8 << 10
)

// logTail is the end of the process's log, "" where there is none.
func (p *process) logTail() string {
	f, err := os.Open(p.logPath())
	if err != nil {
		return ""
	}
	defer f.Close()
	if size, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, size-tailBytes), io.SeekStart)
	}
	b, _ := io.ReadAll(io.LimitReader(f, tailBytes))
	lines := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}

// pollEvery is how often something is asked again that sends no news: often
// enough for a person's eye, and nothing for the machine.
const pollEvery = 20 * time.Millisecond

// until asks again and again, until ready says true or the process has ended.
// Errors of ready are taken as "not yet" and returned when ctx ends.
func until(ctx context.Context, p *process, ready func(context.Context) (bool, error)) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var last error
	for {
		ok, err := ready(ctx)
		if ok && err == nil {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		if p != nil {
			if err := p.ended(); err != nil {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if last != nil {
				return fmt.Errorf("%w; last: %w", context.Cause(ctx), last)
			}
			return context.Cause(ctx)
		}
	}
}
