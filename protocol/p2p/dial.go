package p2p

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/souk-market/souk/exchange"
)

// Paths of a DialReport.
const (
	PathOpen        = "open connection"
	PathAddressBook = "address book"
	PathDHT         = "dht"
	PathRelay       = "relay"
)

// DialReport says how a member was reached.
type DialReport struct {
	Path      string          // how the member's address was found; PathRelay where the connection is relayed
	Address   string          // of the member, as connected
	Transport string          // "tcp", "quic" or "relay"
	Direct    bool            // not through a relay
	RTTs      []time.Duration // of dialPings round trips; fewer where one failed
}

const dialPings = 3

// dialer reaches members by three paths: address book, DHT and relay.
type dialer struct {
	*base
	sessions *sessions
	dht      *dht.IpfsDHT // set by Start

	mu       sync.Mutex
	underWay map[peer.ID]dials // guarded by mu; an entry has at least one dial
}

// Dial reaches a member by its ID alone: over an open connection, by stored addresses, by the
// members' DHT, or through a hub's relay. Then it says hello and measures round trips. Its errors
// are CodeNotMember and CodeUnavailable. A *[UnreachedError] in a CodeUnavailable names what was
// tried.
func (n *Node) Dial(ctx context.Context, shop exchange.ShopID) (DialReport, error) {
	return n.dialer.report(ctx, shop)
}

func (d *dialer) report(ctx context.Context, shop exchange.ShopID) (DialReport, error) {
	ses, path, err := d.dial(ctx, shop)
	if err != nil {
		return DialReport{}, err
	}
	c := bestConn(d.host, ses.peer)
	if c == nil {
		return DialReport{}, exchange.Errorf(exchange.CodeUnavailable, "%s closed the connection", shop)
	}
	r := DialReport{Path: path, Address: c.RemoteMultiaddr().String(), Transport: transportOf(c), Direct: isDirect(c)}
	if !r.Direct {
		r.Path = PathRelay
	}
	r.RTTs = d.ping(ctx, ses.peer, dialPings)
	return r, nil
}

// reach returns a greeted session with shop, and dials where there is none.
func (d *dialer) reach(ctx context.Context, shop exchange.ShopID) (*session, error) {
	if ses := d.sessions.connected(shop); ses != nil {
		return ses, nil
	}
	ses, _, err := d.dial(ctx, shop)
	return ses, err
}

