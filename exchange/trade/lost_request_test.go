package trade_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/trade"
)

// TestKeyedAfterLoss: a crash loses a reservation's record before it is committed. The repeat
// under the same key finds the same hold, whatever this shop would ask for by itself now.
func TestKeyedAfterLoss(t *testing.T) {
	hour := exchange.DefaultTerms("EUR")
	hour.Discount, hour.HoldLifetime = 500, time.Hour
	for name, c := range map[string]struct {
		lifetime time.Duration
		reads    exchange.QuoteFormat // of the version that asked first
		terms    *exchange.Terms      // that come into force after the crash
	}{
		"nothing changed":                  {0, exchange.NewestQuote, nil},
		"other terms":                      {0, exchange.NewestQuote, &hour},
		"an upgrade":                       {0, exchange.QuoteByUnit, nil},
		"an upgrade and other terms":       {0, exchange.QuoteByUnit, &hour},
		"a lifetime given, other terms":    {time.Minute, exchange.NewestQuote, &hour},
		"a lifetime given and an upgrade":  {time.Minute, exchange.QuoteByUnit, nil},
		"a lifetime, an upgrade and terms": {time.Minute, exchange.QuoteByUnit, &hour},
	} {
		t.Run(name, func(t *testing.T) {
			w, acorn, birch := desktest.Pair(t)
			req := trade.ReserveRequest{
				Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 2}), Country: "SE",
				Lifetime: c.lifetime, Key: trade.ReservationKey{7},
			}
			id, err := birch.Desk.Retailer.KeyedID(desktest.Ctx, acorn.ID, req.Key)
			desktest.Must(t, err)
			asked := message.Hold{ID: id, Lines: req.Lines, Country: "SE", Lifetime: c.lifetime.Milliseconds(), Reads: c.reads}
			if c.lifetime == 0 {
				asked.Lifetime = exchange.DefaultTerms("EUR").DefaultHold().Milliseconds()
			}
			first := opened(acorn, t, ask(acorn, t, birch, framed(t, &asked)))
			birch.Restart() // which has no record of it
			w.Greet(acorn, birch)
			if c.terms != nil {
				w.Partner(acorn, birch, *c.terms)
			}
			for _, when := range []string{"at first", "again", "after another crash"} {
				got, err := birch.Desk.Retailer.Reserve(desktest.Ctx, req)
				if err != nil {
					t.Fatalf("%s: %v", when, err)
				}
				if got.Request.ID != id || got.State != hold.Held || got.Quote == nil || got.Quote.Total != first.Quote.Total || got.Expires != first.Quote.Expires {
					t.Errorf("%s: %v is %v until %v, quoted %+v", when, got.Request.ID, got.State, got.Expires, got.Quote)
				}
				if when == "again" {
					birch.Restart()
					w.Greet(acorn, birch)
				}
			}
			if n := desktest.StockOf(t, acorn, "shoe").Held; n != 2 {
				t.Errorf("%d units are held", n)
			}
			_, err = birch.Desk.Retailer.PlaceOrder(desktest.Ctx, id, desktest.Stockholm)
			desktest.Must(t, err)
			w.Settle()
			if got := desktest.BothSee(t, acorn, birch, id); got != order.Accepted {
				t.Errorf("its order is %v", got)
			}
			audited(t, acorn, birch)
		})
	}
}

// TestKeyedAfterLossIsAnother: what is held under the key is not what is asked for, or ended; the
// conflict stands and the hold stays as it is.
func TestKeyedAfterLossIsAnother(t *testing.T) {
	line := exchange.Line{SKU: "shoe", Quantity: 2}
	for name, c := range map[string]struct {
		change func(*trade.ReserveRequest)
		then   func(t *testing.T, acorn, birch *desktest.Shop, id exchange.HoldID)
		held   int64
	}{
		"another quantity": {func(r *trade.ReserveRequest) { r.Lines = exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 1}) }, nil, 2},
		"another product":  {func(r *trade.ReserveRequest) { r.Lines = exchangetest.Lines(exchange.Line{SKU: "hat", Quantity: 2}) }, nil, 2},
		"another country":  {func(r *trade.ReserveRequest) { r.Country = "DE" }, nil, 2},
		"a lower limit":    {func(r *trade.ReserveRequest) { r.MaxTotal = exchange.Money{Minor: 1, Currency: "EUR"} }, nil, 2},
		"a longer life":    {func(r *trade.ReserveRequest) { r.Lifetime = 29 * time.Minute }, nil, 2},
		"released": {func(r *trade.ReserveRequest) { r.Lifetime = time.Minute }, func(t *testing.T, acorn, birch *desktest.Shop, id exchange.HoldID) {
			ask(acorn, t, birch, framed(t, &message.Release{ID: id}))
		}, 0},
		"a lying supplier": {func(r *trade.ReserveRequest) { r.Lifetime = time.Minute }, func(t *testing.T, acorn, birch *desktest.Shop, _ exchange.HoldID) {
			lied(t, acorn, birch, message.KindHoldStatus, func(a *message.HoldAnswer) { a.Quote.Discount--; resum(t, a.Quote) })
		}, 2},
		"terms that never were": {func(r *trade.ReserveRequest) { r.Lifetime = time.Minute }, func(t *testing.T, acorn, birch *desktest.Shop, _ exchange.HoldID) {
			lied(t, acorn, birch, message.KindHoldStatus, func(a *message.HoldAnswer) { a.Quote.TermsVersion = 0 })
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w, acorn, birch := desktest.Pair(t)
			req := trade.ReserveRequest{Supplier: acorn.ID, Lines: exchangetest.Lines(line), Country: "SE", Key: trade.ReservationKey{7}}
			id, err := birch.Desk.Retailer.KeyedID(desktest.Ctx, acorn.ID, req.Key)
			desktest.Must(t, err)
			ask(acorn, t, birch, framed(t, &message.Hold{ID: id, Lines: req.Lines, Country: "SE", Lifetime: (2 * time.Minute).Milliseconds(), Reads: exchange.NewestQuote}))
			birch.Restart()
			w.Greet(acorn, birch)
			if c.then != nil {
				c.then(t, acorn, birch, id)
			}
			c.change(&req)
			if _, err := birch.Desk.Retailer.Reserve(desktest.Ctx, req); exchange.CodeOf(err) != exchange.CodeConflict {
				t.Errorf("the repeat: %v (%v)", err, exchange.CodeOf(err))
			}
			if n := desktest.StockOf(t, acorn, "shoe").Held; n != c.held {
				t.Errorf("%d units are held, want %d", n, c.held)
			}
		})
	}
}

