package hub

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
)

// reach grades how far an address carries, best first.
type reach int

const (
	worldwide reach = iota // a public address, or a name
	local                  // within one network
	machine                // the loopback
)

// multiaddrs are the addresses of hosts on a port, TCP and QUIC.
func multiaddrs(hosts []string, port int) []string {
	var out []string
	p := strconv.Itoa(port)
	for _, h := range hosts {
		proto := "dns"
		if ip, err := netip.ParseAddr(h); err == nil {
			proto = "ip6"
			if h = ip.String(); ip.Is4() {
				proto = "ip4"
			}
		}
		out = append(out, "/"+proto+"/"+h+"/tcp/"+p, "/"+proto+"/"+h+"/udp/"+p+"/quic-v1")
	}
	return out
}

// advertised says where shops reach a hub of this configuration: under the announced names, else
// under interfaces, this machine's addresses.
func (c Config) advertised(open, closed exchange.ShopID, interfaces []netip.Addr) membership.Hub {
	hosts := c.Announce
	if len(hosts) == 0 {
		hosts = listening(c.Listen, interfaces)
	}
	fit := func(port int) []string {
		addrs := multiaddrs(hosts, port)
		return addrs[:min(len(addrs), membership.MaxHubAddrs)]
	}
	return membership.Hub{
		Open:   membership.HubHost{Peer: open, Addrs: fit(c.OpenPort)},
		Closed: membership.HubHost{Peer: closed, Addrs: fit(c.ClosedPort)},
	}
}

// listening replaces 0.0.0.0 and :: by the machine's addresses, best reach first. The loopback is
// left out where there is another address.
func listening(listen []string, interfaces []netip.Addr) []string {
	var found []netip.Addr
	for _, l := range listen {
		ip, err := netip.ParseAddr(l)
		switch {
		case err != nil:
		case !ip.IsUnspecified():
			found = append(found, ip.Unmap())
		default:
			for _, i := range interfaces {
				if i.Is4() == ip.Is4() {
					found = append(found, i)
				}
			}
		}
	}
	slices.SortStableFunc(found, func(a, b netip.Addr) int { return int(reachOf(a) - reachOf(b)) })
	found = slices.Compact(found)
	if i := slices.IndexFunc(found, func(a netip.Addr) bool { return reachOf(a) == machine }); i > 0 {
		found = found[:i]
	}
	hosts := make([]string, len(found))
	for i, a := range found {
		hosts[i] = a.String()
	}
	return hosts
}

// interfaceAddrs are the machine's addresses without the link-local ones, which only neighbours on
// one link can dial.
func interfaceAddrs() ([]netip.Addr, error) {
	nets, err := net.InterfaceAddrs()
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInternal, "this machine's addresses cannot be read; set announce in %s: %w", configFile, err)
	}
	var out []netip.Addr
	for _, n := range nets {
		p, err := netip.ParsePrefix(n.String())
		if err != nil || p.Addr().IsLinkLocalUnicast() {
			continue
		}
		out = append(out, p.Addr().Unmap())
	}
	return out, nil
}

// sharedSpace is the address space of carriers' own NAT (RFC 6598): as private as a local network.
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

func reachOf(ip netip.Addr) reach {
	switch {
	case ip.IsLoopback():
		return machine
	case ip.IsPrivate(), ip.IsLinkLocalUnicast(), sharedSpace.Contains(ip):
		return local
	}
	return worldwide
}

// reachOfAddrs is the best reach among multiaddrs; names count as worldwide.
func reachOfAddrs(addrs []string) reach {
	best := machine
	for _, a := range addrs {
		parts := strings.Split(a, "/")
		if len(parts) < 3 {
			continue
		}
		r := worldwide
		if ip, err := netip.ParseAddr(parts[2]); err == nil {
			r = reachOf(ip)
		}
		best = min(best, r)
	}
	return best
}

// withPeer appends /p2p/<peer> to each address of a host.
func withPeer(h membership.HubHost) []string {
	out := make([]string, len(h.Addrs))
	for i, a := range h.Addrs {
		out[i] = a + "/p2p/" + h.Peer.String()
	}
	return out
}
