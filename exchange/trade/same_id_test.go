package trade_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/trade"
)

// TestSecondRetailerWithOneOrderID: whoever orders first under an id has it; the
// second order is refused, and the first can be worked on.
func TestSecondRetailerWithOneOrderID(t *testing.T) {
	w := desktest.NewWorld(t, 1, 3)
	acorn, birch, cedar := w.Shops[0], w.Shops[1], w.Shops[2]
	acorn.Stock("shoe", 10, 9900)
	w.Partner(acorn, birch, exchange.DefaultTerms("EUR"))
	w.Partner(acorn, cedar, exchange.DefaultTerms("EUR"))
	id := exchange.NewHoldID(windowOf(w.Now), [12]byte{1})
	for _, s := range []*desktest.Shop{birch, cedar} {
		_, err := s.Desk.Retailer.Reserve(desktest.Ctx, trade.ReserveRequest{Supplier: acorn.ID, Lines: []exchange.Line{{SKU: "shoe", Quantity: 2}}, Country: "SE", ID: id})
		desktest.Must(t, err)
	}
	for _, s := range []*desktest.Shop{birch, cedar} {
		_, err := s.Desk.Retailer.PlaceOrder(desktest.Ctx, id, desktest.Stockholm)
		desktest.Must(t, err)
		w.Settle()
	}
	if rec := desktest.OrderAt(t, cedar, exchange.Retailer, id); rec.Refusal != exchange.CodeConflict {
		t.Errorf("the second order under one id was answered %v, %v", rec.Order.Status(), rec.Refusal)
	}
	_, err := acorn.Desk.Supplier.ShipOrder(desktest.Ctx, id, nil, "PostNord", "P1")
	desktest.Must(t, err)
	_, err = acorn.Desk.Supplier.DeliverOrder(desktest.Ctx, id, nil)
	desktest.Must(t, err)
	w.Settle()
	if got := desktest.BothSee(t, acorn, birch, id); got != order.Delivered {
		t.Errorf("the first order is %v", got)
	}
	if s := desktest.StockOf(t, acorn, "shoe"); s.Held != 2 || s.Sold != 2 || s.Shipped != 2 {
		t.Errorf("stock: %+v", s)
	}
}

// Two Submits of one batch use one number for different requests: the second is a
// conflict, and nothing that follows it is entered.
func TestOneNumberTwiceInABatch(t *testing.T) {
	m := newMarket(t, kv.Limits{}, asIs)
	birch := m.retailers[0]
	p, err := m.desk.Partnerships.Get(birch.ID, exchange.Supplier)
	desktest.Must(t, err)
	stale := func(n byte) message.Act { return message.DeclineTerms{Proposal: [32]byte{n}} }
	submit := func(numbers ...uint64) []byte {
		s := message.Submit{Have: p.Position}
		for _, n := range numbers {
			s.Requests = append(s.Requests, signedRequest(t, m.supplier, birch, n, stale(byte(len(numbers)))))
		}
		return framed(t, &s)
	}
	same := submit(2)
	results, err := m.together(m.serve(birch, same), m.serve(birch, same), m.serve(birch, submit(2, 3)))
	desktest.Must(t, err)
	for i, r := range results {
		if r.err != nil {
			t.Errorf("submit %d: %v", i, r.err)
		}
	}
	after, err := m.desk.Partnerships.Get(birch.ID, exchange.Supplier)
	desktest.Must(t, err)
	if after.Position != p.Position+1 {
		t.Errorf("%d entries follow a number that was used twice, not 1", after.Position-p.Position)
	}
}
