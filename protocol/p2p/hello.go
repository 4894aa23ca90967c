package p2p

import (
	"bufio"
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/souk-market/souk/exchange"
)

// versions of the protocol that this program speaks, ascending. A version is one of all protocols
// below /souk/<federation>/ together.
var versions = []uint64{1}

const helloName = "hello"

// hello is the payload of a hello frame; doc.go has its layout.
type hello struct {
	versions    []uint64
	incarnation uint64
	record      []byte
	seen        ma.Multiaddr   // where the sender sees the receiver; nil = not told
	reach       bool           // the fields from seen on are there: the sender speaks the reach protocol
	relays      bool           // the sender relays for members
	near        []ma.Multiaddr // the sender's addresses in its own networks, where they may help the receiver
	app         []byte
}

// Bits of a hello's flags.
const helloRelays = 1

func (h hello) append(dst []byte) []byte {
	header := binary.AppendUvarint(nil, uint64(len(h.versions)))
	for _, v := range h.versions {
		header = binary.AppendUvarint(header, v)
	}
	header = binary.BigEndian.AppendUint64(header, h.incarnation)
	header = appendBytes(header, h.record)
	if more := h.appendMore(nil); len(header)+len(more) <= maxHeader {
		header = append(header, more...)
	}
	return append(appendBytes(dst, header), h.app...)
}

// appendMore appends the fields after the record, which the first program of this version does not know.
func (h hello) appendMore(dst []byte) []byte {
	if h.seen == nil {
		dst = appendBytes(dst, nil)
	} else {
		dst = appendBytes(dst, h.seen.Bytes())
	}
	var flags uint64
	if h.relays {
		flags |= helloRelays
	}
	return appendAddresses(binary.AppendUvarint(dst, flags), h.near)
}

// parseHello reads untrusted bytes; the hello's slices point into b.
func parseHello(b []byte) (hello, error) {
	var h hello
	rest := cursor(b)
	raw, err := rest.bytes(maxHeader)
	if err != nil || len(rest) > MaxHello {
		return h, errFrame
	}
	h.app = rest
	header := cursor(raw)
	count, err := header.uvarint()
	if err != nil || count > maxVersions {
		return h, errFrame
	}
	for range count {
		v, err := header.uvarint()
		if err != nil {
			return h, err
		}
		h.versions = append(h.versions, v)
	}
	incarnation, err := header.take(8)
	if err != nil {
		return h, err
	}
	if h.incarnation = binary.BigEndian.Uint64(incarnation); h.incarnation == 0 {
		return h, errFrame
	}
	if h.record, err = header.bytes(MaxRecord); err != nil || len(header) == 0 {
		return h, err
	}
	h.reach = true
	return h, h.parseMore(&header)
}

// parseMore reads the fields after the record.
func (h *hello) parseMore(header *cursor) error {
	seen, err := header.bytes(maxAddress)
	if err != nil {
		return err
	}
	if len(seen) > 0 {
		h.seen, _ = ma.NewMultiaddrBytes(seen) // one of a later libp2p is as good as none
	}
	flags, err := header.uvarint()
	if err != nil {
		return err
	}
	h.relays = flags&helloRelays != 0
	h.near, err = header.addresses(maxNear)
	return err
}

// greeter says the node's hello and judges the hellos of peers. Its fields never change after Start;
// a hello changes sessions and addresses.
type greeter struct {
	*base
	sessions    *sessions
	addresses   *addresses
	streams     *streams
	incarnation uint64      // drawn in New, told in every hello; not 0
	relays      func() bool // whether this node relays for members; fixed by New
}

// ownHello returns the payload of our hello to one peer, on c.
func (g *greeter) ownHello(c network.Conn, to exchange.ShopID) ([]byte, error) {
	h := hello{
		versions: versions, incarnation: g.incarnation, record: g.addresses.signed(),
		seen: c.RemoteMultiaddr(), relays: g.relays(), near: g.addresses.near(c),
	}
	if g.cfg.Hellos != nil {
		h.app = g.cfg.Hellos.Hello(to)
	}
	if len(h.app) > MaxHello {
		return nil, exchange.Errorf(exchange.CodeLimit, "our hello to %s has %d bytes, more than %d", to, len(h.app), MaxHello)
	}
	if len(h.record) > MaxRecord {
		h.record = nil // the peer has at least the address of this connection
	}
	return h.append(nil), nil
}

