package p2p

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/x/rate"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/souk-market/souk/exchange"
)

// OpenConfig describes an open host, which serves one protocol to anybody. No other host of a
// federation talks to strangers.
type OpenConfig struct {
	Key        ed25519.PrivateKey // of the open host; not the closed host's
	Federation string
	Listen     []string // multiaddrs; empty = DefaultListen
	Announce   []string // multiaddrs told to others instead of the host's own
	Logger     *slog.Logger
	// Question reports whether a request changes nothing. Such questions have limits of their own,
	// so that a crowd of them is not in the way of changes. nil = no request is a question.
	Question    func(req []byte) bool
	Shared      *SharedPort     // listen there, too; its owner opens it before OpenServe; nil = none
	HostOptions []libp2p.Option // applied last
}

// OpenHost serves one protocol to anybody.
type OpenHost struct {
	host      host.Host
	handle    HandlerFunc
	question  func(req []byte) bool
	log       *slog.Logger
	ctx       context.Context
	perIP     *rate.Limiter // of all requests from one address
	changes   class
	questions class
}

// class has the limits of one class of requests: of changes, or of questions.
type class struct {
	limiter *rate.Limiter // over all addresses
	slots   chan struct{} // capacity openHandlers
}

// newClass makes a class. Loopback is exempt from its rate, as in connRate.
func newClass(perSecond float64, burst int) class {
	return class{
		limiter: &rate.Limiter{
			NetworkPrefixLimits: connRate(perSecond, burst).NetworkPrefixLimits,
			GlobalLimit:         rate.Limit{RPS: perSecond, Burst: burst},
		},
		slots: make(chan struct{}, openHandlers),
	}
}

// enter waits for a slot; leave frees the slot.
func (k class) enter(ctx context.Context, ip netip.Addr) (leave func(), err error) {
	if !k.limiter.Allow(ip) {
		return nil, exchange.Errorf(exchange.CodeLimit, "too many ask the hub at the moment; try again in a minute")
	}
	select {
	case k.slots <- struct{}{}:
		return func() { <-k.slots }, nil
	case <-ctx.Done():
		return nil, exchange.Errorf(exchange.CodeLimit, "the hub is busy; try again in a minute")
	}
}

// OpenServe opens a host that serves protocol name, and besides it only identify. A stream carries
// one request of at most MaxOpenRequest and one reply. The handler's from is the connection's key,
// which anybody can make. Requests beyond the rates in limits.go are answered with CodeLimit. The
// host closes when ctx ends.
func OpenServe(ctx context.Context, cfg OpenConfig, name string, h HandlerFunc) (*OpenHost, error) {
	if err := checkName("federation", cfg.Federation, maxFederation, false); err != nil {
		return nil, err
	}
	if len(cfg.Listen) == 0 {
		cfg.Listen = DefaultListen
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	opts, err := openOptions(cfg)
	if err != nil {
		return nil, err
	}
	o := &OpenHost{
		handle: h, question: cfg.Question, log: cfg.Logger, ctx: ctx, perIP: connRate(openRatePerIP, openBurstPerIP),
		changes: newClass(openRate, openBurst), questions: newClass(openAskRate, openAskBurst),
	}
	if o.host, err = libp2p.New(opts...); err != nil {
		return nil, exchange.Errorf(exchange.CodeUnavailable, "the open host could not listen on %v: %w", cfg.Listen, err)
	}
	o.host.SetStreamHandler(protocolID(cfg.Federation, name), o.serve)
	o.host.Network().Notify(&network.NotifyBundle{ConnectedF: func(_ network.Network, c network.Conn) {
		time.AfterFunc(openIdle, func() { _ = c.Close() })
	}})
	context.AfterFunc(ctx, func() { _ = o.Close() })
	return o, nil
}

func openOptions(cfg OpenConfig) ([]libp2p.Option, error) {
	key, err := crypto.UnmarshalEd25519PrivateKey(cfg.Key)
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInvalid, "the open host's key: %w", err)
	}
	listen, err := parseAddrs(cfg.Listen)
	if err != nil {
		return nil, err
	}
	announce, err := parseAddrs(cfg.Announce)
	if err != nil {
		return nil, err
	}
	resources, err := newResources(openConns, false)
	if err != nil {
		return nil, err
	}
	opts := append(baseOptions(key), tcpOption(cfg.Shared, openSide), libp2p.Security(string(joinNoise), noise.New),
		libp2p.ListenAddrs(listen...), libp2p.ListenAddrs(cfg.Shared.addrs()...), libp2p.UserAgent("souk"),
		libp2p.ResourceManager(resources), libp2p.ConnectionGater(ed25519Only{}),
		libp2p.DisableRelay(), libp2p.Ping(false), libp2p.DisableMetrics())
	if len(announce) > 0 {
		opts = append(opts, libp2p.AddrsFactory(func([]ma.Multiaddr) []ma.Multiaddr { return announce }))
	}
	return append(opts, cfg.HostOptions...), nil
}

