package trade_test

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
)

// BenchmarkEndAmongHolds ends a partnership with 1,000 live holds while another
// retailer has 100,000: one operation is the release of the 1,000, on a synced store.
// Its floor is the same with nobody else's holds beside it.
func BenchmarkEndAmongHolds(b *testing.B) {
	floor := endAmong(b, 0, 1)
	b.ResetTimer()
	each := endAmong(b, 100_000, b.N)
	b.ReportMetric(each.Seconds()*1e3, "ms/end")
	b.ReportMetric(floor.Seconds()*1e3, "floor-ms/end")
	b.ReportMetric(each.Seconds()/floor.Seconds(), "of-floor")
}

// endAmong is how long one end takes, of n, beside others' live holds.
func endAmong(b *testing.B, others, n int) (took time.Duration) {
	const ending = 1000
	b.StopTimer()
	w := desktest.NewWorld(b, 1, 3)
	acorn, birch, cedar := w.Shops[0], w.Shops[1], w.Shops[2]
	acorn.Stock("sock", 1_000_000, 500)
	terms := exchange.DefaultTerms("EUR")
	terms.OpenQuantity, terms.HoldLifetime = exchange.MaxOpenQuantity, exchange.MaxHoldLifetime
	w.Partner(acorn, cedar, terms)
	desktest.Reserve(b, cedar, acorn, exchange.Line{SKU: "sock", Quantity: 1})
	disk := openStore(b)
	copyHolds(b, acorn.Mem, disk, others)
	cfg := acorn.Config()
	cfg.Store = disk
	var err error
	acorn.Desk, err = desk.Open(cfg)
	desktest.Must(b, err)
	for i := range n {
		w.Partner(acorn, birch, terms)
		for j := range ending {
			raw, _ := holdRequest(b, windowOf(w.Now), i*ending+j, exchange.Line{SKU: "sock", Quantity: 1})
			ask(acorn, b, birch, raw)
		}
		held := desktest.StockOf(b, acorn, "sock").Held
		b.StartTimer()
		began := time.Now()
		desktest.Must(b, acorn.Desk.Partnerships.EndTrade(desktest.Ctx, birch.ID, exchange.Supplier, ""))
		for desktest.StockOf(b, acorn, "sock").Held > held-ending {
			desktest.Must(b, acorn.Desk.Tick())
		}
		took += time.Since(began)
		b.StopTimer()
	}
	return took / time.Duration(n)
}

// copyHolds copies a store with one hold to another, in which that hold stands n times
// more under other ids.
func copyHolds(b *testing.B, from, to kv.Store, n int) {
	b.Helper()
	var all []kv.Write
	var hold, index kv.Write
	desktest.Must(b, from.Scan(kv.Range{}, func(k, v []byte) bool {
		w := kv.Write{Key: bytes.Clone(k), Value: bytes.Clone(v)}
		switch all = append(all, w); {
		case bytes.HasPrefix(k, []byte("h/")):
			hold = w
		case bytes.HasPrefix(k, []byte("hx/")):
			index = w
		}
		return true
	}))
	desktest.Must(b, to.Commit(all))
	other := func(w kv.Write, i int) kv.Write { // an id's last 8 bytes end both keys
		w.Key = binary.BigEndian.AppendUint64(bytes.Clone(w.Key[:len(w.Key)-8]), uint64(i))
		return w
	}
	for i := 0; i < n; {
		all = all[:0]
		for ; i < n && len(all) < 1000; i++ {
			all = append(all, other(hold, i), other(index, i))
		}
		desktest.Must(b, to.Commit(all))
	}
}
