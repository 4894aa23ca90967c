// Package p2psim is a simulated network for tests of everything that runs on package p2p. Hosts,
// QUIC and gossip are real; their packets travel in memory. Inside a testing/synctest bubble time
// is virtual, so that hours of retries take milliseconds and nothing depends on the machine's speed.
//
//	synctest.Test(t, func(t *testing.T) {
//		w := p2psim.New(10 * time.Millisecond)
//		defer w.Close()
//		node, err := p2p.New(p2p.Config{
//			Listen: w.Listen(0), HostOptions: w.HostOptions(0), …
//		})
//		…
//	})
//
// Places are numbered from 0 and have a public address each. Cut and Heal decide which packets
// arrive. Scheduling and keys are not seeded: a test that must be replayed exactly needs a
// simulation without a network.
package p2psim

import (
	"fmt"
	"net"
	"reflect"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/config"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/libp2p/go-libp2p/x/simlibp2p"
	"github.com/marcopolo/simnet"
	"github.com/quic-go/quic-go"
	"go.uber.org/fx"
)

// linkSpeed of each place, both ways: 100 Mbit/s, an office's line.
const linkSpeed = 100 * simlibp2p.OneMbps

// never is a latency that no test outlives: the packet is lost.
const never = 365 * 24 * time.Hour

// World is a simulated network. It is safe for concurrent use, but hosts must be opened one after
// the other.
type World struct {
	net *simnet.Simnet

	mu      sync.Mutex
	latency time.Duration               // guarded by mu
	queues  map[[2]string]time.Duration // guarded by mu: from, to: what packets wait besides
	cuts    map[[2]string]bool          // guarded by mu: from, to
	shut    map[string]bool             // guarded by mu: places behind a router that lets in answers only
	asked   map[[2]string]time.Time     // guarded by mu: when a shut place last sent from one port to another
	bytes   map[string]int64            // guarded by mu: of packets that a place sent or got
	ports   int                         // guarded by mu: ports above port that were used
}

// New starts a network with a one-way latency between any two places. It must be called inside the
// bubble that uses the network.
func New(latency time.Duration) *World {
	w := &World{latency: latency, queues: map[[2]string]time.Duration{}, cuts: map[[2]string]bool{}, shut: map[string]bool{}, asked: map[[2]string]time.Time{}, bytes: map[string]int64{}}
	w.net = &simnet.Simnet{LatencyFunc: w.travel}
	w.net.Start()
	return w
}

// Close stops the network. The caller closes the hosts before.
func (w *World) Close() { w.net.Close() }

// Listen is where the host at a place listens: p2p.Config.Listen.
func (w *World) Listen(place int) []string {
	return []string{fmt.Sprintf("/ip4/%s/udp/%d/quic-v1", address(place), port)}
}

const port = 8000

func address(place int) net.IP { return simnet.IntToPublicIPv4(place) }

// HostOptions put a host at a place: p2p.Config.HostOptions. A host that was
// closed may be followed by another at the same place.
func (w *World) HostOptions(place int) []libp2p.Option {
	return []libp2p.Option{
		w.quic(place),
		libp2p.DisableIdentifyAddressDiscovery(), // address discovery stalls a bubble
		noProbes,
	}
}

// quic is simlibp2p.QUICSimnet for a host that may also listen nowhere: its packets then come from a
// port of the place's own, as those of a node's dials back do.
func (w *World) quic(place int) libp2p.Option {
	link := simnet.LinkSettings{BitsPerSecond: linkSpeed}
	options := []quicreuse.Option{
		quicreuse.OverrideSourceIPSelector(func() (quicreuse.SourceIPSelector, error) { return source(address(place)), nil }),
		quicreuse.OverrideListenUDP(func(_ string, at *net.UDPAddr) (net.PacketConn, error) {
			if at.IP.IsUnspecified() || at.Port == 0 {
				at = &net.UDPAddr{IP: address(place), Port: w.freePort()}
			}
			return w.net.NewEndpoint(at, simnet.NodeBiDiLinkSettings{Downlink: link, Uplink: link}), nil
		}),
	}
	return libp2p.QUICReuse(func(l fx.Lifecycle, reset quic.StatelessResetKey, token quic.TokenGeneratorKey, more ...quicreuse.Option) (*quicreuse.ConnManager, error) {
		m, err := quicreuse.NewConnManager(reset, token, more...)
		if err == nil {
			l.Append(fx.StopHook(m.Close)) // libp2p closes only one that it made
		}
		return m, err
	}, options...)
}

