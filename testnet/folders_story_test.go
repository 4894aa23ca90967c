package testnet

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// What the maker's shops do, until their folders hold all that a store can.

// partnerships has one in every status; "queued" and "ending" follow in queues.
func (m *folderMaker) partnerships(acorn, birch, cedar *madeShop) {
	m.t.Helper()
	m.agree(acorn, birch, "--discount", "10%", "--hold-lifetime", "24h", "--accept-within", "30d", "--countries", "SE,DE")
	m.agree(acorn, cedar, "--accept-within", "1m")

	m.agree(birch, acorn)
	id := m.order("ended trade", birch, acorn, "LACE", 5)
	birch.run(nil, "order", "accept", id.String())
	birch.run(nil, "order", "ship", id.String())
	birch.run(nil, "order", "deliver", id.String())
	m.bought(acorn, id, "delivered")
	birch.run(nil, "partner", "end", acorn.name, "--sell", "--reason", "closing for the season")
	m.status(acorn, birch, view.Buy, "ended")

	birch.run(nil, "partner", "propose", cedar.name, "--sell", "--discount", "5%")
	m.status(cedar, birch, view.Buy, "proposed")
	cedar.run(nil, "partner", "decline", birch.name, "--buy")
	m.status(birch, cedar, view.Sell, "declined")

	var list view.Partnerships
	cedar.keyed("propose", "/api/v1/partners", map[string]any{
		"partner": acorn.id, "direction": view.Sell, "terms": map[string]any{"discount_bp": 700, "open_quantity": 50},
	}, &list)
	m.status(acorn, cedar, view.Buy, "proposed")
}

// hold reserves at a supplier.
func (m *folderMaker) hold(name string, supplier, retailer *madeShop, sku exchange.SKU, units int, more ...string) exchange.HoldID {
	m.t.Helper()
	var r view.Reservation
	retailer.run(&r, append([]string{"reserve", fmt.Sprintf("%s:%s=%d", supplier.id, sku, units), "--ship-to-country", shipCountry}, more...)...)
	m.written.Reservations[name] = r.ID
	return r.ID
}

// place orders a reservation and does not wait for the supplier.
func (m *folderMaker) place(name string, retailer *madeShop, id exchange.HoldID) exchange.OrderID {
	m.t.Helper()
	retailer.run(nil, "order", "place", id.String(), "--name", shipTo.Name, "--address", shipTo.Lines[0], "--city", shipTo.City, "--wait", "0s")
	m.written.Orders[name] = id
	return id
}

// order reserves and orders, and waits for the supplier's answer.
func (m *folderMaker) order(name string, supplier, retailer *madeShop, sku exchange.SKU, units int) exchange.OrderID {
	m.t.Helper()
	id := m.place(name, retailer, m.hold(name, supplier, retailer, sku, units))
	m.bought(retailer, id, "submitted")
	return id
}

// bought waits until a shop sees an order in a status.
func (m *folderMaker) bought(s *madeShop, id exchange.OrderID, status string) {
	m.t.Helper()
	m.wait(fmt.Sprintf("order %v is %s at %s", id, status, s.name), func() (bool, error) {
		var o view.Order
		if err := s.read("/api/v1/order/"+id.String(), &o); err != nil {
			return false, err
		}
		return o.Status == status, fmt.Errorf("it is %s", o.Status)
	})
}

// reserved waits until a reservation is in a state.
func (m *folderMaker) reserved(s *madeShop, id exchange.HoldID, state string) {
	m.t.Helper()
	m.wait(fmt.Sprintf("reservation %v is %s at %s", id, state, s.name), func() (bool, error) {
		var r view.Reservation
		if err := s.read("/api/v1/reservations/"+id.String(), &r); err != nil {
			return false, err
		}
		return r.State == state, fmt.Errorf("it is %s", r.State)
	})
}

