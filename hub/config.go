package hub

import (
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/store/tomlfile"
)

// Config is hub.toml: what the operator decides. Unknown keys are errors.
type Config struct {
	Listen       []string `toml:"listen" comment:"IP addresses of this machine to listen on; 0.0.0.0 and :: are all of them."`
	OpenPort     int      `toml:"open_port" comment:"TCP and UDP port through which shops join. Invites name it: keep it."`
	ClosedPort   int      `toml:"closed_port" comment:"TCP and UDP port for members. Invites name it: keep it."`
	SharedPort   int      `toml:"shared_port" comment:"A further TCP port, such as 443, for both: shops whose firewall lets them out by it alone can join and trade. 0: none."`
	SharedListen string   `toml:"shared_listen" comment:"Where a proxy passes connections to shared_port on to, such as 127.0.0.1:7443. Empty: this hub listens at shared_port itself."`
	WebNames     []string `toml:"web_names" comment:"Names whose web server, at port 443 with TLS, passes WebSockets on to shared_listen or shared_port. Empty: none."`
	Announce     []string `toml:"announce" comment:"Names or IP addresses under which shops reach this hub, with the ports above. Empty: the addresses of this machine."`
	Status       string   `toml:"status" comment:"Where the read-only status page listens. Keep it on the loopback, or behind a proxy. Empty: nowhere."`
	StatusHosts  []string `toml:"status_hosts" comment:"Further host names the status page answers to, behind a proxy of yours."`
}

// Defaults of a hub's addresses.
const (
	DefaultOpenPort   = 7401
	DefaultClosedPort = 7402
	DefaultStatus     = "127.0.0.1:7400"
)

// DefaultListen is every interface.
var DefaultListen = []string{"0.0.0.0", "::"}

const configFile = "hub.toml"

// maxAnnounce bounds the names: each makes two addresses of a host, TCP and QUIC, in an
// invite that holds membership.MaxHubAddrs. A shared port adds a third, see Config.invited.
const maxAnnounce = 4

// maxWebNames bounds the names of web servers, each an address of a host.
const maxWebNames = 2

// check reports the first setting that the hub could not work with, as CodeInvalid at its key
// ([tomlfile.AtKey]). Port 0 is allowed: see fixPorts.
func (c Config) check() error {
	if len(c.Listen) == 0 {
		return tomlfile.AtKey("listen", exchange.Errorf(exchange.CodeInvalid, "it names no address; use \"0.0.0.0\" and \"::\" for all"))
	}
	for _, a := range c.Listen {
		if ip, err := netip.ParseAddr(a); err != nil || ip.Zone() != "" {
			return tomlfile.AtKey("listen", exchange.Errorf(exchange.CodeInvalid, "%q is not an IP address such as 0.0.0.0", a))
		}
	}
	if err := tomlfile.AtKey("open_port", checkPort(c.OpenPort)); err != nil {
		return err
	}
	if err := tomlfile.AtKey("closed_port", checkPort(c.ClosedPort)); err != nil {
		return err
	}
	if c.OpenPort == c.ClosedPort && c.OpenPort != 0 {
		return tomlfile.AtKey("closed_port", exchange.Errorf(exchange.CodeInvalid, "it is %d, as open_port is; give them different ports", c.ClosedPort))
	}
	if err := tomlfile.AtKey("shared_port", c.checkShared()); err != nil {
		return err
	}
	if err := tomlfile.AtKey("shared_listen", c.checkSharedListen()); err != nil {
		return err
	}
	if err := tomlfile.AtKey("web_names", c.checkWebNames()); err != nil {
		return err
	}
	if len(c.Announce) > maxAnnounce {
		return tomlfile.AtKey("announce", exchange.Errorf(exchange.CodeInvalid, "it names %d addresses; %d fit into an invite", len(c.Announce), maxAnnounce))
	}
	for _, a := range c.Announce {
		if err := checkHost(a); err != nil {
			return tomlfile.AtKey("announce", err)
		}
	}
	if c.Status == "" {
		return nil
	}
	_, _, err := splitStatus(c.Status)
	return tomlfile.AtKey("status", err)
}

// checkShared allows AnyPort besides: see fixPorts.
func (c Config) checkShared() error {
	switch {
	case c.SharedPort == 0 || c.SharedPort == AnyPort:
		return nil
	case c.SharedPort == c.OpenPort || c.SharedPort == c.ClosedPort:
		return exchange.Errorf(exchange.CodeInvalid, "it is %d, which is taken by open_port or closed_port; those two also have QUIC, which no two hosts can share: give it another port, such as 443", c.SharedPort)
	}
	return checkPort(c.SharedPort)
}

func (c Config) checkSharedListen() error {
	if c.SharedListen == "" {
		return nil
	}
	at, err := netip.ParseAddrPort(c.SharedListen)
	switch {
	case err != nil || at.Port() == 0 || at.Addr().Zone() != "":
		return exchange.Errorf(exchange.CodeInvalid, "%q is not an IP address and a port, such as 127.0.0.1:7443", c.SharedListen)
	case c.SharedPort <= 0 && len(c.WebNames) == 0:
		return exchange.Errorf(exchange.CodeInvalid, "shared_port does not say at which port of the proxy shops arrive; set it, to 443 for one")
	case int(at.Port()) == c.OpenPort || int(at.Port()) == c.ClosedPort:
		return exchange.Errorf(exchange.CodeInvalid, "its port is taken by open_port or closed_port; choose another, such as 7443")
	}
	return nil
}

