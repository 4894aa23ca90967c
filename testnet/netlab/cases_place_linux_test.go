package netlab

// Cases of where shops stand. Their event is that both shops are started again, as after a
// power cut: nothing remembered of earlier connections is of use.

// natCase: both shops behind routers of their own.
func natCase(retailer, supplier NAT) func(*market) error {
	return func(m *market) error {
		a, _ := m.behind("a", Rules{NAT: retailer})
		b, _ := m.behind("b", Rules{NAT: supplier})
		p, err := m.open(m.hubHost(), at(a), at(b))
		if err != nil {
			return err
		}
		if retailer == EasyNAT && supplier == EasyNAT {
			return m.tradesDirectly(p, restart(p.retailer, p.supplier))
		}
		return m.trades(p, restart(p.retailer, p.supplier))
	}
}

// cgnat: the supplier's router stands behind its carrier's.
func cgnat(m *market) error {
	a, _ := m.behind("a", Rules{NAT: EasyNAT})
	carrier := m.lab.Router("carrier", m.lab.Internet(), Rules{NAT: HardNAT})
	b := m.customer("b", carrier)
	p, err := m.open(m.hubHost(), at(a), at(b))
	if err != nil {
		return err
	}
	return m.trades(p, restart(p.retailer, p.supplier))
}

// cgnatSameCarrier: both shops' routers stand behind the same one of their carrier, which
// lets customers reach each other only by going out.
func cgnatSameCarrier(m *market) error {
	carrier := m.lab.Router("carrier", m.lab.Internet(), Rules{NAT: HardNAT})
	p, err := m.open(m.hubHost(), at(m.customer("a", carrier)), at(m.customer("b", carrier)))
	if err != nil {
		return err
	}
	return m.trades(p, restart(p.retailer, p.supplier))
}

// customer makes a host behind a router behind a carrier's.
func (m *market) customer(name string, carrier *Router) *Host {
	r := m.lab.Router(name+"-router", carrier.CarrierLAN(), Rules{NAT: EasyNAT})
	return m.lab.Host(name, r.LAN(1), IPv4)
}

// sameLAN: both shops in one network.
func sameLAN(m *market) error {
	r := m.lab.Router("router", m.lab.Internet(), Rules{NAT: EasyNAT})
	p, err := m.open(m.hubHost(), at(m.lab.Host("a", r.LAN(1), IPv4)), at(m.lab.Host("b", r.LAN(1), IPv4)))
	if err != nil {
		return err
	}
	return m.tradesDirectly(p, restart(p.retailer, p.supplier))
}

// otherLAN: both shops behind one router, in networks between which it passes everything or
// nothing. It does not send back what goes to its own outer address.
func otherLAN(apart bool) func(*market) error {
	return func(m *market) error {
		r := m.lab.Router("router", m.lab.Internet(), Rules{NAT: EasyNAT, Apart: apart})
		p, err := m.open(m.hubHost(), at(m.lab.Host("a", r.LAN(1), IPv4)), at(m.lab.Host("b", r.LAN(2), IPv4)))
		if err != nil {
			return err
		}
		if apart {
			return m.trades(p, restart(p.retailer, p.supplier))
		}
		return m.tradesDirectly(p, restart(p.retailer, p.supplier))
	}
}

// portForward: the supplier's router forwards its port; the retailer cannot be reached.
// Whether the supplier announces it or not, the retailer comes to it directly.
func portForward(announced bool) func(*market) error {
	return func(m *market) error {
		a, _ := m.behind("a", Rules{NAT: HardNAT})
		b, router := m.behind("b", Rules{NAT: EasyNAT})
		router.Set(Rules{NAT: EasyNAT, Forwards: []Forward{{shopPort, b.Addr()}}})
		shop := at(b)
		if announced {
			outside := "/ip4/" + router.Addr().String()
			shop.flags = []string{"--announce", outside + "/tcp/7351", "--announce", outside + "/udp/7351/quic-v1"}
		}
		p, err := m.open(m.hubHost(), at(a), shop)
		if err != nil {
			return err
		}
		return m.tradesDirectly(p, restart(p.retailer, p.supplier))
	}
}

// shopPort is the port on which a shop listens for partners by default.
const shopPort = 7351

// hubName is a name that a hub has in a lab.
const hubName = "hub.example"

// openByName opens a market whose hub announces a name, as the guide says, and no address.
func (m *market) openByName() (pair, error) {
	hub := m.hubHost()
	m.lab.Name(hubName, hub.Addr())
	if err := m.startHub(hub, "--announce", hubName); err != nil {
		return pair{}, err
	}
	a, _ := m.behind("a", Rules{NAT: HardNAT})
	b, _ := m.behind("b", Rules{NAT: HardNAT})
	return m.join(at(a), at(b))
}

// hubByName: the hub is known by name only, and the shops need its relay.
func hubByName(m *market) error {
	p, err := m.openByName()
	if err != nil {
		return err
	}
	return m.trades(p, restart(p.retailer, p.supplier))
}
