package trade_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/trade"
)

// TestFullDiskIsASureNo: a supplier that cannot write says so at once, as a refusal that
// did nothing, and says nothing of its machine; the retailer keeps no reservation of it.
func TestFullDiskIsASureNo(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	full := onFullDisk(t, acorn)
	w.Greet(acorn, birch)
	kept := len(keysWith(t, birch.Mem, "r/"))
	*full = true
	_, err := birch.Desk.Retailer.Reserve(desktest.Ctx, trade.ReserveRequest{Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 1}), Country: "SE"})
	if exchange.CodeOf(err) != exchange.CodeUnavailable || !errors.Is(err, kv.ErrRefused) || !strings.Contains(err.Error(), "did nothing") {
		t.Errorf("a hold at a full disk: %v", err)
	}
	for _, no := range []string{"unknown", "disk full"} {
		if strings.Contains(err.Error(), no) {
			t.Errorf("the refusal says %q: %v", no, err)
		}
	}
	if got := len(keysWith(t, birch.Mem, "r/")); got != kept {
		t.Errorf("%d reservations are kept, %d before", got, kept)
	}
	// A repeat is no sure no: the request before it may arrive yet, or have held.
	window := windowOf(w.Now)
	again := trade.ReserveRequest{Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 2}), Country: "SE", ID: exchange.NewHoldID(window, [12]byte{7})}
	w.Fate = func(from, to *desktest.Shop) desktest.Fate { return desktest.Lost }
	_, err = birch.Desk.Retailer.Reserve(desktest.Ctx, again)
	if !errors.Is(err, trade.ErrUnanswered) {
		t.Fatalf("a hold that is lost: %v", err)
	}
	w.Fate = nil
	if _, err = birch.Desk.Retailer.Reserve(desktest.Ctx, again); exchange.CodeOf(err) != exchange.CodeUnavailable || !errors.Is(err, trade.ErrUnanswered) || errors.Is(err, kv.ErrRefused) {
		t.Errorf("its repeat at a full disk: %v", err)
	}
	*full = false
	desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
}

// TestFullDiskHidesNoReservation: a retailer that cannot write keeps no record of what it
// reserved, and says that its disk is full, not that there is no such reservation.
func TestFullDiskHidesNoReservation(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	full := onFullDisk(t, birch)
	w.Greet(acorn, birch)
	*full = true
	held, err := birch.Desk.Retailer.Reserve(desktest.Ctx, trade.ReserveRequest{Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 1}), Country: "SE"})
	desktest.Must(t, err)
	if _, err = birch.Desk.Retailer.Release(desktest.Ctx, held.Request.ID); !errors.Is(err, kv.ErrRefused) {
		t.Errorf("giving it back: %v", err)
	}
	*full = false
	back, err := birch.Desk.Retailer.Release(desktest.Ctx, held.Request.ID)
	desktest.Must(t, err)
	if back.State != hold.Released {
		t.Errorf("given back with room again, it is %v", back.State)
	}
}
