package p2p

import (
	"crypto/ed25519"
	"log/slog"
	"slices"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/souk-market/souk/exchange"
)

// Config says which member a Node is, and whom it trusts. Key, Federation and Members are required.
type Config struct {
	Key        ed25519.PrivateKey // of the shop or the hub's closed host; its peer ID is the ShopID
	Federation string             // part of every protocol ID: 1 to 64 letters, digits, dots, dashes, underscores
	Listen     []string           // multiaddrs; empty = DefaultListen
	Announce   []string           // multiaddrs told to others instead of the host's own; empty = the host's own. Ways through relays are told besides
	Hubs       []string           // multiaddrs of the hubs' closed hosts, each ending in /p2p/<peer>: trusted, bootstrap and relay
	Hub        bool               // serve as a hub: relay for members, AutoNAT, reachable by definition
	Relay      bool               // relay for members while they reach this node directly; a hub always does
	RelayBytes int64              // how much to relay in a day; 0 = DefaultRelayBytes. A hub has no such bound
	Members    Directory
	Hellos     Hellos      // nil = the application has nothing to say in a hello
	Book       AddressBook // nil = addresses do not survive a restart
	Version    string      // of the program, told to members as souk/<version>; empty = "dev"
	Shared     *SharedPort // listen there, too, as the closed host; its owner opens it before Start; nil = none

	Registerer  prometheus.Registerer // nil = no metrics
	Logger      *slog.Logger          // nil = no log
	HostOptions []libp2p.Option       // applied last; package p2psim puts a simulated network here
}

// DefaultListen is every interface, TCP and QUIC, with ports the system chooses.
var DefaultListen = []string{
	"/ip4/0.0.0.0/tcp/0", "/ip4/0.0.0.0/udp/0/quic-v1",
	"/ip6/::/tcp/0", "/ip6/::/udp/0/quic-v1",
}

// Directory says which shops are members. A Node asks it on every connection, stream and message,
// so it must answer from memory. The hubs of the configuration need not be in it. Safe for
// concurrent use.
type Directory interface {
	// Admit reports whether shop is a member now.
	Admit(shop exchange.ShopID) bool
	// Unknown is called when a shop that is no member tries to connect, or is to be dialed. The
	// member list may then be pulled. Unknown must return at once, and may ignore most calls.
	Unknown(shop exchange.ShopID)
}

// Hellos makes and judges the application's part of a hello. Safe for concurrent use.
type Hellos interface {
	// Hello returns at most MaxHello bytes for one partner.
	Hello(to exchange.ShopID) []byte
	// Greet receives the partner's hello, and every later hello. An error refuses the connection;
	// the partner is told its code and text.
	Greet(from exchange.ShopID, hello []byte) error
}

// AddressBook keeps members' signed addresses over a restart. Safe for concurrent use. An error is
// logged; a partner is then found more slowly.
type AddressBook interface {
	// LoadAddresses returns every saved record by shop.
	LoadAddresses() (map[exchange.ShopID][]byte, error)
	// SaveAddresses replaces shop's record; an empty record deletes it.
	SaveAddresses(shop exchange.ShopID, record []byte) error
}

// maxFederation bounds a federation's name, so that protocol IDs stay short.
const maxFederation = 64

// settings is a Config that was checked and parsed.
type settings struct {
	Config
	listen   []ma.Multiaddr
	announce []ma.Multiaddr
	hubs     []peer.AddrInfo // without this node
	self     exchange.ShopID
}

func (c Config) check() (settings, error) {
	s := settings{Config: c}
	if len(c.Key) != ed25519.PrivateKeySize {
		return s, exchange.Errorf(exchange.CodeInvalid, "an Ed25519 private key has %d bytes, not %d", ed25519.PrivateKeySize, len(c.Key))
	}
	if c.Members == nil {
		return s, exchange.Errorf(exchange.CodeInvalid, "a node needs a directory of members")
	}
	if err := checkName("federation", c.Federation, maxFederation, false); err != nil {
		return s, err
	}
	var err error
	if s.self, err = exchange.ShopIDFromKey(c.Key.Public().(ed25519.PublicKey)); err != nil {
		return s, err
	}
	if len(c.Listen) == 0 {
		s.Listen = DefaultListen
	}
	if s.listen, err = parseAddrs(s.Listen); err != nil {
		return s, err
	}
	if s.announce, err = parseAddrs(c.Announce); err != nil {
		return s, err
	}
	if s.hubs, err = parsePeers(c.Hubs); err != nil {
		return s, err
	}
	s.hubs = slices.DeleteFunc(s.hubs, func(h peer.AddrInfo) bool { return h.ID == peerOf(s.self) })
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if c.RelayBytes < 0 {
		return s, exchange.Errorf(exchange.CodeInvalid, "a node relays 0 bytes a day or more, not %d", c.RelayBytes)
	}
	if s.RelayBytes == 0 {
		s.RelayBytes = DefaultRelayBytes
	}
	if s.Version == "" {
		s.Version = "dev"
	}
	return s, nil
}

func parseAddrs(list []string) ([]ma.Multiaddr, error) {
	var addrs []ma.Multiaddr
	for _, s := range list {
		a, err := ma.NewMultiaddr(s)
		if err != nil {
			return nil, exchange.Errorf(exchange.CodeInvalid, "%q is no address of the network; write it like /ip4/203.0.113.7/tcp/7351, /ip4/203.0.113.7/udp/7351/quic-v1 or /dns4/shop.example/tcp/7351", s)
		}
		addrs = append(addrs, a)
	}
	return addrs, nil
}
