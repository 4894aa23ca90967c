package desk_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/audit"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/reservation"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// The faults that a desk alone must survive, by their number in the list of faults.

var ctx = context.Background()

// holdRequest is a framed hold with a chosen id.
func holdRequest(t testing.TB, w exchange.Window, n int, lines ...exchange.Line) ([]byte, exchange.HoldID) {
	t.Helper()
	var tail [12]byte
	copy(tail[:], fmt.Sprintf("%012d", n))
	id := exchange.NewHoldID(w, tail)
	return framed(t, &desk.Hold{ID: id, Lines: lines, Country: "SE"}), id
}

func framed(t testing.TB, v desk.Value) []byte {
	t.Helper()
	raw, err := protocol.Codec{}.Encode(v)
	must(t, err)
	return append([]byte{byte(v.Kind())}, raw...)
}

func windowOf(at exchange.Time) exchange.Window {
	return exchange.Window(at / exchange.Time(24*time.Hour/time.Millisecond))
}

// opened is the supplier's sealed answer in a reply.
func (s *shop) opened(t testing.TB, reply []byte) *desk.HoldAnswer {
	t.Helper()
	v, err := protocol.Codec{}.Decode(desk.KindSealedAnswer, reply[1:])
	must(t, err)
	payload, err := s.w.verifier().Open(s.id, v.(*desk.SealedAnswer).Sealed)
	must(t, err)
	v, err = protocol.Codec{}.Decode(desk.KindHoldAnswer, payload)
	must(t, err)
	return v.(*desk.HoldAnswer)
}

// ask serves a request of a partner that must be answered.
func (s *shop) ask(t testing.TB, from *shop, raw []byte) []byte {
	t.Helper()
	reply, err := s.desk.Serve(ctx, from.id, raw)
	must(t, err)
	return reply
}

