package p2p

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/backoff"
	"github.com/souk-market/souk/exchange/wake"
)

// relays keeps this node's reservations at relays, through which members reach it that cannot connect
// to it directly. It reserves at every hub as soon as a hello was exchanged, whatever is known of the own
// reach, and at some members besides while this node is not sure to be reached directly. libp2p's
// AutoRelay does neither: it waits for AutoNAT's verdict, which needs a quarter of a minute and a hub
// that is known by an IP address, and gives the reservation up when the verdict is "public".
type relays struct {
	*base
	sessions    *sessions
	addresses   *addresses
	dialer      *dialer
	requests    *requests
	look        wake.Signal // set: look at the hubs' reservations now
	lookMembers wake.Signal // set: look at the members' reservations now

	telling sync.Mutex // held while the ways are told, before mu: what was read last is told last

	mu     sync.Mutex
	held   map[peer.ID]*reservation // guarded by mu
	rest   map[peer.ID]*resting     // guarded by mu: relays that are not asked for a while
	asked  map[peer.ID]time.Time    // guarded by mu: when a member was asked for relays
	awaits map[peer.ID]bool         // guarded by mu: members that were asked since they last told of a relay
	lack   map[peer.ID]uint64       // guarded by mu: members that asked for relays, by session: they are told of the next one
	knows  []peer.ID                // guarded by mu: mayRelay's latest list, never changed
	knewAt time.Time                // guarded by mu: when it was made; zero = anew
}

// resting is a relay that was not reached, or that refused.
type resting struct {
	until  time.Time
	pauses backoff.Doubling
}

func (r *resting) over(now time.Time) bool { return r == nil || now.After(r.until) }

// reservation is a slot at a relay. It ends with the connection on which it was made.
type reservation struct {
	session uint64    // in which it was made
	since   time.Time // when it was made first; renewals change nothing
	renewed time.Time
	until   time.Time // by the relay's word and clock, at most reservationTime; it is renewed half-way
	ways    []ma.Multiaddr
}

func newRelays(b *base) *relays {
	return &relays{base: b, look: wake.New(), lookMembers: wake.New(), held: map[peer.ID]*reservation{}, rest: map[peer.ID]*resting{}, asked: map[peer.ID]time.Time{}, awaits: map[peer.ID]bool{}, lack: map[peer.ID]uint64{}}
}

// atHubs keeps the reservations at hubs until the node closes.
func (r *relays) atHubs() {
	r.loop(r.look, func() (again time.Duration) {
		var work sync.WaitGroup
		for _, hub := range r.cfg.hubs {
			if ses := r.greeted(hub.ID); ses != nil && r.due(ses) {
				work.Go(func() { r.reserve(ses) })
			}
		}
		work.Wait()
		return r.untilRested()
	})
}

// atMembers keeps reservations at members until the node closes, while it is not sure to be reached
// without. It is a loop of its own, because a member that is off costs dialTimeout.
func (r *relays) atMembers() {
	r.loop(r.lookMembers, func() (again time.Duration) {
		if r.addresses.public() || r.tryMembers() {
			return relaysEvery
		}
		r.askForRelays()
		return r.untilRested()
	})
}