// Close ends every request and the host. It may be called twice.
func (o *OpenHost) Close() error { return o.host.Close() }

func (o *OpenHost) serve(s network.Stream) {
	ctx, cancel := context.WithTimeout(o.ctx, openTimeoutTotal)
	defer cancel()
	_ = s.SetDeadline(time.Now().Add(openTimeoutTotal))
	from, _ := shopOf(s.Conn().RemotePeer())
	k := kindReply
	reply, leave, err := o.answer(ctx, s, from)
	defer leave()
	if err != nil {
		o.log.Info("request to the open host refused", "from", from, "addr", s.Conn().RemoteMultiaddr(), "err", err)
		k, reply = kindError, appendError(nil, err)
	}
	if _, err := s.Write(appendFrame(nil, 1, k, reply)); err != nil {
		_ = s.Reset()
		return
	}
	_ = s.Close()
}

// answer reads a request and handles it. leave, never nil, is called when the answer is sent. The
// request is read before it takes a slot, so that a slow sender keeps nobody out.
func (o *OpenHost) answer(ctx context.Context, s network.Stream, from exchange.ShopID) (reply []byte, leave func(), err error) {
	leave = func() {}
	ip := remoteIP(s.Conn())
	if !o.perIP.Allow(ip) {
		return nil, leave, exchange.Errorf(exchange.CodeLimit, "too many requests from your address; try again in a minute")
	}
	fr := frameReader{r: bufio.NewReader(s), limit: MaxOpenRequest}
	h, req, err := fr.next()
	if err != nil || h.kind != kindRequest || h.id != 1 {
		return nil, leave, exchange.Errorf(exchange.CodeInvalid, "the request is malformed or longer than %d bytes", MaxOpenRequest)
	}
	class := o.changes
	if o.question != nil && o.question(req) {
		class = o.questions
	}
	done, err := class.enter(ctx, ip)
	if err != nil {
		return nil, leave, err
	}
	reply, err = o.handle(ctx, from, req)
	if err == nil && len(reply) > MaxOpenReply {
		err = exchange.Errorf(exchange.CodeInternal, "the reply has %d bytes, more than %d", len(reply), MaxOpenReply)
	}
	return reply, done, err
}

// remoteIP is the other side's address. Where there is none it is the zero Addr, which has the limits
// of an address.
func remoteIP(c network.Conn) netip.Addr {
	ip, err := manet.ToIP(c.RemoteMultiaddr())
	if err != nil {
		return netip.Addr{}
	}
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}

// ed25519Only is the open host's connection gater: it refuses keys that cannot be a shop's, and dials
// nobody.
type ed25519Only struct{}

func (ed25519Only) InterceptPeerDial(peer.ID) bool               { return false }
func (ed25519Only) InterceptAddrDial(peer.ID, ma.Multiaddr) bool { return false }
func (ed25519Only) InterceptAccept(network.ConnMultiaddrs) bool  { return true }
func (ed25519Only) InterceptSecured(_ network.Direction, p peer.ID, _ network.ConnMultiaddrs) bool {
	_, ok := shopOf(p)
	return ok
}
func (ed25519Only) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }

