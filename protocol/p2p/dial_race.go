package p2p

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/souk-market/souk/exchange"
)

// race dials a member at its stored addresses and through the relays that are connected; at the same time
// it connects to other relays at which the member may be; and it asks the DHT as soon as all that has
// failed, or is not done within dhtPatience: a question to the DHT costs several members an answer, and a
// dead partner is dialed often. libp2p itself begins with direct addresses, and turns to relays after half
// a second. At lowPrice a dial is the stored addresses and the relays that are connected, and where nobody
// is met it returns no reason.
func (d *dialer) race(ctx context.Context, shop exchange.ShopID, how effort) (*session, string, *UnreachedError) {
	p := peerOf(shop)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	unreached := &UnreachedError{Shop: shop}
	if how == lowPrice {
		ses, err := d.dialBy(ctx, p, how, d.knownAddrs)
		if err != nil {
			var m *missError
			if d.missed(unreached, PathAddressBook, err); errors.As(err, &m) && !m.met {
				unreached = nil // the latest dial by all ways tells more
			}
			return d.sessions.connected(shop), PathOpen, unreached
		}
		return ses, PathAddressBook, nil
	}
	if len(d.host.Peerstore().Addrs(p)) == 0 { // a member that was never met: the DHT has direct ways, too
		ask, cancel := context.WithTimeout(ctx, dhtPatience)
		ses, err := d.dialBy(ask, p, how, d.dhtAddrs)
		cancel()
		if err == nil {
			return ses, PathDHT, nil
		}
		d.missed(unreached, PathDHT, err)
	}
	type outcome struct {
		path string
		ses  *session
		err  error
	}
	outcomes := make(chan outcome, 3)
	open := 0
	try := func(path string, dial func() (*session, error)) {
		open++
		go func() {
			ses, err := dial()
			outcomes <- outcome{path, ses, err}
		}()
	}
	try(PathAddressBook, func() (*session, error) { return d.dialBy(ctx, p, how, d.knownAddrs) })
	if others := d.otherRelays(p); len(others) > 0 {
		try(PathRelay, func() (*session, error) { return d.dialThrough(ctx, p, how, others) })
	}
	patience := time.NewTimer(dhtPatience)
	defer patience.Stop()
	asked := len(unreached.Tried) > 0
	for open > 0 {
		select {
		case o := <-outcomes:
			open--
			if o.err == nil {
				return o.ses, o.path, nil
			}
			if ses := d.sessions.connected(shop); ses != nil {
				if c, _ := d.sessions.bestOf(ses); c != nil && c.Stat().Direction == network.DirOutbound {
					return ses, o.path, nil
				}
				return ses, PathOpen, nil
			}
			d.missed(unreached, o.path, o.err)
			if open > 0 {
				continue
			}
		case <-patience.C:
		}
		if !asked && ctx.Err() == nil {
			asked = true
			try(PathDHT, func() (*session, error) { return d.dialBy(ctx, p, how, d.newDHTAddrs(how, p)) })
		}
	}
	return nil, "", unreached
}

// otherRelays are members at whose relays p may be, and which are not connected: those that its addresses
// name, and the first few of its ranking. Hubs are the reconnector's.
func (d *dialer) otherRelays(p peer.ID) []peer.ID {
	var list []peer.ID
	add := func(relay peer.ID) {
		if relay != p && !d.gate.hubs[relay] && d.gate.admits(relay) && !d.relayUp(relay) && !slices.Contains(list, relay) && len(list) < relayTries {
			list = append(list, relay)
		}
	}
	if d.gate.hubs[p] || !d.mayGoThrough(p) {
		return nil
	}
	for _, a := range d.host.Peerstore().Addrs(p) {
		if relay := relayOf(a); !relay.IsZero() {
			add(peerOf(relay))
		}
	}
	for _, relay := range d.relaysTo(p) {
		add(relay)
	}
	return list
}