func (c Config) checkWebNames() error {
	switch {
	case len(c.WebNames) == 0:
		return nil
	case len(c.WebNames) > maxWebNames:
		return exchange.Errorf(exchange.CodeInvalid, "it has %d names; %d fit into an invite", len(c.WebNames), maxWebNames)
	case c.SharedListen == "" && c.SharedPort <= 0:
		return exchange.Errorf(exchange.CodeInvalid, "shared_listen does not say where the web server passes WebSockets on to; set it, to 127.0.0.1:7443 for one")
	case len(c.Announce) == 0:
		return exchange.Errorf(exchange.CodeInvalid, "announce is empty, so members would not be told of these names; set announce, too")
	}
	for _, name := range c.WebNames {
		if _, err := netip.ParseAddr(name); err == nil {
			return exchange.Errorf(exchange.CodeInvalid, "%s is an address; shops ask for the certificate of a name, such as hub.example.org", name)
		}
		if err := checkHost(name); err != nil {
			return err
		}
	}
	return nil
}

func checkPort(p int) error {
	if p < 0 || p > 65535 {
		return exchange.Errorf(exchange.CodeInvalid, "%d is not a port", p)
	}
	return nil
}

// checkHost reports a text that is neither an IP address nor a DNS name.
func checkHost(s string) error {
	if ip, err := netip.ParseAddr(s); err == nil {
		if ip.IsUnspecified() || ip.Zone() != "" {
			return exchange.Errorf(exchange.CodeInvalid, "%s is not an address that a shop could reach", s)
		}
		return nil
	}
	bad := s == "" || len(s) > 253
	for _, label := range strings.Split(s, ".") {
		bad = bad || label == "" || len(label) > 63
	}
	for _, c := range []byte(s) {
		bad = bad || (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.'
	}
	if bad {
		return exchange.Errorf(exchange.CodeInvalid, "%.80q is neither an IP address nor a name such as hub.example.org; the ports are those of open_port, closed_port and shared_port", s)
	}
	return nil
}

func splitStatus(status string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(status)
	if err == nil {
		port, err = strconv.Atoi(text)
	}
	if err != nil || port < 0 || port > 65535 {
		return "", 0, exchange.Errorf(exchange.CodeInvalid, "%q is not an address such as %s", status, DefaultStatus)
	}
	return host, port, nil
}

// readConfig reads and checks a folder's hub.toml.
func readConfig(dir string) (Config, error) {
	c, err := tomlfile.Read(filepath.Join(dir, configFile), Config.check)
	if errors.Is(err, fs.ErrNotExist) {
		return Config{}, exchange.Errorf(exchange.CodeNotFound, "%s is not a hub's folder: it has no %s. Make one with: souk hub init --dir %s --name NAME", dir, configFile, dir)
	}
	return c, err
}

func writeConfig(dir string, c Config) error {
	return tomlfile.Write(filepath.Join(dir, configFile), "", c, "")
}

// fixPorts replaces each port 0, and a shared port AnyPort, by a port that is free now, so that
// invites stay valid over a restart. changed reports whether c must be written.
func (c *Config) fixPorts() (changed bool, err error) {
	ip := netip.MustParseAddr(c.Listen[0]).String()
	for _, port := range []*int{&c.OpenPort, &c.ClosedPort} {
		if *port == 0 {
			if *port, err = freePort(ip, c.OpenPort, c.ClosedPort); err != nil {
				return false, err
			}
			changed = true
		}
	}
	if c.SharedPort == AnyPort {
		if c.SharedPort, err = freePort(ip, c.OpenPort, c.ClosedPort); err != nil {
			return false, err
		}
		changed = true
	}
	if c.Status == "" {
		return changed, nil
	}
	host, port, err := splitStatus(c.Status)
	if err != nil || port != 0 {
		return changed, err
	}
	if port, err = freePort(host, c.OpenPort, c.ClosedPort, c.SharedPort); err != nil {
		return false, err
	}
	c.Status = net.JoinHostPort(host, strconv.Itoa(port))
	return true, nil
}

// freePort finds a port that is free for TCP and for UDP, and none of taken, which nobody may be
// listening at yet.
func freePort(host string, taken ...int) (int, error) {
	last := errors.New("each is taken")
	for range 16 {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			return 0, exchange.Errorf(exchange.CodeUnavailable, "no port is free on %s: %w", host, err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		u, err := net.ListenPacket("udp", net.JoinHostPort(host, strconv.Itoa(port)))
		_ = l.Close()
		if err == nil && slices.Contains(taken, port) {
			_ = u.Close()
			continue
		}
		if err == nil {
			_ = u.Close()
			return port, nil
		}
		last = err
	}
	return 0, exchange.Errorf(exchange.CodeUnavailable, "no port is free on %s for both TCP and UDP: %w", host, last)
}
