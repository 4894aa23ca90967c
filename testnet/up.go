package testnet

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/souk-market/souk/exchange"
)

// Bounds of Options.Shops. A node takes some 60 MB: 20 shops and the hub fit into
// 2 GB. The demo needs a supplier and a retailer.
const (
	MinShops     = 2
	MaxShops     = 20
	DefaultShops = 3
)

// DefaultDir is where a testnet lives if nothing else is said: in the current
// folder, so that the commands to try are short.
const DefaultDir = ".souk-testnet"

func orDefaultDir(dir string) string {
	if dir == "" {
		return DefaultDir
	}
	return filepath.Clean(dir)
}

// Options of Up. All are optional.
type Options struct {
	Shops  int       // 0 = DefaultShops; MinShops to MaxShops
	Dir    string    // "" = DefaultDir; new, empty, or a stopped testnet's
	Exit   bool      // end after the demo
	JSON   bool      // tell everything as JSON lines
	Out    io.Writer // nil = nowhere
	Binary string    // souk; "" = the running program
}

func (o Options) withDefaults() (Options, error) {
	if o.Shops == 0 {
		o.Shops = DefaultShops
	}
	if o.Shops < MinShops || o.Shops > MaxShops {
		return o, exchange.Errorf(exchange.CodeInvalid, "a testnet has %d to %d shops, not %d", MinShops, MaxShops, o.Shops)
	}
	o.Dir = orDefaultDir(o.Dir)
	if o.Out == nil {
		o.Out = io.Discard
	}
	if o.Binary == "" {
		var err error
		if o.Binary, err = os.Executable(); err != nil {
			return o, exchange.Errorf(exchange.CodeInternal, "the program's own file is not known: %w", err)
		}
	}
	return o, nil
}

// Up starts a hub and shops as processes of their own, shows on them what Souk
// does, telling each step as it happens, and then runs them until ctx ends.
// With Exit it ends after the last step.
//
// However it returns, its processes have ended. An error says which step failed
// and why; the end of the log of the process concerned has been written by then. CodeLocked where
// a testnet runs in Dir already, CodeConflict where Dir holds anything else. The
// folders stay behind, for their logs, until the next testnet in Dir replaces them.
func Up(ctx context.Context, o Options) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	lock, replaced, err := claim(o.Dir)
	if err != nil {
		return err
	}
	tell := newTeller(o.Out, o.JSON)
	if replaced {
		tell.note("The stopped testnet in %s is replaced.", o.Dir)
	}
	n := newTestnet(o.Dir, o.Binary, shopPlans(o.Shops), tell)
	return errors.Join(n.live(ctx, o.Exit), lock.Unlock())
}

// testnet is a hub and shops as processes. One goroutine uses it.
type testnet struct {
	dir   string
	tell  *teller
	hub   *hubProcess
	shops []*shopProcess
}

func newTestnet(dir, binary string, plans []shopPlan, tell *teller) *testnet {
	n := &testnet{dir: dir, tell: tell, hub: newHubProcess(dir, binary)}
	for _, p := range plans {
		n.shops = append(n.shops, newShopProcess(dir, binary, p))
	}
	return n
}

// live runs the demo, stays up unless exit is set, and stops everything.
func (n *testnet) live(ctx context.Context, exit bool) error {
	err := n.demo(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		err = exchange.Errorf(exchange.CodeUnavailable, "the testnet was stopped before its demo had ended: %w", context.Cause(ctx))
	case err == nil && !exit:
		n.showTable(ctx)
		n.watch(ctx)
	}
	n.tell.note("Stopping the shops and the hub …")
	stopped := n.stop()
	if stopped == nil {
		n.tell.note("All stopped. Their folders and logs stay in %s.", n.dir)
	}
	return errors.Join(err, stopped)
}

// watch returns when ctx ends. A process that ends before is reported; the others run on.
func (n *testnet) watch(ctx context.Context) {
	gone := make(chan *process, len(n.all()))
	for _, p := range n.all() {
		done := p.done
		go func() {
			<-done
			gone <- p
		}()
	}
	for {
		select {
		case p := <-gone:
			if ctx.Err() == nil {
				n.tell.note("%s: %v. The others run on; it can be started again with: souk %s", p.name, p.ended(), joinArgs(p.args))
				n.tell.tail(p)
			}
		case <-ctx.Done():
			return
		}
	}
}

// stop stops all processes in order: the shops, at the same time, then the hub.
func (n *testnet) stop() error {
	var errs []error
	for _, s := range n.shops {
		s.interrupt()
	}
	for _, s := range n.shops {
		errs = append(errs, s.stop())
	}
	return errors.Join(append(errs, n.hub.stop())...)
}

func (n *testnet) all() []*process {
	list := []*process{&n.hub.process}
	for _, s := range n.shops {
		list = append(list, &s.process)
	}
	return list
}

// state is what testnet.json says of the net now.
func (n *testnet) state() *State {
	s := &State{PID: os.Getpid(), Hub: n.hub.member()}
	for _, shop := range n.shops {
		s.Shops = append(s.Shops, shop.member())
	}
	return s
}

// started starts a process and records its pid, by which souk testnet down knows it.
func (n *testnet) started(p *process) error {
	if err := p.start(); err != nil {
		return err
	}
	return n.state().write(n.dir)
}

// showTable tells who there is and how to talk to them.
func (n *testnet) showTable(ctx context.Context) {
	s, err := Look(ctx, n.dir)
	if err != nil {
		n.tell.note("The table of shops: %v", err)
		return
	}
	n.tell.table(s)
}
