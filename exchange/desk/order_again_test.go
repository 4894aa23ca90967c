package desk_test

import (
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/order"
)

// TestOrderAgain: the same reservation for the same address is the same order, for
// another address a conflict, at every stage of the order and after restarts.
func TestOrderAgain(t *testing.T) {
	w, acorn, birch := pair(t)
	acorn.policy.AcceptByHand = true
	acorn.restart()
	w.greet(acorn, birch)
	res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	id := res.Request.ID
	malmo := stockholm
	malmo.City = "Malmö"
	again := func(stage string, want order.Status) {
		t.Helper()
		for range 2 {
			got, err := birch.desk.PlaceOrder(ctx, id, stockholm)
			if err != nil || got.ID != id || got.Order.Status() != want {
				t.Errorf("%s, the same address: %+v, %v; want status %v", stage, got, err, want)
			}
			if _, err := birch.desk.PlaceOrder(ctx, id, malmo); exchange.CodeOf(err) != exchange.CodeConflict {
				t.Errorf("%s, another address: %v, want a conflict", stage, err)
			}
			birch.restart()
			w.greet(acorn, birch)
		}
	}
	_, err := birch.desk.PlaceOrder(ctx, id, stockholm)
	must(t, err)
	again("queued", order.None)
	w.settle()
	again("submitted", order.Submitted)
	_, err = acorn.desk.AcceptOrder(ctx, id)
	must(t, err)
	_, err = acorn.desk.ShipOrder(ctx, id, nil, "PostNord", "P1")
	must(t, err)
	_, err = acorn.desk.DeliverOrder(ctx, id, nil)
	must(t, err)
	w.settle()
	again("delivered", order.Delivered)
	w.now = w.now.Add((exchange.WindowsKept + 2) * 24 * time.Hour)
	for more := true; more; { // the reservation's record is gone, the order's is not
		more, err = birch.desk.Prune(ctx)
		must(t, err)
	}
	again("pruned", order.Delivered)
	if s := stockOf(t, acorn, "shoe"); s.Held != 0 || s.Sold != 2 {
		t.Errorf("stock: %+v", s)
	}
	audited(t, acorn, birch)
}

// TestOrderAgainErased: where the address's salt is gone, nobody can tell, and no
// address is dropped in silence.
func TestOrderAgainErased(t *testing.T) {
	w, acorn, birch := pair(t)
	res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	_, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(t, err)
	w.settle()
	salt := append(append([]byte("a/"), birch.id[:]...), res.Request.ID[:]...)
	must(t, birch.mem.Commit([]kv.Write{{Key: salt, Delete: true}}))
	if _, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm); exchange.CodeOf(err) != exchange.CodeConflict {
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
	w, acorn, birch := pair(t)
	at := &interrupted{Store: birch.mem, prefix: "a/"}
	cfg := birch.config()
	cfg.Store = at
	var err error
	birch.desk, err = desk.Open(cfg)
	must(t, err)
	w.greet(acorn, birch)
	res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	w.now = res.Expires
	_, err = birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(t, err)
	at.then = w.settle
	got, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	if err != nil || got.Refusal != exchange.CodeExpired || at.then != nil {
		t.Errorf("placed again while it is refused: %+v, %v", got, err)
	}
}

// TestOrderRefusedAgain: an order that was refused goes nowhere; whatever the address,
// the refusal is what is to be said, and no salt is kept.
func TestOrderRefusedAgain(t *testing.T) {
	w, acorn, birch := pair(t)
	res := reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	w.now = res.Expires
	_, err := birch.desk.PlaceOrder(ctx, res.Request.ID, stockholm)
	must(t, err)
	w.settle()
	lund := stockholm
	lund.City = "Lund"
	for _, to := range []exchange.ShipTo{stockholm, lund} {
		got, err := birch.desk.PlaceOrder(ctx, res.Request.ID, to)
		if err != nil || got.Refusal != exchange.CodeExpired {
			t.Errorf("a refused order, placed again: %+v, %v", got, err)
		}
	}
	must(t, birch.mem.Scan(kv.Prefix([]byte("a/")), func(k, _ []byte) bool {
		t.Errorf("%q is kept", k)
		return true
	}))
	audited(t, acorn, birch)
}
