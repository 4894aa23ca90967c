package trade_test

import (
	"context"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// BenchmarkHolds is durable sealed holds a second on one hot product: 8 partners
// with 32 requests in flight each, through Serve of a running desk on a synced store,
// without a network. Beside it stands its floor, measured in the same run: the same
// writes in the same commits, made by hand.
func BenchmarkHolds(b *testing.B) {
	const partners, flights = 8, 32
	w := desktest.NewWorld(b, 1, 1+partners)
	supplier := w.Shops[0]
	supplier.Stock("hot", 1_000_000_000, 9900)
	terms := exchange.DefaultTerms("EUR")
	terms.OpenQuantity, terms.HoldLifetime = exchange.MaxOpenQuantity, time.Hour
	for _, r := range w.Shops[1:] {
		w.Partner(supplier, r, terms)
	}
	disk := &journal{Store: openStore(b), keep: 200}
	d := runOn(supplier, b, disk)

	requests := make([][]byte, b.N)
	window := exchange.Window(w.Now / 86_400_000)
	for i := range requests {
		var tail [12]byte
		binary.BigEndian.PutUint64(tail[4:], uint64(i+1))
		raw, err := protocol.Codec{}.Encode(&message.Hold{
			ID: exchange.NewHoldID(window, tail), Lines: exchangetest.Lines(exchange.Line{SKU: "hot", Quantity: 1}), Country: "SE",
		})
		desktest.Must(b, err)
		requests[i] = append([]byte{byte(message.KindHold)}, raw...)
	}
	var next atomic.Int64
	var callers sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for c := range partners * flights {
		from := w.Shops[1+c%partners].ID
		callers.Go(func() {
			for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
				if _, err := d.Serve(b.Context(), from, requests[i]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	callers.Wait()
	b.StopTimer()
	rate := float64(b.N) / b.Elapsed().Seconds()
	floor := disk.floor(b)
	b.ReportMetric(rate, "holds/s")
	b.ReportMetric(floor, "floor-holds/s")
	b.ReportMetric(rate/floor, "of-floor")
	b.ReportMetric(disk.size(), "holds/commit")
}

func openStore(t testing.TB) *store.DB {
	t.Helper()
	db, err := store.Open(t.TempDir(), store.Options{Sync: true, FreeFloor: -1})
	desktest.Must(t, err)
	t.Cleanup(func() { desktest.Must(t, db.Close()) })
	return db
}

// runOn copies the shop's state to another store and runs a desk on it, with a
// writer's goroutine, until the test ends.
func runOn(s *desktest.Shop, t testing.TB, on kv.Store) *desk.Desk {
	t.Helper()
	var all []kv.Write
	desktest.Must(t, s.Mem.Scan(kv.Range{}, func(k, v []byte) bool {
		all = append(all, kv.Write{Key: append([]byte(nil), k...), Value: append([]byte(nil), v...)})
		return true
	}))
	desktest.Must(t, on.Commit(all))
	cfg := s.Config()
	cfg.Store, cfg.Inline = on, false
	d, err := desk.Open(cfg)
	desktest.Must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !t.Failed() {
			t.Error(err)
		}
	})
	return d
}

// journal is a store that remembers its latest commits.
type journal struct {
	kv.Store
	keep    int
	mu      sync.Mutex
	commits [][]kv.Write
}

func (j *journal) Commit(writes []kv.Write) error {
	j.mu.Lock()
	j.commits = append(j.commits, writes)
	if len(j.commits) > j.keep {
		j.commits = j.commits[1:]
	}
	j.mu.Unlock()
	return j.Store.Commit(writes)
}

// holds is how many holds a commit placed: each has one entry in the expiry index.
func holds(writes []kv.Write) (n int) {
	for _, w := range writes {
		if len(w.Key) > 3 && string(w.Key[:3]) == "hx/" {
			n++
		}
	}
	return n
}

func (j *journal) size() float64 {
	total := 0
	for _, c := range j.commits {
		total += holds(c)
	}
	return float64(total) / float64(len(j.commits))
}

// floor commits the remembered batches again to a store of their own.
func (j *journal) floor(b *testing.B) float64 {
	db, total := openStore(b), 0
	began := time.Now()
	for _, c := range j.commits {
		desktest.Must(b, db.Commit(c))
		total += holds(c)
	}
	return float64(total) / time.Since(began).Seconds()
}