// loop looks when something has happened, and again as soon as the look says.
func (r *relays) loop(happened wake.Signal, look func() (again time.Duration)) {
	for {
		r.drop()
		again := look()
		r.tell()
		timer := time.NewTimer(jittered(again))
		select {
		case <-happened.C():
		case <-timer.C:
		case <-r.ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// untilRested is how long until a relay may be asked again: backoff.First to relaysEvery.
func (r *relays) untilRested() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	wait := relaysEvery
	for _, rest := range r.rest {
		if left := time.Until(rest.until); left > 0 {
			wait = min(wait, left)
		}
	}
	return max(wait, backoff.First)
}

// changed makes both loops look.
func (r *relays) changed() {
	r.look.Set()
	r.lookMembers.Set()
}

// hear is learn for what a member tells by itself: once for each time that it was asked, because the
// signatures of records cost more to check than to send.
func (r *relays) hear(from exchange.ShopID, b []byte) error {
	p := peerOf(from)
	r.mu.Lock()
	awaited := r.awaits[p]
	delete(r.awaits, p)
	r.mu.Unlock()
	if !awaited {
		return exchange.Errorf(exchange.CodeState, "nobody asked for relays since the last were told")
	}
	return r.learn(from, b)
}

// tryMembers asks members to relay, a few at once, until membersWanted of them do. It reports false where
// fewer do.
func (r *relays) tryMembers() bool {
	var work sync.WaitGroup
	var have atomic.Int32
	slots := make(chan struct{}, relayTries)
	candidates := r.candidates()
	for _, p := range candidates[:min(len(candidates), relayAsks)] {
		slots <- struct{}{}
		if have.Load() >= r.membersWanted() {
			break
		}
		work.Go(func() {
			defer func() { <-slots }()
			if r.atMember(p) {
				have.Add(1)
				r.tell()
			}
		})
	}
	work.Wait()
	return have.Load() >= r.membersWanted()
}

// membersWanted is at how many members this node reserves: up to maxRelays with the hubs, and at one in
// any case, because hubs that one operator keeps may go together.
func (r *relays) membersWanted() int32 { return int32(max(1, maxRelays-len(r.cfg.hubs))) }

// atMember reports whether p relays for this node.
func (r *relays) atMember(p peer.ID) bool {
	ctx, cancel := context.WithTimeout(r.ctx, dialTimeout)
	defer cancel()
	ses := r.reachRelay(ctx, p)
	if ses == nil {
		r.refuse(p)
		return false
	}
	return !r.due(ses) || r.reserve(ses)
}

func (r *relays) reachRelay(ctx context.Context, p peer.ID) *session {
	shop, ok := shopOf(p)
	if !ok {
		return nil
	}
	ses, err := r.dialer.reach(ctx, shop)
	if err != nil {
		r.log.Debug("a relay was not reached", "shop", shop, "err", err)
		return nil
	}
	if c, _ := r.sessions.bestOf(ses); c == nil || !isDirect(c) {
		return nil
	}
	return ses
}

// greeted is the session with p, if it has a direct connection: a relay takes no reservation through
// another.
func (r *relays) greeted(p peer.ID) *session {
	shop, _ := shopOf(p)
	ses := r.sessions.connected(shop)
	if ses == nil {
		return nil
	}
	if c, _ := r.sessions.bestOf(ses); c == nil || !isDirect(c) {
		return nil
	}
	return ses
}

// due reports whether a reservation at the peer of ses is to be made or renewed.
func (r *relays) due(ses *session) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if !r.rest[ses.peer].over(now) {
		return false
	}
	held := r.held[ses.peer]
	return held == nil || held.session != ses.id || now.After(held.renewed.Add(held.until.Sub(held.renewed)/2))
}

// reserve makes or renews a reservation.
func (r *relays) reserve(ses *session) bool {
	ctx, cancel := context.WithTimeout(ses.ctx, reserveTimeout)
	defer cancel()
	got, err := client.Reserve(ctx, r.host, peer.AddrInfo{ID: ses.peer})
	if err != nil {
		r.log.Info("no reservation at a relay", "relay", ses.shop, "err", err)
		r.refuse(ses.peer)
		return false
	}
	now := time.Now()
	until := got.Expiration
	if longest := now.Add(reservationTime); until.After(longest) {
		until = longest
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	since := now
	if held := r.held[ses.peer]; held != nil && held.session == ses.id && now.Before(held.until) {
		since = held.since
	} else {
		r.log.Info("a relay takes calls for this node", "relay", ses.shop, "until", until)
	}
	delete(r.rest, ses.peer)
	r.held[ses.peer] = &reservation{session: ses.id, since: since, renewed: now, until: until, ways: r.waysBy(ses.peer, got.Addrs)}
	return true
}

// waysBy are the ways to this node through a relay: at the addresses that the relay names, and for a hub
// at those that the configuration names first.
func (r *relays) waysBy(relay peer.ID, named []ma.Multiaddr) []ma.Multiaddr {
	var at []ma.Multiaddr
	for _, hub := range r.cfg.hubs {
		if hub.ID == relay {
			at = append(at, hub.Addrs...)
		}
	}
	for _, a := range named {
		if transport, id := peer.SplitAddr(a); id == relay && transport != nil {
			at = append(at, transport)
		}
	}
	if len(at) == 0 {
		at = r.host.Peerstore().Addrs(relay)
	}
	public := slices.ContainsFunc(at, manet.IsPublicAddr)
	circuit := ma.StringCast("/p2p/" + relay.String() + "/p2p-circuit")
	var ways []ma.Multiaddr
	for _, a := range unique(at) {
		if !isCircuit(a) && (!public || manet.IsPublicAddr(a)) && len(ways) < relayAddrs {
			ways = append(ways, a.Encapsulate(circuit))
		}
	}
	return ways
}

// refuse notes that p does not relay for this node now. It is asked again after pauses that double: it
// may be starting, as after a power cut, or be of a version that relays for nobody.
func (r *relays) refuse(p peer.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rest := r.rest[p]
	if rest == nil {
		rest = &resting{pauses: backoff.Doubling{Longest: relayRest}}
		r.rest[p] = rest
	}
	if r.gate.hubs[p] {
		rest.pauses.Longest = retryPartner
	}
	rest.until = time.Now().Add(rest.pauses.Next())
}

// unrest lets every relay be asked at once: this machine has moved.
func (r *relays) unrest() {
	r.mu.Lock()
	clear(r.rest)
	r.mu.Unlock()
	r.changed()
}

// drop forgets the reservations whose connections have ended.
func (r *relays) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p, held := range r.held {
		shop, _ := shopOf(p)
		ses := r.sessions.connected(shop)
		if ses == nil || ses.id != held.session || !r.gate.hubs[p] && !r.sessions.relays(ses) || time.Now().After(held.until) {
			delete(r.held, p)
		}
	}
}

// tell makes the ways of the reservations part of the own addresses, the hubs' first.
func (r *relays) tell() {
	r.telling.Lock()
	defer r.telling.Unlock()
	r.mu.Lock()
	var relays []peer.ID
	for p := range r.held {
		relays = append(relays, p)
	}
	slices.SortFunc(relays, func(a, b peer.ID) int {
		return cmp.Or(cmp.Compare(boolInt(r.gate.hubs[b]), boolInt(r.gate.hubs[a])), r.held[a].since.Compare(r.held[b].since), cmp.Compare(a, b))
	})
	var ways []ma.Multiaddr
	for _, p := range relays {
		ways = append(ways, r.held[p].ways...)
	}
	r.mu.Unlock()
	r.addresses.setRelayed(ways)
}
