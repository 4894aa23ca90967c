package netlab

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
)

// Segment is a wire: who is attached to it reaches all others on it directly.
type Segment struct {
	lab      *Lab
	bridge   string // of the lab's wires
	v4, v6   netip.Prefix
	gateway4 netip.Addr
	gateway6 netip.Addr
	step     int // between one host's address and the next
	given    int // addresses so far
	ports    int
}

// Stack is the versions of IP that a host speaks.
type Stack int

const (
	IPv4 Stack = 1 << iota
	IPv6
	Dual = IPv4 | IPv6
)

// newSegment lays a wire with nobody on it.
func (l *Lab) newSegment(v4, v6 netip.Prefix, gateway4, gateway6 netip.Addr) *Segment {
	l.t.Helper()
	l.segments++
	s := &Segment{lab: l, bridge: "wire" + strconv.Itoa(l.segments), v4: v4, v6: v6, gateway4: gateway4, gateway6: gateway6, step: 1, given: 9}
	l.must(l.wires.ip("link", "add", s.bridge, "type", "bridge"))
	l.must(l.wires.ip("link", "set", s.bridge, "up"))
	return s
}

// newInternet lays the wire of public addresses. Its gateway knows the networks behind
// routers that translate nothing; all else it drops in silence, as the world does with
// private addresses.
func (l *Lab) newInternet() *Segment {
	l.t.Helper()
	s := l.newSegment(
		netip.MustParsePrefix("77.1.0.0/16"), netip.MustParsePrefix("2a05:1::/64"),
		netip.MustParseAddr("77.1.255.254"), netip.MustParseAddr("2a05:1::ffff"))
	// Hosts stand in networks of their own: 77.1.1.10, 77.1.2.10, …
	s.step, s.given = 256, 10
	for _, v := range []struct{ name, value string }{
		{"net/ipv4/ip_forward", "1"},
		{"net/ipv6/conf/all/forwarding", "1"},
		{"net/ipv4/conf/all/send_redirects", "0"},
		{"net/ipv4/conf/" + s.bridge + "/send_redirects", "0"},
	} {
		l.must(l.wires.write(v.name, v.value))
	}
	l.must(l.wires.ip("addr", "add", netip.PrefixFrom(s.gateway4, s.v4.Bits()).String(), "dev", s.bridge))
	l.must(l.wires.ip("addr", "add", netip.PrefixFrom(s.gateway6, s.v6.Bits()).String(), "dev", s.bridge, "nodad"))
	l.must(l.wires.ip("route", "add", "blackhole", "default"))
	l.must(l.wires.ip("-6", "route", "add", "blackhole", "default"))
	return s
}

// next gives out addresses that nobody on the wire has had.
func (s *Segment) next() (v4, v6 netip.Addr) {
	s.given += s.step
	return plus(s.v4.Addr(), s.given), plus(s.v6.Addr(), s.given)
}

// plus is the n-th address after a network's first.
func plus(a netip.Addr, n int) netip.Addr {
	if !a.IsValid() {
		return a
	}
	b := a.AsSlice()
	for i := range slices.Backward(b) {
		n += int(b[i])
		b[i] = byte(n)
		n >>= 8
	}
	sum, _ := netip.AddrFromSlice(b)
	return sum
}

// attach plugs a namespace into the wire by a new interface of that name, without address.
func (s *Segment) attach(ns namespace, name string) {
	l := s.lab
	l.t.Helper()
	s.ports++
	port := fmt.Sprintf("%s-%d", s.bridge, s.ports)
	l.must(l.wires.ip("link", "add", port, "type", "veth", "peer", "name", name, "netns", string(ns)))
	l.must(l.wires.ip("link", "set", port, "master", s.bridge, "up"))
	l.must(ns.ip("link", "set", name, "up"))
}

// address gives an interface on the wire new addresses, in place of those that it has, and
// makes the wire's gateway the way to everywhere else.
func (s *Segment) address(ns namespace, name string, stack Stack) (v4, v6 netip.Addr) {
	l := s.lab
	l.t.Helper()
	l.must(ns.ip("addr", "flush", "dev", name, "scope", "global"))
	a4, a6 := s.next()
	if stack&IPv4 != 0 {
		v4 = a4
		l.must(ns.ip("addr", "add", netip.PrefixFrom(v4, s.v4.Bits()).String(), "dev", name))
		l.must(ns.ip("route", "replace", "default", "via", s.gateway4.String()))
	}
	if stack&IPv6 != 0 {
		if !s.v6.IsValid() {
			l.t.Fatalf("%s has no IPv6", s.bridge)
		}
		v6 = a6
		l.must(ns.ip("addr", "add", netip.PrefixFrom(v6, s.v6.Bits()).String(), "dev", name, "nodad"))
		l.must(ns.ip("-6", "route", "replace", "default", "via", s.gateway6.String()))
	}
	return v4, v6
}
