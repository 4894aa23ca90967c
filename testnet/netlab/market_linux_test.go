package netlab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// patience bounds what a case waits for. It is there so that a case which fails ends: no
// case asserts a time.
const patience = time.Minute

// punching bounds how long two shops may take to be connected directly. Where a punch of one side comes
// before the other has begun, its router keeps that for half a minute as a connection to itself and maps
// the port anew, so that the tries until then fail; those after a minute do not.
const punching = 5 * time.Minute

// market is a hub and shops in a lab. Steps that souk may fail return errors, for a case
// that fails is a result; what the machine fails ends the test.
type market struct {
	t      testing.TB
	lab    *Lab
	dir    string // of the folders
	binary string
	hub    *souk
	shops  []*souk

	products int       // that each shop sells
	founded  time.Time // when the hub started
	changes  int       // of stock
	result   result
}

// result is a row of the table.
type result struct {
	name   string
	goal   time.Duration
	err    error         // why the case failed
	said   string        // what the owner was told, where there can be no trade
	way    string        // between the shops, the best at the time of the order: quic, tcp or relay
	opened time.Duration // from the hub's start to the partnership, all shops having been made new
	traded time.Duration // from the event of the case to the first order accepted
	seen   time.Duration // from a change of stock at the supplier until the retailer's catalog has it
	direct time.Duration // from the event until the shops were connected directly; 0: never
}

func newMarket(t testing.TB) *market {
	t.Helper()
	lab := New(t)
	m := &market{t: t, lab: lab, dir: t.TempDir(), binary: soukBinary(t), products: 1}
	t.Cleanup(func() {
		for _, s := range m.all() {
			if t.Failed() || m.result.err != nil {
				t.Logf("%s, the end of its log:\n%s", s.Name(), s.tail())
			}
			s.stop(syscall.SIGKILL)
		}
	})
	return m
}

func (m *market) all() []*souk {
	all := m.shops
	if m.hub != nil {
		all = append([]*souk{m.hub}, all...)
	}
	return all
}

// startHub makes the hub and runs it. What it announces is in the flags.
func (m *market) startHub(on *Host, flags ...string) error {
	m.hub = m.souk(on, "hub")
	args := append([]string{"hub", "init", "--name", "riverside"}, flags...)
	if err := m.hub.run(m.t.Context(), nil, args...); err != nil {
		return err
	}
	m.hub.start()
	m.founded = time.Now()
	return nil
}

// place is where a shop is, and with which flags it is made.
type place struct {
	*Host
	flags []string
}

func at(h *Host, flags ...string) place { return place{h, flags} }

// newShop makes a shop, has it join and runs it. It sells m.products products.
func (m *market) newShop(on place) (*souk, error) {
	ctx, cancel := m.within(patience)
	defer cancel()
	s, invite, err := m.makeShop(ctx, on)
	if err != nil {
		return nil, err
	}
	// The hub may not listen yet.
	if err := until(ctx, func(ctx context.Context) error { return s.join(ctx, invite) }); err != nil {
		return nil, err
	}
	s.start()
	file := s.dir + ".jsonl"
	if err := os.WriteFile(file, s.catalog(m.products), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return s, until(ctx, func(ctx context.Context) error {
		return s.run(ctx, nil, "catalog", "import", "--stock-figure", "on-hand", file)
	})
}

// makeShop makes a shop's folder and an invite for it.
func (m *market) makeShop(ctx context.Context, on place) (*souk, string, error) {
	s := m.souk(on.Host, "node")
	s.title = "Shop " + on.Name()
	s.sku = "ITEM-" + on.Name()
	m.shops = append(m.shops, s)
	args := append([]string{"node", "init", "--name", s.title, "--currency", "EUR", "--recovery-file", s.dir + ".recovery"}, on.flags...)
	var made struct{ Shop string }
	if err := s.run(ctx, &made, args...); err != nil {
		return nil, "", err
	}
	s.id = made.Shop
	var invite struct{ Invite string }
	err := m.hub.run(ctx, &invite, "hub", "invite")
	return s, invite.Invite, err
}

func (s *souk) join(ctx context.Context, invite string) error {
	return s.run(ctx, nil, "node", "join", invite)
}

// catalog is products as JSON lines, last of them the one that is traded: who has it has
// them all.
func (s *souk) catalog(products int) []byte {
	var b bytes.Buffer
	lines := json.NewEncoder(&b)
	for i := range products {
		sku := s.sku
		if i < products-1 {
			sku = fmt.Sprintf("%s-%d", s.sku, i)
		}
		if err := lines.Encode(map[string]any{"sku": sku, "title": sku, "price": "10.00", "currency": "EUR", "stock": 1000}); err != nil {
			panic(err) // strings and numbers always encode
		}
	}
	return b.Bytes()
}

func (m *market) souk(on *Host, kind string) *souk {
	return &souk{Host: on, t: m.t, binary: m.binary, dir: filepath.Join(m.dir, on.Name()), kind: kind}
}

// within is the time that a step has.
func (m *market) within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(m.t.Context(), d, fmt.Errorf("not within %v", d))
}

