package desk_test

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
)

// TestWhoHearsOfALoss: the owner of a shop that has lost records hears who proved it and
// what to do; another partner hears neither.
func TestWhoHearsOfALoss(t *testing.T) {
	w, acorn, birch := pair(t)
	backup := acorn.mem.Clone()
	res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	_, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(t, err)
	w.settle()
	acorn.mem = backup
	acorn.restart()
	w.greet(birch, acorn)

	err = acorn.desk.Propose(ctx, birch.id, exchange.Supplier, exchange.DefaultTerms("EUR"))
	for _, want := range []string{birch.id.String(), "newest copy of its folder", "cannot be taken back"} {
		if exchange.CodeOf(err) != exchange.CodeRestored || !strings.Contains(err.Error(), want) {
			t.Errorf("the owner does not hear %q: %v", want, err)
		}
	}
	raw, _ := holdRequest(t, windowOf(w.now), 77, exchange.Line{SKU: "shoe", Quantity: 1})
	_, err = acorn.desk.Serve(ctx, birch.id, raw)
	if exchange.CodeOf(err) != exchange.CodeRestored || strings.Contains(err.Error(), birch.id.String()) || strings.Contains(err.Error(), "folder") {
		t.Errorf("a partner hears: %v", err)
	}
}
