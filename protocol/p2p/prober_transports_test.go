package p2p

import (
	"crypto/ed25519"
	"testing"

	ma "github.com/multiformats/go-multiaddr"
)

// TestProberTransports: whatever a shop may listen at, the host of probes can dial.
func TestProberTransports(t *testing.T) {
	cfg := Config{Key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), Federation: "test", Members: everybody{}}
	set, err := cfg.check()
	if err != nil {
		t.Fatal(err)
	}
	pr := newProber(&base{cfg: set})
	defer pr.close()
	via, err := pr.dialer()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []string{"/ip4/77.1.0.20/tcp/7351", "/ip6/2a01::1/tcp/7351", "/ip4/77.1.0.20/udp/7351/quic-v1", "/ip4/77.1.0.20/tcp/443/tls/sni/hub.example/ws"} {
		if via.TransportForDialing(ma.StringCast(a)) == nil {
			t.Errorf("nothing dials %s", a)
		}
	}
}
