package trade_test

import (
	"errors"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/store"
)

// recall removes socks and ends the holds of them, again and again until no commit is refused.
func recall(t *testing.T, s *desktest.Shop) (released int) {
	t.Helper()
	desktest.Must(t, s.Desk.Shelf.Remove(desktest.Ctx, "sock"))
	for {
		n, err := s.Desk.Supplier.ReleaseProduct(desktest.Ctx, "sock")
		released += n
		if err == nil {
			return released
		}
		if !errors.Is(err, kv.ErrRefused) {
			t.Fatal(err)
		}
	}
}

// A recall ends every open hold of a product in several commits, whichever is refused, and no
// other hold.
func TestRecallInSteps(t *testing.T) {
	w, acorn, birch, cedar, live := crowd(t, 20)
	acorn.Stock("hat", 5, 1250)
	hat := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "hat", Quantity: 1})
	mixed := desktest.Reserve(t, cedar, acorn, exchange.Line{SKU: "hat", Quantity: 2}, exchange.Line{SKU: "sock", Quantity: 1})
	desktest.Must(t, acorn.Desk.Shelf.Remove(desktest.Ctx, "sock"))
	acorn.Mem.FailNext(store.FaultRefuse) // the first commit of the release; that the removal is repeated changes nothing
	if n := recall(t, acorn); n != int(live)+2 {
		t.Errorf("%d holds were ended, want %d", n, live+2)
	}
	if s := desktest.StockOf(t, acorn, "sock"); s.Held != 0 {
		t.Errorf("socks: %+v", s)
	}
	if s := desktest.StockOf(t, acorn, "hat"); s.Held != 1 {
		t.Errorf("hats: %+v", s)
	}
	if n := recall(t, acorn); n != 0 {
		t.Errorf("a second recall ended %d holds", n)
	}
	for list, _ := acorn.Desk.Outgoing(); len(list) > 0; list, _ = acorn.Desk.Outgoing() { // one message a hold
		for _, out := range list {
			reply, err := w.ShopOf(out.To).Serve(desktest.Ctx, acorn.ID, out.Raw)
			out.Done(desktest.Ctx, reply, err)
		}
	}
	if r, err := birch.Desk.Retailer.Reservation(desktest.Ctx, hat.Request.ID); err != nil || r.State != hold.Held {
		t.Errorf("birch's hat: %+v, %v", r, err)
	}
	if r, err := cedar.Desk.Retailer.Reservation(desktest.Ctx, mixed.Request.ID); err != nil || r.State != hold.Released || r.Refusal != exchange.CodeReleased {
		t.Errorf("cedar's mixed hold: %+v, %v", r, err)
	}
	desktest.Buy(t, birch, acorn, "hat", 1) // trade goes on
}

// A retailer that was not told learns it from its order, or from the status of the hold.
func TestRecallUntold(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	acorn.Stock("sock", 10, 500)
	line := exchange.Line{SKU: "sock", Quantity: 1}
	ordered, told := desktest.Reserve(t, birch, acorn, line), desktest.Reserve(t, birch, acorn, line)
	if n := recall(t, acorn); n != 2 {
		t.Fatalf("%d were ended", n)
	}
	if _, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, ordered.Request.ID, desktest.Stockholm); err != nil {
		t.Fatal(err) // birch knows nothing yet
	}
	acorn.Restart() // which forgets whom to tell
	w.Greet(acorn, birch)
	w.Settle()
	if o := desktest.OrderAt(t, birch, exchange.Retailer, ordered.Request.ID); o.Refusal != exchange.CodeReleased {
		t.Errorf("the order: %+v", o)
	}
	if r, err := birch.Desk.Retailer.Reservation(desktest.Ctx, told.Request.ID); err != nil || r.State != hold.Held {
		t.Errorf("the other, of which nobody told: %+v, %v", r, err)
	}
	reply := ask(acorn, t, birch, framed(t, &message.HoldStatus{ID: told.Request.ID}))
	if reply == nil {
		t.Error("its status is not answered")
	}
	if s := desktest.StockOf(t, acorn, "sock"); s.Held != 0 || s.Sold != 0 {
		t.Errorf("socks: %+v", s)
	}
}

// The message of a recall goes out again until it arrives, and is taken once.
func TestRecallTold(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	acorn.Stock("sock", 10, 500)
	held := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "sock", Quantity: 1})
	recall(t, acorn)
	list, _ := acorn.Desk.Outgoing()
	if len(list) != 1 {
		t.Fatalf("%d messages go out", len(list))
	}
	list[0].Done(desktest.Ctx, nil, desktest.ErrLost)
	for range 2 {
		w.Now = w.Now.Add(10 * time.Second)
		w.Settle()
	}
	if r, err := birch.Desk.Retailer.Reservation(desktest.Ctx, held.Request.ID); err != nil || r.State != hold.Released {
		t.Errorf("after the second message: %+v, %v", r, err)
	}
	reply, err := birch.Serve(desktest.Ctx, acorn.ID, list[0].Raw)
	if err != nil || reply == nil {
		t.Errorf("the message again: %v", err)
	}
	cedar := desktest.NewWorld(t, 2, 1).Shops[0]
	if _, err := birch.Serve(desktest.Ctx, cedar.ID, list[0].Raw); err == nil {
		t.Error("another shop's word is taken")
	}
}