// audited checks the shops' books, each alone and each two healed.
func audited(t testing.TB, shops ...*shop) {
	t.Helper()
	var books []*audit.Books
	for _, s := range shops {
		b, err := audit.Shop(s.id, s.mem, protocol.Codec{}, s.w.verifier())
		must(t, err)
		for _, other := range books {
			must(t, audit.Healed(b, other))
		}
		books = append(books, b)
	}
}

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
		case a.State == reservation.Held:
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
	for _, other := range []desk.Hold{
		{ID: id, Lines: []exchange.Line{{SKU: "shoe", Quantity: 3}}, Country: "SE"},
		{ID: id, Lines: []exchange.Line{{SKU: "shoe", Quantity: 2}}, Country: "SE", MaxTotal: 1},
	} {
		a := acorn.opened(t, acorn.ask(t, birch, framed(t, &other)))
		if a.State != reservation.Refused || a.Refusal != exchange.CodeConflict || a.Hold != id {
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
	payload, err := protocol.Codec{}.Encode(&desk.Request{Supplier: acorn.id, Retailer: birch.id, Number: 1, At: w.now, Act: desk.EndTrade{}})
	must(t, err)
	sig, err := protocol.NewSigner(birch.key, origin, nil).Sign(desk.DomainRequest, payload)
	must(t, err)
	submit := desk.Submit{Have: trade.Position, Requests: []desk.SubmittedRequest{{Signed: desk.SignedRequest{Payload: payload, Signature: sig}}}}
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
	release := framed(t, &desk.Release{ID: id})
	released := acorn.ask(t, birch, release)
	if a := acorn.opened(t, released); a.State != reservation.Released || a.Refusal != exchange.CodeOK {
		t.Fatalf("the release was answered with %v, %v", a.State, a.Refusal)
	}
	first := acorn.ask(t, birch, raw)
	if a := acorn.opened(t, first); a.State != reservation.Refused || a.Refusal != exchange.CodeReleased {
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
		case a.State == reservation.Refused && a.Refusal == exchange.CodeTooOld:
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

// A supplier restored from yesterday's backup stops selling when a partner
// proves what it has lost, and is still stopped after a restart.
func TestRestoredSupplierStops(t *testing.T) {
	w, acorn, birch := pair(t)
	backup := acorn.mem.Clone()
	res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	_, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(t, err)
	w.settle()
	acorn.mem = backup
	acorn.restart()
	w.greet(birch, acorn)
	for range 2 {
		if acorn.desk.Stopped() == "" {
			t.Fatal("the restored shop goes on selling")
		}
		raw, _ := holdRequest(t, windowOf(w.now), 77, exchange.Line{SKU: "shoe", Quantity: 1})
		if _, err := acorn.desk.Serve(ctx, birch.id, raw); exchange.CodeOf(err) != exchange.CodeRestored {
			t.Errorf("a hold at a stopped shop: %v", err)
		}
		acorn.restart()
	}
}

// A supplier that lost only a hold learns it from the order of it: it enters
// nothing, stops, and is still stopped after a restart.
func TestLostHoldStops(t *testing.T) {
	_, acorn, birch := pair(t)
	backup := acorn.mem.Clone()
	res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	_, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(t, err)
	acorn.mem = backup
	acorn.restart()
	before, err := acorn.desk.Trade(birch.id, exchange.Supplier)
	must(t, err)
	birch.deliver()
	for range 2 {
		if !strings.Contains(acorn.desk.Stopped(), "quote sealed by this shop") {
			t.Fatalf("the shop goes on: %q", acorn.desk.Stopped())
		}
		after, err := acorn.desk.Trade(birch.id, exchange.Supplier)
		must(t, err)
		if after.Position != before.Position {
			t.Error("a stopped shop wrote into its ledger")
		}
		if err := acorn.desk.Propose(ctx, birch.id, exchange.Supplier, exchange.DefaultTerms("EUR")); exchange.CodeOf(err) != exchange.CodeRestored {
			t.Errorf("a proposal by a stopped shop: %v", err)
		}
		acorn.restart()
	}
}

// A supplier that lost entries is asked to enter a request before it was
// greeted: it refuses, so that no position is taken twice.
func TestLostEntriesTakeNoRequest(t *testing.T) {
	w, acorn, birch := pair(t)
	backup := acorn.mem.Clone()
	must(t, acorn.desk.Propose(ctx, birch.id, exchange.Supplier, exchange.DefaultTerms("EUR")))
	w.settle()
	acorn.mem = backup
	acorn.restart()
	must(t, birch.desk.EndTrade(ctx, acorn.id, exchange.Retailer, ""))
	list, _ := birch.desk.Outgoing()
	if _, err := acorn.desk.Serve(ctx, birch.id, list[0].Raw); exchange.CodeOf(err) != exchange.CodeRestored {
		t.Errorf("a request from ahead: %v", err)
	}
	if acorn.desk.Stopped() != "" {
		t.Error("a bare claim stopped the shop")
	}
	w.greet(birch, acorn)
	if acorn.desk.Stopped() == "" {
		t.Error("a proof did not")
	}
}

// A retailer restored from a backup adopts the ledger, and what it queued in the
// meantime follows under the next numbers.
func TestRestoredRetailerContinues(t *testing.T) {
	w, acorn, birch := pair(t)
	backup := birch.mem.Clone()
	for range 3 {
		res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
		_, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
		must(t, err)
		w.settle()
	}
	birch.mem = backup
	birch.restart()
	w.greet(birch, acorn)
	var placed []exchange.OrderID
	for range 2 { // before it knows what it has lost
		res := reserve(t, birch, acorn, exchange.Line{SKU: "hat", Quantity: 1})
		rec, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
		must(t, err)
		placed = append(placed, rec.ID)
	}
	_, err := birch.desk.CancelBought(ctx, placed[1], nil, "")
	must(t, err)
	w.settle()
	if got := bothSee(t, acorn, birch, placed[0]); got != order.Accepted {
		t.Errorf("the first new order is %v", got)
	}
	if got := bothSee(t, acorn, birch, placed[1]); got != order.Cancelled {
		t.Errorf("the second new order is %v", got)
	}
	audited(t, acorn, birch)
}

// A hold of a partnership that ended cannot be ordered, though another
// partnership is in force by then, and is released, also across a restart.
func TestEndReleasesHolds(t *testing.T) {
	w, acorn, birch := pair(t)
	res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	must(t, acorn.desk.EndTrade(ctx, birch.id, exchange.Supplier, "pause"))
	must(t, acorn.desk.Propose(ctx, birch.id, exchange.Supplier, exchange.DefaultTerms("EUR")))
	acorn.mem.FailNext(store.FaultBefore)
	acorn.desk.Tick() // the release is lost in a crash
	acorn.restart()
	w.settle()
	trade, err := birch.desk.Trade(acorn.id, exchange.Retailer)
	must(t, err)
	must(t, birch.desk.AcceptTerms(ctx, acorn.id, exchange.Retailer, trade.State.Open.Hash))
	w.settle()
	if s := stockOf(t, acorn, "shoe"); s.Held != 0 {
		t.Errorf("%d are still held", s.Held)
	}
	placed, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(t, err)
	w.settle()
	if got := orderAt(t, birch, exchange.Retailer, placed.ID); got.Refusal != exchange.CodeReleased {
		t.Errorf("an order of a released hold: %v %v", got.Order.Status(), got.Refusal)
	}
	audited(t, acorn, birch)
}

// A clock that falls back by hours keeps nothing from being sent.
func TestClockFallsBack(t *testing.T) {
	w, acorn, birch := pair(t)
	res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	placed, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(t, err)
	list, _ := birch.desk.Outgoing()
	list[0].Done(ctx, nil, errLost) // the next attempt is planned by the clock that is about to fall back
	birch.skew, acorn.skew = -5*time.Hour, -2*time.Hour
	began := w.now
	w.settle()
	if took := w.now.Sub(began); bothSee(t, acorn, birch, placed.ID) != order.Accepted || took > 30*time.Second {
		t.Errorf("the order was accepted after %v", took)
	}
	audited(t, acorn, birch)
}
