package hub

import (
	"context"
	"fmt"

	"github.com/souk-market/souk/protocol/p2p"
)

// AnnounceWarnings says what is wrong with the names and addresses that a folder's hub.toml announces,
// each with the next step; r looks names up. Shops outside join and are relayed at these alone.
func AnnounceWarnings(ctx context.Context, dir string, r p2p.Resolver) ([]string, error) {
	cfg, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	return cfg.announceWarnings(ctx, r), nil
}

// AnnounceWarnings is AnnounceWarnings of a hub that runs.
func (h *Hub) AnnounceWarnings(ctx context.Context, r p2p.Resolver) []string {
	return h.parts.Config.announceWarnings(ctx, r)
}

func (c Config) announceWarnings(ctx context.Context, r p2p.Resolver) []string {
	addrs := make([]string, len(c.Announce))
	for i, host := range c.Announce {
		addrs[i] = multiaddrs([]string{host}, max(c.OpenPort, 1))[0] // any port: none is dialed
	}
	var warnings []string
	for i, check := range p2p.CheckAnnounced(ctx, r, addrs) {
		if why := announceFault(check); why != "" {
			warnings = append(warnings, fmt.Sprintf("%s is announced (announce in %s): %s", c.Announce[i], configFile, why))
		}
	}
	return warnings
}

// announceFault is what a fault means for a hub, and the next step; "" where there is none.
func announceFault(c p2p.AnnounceCheck) string {
	const within = "only shops %s can join. Announce the public name or address of this machine, and let both ports through to it, TCP and UDP"
	switch c.Fault {
	case 0:
		return ""
	case p2p.AnnounceLoopback:
		return "it is this machine's loopback, and " + fmt.Sprintf(within, "on this machine")
	case p2p.AnnouncePrivate:
		return "it is of a private network, and " + fmt.Sprintf(within, "in that network")
	}
	return c.Why
}
