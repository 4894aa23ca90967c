package desk_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/protocol"
)

// The faults that a desk alone must survive, by their number in the list of faults.

// 500 buyers of one unit, at 5 retailers, all at once: exactly one holds it.
func TestFault08(t *testing.T) {
	w := newWorld(t, 8, 6)
	acorn := w.shops[0]
	acorn.stock("last", 1, 9900)
	for _, r := range w.shops[1:] {
		w.partner(acorn, r, exchange.DefaultTerms("EUR"))
	}
	d := acorn.runOn(t, acorn.mem.Clone())
	var held sync.Map
	var buyers sync.WaitGroup
	for n := range 500 {
		r := w.shops[1+n%5]
		raw, id := holdRequest(t, windowOf(w.now), n, exchange.Line{SKU: "last", Quantity: 1})
		buyers.Go(func() {
			reply, err := d.Serve(ctx, r.id, raw)
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
		switch a := acorn.opened(t, reply.([]byte)); {
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
	w := newWorld(t, 8, 3)
	acorn := w.shops[0]
	acorn.stock("last", 1, 9900)
	w.partner(acorn, w.shops[1], exchange.DefaultTerms("EUR"))
	w.partner(acorn, w.shops[2], exchange.DefaultTerms("EUR"))
	accepted := 0
	for n := range 500 {
		r := w.shops[1+n%2]
		rec, err := r.desk.Reserve(ctx, desk.ReserveRequest{Supplier: acorn.id, Lines: []exchange.Line{{SKU: "last", Quantity: 1}}, Country: "SE"})
		if err != nil {
			continue
		}
		placed, err := r.desk.PlaceOrder(ctx, rec.Request.ID, stockholm)
		must(t, err)
		w.settle()
		if bothSee(t, acorn, r, placed.ID) == order.Accepted {
			accepted++
		}
	}
	if accepted != 1 {
		t.Fatalf("%d orders of the last unit were accepted", accepted)
	}
	audited(t, w.shops...)
}

// The answer is lost after the commit, of the hold and of the order, and both
// are repeated 1,000 times, across a crash: the same bytes, one order.
func TestFault09(t *testing.T) {
	w, acorn, birch := pair(t)
	raw, id := holdRequest(t, windowOf(w.now), 1, exchange.Line{SKU: "shoe", Quantity: 2})
	first := acorn.ask(t, birch, raw)
	acorn.restart()
	for range 1000 {
		if !bytes.Equal(acorn.ask(t, birch, raw), first) {
			t.Fatal("a repeated hold was answered with other bytes")
		}
	}
	res := reserve(t, birch, acorn, exchange.Line{SKU: "hat", Quantity: 1})
	_, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(t, err)
	list, _ := birch.desk.Outgoing()
	if len(list) != 1 {
		t.Fatalf("%d messages wait, not one", len(list))
	}
	var answer []byte
	for i := range 1000 {
		reply := acorn.ask(t, birch, list[0].Raw)
		if i == 0 {
			answer = reply
			acorn.restart()
		}
		if !bytes.Equal(reply, answer) {
			t.Fatal("a repeated order was answered with other bytes")
		}
	}
	list[0].Done(ctx, answer, nil)
	w.settle()
	if s := stockOf(t, acorn, "hat"); s.Sold != 1 {
		t.Errorf("1,000 repeats of one order sold %d", s.Sold)
	}
	if s := stockOf(t, acorn, "shoe"); s.Held != 2 {
		t.Errorf("1,000 repeats of hold %v hold %d", id, s.Held)
	}
	audited(t, acorn, birch)
}

// One id, another quantity or limit of the price: a sealed CONFLICT, and the
// first hold stands. One request number, other content: the ledger proves which came first.
func TestFault10(t *testing.T) {
	w, acorn, birch := pair(t)
	raw, id := holdRequest(t, windowOf(w.now), 1, exchange.Line{SKU: "shoe", Quantity: 2})
	first := acorn.ask(t, birch, raw)
	for _, other := range []message.Hold{
		{ID: id, Lines: []exchange.Line{{SKU: "shoe", Quantity: 3}}, Country: "SE"},
		{ID: id, Lines: []exchange.Line{{SKU: "shoe", Quantity: 2}}, Country: "SE", MaxTotal: 1},
	} {
		a := acorn.opened(t, acorn.ask(t, birch, framed(t, &other)))
		if a.State != hold.Refused || a.Refusal != exchange.CodeConflict || a.Hold != id {
			t.Errorf("answered with %v, %v", a.State, a.Refusal)
		}
	}
	if !bytes.Equal(acorn.ask(t, birch, raw), first) {
		t.Error("a conflict changed the answer to the first request")
	}
	if s := stockOf(t, acorn, "shoe"); s.Held != 2 {
		t.Errorf("%d are held", s.Held)
	}

	trade, err := birch.desk.Trade(acorn.id, exchange.Retailer)
	must(t, err)
	payload, err := protocol.Codec{}.Encode(&message.Request{Supplier: acorn.id, Retailer: birch.id, Number: 1, At: w.now, Act: message.EndTrade{}})
	must(t, err)
	sig, err := protocol.NewSigner(birch.key, origin, nil).Sign(message.DomainRequest, payload)
	must(t, err)
	submit := message.Submit{Have: trade.Position, Requests: []message.SubmittedRequest{{Signed: message.SignedRequest{Payload: payload, Signature: sig}}}}
	if _, err := acorn.desk.Serve(ctx, birch.id, framed(t, &submit)); exchange.CodeOf(err) != exchange.CodeConflict {
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
				w, acorn, birch := pair(t)
				res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
				placed, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
				must(t, err)
				list, _ := birch.desk.Outgoing()
				w.now = res.Expires.Add(off)
				if ticked {
					must(t, acorn.desk.Tick())
				}
				list[0].Done(ctx, acorn.ask(t, birch, list[0].Raw), nil)
				w.settle()
				s := stockOf(t, acorn, "shoe")
				if off < 0 {
					if bothSee(t, acorn, birch, placed.ID) != order.Accepted || s.Sold != 2 || s.Held != 0 {
						t.Errorf("the order came in time and stock is %+v", s)
					}
				} else if got := orderAt(t, birch, exchange.Retailer, placed.ID); got.Refusal != exchange.CodeExpired || s.Sold != 0 || s.Held != 0 {
					t.Errorf("the order came too late: %v, stock %+v", got.Refusal, s)
				}
				audited(t, acorn, birch)
			})
		}
	}
}

// A release overtakes its hold: the tombstone wins, for the same bytes and for others.
func TestFault12(t *testing.T) {
	w, acorn, birch := pair(t)
	raw, id := holdRequest(t, windowOf(w.now), 1, exchange.Line{SKU: "shoe", Quantity: 2})
	release := framed(t, &message.Release{ID: id})
	released := acorn.ask(t, birch, release)
	if a := acorn.opened(t, released); a.State != hold.Released || a.Refusal != exchange.CodeOK {
		t.Fatalf("the release was answered with %v, %v", a.State, a.Refusal)
	}
	first := acorn.ask(t, birch, raw)
	if a := acorn.opened(t, first); a.State != hold.Refused || a.Refusal != exchange.CodeReleased {
		t.Errorf("the hold was answered with %v, %v", a.State, a.Refusal)
	}
	acorn.restart()
	if !bytes.Equal(acorn.ask(t, birch, raw), first) || !bytes.Equal(acorn.ask(t, birch, release), released) {
		t.Error("a repeat was answered with other bytes")
	}
	if s := stockOf(t, acorn, "shoe"); s.Held != 0 {
		t.Errorf("%d are held", s.Held)
	}
	audited(t, acorn, birch)
}

// A hold is replayed after its record was pruned: it is refused as too old at
// every moment from the prune on, and before that with its first answer.
func TestFault13(t *testing.T) {
	w, acorn, birch := pair(t)
	raw, _ := holdRequest(t, windowOf(w.now), 1, exchange.Line{SKU: "shoe", Quantity: 2})
	first := acorn.ask(t, birch, raw)
	pruned := false
	for day := range 12 {
		for more := true; more; {
			var err error
			more, err = acorn.desk.Prune(ctx)
			must(t, err)
		}
		reply := acorn.ask(t, birch, raw)
		switch a := acorn.opened(t, reply); {
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
		if s := stockOf(t, acorn, "shoe"); day > 0 && s.Held != 0 {
			t.Fatalf("day %d: %d are held", day, s.Held)
		}
		w.now = w.now.Add(24 * time.Hour)
	}
}

// During an order the way to one of the shops is cut, then healed: both end with
// the same order within 30 seconds.
func TestFault15(t *testing.T) {
	for _, deaf := range []exchange.Party{exchange.Supplier, exchange.Retailer} {
		t.Run(deaf.String()+" hears nothing", func(t *testing.T) {
			w, acorn, birch := pair(t)
			res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
			placed, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
			must(t, err)
			arrived := 0
			for range 120 { // a minute of half-seconds
				for _, s := range w.shops {
					list, _ := s.desk.Outgoing()
					for _, out := range list {
						to := w.shopOf(out.To)
						if (to == acorn) != (deaf == exchange.Supplier) { // the message arrives, its answer does not
							to.serve(ctx, s.id, out.Raw)
							arrived++
						}
						out.Done(ctx, nil, errLost)
					}
				}
				w.now = w.now.Add(500 * time.Millisecond)
			}
			if deaf == exchange.Retailer && arrived < 5 {
				t.Errorf("the retailer sent its order %d times in a minute", arrived)
			}
			healed := w.now
			w.settle()
			if took := w.now.Sub(healed); took > 30*time.Second {
				t.Errorf("rest came %v after the heal", took)
			}
			if got := bothSee(t, acorn, birch, placed.ID); got != order.Accepted {
				t.Errorf("the order is %v", got)
			}
			ledgersEqual(t, acorn, birch)
			audited(t, acorn, birch)
		})
	}
}
