package p2p

import (
	"context"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/souk-market/souk/exchange/wake"
)

// direct brings members that are met through a relay to a direct connection. libp2p tries that once, when
// a relayed connection begins; direct goes on trying, and at once when the addresses of either side have
// changed. When a direct connection serves, direct lets what goes through the relay come to its end, and
// closes it, so that it costs the relay nothing.
//
// It compares, in look, what is with what shall be. Signals only make it look sooner.
type direct struct {
	*base
	sessions  *sessions
	addresses *addresses
	punch     *holepunch.Service // nil where the host has no identify service; set by Start
	again     wake.Signal        // set: look now

	members map[peer.ID]*relayed // owned by run
}

// relayed is a member with a connection through a relay. Its fields are owned by run, but for busy.
type relayed struct {
	since  time.Time   // when it was first seen to have only such connections
	gone   time.Time   // when a look found that it has none any more; zero = it has
	tries  int         // since then, or since addresses changed
	next   time.Time   // when direct is tried again
	tried  time.Time   // when it was tried last
	addrs  string      // the addresses of both sides, as they were at the last look
	busy   atomic.Bool // a try is under way
	served time.Time   // since when a direct connection serves; zero = none does
}

func newDirect(b *base) *direct {
	return &direct{base: b, again: wake.New(), members: map[peer.ID]*relayed{}}
}

// open starts libp2p's service of hole punching (DCUtR). libp2p's own option would hide the service from
// us, and punch at the addresses only that libp2p itself has found.
func (d *direct) open() (err error) {
	h, ok := d.host.(interface{ IDService() identify.IDService })
	if !ok {
		return nil
	}
	var opts []holepunch.Option
	if d.cfg.Registerer != nil {
		opts = append(opts, holepunch.WithMetricsTracer(holepunch.NewMetricsTracer(holepunch.WithRegisterer(d.cfg.Registerer))))
	}
	d.punch, err = holepunch.NewService(d.host, h.IDService(), d.addresses.punch, opts...)
	return err
}

func (d *direct) close() {
	if d.punch != nil {
		_ = d.punch.Close()
	}
}

// run looks until the node closes.
func (d *direct) run() {
	for {
		wait := time.NewTimer(d.look(time.Now()))
		select {
		case <-wait.C:
		case <-d.again.C():
		case <-d.ctx.Done():
			wait.Stop()
			return
		}
		wait.Stop()
	}
}

// look does what is due for every member with a relayed connection, and returns for how long nothing will
// be.
func (d *direct) look(now time.Time) time.Duration {
	rest := directIdle
	there := map[peer.ID]bool{}
	for _, ses := range d.sessions.greeted() {
		serves, through := d.sessions.split(ses)
		if len(through) == 0 {
			continue
		}
		m := d.members[ses.peer]
		if m == nil {
			m = &relayed{since: now, next: now.Add(jittered(directPauses[0])), addrs: d.known(ses.peer)}
			d.members[ses.peer] = m
		}
		there[ses.peer], m.gone = true, time.Time{}
		if serves != nil {
			d.settle(ses, m, serves, through, now)
			rest = min(rest, directGrace)
		} else {
			rest = min(rest, d.due(ses, m, through, now))
		}
	}
	for p, m := range d.members {
		switch {
		case there[p]:
		case m.gone.IsZero(): // a circuit that ended is dialed anew
			m.gone = now
			rest = min(rest, directForget)
		case now.Sub(m.gone) >= directForget && !m.busy.Load():
			delete(d.members, p)
		}
	}
	return rest
}

// due tries direct where that is due, and returns how long it will not be.
func (d *direct) due(ses *session, m *relayed, through []network.Conn, now time.Time) time.Duration {
	if !m.served.IsZero() { // the direct connection is lost again
		m.served, m.since, m.tries, m.next = time.Time{}, now, 0, now.Add(jittered(directPauses[0]))
	}
	if addrs := d.known(ses.peer); addrs != m.addrs {
		m.addrs, m.tries, m.next = addrs, 0, now
		if early := m.tried.Add(directSpacing); m.next.Before(early) {
			m.next = early
		}
	}
	if now.Before(m.next) || m.busy.Load() {
		return max(m.next.Sub(now), time.Second)
	}
	pause := jittered(directPauses[min(m.tries, len(directPauses)-1)])
	m.tries, m.tried, m.next = m.tries+1, now, now.Add(pause)
	m.busy.Store(true)
	d.tasks.Go(func() {
		defer m.busy.Store(false)
		d.try(ses, d.leads(ses.peer, through))
		d.again.Set()
	})
	return pause
}

