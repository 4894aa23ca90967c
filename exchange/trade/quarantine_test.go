package trade_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
)

// TestQuarantined: what is in quarantine is listed, whose it is, when it was due and why.
func TestQuarantined(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	spoiled := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	if list, err := acorn.Desk.Supplier.Quarantined(); err != nil || len(list) != 0 {
		t.Fatalf("before: %+v, %v", list, err)
	}
	desktest.Must(t, acorn.Mem.Commit([]kv.Write{{Key: append(append([]byte("h/"), birch.ID[:]...), spoiled.Request.ID[:]...), Delete: true}}))
	acorn.Restart()
	w.Now = w.Now.Add(24 * time.Hour)
	desktest.Must(t, acorn.Desk.Tick())
	list, err := acorn.Desk.Supplier.Quarantined()
	desktest.Must(t, err)
	if len(list) != 1 || list[0].ID != spoiled.Request.ID || list[0].Retailer != birch.ID || list[0].Due != spoiled.Expires || list[0].Why == "" {
		t.Errorf("quarantined: %+v", list)
	}
}
