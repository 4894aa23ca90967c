package desk_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
)

// TestSetAside: what was set aside is listed, whose it is, when it was due and why.
func TestSetAside(t *testing.T) {
	w, acorn, birch := pair(t)
	spoiled := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	if list, err := acorn.desk.SetAside(); err != nil || len(list) != 0 {
		t.Fatalf("before: %+v, %v", list, err)
	}
	must(t, acorn.mem.Commit([]kv.Write{{Key: append(append([]byte("h/"), birch.id[:]...), spoiled.Request.ID[:]...), Delete: true}}))
	acorn.restart()
	w.now = w.now.Add(24 * time.Hour)
	must(t, acorn.desk.Tick())
	list, err := acorn.desk.SetAside()
	must(t, err)
	if len(list) != 1 || list[0].ID != spoiled.Request.ID || list[0].Retailer != birch.id || list[0].Due != spoiled.Expires || list[0].Why == "" {
		t.Errorf("set aside: %+v", list)
	}
}