// AskConfig says where an open host is, and under which key to ask.
type AskConfig struct {
	Addrs       []string // multiaddrs ending in /p2p/<peer>; hosts are tried in order
	Federation  string
	Key         ed25519.PrivateKey // whose peer ID the open host sees; nil = a throwaway one
	HostOptions []libp2p.Option    // applied last
}

// Ask sends one request to an open host and returns the reply. It opens a host for this request,
// which listens nowhere. The connection proves that the open host has the key that its address
// names. An error for which IsAnswer holds is the host's answer. Any other error is
// CodeUnavailable and names the addresses tried; the outcome is unknown.
func Ask(ctx context.Context, cfg AskConfig, name string, req []byte) ([]byte, error) {
	infos, err := parsePeers(cfg.Addrs)
	if err != nil {
		return nil, err
	}
	if len(infos) == 0 {
		return nil, exchange.Errorf(exchange.CodeInvalid, "there is no address to ask")
	}
	if len(req) > MaxOpenRequest {
		return nil, exchange.Errorf(exchange.CodeLimit, "a request to an open host has at most %d bytes, not %d", MaxOpenRequest, len(req))
	}
	names := newNameResolver()
	h, err := askHost(cfg, names)
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeUnavailable, "no network: %w", err)
	}
	defer h.Close()
	var failures []string
	for _, info := range infos {
		reply, err := askOne(ctx, h, info, cfg.Federation, name, req)
		if err == nil || IsAnswer(err) {
			return reply, err
		}
		failures = append(failures, sentences(names.obstacles(info.Addrs, err)))
	}
	if len(cfg.HostOptions) == 0 && offline(addrsOf(infos), hasRoute) {
		return nil, exchange.Errorf(exchange.CodeUnavailable, "the hub was not reached: %s", OfflineText)
	}
	return nil, exchange.Errorf(exchange.CodeUnavailable,
		"the hub was not reached: %s. Check that it runs, and that your network and clock are right",
		strings.Join(failures, "; "))
}

func askHost(cfg AskConfig, names *nameResolver) (host.Host, error) {
	raw := cfg.Key
	if raw == nil {
		var err error
		if _, raw, err = ed25519.GenerateKey(rand.Reader); err != nil {
			return nil, err
		}
	}
	key, err := crypto.UnmarshalEd25519PrivateKey(raw)
	if err != nil {
		return nil, err
	}
	// The proposals have the order of the options.
	opts := append([]libp2p.Option{libp2p.Security(string(joinNoise), noise.New)}, baseOptions(key)...)
	opts = append(opts, tcpOption(nil, openSide), libp2p.NoListenAddrs, libp2p.UserAgent("souk"), libp2p.MultiaddrResolver(names),
		libp2p.DisableRelay(), libp2p.Ping(false), libp2p.DisableMetrics())
	return libp2p.New(append(opts, cfg.HostOptions...)...)
}

func askOne(ctx context.Context, h host.Host, info peer.AddrInfo, federation, name string, req []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeoutTotal)
	defer cancel()
	if err := h.Connect(ctx, info); err != nil {
		return nil, err
	}
	s, err := h.NewStream(ctx, info.ID, protocolID(federation, name))
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeUnavailable, "%s is no open host of federation %s: %w", info.ID, federation, err)
	}
	defer s.Reset() // after Close it has no effect
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	if _, err := s.Write(appendFrame(nil, 1, kindRequest, req)); err != nil {
		return nil, err
	}
	_ = s.CloseWrite()
	fr := frameReader{r: bufio.NewReader(s), limit: MaxOpenReply}
	head, reply, err := fr.next()
	switch {
	case err != nil:
		return nil, err
	case head.kind == kindError:
		return nil, parseError(reply)
	case head.kind != kindReply:
		return nil, errFrame
	}
	_ = s.Close()
	return reply, nil
}
