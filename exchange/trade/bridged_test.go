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
	"github.com/souk-market/souk/store"
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

// TestBridgeUnsettled: the store refuses the commit that settles a hold. Its deadline refuses it
// then, and the system gives back.
func TestBridgeUnsettled(t *testing.T) {
	w, acorn, birch, sys := bridgedPair(t)
	sys.onHold = func(asks []bridge.Ask) ([]bridge.Answer, error, bool) {
		acorn.Mem.FailNext(store.FaultRefuse)
		return nil, nil, false
	}
	if _, err := tryReserve(birch, acorn, pairs(3)); exchange.CodeOf(err) != exchange.CodeUnavailable {
		t.Fatal(err)
	}
	if got := desktest.StockOf(t, acorn, "shoe").Held; got != 3 {
		t.Fatalf("%d are held", got)
	}
	sys.onHold = nil
	w.Now = w.Now.Add(3 * time.Second)
	desktest.Must(t, acorn.Desk.Tick()) // before its retailer gives it up
	if got := desktest.StockOf(t, acorn, "shoe").Held; got != 0 {
		t.Errorf("%d are held after the deadline", got)
	}
	acorn.Desk.Bridged.Pump(context.Background())
	if sys.free["shoe"] != 10 {
		t.Errorf("%d are free", sys.free["shoe"])
	}
}

// TestBridgeRestart: a hold that was ASKED as the process ended is refused at the start, and what
// was set aside is given back.
func TestBridgeRestart(t *testing.T) {
	w, acorn, birch, sys := bridgedPair(t)
	sys.onHold = func(asks []bridge.Ask) ([]bridge.Answer, error, bool) {
		sys.onHold = nil
		answers, err := sys.system.Hold(context.Background(), asks)
		acorn.Mem.FailNext(store.FaultBefore)
		return answers, err, true
	}
	if _, err := tryReserve(birch, acorn, pairs(3)); err == nil || sys.free["shoe"] != 7 {
		t.Fatalf("%v, %d free", err, sys.free["shoe"])
	}
	acorn.Died()
	desktest.Must(t, acorn.Desk.Tick()) // no time has passed
	if got := desktest.StockOf(t, acorn, "shoe").Held; got != 0 {
		t.Errorf("%d are held after the start", got)
	}
	w.Settle()
	if sys.free["shoe"] != 10 {
		t.Errorf("%d are free, want 10", sys.free["shoe"])
	}
}

// TestBridgeOwn: own channels ask the system too, and nothing is sold before its yes.
func TestBridgeOwn(t *testing.T) {
	w, acorn, _, sys := bridgedPair(t)
	ctx := context.Background()
	res, err := acorn.Desk.Own.Reserve(ctx, trade.OwnRequest{Lines: exchangetest.Lines(pairs(4))})
	desktest.Must(t, err)
	if sys.free["shoe"] != 6 || res.State != hold.Held {
		t.Fatalf("%d are free, it is %v", sys.free["shoe"], res.State)
	}
	sys.onCommit = func([]bridge.Ref) ([]bridge.Answer, error, bool) { return nil, errSystem, true }
	if _, err := acorn.Desk.Own.Sell(ctx, trade.SaleRequest{Reservation: res.Request.ID}); exchange.CodeOf(err) != exchange.CodeUnavailable {
		t.Errorf("sold without a yes: %v", err)
	}
	sys.onCommit = nil
	sale, err := acorn.Desk.Own.Sell(ctx, trade.SaleRequest{Reservation: res.Request.ID})
	desktest.Must(t, err)
	if _, err := acorn.Desk.Own.Cancel(ctx, sale.Sale.ID, []order.Units{{SKU: "shoe", Units: 1}}, ""); err != nil {
		t.Fatal(err)
	}
	till := trade.SaleRequest{Lines: exchangetest.Lines(pairs(2)), Left: true, Key: trade.ReservationKey{7}}
	first, err := acorn.Desk.Own.Sell(ctx, till)
	desktest.Must(t, err)
	again, err := acorn.Desk.Own.Sell(ctx, till)
	desktest.Must(t, err)
	if first.Sale.ID != again.Sale.ID {
		t.Error("one key sold twice")
	}
	if _, err := acorn.Desk.Own.Sell(ctx, trade.SaleRequest{Lines: exchangetest.Lines(pairs(9))}); exchange.CodeOf(err) != exchange.CodeInsufficient {
		t.Errorf("nine more: %v", err)
	}
	w.Settle()
	if sys.free["shoe"] != 5 {
		t.Errorf("%d are free, want 5", sys.free["shoe"])
	}
	sys.onCommit = func(refs []bridge.Ref) ([]bridge.Answer, error, bool) {
		return []bridge.Answer{{ID: refs[0].ID, Problem: bridge.Missing}}, nil, true
	}
	if _, err := acorn.Desk.Own.Sell(ctx, trade.SaleRequest{Lines: exchangetest.Lines(pairs(1))}); exchange.CodeOf(err) != exchange.CodeGone {
		t.Errorf("a no: %v", err)
	}
	w.Settle()
	if sys.free["shoe"] != 5 {
		t.Errorf("%d are free after the no, want 5", sys.free["shoe"])
	}
}

