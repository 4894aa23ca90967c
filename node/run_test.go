package node

import (
	"net"
	"testing"

	"github.com/souk-market/souk/testnet/leftout"
)

// TestListenAPI: the API listens where the owner said; 0.0.0.0 is no IPv6 address.
func TestListenAPI(t *testing.T) {
	for address, want := range map[string]string{"127.0.0.1:0": "127.0.0.1", "0.0.0.0:0": "0.0.0.0"} {
		ln, err := listenAPI(address)
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		if host, _, err := net.SplitHostPort(ln.Addr().String()); err != nil || host != want {
			t.Errorf("%s listens on %s, %v", address, ln.Addr(), err)
		}
	}
	// Where there is IPv6, "tcp" takes 0.0.0.0 for [::].
	probe, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		leftout.Test(t, "", "IPv6, without which it cannot fail: %v", err)
	}
	probe.Close()
}
