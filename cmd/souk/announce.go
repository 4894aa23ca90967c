package main

import (
	"net"

	"github.com/souk-market/souk/protocol/p2p"
)

func (a *app) names() p2p.Resolver {
	if a.resolver == nil {
		return net.DefaultResolver
	}
	return a.resolver
}

// warningsPage shows what a command found that will be in the way, and that keeps it from nothing.
func warningsPage(p *page, warnings []string) {
	for _, w := range warnings {
		p.line("! %s", w)
	}
}
