package trade_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/protocol"
)

// The faults that a desk alone must survive, by their number in the list of faults.

// 500 buyers of one unit, at 5 retailers, all at once: exactly one holds it.
func TestFault08(t *testing.T) {
	w := desktest.NewWorld(t, 8, 6)
	acorn := w.Shops[0]
	acorn.Stock("last", 1, 9900)
	for _, r := range w.Shops[1:] {
		w.Partner(acorn, r, exchange.DefaultTerms("EUR"))
	}
	d := runOn(acorn, t, acorn.Mem.Clone())
	var held sync.Map
	var buyers sync.WaitGroup
	for n := range 500 {
		r := w.Shops[1+n%5]
		raw, id := holdRequest(t, windowOf(w.Now), n, exchange.Line{SKU: "last", Quantity: 1})
		buyers.Go(func() {
			reply, err := d.Serve(desktest.Ctx, r.ID, raw)
			if err != nil {
				t.Error(err)
				return
			}
			held.Store(id, reply)
		})
	}
	buyers.Wait()
	won := 0
	held.Range(func(_, reply any) bool {
		switch a := opened(acorn, t, reply.([]byte)); {
		case a.State == hold.Held:
			won++
		case a.Refusal != exchange.CodeInsufficient:
			t.Errorf("refused with %v: %s", a.Refusal, a.Detail)
		}
		return true
	})
	if won != 1 {
		t.Fatalf("%d buyers hold the last unit", won)
	}
}

// The same through to the order: of 500 attempts by two retailers in turn, one
// order is accepted.
func TestFault08OneOrder(t *testing.T) {
	w := desktest.NewWorld(t, 8, 3)
	acorn := w.Shops[0]
	acorn.Stock("last", 1, 9900)
	w.Partner(acorn, w.Shops[1], exchange.DefaultTerms("EUR"))
	w.Partner(acorn, w.Shops[2], exchange.DefaultTerms("EUR"))
	accepted := 0
	for n := range 500 {
		r := w.Shops[1+n%2]
		rec, err := r.Desk.Retailer.Reserve(desktest.Ctx, trade.ReserveRequest{Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "last", Quantity: 1}), Country: "SE"})
		if err != nil {
			continue
		}
		placed, err := r.Desk.Retailer.PlaceOrder(desktest.Ctx, rec.Request.ID, desktest.Stockholm)
		desktest.Must(t, err)
		w.Settle()
		if desktest.BothSee(t, acorn, r, placed.ID) == order.Accepted {
			accepted++
		}
	}
	if accepted != 1 {
		t.Fatalf("%d orders of the last unit were accepted", accepted)
	}
	audited(t, w.Shops...)
}

// The answer is lost after the commit, of the hold and of the order, and both
// are repeated 1,000 times, across a crash: the same bytes, one order.
func TestFault09(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	raw, id := holdRequest(t, windowOf(w.Now), 1, exchange.Line{SKU: "shoe", Quantity: 2})
	first := ask(acorn, t, birch, raw)
	acorn.Restart()
	for range 1000 {
		if !bytes.Equal(ask(acorn, t, birch, raw), first) {
			t.Fatal("a repeated hold was answered with other bytes")
		}
	}
	res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "hat", Quantity: 1})
	_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	list, _ := birch.Desk.Outgoing()
	if len(list) != 1 {
		t.Fatalf("%d messages wait, not one", len(list))
	}
	var answer []byte
	for i := range 1000 {
		reply := ask(acorn, t, birch, list[0].Raw)
		if i == 0 {
			answer = reply
			acorn.Restart()
		}
		if !bytes.Equal(reply, answer) {
			t.Fatal("a repeated order was answered with other bytes")
		}
	}
	list[0].Done(desktest.Ctx, answer, nil)
	w.Settle()
	if s := desktest.StockOf(t, acorn, "hat"); s.Sold != 1 {
		t.Errorf("1,000 repeats of one order sold %d", s.Sold)
	}
	if s := desktest.StockOf(t, acorn, "shoe"); s.Held != 2 {
		t.Errorf("1,000 repeats of hold %v hold %d", id, s.Held)
	}
	audited(t, acorn, birch)
}

