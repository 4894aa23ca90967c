package testnet_test

import (
	"bytes"
	"context"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/node"
	"github.com/souk-market/souk/testnet"
)

// BenchmarkLargeCatalog follows a catalog of -products through a shop's days: the
// import, a first sync, searches, a start, catching up on 1,000 changes made meanwhile,
// and the memory that each of the two shops takes when it runs alone. One round of
// a million products takes some minutes.
func BenchmarkLargeCatalog(b *testing.B) {
	for range b.N {
		largeCatalog(b)
	}
}

func largeCatalog(b *testing.B) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Hour)
	defer cancel()
	report := func(figure string, v float64) {
		b.ReportMetric(v, figure)
		b.Logf("%s %.4g", figure, v)
	}
	f := must(testnet.NewFederation("bench"))
	shelves, counter := newDiskNode(b, f, "Supplier"), newDiskNode(b, f, "Retailer")
	supplier, retailer := shelves.start(b), counter.start(b)
	meet(b, supplier, retailer)

	begin, cpu := time.Now(), processorTime()
	fill(b, supplier, *benchProducts)
	report("s/import", time.Since(begin).Seconds())
	synced(b, ctx, supplier, supplier)
	report("s/published", time.Since(begin).Seconds())
	report("cpu-s/published", (processorTime() - cpu).Seconds())

	if err := testnet.Partner(ctx, supplier, retailer, benchTerms()); err != nil {
		b.Fatal(err)
	}
	begin, cpu = time.Now(), processorTime()
	synced(b, ctx, retailer, supplier)
	report("s/sync", time.Since(begin).Seconds())
	report("cpu-s/sync", (processorTime() - cpu).Seconds())
	_, sent := served(b, supplier, retailer)
	report("MiB-sent", float64(sent)/(1<<20))

	p50, p99 := searchTimes(b, retailer, supplier)
	report("ms/search-p50", p50)
	report("ms/search-p99", p99)

	counter.stop()
	before := position(supplier, supplier)
	const changes, more = 1000, 7
	change(b, supplier, changes, more)
	if _, err := testnet.Await(ctx, supplier.Desk(), func() (bool, bool) {
		return true, position(supplier, supplier).Sequence == before.Sequence+changes
	}); err != nil {
		b.Fatal(err)
	}
	begin = time.Now()
	retailer = counter.start(b)
	report("s/start-retailer", time.Since(begin).Seconds())
	begin = time.Now()
	meet(b, supplier, retailer)
	if _, err := testnet.Await(ctx, retailer.Desk(), func() (bool, bool) {
		return true, position(retailer, supplier) == position(supplier, supplier)
	}); err != nil {
		b.Fatal(err)
	}
	report("ms/catch-up", float64(time.Since(begin).Milliseconds()))
	records, sent := servedAfter(b, supplier, retailer, before)
	report("x-bytes/catch-up", float64(sent)/float64(len(slices.Concat(records...))))

	shelves.stop()
	counter.stop()
	debug.FreeOSMemory()
	empty := anonymous()
	for _, n := range []*diskNode{shelves, counter} {
		begin = time.Now()
		s := n.start(b)
		report("s/start-"+n.name, time.Since(begin).Seconds())
		searchTimes(b, s, supplier)
		report("MiB/RSS-"+n.name, anonymous()-empty)
		debug.FreeOSMemory()
		report("MiB/RSS-idle-"+n.name, anonymous()-empty)
		n.stop()
		debug.FreeOSMemory()
	}
}

// meet lets two shops know each other, as a running hub does.
func meet(b *testing.B, supplier, retailer *node.Shop) {
	b.Helper()
	for _, s := range [][2]*node.Shop{{supplier, retailer}, {retailer, supplier}} {
		if size := s[0].Roster().State().Size(); s[1].Roster().State().Size() < size {
			if err := s[1].Roster().Apply(must(s[0].Roster().Bundle(s[1].Roster().State().Size(), 1<<20))); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := testnet.Introduce(supplier, retailer); err != nil {
		b.Fatal(err)
	}
}

// position is where s has proven supplier's catalog to stand.
func position(s, supplier *node.Shop) catalog.Position {
	st, ok := s.Replicas().Status(supplier.Desk().Shop())
	if !ok || !st.Proven {
		return catalog.Position{}
	}
	return catalog.Position{Epoch: st.Head.Epoch, Sequence: st.Head.Sequence}
}

// searchTimes asks what people ask: one word and several, common and rare, the
// beginning of one, with and without conditions. In milliseconds.
func searchTimes(b *testing.B, s, supplier *node.Shop) (p50, p99 float64) {
	b.Helper()
	var times []time.Duration
	for i := range 300 {
		word := func(k int) string { return benchWords[(i+k*5)%len(benchWords)] }
		q := []replica.Query{
			{Text: word(0)},
			{Text: word(0) + " " + word(1)},
			{Text: word(0) + " " + word(1) + " " + word(2), InStock: true},
			{Text: word(0)[:3]},
			{Text: string(sku(i * 31 % *benchProducts))},
			{Text: word(0) + " " + string(sku(i * 31 % *benchProducts))[:6]},
			{InStock: true, MaxCents: 5000, Shop: supplier.Desk().Shop()},
		}[i%7]
		begin := time.Now()
		if _, err := s.Replicas().Search(q); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(begin))
	}
	slices.Sort(times)
	at := func(percent int) float64 { return float64(times[len(times)*percent/100].Microseconds()) / 1000 }
	return at(50), at(99)
}

// anonymous is the memory of this process that is no file's, in MiB; 0 where it
// cannot be told. Tables that Badger maps are the page cache's.
func anonymous() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("RssAnon:")); ok {
			kib, err := strconv.ParseFloat(string(bytes.Fields(rest)[0]), 64)
			if err != nil {
				return 0
			}
			return kib / 1024
		}
	}
	return 0
}