// mayGoThrough reports whether other relays may be dialed for p, and notes that they are: at most every
// throughEvery, because a partner that is off for good is dialed all the time. Relays that were reached
// stay connected, and serve the next dials.
func (d *dialer) mayGoThrough(p peer.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for other, at := range d.wentThrough {
		if time.Since(at) >= throughEvery {
			delete(d.wentThrough, other)
		}
	}
	if _, early := d.wentThrough[p]; early {
		return false
	}
	d.wentThrough[p] = time.Now()
	return true
}

// dialThrough connects to relays, all at once, and dials p through each.
func (d *dialer) dialThrough(ctx context.Context, p peer.ID, how effort, relays []peer.ID) (*session, error) {
	only := how
	if how == briefly { // libp2p dials p's other addresses, too, which race does
		only = lowPrice
	}
	type outcome struct {
		ses *session
		err error
	}
	outcomes := make(chan outcome, len(relays))
	for _, relay := range relays {
		go func() {
			_, err := d.dialBy(ctx, relay, how, d.bookAddrs)
			var ses *session
			if err == nil {
				ses, err = d.dialBy(ctx, p, only, func(context.Context, peer.ID) ([]ma.Multiaddr, error) { return []ma.Multiaddr{through(relay)}, nil })
			}
			outcomes <- outcome{ses, err}
		}()
	}
	var last error
	for range relays {
		o := <-outcomes
		if o.err == nil {
			return o.ses, nil
		}
		last = o.err
	}
	var m *missError
	if errors.As(last, &m) && m.met {
		return nil, last
	}
	return nil, &missError{relays: len(relays), err: last}
}

// through is the way to any peer by a relay that is connected.
func through(relay peer.ID) ma.Multiaddr {
	return ma.StringCast("/p2p/" + relay.String() + "/p2p-circuit")
}

// relayUp reports whether a relay is connected.
func (d *dialer) relayUp(relay peer.ID) bool {
	shop, _ := shopOf(relay)
	return d.sessions.connected(shop) != nil
}

func (d *dialer) bookAddrs(_ context.Context, p peer.ID) ([]ma.Multiaddr, error) {
	return d.host.Peerstore().Addrs(p), nil
}

// knownAddrs are p's stored addresses, and the ways to it through relays that this node knows.
func (d *dialer) knownAddrs(ctx context.Context, p peer.ID) ([]ma.Multiaddr, error) {
	addrs, err := d.bookAddrs(ctx, p)
	return unique(append(slices.Clone(addrs), d.relayAddrs(p)...)), err
}

// newDHTAddrs are dhtAddrs, and where how is briefly an error where they are all known, and so dialed already.
func (d *dialer) newDHTAddrs(how effort, p peer.ID) func(context.Context, peer.ID) ([]ma.Multiaddr, error) {
	known := d.host.Peerstore().Addrs(p)
	return func(ctx context.Context, p peer.ID) ([]ma.Multiaddr, error) {
		addrs, err := d.dhtAddrs(ctx, p)
		if err == nil && how == briefly && !slices.ContainsFunc(addrs, func(a ma.Multiaddr) bool { return !slices.ContainsFunc(known, a.Equal) }) {
			err = errNoNewAddress
		}
		return addrs, err
	}
}

func (d *dialer) dhtAddrs(ctx context.Context, p peer.ID) ([]ma.Multiaddr, error) {
	info, err := d.dht.FindPeer(ctx, p)
	return info.Addrs, err
}

// relayAddrs are ways to p through relays: each hub and each relaying member that is connected, and
// others at which p, if it is behind a NAT, is likely to have a reservation.
func (d *dialer) relayAddrs(p peer.ID) []ma.Multiaddr {
	if d.gate.hubs[p] {
		return nil
	}
	var addrs []ma.Multiaddr
	for _, relay := range d.relaysTo(p) {
		addrs = append(addrs, through(relay))
	}
	return addrs
}
