package desk_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
)

// TestSecondRetailerWithOneOrderID: whoever orders first under an id has it; the
// second order is refused, and the first can be worked on.
func TestSecondRetailerWithOneOrderID(t *testing.T) {
	w := newWorld(t, 1, 3)
	acorn, birch, cedar := w.shops[0], w.shops[1], w.shops[2]
	acorn.stock("shoe", 10, 9900)
	w.partner(acorn, birch, exchange.DefaultTerms("EUR"))
	w.partner(acorn, cedar, exchange.DefaultTerms("EUR"))
	id := exchange.NewHoldID(windowOf(w.now), [12]byte{1})
	for _, s := range []*shop{birch, cedar} {
		_, err := s.desk.Reserve(ctx, desk.ReserveRequest{Supplier: acorn.id, Lines: []exchange.Line{{SKU: "shoe", Quantity: 2}}, Country: "SE", ID: id})
		must(t, err)
	}
	for _, s := range []*shop{birch, cedar} {
		_, err := s.desk.PlaceOrder(ctx, id, stockholm)
		must(t, err)
		w.settle()
	}
	if rec := orderAt(t, cedar, exchange.Retailer, id); rec.Refusal != exchange.CodeConflict {
		t.Errorf("the second order under one id was answered %v, %v", rec.Order.Status(), rec.Refusal)
	}
	_, err := acorn.desk.ShipOrder(ctx, id, nil, "PostNord", "P1")
	must(t, err)
	_, err = acorn.desk.DeliverOrder(ctx, id, nil)
	must(t, err)
	w.settle()
	if got := bothSee(t, acorn, birch, id); got != order.Delivered {
		t.Errorf("the first order is %v", got)
	}
	if s := stockOf(t, acorn, "shoe"); s.Held != 2 || s.Sold != 2 || s.Shipped != 2 {
		t.Errorf("stock: %+v", s)
	}
}

// Two Submits of one batch use one number for different requests: the second is a
// conflict, and nothing that follows it is entered.
func TestOneNumberTwiceInABatch(t *testing.T) {
	m := newMarket(t, kv.Limits{}, asIs)
	birch := m.retailers[0]
	trade, err := m.desk.Trade(birch.id, exchange.Supplier)
	must(t, err)
	stale := func(n byte) message.Act { return message.DeclineTerms{Proposal: [32]byte{n}} }
	submit := func(numbers ...uint64) []byte {
		s := message.Submit{Have: trade.Position}
		for _, n := range numbers {
			s.Requests = append(s.Requests, signedRequest(t, m.supplier, birch, n, stale(byte(len(numbers)))))
		}
		return framed(t, &s)
	}
	same := submit(2)
	results, err := m.together(m.serve(birch, same), m.serve(birch, same), m.serve(birch, submit(2, 3)))
	must(t, err)
	for i, r := range results {
		if r.err != nil {
			t.Errorf("submit %d: %v", i, r.err)
		}
	}
	after, err := m.desk.Trade(birch.id, exchange.Supplier)
	must(t, err)
	if after.Position != trade.Position+1 {
		t.Errorf("%d entries follow a number that was used twice, not 1", after.Position-trade.Position)
	}
}
