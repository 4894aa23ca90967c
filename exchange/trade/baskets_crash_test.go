package trade_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/basket"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// One checkout, in which each shop in turn dies at each of its commits, whether the commit happened or
// not. A customer who tries again gets what is wanted; one who does not come back leaves nothing
// held, at the latest when the holds are over.
func TestBasketCrashAtEveryCommit(t *testing.T) {
	for _, comesBack := range []bool{true, false} {
		for _, asksFirst := range []bool{false, true} {
			for shop := range 3 {
				for _, fault := range []store.Fault{store.FaultBefore, store.FaultAfter} {
					for n := 1; ; n++ {
						name := fmt.Sprintf("shop %d, commit %d, fault %d, comes back %v, asks first %v", shop, n, fault, comesBack, asksFirst)
						if !crashOnce(t, name, shop, n, fault, comesBack, asksFirst) {
							if n < 3 {
								t.Errorf("%s: there were no more commits", name)
							}
							break
						}
					}
				}
			}
		}
	}
}

// crashOnce runs a checkout in which a shop dies at its n-th commit; false where it has fewer.
func crashOnce(t *testing.T, name string, dies, n int, fault store.Fault, comesBack, asksFirst bool) (died bool) {
	t.Helper()
	s := newStall(t, 2)
	left := n
	shop := s.Shops[dies]
	shop.Committing = func() {
		if left--; left == 0 {
			shop.Mem.FailNext(fault)
		}
	}
	req := s.of(3, 2)
	req.Key = trade.ReservationKey{1}
	tries := 1
	if comesBack {
		tries = 4
	}
	var id exchange.BasketID
	var held, ordered bool
	revive := func() { // who has died starts, connects, looks after what it finds, and sends
		for range 4 {
			for _, shop := range s.Shops {
				if _ = shop.Desk.Tick(); shop.Died() {
					for _, supplier := range s.suppliers {
						s.Greet(supplier, s.retailer)
					}
				}
				life := shop.Life
				list, _ := shop.Desk.Outgoing()
				for _, out := range list {
					if reply, err := s.ShopOf(out.To).Serve(desktest.Ctx, shop.ID, out.Raw); shop.Life == life && !shop.Died() {
						out.Done(desktest.Ctx, reply, err)
					}
				}
			}
		}
	}
	for range tries {
		s.baskets().AsksFirst(asksFirst)
		b, err := s.baskets().Hold(desktest.Ctx, req)
		revive()
		if held = err == nil && b.State.IsHeld(); held {
			id = b.ID
			break
		}
		s.Now = s.Now.Add(time.Second)
		req.Key[1]++ // a basket that was refused stays so: the customer asks anew
	}
	for range tries {
		if !held {
			break
		}
		_, err := s.baskets().Order(desktest.Ctx, id, trade.BasketOrder{Delivery: desktest.Stockholm})
		revive()
		if ordered = err == nil; ordered {
			break
		}
		s.Now = s.Now.Add(time.Second)
	}
	if died = left <= 0; !died {
		return false
	}
	shop.Committing = nil
	for _, supplier := range s.suppliers {
		s.Greet(supplier, s.retailer)
	}
	s.Settle()
	s.Now = s.Now.Add(time.Minute)
	s.Settle()
	if comesBack && !ordered {
		t.Errorf("%s: nothing was ordered", name)
	}
	if ordered {
		if b, err := s.baskets().Find(id); err != nil || b.State != basket.Done {
			t.Errorf("%s: it was ordered, and is %+v (%v)", name, b, err)
		}
	}
	s.Now = s.Now.Add(2 * time.Hour)
	s.Settle()
	s.nothingHeld()
	_ = s.baskets().Visit(exchange.BasketID{}, func(b *trade.Basket) bool {
		if !b.Settled() {
			t.Errorf("%s: a basket is %v", name, b.State)
		}
		return true
	})
	var books []*audit.Books
	for _, shop := range s.Shops {
		b, err := audit.Shop(shop.ID, shop.Mem, protocol.Codec{}, s.Verifier())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, before := range books {
			if err := audit.Healed(b, before); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		books = append(books, b)
	}
	if t.Failed() {
		t.FailNow()
	}
	return true
}

// The greatest basket that there can be is held, given back and ordered in one commit each, below the
// limits of the smallest store.
func TestLargestBasket(t *testing.T) {
	w := desktest.NewWorld(t, 1, basket.MaxParts)
	s := &stall{World: w, retailer: w.Shops[0], suppliers: w.Shops[1:]}
	long := func(i int) exchange.SKU { return exchange.SKU(fmt.Sprintf("%s-%d", strings.Repeat("long", 31), i)) }
	terms := exchange.DefaultTerms("EUR")
	req := trade.BasketRequest{Country: "SE"}
	for i, shop := range w.Shops {
		var lines []exchange.Line
		for j := range basket.MaxLines / basket.MaxParts {
			sku := long(j)
			_, err := shop.Desk.Shelf.Import(desktest.Ctx, shelf.Statement{}, []shelf.Item{{
				Product: exchange.Product{
					SKU: sku, Title: strings.Repeat("t", exchange.MaxTitle), Price: exchange.Money{Minor: 1, Currency: "EUR"},
					Options: []exchange.Option{{Name: strings.Repeat("n", 60), Value: strings.Repeat("v", 60)}},
				},
				Stock: shelf.Figure{Set: true, Units: 10},
			}})
			desktest.Must(t, err)
			lines = append(lines, exchange.Line{SKU: sku, Quantity: 1})
		}
		if i > 0 {
			w.Partner(shop, s.retailer, terms)
		}
		req.Parts = append(req.Parts, trade.BasketPart{Supplier: shop.ID, Lines: exchangetest.Lines(lines...)})
	}
	to := desktest.Stockholm
	to.ShipTo.Lines = []string{strings.Repeat("l", 250), strings.Repeat("l", 250), strings.Repeat("l", 250), strings.Repeat("l", 250)}
	to.Note, to.Reference = strings.Repeat("n", exchange.MaxNote), strings.Repeat("r", exchange.MaxReference)
	for range 2 {
		b := s.hold(req)
		_, err := s.baskets().Release(desktest.Ctx, b.ID)
		desktest.Must(t, err)
		s.Settle()
		if b, err = s.baskets().Find(b.ID); err != nil || b.State != basket.Released {
			t.Fatalf("released, it is %v (%v)", b.State, err)
		}
	}
	b := s.hold(req)
	_, err := s.baskets().Order(desktest.Ctx, b.ID, trade.BasketOrder{Delivery: to})
	desktest.Must(t, err)
	s.Settle()
	if b, err = s.baskets().Find(b.ID); err != nil || b.State != basket.Done || len(b.Refunds()) > 0 {
		t.Fatalf("ordered, it is %v (%v)", b.State, err)
	}
	audited(t, s.Shops...)
}
