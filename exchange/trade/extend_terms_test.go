package trade_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/trade"
)

// A hold is extended under generous terms, and the answer is lost. It is ordered by its
// first quote under stricter ones, later than that quote says and the new terms let a
// hold live: the extension stands, and the audit, which sees no extension, allows it.
func TestExtensionOutlivesStricterTerms(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	res, err := birch.Desk.Retailer.Reserve(desktest.Ctx, trade.ReserveRequest{
		Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 1}), Country: "SE", Lifetime: 20 * time.Second,
	})
	desktest.Must(t, err)
	w.Fate = func(from, to *desktest.Shop) desktest.Fate { return desktest.ReplyLost }
	until := res.Created.Add(10 * time.Minute)
	if _, err = birch.Desk.Retailer.Extend(desktest.Ctx, res.Request.ID, until); exchange.CodeOf(err) != exchange.CodeUnavailable {
		t.Fatalf("the extension whose answer was lost: %v", err)
	}
	w.Fate = nil
	strict := exchange.DefaultTerms("EUR")
	strict.HoldLifetime = 10 * time.Second
	w.Partner(acorn, birch, strict)
	w.Now = until.Add(-time.Second)
	placed, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	w.Settle()
	if got := desktest.BothSee(t, acorn, birch, placed.ID); got != order.Accepted {
		t.Errorf("the order is %v", got)
	}
	audited(t, acorn, birch)
}
