package p2p

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
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
	pulse    *pulse
	keeps    func(peer.ID) bool      // whether the reconnector goes on dialing a peer; fixed by New
	relaysTo func(peer.ID) []peer.ID // by which relays a peer may be reached; fixed by New

	mu          sync.Mutex
	underWay    map[peer.ID]dials     // guarded by mu; an entry has at least one dial
	wentThrough map[peer.ID]time.Time // guarded by mu: when otherRelays of a peer were dialed last
	// away says from when on a peer without a greeted session is away: from when the latest dial
	// failed, or from lostGrace after the loss of the session. Guarded by mu.
	away map[peer.ID]time.Time
}

// Dial reaches a member by its ID alone: over an open connection, by stored addresses, by the
// members' DHT, or through a hub's relay. Then it says hello and measures round trips. Its errors
// are CodeNotMember and CodeUnavailable. A *[UnreachedError] in a CodeUnavailable names what was
// tried.
func (n *Node) Dial(ctx context.Context, shop exchange.ShopID) (DialReport, error) {
	return n.dialer.report(ctx, shop)
}

func (d *dialer) report(ctx context.Context, shop exchange.ShopID) (DialReport, error) {
	ses, path, err := d.dial(ctx, shop, allWays)
	if err != nil {
		return DialReport{}, err
	}
	c, _ := d.sessions.bestOf(ses)
	if c == nil {
		return DialReport{}, exchange.Errorf(exchange.CodeUnavailable, "%s closed the connection", shop)
	}
	r := DialReport{Path: path, Address: c.RemoteMultiaddr().String(), Transport: transportOf(c), Direct: isDirect(c)}
	if !r.Direct {
		r.Path = PathRelay
	}
	r.RTTs = d.ping(ctx, ses, dialPings)
	return r, nil
}

// reach returns a greeted session with shop, and dials where there is none.
func (d *dialer) reach(ctx context.Context, shop exchange.ShopID) (*session, error) {
	if ses := d.sessions.connected(shop); ses != nil {
		return ses, nil
	}
	ses, _, err := d.dial(ctx, shop, briefly)
	return ses, err
}

// reachSoon is reach for a caller that waits for the answer of a request. A wanted member that is away
// gets quickDial: the reconnector goes on trying for as long as it takes. Any other gets ctx's time,
// so that a lost connection, or one through a relay, is made anew.
func (d *dialer) reachSoon(ctx context.Context, shop exchange.ShopID) (*session, error) {
	if ses := d.sessions.connected(shop); ses != nil {
		return ses, nil
	}
	if p := peerOf(shop); d.isAway(p) && d.keeps(p) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, quickDial)
		defer cancel()
	}
	ses, _, err := d.dial(ctx, shop, lowPrice)
	return ses, err
}

// Away reports whether a member is known to be out of reach: it is not connected, and the latest dial
// of it failed, or its connection was lost more than lostGrace ago. It is false of a member that was
// neither dialed nor connected yet.
func (n *Node) Away(shop exchange.ShopID) bool {
	return n.sessions.connected(shop) == nil && n.dialer.isAway(peerOf(shop))
}

func (d *dialer) isAway(p peer.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	from, away := d.away[p]
	return away && !time.Now().Before(from)
}

// lost notes that the session with p has ended. It is called with sessions.mu held.
func (d *dialer) lost(p peer.ID) { d.setAway(p, time.Now().Add(lostGrace)) }

// failed notes that a dial of p, under ctx, has failed. One that its caller broke off tells nothing.
func (d *dialer) failed(ctx context.Context, shop exchange.ShopID, why *UnreachedError) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	p := peerOf(shop)
	d.setAway(p, time.Now())
	if d.keeps(p) {
		d.gate.absent.begin(p, why)
	}
	if d.sessions.connected(shop) != nil { // greeted, which is called under the lock that connected takes, came before
		d.setAway(p, time.Time{})
		d.gate.absent.end(p)
	}
}

// setAway says from when on p is away; zero = it is not.
func (d *dialer) setAway(p peer.ID, from time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if from.IsZero() {
		delete(d.away, p)
	} else {
		d.away[p] = from
	}
}

