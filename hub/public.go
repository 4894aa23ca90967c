package hub

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
)

// currentPublic is federation.json; on the hub's machine with the addresses that the configuration
// and the machine have now.
func currentPublic(dir string) (Public, error) {
	p, err := readPublic(dir)
	if err != nil {
		return p, err
	}
	if _, err := os.Stat(filepath.Join(dir, configFile)); errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	cfg, err := readConfig(dir)
	if err != nil {
		return p, err
	}
	if cfg.OpenPort == 0 || cfg.ClosedPort == 0 || cfg.SharedPort == AnyPort {
		return p, exchange.Errorf(exchange.CodeState, "a port in %s is still to be chosen, so no invite can name it; run the hub once, or set it", filepath.Join(dir, configFile))
	}
	interfaces, err := interfaceAddrs()
	if err != nil {
		return p, err
	}
	p.Hub = cfg.advertised(p.Hub.Open.Peer, p.Hub.Closed.Peer, interfaces)
	return p, p.check()
}

func reachWarnings(h membership.Hub) []string {
	switch max(reachOfAddrs(h.Open.Addrs), reachOfAddrs(h.Closed.Addrs)) {
	case machine:
		return []string{"the invite names only this machine's loopback address: only a shop on this machine can join with it. Set announce in " + configFile + " to the hub's public name or address"}
	case local:
		return []string{"the invite names only private addresses: only shops in the hub's own network can join with it. Set announce in " + configFile + " to the hub's public name or address"}
	}
	return nil
}