// briefOrders are those of a partnership whose times are short: one expires, one is
// refused because its reservation has expired, one is delivered.
func (m *folderMaker) briefOrders(acorn, cedar *madeShop) {
	m.t.Helper()
	id := m.order("delivered to cedar", acorn, cedar, "CARD", 3)
	acorn.run(nil, "order", "accept", id.String())
	acorn.run(nil, "order", "ship", id.String(), "--carrier", "E-mail")
	acorn.run(nil, "order", "deliver", id.String())
	m.bought(cedar, id, "delivered")

	expired := m.order("expired", acorn, cedar, "BOOT-42", 2)

	late := m.hold("refused", acorn, cedar, "BOOT-43", 1, "--lifetime", "10s")
	acorn.halt()
	m.place("refused", cedar, late)
	time.Sleep(10 * time.Second) // by its own clock the supplier decides; nothing tells of it
	acorn.begin()
	m.bought(cedar, late, "refused")

	m.bought(cedar, expired, "expired")
}

// orders has an order in each other status, and reservations.
func (m *folderMaker) orders(acorn, birch *madeShop) {
	m.t.Helper()
	act := func(s *madeShop, id exchange.OrderID, args ...string) {
		m.t.Helper()
		s.run(nil, append([]string{"order", args[0], id.String()}, args[1:]...)...)
	}
	of := map[string]exchange.OrderID{}
	for i, name := range []string{"submitted", "accepted", "partly shipped", "shipped", "delivered", "cancelled by retailer", "cancelled by supplier", "rejected", "to cancel", "shipped unseen"} {
		of[name] = m.order(name, acorn, birch, []exchange.SKU{"BOOT-42", "BOOT-43", "LACE"}[i%3], 2)
	}
	for _, name := range []string{"accepted", "partly shipped", "shipped", "delivered", "cancelled by supplier", "to cancel", "shipped unseen"} {
		act(acorn, of[name], "accept")
	}
	act(acorn, of["partly shipped"], "ship", "--line", "LACE=1", "--carrier", "Test Post", "--tracking", "TP 1")
	act(acorn, of["shipped"], "ship", "--carrier", "Test Post", "--tracking", "TP 2")
	act(acorn, of["delivered"], "ship", "--carrier", "Test Post", "--tracking", "TP 3")
	act(acorn, of["delivered"], "deliver")
	act(birch, of["cancelled by retailer"], "cancel", "--reason", "the customer changed her mind")
	act(acorn, of["cancelled by supplier"], "cancel", "--reason", "damaged in store")
	act(acorn, of["rejected"], "reject", "--reason", "not sold any more")
	for name, status := range map[string]string{"partly shipped": "partly_shipped", "cancelled by retailer": "cancelled", "cancelled by supplier": "cancelled", "rejected": "rejected", "shipped": "shipped", "delivered": "delivered", "to cancel": "accepted", "shipped unseen": "accepted"} {
		m.bought(birch, of[name], status)
	}

	m.hold("held", acorn, birch, "BOOT-42", 3)
	var r view.Reservation
	birch.keyed("reserve", "/api/v1/reservations", view.Reserve{
		Country: shipCountry, Lines: []view.ReserveLine{{Product: exchange.ProductID{Shop: acorn.id, SKU: "BOOT-43"}, Quantity: 1}},
	}, &r)
	m.written.Reservations["keyed"] = r.ID
	released := m.hold("released", acorn, birch, "LAST", 1)
	if err := m.try(birch.dir, nil, "reserve", fmt.Sprintf("%s:LAST=1", acorn.id), "--ship-to-country", shipCountry); err == nil {
		m.t.Fatal("the last unit was held twice")
	}
	birch.run(nil, "reservation", "release", released.String())
	m.reserved(birch, m.hold("expired", acorn, birch, "LAST", 1, "--lifetime", "10s"), "expired")

	ordered := m.hold("ordered by key", acorn, birch, "CARD", 2)
	var o view.Order
	birch.keyed("order", "/api/v1/order?wait=5", view.PlaceOrder{Reservation: ordered, ShipTo: shipTo}, &o)
	m.written.Orders["ordered by key"] = o.ID
	m.bought(birch, ordered, "submitted")
}