// judge accepts or refuses the hello that a peer sent on c. An accepted hello greets c's session.
func (g *greeter) judge(c network.Conn, shop exchange.ShopID, payload []byte) (*session, error) {
	h, err := parseHello(payload)
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInvalid, "the hello is malformed")
	}
	if !slices.ContainsFunc(h.versions, func(v uint64) bool { return slices.Contains(versions, v) }) {
		return nil, exchange.Errorf(exchange.CodeVersion, "we speak versions %v of the protocol, the other side %v; update the older program", versions, h.versions)
	}
	if len(h.record) > 0 {
		if err := g.addresses.learn(shop, h.record); err != nil {
			g.log.Debug("hello without usable addresses", "shop", shop, "err", err)
		}
	}
	if g.cfg.Hellos != nil {
		if err := g.cfg.Hellos.Greet(shop, slices.Clone(h.app)); err != nil {
			return nil, err
		}
	}
	if !g.gate.admits(c.RemotePeer()) {
		return nil, exchange.Errorf(exchange.CodeNotMember, "%s is not a member", shop)
	}
	if isDirect(c) {
		g.addresses.sees(c.RemotePeer(), h.seen)
	}
	g.addresses.learnNear(c.RemotePeer(), h.near)
	ses := g.sessions.greet(c, h)
	if ses == nil {
		return nil, exchange.Errorf(exchange.CodeUnavailable, "the connection to %s closed during its hello", shop)
	}
	return ses, nil
}

// sayHello exchanges hellos on c, as the side that says hello first.
func (g *greeter) sayHello(ctx context.Context, c network.Conn) error {
	shop, _ := shopOf(c.RemotePeer())
	ctx, cancel := context.WithTimeout(ctx, HelloTimeout)
	defer cancel()
	s, err := g.streams.openOn(ctx, c, protocolID(g.cfg.Federation, helloName))
	if err != nil {
		return exchange.Errorf(exchange.CodeUnavailable, "%s did not take our hello: it may not know us as a member yet, or belong to another federation: %w", shop, err)
	}
	defer s.Reset() // after Close it has no effect
	_ = s.SetDeadline(time.Now().Add(HelloTimeout))
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	own, err := g.ownHello(c, shop)
	if err != nil {
		return err
	}
	if _, err := s.Write(appendFrame(nil, 0, kindHello, own)); err != nil {
		return exchange.Errorf(exchange.CodeUnavailable, "%s closed the connection during our hello: %w", shop, err)
	}
	_ = s.CloseWrite()
	k, payload, err := readHelloFrame(s)
	if err != nil {
		return exchange.Errorf(exchange.CodeUnavailable, "%s did not answer our hello; it may not know us as a member yet: %w", shop, err)
	}
	if k == kindError {
		return parseError(payload)
	}
	if _, err = g.judge(s.Conn(), shop, payload); err == nil {
		_ = s.Close()
	}
	return err
}

// answerHello serves the hello protocol: it answers a peer that says hello first.
func (g *greeter) answerHello(s network.Stream) {
	defer s.Close()
	c := s.Conn()
	shop, ok := shopOf(c.RemotePeer())
	ses := g.sessions.track(c)
	if !ok || ses == nil || !g.gate.knock(c.RemotePeer()) {
		_ = s.Reset()
		_ = c.Close()
		return
	}
	_ = s.SetDeadline(time.Now().Add(HelloTimeout))
	k, payload, err := readHelloFrame(s)
	if err != nil || k != kindHello {
		_ = s.Reset()
		_ = c.Close()
		return
	}
	own, err := g.ownHello(c, shop)
	if err == nil {
		_, err = g.judge(c, shop, payload)
	}
	g.metrics.hello(err)
	if err == nil {
		_, _ = s.Write(appendFrame(nil, 0, kindHello, own))
		return
	}
	g.log.Info("hello refused", "shop", shop, "err", err)
	_, _ = s.Write(appendFrame(nil, 0, kindError, appendError(nil, err)))
	_ = s.CloseWrite()
	linger := time.NewTimer(refusalLinger)
	defer linger.Stop()
	select { // to close at once could overtake the error frame
	case <-ses.ctx.Done():
	case <-linger.C:
	}
	g.dismiss(c, err)
}

