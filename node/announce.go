package node

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/protocol/p2p"
	"github.com/souk-market/souk/store/tomlfile"
)

// checkNewAnnounce refuses addresses that can never work, for a new shop. One that runs is not kept
// from starting by them: it is told.
func (c Config) checkNewAnnounce() error {
	for _, a := range c.Announce {
		if check := p2p.CheckAnnounce(context.Background(), nil, a); check.Fault.Never() {
			return tomlfile.AtKey("announce", exchange.Errorf(exchange.CodeInvalid, "%.80q: %s", a, check.Why))
		}
	}
	return nil
}

// AnnounceWarnings says what is wrong with the addresses that a folder's shop.toml announces, each
// with the next step, as far as that shows without a dial; r looks names up. What a dial from outside
// finds, a running shop tells.
func AnnounceWarnings(ctx context.Context, dir string, r p2p.Resolver) ([]string, error) {
	cfg, err := readConfig(dir)
	if err != nil || len(cfg.Announce) == 0 {
		return nil, err
	}
	st := standing{announce: cfg.Announce, checks: p2p.CheckAnnounced(ctx, r, cfg.Announce), hubCarries: hubOf(dir)}
	warnings := st.announceProblems()
	if p2p.LacksTCP(cfg.Announce) {
		warnings = append(warnings, fmt.Sprintf("announce in %s names no TCP port: where a firewall drops UDP, nobody connects to this shop. Add the TCP port, such as /dns4/shop.example/tcp/7351", configFile))
	}
	return warnings, nil
}

// hubOf is from where the hub of a folder is reached; of a shop that has none yet, from everywhere.
func hubOf(dir string) p2p.Carries {
	var f federationFile
	if joined, err := readJSON(filepath.Join(dir, federationName), &f); err == nil && joined {
		return howFar(f.Hub)
	}
	if invite, err := (&Folder{dir: dir}).pendingInvite(); err == nil {
		return howFar(invite.Hub)
	}
	return p2p.CarriesEverywhere
}

// howFar is from where a hub is reached.
func howFar(hub membership.Hub) p2p.Carries {
	far := p2p.CarriesMachine
	for _, a := range hub.Closed.Addrs {
		far = min(far, p2p.HowFar(a))
	}
	return far
}
