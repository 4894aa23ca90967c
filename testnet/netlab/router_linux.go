package netlab

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// NAT is how a router translates the addresses of what goes out.
type NAT int

const (
	// NoNAT translates nothing. What is behind the router has addresses of its own there.
	NoNAT NAT = iota
	// EasyNAT keeps ports where it can, one for all destinations, and lets in only answers
	// of whom was written to: "endpoint-independent mapping, address and port-dependent
	// filtering" in the words of RFC 4787, as of most routers at home.
	EasyNAT
	// HardNAT takes another port at random for each destination (RFC 4787: "address and
	// port-dependent mapping"; also "symmetric"), as large offices and carriers do.
	HardNAT
)

// Forward is a port of a router that leads to a host behind it, by TCP and UDP.
type Forward struct {
	Port uint16
	To   netip.Addr
}

// Rules are what a router does with what it is to pass on. In every case what comes from
// outside and answers nothing is dropped, unless it is forwarded.
type Rules struct {
	NAT      NAT
	Forwards []Forward
	// Out lists what may go out, as matches of nft; if it is empty, everything.
	Out []string
	// Drop lists what is dropped in any direction, as matches of nft. Outside is the
	// interface "wan", the LANs are "lan1", "lan2", ….
	Drop []string
	// Loss is how many packets of a hundred are lost, each way.
	Loss int
	// Portal, if it is not 0, is a TCP port of the router itself to which all connections of
	// those inside lead, wherever they wanted to go; everything else of theirs is dropped. So
	// do networks that want a login first.
	Portal uint16
	// Silent routers never say that they dropped something, or that it was too large.
	Silent bool
	// Apart keeps the LANs from each other, as a network for guests is kept.
	Apart bool
}

// Matches of nft for Rules.Out and Rules.Drop.
const (
	HTTPS = "tcp dport 443"
	UDP   = "meta l4proto udp"
)

// text is the rules as nft reads them.
func (r Rules) text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("flush ruleset")
	line("table ip nat {")
	line("chain prerouting { type nat hook prerouting priority -100;")
	for _, f := range r.Forwards {
		for _, protocol := range []string{"tcp", "udp"} {
			line("iifname %q %s dport %d dnat to %s:%d", wire, protocol, f.Port, f.To, f.Port)
		}
	}
	if r.Portal != 0 {
		line("iifname \"lan*\" meta l4proto tcp redirect to :%d", r.Portal)
	}
	line("}")
	line("chain postrouting { type nat hook postrouting priority 100;")
	switch r.NAT {
	case EasyNAT:
		line("oifname %q masquerade", wire)
	case HardNAT:
		line("oifname %q masquerade fully-random", wire)
	}
	line("}")
	line("}")
	line("table inet filter {")
	line("chain input { type filter hook input priority 0;")
	line("iifname %q ct state != { established, related } meta l4proto { tcp, udp } drop", wire)
	line("}")
	line("chain output { type filter hook output priority 0;")
	if r.Silent {
		line("icmp type { destination-unreachable, time-exceeded } drop")
		line("icmpv6 type { destination-unreachable, packet-too-big, time-exceeded } drop")
	}
	line("}")
	line("chain forward { type filter hook forward priority 0;")
	if r.Loss > 0 {
		for _, way := range []string{"iifname", "oifname"} {
			line("%s %q numgen random mod 100 < %d drop", way, wire, r.Loss)
		}
	}
	if r.Portal != 0 {
		line("oifname %q drop", wire)
	}
	for _, match := range r.Drop {
		line("%s drop", match)
	}
	if len(r.Out) > 0 {
		for _, match := range r.Out {
			line("oifname %q ct direction original %s accept", wire, match)
		}
		line("oifname %q ct direction original drop", wire)
	}
	line("ct state { established, related } accept")
	line("ct status dnat accept")
	line("iifname %q drop", wire)
	if r.Apart {
		line("iifname \"lan*\" oifname \"lan*\" drop")
	}
	line("}")
	line("}")
	return b.String()
}

// Router stands between a wire, which is outside, and its LANs.
type Router struct {
	Host
	rules Rules
	lans  map[int]*Segment
}

