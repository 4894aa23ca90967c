package p2p

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// AnnounceFault is what keeps others from reaching an announced address, as far as that shows without
// dialing it.
type AnnounceFault int

// The faults. Those up to AnnounceNowhere can never work; the others may be mended elsewhere, in the
// name's zone or at the router.
const (
	AnnounceMalformed  AnnounceFault = iota + 1 // no multiaddr, or not one of a host, a port and a transport
	AnnounceNowhere                             // 0.0.0.0, ::, port 0: nobody can dial it
	AnnounceUnresolved                          // the name has no address
	AnnounceUnchecked                           // the name could not be looked up now
	AnnounceLoopback                            // this machine alone
	AnnouncePrivate                             // one network alone
	AnnounceUnroutable                          // a block in which nobody is, such as that of examples
)

// Never reports that an address with this fault works at no time, whatever is done elsewhere.
func (f AnnounceFault) Never() bool { return f == AnnounceMalformed || f == AnnounceNowhere }

// AnnounceCheck is what can be known of an announced address before anybody has dialed it.
type AnnounceCheck struct {
	Address string        // as announced
	Name    string        // to be looked up; "" = the address has none
	IPs     []netip.Addr  // what the name resolves to, or the address itself
	Fault   AnnounceFault // 0 = none found
	Why     string        // the fault and the next step, for the owner
}

// Resolver looks names up; net.DefaultResolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// lookupTimeout bounds the lookup of one name.
const lookupTimeout = 5 * time.Second

// CheckAnnounce judges one address that an owner wants to announce. It dials nobody: whether the
// address is reached from outside, only a dial from outside shows (see [Reach]). With a nil Resolver
// it judges the form alone, and asks nobody.
func CheckAnnounce(ctx context.Context, r Resolver, addr string) AnnounceCheck {
	c := AnnounceCheck{Address: addr}
	a, err := ma.NewMultiaddr(addr)
	if err != nil || len(a) == 0 {
		return c.fault(AnnounceMalformed, "it is no address of the network; write it like /dns4/shop.example/tcp/7351 or /ip4/192.0.2.7/tcp/7351")
	}
	if c.form(a); c.Fault != 0 {
		return c
	}
	host := a[0]
	switch host.Protocol().Code {
	case ma.P_IP4, ma.P_IP6:
		if ip, ok := netip.AddrFromSlice(host.RawValue()); ok {
			c.IPs = []netip.Addr{ip}
		}
	case ma.P_DNSADDR: // its zone lists whole addresses, as TXT records
		c.Name = host.Value()
		return c
	default:
		if c.Name = host.Value(); r == nil {
			return c
		}
		c.lookUp(ctx, r, host)
	}
	if c.Fault == 0 {
		c.carries()
	}
	return c
}

// CheckAnnounced is CheckAnnounce for each address of a list, all at once.
func CheckAnnounced(ctx context.Context, r Resolver, list []string) []AnnounceCheck {
	checks := make([]AnnounceCheck, len(list))
	var work sync.WaitGroup
	for i, addr := range list {
		work.Go(func() { checks[i] = CheckAnnounce(ctx, r, addr) })
	}
	work.Wait()
	return checks
}

// LacksTCP reports that every address of a list is UDP's. Where a firewall drops UDP, nobody reaches
// such a shop.
func LacksTCP(list []string) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(s string) bool {
		a, err := ma.NewMultiaddr(s)
		return err != nil || protocolAt(a, 1) == ma.P_TCP
	})
}

func (c AnnounceCheck) fault(f AnnounceFault, format string, args ...any) AnnounceCheck {
	c.Fault, c.Why = f, fmt.Sprintf(format, args...)
	return c
}