// dismiss closes the connections of a peer whose hello was refused. A session that an earlier hello
// greeted ends, too: the peer is no longer what that hello said.
func (g *greeter) dismiss(c network.Conn, why error) {
	g.gate.rest(c.RemotePeer(), why)
	g.sessions.refuse(c.RemotePeer(), why)
	_ = g.host.Network().ClosePeer(c.RemotePeer())
}

func readHelloFrame(s network.Stream) (kind, []byte, error) {
	fr := frameReader{r: bufio.NewReader(s), limit: MaxHello + maxHeader + binary.MaxVarintLen64}
	h, payload, err := fr.next()
	if err == nil && h.kind != kindHello && h.kind != kindError {
		err = errFrame
	}
	return h.kind, payload, err
}

// welcome runs for every new connection. The side that dialed says hello; either side closes a
// connection that is not greeted in time. A second call for a connection does nothing.
func (g *greeter) welcome(c network.Conn) {
	ses := g.sessions.track(c)
	if ses == nil {
		_ = c.Close()
		return
	}
	if !g.sessions.toWelcome(ses, c) {
		return
	}
	if c.Stat().Direction == network.DirOutbound {
		err := g.sayHello(ses.ctx, c)
		g.metrics.hello(err)
		switch {
		case err == nil || ses.ctx.Err() != nil:
		case g.sessions.connected(ses.shop) != nil && !IsAnswer(err):
			_ = c.Close() // another connection serves
		default:
			g.log.Info("hello failed", "shop", ses.shop, "addr", c.RemoteMultiaddr(), "err", err)
			g.dismiss(c, err)
		}
		return
	}
	if err := ses.awaitHello(g.ctx); err != nil && ses.ctx.Err() == nil {
		g.dismiss(c, err)
	}
}

// Rehello exchanges hellos with a connected member again, after a change of what Hellos says. A
// member that is not connected is CodeUnavailable.
func (n *Node) Rehello(ctx context.Context, shop exchange.ShopID) error {
	ses := n.sessions.connected(shop)
	if ses == nil {
		return exchange.Errorf(exchange.CodeUnavailable, "%s is not connected", shop)
	}
	return n.greeter.again(ctx, ses)
}

// again exchanges hellos on the session's best connection.
func (g *greeter) again(ctx context.Context, ses *session) error {
	c, _ := g.sessions.bestOf(ses)
	if c == nil {
		return exchange.Errorf(exchange.CodeUnavailable, "the connection to %s was lost", ses.shop)
	}
	return g.sayHello(ctx, c)
}

// rehelloAtOnce bounds HelloAll's streams, each with up to MaxHello in memory: 16 MiB.
const rehelloAtOnce = 64

// HelloAll is Rehello to every connected member, hubs and wanted members first. A hello that is late makes
// its connection suspect, as a request does. Failures are logged: a member that misses a hello
// learns the same from the next hello or from gossip.
func (n *Node) HelloAll(ctx context.Context) {
	var first, rest []*session
	for _, ses := range n.sessions.greeted() {
		if n.reconnector.keeps(ses.peer) {
			first = append(first, ses)
		} else {
			rest = append(rest, ses)
		}
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, rehelloAtOnce)
	for _, ses := range append(first, rest...) {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		wg.Go(func() {
			defer func() { <-slots }()
			defer time.AfterFunc(suspectAfter, func() { n.pulse.suspect(ses) }).Stop()
			if err := n.greeter.again(ctx, ses); err != nil {
				n.log.Debug("hello again failed", "shop", ses.shop, "err", err)
			}
		})
	}
}
