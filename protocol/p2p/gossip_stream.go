package p2p

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// gossipStream is gossip's stream to one peer, over whichever connection is the best. When the connection
// under it closes and the peer has another, it moves there: it opens a stream and first says which topics
// this node subscribes to, as on any new stream. The peer's pubsub takes that for a new stream, ours notices
// nothing, and no message that waits is lost.
//
// pubsub itself would take the peer for dead. It forgets then what the peer subscribes to, also where the
// peer has said so on a stream that lives and so will not say it again. Whenever one of two connections
// closed, or a peer came back before its old connection was given up, the author of a feed could forget
// its reader until the next connection.
type gossipStream struct {
	network.Stream // the first; it answers what does not change: the peer and the protocol
	in             *topics
	ctx            context.Context // ends when pubsub resets or closes the stream
	end            context.CancelFunc

	mu      chan struct{}     // capacity 1: held while the stream moves, as a mutex that a bubble may wait for
	current network.Stream    // guarded by mu
	opened  time.Time         // guarded by mu: when current was opened
	until   time.Time         // guarded by mu: the write deadline
	subs    map[string][]byte // guarded by mu: what pubsub said last of each topic: an encoded pb.RPC_SubOpts
}

// outbound opens gossip's stream to p on the best connection that there is, and dials nobody: a peer that
// disconnected meanwhile is the reconnector's.
func (t *topics) outbound(ctx context.Context, p peer.ID) (network.Stream, error) {
	c := t.best(p)
	if c == nil {
		return nil, network.ErrNoConn
	}
	s, err := t.openStream(ctx, c)
	if err != nil {
		return nil, err
	}
	g := &gossipStream{Stream: s, in: t, mu: make(chan struct{}, 1), current: s, opened: time.Now(), subs: map[string][]byte{}}
	g.ctx, g.end = context.WithCancel(t.ctx)
	t.open.Store(p, g)
	return g, nil
}

// best is the connection for gossip with p: the session's for what is new. It is nil where gossip may not
// take it.
func (t *topics) best(p peer.ID) network.Conn {
	var ses *session
	for _, c := range t.host.Network().ConnsToPeer(p) {
		ses = t.streams.sessions.track(c) // gossip may be sooner than welcome
	}
	if ses == nil {
		return nil
	}
	c, _ := t.streams.sessions.bestOf(ses)
	if c == nil || c.Stat().Limited && !t.wanted(p) {
		return nil
	}
	return c
}

func (t *topics) openStream(ctx context.Context, c network.Conn) (network.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	return t.streams.openOn(ctx, c, t.protocol())
}

// move has gossip with p go to the best connection now, before a worse one is closed.
func (t *topics) move(p peer.ID) {
	is, ok := t.open.Load(p)
	if !ok {
		return
	}
	g := is.(*gossipStream)
	g.lock()
	defer g.unlock()
	if old := g.current; g.moveTo(func(c network.Conn) bool { return c != old.Conn() }) {
		_ = old.CloseWrite()
	}
}

func (g *gossipStream) lock()   { g.mu <- struct{}{} }
func (g *gossipStream) unlock() { <-g.mu }

// Read is how pubsub waits for the stream's end: the peer sends nothing on it.
func (g *gossipStream) Read(b []byte) (int, error) {
	for {
		g.lock()
		s := g.current
		g.unlock()
		n, err := s.Read(b)
		if err == nil || !g.replace(s) {
			return n, err
		}
		_ = s.Reset() // else it would count as open
	}
}

// Write takes one RPC, which is how pubsub writes.
func (g *gossipStream) Write(rpc []byte) (int, error) {
	g.lock()
	err := g.note(rpc)
	s := g.current
	g.unlock()
	if err != nil {
		return 0, err
	}
	for {
		n, err := s.Write(rpc)
		if err == nil {
			return n, nil
		}
		_ = s.Reset()
		if !g.replace(s) {
			return n, err
		}
		g.lock()
		s = g.current
		g.unlock()
	}
}

// replace moves off the stream s, which has ended. It reports false where there is no other way to the
// peer.
func (g *gossipStream) replace(s network.Stream) bool {
	g.lock()
	defer g.unlock()
	if g.current != s {
		return g.ctx.Err() == nil // moved before
	}
	if !g.moveTo(func(c network.Conn) bool { return c != s.Conn() || time.Since(g.opened) > gossipStay }) {
		return false
	}
	for _, topic := range g.in.filter.topicsOf(s.Conn().RemotePeer()) {
		g.in.joins(topic) // what was written last may be lost
	}
	return true
}

// moveTo makes a stream on the best connection the current one, where that connection is fit. It is
// called with mu held.
func (g *gossipStream) moveTo(fit func(network.Conn) bool) bool {
	c := g.in.best(g.Conn().RemotePeer())
	if c == nil || g.ctx.Err() != nil || !fit(c) {
		return false
	}
	s, err := g.in.openStream(g.ctx, c)
	if err != nil {
		return false
	}
	defer context.AfterFunc(g.ctx, func() { _ = s.Reset() })()
	_ = s.SetWriteDeadline(time.Now().Add(openTimeout))
	if _, err := s.Write(g.greeting()); err != nil {
		_ = s.Reset()
		return false
	}
	_ = s.SetWriteDeadline(g.until)
	g.current, g.opened = s, time.Now()
	return true
}

// SetWriteDeadline never fails: Write tells.
func (g *gossipStream) SetWriteDeadline(at time.Time) error {
	g.lock()
	defer g.unlock()
	g.until = at
	_ = g.current.SetWriteDeadline(at)
	return nil
}

// Reset ends the stream. It waits for no move: the end of ctx ends that.
func (g *gossipStream) Reset() error {
	g.end()
	g.lock()
	defer g.unlock()
	return g.current.Reset()
}

// Close is called by pubsub when nothing is to be sent any more.
func (g *gossipStream) Close() error {
	g.end()
	g.lock()
	defer g.unlock()
	return g.current.Close()
}

// Fields of an RPC, and of its subscriptions (pubsub's rpc.proto).
const fieldSubscriptions = 1

var errGossipRPC = errors.New("p2p: gossip has written no RPC")

// note remembers what an RPC says of this node's topics. It is called with mu held.
func (g *gossipStream) note(rpc []byte) error {
	size, n := binary.Uvarint(rpc)
	if n <= 0 || size != uint64(len(rpc)-n) {
		return errGossipRPC
	}
	for rest := rpc[n:]; len(rest) > 0; {
		field, kind, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return errGossipRPC
		}
		value := rest[n:]
		if n = protowire.ConsumeFieldValue(field, kind, value); n < 0 {
			return errGossipRPC
		}
		value, rest = value[:n], value[n:]
		if field != fieldSubscriptions {
			continue
		}
		raw, _ := protowire.ConsumeBytes(value)
		var sub pb.RPC_SubOpts
		if err := proto.Unmarshal(raw, &sub); err != nil {
			return errGossipRPC
		}
		if sub.GetSubscribe() {
			g.subs[sub.GetTopicid()] = append([]byte(nil), raw...)
		} else {
			delete(g.subs, sub.GetTopicid())
		}
	}
	return nil
}

// greeting is an RPC that says all that note remembers. It is called with mu held.
func (g *gossipStream) greeting() []byte {
	var rpc []byte
	for _, raw := range g.subs {
		rpc = protowire.AppendTag(rpc, fieldSubscriptions, protowire.BytesType)
		rpc = protowire.AppendBytes(rpc, raw)
	}
	return append(binary.AppendUvarint(nil, uint64(len(rpc))), rpc...)
}
