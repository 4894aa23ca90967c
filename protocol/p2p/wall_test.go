package p2p

import (
	"context"
	"net"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// toward is an outbound connection to an address.
type toward struct {
	network.Conn
	at ma.Multiaddr
	to peer.ID
}

func (c toward) Stat() network.ConnStats {
	return network.ConnStats{Stats: network.Stats{Direction: network.DirOutbound}}
}
func (c toward) RemoteMultiaddr() ma.Multiaddr { return c.at }
func (c toward) RemotePeer() peer.ID           { return c.to }

// TestWall: only a hub that is reached at port 443, while none of its other ports is, shows a firewall; a
// connection to another port shows that there is none.
func TestWall(t *testing.T) {
	_, hub := someKey(t)
	_, member := someKey(t)
	open := program(t, func(net.Conn) {})
	shut := ma.StringCast("/ip4/127.0.0.1/tcp/1") // nothing listens
	web, other := ma.StringCast("/ip4/77.0.0.2/tcp/443"), ma.StringCast("/ip4/77.0.0.3/tcp/7351")
	webQUIC := ma.StringCast("/ip4/77.0.0.2/udp/443/quic-v1")
	for name, c := range map[string]struct {
		ports []ma.Multiaddr
		conns []network.Conn
		want  bool
	}{
		"nobody was reached":              {ports: []ma.Multiaddr{web, shut}},
		"the hub at 443 alone":            {ports: []ma.Multiaddr{web, shut}, conns: []network.Conn{toward{at: web, to: hub}}, want: true},
		"the hub's other port is open":    {ports: []ma.Multiaddr{web, shut, open}, conns: []network.Conn{toward{at: web, to: hub}}},
		"the hub has no other port":       {ports: []ma.Multiaddr{web}, conns: []network.Conn{toward{at: web, to: hub}}},
		"a member at 443":                 {ports: []ma.Multiaddr{web, shut}, conns: []network.Conn{toward{at: web, to: member}}},
		"a member elsewhere, later":       {ports: []ma.Multiaddr{web, shut}, conns: []network.Conn{toward{at: web, to: hub}, toward{at: other, to: member}}},
		"UDP gets out, be it to port 443": {ports: []ma.Multiaddr{web, shut}, conns: []network.Conn{toward{at: web, to: hub}, toward{at: webQUIC, to: hub}}},
	} {
		t.Run(name, func(t *testing.T) {
			b := &base{ctx: context.Background(), gate: &gate{hubs: map[peer.ID]bool{hub: true}}}
			w := &wall{base: b, ports: func(peer.ID) []ma.Multiaddr { return c.ports }}
			for _, conn := range c.conns {
				w.connected(conn)
			}
			if got := w.shut.Load(); got != c.want {
				t.Errorf("%v", got)
			}
		})
	}
}