// Router makes a router. Outside is the internet, or a LAN of another router. It has no LAN
// before it is asked for one.
func (l *Lab) Router(name string, outside *Segment, rules Rules) *Router {
	l.t.Helper()
	stack := IPv4
	if outside.v6.IsValid() {
		stack = Dual
	}
	r := &Router{Host: *l.Host(name, outside, stack), lans: map[int]*Segment{}}
	l.must(r.ns.write("net/ipv4/ip_forward", "1"))
	l.must(r.ns.write("net/ipv6/conf/all/forwarding", "1"))
	r.Set(rules)
	return r
}

// Set replaces the router's rules. Connections that it has let through go on where the new
// rules do not drop their packets.
func (r *Router) Set(rules Rules) {
	r.lab.t.Helper()
	r.rules = rules
	r.lab.must(r.ns.nft(rules.text()))
}

// Rules are the rules in force.
func (r *Router) Rules() Rules { return r.rules }

// LAN is the router's LAN of that number, 192.168.N.0/24. It is the same network behind every
// router: who has an address there is not reached by it from elsewhere.
func (r *Router) LAN(n int) *Segment {
	r.lab.t.Helper()
	return r.lan(n, netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, byte(n), 0}), 24), netip.Prefix{})
}

// CarrierLAN is the network between a carrier's router and those of its customers
// (RFC 6598), in place of LAN 1.
func (r *Router) CarrierLAN() *Segment {
	r.lab.t.Helper()
	return r.lan(1, netip.MustParsePrefix("100.64.0.0/10"), netip.Prefix{})
}

// PublicLAN is a network of public addresses, of both versions of IP, behind a router that
// does not translate them, in place of LAN 1.
func (r *Router) PublicLAN() *Segment {
	r.lab.t.Helper()
	if s := r.lans[1]; s != nil {
		return s
	}
	l := r.lab
	n := r.v4.As4()[2] // hosts on the internet differ in it
	v4 := netip.PrefixFrom(netip.AddrFrom4([4]byte{77, 2, n, 0}), 24)
	v6 := netip.PrefixFrom(netip.AddrFrom16([16]byte{0x2a, 0x05, 0, 1, 0, n}), 64)
	s := r.lan(1, v4, v6)
	l.must(l.wires.ip("route", "add", v4.String(), "via", r.v4.String()))
	l.must(l.wires.ip("-6", "route", "add", v6.String(), "via", r.v6.String()))
	return s
}

func (r *Router) lan(n int, v4, v6 netip.Prefix) *Segment {
	l := r.lab
	l.t.Helper()
	if s := r.lans[n]; s != nil {
		return s
	}
	s := l.newSegment(v4, v6, plus(v4.Addr(), 1), plus(v6.Addr(), 1))
	name := "lan" + strconv.Itoa(n)
	s.attach(r.ns, name)
	l.must(r.ns.ip("addr", "add", netip.PrefixFrom(s.gateway4, v4.Bits()).String(), "dev", name))
	if v6.IsValid() {
		l.must(r.ns.ip("addr", "add", netip.PrefixFrom(s.gateway6, v6.Bits()).String(), "dev", name, "nodad"))
	}
	r.lans[n] = s
	return s
}

// Narrow makes the line between the router and outside carry packets of at most that many
// bytes. Outside must be a LAN of a router: that one is told, too.
func (r *Router) Narrow(outer *Router, mtu int) {
	r.lab.t.Helper()
	r.lab.must(r.ns.ip("link", "set", wire, "mtu", strconv.Itoa(mtu)))
	r.lab.must(outer.ns.ip("link", "set", "lan1", "mtu", strconv.Itoa(mtu)))
}

// Forget makes the router lose all connections that it knows, as when it restarts.
func (r *Router) Forget() {
	r.lab.t.Helper()
	_, err := tool("", "ip", "netns", "exec", string(r.ns), "conntrack", "-F")
	r.lab.must(err)
}

// Readdress gives the router another address outside, and makes it forget its connections,
// as when the line to the provider was lost.
func (r *Router) Readdress() {
	r.lab.t.Helper()
	r.Host.Readdress()
	r.Forget()
}