// fork has the supplier write another entry after the same one: it is started on a copy
// of its store that lacks the first. The retailer keeps both as evidence.
func (m *folderMaker) fork(dogwood, birch *madeShop) {
	m.t.Helper()
	m.agree(dogwood, birch)
	id := m.order("forked", dogwood, birch, "LAST", 1)
	dogwood.halt()
	before := filepath.Join(m.t.TempDir(), "before")
	db := filepath.Join(dogwood.dir, storeFolder)
	m.must("a copy", os.CopyFS(before, os.DirFS(db)))
	dogwood.begin()
	dogwood.run(nil, "order", "accept", id.String())
	m.bought(birch, id, "accepted")
	dogwood.halt()
	birch.halt()
	m.must("going back", errors.Join(os.RemoveAll(db), os.CopyFS(db, os.DirFS(before))))
	dogwood.begin()
	dogwood.run(nil, "order", "reject", id.String(), "--reason", "it has another entry for this")
	birch.begin()
	m.wait("the ledger freezes", func() (bool, error) {
		var list view.Partnerships
		if err := birch.read("/api/v1/partners", &list); err != nil {
			return false, err
		}
		for _, p := range list.Partnerships {
			if p.Partner == dogwood.id && p.Direction == view.Buy {
				return p.Ledger.Frozen, fmt.Errorf("it is %+v", p.Ledger)
			}
		}
		return false, nil
	})
	m.show(dogwood)
	dogwood.halt()
}

// queues has each shop do what the others do not hear of, and stops it.
func (m *folderMaker) queues(acorn, birch, cedar *madeShop) {
	m.t.Helper()
	waits := m.hold("requested", acorn, birch, "BOOT-42", 4)
	birch.halt()
	cedar.run(nil, "partner", "propose", birch.name, "--both", "--discount", "3%")
	acorn.run(nil, "order", "ship", m.written.Orders["shipped unseen"].String(), "--carrier", "Test Post", "--tracking", "TP 4")
	m.show(acorn)
	acorn.halt()
	cedar.run(nil, "partner", "end", acorn.name, "--buy", "--reason", "a supplier of our own")
	m.show(cedar)
	cedar.halt()
	m.must("the hub", m.hub.stop())
	birch.begin()
	m.place("requested", birch, waits)
	birch.run(nil, "order", "cancel", m.written.Orders["to cancel"].String(), "--reason", "ordered twice")
	m.show(birch)
	birch.halt()
}

// shownPaths are the lists of a shop's API, each on one page.
var shownPaths = []string{
	"/api/v1/orders?role=bought&limit=200", "/api/v1/orders?role=sold&limit=200", "/api/v1/reservations?limit=200",
	"/api/v1/partners", "/api/v1/products?limit=200", "/api/v1/members",
}

// show notes what the shop shows now. Its catalog reaches its own index a moment later
// than its store.
func (m *folderMaker) show(s *madeShop) {
	m.t.Helper()
	time.Sleep(2 * time.Second)
	shown := map[string]json.RawMessage{}
	for _, path := range shownPaths {
		b, err := s.get(path)
		m.must(s.name+" shows "+path, err)
		shown[path] = b
	}
	var sold view.Orders
	m.must("orders", json.Unmarshal(shown[shownPaths[1]], &sold))
	for _, o := range sold.Orders {
		path := "/api/v1/order/" + o.ID.String()
		b, err := s.get(path)
		m.must(s.name+" shows "+path, err)
		shown[path] = b
	}
	for _, sku := range []string{"BOOT-42", "BOOT-43", "LACE", "LAST", "NONE", "CARD"} {
		path := "/api/v1/product/" + s.id.String() + ":" + sku + "?live=1"
		b, err := s.get(path)
		m.must(s.name+" shows "+path, err)
		shown[path] = b
	}
	m.written.Shown[s.folder] = shown
}