// source is the address from which a place's packets come, whatever they are for.
type source net.IP

func (s source) PreferredSourceIPForDestination(*net.UDPAddr) (net.IP, error) { return net.IP(s), nil }

// freePort is a port that no place has used.
func (w *World) freePort() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ports++
	return port + w.ports
}

// noProbes switches off a hub's AutoNAT services: libp2p gives their probes a
// transport of its own, on real sockets.
func noProbes(cfg *config.Config) error {
	cfg.EnableAutoNATv2 = false
	cfg.AutoNATConfig.EnableService = false
	return nil
}

// SetLatency changes how long packets travel, one way, from the next packet on.
func (w *World) SetLatency(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.latency = d
}

// SetQueue makes packets from one place to another travel longer, from the next packet on, as behind all
// that waits in a router.
func (w *World) SetQueue(from, to int, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queues[[2]string{address(from).String(), address(to).String()}] = d
}

// packetOverhead is what IPv4 and UDP add to a packet's payload, bytes.
const packetOverhead = 20 + 8

// Bytes is how many bytes a place has sent and received so far, IP and UDP headers included. Packets
// that were lost count for their sender only.
func (w *World) Bytes(place int) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bytes[address(place).String()]
}

// Cut loses every packet from one place to another until Heal. Packets in the other direction
// arrive: a partition is two cuts.
func (w *World) Cut(from, to int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cuts[[2]string{address(from).String(), address(to).String()}] = true
}

// Partition cuts both directions between each place of a and each of b.
func (w *World) Partition(a, b []int) {
	for _, x := range a {
		for _, y := range b {
			w.Cut(x, y)
			w.Cut(y, x)
		}
	}
}

// forgets is how long a router lets answers in after the last packet out, as many routers do for UDP.
const forgets = 30 * time.Second

// Shut puts a place behind a router that lets in only packets from an address and port to which the
// place has sent within the last half minute. The router keeps the place's address: two such places meet
// if both send at once. Where they must not, cut them from each other.
func (w *World) Shut(place int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shut[address(place).String()] = true
}

// Open takes a place's router away, or forwards all its ports.
func (w *World) Open(place int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.shut, address(place).String())
}

// Heal removes every cut.
func (w *World) Heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.cuts)
}

func (w *World) travel(p *simnet.Packet) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	from, to := ipOf(p.From), ipOf(p.To)
	size := int64(payload(p) + packetOverhead)
	w.bytes[from] += size
	if w.cuts[[2]string{from, to}] || !w.letsIn(p.From, p.To) {
		return never
	}
	w.bytes[to] += size
	return w.latency + w.queues[[2]string{from, to}]
}

// letsIn reports whether a packet passes the routers of both places. It is called with mu held.
func (w *World) letsIn(from, to net.Addr) bool {
	if w.shut[ipOf(from)] {
		w.asked[[2]string{from.String(), to.String()}] = time.Now()
	}
	if !w.shut[ipOf(to)] {
		return true
	}
	at, asked := w.asked[[2]string{to.String(), from.String()}]
	return asked && time.Since(at) < forgets
}

// payload is a packet's length in bytes, which simnet tells by no method.
func payload(p *simnet.Packet) int { return reflect.ValueOf(p).Elem().FieldByName("buf").Len() }

func ipOf(a net.Addr) string {
	if u, ok := a.(*net.UDPAddr); ok {
		return u.IP.String()
	}
	return a.String()
}