// partner makes two shops partners in both directions, and waits until each has the other's
// catalog.
func (m *market) partner(a, b *souk) error {
	ctx, cancel := m.within(patience)
	defer cancel()
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error {
			return a.run(ctx, nil, "partner", "propose", b.title, "--both", "--discount", "10%")
		},
		func(ctx context.Context) error { return b.run(ctx, nil, "partner", "accept", a.title, "--both") },
		func(ctx context.Context) error { _, err := a.sees(ctx, b); return err },
		func(ctx context.Context) error { _, err := b.sees(ctx, a); return err },
	} {
		if err := until(ctx, step); err != nil {
			return fmt.Errorf("%s and %s do not become partners: %w", a.Name(), b.Name(), err)
		}
	}
	return nil
}

// sees is how many units of another shop's product this one's catalog has.
func (s *souk) sees(ctx context.Context, other *souk) (int, error) {
	var p struct{ Available struct{ Units int } }
	err := s.get(ctx, "product/"+other.id+":"+other.sku, &p)
	return p.Available.Units, err
}

// buy reserves and orders one unit of a supplier's product, and waits until the order is
// accepted. It asks as often as it takes, as a person would.
func (m *market) buy(ctx context.Context, retailer, supplier *souk) error {
	var hold struct{ ID string }
	err := until(ctx, func(ctx context.Context) error {
		return retailer.run(ctx, &hold, "reserve", supplier.id+":"+supplier.sku, "--ship-to-country", "SE")
	})
	if err != nil {
		return err
	}
	var order struct{ ID, Status string }
	return until(ctx, func(ctx context.Context) error {
		err := retailer.run(ctx, &order, "order", "place", hold.ID,
			"--name", "Maja Berg", "--address", "Storgatan 1", "--city", "Malmö", "--postal-code", "211 34")
		if err == nil && order.Status != "accepted" {
			err = fmt.Errorf("order %s is %s", order.ID, order.Status)
		}
		return err
	})
}

// follow changes the stock of the supplier's product, waits until the retailer sees it, and
// returns how long that took.
func (m *market) follow(ctx context.Context, retailer, supplier *souk) (time.Duration, error) {
	m.changes++
	units := 40 + 25*(m.changes%2) // partners are told exact figures below 100
	if err := supplier.run(ctx, nil, "catalog", "set-stock", supplier.sku+"="+strconv.Itoa(units)); err != nil {
		return 0, err
	}
	changed := time.Now()
	want, err := supplier.sees(ctx, supplier) // what is sold and not sent comes off
	if err != nil {
		return 0, err
	}
	err = until(ctx, func(ctx context.Context) error {
		got, err := retailer.sees(ctx, supplier)
		if err == nil && got != want {
			err = fmt.Errorf("%s shows %d of %s, not %d", retailer.Name(), got, supplier.sku, want)
		}
		return err
	})
	return time.Since(changed), err
}

// transport is by which way two shops are connected, "" where they are not.
func (s *souk) transport(ctx context.Context, other *souk) (string, error) {
	var member struct{ Transport string }
	err := s.run(ctx, &member, "members", other.title)
	return member.Transport, err
}
