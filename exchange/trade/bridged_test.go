package trade_test

import (
	"context"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/bridge"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/protocol"
)

// bridgedPair is a Pair whose supplier's own system has 10 shoes and 5 hats.
func bridgedPair(t *testing.T) (w *desktest.World, acorn, birch *desktest.Shop, sys *bent) {
	t.Helper()
	w, acorn, birch = desktest.Pair(t)
	sys = &bent{system: newSystem(func() exchange.Time { return w.Now })}
	sys.free["shoe"], sys.free["hat"] = 10, 5
	acorn.Bridge = sys
	acorn.Restart()
	w.Greet(acorn, birch)
	t.Cleanup(func() {
		if _, err := audit.Shop(acorn.ID, acorn.Mem, protocol.Codec{}, w.Verifier()); err != nil && !t.Failed() {
			t.Errorf("the supplier's books: %v", err)
		}
	})
	return w, acorn, birch, sys
}

func pairs(n exchange.Quantity) exchange.Line { return exchange.Line{SKU: "shoe", Quantity: n} }

func tryReserve(s, supplier *desktest.Shop, lines ...exchange.Line) (*trade.Reservation, error) {
	return s.Desk.Retailer.Reserve(context.Background(), trade.ReserveRequest{Supplier: supplier.ID, Lines: exchangetest.Lines(lines...), Country: "SE"})
}

// TestBridgeSells: the system is asked for the hold, and says yes to the order before it is
// accepted; what is cancelled, it has back.
func TestBridgeSells(t *testing.T) {
	w, acorn, birch, sys := bridgedPair(t)
	sys.free["shoe"] = 12 // more than the node's counts say
	res := desktest.Reserve(t, birch, acorn, pairs(11))
	if sys.free["shoe"] != 1 || res.State != hold.Held {
		t.Fatalf("%d are free, the reservation is %v", sys.free["shoe"], res.State)
	}
	if _, err := tryReserve(birch, acorn, pairs(2)); exchange.CodeOf(err) != exchange.CodeInsufficient || len(exchange.ShortLines(err)) != 1 || exchange.ShortLines(err)[0].Available != 1 {
		t.Fatalf("two more: %v", err)
	}
	if _, all := acorn.Desk.Shelf.Shortfalls().First(1); all != 0 {
		t.Error("the node's copy of the counts made a shortfall")
	}
	accepted := false
	sys.onCommit = func([]bridge.Ref) ([]bridge.Answer, error, bool) {
		accepted = desktest.OrderAt(t, acorn, exchange.Supplier, res.Request.ID).Order.Accepted != 0
		return nil, nil, false
	}
	_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	w.Settle()
	if got := desktest.OrderAt(t, birch, exchange.Retailer, res.Request.ID).Order.Status(); got != order.Accepted || accepted {
		t.Fatalf("the order is %v; accepted before the yes: %v", got, accepted)
	}
	if _, err := acorn.Desk.Supplier.ShipOrder(desktest.Ctx, res.Request.ID, []order.Units{{SKU: "shoe", Units: 4}}, "", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := acorn.Desk.Supplier.CancelSale(desktest.Ctx, res.Request.ID, []order.Units{{SKU: "shoe", Units: 2}}, "broken"); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	if sys.free["shoe"] != 3 {
		t.Errorf("%d are free after two were cancelled, want 3", sys.free["shoe"])
	}
}

// TestBridgeEnds: however a hold ends, the system has its units back.
func TestBridgeEnds(t *testing.T) {
	for name, end := range map[string]func(*desktest.World, *desktest.Shop, *desktest.Shop, exchange.HoldID) error{
		"released": func(_ *desktest.World, _, birch *desktest.Shop, id exchange.HoldID) error {
			_, err := birch.Desk.Retailer.Release(desktest.Ctx, id)
			return err
		},
		"expired": func(w *desktest.World, _, _ *desktest.Shop, _ exchange.HoldID) error {
			w.Now = w.Now.Add(exchange.MaxHoldLifetime)
			return nil
		},
		"recalled": func(_ *desktest.World, acorn, _ *desktest.Shop, _ exchange.HoldID) error {
			_, err := acorn.Desk.Supplier.ReleaseProduct(desktest.Ctx, "shoe")
			return err
		},
		"ended with its partnership": func(_ *desktest.World, acorn, birch *desktest.Shop, _ exchange.HoldID) error {
			return acorn.Desk.Partnerships.EndTrade(desktest.Ctx, birch.ID, exchange.Supplier, "enough")
		},
		"ordered and cancelled": func(w *desktest.World, _, birch *desktest.Shop, id exchange.HoldID) error {
			if _, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, id, desktest.Stockholm); err != nil {
				return err
			}
			w.Settle()
			_, err := birch.Desk.Retailer.CancelPurchase(desktest.Ctx, id, nil, "")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, acorn, birch, sys := bridgedPair(t)
			res := desktest.Reserve(t, birch, acorn, pairs(3), exchange.Line{SKU: "hat", Quantity: 1})
			desktest.Must(t, end(w, acorn, birch, res.Request.ID))
			w.Settle()
			if sys.free["shoe"] != 10 || sys.free["hat"] != 5 || acorn.Desk.Bridged.Status().Untold != 0 {
				t.Errorf("free are %v; %+v", sys.free, acorn.Desk.Bridged.Status())
			}
		})
	}
}

