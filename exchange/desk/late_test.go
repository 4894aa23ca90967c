package desk_test

import (
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/order"
)

// keysWith are a store's keys that start with prefix.
func keysWith(t testing.TB, m interface {
	Scan(kv.Range, func(k, v []byte) bool) error
}, prefix string) (keys []string) {
	t.Helper()
	must(t, m.Scan(kv.Prefix([]byte(prefix)), func(k, _ []byte) bool {
		keys = append(keys, string(k))
		return true
	}))
	return keys
}

// What is damaged when its time comes is set aside, once, and holds up nothing:
// not the other holds, not the writer, not the next start.
func TestDamagedExpiriesAreSetAside(t *testing.T) {
	w, acorn, birch := pair(t)
	acorn.policy.AcceptByHand = true
	acorn.restart()
	lost := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	spoiled := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 3}) // healthy
	res := reserve(t, birch, acorn, exchange.Line{SKU: "hat", Quantity: 1})
	placed, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(t, err)
	w.settle()
	holdKey := func(id exchange.HoldID) []byte { return append(append([]byte("h/"), birch.id[:]...), id[:]...) }
	must(t, acorn.mem.Commit([]kv.Write{
		{Key: holdKey(lost.Request.ID), Delete: true},
		{Key: holdKey(spoiled.Request.ID), Value: []byte("?")},
		{Key: append(append([]byte("os/"), placed.ID[:]...), birch.id[:]...), Value: []byte("?")},
	}))
	acorn.restart()
	w.now = w.now.Add(30 * 24 * time.Hour)
	for range 2 {
		must(t, acorn.desk.Tick())
		if got := keysWith(t, acorn.mem, "y/"); len(got) != 3 {
			t.Errorf("%d items are set aside, not 3: %q", len(got), got)
		}
		if got := append(keysWith(t, acorn.mem, "hx/"), keysWith(t, acorn.mem, "ox/")...); len(got) != 0 {
			t.Errorf("%q are still waiting", got)
		}
		// The healthy hold's units are back; those nobody can account for are not.
		if s := stockOf(t, acorn, "shoe"); s.Held != 3 || s.Available() != 7 {
			t.Errorf("shoe after the expiry: %+v", s)
		}
		acorn.restart()
	}
}

// The holds of an ended partnership are released around a damaged one, which is set
// aside when its time comes.
func TestEndReleasesAroundDamage(t *testing.T) {
	w, acorn, birch := pair(t)
	spoiled := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 3})
	must(t, acorn.mem.Commit([]kv.Write{{Key: append(append([]byte("h/"), birch.id[:]...), spoiled.Request.ID[:]...), Value: []byte("?")}}))
	must(t, acorn.desk.EndTrade(ctx, birch.id, exchange.Supplier, ""))
	w.settle()
	must(t, acorn.desk.Tick())
	if s := stockOf(t, acorn, "shoe"); s.Held != 2 {
		t.Errorf("%d are held after the end, besides the damaged hold's 2", s.Held)
	}
	w.now = w.now.Add(30 * 24 * time.Hour)
	must(t, acorn.desk.Tick())
	if got := keysWith(t, acorn.mem, "y/"); len(got) != 1 || !strings.HasPrefix(got[0], "y/hx/") {
		t.Errorf("set aside: %q", got)
	}
}

// A stopped shop with more overdue orders than one batch takes rests, and still
// expires holds; the orders expire when it sells again.
func TestStoppedShopRests(t *testing.T) {
	const late = desk.ExpiriesPerBatch + 44
	w, acorn, birch := pair(t)
	acorn.policy.AcceptByHand = true
	acorn.restart()
	acorn.stock("sock", 2*late, 100)
	for range late {
		res := reserve(t, birch, acorn, exchange.Line{SKU: "sock", Quantity: 1})
		_, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
		must(t, err)
		w.settle()
	}
	reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	backup := acorn.mem.Clone()
	must(t, acorn.desk.Propose(ctx, birch.id, exchange.Supplier, exchange.DefaultTerms("EUR")))
	w.settle()
	acorn.mem = backup
	acorn.restart()
	w.greet(acorn, birch)
	if acorn.desk.Stopped() == "" {
		t.Fatal("the restored shop goes on")
	}
	w.now = w.now.Add(30 * 24 * time.Hour)
	must(t, acorn.desk.Tick())
	if wait := acorn.desk.UntilNextExpiry(); wait < time.Second {
		t.Errorf("the stopped shop's writer wakes after %v", wait)
	}
	if s := stockOf(t, acorn, "shoe"); s.Held != 0 {
		t.Errorf("%d are held after their time at a stopped shop", s.Held)
	}
	if n := len(keysWith(t, acorn.mem, "ox/")); n != late {
		t.Errorf("%d orders wait for their expiry, not %d", n, late)
	}
}

// One kind of expiry that is late does not hold up the others of the same batch.
func TestExpiriesShareABatch(t *testing.T) {
	const late = desk.ExpiriesPerBatch + 44
	w, acorn, birch := pair(t)
	acorn.policy.AcceptByHand = true
	acorn.restart()
	acorn.stock("sock", late, 100)
	res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	placed, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(t, err)
	w.settle()
	for n := range late {
		raw, _ := holdRequest(t, windowOf(w.now), n, exchange.Line{SKU: "sock", Quantity: 1})
		acorn.ask(t, birch, raw)
	}
	w.now = w.now.Add(30 * 24 * time.Hour)
	must(t, acorn.desk.Tick())
	if got := orderAt(t, acorn, exchange.Supplier, placed.ID); got.Order.Status() != order.Expired {
		t.Errorf("the order is %v while holds are late", got.Order.Status())
	}
	must(t, acorn.desk.Tick())
	if s := stockOf(t, acorn, "sock"); s.Held != 0 {
		t.Errorf("%d are held after two batches", s.Held)
	}
}

// What is due and does not fit a batch is ended by those that follow.
func TestExpiriesOfSmallBatches(t *testing.T) {
	const late = 100
	w, acorn, birch := pair(t)
	acorn.stock("sock", late, 100)
	for n := range late {
		raw, _ := holdRequest(t, windowOf(w.now), n, exchange.Line{SKU: "sock", Quantity: 1})
		acorn.ask(t, birch, raw)
	}
	small := acorn.config()
	small.Limits.BatchWrites = 300 // of which a batch leaves 256 for its last operation
	var err error
	acorn.desk, err = desk.Open(small)
	must(t, err)
	w.now = w.now.Add(24 * time.Hour)
	for ticks := 0; stockOf(t, acorn, "sock").Held > 0; ticks++ {
		if ticks == late {
			t.Fatalf("%d are held after %d batches", stockOf(t, acorn, "sock").Held, ticks)
		}
		must(t, acorn.desk.Tick())
	}
}