// One id, another quantity or limit of the price: a sealed CONFLICT, and the
// first hold stands. One request number, other content: the ledger proves which came first.
func TestFault10(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	raw, id := holdRequest(t, windowOf(w.Now), 1, exchange.Line{SKU: "shoe", Quantity: 2})
	first := ask(acorn, t, birch, raw)
	for _, other := range []message.Hold{
		{ID: id, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 3}), Country: "SE"},
		{ID: id, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 2}), Country: "SE", MaxTotal: 1},
	} {
		a := opened(acorn, t, ask(acorn, t, birch, framed(t, &other)))
		if a.State != hold.Refused || a.Refusal != exchange.CodeConflict || a.Hold != id {
			t.Errorf("answered with %v, %v", a.State, a.Refusal)
		}
	}
	if !bytes.Equal(ask(acorn, t, birch, raw), first) {
		t.Error("a conflict changed the answer to the first request")
	}
	if s := desktest.StockOf(t, acorn, "shoe"); s.Held != 2 {
		t.Errorf("%d are held", s.Held)
	}

	p, err := birch.Desk.Partnerships.Get(acorn.ID, exchange.Retailer)
	desktest.Must(t, err)
	payload, err := protocol.Codec{}.Encode(&message.Request{Supplier: acorn.ID, Retailer: birch.ID, Number: 1, At: w.Now, Act: message.EndTrade{}})
	desktest.Must(t, err)
	sig, err := protocol.NewSigner(birch.Key, desktest.Origin, nil).Sign(message.DomainRequest, payload)
	desktest.Must(t, err)
	submit := message.Submit{Have: p.Position, Requests: []message.SubmittedRequest{{Signed: message.SignedRequest{Payload: payload, Signature: sig}}}}
	if _, err := acorn.Desk.Serve(desktest.Ctx, birch.ID, framed(t, &submit)); exchange.CodeOf(err) != exchange.CodeConflict {
		t.Errorf("a second content of request 1: %v", err)
	}
	audited(t, acorn, birch)
}

// An order arrives 1 ms before, at and 1 ms after its hold's expiry, with and
// without the expiry having run: the hold ends once, and the order agrees with it.
func TestFault11(t *testing.T) {
	for _, off := range []time.Duration{-time.Millisecond, 0, time.Millisecond} {
		for _, ticked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v ticked %v", off, ticked), func(t *testing.T) {
				w, acorn, birch := desktest.Pair(t)
				res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
				placed, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
				desktest.Must(t, err)
				list, _ := birch.Desk.Outgoing()
				w.Now = res.Expires.Add(off)
				if ticked {
					desktest.Must(t, acorn.Desk.Tick())
				}
				list[0].Done(desktest.Ctx, ask(acorn, t, birch, list[0].Raw), nil)
				w.Settle()
				s := desktest.StockOf(t, acorn, "shoe")
				if off < 0 {
					if desktest.BothSee(t, acorn, birch, placed.ID) != order.Accepted || s.Sold != 2 || s.Held != 0 {
						t.Errorf("the order came in time and stock is %+v", s)
					}
				} else if got := desktest.OrderAt(t, birch, exchange.Retailer, placed.ID); got.Refusal != exchange.CodeExpired || s.Sold != 0 || s.Held != 0 {
					t.Errorf("the order came too late: %v, stock %+v", got.Refusal, s)
				}
				audited(t, acorn, birch)
			})
		}
	}
}

