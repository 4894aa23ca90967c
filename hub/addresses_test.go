package hub

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
)

func TestAdvertised(t *testing.T) {
	home := []string{"127.0.0.1", "192.168.1.5", "::1", "fd00::5"}
	server := append(slices.Clone(home), "203.0.113.7", "2001:db8::7")
	all := []string{"0.0.0.0", "::"}
	for _, c := range []struct {
		name             string
		listen, announce []string
		machine          []string
		want             string
		reach            reach
	}{
		{"a laptop on no network", all, nil, []string{"127.0.0.1", "::1"}, "127.0.0.1 ::1", machine},
		{"behind a router", all, nil, home, "192.168.1.5 fd00::5", local},
		{"a server", all, nil, server, "203.0.113.7 2001:db8::7 192.168.1.5 fd00::5", worldwide},
		{"IPv4 alone", []string{"0.0.0.0"}, nil, server, "203.0.113.7 192.168.1.5", worldwide},
		{"one address", []string{"10.1.2.3"}, nil, server, "10.1.2.3", local},
		{"a carrier's address", []string{"100.64.3.4"}, nil, server, "100.64.3.4", local},
		{"the loopback on purpose", []string{"127.0.0.1"}, nil, server, "127.0.0.1", machine},
		{"a name", all, []string{"hub.example.org"}, home, "hub.example.org", worldwide},
		{"a name and an address", all, []string{"hub.example.org", "192.168.1.9"}, home, "hub.example.org 192.168.1.9", worldwide},
	} {
		t.Run(c.name, func(t *testing.T) {
			var interfaces []netip.Addr
			for _, m := range c.machine {
				interfaces = append(interfaces, netip.MustParseAddr(m))
			}
			cfg := Config{Listen: c.listen, Announce: c.announce, OpenPort: 7401, ClosedPort: 7402, Status: DefaultStatus}
			if err := cfg.check(); err != nil {
				t.Error(err)
			}
			h := cfg.advertised(exchange.ShopID{1}, exchange.ShopID{2}, interfaces)
			if err := h.Check(); err != nil {
				t.Error(err)
			}
			var hosts []string
			for i, a := range h.Open.Addrs {
				parts := strings.Split(a, "/")
				if i%2 == 0 {
					hosts = append(hosts, parts[2])
				}
				if parts[4] != "7401" || strings.Split(h.Closed.Addrs[i], "/")[4] != "7402" {
					t.Errorf("ports of %s and %s", a, h.Closed.Addrs[i])
				}
			}
			if got := strings.Join(hosts, " "); got != c.want {
				t.Errorf("%s, not %s", got, c.want)
			}
			if got := reachOfAddrs(h.Open.Addrs); got != c.reach {
				t.Errorf("reach %d, not %d", got, c.reach)
			}
		})
	}
}

func TestManyInterfacesFitAnInvite(t *testing.T) {
	var interfaces []netip.Addr
	for i := range 30 {
		interfaces = append(interfaces, netip.AddrFrom4([4]byte{172, 17, byte(i), 1}))
	}
	cfg := Config{Listen: []string{"0.0.0.0"}, OpenPort: 1, ClosedPort: 2}
	if n := len(cfg.advertised(exchange.ShopID{1}, exchange.ShopID{2}, interfaces).Open.Addrs); n != membership.MaxHubAddrs {
		t.Errorf("%d addresses", n)
	}
}

func TestConfigRefuses(t *testing.T) {
	good := Config{Listen: DefaultListen, OpenPort: 7401, ClosedPort: 7402, Status: DefaultStatus}
	if err := good.check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Config){
		"nothing to listen on": func(c *Config) { c.Listen = nil },
		"a name to listen on":  func(c *Config) { c.Listen = []string{"hub.example.org"} },
		"a port too high":      func(c *Config) { c.OpenPort = 65536 },
		"one port twice":       func(c *Config) { c.ClosedPort = c.OpenPort },
		"a URL":                func(c *Config) { c.Announce = []string{"https://hub.example.org"} },
		"a multiaddr":          func(c *Config) { c.Announce = []string{"/ip4/203.0.113.7/tcp/7401"} },
		"a name with a port":   func(c *Config) { c.Announce = []string{"hub.example.org:7401"} },
		"no address":           func(c *Config) { c.Announce = []string{"0.0.0.0"} },
		"too many names":       func(c *Config) { c.Announce = []string{"a", "b", "c", "d", "e"} },
		"a status port":        func(c *Config) { c.Status = "7400" },
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			spoil(&c)
			if err := c.check(); exchange.CodeOf(err) != exchange.CodeInvalid {
				t.Error(err)
			}
		})
	}
}

// TestStatusURL: a page that is served on all addresses is opened at one.
func TestStatusURL(t *testing.T) {
	for status, want := range map[string]string{
		"": "", "127.0.0.1:7404": "http://127.0.0.1:7404", "0.0.0.0:7404": "http://127.0.0.1:7404", "[::]:7404": "http://[::1]:7404", "hub.example:80": "http://hub.example:80",
		"192.0.2.7:1": "http://192.0.2.7:1",
	} {
		t.Run(status, func(t *testing.T) {
			h := &Hub{parts: Parts{Config: Config{Status: status}}}
			if got := h.StatusURL(); got != want {
				t.Errorf("it is opened at %q, want %q", got, want)
			}
		})
	}
}