// dial reaches a member. Where it has been absent for long, how bounds what that may cost; any other is
// dialed by all ways.
func (d *dialer) dial(ctx context.Context, shop exchange.ShopID, how effort) (*session, string, error) {
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
	var before *UnreachedError
	if d.keeps(p) && !d.gate.hubs[p] {
		how, before = d.gate.absent.turn(p, how)
	} else {
		how = allWays
	}
	ses, path, unreached := d.race(ctx, shop, how)
	if ses == nil {
		if unreached == nil {
			unreached = before
		}
		d.failed(ctx, shop, unreached)
		return nil, "", exchange.Errorf(exchange.CodeUnavailable, "%w", unreached)
	}
	return ses, path, nil
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
	delete(d.away, p)
	d.gate.absent.end(p)
}

// dialBy connects to p at the addresses that find returns, and waits for the hello.
func (d *dialer) dialBy(ctx context.Context, p peer.ID, how effort, find func(context.Context, peer.ID) ([]ma.Multiaddr, error)) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	addrs, err := find(ctx, p)
	if err == nil && len(addrs) == 0 {
		err = errNoAddress
	}
	if err != nil {
		return nil, &missError{err: err}
	}
	if err := d.connect(ctx, p, how, addrs); err != nil {
		m := &missError{err: err, obstacles: d.dns.obstacles(addrs, err)}
		relays := map[exchange.ShopID]bool{} // each has several addresses
		for _, a := range addrs {
			switch {
			case !isCircuit(a):
				m.addrs++
			case d.gate.InterceptAddrDial(p, a):
				relays[relayOf(a)] = true
			}
		}
		m.relays = len(relays)
		return nil, m
	}
	conns := slices.DeleteFunc(d.host.Network().ConnsToPeer(p), network.Conn.IsClosed)
	if len(conns) == 0 {
		return nil, d.closed(p)
	}
	ses := d.sessions.track(conns[len(conns)-1])
	if ses == nil {
		return nil, d.closed(p)
	}
	if err := ses.awaitHello(ctx); err != nil {
		return nil, refusedHello(d.sessions.reason(ses, err))
	}
	return ses, nil
}

// connect connects to p at addrs. A dial that hangs at an address to which a name leads no longer is begun
// anew: libp2p looks names up once, and gives up after 5 s.
func (d *dialer) connect(ctx context.Context, p peer.ID, how effort, addrs []ma.Multiaddr) error {
	defer d.gate.dials(p, how)()
	if how == briefly {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, absentSpan)
		defer cancel()
	}
	for {
		d.gate.wake(p)
		if sw, ok := d.host.Network().(*swarm.Swarm); ok {
			sw.Backoff().Clear(p) // our own retries are spaced, see reconnector
		}
		try, cancel := context.WithCancel(ctx)
		moved := make(chan bool, 1)
		go func() { // ends with try
			it := d.dns.moves(try, addrs)
			if moved <- it; it {
				cancel()
			}
		}()
		err := d.host.Connect(network.WithAllowLimitedConn(try, "souk"), peer.AddrInfo{ID: p, Addrs: addrs})
		cancel()
		if err == nil || !<-moved || ctx.Err() != nil {
			return err
		}
	}
}

// closed is why a connection to p, just made, is gone.
func (d *dialer) closed(p peer.ID) error {
	if why := d.gate.rests(p); why != nil {
		return refusedHello(why)
	}
	return &missError{met: true, err: errClosedAtOnce}
}

// refusedHello is err, of a hello, as the error of a dial: what the member said, or that it was there.
func refusedHello(err error) error {
	if IsAnswer(err) || exchange.CodeOf(err) != exchange.CodeUnavailable {
		return err
	}
	return &missError{met: true, err: err}
}

var (
	errNoAddress    = errors.New("no address known")
	errNoNewAddress = errors.New("no address that is not known already")
	errClosedAtOnce = errors.New("the other side closed the connection; it may not know us as a member yet")
)

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

// ping measures times round trips with the peer of a session, fewer where one fails.
func (d *dialer) ping(ctx context.Context, ses *session, times int) []time.Duration {
	c, _ := d.sessions.bestOf(ses)
	if c == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	rtts, err := d.pulse.ping(ctx, c, times)
	if err != nil {
		d.log.Debug("a ping failed", "shop", ses.shop, "err", err)
	}
	return rtts
}

func isDirect(c network.Conn) bool {
	return !isCircuit(c.RemoteMultiaddr())
}

func transportOf(c network.Conn) string {
	switch {
	case !isDirect(c):
		return "relay"
	case c.ConnState().Transport == "quic-v1":
		return "quic"
	case c.ConnState().Transport == "websocket":
		return "tcp"
	default:
		return c.ConnState().Transport
	}
}
