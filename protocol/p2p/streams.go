package p2p

import (
	"context"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/souk-market/souk/exchange"
)

// guardedHost is the host for libp2p's own services (DHT, gossip). Their stream handlers, too, serve
// only members that have said hello.
type guardedHost struct {
	host.Host
	streams *streams
}

func (g guardedHost) SetStreamHandler(id protocol.ID, h network.StreamHandler) {
	g.Host.SetStreamHandler(id, g.streams.guard(h))
}

func (g guardedHost) SetStreamHandlerMatch(id protocol.ID, match func(protocol.ID) bool, h network.StreamHandler) {
	g.Host.SetStreamHandlerMatch(id, match, g.streams.guard(h))
}

// streams opens streams to members, and admits streams that members open. Its fields never change
// after Start.
type streams struct {
	*base
	sessions *sessions
}

// guard returns a handler that runs h only for members that have said hello.
func (st *streams) guard(h network.StreamHandler) network.StreamHandler {
	return func(s network.Stream) {
		if _, err := st.receive(s); err != nil {
			st.refuse(s, err)
			return
		}
		h(s)
	}
}

// open opens a stream on the session's best connection, never dialing, and returns what is known of the
// connection.
func (st *streams) open(ctx context.Context, ses *session, name string) (network.Stream, *connState, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	c, state := st.sessions.bestOf(ses)
	if c == nil {
		return nil, nil, exchange.Errorf(exchange.CodeUnavailable, "no %s stream to %s: the connection was lost", name, ses.shop)
	}
	s, err := st.openOn(ctx, c, protocolID(st.cfg.Federation, name))
	if err != nil {
		return nil, nil, exchange.Errorf(exchange.CodeUnavailable, "no %s stream to %s: %w", name, ses.shop, err)
	}
	return s, state, nil
}

// receive admits an inbound stream of a member, when the member has said hello.
func (st *streams) receive(s network.Stream) (*session, error) {
	p := s.Conn().RemotePeer()
	if !st.gate.admits(p) {
		st.sessions.cut(p, "not a member")
		return nil, exchange.Errorf(exchange.CodeNotMember, "the peer is not a member")
	}
	ses := st.sessions.track(s.Conn())
	if ses == nil {
		return nil, exchange.Errorf(exchange.CodeUnavailable, "the connection closed")
	}
	return ses, ses.awaitHello(st.ctx)
}

// refuse resets an inbound stream that receive did not admit.
func (st *streams) refuse(s network.Stream, err error) {
	_ = s.Reset()
	st.metrics.refused.WithLabelValues(exchange.CodeOf(err).String()).Inc()
	st.log.Debug("stream refused", "peer", s.Conn().RemotePeer(), "protocol", s.Protocol(), "err", err)
}
