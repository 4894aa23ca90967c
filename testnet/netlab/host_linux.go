package netlab

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
)

// wire is the name of a host's only interface, and of a router's that leads to the internet.
const wire = "wan"

// Host is a machine with one network interface.
type Host struct {
	lab    *Lab
	name   string
	ns     namespace
	on     *Segment
	stack  Stack
	v4, v6 netip.Addr
}

// Host makes a host and attaches it to a wire.
func (l *Lab) Host(name string, on *Segment, stack Stack) *Host {
	l.t.Helper()
	h := &Host{lab: l, name: name, ns: l.namespace(name), on: on, stack: stack}
	on.attach(h.ns, wire)
	h.v4, h.v6 = on.address(h.ns, wire, stack)
	return h
}

// Name is the host's name in its lab.
func (h *Host) Name() string { return h.name }

// Namespace is the host's name on the machine: ip netns exec NAMESPACE PROGRAM.
func (h *Host) Namespace() string { return string(h.ns) }

// Addr is the host's IPv4 address or, without one, its IPv6 address.
func (h *Host) Addr() netip.Addr {
	if h.v4.IsValid() {
		return h.v4
	}
	return h.v6
}

// Addr6 is the host's IPv6 address, not valid where it has none.
func (h *Host) Addr6() netip.Addr { return h.v6 }

// Readdress gives the host another address on the same wire. The old one is gone.
func (h *Host) Readdress() {
	h.lab.t.Helper()
	h.v4, h.v6 = h.on.address(h.ns, wire, h.stack)
}

// Move unplugs the host and attaches it to another wire, as who carries a machine from one
// place to another does.
func (h *Host) Move(to *Segment) {
	h.lab.t.Helper()
	h.lab.must(h.ns.ip("link", "delete", wire))
	h.on = to
	to.attach(h.ns, wire)
	h.Readdress()
}

// Silence drops all that the host sends and receives: for others it is gone, and nothing
// tells them.
func (h *Host) Silence() {
	h.lab.t.Helper()
	h.lab.must(h.ns.nft(`table inet silence {
		chain in { type filter hook input priority 0; iifname != "lo" drop; }
		chain out { type filter hook output priority 0; oifname != "lo" drop; }
	}`))
}

// Command is a program that runs on the host. It has the process ID of the program itself.
func (h *Host) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", string(h.ns), name}, args...)...)
}

// Inside runs f on a thread that is on the host. Sockets that f opens, to addresses and not
// to names, stay there; a goroutine that f starts does not.
func (h *Host) Inside(f func() error) error { return h.ns.inside(f) }

// Traffic is the number of bytes that the host has received and sent by its wire, Ethernet
// headers included, since it was attached to it.
func (h *Host) Traffic() (received, sent uint64, err error) {
	var text []byte
	if err := h.Inside(func() (err error) {
		text, err = os.ReadFile("/proc/thread-self/net/dev")
		return err
	}); err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		name, counts, _ := strings.Cut(line, ":")
		if strings.TrimSpace(name) != wire {
			continue
		}
		// bytes packets errs drop fifo frame compressed multicast, twice; see proc(5).
		var skip uint64
		_, err := fmt.Sscan(counts, &received, &skip, &skip, &skip, &skip, &skip, &skip, &skip, &sent)
		return received, sent, err
	}
	return 0, 0, fmt.Errorf("%s has no interface %s", h.ns, wire)
}