// TestBridgeDenied: a no to the commit rejects the order, and the system has the units back.
func TestBridgeDenied(t *testing.T) {
	w, acorn, birch, sys := bridgedPair(t)
	res := desktest.Reserve(t, birch, acorn, pairs(3))
	sys.onCommit = func(refs []bridge.Ref) ([]bridge.Answer, error, bool) {
		return []bridge.Answer{{ID: refs[0].ID, Problem: bridge.Missing}}, nil, true
	}
	_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	w.Settle()
	if got := desktest.OrderAt(t, birch, exchange.Retailer, res.Request.ID); got.Order.Status() != order.Rejected || sys.free["shoe"] != 10 {
		t.Errorf("it is %v, %d are free", got.Order.Status(), sys.free["shoe"])
	}
	if s := acorn.Desk.Bridged.Status(); s.Denied != 1 || s.Untold != 0 {
		t.Errorf("%+v", s)
	}
}

// TestBridgeInOrder: a cancellation that follows an order is not told before it.
func TestBridgeInOrder(t *testing.T) {
	w, acorn, birch, sys := bridgedPair(t)
	res := desktest.Reserve(t, birch, acorn, pairs(3))
	sys.onCommit = func([]bridge.Ref) ([]bridge.Answer, error, bool) { return nil, errSystem, true }
	_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	w.Settle()
	if got := desktest.OrderAt(t, acorn, exchange.Supplier, res.Request.ID).Order.Status(); got != order.Submitted {
		t.Fatalf("without an answer it is %v", got)
	}
	if _, err := acorn.Desk.Supplier.AcceptOrder(desktest.Ctx, res.Request.ID); exchange.CodeOf(err) != exchange.CodeUnavailable {
		t.Errorf("its owner accepts it: %v", err)
	}
	_, err = birch.Desk.Retailer.CancelPurchase(desktest.Ctx, res.Request.ID, nil, "")
	desktest.Must(t, err)
	sys.onRelease = func(parts []bridge.Part) ([]bridge.Answer, error, bool) {
		if sys.asks[parts[0].ID].state != bridge.Committed {
			t.Error("the release came before the commit")
		}
		return nil, nil, false
	}
	w.Settle()
	sys.onCommit = nil
	w.Now = w.Now.Add(time.Minute)
	w.Settle()
	if s := acorn.Desk.Bridged.Status(); sys.free["shoe"] != 10 || s.Untold != 0 || s.Denied != 0 {
		t.Errorf("%d are free; %+v", sys.free["shoe"], s)
	}
}

