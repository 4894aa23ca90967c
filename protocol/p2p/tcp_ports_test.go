package p2p

import (
	"errors"
	"io"
	"net"
	"strconv"
	"syscall"
	"testing"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/souk-market/souk/testnet/leftout"
)

// TestDialsFromListeningPort: a dial leaves by the port at which the host listens, where one fits, and
// by another where that port is in use for the same partner.
func TestDialsFromListeningPort(t *testing.T) {
	for name, c := range map[string]struct {
		listen, partner string // the first of listen is the port to leave by; "" = any
		other           string // a socket besides
		want            bool
	}{
		"all addresses":                      {listen: "0.0.0.0:0", partner: "127.0.0.1:0", want: true},
		"the loopback":                       {listen: "127.0.0.1:0", partner: "127.0.0.1:0", want: true},
		"the loopback before all":            {listen: "127.0.0.1:0", other: "0.0.0.0:0", partner: "127.0.0.1:0", want: true},
		"another kind of address":            {listen: "127.0.0.1:0", partner: "[::1]:0"},
		"no socket":                          {partner: "127.0.0.1:0"},
		"a socket that is closed before":     {listen: "127.0.0.1:0", other: "close", partner: "127.0.0.1:0"},
		"the loopback, and a partner abroad": {listen: "127.0.0.1:0", partner: net.JoinHostPort(address(t), "0")},
		"its own address":                    {listen: net.JoinHostPort(address(t), "0"), other: "127.0.0.1:0", partner: net.JoinHostPort(address(t), "0"), want: true},
	} {
		t.Run(name, func(t *testing.T) {
			partner, err := net.Listen("tcp", c.partner)
			if errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT) {
				leftout.Test(t, "", "IPv6")
			}
			if err != nil {
				t.Fatal(err)
			}
			defer partner.Close()
			var ports tcpPorts
			var port int
			if c.listen != "" {
				l, err := ports.listen(multiaddrOf(t, c.listen))
				if err != nil {
					t.Fatal(err)
				}
				port = l.Addr().(*net.TCPAddr).Port
				if c.other == "close" {
					_ = l.Close()
				}
				defer l.Close()
			}
			if c.other != "" && c.other != "close" {
				l, err := ports.listen(multiaddrOf(t, c.other))
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
			}
			for i, want := range []bool{c.want, false} { // the second while the first is open
				conn, err := ports.DialContext(t.Context(), "tcp", partner.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				there, err := partner.Accept()
				if err != nil {
					t.Fatal(err)
				}
				defer there.Close()
				if _, err := io.WriteString(there, "x"); err != nil {
					t.Fatal(err)
				}
				if got := there.RemoteAddr().(*net.TCPAddr).Port; (got == port) != want {
					t.Errorf("dial %d left by port %d, the host listens at %s", i+1, got, strconv.Itoa(port))
				}
			}
		})
	}
}

// address is one of this machine that is not the loopback's.
func address(t *testing.T) string {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if ip := a.(*net.IPNet).IP; ip.To4() != nil && !ip.IsLoopback() {
			return ip.String()
		}
	}
	leftout.Test(t, "", "an address that is not the loopback's")
	return ""
}

func multiaddrOf(t *testing.T, at string) ma.Multiaddr {
	t.Helper()
	tcp, err := net.ResolveTCPAddr("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	addr, err := manet.FromNetAddr(tcp)
	if err != nil {
		t.Fatal(err)
	}
	return addr
}
