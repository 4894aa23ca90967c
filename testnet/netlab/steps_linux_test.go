package netlab

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// pair is a retailer and its supplier.
type pair struct{ retailer, supplier *souk }

// hubHost is where the hub of most cases stands.
func (m *market) hubHost() *Host { return m.lab.Host("hub", m.lab.Internet(), IPv4) }

// behind makes a host on the LAN of a router of its own.
func (m *market) behind(name string, rules Rules) (*Host, *Router) {
	r := m.lab.Router(name+"-router", m.lab.Internet(), rules)
	return m.lab.Host(name, r.LAN(1), IPv4), r
}

// open starts the hub on the internet and shops, the first two of which become partners.
func (m *market) open(hub *Host, shops ...place) (pair, error) {
	if err := m.startHub(hub, "--announce", hub.Addr().String()); err != nil {
		return pair{}, err
	}
	return m.join(shops...)
}

// openHard opens a market of two shops behind hard NATs, which cannot be connected but by a
// relay, and of more.
func (m *market) openHard(more ...place) (pair, error) {
	a, _ := m.behind("a", Rules{NAT: HardNAT})
	b, _ := m.behind("b", Rules{NAT: HardNAT})
	return m.open(m.hubHost(), append([]place{at(a), at(b)}, more...)...)
}

func (m *market) join(shops ...place) (pair, error) {
	for _, h := range shops {
		if _, err := m.newShop(h); err != nil {
			return pair{}, fmt.Errorf("%s does not join: %w", h.Name(), err)
		}
	}
	p := pair{m.shops[0], m.shops[1]}
	if err := m.partner(p.retailer, p.supplier); err != nil {
		return pair{}, err
	}
	m.result.opened = time.Since(m.founded)
	return p, nil
}

// pass lets time pass in which something stays as it is.
func (m *market) pass(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-m.t.Context().Done():
	}
}

// restart stops shops in order and starts them again. It returns when they were started.
func restart(shops ...*souk) time.Time {
	for _, s := range shops {
		s.stop(syscall.SIGTERM)
	}
	event := time.Now()
	for _, s := range shops {
		s.start()
	}
	return event
}

// trades checks that there is trade after an event, and that the retailer sees what its
// supplier changes.
func (m *market) trades(p pair, event time.Time) error {
	ctx, cancel := m.within(patience)
	defer cancel()
	if err := m.buy(ctx, p.retailer, p.supplier); err != nil {
		return fmt.Errorf("%s cannot buy of %s: %w", p.retailer.Name(), p.supplier.Name(), err)
	}
	m.result.traded = time.Since(event)
	var err error
	if m.result.way, err = p.retailer.transport(ctx, p.supplier); err != nil {
		return err
	}
	seen, err := m.follow(ctx, p.retailer, p.supplier)
	if err == nil {
		m.result.seen = seen
	}
	return err
}

// tradesDirectly checks that there is trade, and in the end by a direct connection.
func (m *market) tradesDirectly(p pair, event time.Time) error {
	err := m.trades(p, event)
	if err == nil {
		if err = m.comesDirect(p); err == nil {
			m.result.direct = time.Since(event)
		}
	}
	return err
}

// comesDirect waits until two shops are connected directly.
func (m *market) comesDirect(p pair) error {
	ctx, cancel := m.within(punching)
	defer cancel()
	err := until(ctx, func(ctx context.Context) error {
		transport, err := p.retailer.transport(ctx, p.supplier)
		if err == nil && transport != "quic" && transport != "tcp" {
			err = fmt.Errorf("the way is %q", transport)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s is not connected directly to %s: %w", p.retailer.Name(), p.supplier.Name(), err)
	}
	return nil
}

// openEasy opens a market of two shops behind easy NATs, and waits until they are connected
// directly. It returns their routers, too.
func (m *market) openEasy() (p pair, retailers, suppliers *Router, err error) {
	a, retailers := m.behind("a", Rules{NAT: EasyNAT})
	b, suppliers := m.behind("b", Rules{NAT: EasyNAT})
	if p, err = m.open(m.hubHost(), at(a), at(b)); err == nil {
		err = m.comesDirect(p)
	}
	return p, retailers, suppliers, err
}
