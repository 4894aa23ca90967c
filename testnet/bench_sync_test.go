package testnet_test

import (
	"context"
	"flag"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/node"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
	"github.com/souk-market/souk/testnet"
)

var benchProducts = flag.Int("products", 100_000, "products in the catalogs of BenchmarkFirstSync and BenchmarkLargeCatalog")

// BenchmarkFirstSync measures how long after a partnership began the retailer's copy
// of a catalog of -products is proven equal and can be searched, over real sockets, and the
// processor time of both shops meanwhile. Floor: the same records put into a bare
// Badger of the same kind, in the same run.
func BenchmarkFirstSync(b *testing.B) {
	supplier, retailers := neighbours(b, b.N)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Hour)
	defer cancel()
	fill(b, supplier, *benchProducts)
	synced(b, ctx, supplier, supplier)
	var took time.Duration
	b.ResetTimer()
	cpu := processorTime()
	for _, r := range retailers {
		if err := testnet.Partner(ctx, supplier, r, benchTerms()); err != nil {
			b.Fatal(err)
		}
		begin := time.Now()
		synced(b, ctx, r, supplier)
		took += time.Since(begin)
	}
	cpu = processorTime() - cpu
	b.StopTimer()
	records, sent := served(b, supplier, retailers[0])
	cpuFloor := processorTime()
	floor := bareLoad(b, records)
	b.ReportMetric((processorTime() - cpuFloor).Seconds(), "cpu-s/floor")
	took /= time.Duration(len(retailers))
	b.ReportMetric(cpu.Seconds()/float64(len(retailers)), "cpu-s/sync")
	b.ReportMetric(took.Seconds(), "s/sync")
	b.ReportMetric(floor.Seconds(), "s/floor")
	b.ReportMetric(took.Seconds()/floor.Seconds(), "x-floor")
	b.ReportMetric(float64(sent)/(1<<20), "MiB-sent")
	b.ReportMetric(float64(sent)/float64(*benchProducts), "B/product")
}

// synced waits until s has proven a copy of all that supplier sells.
func synced(b *testing.B, ctx context.Context, s, supplier *node.Shop) {
	b.Helper()
	if _, err := testnet.Await(ctx, s.Desk(), func() (bool, bool) { return true, count(s, supplier) == uint64(*benchProducts) }); err != nil {
		b.Fatal(err)
	}
}

// processorTime is what this process has used of the processors, everything in it
// included: on a machine that others use, it tells more than the clock.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// fill imports products with texts of a usual length, of which no two are alike.
func fill(b *testing.B, s *node.Shop, products int) {
	b.Helper()
	change(b, s, products, 0)
}

var benchWords = []string{"running", "shoe", "trail", "light", "leather", "women", "men", "kids", "winter", "waterproof", "classic", "red", "blue", "grey", "sole", "lace"}

// benchProduct is one of the products that fill imports; more is added to its price.
func benchProduct(i int, more int64) shelf.Item {
	text := func(seed, n int) (s string) {
		for j := range n {
			s += benchWords[(i*(seed+j)+i/(j+7)+seed)%len(benchWords)] + " "
		}
		return s
	}
	return shelf.Item{
		Product: exchange.Product{
			SKU: sku(i), Title: text(3, 4) + string(sku(i)), Description: text(5, 20),
			Price: exchange.Money{Minor: int64(990+i*37%90_000) + more, Currency: "EUR"},
		},
		Stock: shelf.Figure{Set: true, Units: int64(i * 13 % 500)},
	}
}

// change imports the first products, their prices higher by more.
func change(b *testing.B, s *node.Shop, products int, more int64) {
	b.Helper()
	for i := 0; i < products; {
		var items []shelf.Item
		for ; i < products && len(items) < shelf.ImportChunk; i++ {
			items = append(items, benchProduct(i, more))
		}
		if _, err := s.Desk().Shelf.Import(context.Background(), shelf.Statement{}, items); err != nil {
			b.Fatal(err)
		}
	}
}

// count is how many products s has proven of supplier's catalog.
func count(s, supplier *node.Shop) uint64 {
	st, ok := s.Replicas().Status(supplier.Desk().Shop())
	if !ok || !st.Proven {
		return 0
	}
	return st.Head.Count
}

// served is everything a first pull brings, and its bytes as they travel: chunks
// encoded and compressed as a shop does it, without the few bytes of framing.
func served(b *testing.B, supplier, retailer *node.Shop) (records [][]byte, sent int) {
	b.Helper()
	return servedAfter(b, supplier, retailer, catalog.Position{})
}

// servedAfter is what a pull of the changes after a position brings.
func servedAfter(b *testing.B, supplier, retailer *node.Shop, at catalog.Position) (records [][]byte, sent int) {
	b.Helper()
	enc := must(zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest)))
	defer enc.Close()
	err := supplier.Desk().Feed.Serve(context.Background(), retailer.Desk().Shop(), &message.FeedPull{Feed: exchange.MainFeed, Epoch: at.Epoch, After: at.Sequence}, func(c *message.FeedChunk) error {
		for _, it := range c.Items {
			records = append(records, it.Record)
		}
		raw, err := protocol.Codec{}.Encode(c)
		sent += len(enc.EncodeAll(raw, nil))
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return records, sent
}

// bareLoad writes records in large commits to a Badger opened as one for replicas.
func bareLoad(b *testing.B, records [][]byte) time.Duration {
	b.Helper()
	db := must(store.Open(filepath.Join(b.TempDir(), "bare"), store.Options{Profile: store.Replica}))
	defer db.Close()
	begin := time.Now()
	var writes []kv.Write
	for i, r := range records {
		writes = append(writes, kv.Write{Key: []byte("i/" + string(sku(i))), Value: r})
		if len(writes) == 2000 || i == len(records)-1 {
			if err := db.Commit(writes); err != nil {
				b.Fatal(err)
			}
			writes = nil
		}
	}
	return time.Since(begin)
}
