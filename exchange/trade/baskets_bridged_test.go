package trade_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/basket"
	"github.com/souk-market/souk/exchange/bridge"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/protocol"
)

// bridgedStall is a stall whose retailer's own system has 5 cups, whatever the node counts.
func bridgedStall(t *testing.T) (*stall, *bent) {
	t.Helper()
	s := newStall(t, 1)
	sys := &bent{system: newSystem(func() exchange.Time { return s.Now })}
	sys.free["cup"] = 5
	s.retailer.Bridge = sys
	s.retailer.Restart()
	s.Greet(s.suppliers[0], s.retailer)
	t.Cleanup(func() {
		if _, err := audit.Shop(s.retailer.ID, s.retailer.Mem, protocol.Codec{}, s.Verifier()); err != nil && !t.Failed() {
			t.Errorf("the retailer's books: %v", err)
		}
	})
	return s, sys
}

// TestBasketOfABridgedShop: the own part is asked of the shop's own system, and sold once that has
// said yes; else nothing is ordered.
func TestBasketOfABridgedShop(t *testing.T) {
	order := trade.BasketOrder{Delivery: desktest.Stockholm}

	t.Run("sold", func(t *testing.T) {
		s, sys := bridgedStall(t)
		b := s.hold(s.of(2, 3))
		s.is(b.ID, basket.Held, basket.PartHeld, basket.PartHeld)
		if sys.free["cup"] != 2 {
			t.Fatalf("%d cups are free", sys.free["cup"])
		}
		_, err := s.baskets().Order(desktest.Ctx, b.ID, order)
		desktest.Must(t, err)
		s.Settle()
		s.is(b.ID, basket.Done, basket.PartAccepted, basket.PartAccepted)
		if _, committed := sys.setAsideOf("cup"); committed != 3 {
			t.Errorf("%d cups are committed at the system", committed)
		}
	})

	t.Run("short", func(t *testing.T) {
		s, sys := bridgedStall(t)
		sys.free["cup"] = 2
		_, err := s.baskets().Hold(desktest.Ctx, s.of(2, 3))
		short := exchange.ShortLines(err)
		if exchange.CodeOf(err) != exchange.CodeInsufficient || len(short) != 1 || short[0] != (exchange.Short{SKU: "cup", Asked: 3, Available: 2}) {
			t.Fatalf("%v, short %v", err, short)
		}
		s.Settle()
		s.nothingHeld()
	})

	t.Run("no answer", func(t *testing.T) {
		s, sys := bridgedStall(t)
		sys.onHold = func([]bridge.Ask) ([]bridge.Answer, error, bool) { return nil, errSystem, true }
		_, err := s.baskets().Hold(desktest.Ctx, s.of(2, 3))
		if exchange.CodeOf(err) != exchange.CodeUnavailable {
			t.Fatal(err)
		}
		sys.onHold = nil
		s.Now = s.Now.Add(10 * time.Second)
		s.Settle()
		s.nothingHeld()
		if held, committed := sys.setAsideOf("cup"); held+committed != 0 {
			t.Errorf("the system has %d held and %d committed", held, committed)
		}
	})

	t.Run("the system's goods are gone", func(t *testing.T) {
		s, sys := bridgedStall(t)
		b := s.hold(s.of(2, 3))
		sys.onCommit = func(refs []bridge.Ref) ([]bridge.Answer, error, bool) {
			return []bridge.Answer{{ID: refs[0].ID, Problem: bridge.Missing}}, nil, true
		}
		if _, err := s.baskets().Order(desktest.Ctx, b.ID, order); exchange.CodeOf(err) != exchange.CodeGone {
			t.Fatal(err)
		}
		if _, err := s.suppliers[0].Desk.Orders.Find(exchange.Supplier, b.Parts[0].Hold); exchange.CodeOf(err) != exchange.CodeNotFound {
			t.Errorf("the other part was ordered: %v", err)
		}
		_, err := s.baskets().Release(desktest.Ctx, b.ID)
		desktest.Must(t, err)
		s.Settle()
		s.nothingHeld()
	})

	t.Run("nobody knows whether they are", func(t *testing.T) {
		s, sys := bridgedStall(t)
		b := s.hold(s.of(2, 3))
		sys.onCommit = func([]bridge.Ref) ([]bridge.Answer, error, bool) { return nil, errSystem, true }
		if _, err := s.baskets().Order(desktest.Ctx, b.ID, order); exchange.CodeOf(err) != exchange.CodeUnavailable {
			t.Fatal(err)
		}
		s.is(b.ID, basket.Held, basket.PartHeld, basket.PartHeld)
		sys.onCommit = nil
		_, err := s.baskets().Order(desktest.Ctx, b.ID, order)
		desktest.Must(t, err)
		s.Settle()
		s.is(b.ID, basket.Done, basket.PartAccepted, basket.PartAccepted)
	})
}
