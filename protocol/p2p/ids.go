package p2p

import (
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/souk-market/souk/exchange"
)

// ed25519Prefix precedes the 32 key bytes in the peer ID of an Ed25519 key. It is the headers of the
// identity multihash and of the protobuf key.
const ed25519Prefix = "\x00\x24\x08\x01\x12\x20"

func peerOf(shop exchange.ShopID) peer.ID { return peer.ID(ed25519Prefix + string(shop[:])) }

// shopOf returns the shop of a peer ID; false where the peer's key is no Ed25519 key.
func shopOf(p peer.ID) (exchange.ShopID, bool) {
	var shop exchange.ShopID
	if len(p) != len(ed25519Prefix)+len(shop) || p[:len(ed25519Prefix)] != ed25519Prefix {
		return shop, false
	}
	copy(shop[:], p[len(ed25519Prefix):])
	return shop, true
}

// protocolID is the wire name of a protocol, version 1.
func protocolID(federation, name string) protocol.ID {
	return protocol.ID("/souk/" + federation + "/" + name + "/1")
}

func topicPrefix(federation string) string { return "/souk/" + federation + "/" }

// checkName reports a federation, protocol or topic name that is not 1 to limit
// letters, digits, dots, dashes, underscores and, where slash is set, slashes.
func checkName(what, name string, limit int, slash bool) error {
	if name == "" || len(name) > limit {
		return exchange.Errorf(exchange.CodeInvalid, "a %s has 1 to %d characters, not %d", what, limit, len(name))
	}
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '-', c == '_', c == '/' && slash:
		default:
			return exchange.Errorf(exchange.CodeInvalid, "%s %q: letters, digits, dots, dashes and underscores only", what, name)
		}
	}
	return nil
}

// parsePeers groups multiaddrs that end in /p2p/<peer> by peer, in order of appearance.
func parsePeers(addrs []string) ([]peer.AddrInfo, error) {
	var infos []peer.AddrInfo
	index := map[peer.ID]int{}
	for _, s := range addrs {
		a, err := ma.NewMultiaddr(s)
		if err != nil {
			return nil, exchange.Errorf(exchange.CodeInvalid, "address %q: %v", s, err)
		}
		info, err := peer.AddrInfoFromP2pAddr(a)
		if err != nil || len(info.Addrs) == 0 {
			return nil, exchange.Errorf(exchange.CodeInvalid, "address %q must end in /p2p/ and a peer ID", s)
		}
		if _, ok := shopOf(info.ID); !ok {
			return nil, exchange.Errorf(exchange.CodeInvalid, "address %q: its peer ID is not of an Ed25519 key", s)
		}
		if i, ok := index[info.ID]; ok {
			infos[i].Addrs = append(infos[i].Addrs, info.Addrs...)
			continue
		}
		index[info.ID] = len(infos)
		infos = append(infos, *info)
	}
	return infos, nil
}
