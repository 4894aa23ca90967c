package p2p

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
	madns "github.com/multiformats/go-multiaddr-dns"
	manet "github.com/multiformats/go-multiaddr/net"
)

// nameResolver is libp2p's resolver of names. It keeps what it found last of each name, for libp2p only
// logs that a name was not found, and names no name in the errors of its addresses. It is safe for
// concurrent use.
type nameResolver struct {
	network.MultiaddrDNSResolver

	mu    sync.Mutex
	found map[string]lookup // guarded by mu; at most maxNames
}

// lookup is what was found of a name.
type lookup struct {
	ips []net.IP
	err error
}

func newNameResolver() *nameResolver {
	return &nameResolver{
		MultiaddrDNSResolver: swarm.ResolverFromMaDNS{Resolver: madns.DefaultResolver}, found: map[string]lookup{},
	}
}

var errNoRecord = errors.New("it has no address")

// ResolveDNSComponent implements libp2p's MultiaddrDNSResolver.
func (r *nameResolver) ResolveDNSComponent(ctx context.Context, a ma.Multiaddr, limit int) ([]ma.Multiaddr, error) {
	addrs, err := r.MultiaddrDNSResolver.ResolveDNSComponent(ctx, a, limit)
	if errors.Is(ctx.Err(), context.Canceled) {
		return addrs, err // who broke off has learnt nothing of the name
	}
	l := lookup{err: err}
	for _, addr := range addrs {
		if ip, err := manet.ToIP(addr); err == nil {
			l.ips = append(l.ips, ip)
		}
	}
	if err == nil && len(l.ips) == 0 {
		l.err = errNoRecord
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.found) >= maxNames {
		clear(r.found)
	}
	r.found[dnsName(a)] = l
	return addrs, err
}

// moves waits until a name in addrs leads elsewhere than at first, looking it up every lookUpAgain, and
// reports false when ctx ends before, or where there is no name.
func (r *nameResolver) moves(ctx context.Context, addrs []ma.Multiaddr) bool {
	named := slices.DeleteFunc(slices.Clone(addrs), func(a ma.Multiaddr) bool { return dnsName(a) == "" })
	if len(named) == 0 {
		return false
	}
	first := r.lookUp(ctx, named)
	for elapse(ctx, lookUpAgain) {
		now := r.lookUp(ctx, named)
		if len(first) == 0 {
			first = now
		}
		if len(now) > 0 && !slices.Equal(now, first) {
			return true
		}
	}
	return false
}

// lookUp is where names lead now, sorted; nothing where one is not found.
func (r *nameResolver) lookUp(ctx context.Context, named []ma.Multiaddr) (found []string) {
	for _, a := range named {
		addrs, err := r.ResolveDNSComponent(ctx, a, relayAddrs)
		if err != nil {
			return nil
		}
		found = append(found, addrStrings(addrs)...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// dnsName is the name at the beginning of a; "" where there is none.
func dnsName(a ma.Multiaddr) string {
	if len(a) == 0 {
		return ""
	}
	switch a[0].Protocol().Code {
	case ma.P_DNS, ma.P_DNS4, ma.P_DNS6:
		return a[0].Value()
	}
	return ""
}

// missing is why a name was not found when it was last looked for; nil where it was.
func (r *nameResolver) missing(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.found[name].err
}

// place is an address in words, with the name that led to it.
func (r *nameResolver) place(a ma.Multiaddr) string {
	ip, err := manet.ToIP(a)
	if err != nil {
		return addressText(a)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, l := range r.found {
		for _, known := range l.ips {
			if known.Equal(ip) {
				return name + " at " + addressText(a)
			}
		}
	}
	return addressText(a)
}