// A release overtakes its hold: the tombstone wins, for the same bytes and for others.
func TestFault12(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	raw, id := holdRequest(t, windowOf(w.Now), 1, exchange.Line{SKU: "shoe", Quantity: 2})
	release := framed(t, &message.Release{ID: id})
	released := ask(acorn, t, birch, release)
	if a := opened(acorn, t, released); a.State != hold.Released || a.Refusal != exchange.CodeOK {
		t.Fatalf("the release was answered with %v, %v", a.State, a.Refusal)
	}
	first := ask(acorn, t, birch, raw)
	if a := opened(acorn, t, first); a.State != hold.Refused || a.Refusal != exchange.CodeReleased {
		t.Errorf("the hold was answered with %v, %v", a.State, a.Refusal)
	}
	acorn.Restart()
	if !bytes.Equal(ask(acorn, t, birch, raw), first) || !bytes.Equal(ask(acorn, t, birch, release), released) {
		t.Error("a repeat was answered with other bytes")
	}
	if s := desktest.StockOf(t, acorn, "shoe"); s.Held != 0 {
		t.Errorf("%d are held", s.Held)
	}
	audited(t, acorn, birch)
}

// A hold is replayed after its record was pruned: it is refused as too old at
// every moment from the prune on, and before that with its first answer.
func TestFault13(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	raw, _ := holdRequest(t, windowOf(w.Now), 1, exchange.Line{SKU: "shoe", Quantity: 2})
	first := ask(acorn, t, birch, raw)
	pruned := false
	for day := range 12 {
		for more := true; more; {
			var err error
			more, err = acorn.Desk.Prune(desktest.Ctx)
			desktest.Must(t, err)
		}
		reply := ask(acorn, t, birch, raw)
		switch a := opened(acorn, t, reply); {
		case bytes.Equal(reply, first):
			if pruned {
				t.Fatalf("day %d: a pruned hold was answered with its old quote", day)
			}
		case a.State == hold.Refused && a.Refusal == exchange.CodeTooOld:
			pruned = true
		default:
			t.Fatalf("day %d: answered with %v, %v", day, a.State, a.Refusal)
		}
		if pruned != (day > exchange.WindowsKept) {
			t.Errorf("day %d: pruned is %v", day, pruned)
		}
		if s := desktest.StockOf(t, acorn, "shoe"); day > 0 && s.Held != 0 {
			t.Fatalf("day %d: %d are held", day, s.Held)
		}
		w.Now = w.Now.Add(24 * time.Hour)
	}
}

// During an order the way to one of the shops is cut, then healed: both end with
// the same order within 30 seconds.
func TestFault15(t *testing.T) {
	for _, deaf := range []exchange.Party{exchange.Supplier, exchange.Retailer} {
		t.Run(deaf.String()+" hears nothing", func(t *testing.T) {
			w, acorn, birch := desktest.Pair(t)
			res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
			placed, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
			desktest.Must(t, err)
			arrived := 0
			for range 120 { // a minute of half-seconds
				for _, s := range w.Shops {
					list, _ := s.Desk.Outgoing()
					for _, out := range list {
						to := w.ShopOf(out.To)
						if (to == acorn) != (deaf == exchange.Supplier) { // the message arrives, its answer does not
							to.Serve(desktest.Ctx, s.ID, out.Raw)
							arrived++
						}
						out.Done(desktest.Ctx, nil, desktest.ErrLost)
					}
				}
				w.Now = w.Now.Add(500 * time.Millisecond)
			}
			if deaf == exchange.Retailer && arrived < 5 {
				t.Errorf("the retailer sent its order %d times in a minute", arrived)
			}
			healed := w.Now
			w.Settle()
			if took := w.Now.Sub(healed); took > 30*time.Second {
				t.Errorf("rest came %v after the heal", took)
			}
			if got := desktest.BothSee(t, acorn, birch, placed.ID); got != order.Accepted {
				t.Errorf("the order is %v", got)
			}
			desktest.LedgersEqual(t, acorn, birch)
			audited(t, acorn, birch)
		})
	}
}
