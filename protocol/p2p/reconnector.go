package p2p

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"

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
	came   wake.Signal // a session began by itself
}

// longest is the longest pause between attempts at a member that was lost so long ago.
func (k *reconnecting) longest(ago time.Duration) time.Duration {
	if k.hub && ago > retryPatience {
		return retryHub
	}
	return retryPartner
}

// SetWanted replaces the set of members, hubs aside, with which to stay connected. A member that was
// lost is dialed after pauses that double, from backoff.First up to retryPartner, until it is
// connected by whichever side. Members that are no longer wanted are not disconnected.
func (n *Node) SetWanted(shops []exchange.ShopID) { n.reconnector.want(shops) }

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
	case on && k == nil && r.ctx.Err() == nil && !r.stopping:
		k = &reconnecting{peer: p, hub: r.gate.hubs[p], came: wake.New()}
		var ctx context.Context
		ctx, k.cancel = context.WithCancel(r.ctx)
		r.loops[p] = k
		r.tasks.Go(func() { r.run(ctx, k) })
	}
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

// run is the loop of one member.
func (r *reconnector) run(ctx context.Context, k *reconnecting) {
	shop, _ := shopOf(k.peer)
	lost := time.Now()
	var pauses backoff.Doubling
	for ctx.Err() == nil {
		ses, err := r.dialer.reach(ctx, shop)
		if err == nil {
			r.dialer.ping(ctx, k.peer, 1) // fills PeerInfo.RTT
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
		pauses.Longest = k.longest(time.Since(lost))
		pause := pauses.Next()
		r.log.Debug("not connected", "shop", shop, "again", pause, "err", err)
		t := time.NewTimer(jittered(pause))
		select {
		case <-t.C:
		case <-k.came.C():
		case <-ctx.Done():
		}
		t.Stop()
	}
}

// jittered varies d by ±retryJitter.
func jittered(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (1 - retryJitter + 2*retryJitter*rand.Float64()))
}
