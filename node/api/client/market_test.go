package client_test

import (
	"context"
	"net"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/node"
	"github.com/souk-market/souk/node/api"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/testnet"
)

// market is what the example trades in: two whole shops of one process.
type market struct {
	folder string // of the retailer
	stops  []func()
}

// runMarket runs a supplier with ten running shoes, and its retailer with an API that the
// folder leads to. The retailer sees the product when runMarket returns.
func runMarket() (folder string, stop func(), err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	m := &market{}
	if err := m.open(ctx); err != nil {
		m.stop()
		return "", nil, err
	}
	return m.folder, m.stop, nil
}

// stop ends what was started, the latest first.
func (m *market) stop() {
	for i := len(m.stops) - 1; i >= 0; i-- {
		m.stops[i]()
	}
}

func (m *market) open(ctx context.Context) error {
	f, err := testnet.NewFederation("example")
	if err != nil {
		return err
	}
	disks := testnet.MemoryDisks()
	birch, err := m.run(f, "Birch Books", disks)
	if err != nil {
		return err
	}
	acorn, err := m.run(f, "Acorn Shoes", testnet.MemoryDisks())
	if err != nil {
		return err
	}
	news, err := acorn.Roster().Bundle(birch.Roster().State().Size(), 1<<20)
	if err != nil {
		return err
	}
	if err := birch.Roster().Apply(news); err != nil {
		return err
	}
	if err := testnet.Introduce(acorn, birch); err != nil {
		return err
	}
	if _, err := acorn.Desk().Shelf.Import(ctx, shelf.Statement{}, []shelf.Item{{
		Product: exchange.Product{SKU: "shoe", Title: "Running shoe", Grams: 300, Price: exchange.Money{Minor: 9900, Currency: "EUR"}},
		Stock:   shelf.Figure{Set: true, Units: 10},
	}}); err != nil {
		return err
	}
	terms := exchange.DefaultTerms("EUR")
	terms.Discount = 1500
	if err := testnet.Partner(ctx, acorn, birch, terms); err != nil {
		return err
	}
	if err := m.serve(birch, disks); err != nil {
		return err
	}
	return m.await(ctx, birch, acorn.Desk().Shop())
}

// run runs a shop of the federation.
func (m *market) run(f *testnet.Federation, name string, disks testnet.Disks) (*node.Shop, error) {
	key, err := f.Join(name)
	if err != nil {
		return nil, err
	}
	shop, err := f.Shop(key, node.Config{
		Name: name, Currency: "EUR", Listen: []string{"/ip4/127.0.0.1/tcp/0"},
		Tax:      node.TaxConfig{Treatment: "included", Rate: "20"},
		Shipping: []node.ZoneConfig{{Flat: "4.90"}},
	}, disks, nil)
	if err != nil {
		return nil, err
	}
	m.start(shop.Run)
	<-shop.Ready()
	return shop, nil
}

// start runs something until the market stops.
func (m *market) start(run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	m.stops = append(m.stops, func() {
		cancel()
		<-done
	})
}

// serve answers at the API of a shop, in a folder of its own.
func (m *market) serve(shop *node.Shop, disks testnet.Disks) (err error) {
	if m.folder, err = os.MkdirTemp("", "souk-example-"); err != nil {
		return err
	}
	m.stops = append(m.stops, func() { os.RemoveAll(m.folder) })
	token, err := api.EnsureToken(m.folder)
	if err != nil {
		return err
	}
	server, err := api.New(api.Config{
		Desk: shop.Desk(), Store: disks.Store, Clock: testnet.Clock{}, Members: shop, Importer: shop, Catalog: shop, Shop: shop, Reach: shop.Reach(),
		Token: token, Dir: m.folder, Registry: prometheus.NewRegistry(),
	})
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	m.start(func(ctx context.Context) error { return server.Serve(ctx, ln) })
	<-server.Serving()
	return nil
}

// await returns when the retailer sees the product and may hold it.
func (m *market) await(ctx context.Context, retailer *node.Shop, supplier exchange.ShopID) error {
	c, err := client.Open(m.folder)
	if err != nil {
		return err
	}
	_, err = testnet.Await(ctx, retailer.Desk(), func() (struct{}, bool) {
		found, err := c.Products(ctx, replica.Query{Text: "running shoe", InStock: true})
		if err != nil || len(found.Products) == 0 {
			return struct{}{}, false
		}
		_, told := retailer.Desk().Retailer.Window(supplier)
		return struct{}{}, told
	})
	return err
}
