package trade_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/trade"
)

// released is a supplier's unasked word that a reservation of a retailer's was ended.
func released(supplier, retailer *desktest.Shop, id exchange.HoldID) *message.HoldAnswer {
	return &message.HoldAnswer{
		Supplier: supplier.ID, Retailer: retailer.ID, Hold: id, At: supplier.W.Now, State: hold.Released,
		Refusal: exchange.CodeReleased, Detail: "recalled",
	}
}

// TestUnaskedSaysOneThing: what nobody asked for ends a hold that is held, and says nothing
// else: the reservation keeps its quote and the sealed answer that is the evidence of it.
func TestUnaskedSaysOneThing(t *testing.T) {
	for name, c := range map[string]struct {
		say  func(t *testing.T, a *message.HoldAnswer, q exchange.Quote)
		want hold.State
	}{
		"that it was released": {func(*testing.T, *message.HoldAnswer, exchange.Quote) {}, hold.Released},
		"its quote":            {func(_ *testing.T, a *message.HoldAnswer, q exchange.Quote) { a.Quote = &q }, hold.Held},
		"another quote": {func(t *testing.T, a *message.HoldAnswer, q exchange.Quote) {
			q.Lines = append([]exchange.QuoteLine(nil), q.Lines...)
			q.Lines[0].List *= 10
			resum(t, &q)
			a.Quote = &q
		}, hold.Held},
		"short lines": {func(_ *testing.T, a *message.HoldAnswer, _ exchange.Quote) {
			a.Refusal, a.Short = exchange.CodeInsufficient, []exchange.Short{{SKU: "shoe", Asked: 1}}
		}, hold.Held},
		"no reason":       {func(_ *testing.T, a *message.HoldAnswer, _ exchange.Quote) { a.Refusal = exchange.CodeOK }, hold.Held},
		"an expiry":       {func(_ *testing.T, a *message.HoldAnswer, _ exchange.Quote) { a.State = hold.Expired }, hold.Held},
		"an order":        {func(_ *testing.T, a *message.HoldAnswer, _ exchange.Quote) { a.State = hold.Committed }, hold.Held},
		"that it is held": {func(_ *testing.T, a *message.HoldAnswer, _ exchange.Quote) { a.State = hold.Held }, hold.Held},
		"to a request":    {func(_ *testing.T, a *message.HoldAnswer, _ exchange.Quote) { a.Request[0] = 1 }, hold.Held},
		"another's hold":  {func(_ *testing.T, a *message.HoldAnswer, _ exchange.Quote) { a.Retailer[0]++ }, hold.Held},
	} {
		t.Run(name, func(t *testing.T) {
			_, acorn, birch := desktest.Pair(t)
			res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
			a := released(acorn, birch, res.Request.ID)
			c.say(t, a, *res.Quote)
			for range 2 {
				if _, err := birch.Desk.Serve(desktest.Ctx, acorn.ID, sealedReply(t, acorn, a)); (err == nil) != (c.want == hold.Released) {
					t.Errorf("answered %v", err)
				}
			}
			got, err := birch.Desk.Retailer.Reservation(desktest.Ctx, res.Request.ID)
			desktest.Must(t, err)
			if got.State != c.want || got.Quote == nil || got.Quote.Total != res.Quote.Total || !bytes.Equal(got.Answer, res.Answer) || got.Short != nil {
				t.Errorf("it is %v, quoted %+v; want %v with the quote that it had", got.State, got.Quote, c.want)
			}
		})
	}
}

// TestUnaskedOfAnOrder: of a reservation that is ordered, the ledger says what became of it.
func TestUnaskedOfAnOrder(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	for _, when := range []string{"under way", "answered"} {
		t.Run(when, func(t *testing.T) {
			_, err := birch.Desk.Serve(desktest.Ctx, acorn.ID, sealedReply(t, acorn, released(acorn, birch, res.Request.ID)))
			desktest.Must(t, err)
			if r, err := birch.Desk.Retailer.Reservation(desktest.Ctx, res.Request.ID); err != nil || r.State != hold.Committed {
				t.Errorf("the reservation of an order is %v, %v", r.State, err)
			}
		})
		w.Settle()
	}
	audited(t, acorn, birch)
}

