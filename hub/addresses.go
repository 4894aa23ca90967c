package hub

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/protocol/p2p"
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
	for _, h := range hosts {
		out = append(out, tcpAddr(h, port), quicAddr(h, port))
	}
	return out
}

func tcpAddr(host string, port int) string { return hostAddr(host) + "/tcp/" + strconv.Itoa(port) }
func quicAddr(host string, port int) string {
	return hostAddr(host) + "/udp/" + strconv.Itoa(port) + "/quic-v1"
}

// hostAddr is a name or an IP address as a multiaddr begins with it.
func hostAddr(host string) string {
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return "/dns/" + host
	case ip.Is4():
		return "/ip4/" + ip.String()
	default:
		return "/ip6/" + ip.String()
	}
}

// sharedAddrs are the addresses of hosts at the shared port; none where there is no such port.
func (c Config) sharedAddrs(hosts []string) []string {
	if c.SharedPort == 0 {
		return nil
	}
	var out []string
	for _, h := range hosts {
		out = append(out, tcpAddr(h, c.SharedPort))
	}
	return out
}

// webAddrs are the addresses of both hosts behind web servers.
func (c Config) webAddrs() []string {
	var out []string
	for _, name := range c.WebNames {
		out = append(out, tcpAddr(name, webPort)+"/tls/ws")
	}
	return out
}

const webPort = 443

// sharedListens are the addresses at which this machine listens for the shared port.
func (c Config) sharedListens() []string {
	if at, err := netip.ParseAddrPort(c.SharedListen); err == nil {
		return []string{tcpAddr(at.Addr().String(), int(at.Port()))}
	}
	return c.sharedAddrs(c.Listen)
}

// invited are the addresses of one of the hub's hosts, with a port of its own, that an invite names.
// Shops of every version refuse an invite with more than membership.MaxHubAddrs. With a shared port,
// what is left out is what others can stand in for: each of maxAnnounce names keeps its shared port,
// which gets through firewalls, then come web servers, QUIC, which punches holes, and the host's own TCP port.
func (c Config) invited(hosts []string, port int) []string {
	addrs := multiaddrs(hosts, port)
	if c.SharedPort != 0 || len(c.WebNames) > 0 {
		hosts = hosts[:min(len(hosts), maxAnnounce)]
		addrs = append(c.sharedAddrs(hosts), c.webAddrs()...)
		for _, of := range []func(string, int) string{quicAddr, tcpAddr} {
			for _, h := range hosts {
				addrs = append(addrs, of(h, port))
			}
		}
	}
	return addrs[:min(len(addrs), membership.MaxHubAddrs)]
}

// advertised says where shops reach a hub of this configuration: under the announced names, else
// under interfaces, this machine's addresses.
func (c Config) advertised(open, closed exchange.ShopID, interfaces []netip.Addr) membership.Hub {
	hosts := c.Announce
	if len(hosts) == 0 {
		hosts = listening(c.Listen, interfaces)
	}
	return membership.Hub{
		Open:   membership.HubHost{Peer: open, Addrs: c.invited(hosts, c.OpenPort)},
		Closed: membership.HubHost{Peer: closed, Addrs: c.invited(hosts, c.ClosedPort)},
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

// interfaceAddrs are the machine's addresses.
func interfaceAddrs() ([]netip.Addr, error) {
	list, err := p2p.MachineAddresses()
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInternal, "this machine's addresses cannot be read; set announce in %s: %w", configFile, err)
	}
	return list, nil
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
