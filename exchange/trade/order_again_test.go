package trade_test

import (
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/order"
)

// TestOrderAgain: the same reservation for the same address is the same order, for
// another address a conflict, at every stage of the order and after restarts.
func TestOrderAgain(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	acorn.Policy.AcceptByHand = true
	acorn.Restart()
	w.Greet(acorn, birch)
	res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	id := res.Request.ID
	malmo := desktest.Stockholm
	malmo.City = "Malmö"
	again := func(stage string, want order.Status) {
		t.Helper()
		for range 2 {
			got, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, id, desktest.Stockholm)
			if err != nil || got.ID != id || got.Order.Status() != want {
				t.Errorf("%s, the same address: %+v, %v; want status %v", stage, got, err, want)
			}
			if _, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, id, malmo); exchange.CodeOf(err) != exchange.CodeConflict {
				t.Errorf("%s, another address: %v, want a conflict", stage, err)
			}
			birch.Restart()
			w.Greet(acorn, birch)
		}
	}
	_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, id, desktest.Stockholm)
	desktest.Must(t, err)
	again("queued", order.None)
	w.Settle()
	again("submitted", order.Submitted)
	_, err = acorn.Desk.Supplier.AcceptOrder(desktest.Ctx, id)
	desktest.Must(t, err)
	_, err = acorn.Desk.Supplier.ShipOrder(desktest.Ctx, id, nil, "PostNord", "P1")
	desktest.Must(t, err)
	_, err = acorn.Desk.Supplier.DeliverOrder(desktest.Ctx, id, nil)
	desktest.Must(t, err)
	w.Settle()
	again("delivered", order.Delivered)
	w.Now = w.Now.Add((exchange.WindowsKept + 2) * 24 * time.Hour)
	for more := true; more; { // the reservation's record is gone, the order's is not
		more, err = birch.Desk.Prune(desktest.Ctx)
		desktest.Must(t, err)
	}
	again("pruned", order.Delivered)
	if s := desktest.StockOf(t, acorn, "shoe"); s.Held != 0 || s.Sold != 2 {
		t.Errorf("stock: %+v", s)
	}
	audited(t, acorn, birch)
}

// TestOrderAgainErased: where the address's salt is gone, nobody can tell, and no
// address is dropped in silence.
func TestOrderAgainErased(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	w.Settle()
	salt := append(append([]byte("a/"), birch.ID[:]...), res.Request.ID[:]...)
	desktest.Must(t, birch.Mem.Commit([]kv.Write{{Key: salt, Delete: true}}))
	if _, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm); exchange.CodeOf(err) != exchange.CodeConflict {
		t.Errorf("an order whose address is erased, placed again: %v", err)
	}
	audited(t, acorn, birch)
}

// interrupted is a store in which something happens when a key is first read.
type interrupted struct {
	kv.Store
	prefix string
	then   func()
}

func (s *interrupted) Get(k []byte) ([]byte, bool, error) {
	if then := s.then; then != nil && strings.HasPrefix(string(k), s.prefix) {
		s.then = nil
		then()
	}
	return s.Store.Get(k)
}

// TestOrderRefusedMeanwhile: the refusal comes between the looks at the order and at the
// address's salt; it is what is said.
func TestOrderRefusedMeanwhile(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	at := &interrupted{Store: birch.Mem, prefix: "a/"}
	cfg := birch.Config()
	cfg.Store = at
	var err error
	birch.Desk, err = desk.Open(cfg)
	desktest.Must(t, err)
	w.Greet(acorn, birch)
	res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	w.Now = res.Expires
	_, err = birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	at.then = w.Settle
	got, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	if err != nil || got.Refusal != exchange.CodeExpired || at.then != nil {
		t.Errorf("placed again while it is refused: %+v, %v", got, err)
	}
}

// TestOrderRefusedAgain: an order that was refused goes nowhere; whatever the address,
// the refusal is what is to be said, and no salt is kept.
func TestOrderRefusedAgain(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	w.Now = res.Expires
	_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	w.Settle()
	lund := desktest.Stockholm
	lund.City = "Lund"
	for _, to := range []exchange.Delivery{desktest.Stockholm, lund} {
		got, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, to)
		if err != nil || got.Refusal != exchange.CodeExpired {
			t.Errorf("a refused order, placed again: %+v, %v", got, err)
		}
	}
	desktest.Must(t, birch.Mem.Scan(kv.Prefix([]byte("a/")), func(k, _ []byte) bool {
		t.Errorf("%q is kept", k)
		return true
	}))
	audited(t, acorn, birch)
}