// TestRepeatUnderNewTerms: a repeat whose reservation is recorded finds it after the terms have
// changed, too, and does not give it back.
func TestRepeatUnderNewTerms(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	req := trade.ReserveRequest{Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 2}), Country: "SE", Key: trade.ReservationKey{7}}
	first, err := birch.Desk.Retailer.Reserve(desktest.Ctx, req)
	desktest.Must(t, err)
	terms := exchange.DefaultTerms("EUR")
	terms.HoldLifetime = time.Hour
	w.Now = w.Now.Add(time.Minute)
	w.Partner(acorn, birch, terms)
	w.Now = w.Now.Add(time.Minute)
	again, err := birch.Desk.Retailer.Reserve(desktest.Ctx, req)
	desktest.Must(t, err)
	if again.State != hold.Held || again.Quote.Total != first.Quote.Total || desktest.StockOf(t, acorn, "shoe").Held != 2 {
		t.Errorf("the repeat is %v, quoted %+v", again.State, again.Quote)
	}
}

// TestEarlierTermsOnlyWhileInForce: a quote under earlier terms that was made after they ended is
// not believed, also where the request was lost.
func TestEarlierTermsOnlyWhileInForce(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	req := trade.ReserveRequest{Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 2}), Country: "SE", Key: trade.ReservationKey{7}}
	id, err := birch.Desk.Retailer.KeyedID(desktest.Ctx, acorn.ID, req.Key)
	desktest.Must(t, err)
	ask(acorn, t, birch, framed(t, &message.Hold{ID: id, Lines: req.Lines, Country: "SE", Lifetime: time.Minute.Milliseconds(), Reads: exchange.NewestQuote}))
	birch.Restart()
	w.Greet(acorn, birch)
	terms := exchange.DefaultTerms("EUR")
	terms.HoldLifetime = time.Hour
	w.Partner(acorn, birch, terms)
	w.Now = w.Now.Add(10 * time.Second)
	lied(t, acorn, birch, message.KindHoldStatus, func(a *message.HoldAnswer) { a.Quote.Issued = w.Now })
	if _, err := birch.Desk.Retailer.Reserve(desktest.Ctx, req); exchange.CodeOf(err) != exchange.CodeConflict {
		t.Errorf("a quote of today under yesterday's terms: %v", err)
	}
}

// TestExtendUnanswered: an extension that overtakes its hold concludes nothing: the hold may still
// come, and is given back if nobody comes back for it.
func TestExtendUnanswered(t *testing.T) {
	p := newLostPair(t)
	req := p.wish()
	req.Key[0] = 1
	p.during(desktest.ArrivesLate, func() { _, _ = p.birch.Desk.Retailer.Reserve(brokenOff(), req) })
	id := p.only(t).Request.ID
	if _, err := p.birch.Desk.Retailer.Extend(desktest.Ctx, id, p.Now.Add(10*time.Minute)); exchange.CodeOf(err) != exchange.CodeUnavailable {
		t.Errorf("extended before it was held: %v", err)
	}
	p.arrive(t)
	p.after(trade.ReturnTime)
	if got := p.only(t); !got.Settled() {
		t.Errorf("it is %v", got.State)
	}
	if n := desktest.StockOf(t, p.acorn, "shoe").Held; n != 0 {
		t.Errorf("%d units are held for nobody", n)
	}
	audited(t, p.acorn, p.birch)
}

// TestLateHoldOfAnEndedPartnership: a hold whose request is still on its way when the partnership ends,
// and comes when there is one again, is given back.
func TestLateHoldOfAnEndedPartnership(t *testing.T) {
	p := newLostPair(t)
	req := p.wish()
	req.Key[0] = 1
	p.during(desktest.ArrivesLate, func() { _, _ = p.birch.Desk.Retailer.Reserve(brokenOff(), req) })
	desktest.Must(t, p.acorn.Desk.Partnerships.EndTrade(desktest.Ctx, p.birch.ID, exchange.Supplier, "a pause"))
	p.after(trade.ReturnTime)
	p.Partner(p.acorn, p.birch, exchange.DefaultTerms("EUR"))
	p.arrive(t)
	p.Settle()
	if got := p.only(t); !got.Settled() {
		t.Errorf("it is %v", got.State)
	}
	if n := desktest.StockOf(t, p.acorn, "shoe").Held; n != 0 {
		t.Errorf("%d units are held for nobody", n)
	}
	audited(t, p.acorn, p.birch)
}
