package p2p

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	pbv2 "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/pb"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"
)

// relayService relays for members: always at a hub, and at a shop that lends its line while a dial from
// outside reaches it. What it relays is sealed between the two: it learns who talks to whom, when, and
// how much.
type relayService struct {
	*base
	changed func() // called when the service began or ended; fixed by New

	mu      sync.Mutex
	service *relay.Relay // guarded by mu; nil = not relaying
	use     RelayUse     // guarded by mu
	day     time.Time    // guarded by mu: from when use.Bytes counts
	full    bool         // guarded by mu: members were told that the day's bytes are used up
}

// RelayUse is what a node relays for others.
type RelayUse struct {
	Serving      bool // members may use it now
	Reservations int  // members that keep a way in through it
	Circuits     int  // open connections of two members each
	Bytes        int64
	MaxBytes     int64     // of a day; 0 = no bound
	Until        time.Time // where the day's bytes are used up: when it relays again; else zero
}

// relayDay is the time in which RelayBytes are counted.
const relayDay = 24 * time.Hour

// allowed reports whether this node may relay at all.
func (s *relayService) allowed() bool { return s.cfg.Hub || s.cfg.Relay }

// set begins or ends the service. None begins on a node that closes: its goroutine would go on for ever.
func (s *relayService) set(on bool) error {
	s.mu.Lock()
	old := s.service
	if (old != nil) == (on && s.allowed() && s.ctx.Err() == nil) {
		s.mu.Unlock()
		return nil
	}
	s.service = nil
	if old == nil {
		made, err := relay.New(s.host, relay.WithResources(s.resources()), relay.WithACL(s), relay.WithMetricsTracer(s.tracer()),
			relay.WithReservationAddressFilter(func(ma.Multiaddr) bool { return true }))
		if err != nil {
			s.mu.Unlock()
			return err
		}
		s.service = made
	}
	s.use.Reservations = 0
	s.mu.Unlock()
	if old != nil {
		_ = old.Close()
	}
	s.changed()
	return nil
}

// serves reports whether members may use this relay: it says so in hellos. Once the day's bytes are used
// up they look for another one.
func (s *relayService) serves() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn()
	return s.service != nil && !s.spent()
}

// spent reports whether the day's bytes are used up. It is called with mu held.
func (s *relayService) spent() bool { return !s.cfg.Hub && s.use.Bytes >= s.cfg.RelayBytes }

func (s *relayService) resources() relay.Resources {
	r := relay.DefaultResources()
	r.MaxReservationsPerIP = relayReservationsPerIP
	if s.cfg.Hub {
		r.Limit = &relay.RelayLimit{Duration: relayDuration, Data: relayData}
		r.MaxReservations, r.MaxReservationsPerASN, r.MaxCircuits = relayReservations, relayReservationsASN, relayPeerCircuits
		if s.cfg.Shared != nil { // all shops behind a web server come from its address
			r.MaxReservationsPerIP = relayReservations
		}
		return r
	}
	r.Limit = &relay.RelayLimit{Duration: relayDuration, Data: memberData}
	r.MaxReservations, r.MaxReservationsPerASN, r.MaxCircuits = memberReservations, memberReservations, memberPeerCircuits
	return r
}

// AllowReserve implements relay.ACLFilter.
func (s *relayService) AllowReserve(p peer.ID, _ ma.Multiaddr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn()
	return s.gate.admits(p) && !s.spent()
}

// AllowConnect implements relay.ACLFilter. Circuits that are open when the day's bytes are used up go on
// for memberData, all together, and are then ended: members that keep theirs open and full would else
// take a hundred times as much.
func (s *relayService) AllowConnect(p peer.ID, _ ma.Multiaddr, to peer.ID) bool {
	if !s.gate.admits(p) || !s.gate.admits(to) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hasRoom()
}

// hasRoom reports whether one more circuit may open. It is called with mu held.
func (s *relayService) hasRoom() bool {
	s.turn()
	if s.cfg.Hub {
		return s.use.Circuits < relayCircuits
	}
	return s.use.Circuits < memberCircuits && !s.spent()
}

// used counts bytes, and ends every circuit when they are far beyond the day's.
func (s *relayService) used(n int) {
	s.mu.Lock()
	s.turn()
	s.use.Bytes += int64(n)
	over := !s.cfg.Hub && s.use.Bytes >= s.cfg.RelayBytes+memberData
	if s.spent() && !s.full {
		s.full = true
		s.log.Warn("as much was relayed for members as may be in a day; they look for other relays", "bytes", s.use.Bytes, "until", s.day.Add(relayDay))
		time.AfterFunc(time.Until(s.day.Add(relayDay)), s.changed) // it relays again
		s.changed()
	}
	s.mu.Unlock()
	if !over {
		return
	}
	for _, c := range s.host.Network().Conns() {
		for _, st := range c.GetStreams() {
			if st.Protocol() == proto.ProtoIDv2Hop && st.Stat().Direction == network.DirInbound {
				_ = st.Reset()
			}
		}
	}
}

// turn begins a new day of use.Bytes. It is called with mu held.
func (s *relayService) turn() {
	if now := time.Now(); now.Sub(s.day) >= relayDay {
		s.day, s.use.Bytes, s.full = now, 0, false
	}
}

// relaying is what this node relays for others.
func (s *relayService) relaying() RelayUse {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn()
	use := s.use
	use.Serving = s.service != nil
	if s.spent() {
		use.Until = s.day.Add(relayDay)
	}
	if !s.cfg.Hub {
		use.MaxBytes = s.cfg.RelayBytes
	}
	return use
}

// tracer counts what the service relays, and feeds libp2p's own metrics of it.
func (s *relayService) tracer() relay.MetricsTracer {
	t := relayTracer{s: s}
	if s.cfg.Registerer != nil {
		t.next = relay.NewMetricsTracer(relay.WithRegisterer(s.cfg.Registerer))
	}
	return t
}

// relayTracer implements relay.MetricsTracer.
type relayTracer struct {
	s    *relayService
	next relay.MetricsTracer // nil = none
}

func (t relayTracer) count(change func(*RelayUse)) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	change(&t.s.use)
}

func (t relayTracer) RelayStatus(on bool) {
	if t.next != nil {
		t.next.RelayStatus(on)
	}
}

func (t relayTracer) ConnectionOpened() {
	t.count(func(u *RelayUse) { u.Circuits++ })
	if t.next != nil {
		t.next.ConnectionOpened()
	}
}

func (t relayTracer) ConnectionClosed(d time.Duration) {
	t.count(func(u *RelayUse) { u.Circuits-- })
	if t.next != nil {
		t.next.ConnectionClosed(d)
	}
}

func (t relayTracer) ConnectionRequestHandled(status pbv2.Status) {
	if t.next != nil {
		t.next.ConnectionRequestHandled(status)
	}
}

func (t relayTracer) ReservationAllowed(renewal bool) {
	if !renewal {
		t.count(func(u *RelayUse) { u.Reservations++ })
	}
	if t.next != nil {
		t.next.ReservationAllowed(renewal)
	}
}

func (t relayTracer) ReservationClosed(n int) {
	t.count(func(u *RelayUse) { u.Reservations = max(0, u.Reservations-n) })
	if t.next != nil {
		t.next.ReservationClosed(n)
	}
}

func (t relayTracer) ReservationRequestHandled(status pbv2.Status) {
	if t.next != nil {
		t.next.ReservationRequestHandled(status)
	}
}

func (t relayTracer) BytesTransferred(n int) {
	t.s.used(n)
	if t.next != nil {
		t.next.BytesTransferred(n)
	}
}
