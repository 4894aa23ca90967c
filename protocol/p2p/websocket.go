package p2p

import (
	"crypto/tls"
	"crypto/x509"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
)

// webRoots are who may certify a hub's proxy; nil = whom this machine trusts. Tests have their own.
var webRoots *x509.CertPool

// webOption lets a host dial /dns/NAME/tcp/443/tls/ws: a hub behind a proxy that ends TLS. Where the
// environment names a proxy of this network (HTTPS_PROXY, NO_PROXY), libp2p dials through that. The
// certificate says whose the name is; the hub proves its key as on any other way.
func webOption() libp2p.Option {
	return libp2p.Transport(func(up transport.Upgrader, resources network.ResourceManager) (*websocket.WebsocketTransport, error) {
		return websocket.New(up, resources, nil, websocket.WithTLSClientConfig(&tls.Config{RootCAs: webRoots, MinVersion: tls.VersionTLS12}))
	})
}
