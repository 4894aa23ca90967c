package netlab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Cases of what happens to shops that trade.

// outage is longer than a connection lives without an answer (30 s, QUIC).
const outage = 40 * time.Second

// sleep: the supplier's machine sleeps, and its router forgets the connections meanwhile.
func sleep(m *market) error {
	p, router, err := m.openToPublic()
	if err != nil {
		return err
	}
	p.supplier.signal(syscall.SIGSTOP)
	m.pass(outage)
	router.Forget()
	event := time.Now()
	p.supplier.signal(syscall.SIGCONT)
	return m.trades(p, event)
}

// hubDead: the hub's process is killed, and shops that need a relay trade on by a public
// member's, at once and when all that knew of the hub is over.
func hubDead(m *market) error {
	p, err := m.openHard(at(m.lab.Host("c", m.lab.Internet(), IPv4)))
	if err != nil {
		return err
	}
	if err := m.knowRelay(p); err != nil {
		return err
	}
	event := time.Now()
	m.hub.stop(syscall.SIGKILL)
	if err := m.trades(p, event); err != nil {
		return err
	}
	soon := m.result.traded
	m.pass(outage)
	if err := m.trades(p, time.Now()); err != nil {
		return fmt.Errorf("%v later: %w", outage, err)
	}
	m.result.traded = soon
	return nil
}

// hubSilent: as hubDead, but the hub falls silent: nothing tells the shops.
func hubSilent(m *market) error {
	p, err := m.openHard(at(m.lab.Host("c", m.lab.Internet(), IPv4)))
	if err != nil {
		return err
	}
	if err := m.knowRelay(p); err != nil {
		return err
	}
	event := time.Now()
	m.hub.Silence()
	return m.trades(p, event)
}

// hubDeadRestart: the hub is dead, and both shops start again; a public member is there.
func hubDeadRestart(nat NAT) func(*market) error {
	return func(m *market) error {
		return m.hubDeadRestart(nat, m.lab.Host("c", m.lab.Internet(), IPv4))
	}
}

// hubDeadRestartForwarded: as hubDeadRestart, but all can reach the third member only because
// its router forwards its port.
func hubDeadRestartForwarded(m *market) error {
	c, router := m.behind("c", Rules{NAT: EasyNAT})
	router.Set(Rules{NAT: EasyNAT, Forwards: []Forward{{shopPort, c.Addr()}}})
	return m.hubDeadRestart(HardNAT, c)
}

func (m *market) hubDeadRestart(nat NAT, third *Host) error {
	a, _ := m.behind("a", Rules{NAT: nat})
	b, _ := m.behind("b", Rules{NAT: nat})
	p, err := m.open(m.hubHost(), at(a), at(b), at(third))
	if err != nil {
		return err
	}
	if err := m.knowRelay(p); err != nil {
		return err
	}
	m.hub.stop(syscall.SIGKILL)
	return m.trades(p, restart(p.retailer, p.supplier))
}

// knowRelay waits until both shops have a place at the third member's relay: who joined in the second in
// which the hub died knows nobody else. A binary that has no such places is not waited for.
func (m *market) knowRelay(p pair) error {
	ctx, cancel := m.within(patience)
	defer cancel()
	if !knows(m.t, "--explain", "dial") {
		return nil
	}
	return until(ctx, func(ctx context.Context) error {
		for _, s := range []*souk{p.retailer, p.supplier} {
			var reach struct{ Relays []struct{ Hub bool } }
			if err := s.get(ctx, "reach", &reach); err != nil {
				return err
			}
			if !slices.ContainsFunc(reach.Relays, func(r struct{ Hub bool }) bool { return !r.Hub }) {
				return fmt.Errorf("%s has no place at a member's relay: %+v", s.title, reach.Relays)
			}
		}
		return nil
	})
}

// noPublicMember: the hub is dead, both shops start again, and nobody can relay. There is no
// trade, and doctor says so, of the partner by name, and does not promise what is not.
func noPublicMember(m *market) error {
	p, err := m.openHard()
	if err != nil {
		return err
	}
	m.hub.stop(syscall.SIGKILL)
	restart(p.retailer, p.supplier)
	ctx, cancel := m.within(patience)
	defer cancel()
	// It runs: doctor, if it finds nobody in the folder, opens it itself, and the shop could not.
	err = until(ctx, func(ctx context.Context) error {
		_, err := p.retailer.transport(ctx, p.supplier)
		return err
	})
	if err != nil {
		return err
	}
	err = until(ctx, func(ctx context.Context) error {
		findings, err := p.retailer.doctor(ctx)
		if err != nil {
			return err
		}
		m.result.said, err = outOfReach(findings, p.supplier.title)
		return err
	})
	if err != nil {
		return err
	}
	if err := p.retailer.run(ctx, nil, "reserve", p.supplier.id+":"+p.supplier.sku, "--ship-to-country", "SE"); err == nil {
		return errors.New("a partner that doctor calls out of reach has been reached")
	}
	return nil
}

