package p2p

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/backoff"
	"github.com/souk-market/souk/exchange/wake"
)

// keeper keeps one member connected: it waits while there is a session and dials
// with growing pauses while there is none.
type keeper struct {
	peer   peer.ID
	hub    bool
	cancel context.CancelFunc
	came   wake.Signal // a session began by itself
}

// longest is the pause between attempts at a member that was lost some time ago.
func (k *keeper) longest(ago time.Duration) time.Duration {
	if k.hub && ago > retryPatience {
		return retryHub
	}
	return retryPartner
}

// SetWanted replaces the set of members, hubs aside, to stay connected with. A
// lost one is dialed after pauses that double from retryFirst up to retryPartner; one
// that dials us counts at once.
// Members no longer wanted are not disconnected.
func (n *Node) SetWanted(shops []exchange.ShopID) {
	want := map[peer.ID]bool{}
	for _, shop := range shops {
		if p := peerOf(shop); shop != n.cfg.self && !n.gate.hubs[p] {
			want[p] = true
		}
	}
	n.mu.Lock()
	var drop []peer.ID
	for p := range n.keepers {
		if !want[p] && !n.gate.hubs[p] {
			drop = append(drop, p)
		}
	}
	n.mu.Unlock()
	for _, p := range drop {
		n.keep(p, false)
	}
	for p := range want {
		n.keep(p, true)
	}
}

// keepHubs makes the configured hubs known for good and stays connected to them.
func (n *Node) keepHubs() {
	for _, hub := range n.cfg.hubs {
		n.host.Peerstore().AddAddrs(hub.ID, hub.Addrs, peerstore.PermanentAddrTTL)
		n.keep(hub.ID, true)
	}
}

// keep starts or stops the keeper of p.
func (n *Node) keep(p peer.ID, on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	k := n.keepers[p]
	switch {
	case !on && k != nil:
		k.cancel()
		delete(n.keepers, p)
	case on && k == nil && n.ctx.Err() == nil && !n.stopping:
		k = &keeper{peer: p, hub: n.gate.hubs[p], came: wake.New()}
		var ctx context.Context
		ctx, k.cancel = context.WithCancel(n.ctx)
		n.keepers[p] = k
		n.tasks.Go(func() { n.runKeeper(ctx, k) })
	}
}

// stopKeepers ends every keeper and lets none begin.
func (n *Node) stopKeepers() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stopping = true
	for p, k := range n.keepers {
		k.cancel()
		delete(n.keepers, p)
	}
}

func (n *Node) runKeeper(ctx context.Context, k *keeper) {
	shop, _ := shopOf(k.peer)
	lost := time.Now()
	var pauses backoff.Doubling
	for ctx.Err() == nil {
		ses, err := n.reach(ctx, shop)
		if err == nil {
			n.ping(ctx, k.peer, 1) // fills PeerInfo.RTT
			select {
			case <-ses.ctx.Done():
				lost = time.Now()
				if lost.Sub(ses.begun) > retryPartner {
					pauses.Reset()
					continue // at once: a restarted partner is back already, and a dead one costs one dial
				}
			case <-ctx.Done():
				return
			}
		}
		pauses.Longest = k.longest(time.Since(lost))
		pause := pauses.Next()
		n.log.Debug("not connected", "shop", shop, "again", pause, "err", err)
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
