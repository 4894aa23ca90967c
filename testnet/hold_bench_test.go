package testnet_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/node"
	"github.com/souk-market/souk/store"
	"github.com/souk-market/souk/testnet"
)

// diskShop runs a shop on a real, synced store over real sockets.
func diskShop(b *testing.B, f *testnet.Federation, name string) *node.Shop {
	b.Helper()
	return newDiskNode(b, f, name).start(b)
}

// diskNode is a shop that may be stopped and started on its folder.
type diskNode struct {
	f    *testnet.Federation
	key  ed25519.PrivateKey
	name string
	dir  string
	stop func() // ends it, if it runs
}

func newDiskNode(b *testing.B, f *testnet.Federation, name string) *diskNode {
	b.Helper()
	n := &diskNode{f: f, key: must(f.Join(name)), name: name, dir: b.TempDir(), stop: func() {}}
	b.Cleanup(func() { n.stop() })
	return n
}

// start runs the shop and returns when it is ready.
func (n *diskNode) start(b *testing.B) *node.Shop {
	b.Helper()
	db := must(store.Open(filepath.Join(n.dir, "db"), store.Options{Sync: true, Profile: store.Ledger}))
	replicas := must(store.Open(filepath.Join(n.dir, "replicas"), store.Options{Profile: store.Replica}))
	limits := func(d *store.DB) kv.Limits {
		return kv.Limits{BatchBytes: int(d.Limits().BatchBytes), BatchWrites: d.Limits().BatchWrites}
	}
	shop, err := n.f.Shop(n.key, node.Config{
		Name: n.name, Currency: "EUR", Listen: []string{"/ip4/127.0.0.1/tcp/0"},
		Tax: node.TaxConfig{Treatment: "none"},
	}, testnet.Disks{Store: db, Replicas: replicas, Limits: limits(db), ReplicaLimits: limits(replicas)}, nil)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- shop.Run(ctx) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
		replicas.Close()
		db.Close()
	})
	select {
	case <-shop.Ready():
	case err := <-done:
		b.Fatal(err)
	}
	return shop
}

// benchTerms let a retailer hold as much as the benchmark asks for.
func benchTerms() exchange.Terms {
	t := exchange.DefaultTerms("EUR")
	t.OpenQuantity, t.HoldLifetime = exchange.MaxOpenQuantity, time.Hour
	return t
}

// neighbours are a supplier and retailers that know each other and are no partners yet.
func neighbours(b *testing.B, retailers int) (*node.Shop, []*node.Shop) {
	b.Helper()
	f, err := testnet.NewFederation("bench")
	if err != nil {
		b.Fatal(err)
	}
	var list []*node.Shop
	for i := range retailers {
		list = append(list, diskShop(b, f, fmt.Sprintf("Retailer %d", i)))
	}
	supplier := diskShop(b, f, "Supplier") // last: its list has everybody
	for _, r := range list {
		if err := r.Roster().Apply(must(supplier.Roster().Bundle(r.Roster().State().Size(), 1<<20))); err != nil {
			b.Fatal(err)
		}
	}
	if err := testnet.Introduce(append(slices.Clone(list), supplier)...); err != nil {
		b.Fatal(err)
	}
	return supplier, list
}

// market is a supplier with products and retailers partnered with it.
func market(b *testing.B, retailers, products int) (*node.Shop, []*node.Shop) {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	supplier, list := neighbours(b, retailers)
	for i := 0; i < products; {
		var items []shelf.Item
		for ; i < products && len(items) < shelf.ImportChunk; i++ {
			items = append(items, shelf.Item{
				Product: exchange.Product{SKU: exchange.SKU(fmt.Sprintf("SKU-%07d", i)), Title: "Running shoe", Price: exchange.Money{Minor: 4990, Currency: "EUR"}},
				Stock:   shelf.Figure{Set: true, Units: 1_000_000_000},
			})
		}
		if _, err := supplier.Desk().Shelf.Import(ctx, shelf.Statement{}, items); err != nil {
			b.Fatal(err)
		}
	}
	for _, r := range list {
		if err := testnet.Partner(ctx, supplier, r, benchTerms()); err != nil {
			b.Fatal(err)
		}
		if _, err := testnet.Await(ctx, r.Desk(), func() (exchange.Window, bool) {
			return r.Desk().Retailer.Window(supplier.Desk().Shop())
		}); err != nil {
			b.Fatal(err)
		}
	}
	return supplier, list
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// BenchmarkHolds measures durable, sealed holds over libp2p: 8 retailers × 32 in
// flight, all shops and the load in this process. Floor: raw synced commits of one
// small record a second, on the same disk in the same run.
func BenchmarkHolds(b *testing.B) {
	for _, products := range []int{1, 10_000} {
		b.Run(fmt.Sprintf("products=%d", products), func(b *testing.B) {
			supplier, retailers := market(b, 8, products)
			const inFlight = 32
			var next atomic.Int64
			latencies := make([][]time.Duration, len(retailers)*inFlight)
			b.ResetTimer()
			start := time.Now()
			var wg sync.WaitGroup
			for w := range latencies {
				r := retailers[w%len(retailers)].Desk()
				wg.Go(func() {
					for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
						sku := exchange.SKU(fmt.Sprintf("SKU-%07d", i%int64(products)))
						t := time.Now()
						if _, err := r.Retailer.Reserve(context.Background(), trade.ReserveRequest{
							Supplier: supplier.Desk().Shop(), Lines: exchangetest.Lines(exchange.Line{SKU: sku, Quantity: 1}), Country: "SE",
						}); err != nil {
							b.Error(err)
							return
						}
						latencies[w] = append(latencies[w], time.Since(t))
					}
				})
			}
			wg.Wait()
			elapsed := time.Since(start)
			b.StopTimer()
			all := slices.Concat(latencies...)
			slices.Sort(all)
			b.ReportMetric(float64(b.N)/elapsed.Seconds(), "holds/s")
			b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
			floor := syncedWrites(b)
			b.ReportMetric(floor, "floor-fsync/s")
			b.ReportMetric(float64(b.N)/elapsed.Seconds()/floor, "holds/fsync")
		})
	}
}

// syncedWrites is how many 256-byte appends, each synced, the disk takes a second.
func syncedWrites(b *testing.B) float64 {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "floor"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	const n = 500
	record := make([]byte, 256)
	start := time.Now()
	for range n {
		if _, err := f.Write(record); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	return n / time.Since(start).Seconds()
}
