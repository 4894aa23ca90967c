package trade_test

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/trade"
)

// The terms' open quantity is what may be held and unshipped at once: the last unit of
// it can be had, the next cannot, and what is released, shipped or cancelled is free again.
func TestOpenQuantityAtItsBound(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	terms := exchange.DefaultTerms("EUR")
	terms.OpenQuantity = 5
	w.Partner(acorn, birch, terms)
	n := 0
	take := func(units exchange.Quantity) exchange.Code {
		t.Helper()
		n++
		raw, _ := holdRequest(t, windowOf(w.Now), n, exchange.Line{SKU: "shoe", Quantity: units})
		reply, err := acorn.Desk.Serve(desktest.Ctx, birch.ID, raw)
		desktest.Must(t, err)
		return opened(acorn, t, reply).Refusal
	}
	full := func(when string, open int64) {
		t.Helper()
		p, err := acorn.Desk.Partnerships.Get(birch.ID, exchange.Supplier)
		desktest.Must(t, err)
		if p.Open != open {
			t.Errorf("%s: %d units are open, not %d", when, p.Open, open)
		}
		if got := take(exchange.Quantity(terms.OpenQuantity - open + 1)); got != exchange.CodeOpenQuantity {
			t.Errorf("%s: one unit more than the terms allow: %v", when, got)
		}
	}
	res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 3}, exchange.Line{SKU: "hat", Quantity: 1})
	full("held", 4)
	placed, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	w.Settle()
	full("ordered", 4)
	_, err = acorn.Desk.Supplier.ShipOrder(desktest.Ctx, placed.ID, []order.Units{{SKU: "shoe", Units: 1}}, "", "")
	desktest.Must(t, err)
	full("one shipped", 3)
	_, err = birch.Desk.Retailer.CancelPurchase(desktest.Ctx, placed.ID, []order.Units{{SKU: "hat", Units: 1}}, "")
	desktest.Must(t, err)
	w.Settle()
	full("one cancelled", 2)
	if got := take(3); got != exchange.CodeOK {
		t.Errorf("the last units that the terms allow: %v", got)
	}
	full("all of it", 5)
	_, id := holdRequest(t, windowOf(w.Now), n-1, exchange.Line{SKU: "shoe", Quantity: 3})
	ask(acorn, t, birch, framed(t, &message.Release{ID: id}))
	full("released", 2)
	_, err = birch.Desk.Retailer.Reserve(desktest.Ctx, trade.ReserveRequest{Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 4}), Country: "SE"})
	if want := "4 units asked; 2 of the 5 that the terms allow are held or unshipped"; exchange.CodeOf(err) != exchange.CodeOpenQuantity || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("the refusal says %q, not %q", err, want)
	}
	audited(t, acorn, birch)
}