// outOfReach is what doctor, who knows that the hub is away, says of a partner that cannot be
// reached, or why that is not enough.
func outOfReach(findings []finding, partner string) (said string, err error) {
	noHub := false
	for _, f := range findings {
		if strings.Contains(strings.ToLower(f.Detail), "goes on") {
			return "", fmt.Errorf("doctor promises: %s: %s", f.Check, f.Detail)
		}
		if f.OK {
			continue
		}
		noHub = noHub || f.Check == "hub"
		if strings.Contains(f.Detail, partner) {
			said = f.Detail
		}
	}
	if said == "" || !noHub {
		return "", fmt.Errorf("doctor does not say that there is no hub and that %s is out of reach: %v", partner, findings)
	}
	return said, nil
}

// hubRestarts: the hub is away, then back, and with it the only relay.
func hubRestarts(m *market) error {
	p, err := m.openHard()
	if err != nil {
		return err
	}
	m.hub.stop(syscall.SIGKILL)
	return m.trades(p, restart(m.hub))
}

// hubMoves: the hub, known by name, is moved to another address.
func hubMoves(m *market) error {
	p, err := m.openByName()
	if err != nil {
		return err
	}
	m.hub.stop(syscall.SIGTERM)
	m.hub.Readdress()
	m.lab.Name(hubName, m.hub.Addr())
	return m.trades(p, restart(m.hub))
}

// openToPublic opens a market whose retailer stands on the internet, and whose supplier
// behind an easy NAT, so that they have been connected directly from the first. It returns
// the supplier's router, too.
func (m *market) openToPublic() (pair, *Router, error) {
	a := m.lab.Host("a", m.lab.Internet(), IPv4)
	b, router := m.behind("b", Rules{NAT: EasyNAT})
	p, err := m.open(m.hubHost(), at(a), at(b))
	if err == nil {
		err = m.comesDirect(p)
	}
	return p, router, err
}

// routerReaddressed: the supplier's provider gives its router another address. The retailer
// is public, or has come to its supplier by hole punching.
func routerReaddressed(public bool) func(*market) error {
	return func(m *market) (err error) {
		var p pair
		var router *Router
		if public {
			p, router, err = m.openToPublic()
		} else {
			p, _, router, err = m.openEasy()
		}
		if err != nil {
			return err
		}
		router.Readdress()
		return m.trades(p, time.Now())
	}
}

// routerForgets: the supplier's router starts again, with the same address.
func routerForgets(m *market) error {
	p, router, err := m.openToPublic()
	if err != nil {
		return err
	}
	router.Forget()
	return m.trades(p, time.Now())
}

// supplierMoves: the supplier is carried from one network to another.
func supplierMoves(m *market) error {
	p, _, err := m.openToPublic()
	if err != nil {
		return err
	}
	p.supplier.Move(m.elsewhere())
	return m.trades(p, time.Now())
}

// retailerMoves: the retailer is carried from one network to another.
func retailerMoves(m *market) error {
	p, _, err := m.openToPublic()
	if err != nil {
		return err
	}
	p = pair{retailer: p.supplier, supplier: p.retailer}
	p.retailer.Move(m.elsewhere())
	return m.trades(p, time.Now())
}

// elsewhere is a LAN in which nobody is yet.
func (m *market) elsewhere() *Segment {
	return m.lab.Router("elsewhere", m.lab.Internet(), Rules{NAT: EasyNAT}).LAN(7)
}

// publicShopReaddressed: the supplier stands on the internet, and its address changes.
func publicShopReaddressed(m *market) error {
	a, _ := m.behind("a", Rules{NAT: HardNAT})
	p, err := m.open(m.hubHost(), at(a), at(m.lab.Host("b", m.lab.Internet(), IPv4)))
	if err != nil {
		return err
	}
	p.supplier.Readdress()
	return m.tradesDirectly(p, time.Now())
}

// oneWay: what the retailer sends to its supplier directly is lost from some moment on; what
// the supplier sends arrives, and the hub is there for both.
func oneWay(m *market) error {
	p, ours, theirs, err := m.openEasy()
	if err != nil {
		return err
	}
	ours.Set(Rules{NAT: EasyNAT, Drop: []string{"ip daddr " + theirs.Addr().String()}})
	return m.trades(p, time.Now())
}
