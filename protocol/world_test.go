package protocol_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol"
)

const origin = "souk/test-0badcafe"

// shopKey is the key of an invented shop, always the same for one name.
func shopKey(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("souk test shop " + name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func shopID(name string) exchange.ShopID {
	var id exchange.ShopID
	copy(id[:], shopKey(name).Public().(ed25519.PublicKey))
	return id
}

// stream is a reproducible source of random bytes; for tests and golden vectors.
func stream(name string) io.Reader {
	return rand.NewChaCha8(sha256.Sum256([]byte("souk test randomness " + name)))
}

func signerOf(name string) *protocol.Signer {
	return protocol.NewSigner(shopKey(name), origin, stream(name))
}

// members is a member list of names; a shop can be struck off.
type members map[exchange.ShopID]ed25519.PublicKey

func membersOf(names ...string) members {
	m := members{}
	for _, n := range names {
		m[shopID(n)] = shopKey(n).Public().(ed25519.PublicKey)
	}
	return m
}

func (m members) Key(shop exchange.ShopID) (ed25519.PublicKey, bool) {
	key, ok := m[shop]
	return key, ok
}

func wantCode(t testing.TB, what string, err error, want exchange.Code) {
	t.Helper()
	if exchange.CodeOf(err) != want {
		t.Errorf("%s: %v (%v), want %v", what, err, exchange.CodeOf(err), want)
	}
}