func (d *dialer) dial(ctx context.Context, shop exchange.ShopID) (*session, string, error) {
	p := peerOf(shop)
	if shop == d.cfg.self {
		return nil, "", exchange.Errorf(exchange.CodeInvalid, "%s is this shop itself", shop)
	}
	if !d.gate.knock(p) {
		return nil, "", exchange.Errorf(exchange.CodeNotMember, "%s is not in the member list; pull it or check the ID", shop)
	}
	if ses := d.sessions.connected(shop); ses != nil {
		return ses, PathOpen, nil
	}
	ctx, done := d.untilGreeted(ctx, p)
	defer done()
	if ses := d.sessions.connected(shop); ses != nil { // greeted before untilGreeted
		return ses, PathOpen, nil
	}
	unreached := &UnreachedError{Shop: shop}
	for _, path := range []struct {
		name  string
		addrs func(context.Context, peer.ID) ([]ma.Multiaddr, error)
	}{
		{PathAddressBook, d.bookAddrs}, {PathDHT, d.dhtAddrs}, {PathRelay, d.relayAddrs},
	} {
		ses, err := d.dialBy(ctx, p, path.addrs)
		if err == nil {
			return ses, path.name, nil
		}
		if ses := d.sessions.connected(shop); ses != nil {
			if c := bestConn(d.host, p); c != nil && c.Stat().Direction == network.DirOutbound {
				return ses, path.name, nil
			}
			return ses, PathOpen, nil
		}
		d.missed(unreached, path.name, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, "", exchange.Errorf(exchange.CodeUnavailable, "%w", unreached)
}

// dials are the dials of one member that are under way, by their cancel functions.
type dials map[*context.CancelFunc]struct{}

func (d dials) end() {
	for cancel := range d {
		(*cancel)()
	}
}

// untilGreeted returns a context for a dial of p. The context ends, too, when a session with p is
// greeted, whichever side began the session. So a dial that hangs at an old address of p delays
// nobody once p is connected. done must be called.
func (d *dialer) untilGreeted(ctx context.Context, p peer.ID) (_ context.Context, done func()) {
	ctx, cancel := context.WithCancel(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.underWay[p] == nil {
		d.underWay[p] = dials{}
	}
	d.underWay[p][&cancel] = struct{}{}
	return ctx, func() {
		cancel()
		d.mu.Lock()
		defer d.mu.Unlock()
		if delete(d.underWay[p], &cancel); len(d.underWay[p]) == 0 {
			delete(d.underWay, p)
		}
	}
}

// greeted ends the dials of p under way: a session with it serves.
func (d *dialer) greeted(p peer.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.underWay[p].end()
}

// dialBy connects to p at the addresses that find returns, and waits for the hello.
func (d *dialer) dialBy(ctx context.Context, p peer.ID, find func(context.Context, peer.ID) ([]ma.Multiaddr, error)) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	addrs, err := find(ctx, p)
	if err == nil && len(addrs) == 0 {
		err = errNoAddress
	}
	if err != nil {
		return nil, &missError{err: err}
	}
	d.gate.wake(p)
	if sw, ok := d.host.Network().(*swarm.Swarm); ok {
		sw.Backoff().Clear(p) // our own retries are spaced, see reconnector
	}
	if err := d.host.Connect(network.WithAllowLimitedConn(ctx, "souk"), peer.AddrInfo{ID: p, Addrs: addrs}); err != nil {
		return nil, &missError{addrs: len(addrs), err: err}
	}
	c := bestConn(d.host, p)
	if c == nil {
		return nil, &missError{met: true, err: errClosedAtOnce}
	}
	ses := d.sessions.track(c)
	if ses == nil {
		return nil, &missError{met: true, err: errClosedAtOnce}
	}
	if err := ses.awaitHello(ctx); err != nil {
		err = d.sessions.reason(ses, err)
		if IsAnswer(err) || exchange.CodeOf(err) != exchange.CodeUnavailable {
			return nil, err
		}
		return nil, &missError{met: true, err: err}
	}
	return ses, nil
}

var (
	errNoAddress    = errors.New("no address known")
	errClosedAtOnce = errors.New("the other side closed the connection; it may not know us as a member yet")
)

func (d *dialer) bookAddrs(_ context.Context, p peer.ID) ([]ma.Multiaddr, error) {
	return d.host.Peerstore().Addrs(p), nil
}

func (d *dialer) dhtAddrs(ctx context.Context, p peer.ID) ([]ma.Multiaddr, error) {
	info, err := d.dht.FindPeer(ctx, p)
	return info.Addrs, err
}

// refreshDHT refreshes the DHT's routing table soon after the start, and then rarely. libp2p's own
// refresh runs every two minutes where there are few members (see dhtRefresh).
func (d *dialer) refreshDHT() {
	wait := time.NewTimer(jittered(dhtFirst))
	defer wait.Stop()
	for {
		select {
		case <-wait.C:
		case <-d.ctx.Done():
			return
		}
		select {
		case err := <-d.dht.RefreshRoutingTable():
			if err != nil {
				d.log.Debug("refreshing the DHT", "err", err)
			}
		case <-d.ctx.Done():
			return
		}
		wait.Reset(jittered(dhtRefresh))
	}
}

// relayAddrs are p's addresses through the relay of each hub.
func (d *dialer) relayAddrs(_ context.Context, p peer.ID) ([]ma.Multiaddr, error) {
	if d.gate.hubs[p] {
		return nil, nil
	}
	var addrs []ma.Multiaddr
	for _, hub := range d.cfg.hubs {
		addrs = append(addrs, ma.StringCast("/p2p/"+hub.ID.String()+"/p2p-circuit"))
	}
	return addrs, nil
}

// ping measures times round trips over an open connection, fewer where one fails. All use one
// stream: the other side allows a member few ping streams, and counts a stream that was reset until
// the reset arrives.
func (d *dialer) ping(ctx context.Context, p peer.ID, times int) (rtts []time.Duration) {
	ctx, cancel := context.WithTimeout(network.WithNoDial(ctx, "ping"), pingTimeout)
	defer cancel()
	for r := range ping.Ping(ctx, d.host, p) {
		if r.Error != nil {
			break
		}
		if rtts = append(rtts, r.RTT); len(rtts) == times {
			break
		}
	}
	return rtts
}

// bestConn prefers direct connections, then older ones; nil if there is none.
func bestConn(h host.Host, p peer.ID) network.Conn {
	conns := slices.DeleteFunc(h.Network().ConnsToPeer(p), func(c network.Conn) bool { return c.IsClosed() })
	if len(conns) == 0 {
		return nil
	}
	return slices.MinFunc(conns, func(a, b network.Conn) int {
		if isDirect(a) != isDirect(b) {
			if isDirect(a) {
				return -1
			}
			return 1
		}
		return a.Stat().Opened.Compare(b.Stat().Opened)
	})
}

func isDirect(c network.Conn) bool {
	_, err := c.RemoteMultiaddr().ValueForProtocol(ma.P_CIRCUIT)
	return err != nil
}

func transportOf(c network.Conn) string {
	switch {
	case !isDirect(c):
		return "relay"
	case c.ConnState().Transport == "quic-v1":
		return "quic"
	default:
		return c.ConnState().Transport
	}
}
