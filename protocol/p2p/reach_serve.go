package p2p

import (
	"context"

	"github.com/souk-market/souk/exchange"
)

// serveReach answers the reach protocol: a member asks to be dialed, who relays, or who is connected.
func (n *Node) serveReach(ctx context.Context, from exchange.ShopID, req []byte) ([]byte, error) {
	if len(req) == 0 {
		return nil, exchange.Errorf(exchange.CodeInvalid, "the request is empty")
	}
	p := peerOf(from)
	if req[0] != askProbe && !n.asked.allow(p) { // a probe has a budget of its own
		return nil, exchange.Errorf(exchange.CodeLimit, "too many questions; ask again later")
	}
	switch req[0] {
	case askProbe:
		addrs, err := parseProbe(req[1:])
		if err != nil {
			return nil, exchange.Errorf(exchange.CodeInvalid, "the request is malformed")
		}
		ses := n.sessions.connected(from)
		if ses == nil {
			return nil, exchange.Errorf(exchange.CodeUnavailable, "the connection was lost")
		}
		c, _ := n.sessions.bestOf(ses)
		if c == nil || !isDirect(c) {
			return nil, exchange.Errorf(exchange.CodeUnavailable, "only a member that is connected directly is dialed back")
		}
		results, err := n.prober.probe(ctx, p, addrs)
		if err != nil {
			return nil, err
		}
		return appendProbeReply(nil, results), nil
	case askRelays:
		return appendRelays(nil, n.relays.told(p)), nil
	case tellRelays:
		return nil, n.relays.hear(from, req[1:])
	case askOnline:
		return n.serveOnline(from)
	}
	return nil, exchange.Errorf(exchange.CodeInvalid, "request %d is unknown", req[0])
}