// TestBridgeDown: five failures open the breaker, nothing is asked then, the catalog says so, and a
// trial closes it.
func TestBridgeDown(t *testing.T) {
	for name, fail := range map[string]struct {
		err   error
		calls int
	}{"silent": {errSystem, 5}, "set up wrongly": {bridge.ErrSetup, 1}} {
		t.Run(name, func(t *testing.T) {
			w, acorn, birch, sys := bridgedPair(t)
			calls := 0
			sys.onHold = func([]bridge.Ask) ([]bridge.Answer, error, bool) { calls++; return nil, fail.err, true }
			sys.onRelease = func([]bridge.Part) ([]bridge.Answer, error, bool) { calls++; return nil, fail.err, true }
			for range 8 {
				if _, err := tryReserve(birch, acorn, pairs(1)); exchange.CodeOf(err) != exchange.CodeUnavailable {
					t.Fatal(err)
				}
			}
			s := acorn.Desk.Bridged.Status()
			if calls != fail.calls || !s.Down || s.Setup != (fail.err == bridge.ErrSetup) {
				t.Fatalf("%d calls; %+v", calls, s)
			}
			w.Now = w.Now.Add(11 * time.Second)
			acorn.Desk.Bridged.Poll(context.Background())
			if a, err := acorn.Desk.Shelf.Bounds.Offered("shoe", birch.ID); err != nil || a.Units != 0 {
				t.Errorf("the catalog offers %+v, %v", a, err)
			}
			sys.onHold, sys.onRelease = nil, nil
			w.Settle()
			w.Now = w.Now.Add(10 * time.Second)
			w.Settle()
			acorn.Desk.Bridged.Poll(context.Background())
			if a, _ := acorn.Desk.Shelf.Bounds.Offered("shoe", birch.ID); a.Units != 10 {
				t.Errorf("the catalog offers %+v again; %+v", a, acorn.Desk.Bridged.Status())
			}
			desktest.Reserve(t, birch, acorn, pairs(10))
		})
	}
}

// TestBridgeShort: the system's word that a product is short is believed for a second.
func TestBridgeShort(t *testing.T) {
	w, acorn, birch, sys := bridgedPair(t)
	for range 500 {
		if _, err := tryReserve(birch, acorn, pairs(11)); exchange.CodeOf(err) != exchange.CodeInsufficient {
			t.Fatal(err)
		}
	}
	if sys.calls["hold"] != 1 {
		t.Errorf("500 buyers were %d calls", sys.calls["hold"])
	}
	w.Now = w.Now.Add(time.Second)
	if _, err := tryReserve(birch, acorn, pairs(11)); exchange.CodeOf(err) != exchange.CodeInsufficient || sys.calls["hold"] != 2 {
		t.Errorf("a second later: %v, %d calls", err, sys.calls["hold"])
	}
}

// TestBridgeCatalog: what the system says is free becomes what the catalog offers.
func TestBridgeCatalog(t *testing.T) {
	_, acorn, birch, sys := bridgedPair(t)
	desktest.Reserve(t, birch, acorn, pairs(2))
	sys.free["shoe"] = 40
	acorn.Desk.Bridged.Poll(context.Background())
	if got := desktest.StockOf(t, acorn, "shoe"); got.Available() != 40 || got.Held != 2 {
		t.Errorf("%+v", got)
	}
}

// TestBridgeOneID: two retailers cannot have a hold of one id: the system would take the second for
// a repeat.
func TestBridgeOneID(t *testing.T) {
	w := desktest.NewWorld(t, 3, 3)
	acorn, birch, cedar := w.Shops[0], w.Shops[1], w.Shops[2]
	acorn.Stock("shoe", 10, 9900)
	sys := newSystem(func() exchange.Time { return w.Now })
	sys.free["shoe"] = 10
	for _, r := range []*desktest.Shop{birch, cedar} {
		w.Partner(acorn, r, exchange.DefaultTerms("EUR"))
	}
	acorn.Bridge = sys
	acorn.Restart()
	w.Greet(acorn, birch)
	w.Greet(acorn, cedar)
	res := desktest.Reserve(t, birch, acorn, pairs(3))
	_, err := cedar.Desk.Retailer.Reserve(context.Background(), trade.ReserveRequest{
		ID: res.Request.ID, Supplier: acorn.ID, Lines: exchangetest.Lines(pairs(3)), Country: "SE",
	})
	if exchange.CodeOf(err) != exchange.CodeConflict || sys.free["shoe"] != 7 {
		t.Errorf("%v, %d are free", err, sys.free["shoe"])
	}
}
