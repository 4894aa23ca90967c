package replica_test

import (
	"context"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

const benchProducts = 100_000

// replicaStore opens a Badger as a node opens it for replicas.
func replicaStore(b *testing.B) *store.DB {
	db, err := store.Open(b.TempDir(), store.Options{Profile: store.Replica})
	desktest.Must(b, err)
	b.Cleanup(func() { desktest.Must(b, db.Close()) })
	return db
}

// onDisk gives the world's copy a Badger of its own.
func onDisk(w *desktest.FeedWorld, b *testing.B) {
	db := replicaStore(b)
	limits := db.Limits()
	var err error
	w.Copy, err = replica.Open(replica.Config{
		Store: db, Codec: protocol.Codec{}, Verifier: w.Verifier(), Clock: desktest.Clock{Shop: w.Supplier},
		Limits: kv.Limits{BatchBytes: int(limits.BatchBytes), BatchWrites: limits.BatchWrites},
	})
	desktest.Must(b, err)
}

// BenchmarkFirstSync pulls a whole catalog into Badger: encode, decode, load, digest,
// index. Its floor is the same records put into Badger as they are.
func BenchmarkFirstSync(b *testing.B) {
	w := desktest.NewFeedWorld(b, 30)
	w.Fill(benchProducts)
	w.Publish()
	all, _ := w.Supplied()
	for range b.N {
		b.StopTimer()
		onDisk(w, b)
		w.Sent = 0
		b.StartTimer()
		start := time.Now()
		desktest.Must(b, w.PullCopy())
		took := time.Since(start)
		b.StopTimer()
		floor := bareLoad(b, all)
		b.ReportMetric(took.Seconds(), "s/sync")
		b.ReportMetric(floor.Seconds(), "s/floor")
		b.ReportMetric(took.Seconds()/floor.Seconds(), "x-floor")
		b.ReportMetric(float64(w.Sent)/benchProducts, "B/product-uncompressed")
	}
}

func bareLoad(b *testing.B, all map[exchange.SKU]message.FeedItem) time.Duration {
	db := replicaStore(b)
	start := time.Now()
	var writes []kv.Write
	for sku, it := range all {
		writes = append(writes, kv.Write{Key: []byte("i/" + string(sku)), Value: it.Record})
		if len(writes) == 2000 {
			desktest.Must(b, db.Commit(writes))
			writes = nil
		}
	}
	desktest.Must(b, db.Commit(writes))
	return time.Since(start)
}

// BenchmarkPublish publishes 1,000 changes in a catalog of 100,000 in memory; then
// the copy catches up by a pull.
func BenchmarkPublish(b *testing.B) {
	w := desktest.NewFeedWorld(b, 31)
	w.Fill(benchProducts)
	w.Publish()
	desktest.Must(b, w.PullCopy())
	var publish, pull time.Duration
	for i := range b.N {
		b.StopTimer()
		for k := range 1000 {
			_, err := w.Supplier.Desk.Shelf.SetStock(context.Background(), desktest.SampleProduct(k*97).SKU, int64(100+i), false)
			desktest.Must(b, err)
		}
		b.StartTimer()
		start := time.Now()
		w.Publish()
		publish += time.Since(start)
		start = time.Now()
		desktest.Must(b, w.PullCopy())
		pull += time.Since(start)
	}
	b.ReportMetric(float64(publish.Milliseconds())/float64(b.N), "ms/publish")
	b.ReportMetric(float64(pull.Milliseconds())/float64(b.N), "ms/catch-up")
}

// BenchmarkSearch asks a copy on Badger for words that are rare, common and very
// common, and for what several of them share.
func BenchmarkSearch(b *testing.B) {
	w := desktest.NewFeedWorld(b, 32)
	w.Fill(benchProducts)
	w.Publish()
	onDisk(w, b)
	desktest.Must(b, w.PullCopy())
	for name, q := range map[string]replica.Query{
		"one-product":  {Text: "no77123"},
		"every-20th":   {Text: "leather"},
		"prefix":       {Text: "l"},
		"two-words":    {Text: "leather shoe"},
		"three-words":  {Text: "leather shoe lamp"},
		"every":        {Text: "acorn", InStock: true},
		"every-and-20": {Text: "acorn leather", InStock: true},
		"none-of-many": {Text: "leather lamp", MinCents: 100_000_000},
		"listed":       {InStock: true, MaxCents: 700},
		"plural":       {Text: "leathers shoes"},
		"cheapest":     {Sort: replica.SortPrice},
		"few-cheapest": {Text: "leather shoe lamp", Sort: replica.SortPrice},
		"20th-dearest": {Text: "leather", Sort: replica.SortPriceDown},
		"newest":       {Text: "leather", Sort: replica.SortUpdated},
		"by-title":     {InStock: true, Sort: replica.SortTitle},
		"none-new":     {UpdatedSince: w.Now.Add(time.Hour)},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := w.Copy.Search(q)
				desktest.Must(b, err)
			}
		})
	}
	b.Run("count", func(b *testing.B) {
		for b.Loop() {
			_, err := w.Copy.Count(replica.Query{Text: "leather"})
			desktest.Must(b, err)
		}
	})
}
