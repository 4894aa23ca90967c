package p2p

import (
	"net"
	"strings"

	ma "github.com/multiformats/go-multiaddr"
)

// AddressText writes a multiaddr for people: "192.0.2.7:7351 (TCP)", "shop.example:7351 (QUIC)",
// "a relay at 192.0.2.7:7351 (TCP)". A text that is no host's address it returns unchanged.
func AddressText(multiaddr string) string {
	a, err := ma.NewMultiaddr(multiaddr)
	if err != nil {
		return multiaddr
	}
	return addressText(a)
}

func addressText(a ma.Multiaddr) string {
	var host, port, transport, relay string
	for _, c := range a {
		switch c.Protocol().Code {
		case ma.P_IP4, ma.P_IP6, ma.P_DNS, ma.P_DNS4, ma.P_DNS6:
			host = c.Value()
		case ma.P_TCP, ma.P_UDP:
			port, transport = c.Value(), strings.ToUpper(c.Protocol().Name)
		case ma.P_QUIC_V1:
			transport = "QUIC"
		case ma.P_WS, ma.P_WSS:
			transport = "WebSocket"
		case ma.P_CIRCUIT:
			relay = "a relay at "
		}
	}
	if host == "" || port == "" {
		return a.String()
	}
	return relay + net.JoinHostPort(host, port) + " (" + transport + ")"
}
