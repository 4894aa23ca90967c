package p2p

import (
	"context"
	"maps"
	"net"
	"net/netip"
	"sync"
	"time"

	manet "github.com/multiformats/go-multiaddr/net"
)

// mover notices that this machine has moved to another network, or has slept. The connections that it
// had are dead then, though nothing says so; requests on them would wait for libp2p's half a minute.
type mover struct {
	*base
	own   *addresses
	moved func() // fixed by New
}

// slept is how late a look at the interfaces comes, of a machine that was suspended, or of a process
// that was stopped. A busy machine is late by less.
const slept = 5 * time.Second

// run looks until the node closes. A host on a simulated network has no interfaces to look at.
func (m *mover) run() {
	if len(m.cfg.HostOptions) > 0 {
		return
	}
	known, ok := m.addresses()
	if ok {
		m.own.setMachine(known)
	}
	last := time.Now()
	tick := time.NewTicker(lookAtInterfaces)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-m.ctx.Done():
			return
		}
		now := time.Now()
		found, ok := m.addresses()
		if !ok {
			found = known // as when no file can be opened: nothing has moved by that
		}
		// The wall clock goes on while a machine is suspended, the monotonic one may not.
		late := max(now.Sub(last), now.Round(0).Sub(last.Round(0)))
		last = now
		if late < lookAtInterfaces+slept && maps.Equal(found, known) {
			continue
		}
		m.log.Info("this machine was moved, or has slept; connections are checked", "addresses", len(found))
		m.leave(found)
		if known = found; ok {
			m.own.setMachine(found)
		}
		m.moved()
	}
}

// addresses are [MachineAddresses], as a set. It reports false where they could not be read.
func (m *mover) addresses() (found map[netip.Addr]bool, ok bool) {
	list, err := MachineAddresses()
	if err != nil {
		m.log.Debug("this machine's addresses were not read", "err", err)
		return nil, false
	}
	found = map[netip.Addr]bool{}
	for _, ip := range list {
		found[ip] = true
	}
	return found, true
}

// MachineAddresses are the machine's addresses, the loopback's among them, without the link-local ones,
// which only neighbours on one link can dial.
func MachineAddresses() ([]netip.Addr, error) {
	nets, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var list []netip.Addr
	for _, n := range nets {
		if p, err := netip.ParsePrefix(n.String()); err == nil && !p.Addr().IsLinkLocalUnicast() {
			list = append(list, p.Addr().Unmap())
		}
	}
	return list, nil
}

// leave closes connections from addresses that the machine has no longer.
func (m *mover) leave(found map[netip.Addr]bool) {
	if len(found) == 0 {
		return
	}
	for _, c := range m.host.Network().Conns() {
		ip, err := manet.ToIP(c.LocalMultiaddr())
		if err != nil || ip.IsUnspecified() || !isDirect(c) {
			continue
		}
		if addr, ok := netip.AddrFromSlice(ip); ok && !found[addr.Unmap()] {
			_ = c.Close()
		}
	}
}

// teller exchanges hellos with every connected member after the own addresses have changed, or what a
// hello says of the relay has. A change that comes while some have not answered is told to all: what it
// replaces need not be told any more.
func (n *Node) teller() {
	var rounds sync.WaitGroup
	defer rounds.Wait()
	end := func() {} // of the latest round
	defer func() { end() }()
	for {
		select {
		case <-n.tell.C():
		case <-n.ctx.Done():
			return
		}
		if !elapse(n.ctx, tellAfter) {
			return
		}
		end()
		ctx, cancel := context.WithCancel(n.ctx)
		end = cancel
		told := make(chan struct{})
		rounds.Go(func() {
			n.HelloAll(ctx)
			close(told)
		})
		answers := time.NewTimer(suspectAfter)
		select { // who answers soon is told all, however often it changes
		case <-told:
		case <-answers.C:
		case <-n.ctx.Done():
		}
		answers.Stop()
	}
}

// elapse passes d, and reports whether ctx has not ended before.
func elapse(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
