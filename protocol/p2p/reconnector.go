package p2p

import (
	"context"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/backoff"
	"github.com/souk-market/souk/exchange/wake"
)

// reconnector keeps the wanted members and the hubs connected. It has a goroutine for each.
type reconnector struct {
	*base
	dialer *dialer

	mu       sync.Mutex
	loops    map[peer.ID]*reconnecting // guarded by mu
	stopping bool                      // guarded by mu: no loop may begin
}

// reconnecting keeps one member connected: it waits while there is a session and dials
// with growing pauses while there is none.
type reconnecting struct {
	peer   peer.ID
	hub    bool
	cancel context.CancelFunc
	came   wake.Signal    // a session began by itself, or hurry
	fresh  atomic.Bool    // set by hurry: the pauses begin anew
	knocks []ma.Multiaddr // a hub's TCP addresses, where its ports can be knocked at; never changed
	open   bool           // owned by run: the latest knock found an open port
}

// longest is the longest pause between attempts at a member that was lost so long ago.
func (k *reconnecting) longest(ago time.Duration) time.Duration {
	switch {
	case k.hub && ago > retryPatience, len(k.knocks) > 0 && ago > knockPatience:
		return retryHub
	case !k.hub && ago > absentPatience:
		return retryAbsent
	}
	return retryPartner
}

// SetWanted replaces the set of members, hubs aside, with which to stay connected. A member that was
// lost is dialed after pauses that double, from backoff.First up to retryPartner, until it is
// connected by whichever side; see absences for one that is away for long. Members that are no longer wanted are not disconnected.
// Gossip passes a relay between members that want each other. To say the same set again every few seconds
// is cheap, and mends what gossip gave up.
func (n *Node) SetWanted(shops []exchange.ShopID) {
	n.reconnector.want(shops)
	n.topics.meet(shops)
}

func (r *reconnector) want(shops []exchange.ShopID) {
	want := map[peer.ID]bool{}
	for _, shop := range shops {
		if p := peerOf(shop); shop != r.cfg.self && !r.gate.hubs[p] {
			want[p] = true
		}
	}
	r.mu.Lock()
	var drop []peer.ID
	for p := range r.loops {
		if !want[p] && !r.gate.hubs[p] {
			drop = append(drop, p)
		}
	}
	r.mu.Unlock()
	for _, p := range drop {
		r.keep(p, false)
	}
	for p := range want {
		r.keep(p, true)
	}
}

// keepHubs adds the configured hubs' addresses for good, and stays connected to the hubs.
func (r *reconnector) keepHubs() {
	for _, hub := range r.cfg.hubs {
		r.host.Peerstore().AddAddrs(hub.ID, hub.Addrs, peerstore.PermanentAddrTTL)
		r.keep(hub.ID, true)
	}
}

// keep begins or ends to keep p connected.
func (r *reconnector) keep(p peer.ID, on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.loops[p]
	switch {
	case !on && k != nil:
		k.cancel()
		delete(r.loops, p)
		r.gate.absent.end(p)
	case on && k == nil && r.ctx.Err() == nil && !r.stopping:
		k = &reconnecting{peer: p, hub: r.gate.hubs[p], came: wake.New(), knocks: r.portsOf(p)}
		var ctx context.Context
		ctx, k.cancel = context.WithCancel(r.ctx)
		r.loops[p] = k
		r.tasks.Go(func() { r.run(ctx, k) })
	}
}

// keeps reports whether p is being kept connected.
func (r *reconnector) keeps(p peer.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.loops[p] != nil
}

// kept are the members and hubs that are being kept connected.
func (r *reconnector) kept() []peer.ID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.loops))
}

// stop ends every loop and lets none begin.
func (r *reconnector) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopping = true
	for p, k := range r.loops {
		k.cancel()
		delete(r.loops, p)
	}
}

// greeted cuts the pause of p's loop short: a session with it began.
func (r *reconnector) greeted(p peer.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := r.loops[p]; k != nil {
		k.came.Set()
	}
}

// hurry cuts every pause short, and begins anew with short ones: this machine's addresses have changed, or
// it is connected again to somebody after it was to nobody.
func (r *reconnector) hurry() {
	r.gate.absent.anew()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range r.loops {
		k.fresh.Store(true)
		k.came.Set()
	}
}

// run is the loop of one member.
func (r *reconnector) run(ctx context.Context, k *reconnecting) {
	shop, _ := shopOf(k.peer)
	lost := time.Now()
	var pauses backoff.Doubling
	for ctx.Err() == nil {
		ses, err := r.dialer.reach(ctx, shop)
		if err == nil {
			r.dialer.ping(ctx, ses, 1) // fills PeerInfo.RTT
			select {
			case <-ses.ctx.Done():
				lost = time.Now()
				if lost.Sub(ses.begun) > retryPartner {
					pauses.Reset()
					continue // at once: a restarted member may be back already, a dead member costs a dial
				}
			case <-ctx.Done():
				return
			}
		}
		if k.fresh.Swap(false) {
			pauses.Reset()
			lost = time.Now()
		}
		pauses.Longest = k.longest(time.Since(lost))
		pause := pauses.Next()
		r.log.Debug("not connected", "shop", shop, "again", pause, "err", err)
		r.wait(ctx, k, jittered(pause))
	}
}

// portsOf are the addresses of a hub at which to knock. A simulated network has no TCP.
func (r *reconnector) portsOf(hub peer.ID) []ma.Multiaddr {
	var ports []ma.Multiaddr
	for _, h := range r.cfg.hubs {
		for _, a := range h.Addrs {
			network, _, err := manet.DialArgs(a)
			if h.ID == hub && err == nil && strings.HasPrefix(network, "tcp") && len(r.cfg.HostOptions) == 0 && len(ports) < maxProbeAddrs {
				ports = append(ports, a)
			}
		}
	}
	return ports
}

// wait passes a pause, or less: until a session began by itself, and where k is a hub until one of its TCP
// ports takes a connection. To dial a hub that is away costs some 8 KB, and a knock at a port a few packets.
// An open port that led to no hub, a proxy's, is no reason to dial twice.
func (r *reconnector) wait(ctx context.Context, k *reconnecting, pause time.Duration) {
	end := time.NewTimer(pause)
	defer end.Stop()
	knock := time.NewTicker(knockEvery)
	defer knock.Stop()
	if len(k.knocks) == 0 || pause <= knockEvery || k.open {
		knock.Stop()
	}
	k.open = false
	for {
		select {
		case <-end.C:
			return
		case <-k.came.C():
			return
		case <-ctx.Done():
			return
		case <-knock.C:
			if k.open = anyOpen(ctx, k.knocks); k.open {
				return
			}
		}
	}
}

// anyOpen reports whether one of TCP ports takes a connection within knockTimeout.
func anyOpen(ctx context.Context, ports []ma.Multiaddr) bool {
	ctx, cancel := context.WithTimeout(ctx, knockTimeout)
	defer cancel()
	open := make(chan bool, len(ports))
	for _, a := range ports {
		go func() {
			network, at, err := manet.DialArgs(a)
			if err == nil {
				var c net.Conn
				if c, err = new(net.Dialer).DialContext(ctx, network, at); err == nil {
					_ = c.Close()
				}
			}
			open <- err == nil
		}()
	}
	for range ports {
		if <-open {
			return true
		}
	}
	return false
}

// jittered varies d by ±retryJitter.
func jittered(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (1 - retryJitter + 2*retryJitter*rand.Float64()))
}
