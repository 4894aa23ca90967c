package netlab

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Cases of what stands in the way of packets.

// only443: the retailer, or both shops, may go out to port 443 by TCP and nowhere else; the
// hub is there for them, with all that it does.
func only443(both bool) func(*market) error {
	return func(m *market) error {
		hub := m.hubHost()
		port := []string{"--shared-port", "443"}
		if !knows(m.t, "--shared-port", "hub", "init") { // versions before have a port for joining, at least
			port = []string{"--open-port", "443"}
		}
		if err := m.startHub(hub, append(port, "--announce", hub.Addr().String())...); err != nil {
			return err
		}
		a, _ := m.behind("a", Rules{NAT: EasyNAT, Out: []string{HTTPS}})
		b, router := m.behind("b", Rules{NAT: HardNAT})
		if both {
			router.Set(Rules{NAT: EasyNAT, Out: []string{HTTPS}})
		}
		p, err := m.join(at(a), at(b))
		if err != nil {
			return err
		}
		return m.trades(p, restart(p.retailer, p.supplier))
	}
}

// only443HubElsewhere: as only443, but the hub is not at that port. The shop cannot join,
// and its owner is told what could not be reached.
func only443HubElsewhere(m *market) error {
	a, _ := m.behind("a", Rules{NAT: EasyNAT, Out: []string{HTTPS}})
	return m.cannotJoin(a)
}

// captivePortal: whatever the shop connects to, a page answers that wants a login.
func captivePortal(m *market) error {
	const port = 8080
	a, router := m.behind("a", Rules{NAT: EasyNAT, Portal: port})
	var l net.Listener
	if err := router.Inside(func() (err error) {
		l, err = net.Listen("tcp", net.JoinHostPort("0.0.0.0", strconv.Itoa(port)))
		return err
	}); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = l.Close() })
	go func() {
		page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://login.example/", http.StatusFound)
		})
		_ = http.Serve(l, page) // until it is closed
	}()
	return m.cannotJoin(a)
}

// cannotJoin checks that a shop which reaches no hub does not join, and that its owner is
// told why.
func (m *market) cannotJoin(from *Host) error {
	hub := m.hubHost()
	if err := m.startHub(hub, "--announce", hub.Addr().String()); err != nil {
		return err
	}
	if _, err := m.newShop(at(m.lab.Host("c", m.lab.Internet(), IPv4))); err != nil { // from elsewhere it works
		return err
	}
	ctx, cancel := m.within(patience)
	defer cancel()
	s, invite, err := m.makeShop(ctx, at(from))
	if err != nil {
		return err
	}
	err = s.join(ctx, invite)
	var told *refusal
	switch {
	case err == nil:
		return errors.New("a shop that can reach no hub has joined one")
	case !errors.As(err, &told):
		return fmt.Errorf("the shop's owner is not told why it cannot join: %w", err)
	case told.Exit != exitUnreachable || !strings.Contains(told.Detail, hub.Addr().String()):
		return fmt.Errorf("the shop's owner is not told what could not be reached: %w", err)
	}
	m.result.said = told.Detail
	return nil
}

// exitUnreachable is the exit code of souk for what may work later.
const exitUnreachable = 4

// udpBlocked: the retailer's router lets no UDP through.
func udpBlocked(m *market) error {
	a, _ := m.behind("a", Rules{NAT: EasyNAT, Drop: []string{UDP}})
	b, _ := m.behind("b", Rules{NAT: EasyNAT})
	p, err := m.open(m.hubHost(), at(a), at(b))
	if err != nil {
		return err
	}
	return m.trades(p, restart(p.retailer, p.supplier))
}

// openDual opens a market whose hub has both versions of IP.
func (m *market) openDual(shops ...place) (pair, error) {
	hub := m.lab.Host("hub", m.lab.Internet(), Dual)
	if err := m.startHub(hub, "--announce", hub.Addr().String(), "--announce", hub.Addr6().String()); err != nil {
		return pair{}, err
	}
	return m.join(shops...)
}

// behind6 makes a host that has a public IPv6 address alone, behind a router that lets in
// answers and nothing else.
func (m *market) behind6(name string) *Host {
	r := m.lab.Router(name+"-router", m.lab.Internet(), Rules{NAT: NoNAT})
	return m.lab.Host(name, r.PublicLAN(), IPv6)
}

// ipv6ToIPv4: the shops have no version of IP in common; the hub has both.
func ipv6ToIPv4(m *market) error {
	a := m.behind6("a")
	b, _ := m.behind("b", Rules{NAT: EasyNAT})
	p, err := m.openDual(at(a), at(b))
	if err != nil {
		return err
	}
	return m.trades(p, restart(p.retailer, p.supplier))
}

// ipv6ToIPv6: both shops have IPv6 alone, and firewalls.
func ipv6ToIPv6(m *market) error {
	p, err := m.openDual(at(m.behind6("a")), at(m.behind6("b")))
	if err != nil {
		return err
	}
	return m.tradesDirectly(p, restart(p.retailer, p.supplier))
}

// loss: three packets of ten are lost on the supplier's line, each way. The shops are
// connected when it begins.
func loss(m *market) error {
	p, _, router, err := m.openEasy()
	if err != nil {
		return err
	}
	router.Set(Rules{NAT: EasyNAT, Loss: 30})
	return m.trades(p, time.Now())
}

// narrow: the line of the retailer's router carries packets of 1280 bytes, and nobody says
// so of larger ones, which are lost. Catalogs are large enough to fill packets.
func narrow(m *market) error {
	m.products = 500
	provider := m.lab.Router("provider", m.lab.Internet(), Rules{NAT: NoNAT, Silent: true})
	router := m.lab.Router("a-router", provider.PublicLAN(), Rules{NAT: EasyNAT, Silent: true})
	router.Narrow(provider, 1280)
	a := m.lab.Host("a", router.LAN(1), IPv4)
	b, _ := m.behind("b", Rules{NAT: HardNAT})
	p, err := m.open(m.hubHost(), at(a), at(b))
	if err != nil {
		return err
	}
	return m.trades(p, restart(p.retailer, p.supplier))
}