// TestBridgeDoubts: whatever leaves the answer to a hold unknown, the retailer is refused and the
// system gives back what it may have set aside.
func TestBridgeDoubts(t *testing.T) {
	done := func(sys *bent, asks []bridge.Ask) []bridge.Answer {
		answers, _ := sys.system.Hold(context.Background(), asks)
		return answers
	}
	for name, bend := range map[string]func(*desktest.World, *bent, []bridge.Ask) ([]bridge.Answer, error){
		"failed": func(*desktest.World, *bent, []bridge.Ask) ([]bridge.Answer, error) { return nil, errSystem },
		"done, and failed": func(_ *desktest.World, sys *bent, asks []bridge.Ask) ([]bridge.Answer, error) {
			return nil, errors2(done(sys, asks))
		},
		"no answer": func(_ *desktest.World, sys *bent, asks []bridge.Ask) ([]bridge.Answer, error) {
			return done(sys, asks)[1:], nil
		},
		"two answers": func(_ *desktest.World, sys *bent, asks []bridge.Ask) ([]bridge.Answer, error) {
			a := done(sys, asks)
			return append(a, a...), nil
		},
		"a foreign answer": func(_ *desktest.World, sys *bent, asks []bridge.Ask) ([]bridge.Answer, error) {
			a := done(sys, asks)
			a[0].ID[5]++
			return a, nil
		},
		"another use of the id": func(_ *desktest.World, sys *bent, asks []bridge.Ask) ([]bridge.Answer, error) {
			done(sys, asks)
			return []bridge.Answer{{ID: asks[0].ID, Problem: bridge.KeyReused}}, nil
		},
		"too late": func(w *desktest.World, sys *bent, asks []bridge.Ask) ([]bridge.Answer, error) {
			a := done(sys, asks)
			w.Now = w.Now.Add(2 * time.Second)
			return a, nil
		},
		"too late, and refused meanwhile": func(w *desktest.World, sys *bent, asks []bridge.Ask) ([]bridge.Answer, error) {
			a := done(sys, asks)
			w.Now = w.Now.Add(3 * time.Second)
			return a, w.Shops[0].Desk.Tick()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, acorn, birch, sys := bridgedPair(t)
			sys.onHold = func(asks []bridge.Ask) ([]bridge.Answer, error, bool) {
				sys.onHold = nil
				answers, err := bend(w, sys, asks)
				return answers, err, true
			}
			res, err := tryReserve(birch, acorn, pairs(3))
			if exchange.CodeOf(err) != exchange.CodeUnavailable || res == nil || res.State != hold.Refused {
				t.Fatalf("%+v, %v", res, err)
			}
			w.Settle()
			if sys.free["shoe"] != 10 {
				t.Errorf("%d are free, want all 10", sys.free["shoe"])
			}
			again, err := tryReserve(birch, acorn, pairs(10))
			if err != nil || again.State != hold.Held {
				t.Errorf("all of them: %v", err)
			}
		})
	}
}

// release asks a supplier to release a hold, as its retailer's node does.
func release(t *testing.T, supplier, retailer *desktest.Shop, id exchange.HoldID) *message.HoldAnswer {
	t.Helper()
	raw, err := message.Frame(protocol.Codec{}, &message.Release{ID: id})
	desktest.Must(t, err)
	reply, err := supplier.Desk.Serve(desktest.Ctx, retailer.ID, raw)
	desktest.Must(t, err)
	v, err := message.Unframe(protocol.Codec{}, reply)
	desktest.Must(t, err)
	payload, err := retailer.W.Verifier().Open(supplier.ID, v.(*message.SealedAnswer).Sealed)
	desktest.Must(t, err)
	answer, err := message.Decode[message.HoldAnswer](protocol.Codec{}, payload)
	desktest.Must(t, err)
	return answer
}

func errors2([]bridge.Answer) error { return errSystem }

// TestBridgeOvertaken: a release, a recall or the partnership's end comes while the system is
// asked. Nobody sees the state ASKED, and the system has its units back.
func TestBridgeOvertaken(t *testing.T) {
	for name, act := range map[string]func(*testing.T, *desktest.Shop, *desktest.Shop, exchange.HoldID){
		"by a release": func(t *testing.T, acorn, birch *desktest.Shop, id exchange.HoldID) {
			answer := release(t, acorn, birch, id)
			if answer.State != hold.Released {
				t.Errorf("the release is answered with %v", answer.State)
			}
		},
		"by a recall": func(t *testing.T, acorn, _ *desktest.Shop, _ exchange.HoldID) {
			if n, err := acorn.Desk.Supplier.ReleaseProduct(desktest.Ctx, "shoe"); n != 1 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
		},
		"by the end": func(t *testing.T, acorn, birch *desktest.Shop, _ exchange.HoldID) {
			desktest.Must(t, acorn.Desk.Partnerships.EndTrade(desktest.Ctx, birch.ID, exchange.Supplier, "enough"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, acorn, birch, sys := bridgedPair(t)
			sys.onHold = func(asks []bridge.Ask) ([]bridge.Answer, error, bool) {
				answers, err := sys.system.Hold(context.Background(), asks)
				if got := desktest.StockOf(t, acorn, "shoe").Held; got != 3 {
					t.Errorf("%d are held while the system is asked", got)
				}
				act(t, acorn, birch, asks[0].ID)
				return answers, err, true
			}
			res, err := tryReserve(birch, acorn, pairs(3))
			if exchange.CodeOf(err) == exchange.CodeOK || res != nil && res.State == hold.Asked {
				t.Errorf("%+v, %v", res, err)
			}
			w.Settle()
			if sys.free["shoe"] != 10 || desktest.StockOf(t, acorn, "shoe").Held != 0 {
				t.Errorf("%d are free, %d held", sys.free["shoe"], desktest.StockOf(t, acorn, "shoe").Held)
			}
		})
	}
}