// TestRefusalQuotesNothing: a supplier that refuses and quotes at once is not believed, and what
// was held stays as it was.
func TestRefusalQuotesNothing(t *testing.T) {
	_, acorn, birch := desktest.Pair(t)
	res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	later := *res.Quote
	later.Expires = later.Expires.Add(time.Minute)
	refuse := func(a *message.HoldAnswer) { a.State, a.Refusal, a.Quote = hold.Held, exchange.CodeState, &later }
	lied(t, acorn, birch, message.KindRelease, refuse)
	if _, err := birch.Desk.Retailer.Release(desktest.Ctx, res.Request.ID); exchange.CodeOf(err) != exchange.CodeSignature {
		t.Errorf("a release that is refused with a quote: %v", err)
	}
	got, err := birch.Desk.Retailer.Reservation(desktest.Ctx, res.Request.ID)
	desktest.Must(t, err)
	if got.State != hold.Held || got.Expires != res.Expires || !bytes.Equal(got.Answer, res.Answer) {
		t.Errorf("it is %v until %v", got.State, got.Expires)
	}
	for name, lie := range map[string]func(*message.HoldAnswer){
		"with a quote": refuse,
		"as held":      func(a *message.HoldAnswer) { a.Refusal, a.Quote = exchange.CodeState, nil },
	} {
		t.Run(name, func(t *testing.T) {
			lied(t, acorn, birch, message.KindHold, lie)
			id, err := birch.Desk.Retailer.NewID(acorn.ID, [12]byte{byte(len(name))})
			desktest.Must(t, err)
			_, err = birch.Desk.Retailer.Reserve(desktest.Ctx, trade.ReserveRequest{Supplier: acorn.ID, Lines: res.Request.Lines, Country: "SE", ID: id})
			if exchange.CodeOf(err) != exchange.CodeSignature {
				t.Errorf("a refused reservation: %v", err)
			}
			if r, err := birch.Desk.Retailer.Reservation(desktest.Ctx, id); err != nil || r.State != hold.Refused || r.Answer == nil {
				t.Errorf("it is kept as %v, %v", r, err)
			}
		})
	}
}

// TestUnaskedWait: answers for a retailer that is never reached take no other's place.
func TestUnaskedWait(t *testing.T) {
	var u trade.Unasked
	shop := func(i int) exchange.ShopID { return exchange.ShopID{byte(i), byte(i >> 8), 1} }
	answer := func(i int) []byte { return []byte{byte(i), byte(i >> 8)} }
	if u.Told(shop(0), answer(0)) {
		t.Error("there is more after nothing")
	}
	u.Drop(shop(0))
	const away = 2 * trade.MaxUnasked / trade.MaxUnaskedEach
	for s := range away {
		for i := range trade.MaxUnaskedEach + 1 {
			u.Add(shop(s), answer(i))
		}
	}
	if u.Count() != trade.MaxUnasked {
		t.Errorf("%d answers wait, want %d", u.Count(), trade.MaxUnasked)
	}
	here := shop(1000)
	for i := range 3 {
		if !u.Add(here, answer(i)) {
			t.Error("a retailer is told nothing, since others are away")
		}
	}
	if u.Told(here, answer(1)); !bytes.Equal(u.First(here), answer(0)) {
		t.Error("an answer that was not told is gone")
	}
	for i := range 3 {
		if got := u.First(here); !bytes.Equal(got, answer(i)) {
			t.Errorf("answer %d is %v", i, got)
		}
		if more := u.Told(here, answer(i)); more != (i < 2) {
			t.Errorf("more after answer %d: %v", i, more)
		}
	}
	for s := range away {
		u.Drop(shop(s))
	}
	if u.Count() != 0 || u.First(shop(1)) != nil {
		t.Errorf("%d answers wait for nobody", u.Count())
	}
}

// TestUnaskedDeparted: a retailer that has departed is told nothing any more.
func TestUnaskedDeparted(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	acorn.Stock("sock", 10, 500)
	desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "sock", Quantity: 1})
	recall(t, acorn)
	if n := acorn.Desk.Ledgers.UnaskedCount(); n != 1 {
		t.Fatalf("%d answers wait", n)
	}
	delete(w.Keys, birch.ID)
	w.Now = w.Now.Add(time.Minute)
	w.Settle()
	if n := acorn.Desk.Ledgers.UnaskedCount(); n != 0 {
		t.Errorf("%d answers wait for a shop that has departed", n)
	}
}