// leads reports whether this side is the one that has both punch: the side that was called through the
// relay, as DCUtR has it, and of two that called each other the one with the lower ID.
func (d *direct) leads(p peer.ID, through []network.Conn) bool {
	called, calls := false, false
	for _, c := range through {
		called = called || c.Stat().Direction == network.DirInbound
		calls = calls || c.Stat().Direction == network.DirOutbound
	}
	return called && (!calls || d.host.ID() < p)
}

// try makes a direct connection to the peer of ses. Where this side leads, both sides dial at one time, so
// that each router takes what comes for an answer.
func (d *direct) try(ses *session, leads bool) {
	d.metrics.direct.WithLabelValues("tried").Inc()
	d.gate.wake(ses.peer)
	defer d.gate.dials(ses.peer, allWays)()
	if sw, ok := d.host.Network().(*swarm.Swarm); ok {
		sw.Backoff().Clear(ses.peer) // our tries are spaced
	}
	public, near := d.worthDialing(ses.peer)
	leads = leads && d.punches()
	if near || public && !leads { // DirectConnect begins with a dial of public addresses
		ctx, cancel := context.WithTimeout(ses.ctx, directTimeout)
		defer cancel()
		err := d.host.Connect(network.WithForceDirectDial(ctx, "direct"), peer.AddrInfo{ID: ses.peer})
		if err == nil {
			return
		}
		d.log.Debug("a member is not reached directly", "shop", ses.shop, "err", err)
	}
	if !leads {
		return
	}
	punched := make(chan error, 1)
	go func() { punched <- d.punch.DirectConnect(ses.peer) }() // ends with the service
	select {
	case err := <-punched:
		d.log.Debug("hole punching", "shop", ses.shop, "err", err)
	case <-ses.ctx.Done():
	}
}

// punches reports whether DirectConnect would do anything. It waits until the service has seen a public
// address, and no context ends that.
func (d *direct) punches() bool {
	return d.punch != nil && len(d.addresses.punch()) > 0 && slices.Contains(d.host.Mux().Protocols(), holepunch.Protocol)
}

// settle moves what is left in relayed connections to the direct one that serves, and closes them when
// they are idle.
func (d *direct) settle(ses *session, m *relayed, serves network.Conn, through []network.Conn, now time.Time) {
	if m.served.IsZero() {
		m.served = now
		d.metrics.direct.WithLabelValues("reached").Inc()
		d.log.Info("a member is reached directly", "shop", ses.shop, "addr", serves.RemoteMultiaddr(), "relayed for", now.Sub(m.since).Round(time.Second), "tries", m.tries)
	}
	ses.pipes.retirePassed()
	if now.Sub(m.served) < directGrace {
		return
	}
	for _, c := range through {
		if len(c.GetStreams()) == 0 {
			_ = c.Close()
		}
	}
}

// split tells the connections of ses: a direct one that serves, nil where none does, and those through
// relays.
func (ss *sessions) split(ses *session) (serves network.Conn, through []network.Conn) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	for c, st := range ses.conns {
		switch {
		case c.IsClosed():
		case !isDirect(c):
			through = append(through, c)
		case st.incarnation != 0 && !st.doubted:
			serves = c
		}
	}
	return serves, through
}

// retirePassed ends the streams on connections over which nothing new goes, each when its requests are
// answered.
func (ps *pipes) retirePassed() {
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	for _, set := range ps.sets {
		for i := range set.slots {
			if p := set.slots[i].pipe.Load(); p != nil && p.conn.passed.Load() {
				p.retire()
			}
		}
	}
}

// known are the direct addresses of both sides in one text, to see that they changed.
func (d *direct) known(p peer.ID) string {
	var list []string
	for _, a := range slices.Concat(d.addresses.punch(), d.host.Peerstore().Addrs(p)) {
		if !isCircuit(a) {
			list = append(list, a.String())
		}
	}
	slices.Sort(list)
	var text []byte
	for _, a := range slices.Compact(list) {
		text = append(append(text, a...), ' ')
	}
	return string(text)
}

// worthDialing reports whether a member has public addresses, and whether it has addresses in a network of
// this machine's.
func (d *direct) worthDialing(p peer.ID) (public, near bool) {
	nets, _ := net.InterfaceAddrs()
	for _, a := range d.host.Peerstore().Addrs(p) {
		if isCircuit(a) {
			continue
		}
		ip, err := manet.ToIP(a)
		switch {
		case err != nil, manet.IsPublicAddr(a): // a name may be public
			public = true
		case !ip.IsLoopback():
			near = near || slices.ContainsFunc(nets, func(n net.Addr) bool {
				own, ok := n.(*net.IPNet)
				return ok && own.Contains(ip)
			})
		}
	}
	return public, near
}
