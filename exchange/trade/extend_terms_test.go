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

// A hold of which nobody said how long it lives can be extended: it has half of what the terms
// allow, and can have all of it.
func TestDefaultHoldIsExtended(t *testing.T) {
	for _, c := range []struct{ terms, hold time.Duration }{
		{exchange.MinHoldLifetime, exchange.MinHoldLifetime},
		{15 * time.Second, exchange.MinHoldLifetime},
		{30 * time.Minute, 15 * time.Minute},
		{exchange.MaxHoldLifetime, exchange.MaxHoldLifetime / 2},
	} {
		t.Run(c.terms.String(), func(t *testing.T) {
			w, acorn, birch := desktest.Pair(t)
			terms := exchange.DefaultTerms("EUR")
			terms.HoldLifetime = c.terms
			w.Partner(acorn, birch, terms)
			res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
			if got := res.Expires.Sub(res.Quote.Issued); got != c.hold {
				t.Errorf("it lives %v, not %v", got, c.hold)
			}
			last := res.Quote.Issued.Add(c.terms)
			longer, err := birch.Desk.Retailer.Extend(desktest.Ctx, res.Request.ID, last)
			desktest.Must(t, err)
			if longer.Expires != last {
				t.Errorf("extended until %v, not %v", longer.Expires, last)
			}
			if _, err := birch.Desk.Retailer.Extend(desktest.Ctx, res.Request.ID, last.Add(time.Millisecond)); exchange.CodeOf(err) != exchange.CodeLifetime {
				t.Errorf("beyond the terms: %v", err)
			}
			audited(t, acorn, birch)
		})
	}
}

// A repeat of which nobody said how long its hold lives asks as the first request did, which a
// version with another default may have sent: it finds the first hold.
func TestRepeatAsksForTheFirstLifetime(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	ask := func(life time.Duration) *trade.Reservation {
		t.Helper()
		res, err := birch.Desk.Retailer.Reserve(desktest.Ctx, trade.ReserveRequest{
			Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 1}), Country: "SE", Key: trade.ReservationKey{7}, Lifetime: life,
		})
		desktest.Must(t, err)
		return res
	}
	first := ask(time.Minute)
	birch.Restart()
	w.Greet(acorn, birch)
	if again := ask(0); again.Request.ID != first.Request.ID || again.Expires != first.Expires {
		t.Errorf("the repeat made %v until %v, the first was %v until %v", again.Request.ID, again.Expires, first.Request.ID, first.Expires)
	}
	if s := desktest.StockOf(t, acorn, "shoe"); s.Held != 1 {
		t.Errorf("%d are held", s.Held)
	}
}