// form looks whether the address is one of a host, a port and a transport on which this program
// listens.
func (c *AnnounceCheck) form(a ma.Multiaddr) {
	if isCircuit(a) {
		*c = c.fault(AnnounceMalformed, "it is a way through a relay; those are told without being announced, so leave it out")
		return
	}
	switch protocolAt(a, 0) {
	case ma.P_IP4, ma.P_IP6, ma.P_DNS, ma.P_DNS4, ma.P_DNS6:
	case ma.P_DNSADDR:
		return
	default:
		*c = c.fault(AnnounceMalformed, "it names no host; write it like /dns4/shop.example/tcp/7351 or /ip4/192.0.2.7/tcp/7351")
		return
	}
	host := "/" + a[0].Protocol().Name + "/" + a[0].Value()
	switch transport := protocolAt(a, 1); {
	case transport != ma.P_TCP && transport != ma.P_UDP:
		*c = c.fault(AnnounceMalformed, "it lacks a port; write %s/tcp/7351, with the port at which others reach this shop", host)
	case a[1].Value() == "0":
		*c = c.fault(AnnounceNowhere, "nobody can dial port 0; name the port at which others reach this shop, such as %s/tcp/7351", host)
	case transport == ma.P_UDP && protocolAt(a, 2) != ma.P_QUIC_V1:
		*c = c.fault(AnnounceMalformed, "UDP alone is no transport; write %s/udp/%s/quic-v1, and %s/tcp/%s beside it", host, a[1].Value(), host, a[1].Value())
	}
}

func protocolAt(a ma.Multiaddr, i int) int {
	if i >= len(a) {
		return 0
	}
	return a[i].Protocol().Code
}

func (c *AnnounceCheck) lookUp(ctx context.Context, r Resolver, host ma.Component) {
	network, kind, record := "ip", "", "an A or AAAA record"
	switch host.Protocol().Code {
	case ma.P_DNS4:
		network, kind, record = "ip4", "IPv4 ", "an A record"
	case ma.P_DNS6:
		network, kind, record = "ip6", "IPv6 ", "an AAAA record"
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	found, err := r.LookupNetIP(ctx, network, c.Name)
	var notFound *net.DNSError
	switch {
	case err == nil && len(found) > 0:
		for _, ip := range found {
			c.IPs = append(c.IPs, ip.Unmap())
		}
	case err == nil, errors.As(err, &notFound) && notFound.IsNotFound:
		*c = c.fault(AnnounceUnresolved, "the name %s has no %saddress; give it %s with the public address of this network, or announce that address itself", c.Name, kind, record)
	default:
		*c = c.fault(AnnounceUnchecked, "the name %s could not be looked up now (%s); see whether this machine is online and the name's servers answer", c.Name, strings.Join(strings.Fields(err.Error()), " "))
	}
}

// carries looks how far the addresses carry. One that carries far enough suffices: a name may have an
// address in a private network besides.
func (c *AnnounceCheck) carries() {
	var worst netip.Addr
	for _, ip := range c.IPs {
		a, err := manet.FromIP(ip.AsSlice())
		if err == nil && manet.IsPublicAddr(a) {
			return
		}
		worst = ip
	}
	what := worst.String()
	if c.Name != "" {
		what = c.Name + " is " + what + ", which"
	}
	a, err := manet.FromIP(worst.AsSlice())
	switch {
	case worst.IsUnspecified():
		*c = c.fault(AnnounceNowhere, "%s means every address of a machine, and nobody can dial that; announce the public name or address", what)
	case worst.IsLoopback():
		*c = c.fault(AnnounceLoopback, "%s is this machine's own loopback, and no other machine reaches it; announce the public name or address, or nothing", what)
	case err == nil && manet.IsPrivateAddr(a):
		*c = c.fault(AnnouncePrivate, "%s is an address of a private network, and nobody outside reaches it; announce the router's public name or address and forward the port to this machine, or announce nothing: hub and members relay then", what)
	default:
		*c = c.fault(AnnounceUnroutable, "%s is of a block that is kept for special use, and nobody reaches it; announce the public name or address", what)
	}
}
