package testnet_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/node"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
	"github.com/souk-market/souk/testnet"
)

// syncProducts is the catalog of BenchmarkFirstSync.
const syncProducts = 100_000

// BenchmarkFirstSync measures how long after a partnership began the retailer's copy
// of a catalog of 100,000 products is proven equal and can be searched, over real sockets.
// Floor: the same records put into a bare Badger of the same kind, in the same run.
func BenchmarkFirstSync(b *testing.B) {
	supplier, retailers := neighbours(b, b.N)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	fill(b, supplier, syncProducts)
	if _, err := testnet.Await(ctx, supplier.Desk(), func() (bool, bool) { return true, count(supplier, supplier) == syncProducts }); err != nil {
		b.Fatal(err)
	}
	var took time.Duration
	b.ResetTimer()
	for _, r := range retailers {
		if err := testnet.Partner(ctx, supplier, r, benchTerms()); err != nil {
			b.Fatal(err)
		}
		begin := time.Now()
		if _, err := testnet.Await(ctx, r.Desk(), func() (bool, bool) { return true, count(r, supplier) == syncProducts }); err != nil {
			b.Fatal(err)
		}
		took += time.Since(begin)
	}
	b.StopTimer()
	records, sent := served(b, supplier, retailers[0])
	floor := bareLoad(b, records)
	took /= time.Duration(len(retailers))
	b.ReportMetric(took.Seconds(), "s/sync")
	b.ReportMetric(floor.Seconds(), "s/floor")
	b.ReportMetric(took.Seconds()/floor.Seconds(), "x-floor")
	b.ReportMetric(float64(sent)/(1<<20), "MiB-sent")
	b.ReportMetric(float64(sent)/syncProducts, "B/product")
}

// fill imports products with texts of a usual length, of which no two are alike.
func fill(b *testing.B, s *node.Shop, products int) {
	b.Helper()
	words := []string{"running", "shoe", "trail", "light", "leather", "women", "men", "kids", "winter", "waterproof", "classic", "red", "blue", "grey", "sole", "lace"}
	for i := 0; i < products; {
		var items []desk.ImportItem
		for ; i < products && len(items) < desk.ImportChunk; i++ {
			text := func(seed, n int) (s string) {
				for j := range n {
					s += words[(i*(seed+j)+i/(j+7)+seed)%len(words)] + " "
				}
				return s
			}
			items = append(items, desk.ImportItem{
				Product: exchange.Product{
					SKU: sku(i), Title: text(3, 4) + string(sku(i)), Description: text(5, 20),
					Price: exchange.Money{Minor: int64(990 + i*37%90_000), Currency: "EUR"},
				},
				Stock: desk.FileStock{Set: true, Units: int64(i * 13 % 500)},
			})
		}
		if _, err := s.Desk().Import(context.Background(), items, false); err != nil {
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
	enc := must(zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest)))
	defer enc.Close()
	err := supplier.Desk().ServeFeed(context.Background(), retailer.Desk().Shop(), &desk.FeedPull{Feed: exchange.MainFeed}, func(c *desk.FeedChunk) error {
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
	var writes []desk.Write
	for i, r := range records {
		writes = append(writes, desk.Write{Key: []byte("i/" + string(sku(i))), Value: r})
		if len(writes) == 2000 || i == len(records)-1 {
			if err := db.Commit(writes); err != nil {
				b.Fatal(err)
			}
			writes = nil
		}
	}
	return time.Since(begin)
}
