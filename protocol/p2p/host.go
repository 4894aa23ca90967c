package p2p

import (
	"net/netip"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/x/rate"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// open makes the host, the DHT and gossip; an error leaves none of them open.
func (n *Node) open() error {
	opts, err := n.hostOptions()
	if err != nil {
		return err
	}
	h, err := libp2p.New(opts...)
	if err != nil {
		return err
	}
	n.host = h
	if n.addresses.emitter, err = h.EventBus().Emitter(new(event.EvtAutoRelayAddrsUpdated)); err != nil {
		_ = h.Close()
		n.host = nil
		return err
	}
	if err := n.openServices(); err != nil {
		_ = h.Close()
		n.host = nil
		return err
	}
	return nil
}

func (n *Node) openServices() (err error) {
	n.dialer.dht, err = dht.New(guardedHost{n.host, n.streams},
		dht.Mode(dht.ModeServer),
		dht.ProtocolPrefix(protocol.ID("/souk/"+n.cfg.Federation)),
		dht.DisableProviders(), dht.DisableValues(),
		dht.BootstrapPeers(n.cfg.hubs...),
		dht.DisableAutoRefresh(), // see refreshDHT
		dht.RoutingTableFilter(func(_ any, p peer.ID) bool { return n.gate.admits(p) }),
		dht.QueryFilter(func(_ any, info peer.AddrInfo) bool { return n.gate.admits(info.ID) }),
	)
	if err != nil {
		return err
	}
	if err = n.topics.start(); err == nil && n.cfg.Hub {
		err = n.service.set(true)
	}
	if err == nil {
		err = n.direct.open()
	}
	if err != nil {
		_ = n.dialer.dht.Close()
	}
	return err
}

// hostOptions composes a host of two transports, one cipher suite each, and no public services. It
// uses no default of libp2p's that would speak to strangers.
func (n *Node) hostOptions() ([]libp2p.Option, error) {
	key, err := crypto.UnmarshalEd25519PrivateKey(n.cfg.Key)
	if err != nil {
		return nil, err
	}
	resources, err := newResources(maxConns, n.cfg.Registerer != nil)
	if err != nil {
		return nil, err
	}
	conns, err := connmgr.NewConnManager(connLow, connHigh, connmgr.WithGracePeriod(time.Minute))
	if err != nil {
		return nil, err
	}
	opts := append(baseOptions(key),
		tcpOption(n.cfg.Shared, closedSide),
		libp2p.ListenAddrs(n.cfg.listen...), libp2p.ListenAddrs(n.cfg.Shared.addrs()...),
		libp2p.UserAgent("souk/"+n.cfg.Version),
		libp2p.ConnectionGater(n.gate),
		libp2p.ResourceManager(resources),
		libp2p.ConnectionManager(conns),
		libp2p.EnableRelay(),
		libp2p.MultiaddrResolver(n.dns),
	)
	if n.cfg.Registerer != nil {
		opts = append(opts, libp2p.PrometheusRegisterer(n.cfg.Registerer))
	} else {
		opts = append(opts, libp2p.DisableMetrics())
	}
	opts = append(opts, libp2p.AddrsFactory(n.addresses.factory))
	if slices.ContainsFunc(n.cfg.listen, behindNAT) {
		opts = append(opts, libp2p.NATPortMap())
	}
	// Shops have their addresses tried by the reach protocol (proofs), and need no AutoNAT. A hub serves
	// it to shops of the version before. libp2p's relay service would wait for AutoNAT's verdict: see
	// relayService.
	if n.cfg.Hub {
		opts = append(opts, libp2p.ForceReachabilityPublic(), libp2p.EnableAutoNATv2(), libp2p.EnableNATService())
	} else {
		opts = append(opts, libp2p.ForceReachabilityPrivate())
	}
	return append(opts, n.cfg.HostOptions...), nil
}

// baseOptions are common to every host of this package. A host adds tcpOption.
func baseOptions(key crypto.PrivKey) []libp2p.Option {
	return []libp2p.Option{
		libp2p.Identity(key),
		libp2p.Transport(libp2pquic.NewTransport),
		webOption(),
		libp2p.Security(noise.ID, noise.New),
		libp2p.ProtocolVersion("souk/1"),
		// After a hundred failed dials libp2p takes UDP, or IPv6, for a black hole and stops dialing
		// there. A shop whose partners were out of reach for minutes has had as many failures, and
		// must find its partners within seconds when they are back.
		libp2p.UDPBlackHoleSuccessCounter(nil), libp2p.IPv6BlackHoleSuccessCounter(nil),
	}
}

// behindNAT reports whether a port mapping could help a listen address. A loopback address and a
// public address need none.
func behindNAT(a ma.Multiaddr) bool {
	return manet.IsIPUnspecified(a) || manet.IsPrivateAddr(a) && !manet.IsIPLoopback(a)
}

// newResources makes libp2p's resource manager of the limits in limits.go. With watched it feeds
// libp2p's metrics, which costs a little on every stream.
func newResources(conns int, watched bool) (network.ResourceManager, error) {
	limits := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&limits)
	// libp2p lets a peer ping twice at once, and counts a ping until the other side has noticed its
	// end. A second dial of the same member could then measure no round trips.
	pings := rcmgr.BaseLimit{
		StreamsInbound: maxProtocolPeerStreams, StreamsOutbound: maxProtocolPeerStreams,
		Streams: 2 * maxProtocolPeerStreams, Memory: maxPeerMemory,
	}
	limits.AddServicePeerLimit(ping.ServiceName, pings, rcmgr.BaseLimitIncrease{})
	limits.AddProtocolPeerLimit(ping.ID, pings, rcmgr.BaseLimitIncrease{})
	// A circuit is a stream from one member and a stream to another; libp2p lets a member have 64.
	circuits := rcmgr.BaseLimit{StreamsInbound: relayCircuits, StreamsOutbound: relayCircuits, Streams: 2 * relayCircuits, Memory: maxMemory}
	perMember := rcmgr.BaseLimit{
		StreamsInbound: relayPeerCircuits, StreamsOutbound: relayPeerCircuits, Streams: 2 * relayPeerCircuits, Memory: maxPeerMemory,
	}
	limits.AddServiceLimit(relay.ServiceName, circuits, rcmgr.BaseLimitIncrease{})
	limits.AddServicePeerLimit(relay.ServiceName, perMember, rcmgr.BaseLimitIncrease{})
	for _, id := range []protocol.ID{proto.ProtoIDv2Hop, proto.ProtoIDv2Stop} {
		limits.AddProtocolLimit(id, circuits, rcmgr.BaseLimitIncrease{})
		limits.AddProtocolPeerLimit(id, perMember, rcmgr.BaseLimitIncrease{})
	}
	host := rcmgr.ResourceLimits{
		Conns: rcmgr.LimitVal(conns), ConnsInbound: rcmgr.LimitVal(conns), ConnsOutbound: rcmgr.LimitVal(conns),
		Streams: maxStreams, StreamsInbound: maxStreams, StreamsOutbound: maxStreams,
		FD: rcmgr.LimitVal(conns), Memory: maxMemory,
	}
	perPeer := rcmgr.ResourceLimits{
		Conns: maxPeerConns, ConnsInbound: maxPeerConns, ConnsOutbound: maxPeerConns, FD: maxPeerConns,
		Streams: 2 * maxPeerStreams, StreamsInbound: maxPeerStreams, StreamsOutbound: maxPeerStreams,
		Memory: maxPeerMemory,
	}
	perProtocol := host
	perProtocol.Conns, perProtocol.ConnsInbound, perProtocol.ConnsOutbound, perProtocol.FD = 0, 0, 0, 0
	perProtocolPeer := rcmgr.ResourceLimits{
		Streams: 2 * maxProtocolPeerStreams, StreamsInbound: maxProtocolPeerStreams, StreamsOutbound: maxProtocolPeerStreams,
		Memory: maxPeerMemory,
	}
	transient := rcmgr.ResourceLimits{
		Conns: maxTransientConns, ConnsInbound: maxTransientConns, ConnsOutbound: maxTransientConns, FD: maxTransientConns,
		Streams: maxTransientStreams, StreamsInbound: maxTransientStreams, StreamsOutbound: maxTransientStreams,
	}
	config := rcmgr.PartialLimitConfig{
		System: host, Transient: transient, PeerDefault: perPeer,
		ProtocolDefault: perProtocol, ProtocolPeerDefault: perProtocolPeer,
	}.Build(limits.AutoScale())
	opts := []rcmgr.Option{
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: maxConnsPerIP}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: maxConnsPerIP}, {PrefixLength: 48, ConnCount: 4 * maxConnsPerIP}}),
		rcmgr.WithConnRateLimiters(connRate(connRatePerIP, connBurstPerIP)),
	}
	if watched {
		reporter, err := rcmgr.NewStatsTraceReporter()
		if err != nil {
			return nil, err
		}
		opts = append(opts, rcmgr.WithTraceReporter(reporter))
	}
	return rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(config), opts...)
}

// connRate limits new connections from one address. Loopback is exempt: many shops may run on one
// machine.
func connRate(perSecond float64, burst int) *rate.Limiter {
	limit := rate.Limit{RPS: perSecond, Burst: burst}
	return &rate.Limiter{
		NetworkPrefixLimits: []rate.PrefixLimit{
			{Prefix: netip.MustParsePrefix("127.0.0.0/8")},
			{Prefix: netip.MustParsePrefix("::1/128")},
		},
		SubnetRateLimiter: rate.SubnetLimiter{
			IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32, Limit: limit}},
			IPv6SubnetLimits: []rate.SubnetLimit{{PrefixLength: 56, Limit: limit}},
			GracePeriod:      time.Minute,
		},
	}
}
