package trade_test

import (
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/trade"
)

// keysWith are a store's keys that start with prefix.
func keysWith(t testing.TB, m interface {
	Scan(kv.Range, func(k, v []byte) bool) error
}, prefix string) (keys []string) {
	t.Helper()
	desktest.Must(t, m.Scan(kv.Prefix([]byte(prefix)), func(k, _ []byte) bool {
		keys = append(keys, string(k))
		return true
	}))
	return keys
}

// What is damaged when its time comes is quarantined, once, and holds up nothing:
// not the other holds, not the writer, not the next start.
func TestDamagedExpiriesAreQuarantined(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	acorn.Policy.AcceptByHand = true
	acorn.Restart()
	lost := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	spoiled := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 3}) // healthy
	res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "hat", Quantity: 1})
	placed, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	w.Settle()
	holdKey := func(id exchange.HoldID) []byte { return append(append([]byte("h/"), birch.ID[:]...), id[:]...) }
	desktest.Must(t, acorn.Mem.Commit([]kv.Write{
		{Key: holdKey(lost.Request.ID), Delete: true},
		{Key: holdKey(spoiled.Request.ID), Value: []byte("?")},
		{Key: append(append([]byte("os/"), placed.ID[:]...), birch.ID[:]...), Value: []byte("?")},
	}))
	acorn.Restart()
	w.Now = w.Now.Add(30 * 24 * time.Hour)
	for range 2 {
		desktest.Must(t, acorn.Desk.Tick())
		if got := keysWith(t, acorn.Mem, "y/"); len(got) != 3 {
			t.Errorf("%d items are in quarantine, not 3: %q", len(got), got)
		}
		if got := append(keysWith(t, acorn.Mem, "hx/"), keysWith(t, acorn.Mem, "ox/")...); len(got) != 0 {
			t.Errorf("%q are still waiting", got)
		}
		// The healthy hold's units are back; those nobody can account for are not.
		if s := desktest.StockOf(t, acorn, "shoe"); s.Held != 3 || s.Available() != 7 {
			t.Errorf("shoe after the expiry: %+v", s)
		}
		acorn.Restart()
	}
}

// The holds of an ended partnership are released around a damaged one, which is
// quarantined when its time comes.
func TestEndReleasesAroundDamage(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	spoiled := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 3})
	desktest.Must(t, acorn.Mem.Commit([]kv.Write{{Key: append(append([]byte("h/"), birch.ID[:]...), spoiled.Request.ID[:]...), Value: []byte("?")}}))
	desktest.Must(t, acorn.Desk.Partnerships.EndTrade(desktest.Ctx, birch.ID, exchange.Supplier, ""))
	w.Settle()
	desktest.Must(t, acorn.Desk.Tick())
	if s := desktest.StockOf(t, acorn, "shoe"); s.Held != 2 {
		t.Errorf("%d are held after the end, besides the damaged hold's 2", s.Held)
	}
	w.Now = w.Now.Add(30 * 24 * time.Hour)
	desktest.Must(t, acorn.Desk.Tick())
	if got := keysWith(t, acorn.Mem, "y/"); len(got) != 1 || !strings.HasPrefix(got[0], "y/hx/") {
		t.Errorf("quarantined: %q", got)
	}
}

// A stopped shop with more overdue orders than one batch takes rests, and still
// expires holds; the orders expire when it sells again.
func TestStoppedShopRests(t *testing.T) {
	const late = trade.ExpiriesPerBatch + 44
	w, acorn, birch := desktest.Pair(t)
	acorn.Policy.AcceptByHand = true
	acorn.Restart()
	acorn.Stock("sock", 2*late, 100)
	for range late {
		res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "sock", Quantity: 1})
		_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
		desktest.Must(t, err)
		w.Settle()
	}
	desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	stopByRollback(t, w, acorn, birch)
	w.Now = w.Now.Add(30 * 24 * time.Hour)
	desktest.Must(t, acorn.Desk.Tick())
	if wait := acorn.Desk.Writer.UntilDue(); wait < time.Second {
		t.Errorf("the stopped shop's writer wakes after %v", wait)
	}
	if s := desktest.StockOf(t, acorn, "shoe"); s.Held != 0 {
		t.Errorf("%d are held after their time at a stopped shop", s.Held)
	}
	if n := len(keysWith(t, acorn.Mem, "ox/")); n != late {
		t.Errorf("%d orders wait for their expiry, not %d", n, late)
	}
}

// One kind of expiry that is late does not hold up the others of the same batch.
func TestExpiriesShareABatch(t *testing.T) {
	const late = trade.ExpiriesPerBatch + 44
	w, acorn, birch := desktest.Pair(t)
	acorn.Policy.AcceptByHand = true
	acorn.Restart()
	acorn.Stock("sock", late, 100)
	res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	placed, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	w.Settle()
	for n := range late {
		raw, _ := holdRequest(t, windowOf(w.Now), n, exchange.Line{SKU: "sock", Quantity: 1})
		ask(acorn, t, birch, raw)
	}
	w.Now = w.Now.Add(30 * 24 * time.Hour)
	desktest.Must(t, acorn.Desk.Tick())
	if got := desktest.OrderAt(t, acorn, exchange.Supplier, placed.ID); got.Order.Status() != order.Expired {
		t.Errorf("the order is %v while holds are late", got.Order.Status())
	}
	desktest.Must(t, acorn.Desk.Tick())
	if s := desktest.StockOf(t, acorn, "sock"); s.Held != 0 {
		t.Errorf("%d are held after two batches", s.Held)
	}
}

// What is due and does not fit a batch is ended by those that follow.
func TestExpiriesOfSmallBatches(t *testing.T) {
	const late = 100
	w, acorn, birch := desktest.Pair(t)
	acorn.Stock("sock", late, 100)
	for n := range late {
		raw, _ := holdRequest(t, windowOf(w.Now), n, exchange.Line{SKU: "sock", Quantity: 1})
		ask(acorn, t, birch, raw)
	}
	small := acorn.Config()
	small.Limits.BatchWrites = 300 // of which a batch leaves 256 for its last operation
	var err error
	acorn.Desk, err = desk.Open(small)
	desktest.Must(t, err)
	w.Now = w.Now.Add(24 * time.Hour)
	for ticks := 0; desktest.StockOf(t, acorn, "sock").Held > 0; ticks++ {
		if ticks == late {
			t.Fatalf("%d are held after %d batches", desktest.StockOf(t, acorn, "sock").Held, ticks)
		}
		desktest.Must(t, acorn.Desk.Tick())
	}
}
