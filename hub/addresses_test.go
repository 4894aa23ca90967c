package hub

import (
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
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

// TestSharedPortFitsAnInvite: whatever the number of names, each keeps the one address that gets through
// a firewall, and the invite stays one that shops of every version take.
func TestSharedPortFitsAnInvite(t *testing.T) {
	names := []string{"hub.example.org", "203.0.113.7", "2001:db8::7", "hub.example.net"}
	for count, want := range map[int]string{
		1: "tcp/443 udp/7401/quic-v1 tcp/7401",
		2: "tcp/443 tcp/443 udp/7401/quic-v1 udp/7401/quic-v1 tcp/7401 tcp/7401",
		3: "tcp/443 tcp/443 tcp/443 udp/7401/quic-v1 udp/7401/quic-v1 udp/7401/quic-v1 tcp/7401 tcp/7401",
		4: "tcp/443 tcp/443 tcp/443 tcp/443 udp/7401/quic-v1 udp/7401/quic-v1 udp/7401/quic-v1 udp/7401/quic-v1",
	} {
		t.Run(strconv.Itoa(count), func(t *testing.T) {
			cfg := Config{Listen: DefaultListen, OpenPort: 7401, ClosedPort: 7402, SharedPort: 443, Announce: names[:count], Status: DefaultStatus}
			if err := cfg.check(); err != nil {
				t.Fatal(err)
			}
			h := cfg.advertised(exchange.ShopID{1}, exchange.ShopID{2}, nil)
			if err := h.Check(); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, a := range h.Open.Addrs {
				got = append(got, strings.SplitN(a, "/", 4)[3])
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%v, want %s", h.Open.Addrs, want)
			}
			for _, name := range names[:count] {
				for _, host := range []membership.HubHost{h.Open, h.Closed} {
					if !slices.Contains(host.Addrs, tcpAddr(name, 443)) {
						t.Errorf("%s is not in %v", name, host.Addrs)
					}
				}
			}
			if got := cfg.announced(7402); len(got) != 3*count {
				t.Errorf("members are told %v", got)
			}
		})
	}
	many := Config{Listen: []string{"0.0.0.0"}, OpenPort: 1, ClosedPort: 2, SharedPort: 443}
	var interfaces []netip.Addr
	for i := range 30 {
		interfaces = append(interfaces, netip.AddrFrom4([4]byte{172, 17, byte(i), 1}))
	}
	if h := many.advertised(exchange.ShopID{1}, exchange.ShopID{2}, interfaces); len(h.Closed.Addrs) != membership.MaxHubAddrs || h.Check() != nil {
		t.Errorf("%v", h.Closed.Addrs)
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
		"the open port shared": func(c *Config) { c.SharedPort = c.OpenPort },
		"a web name, no port":  func(c *Config) { c.WebNames, c.Announce = []string{"hub.example"}, []string{"hub.example"} },
		"a web name untold":    func(c *Config) { c.WebNames, c.SharedPort = []string{"hub.example"}, 443 },
		"a web address": func(c *Config) {
			c.WebNames, c.SharedPort, c.Announce = []string{"192.0.2.1"}, 443, []string{"hub.example"}
		},
		"three web names":       func(c *Config) { c.WebNames, c.SharedPort, c.Announce = []string{"a", "b", "c"}, 443, []string{"a"} },
		"a proxy to nowhere":    func(c *Config) { c.SharedPort, c.SharedListen = 443, "127.0.0.1" },
		"a proxy to a host's":   func(c *Config) { c.SharedPort, c.SharedListen = 443, "127.0.0.1:7401" },
		"a proxy at no port":    func(c *Config) { c.SharedListen = "127.0.0.1:7443" },
		"a shared port too low": func(c *Config) { c.SharedPort = -2 },
		"a URL":                 func(c *Config) { c.Announce = []string{"https://hub.example.org"} },
		"a multiaddr":           func(c *Config) { c.Announce = []string{"/ip4/203.0.113.7/tcp/7401"} },
		"a name with a port":    func(c *Config) { c.Announce = []string{"hub.example.org:7401"} },
		"no address":            func(c *Config) { c.Announce = []string{"0.0.0.0"} },
		"too many names":        func(c *Config) { c.Announce = []string{"a", "b", "c", "d", "e"} },
		"a status port":         func(c *Config) { c.Status = "7400" },
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

// TestSharedListen: behind a proxy, invites name the proxy's port, and the hub listens at its own.
func TestSharedListen(t *testing.T) {
	cfg := Config{
		Listen: DefaultListen, OpenPort: 7401, ClosedPort: 7402, SharedPort: 443, SharedListen: "[::1]:7443",
		Announce: []string{"hub.example.org"}, Status: DefaultStatus,
	}
	if err := cfg.check(); err != nil {
		t.Fatal(err)
	}
	if got := cfg.sharedListens(); len(got) != 1 || got[0] != "/ip6/::1/tcp/7443" {
		t.Errorf("it listens at %v", got)
	}
	if h := cfg.advertised(exchange.ShopID{1}, exchange.ShopID{2}, nil); h.Open.Addrs[0] != "/dns/hub.example.org/tcp/443" {
		t.Errorf("invites name %v", h.Open.Addrs)
	}
}

// TestWebNames: a hub that is behind web servers alone, and one that is also at a shared port.
func TestWebNames(t *testing.T) {
	cfg := Config{
		Listen: DefaultListen, OpenPort: 7401, ClosedPort: 7402, SharedListen: "127.0.0.1:7443", WebNames: []string{"hub.example.org"},
		Announce: []string{"hub.example.org"}, Status: DefaultStatus,
	}
	for port, want := range map[int]string{
		0:   "/dns/hub.example.org/tcp/443/tls/ws /dns/hub.example.org/udp/7402/quic-v1 /dns/hub.example.org/tcp/7402",
		443: "/dns/hub.example.org/tcp/443 /dns/hub.example.org/tcp/443/tls/ws /dns/hub.example.org/udp/7402/quic-v1 /dns/hub.example.org/tcp/7402",
	} {
		cfg.SharedPort = port
		if err := cfg.check(); err != nil {
			t.Fatal(err)
		}
		h := cfg.advertised(exchange.ShopID{1}, exchange.ShopID{2}, nil)
		if got := strings.Join(h.Closed.Addrs, " "); got != want || h.Check() != nil {
			t.Errorf("invites name %s", got)
		}
		if got := cfg.announced(7402); len(got) != len(h.Closed.Addrs) || len(cfg.sharedListens()) != 1 {
			t.Errorf("members are told %v", got)
		}
	}
}

// TestPortErrors: the operator reads which setting is meant and what to do.
func TestPortErrors(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"taken":         {syscall.EADDRINUSE, "another program listens on 0.0.0.0:443; stop it, or change shared_port in hub.toml"},
		"not permitted": {syscall.EACCES, "this user may not listen on 0.0.0.0:443, which shared_port in hub.toml asks for"},
		"no IPv6":       {syscall.EAFNOSUPPORT, ""},
		"none":          {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := portError("shared_port", 443, "0.0.0.0:443", os.NewSyscallError("bind", c.err))
			if c.want == "" && err == nil {
				return
			}
			if exchange.CodeOf(err) != exchange.CodeUnavailable || !strings.Contains(err.Error(), c.want) {
				t.Error(err)
			}
		})
	}
	if text := permissionText(443); runtime.GOOS == "linux" && (!strings.Contains(text, "setcap cap_net_bind_service=+ep /") || !strings.Contains(text, "ip_unprivileged_port_start=443")) {
		t.Error(text)
	}
	if text := permissionText(7401); text != "" {
		t.Error(text)
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
