package store

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange/kv"
)

// BenchmarkCommit is one writer's durable commits, beside the floor of the same
// run: appending the same bytes to a file and syncing it, turn about with the commits,
// so that both see the same disk. Read x-floor.
func BenchmarkCommit(b *testing.B) {
	for _, writes := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("writes=%d", writes), func(b *testing.B) { benchCommit(b, writes, 300) })
	}
	// What a supplier's writer commits: 256 holds, each with a sealed answer.
	b.Run("holds=256", func(b *testing.B) { benchCommit(b, 256, 1500) })
}

func benchCommit(b *testing.B, writes, valueBytes int) {
	d, err := Open(b.TempDir(), Options{Sync: true})
	must(b, err)
	defer d.Close()
	file, err := os.Create(filepath.Join(b.TempDir(), "floor"))
	must(b, err)
	defer file.Close()

	batch := make([]kv.Write, writes)
	bytes := make([]byte, writes*(valueBytes+20))
	random := rand.New(rand.NewPCG(1, 2))
	var floor, commits time.Duration
	n := 0
	for b.Loop() {
		for i := range batch {
			// Keys of holds are random; these spread as widely.
			batch[i] = kv.Write{Key: fmt.Appendf(nil, "hold%016x", random.Uint64()), Value: make([]byte, valueBytes)}
		}
		start := time.Now()
		must(b, d.Commit(batch))
		commits += time.Since(start)

		start = time.Now()
		_, err := file.Write(bytes)
		must(b, err)
		must(b, file.Sync())
		floor += time.Since(start)
		n++
	}
	per := float64(n)
	b.ReportMetric(per/commits.Seconds(), "commits/s")
	b.ReportMetric(per*float64(writes)/commits.Seconds(), "writes/s")
	b.ReportMetric(per/floor.Seconds(), "floor-fsyncs/s")
	b.ReportMetric(commits.Seconds()/floor.Seconds(), "x-floor")
	b.ReportMetric(0, "ns/op")
}
