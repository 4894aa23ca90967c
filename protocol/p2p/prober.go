package p2p

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/transport"
	ma "github.com/multiformats/go-multiaddr"
	madns "github.com/multiformats/go-multiaddr-dns"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/souk-market/souk/exchange"
)

// prober dials members back at addresses that they name, to tell them where they are reached from
// outside. It dials from a host and key of its own, on ports that no router of theirs has let in before,
// and ends each connection when the member has proven its key. The member's gate then closes the
// connection, too, because the key is no member's: nothing but the handshake is needed.
type prober struct {
	*base
	slots chan struct{} // capacity probesAtOnce

	budgets *budgets

	mu     sync.Mutex
	host   host.Host // guarded by mu; made at the first probe
	closed bool      // guarded by mu
}

func newProber(b *base) *prober {
	return &prober{base: b, slots: make(chan struct{}, probesAtOnce), budgets: newBudgets(probeRate, probeBurst)}
}

var errNotPublic = errors.New("it is an address of a private network, which nobody outside can reach")

// probe dials p at each address that is public. Others are of the own network, or of this machine:
// members have no business there, and one that comes through a proxy comes from there, too.
func (pr *prober) probe(ctx context.Context, p peer.ID, addrs []ma.Multiaddr) ([]probeResult, error) {
	if !pr.budgets.allow(p) {
		return nil, exchange.Errorf(exchange.CodeLimit, "too many probes; ask again later")
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	select {
	case pr.slots <- struct{}{}:
		defer func() { <-pr.slots }()
	case <-ctx.Done():
		return nil, exchange.Errorf(exchange.CodeUnavailable, "too many probes are under way; ask again later")
	}
	dialer, err := pr.dialer()
	if err != nil {
		return nil, err
	}
	results := make([]probeResult, len(addrs))
	var work sync.WaitGroup
	for i, a := range addrs {
		work.Go(func() {
			if err := dialOne(ctx, dialer, a, p, false); err != nil {
				results[i].why = whyNot(a, err)
			} else {
				results[i].reached = true
			}
		})
	}
	work.Wait()
	return results, nil
}

// dialer is the host that dials, made when it is needed for the first time.
func (pr *prober) dialer() (transports, error) {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	if pr.closed {
		return nil, exchange.Errorf(exchange.CodeUnavailable, "the node is stopping")
	}
	if pr.host == nil {
		key, _, err := crypto.GenerateEd25519Key(rand.Reader)
		if err != nil {
			return nil, err
		}
		resources, err := newResources(probesAtOnce*maxProbeAddrs, false)
		if err != nil {
			return nil, err
		}
		pr.host, err = libp2p.New(append(append(baseOptions(key), tcpOption(nil, closedSide), libp2p.NoListenAddrs, libp2p.DisableRelay(), libp2p.DisableMetrics(),
			libp2p.ResourceManager(resources)), pr.cfg.HostOptions...)...)
		if err != nil {
			return nil, err
		}
	}
	t, ok := pr.host.Network().(transports)
	if !ok {
		return nil, errNoTransport
	}
	return t, nil
}

func (pr *prober) close() {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	pr.closed = true
	if pr.host != nil {
		_ = pr.host.Close()
	}
}

// transports finds the transport for an address: libp2p's swarm does.
type transports interface {
	TransportForDialing(a ma.Multiaddr) transport.Transport
}

var errNoTransport = errors.New("this program has no transport for such an address")

// dialOne dials p at one address, beside all connections, and hangs up when p has proven its key. The
// machines of a name are dialed at once: one that is silent hides none. Of addresses that are not public
// only those are dialed that near allows.
func dialOne(ctx context.Context, via transports, a ma.Multiaddr, p peer.ID, near bool) error {
	addrs, err := lookedUp(ctx, via, a)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	outcomes := make(chan error, len(addrs))
	for _, one := range addrs {
		go func() { outcomes <- dialMachine(ctx, via, one, p, near) }()
	}
	for range addrs {
		if err = <-outcomes; err == nil {
			return nil
		}
	}
	return err
}

func dialMachine(ctx context.Context, via transports, a ma.Multiaddr, p peer.ID, near bool) error {
	if !near && !manet.IsPublicAddr(a) {
		return errNotPublic
	}
	t := via.TransportForDialing(a)
	if t == nil {
		return errNoTransport
	}
	c, err := t.Dial(ctx, a, p)
	if err == nil {
		_ = c.Close()
	}
	return err
}

// lookedUp are the addresses of machines to which an address leads: names are looked up, and those that
// the records of a /dnsaddr have.
func lookedUp(ctx context.Context, via transports, a ma.Multiaddr) ([]ma.Multiaddr, error) {
	found := []ma.Multiaddr{a}
	for range 2 {
		var further []ma.Multiaddr
		for _, one := range found {
			more, err := lookUpOnce(ctx, via, one)
			if err != nil {
				return nil, err
			}
			further = append(further, more...)
		}
		found = further[:min(len(further), relayAddrs)]
	}
	found = slices.DeleteFunc(found, isName)
	if len(found) == 0 {
		return nil, errNoRecord
	}
	return found, nil
}

func isName(a ma.Multiaddr) bool { return madns.Matches(a) && !isCircuit(a) }

func lookUpOnce(ctx context.Context, via transports, a ma.Multiaddr) ([]ma.Multiaddr, error) {
	if !isName(a) {
		return []ma.Multiaddr{a}, nil
	}
	if r, ok := via.TransportForDialing(a).(transport.Resolver); ok { // that of WebSockets keeps the name for TLS
		whole, err := r.Resolve(ctx, a)
		if err != nil || len(whole) == 0 {
			return nil, errors.Join(errNoRecord, err)
		}
		a = whole[0]
	}
	return madns.DefaultResolver.Resolve(ctx, a)
}
