package desk_test

import (
	"context"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

const benchProducts = 100_000

// replicaStore opens a Badger as a node opens it for replicas.
func replicaStore(b *testing.B) *store.DB {
	db, err := store.Open(b.TempDir(), store.Options{Profile: store.Replica})
	must(b, err)
	b.Cleanup(func() { must(b, db.Close()) })
	return db
}

// onDisk gives the world's copy a Badger of its own.
func (w *feedWorld) onDisk(b *testing.B) {
	db := replicaStore(b)
	limits := db.Limits()
	var err error
	w.copy, err = desk.OpenReplicas(desk.ReplicasConfig{
		Store: db, Codec: protocol.Codec{}, Verifier: w.verifier(), Clock: clock{w.supplier},
		Limits: kv.Limits{BatchBytes: int(limits.BatchBytes), BatchWrites: limits.BatchWrites},
	})
	must(b, err)
}

// BenchmarkFirstSync pulls a whole catalog into Badger: encode, decode, load, digest,
// index. Its floor is the same records put into Badger as they are.
func BenchmarkFirstSync(b *testing.B) {
	w := newFeedWorld(b, 30)
	w.fill(benchProducts)
	w.publish()
	all, _ := w.supplied()
	for range b.N {
		b.StopTimer()
		w.onDisk(b)
		w.sent = 0
		b.StartTimer()
		start := time.Now()
		must(b, w.pull())
		took := time.Since(start)
		b.StopTimer()
		floor := bareLoad(b, all)
		b.ReportMetric(took.Seconds(), "s/sync")
		b.ReportMetric(floor.Seconds(), "s/floor")
		b.ReportMetric(took.Seconds()/floor.Seconds(), "x-floor")
		b.ReportMetric(float64(w.sent)/benchProducts, "B/product-uncompressed")
	}
}

func bareLoad(b *testing.B, all map[exchange.SKU]message.FeedItem) time.Duration {
	db := replicaStore(b)
	start := time.Now()
	var writes []kv.Write
	for sku, it := range all {
		writes = append(writes, kv.Write{Key: []byte("i/" + string(sku)), Value: it.Record})
		if len(writes) == 2000 {
			must(b, db.Commit(writes))
			writes = nil
		}
	}
	must(b, db.Commit(writes))
	return time.Since(start)
}

// BenchmarkPublish publishes 1,000 changes in a catalog of 100,000 in memory; then
// the copy catches up by a pull.
func BenchmarkPublish(b *testing.B) {
	w := newFeedWorld(b, 31)
	w.fill(benchProducts)
	w.publish()
	must(b, w.pull())
	var publish, pull time.Duration
	for i := range b.N {
		b.StopTimer()
		for k := range 1000 {
			_, err := w.supplier.desk.SetStock(context.Background(), sampleProduct(k*97).SKU, int64(100+i), false)
			must(b, err)
		}
		b.StartTimer()
		start := time.Now()
		w.publish()
		publish += time.Since(start)
		start = time.Now()
		must(b, w.pull())
		pull += time.Since(start)
	}
	b.ReportMetric(float64(publish.Milliseconds())/float64(b.N), "ms/publish")
	b.ReportMetric(float64(pull.Milliseconds())/float64(b.N), "ms/catch-up")
}

// BenchmarkSearch asks a copy on Badger for words that are rare, common and very
// common, and for what several of them share.
func BenchmarkSearch(b *testing.B) {
	w := newFeedWorld(b, 32)
	w.fill(benchProducts)
	w.publish()
	w.onDisk(b)
	must(b, w.pull())
	for name, q := range map[string]desk.Query{
		"one-product":  {Text: "no77123"},
		"every-20th":   {Text: "leather"},
		"prefix":       {Text: "l"},
		"two-words":    {Text: "leather shoe"},
		"three-words":  {Text: "leather shoe lamp"},
		"every":        {Text: "acorn", InStock: true},
		"every-and-20": {Text: "acorn leather", InStock: true},
		"none-of-many": {Text: "leather lamp", MinCents: 100_000_000},
		"listed":       {InStock: true, MaxCents: 700},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := w.copy.Search(q)
				must(b, err)
			}
		})
	}
}
