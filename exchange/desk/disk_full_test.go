package desk_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/kv"
)

// TestFullDiskIsASureNo: a supplier that cannot write says so at once, as a refusal that
// did nothing, and says nothing of its machine; the retailer keeps no reservation of it.
func TestFullDiskIsASureNo(t *testing.T) {
	w, acorn, birch := pair(t)
	full := false
	cfg := acorn.config()
	cfg.Store = refusing{acorn.mem, &full}
	var err error
	acorn.desk, err = desk.Open(cfg)
	must(t, err)
	w.greet(acorn, birch)
	kept := len(keysWith(t, birch.mem, "r/"))
	full = true
	_, err = birch.desk.Reserve(ctx, desk.ReserveRequest{Supplier: acorn.id, Lines: []exchange.Line{{SKU: "shoe", Quantity: 1}}, Country: "SE"})
	if exchange.CodeOf(err) != exchange.CodeUnavailable || !errors.Is(err, kv.ErrRefused) || !strings.Contains(err.Error(), "did nothing") {
		t.Errorf("a hold at a full disk: %v", err)
	}
	for _, no := range []string{"unknown", "disk full"} {
		if strings.Contains(err.Error(), no) {
			t.Errorf("the refusal says %q: %v", no, err)
		}
	}
	if got := len(keysWith(t, birch.mem, "r/")); got != kept {
		t.Errorf("%d reservations are kept, %d before", got, kept)
	}
	// A repeat is no sure no: the request before it may arrive yet, or have held.
	window := windowOf(w.now)
	again := desk.ReserveRequest{Supplier: acorn.id, Lines: []exchange.Line{{SKU: "shoe", Quantity: 2}}, Country: "SE", ID: exchange.NewHoldID(window, [12]byte{7})}
	w.fate = func(from, to *shop) fate { return lost }
	_, err = birch.desk.Reserve(ctx, again)
	if !errors.Is(err, desk.ErrUnanswered) {
		t.Fatalf("a hold that is lost: %v", err)
	}
	w.fate = nil
	if _, err = birch.desk.Reserve(ctx, again); exchange.CodeOf(err) != exchange.CodeUnavailable || !errors.Is(err, desk.ErrUnanswered) || errors.Is(err, kv.ErrRefused) {
		t.Errorf("its repeat at a full disk: %v", err)
	}
	full = false
	reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
}
