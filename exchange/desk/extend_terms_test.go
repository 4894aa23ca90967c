package desk_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/order"
)

// A hold is extended under generous terms, and the answer is lost. It is ordered by its
// first quote under stricter ones, later than that quote says and the new terms let a
// hold live: the extension stands, and the audit, which sees no extension, allows it.
func TestExtensionOutlivesStricterTerms(t *testing.T) {
	w, acorn, birch := pair(t)
	res, err := birch.desk.Reserve(ctx, desk.ReserveRequest{
		Supplier: acorn.id, Lines: []exchange.Line{{SKU: "shoe", Quantity: 1}}, Country: "SE", Lifetime: 20 * time.Second,
	})
	must(t, err)
	w.fate = func(from, to *shop) fate { return replyLost }
	until := res.Created.Add(10 * time.Minute)
	if _, err = birch.desk.Extend(ctx, res.Request.ID, until); exchange.CodeOf(err) != exchange.CodeUnavailable {
		t.Fatalf("the extension whose answer was lost: %v", err)
	}
	w.fate = nil
	strict := exchange.DefaultTerms("EUR")
	strict.HoldLifetime = 10 * time.Second
	w.partner(acorn, birch, strict)
	w.now = until.Add(-time.Second)
	placed, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(t, err)
	w.settle()
	if got := bothSee(t, acorn, birch, placed.ID); got != order.Accepted {
		t.Errorf("the order is %v", got)
	}
	audited(t, acorn, birch)
}
