package trade_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/basket"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/trade"
)

// stall is a retailer with 5 cups of its own, and partners who supply 10 shoes each.
type stall struct {
	*desktest.World
	retailer  *desktest.Shop
	suppliers []*desktest.Shop
}

func newStall(t testing.TB, suppliers int) *stall {
	w := desktest.NewWorld(t, 1, suppliers+1)
	s := &stall{World: w, retailer: w.Shops[0], suppliers: w.Shops[1:]}
	s.retailer.Stock("cup", 5, 700)
	for _, shop := range s.suppliers {
		shop.Stock("shoe", 10, 9900)
		terms := exchange.DefaultTerms("EUR")
		terms.Discount = 1500
		w.Partner(shop, s.retailer, terms)
	}
	return s
}

func (s *stall) baskets() *trade.Baskets { return s.retailer.Desk.Baskets }

// of asks for units of a shoe of each supplier, and for cups of the own shop.
func (s *stall) of(shoes, cups exchange.Quantity) trade.BasketRequest {
	req := trade.BasketRequest{Country: "SE"}
	for _, shop := range s.suppliers {
		req.Parts = append(req.Parts, trade.BasketPart{Supplier: shop.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: shoes})})
	}
	if cups > 0 {
		req.Parts = append(req.Parts, trade.BasketPart{Supplier: s.retailer.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "cup", Quantity: cups})})
	}
	return req
}

func (s *stall) hold(req trade.BasketRequest) *trade.Basket {
	s.T.Helper()
	b, err := s.baskets().Hold(desktest.Ctx, req)
	desktest.Must(s.T, err)
	return b
}

// is fails unless a basket and its parts are in the states given.
func (s *stall) is(id exchange.BasketID, state basket.State, parts ...basket.PartState) *trade.Basket {
	s.T.Helper()
	b, err := s.baskets().Find(id)
	desktest.Must(s.T, err)
	var got []basket.PartState
	for _, p := range b.Parts {
		got = append(got, p.State)
	}
	if b.State != state || !slices.Equal(got, parts) {
		s.T.Fatalf("the basket is %v with parts %v, want %v with %v", b.State, got, state, parts)
	}
	return b
}

// heldAt is how many units of shoes a supplier holds, and of cups the retailer.
func (s *stall) heldAt(shop *desktest.Shop) int64 {
	sku := exchange.SKU("shoe")
	if shop == s.retailer {
		sku = "cup"
	}
	return desktest.StockOf(s.T, shop, sku).Held
}

// nothingHeld fails where any shop still holds something.
func (s *stall) nothingHeld() {
	s.T.Helper()
	for _, shop := range s.Shops {
		if n := s.heldAt(shop); n != 0 {
			s.T.Errorf("%s holds %d units", shop.Name, n)
		}
	}
}

func TestBasketHeldAndOrdered(t *testing.T) {
	s := newStall(t, 2)
	b := s.hold(s.of(3, 2))
	s.is(b.ID, basket.Held, basket.PartHeld, basket.PartHeld, basket.PartHeld)
	for i, d := range b.Details {
		if d.Quote == nil || d.Quote.Expires < b.Expires() {
			t.Errorf("part %d has the quote %+v, the basket expires at %v", i, d.Quote, b.Expires())
		}
	}
	b, err := s.baskets().Order(desktest.Ctx, b.ID, trade.BasketOrder{Delivery: desktest.Stockholm})
	desktest.Must(t, err)
	s.is(b.ID, basket.Ordering, basket.PartOrdered, basket.PartOrdered, basket.PartAccepted)
	s.Settle()
	b = s.is(b.ID, basket.Done, basket.PartAccepted, basket.PartAccepted, basket.PartAccepted)
	if r := b.Refunds(); len(r) > 0 {
		t.Errorf("everything was accepted, and %+v is to be paid back", r)
	}
	s.nothingHeld()
	for _, shop := range s.suppliers {
		if got := desktest.StockOf(t, shop, "shoe"); got.Sold != 3 {
			t.Errorf("%s: %+v", shop.Name, got)
		}
	}
	// The same again is the same; another address is a conflict.
	_, err = s.baskets().Order(desktest.Ctx, b.ID, trade.BasketOrder{Delivery: desktest.Stockholm})
	desktest.Must(t, err)
	other := desktest.Stockholm
	other.ShipTo.Name = "Bo Ek"
	if _, err := s.baskets().Order(desktest.Ctx, b.ID, trade.BasketOrder{Delivery: other}); exchange.CodeOf(err) != exchange.CodeConflict {
		t.Errorf("another address: %v", err)
	}
	if _, err := s.baskets().Release(desktest.Ctx, b.ID); exchange.CodeOf(err) != exchange.CodeOrdered {
		t.Errorf("released after the order: %v", err)
	}
}

func TestBasketAllOrNone(t *testing.T) {
	s := newStall(t, 3)
	desktest.Reserve(t, s.retailer, s.suppliers[1], exchange.Line{SKU: "shoe", Quantity: 9})
	desktest.Reserve(t, s.retailer, s.suppliers[2], exchange.Line{SKU: "shoe", Quantity: 8})
	_, err := s.baskets().Hold(desktest.Ctx, s.of(3, 6))
	var no *trade.BasketError
	if !errors.As(err, &no) || exchange.CodeOf(err) != exchange.CodeInsufficient {
		t.Fatalf("refused with %v", err)
	}
	var short []exchange.Short
	for _, p := range no.Basket.Parts {
		short = append(short, p.Short...)
	}
	want := []exchange.Short{{SKU: "shoe", Asked: 3, Available: 1}, {SKU: "shoe", Asked: 3, Available: 2}, {SKU: "cup", Asked: 6, Available: 5}}
	if !slices.Equal(short, want) {
		t.Errorf("short: %v, want %v", short, want)
	}
	s.Settle()
	s.is(no.Basket.ID, basket.Refused, basket.PartReleased, basket.PartRefused, basket.PartRefused, basket.PartRefused)
	if n := s.heldAt(s.suppliers[0]); n != 0 {
		t.Errorf("%d units are held for nobody", n)
	}
}

func TestBasketPartial(t *testing.T) {
	s := newStall(t, 2)
	desktest.Reserve(t, s.retailer, s.suppliers[1], exchange.Line{SKU: "shoe", Quantity: 9})
	req := s.of(3, 2)
	req.Partial = true
	b := s.hold(req)
	s.is(b.ID, basket.PartlyHeld, basket.PartHeld, basket.PartRefused, basket.PartHeld)
	_, err := s.baskets().Order(desktest.Ctx, b.ID, trade.BasketOrder{Delivery: desktest.Stockholm})
	desktest.Must(t, err)
	s.Settle()
	s.is(b.ID, basket.Done, basket.PartAccepted, basket.PartRefused, basket.PartAccepted)
}

// Nobody answers one supplier's part: it is given back though nobody knows whether it is held, and
// where all are silent the basket is unavailable.
func TestBasketSilence(t *testing.T) {
	for name, fate := range map[string]desktest.Fate{"request lost": desktest.Lost, "answer lost": desktest.ReplyLost, "late": desktest.ArrivesLate} {
		t.Run(name, func(t *testing.T) {
			s := newStall(t, 2)
			type late struct {
				from, to *desktest.Shop
				raw      []byte
			}
			var arrives []late
			s.Late = func(from, to *desktest.Shop, raw []byte) { arrives = append(arrives, late{from, to, raw}) }
			s.Fate = func(_, to *desktest.Shop) desktest.Fate {
				if to == s.suppliers[1] {
					return fate
				}
				return desktest.Arrives
			}
			_, err := s.baskets().Hold(desktest.Ctx, s.of(3, 1))
			var no *trade.BasketError
			if !errors.As(err, &no) || exchange.CodeOf(err) != exchange.CodeUnavailable {
				t.Fatalf("%v", err)
			}
			s.is(no.Basket.ID, basket.Releasing, basket.PartReturning, basket.PartReturning, basket.PartReleased)
			s.Fate = nil
			s.Settle()
			s.is(no.Basket.ID, basket.Refused, basket.PartReleased, basket.PartReleased, basket.PartReleased)
			for _, l := range arrives {
				_, _ = l.to.Serve(desktest.Ctx, l.from.ID, l.raw)
			}
			s.nothingHeld()
		})
	}
}

func TestBasketReleasedAndExpired(t *testing.T) {
	s := newStall(t, 2)
	b := s.hold(s.of(3, 2))
	_, err := s.baskets().Release(desktest.Ctx, b.ID)
	desktest.Must(t, err)
	s.Settle()
	s.is(b.ID, basket.Released, basket.PartReleased, basket.PartReleased, basket.PartReleased)
	s.nothingHeld()

	req := s.of(3, 2)
	req.Lifetime = time.Minute
	b = s.hold(req)
	b, err = s.baskets().Extend(desktest.Ctx, b.ID, s.Now.Add(2*time.Minute))
	desktest.Must(t, err)
	if b.Expires() != s.Now.Add(2*time.Minute) {
		t.Errorf("extended, it expires at %v", b.Expires())
	}
	s.Now = s.Now.Add(2 * time.Minute)
	if _, err := s.baskets().Order(desktest.Ctx, b.ID, trade.BasketOrder{Delivery: desktest.Stockholm}); exchange.CodeOf(err) != exchange.CodeExpired {
		t.Errorf("ordered past its expiry: %v", err)
	}
	s.Settle()
	if got := s.is(b.ID, basket.Expired, basket.PartExpired, basket.PartExpired, basket.PartExpired); got.Ended == 0 {
		t.Error("it has no end")
	}
	s.nothingHeld()
}

// The key of a request finds its basket for 24 hours, also after a crash; another content is a conflict.
func TestBasketKey(t *testing.T) {
	s := newStall(t, 2)
	req := s.of(3, 2)
	req.Key = trade.ReservationKey{1}
	first := s.hold(req)
	s.retailer.Restart()
	if again := s.hold(req); again.ID != first.ID || again.State != basket.Held {
		t.Errorf("the repeat found %v, %v", again.ID, again.State)
	}
	other := s.of(2, 2)
	other.Key = req.Key
	if _, err := s.baskets().Hold(desktest.Ctx, other); exchange.CodeOf(err) != exchange.CodeConflict {
		t.Errorf("another content under the key: %v", err)
	}
	for _, shop := range s.suppliers {
		if n := s.heldAt(shop); n != 3 {
			t.Errorf("%s holds %d", shop.Name, n)
		}
	}
}

// A supplier rejects its order: the answer says what to pay back, and the others stay unless they
// are to be cancelled.
func TestBasketRefund(t *testing.T) {
	for _, cancel := range []bool{false, true} {
		s := newStall(t, 2)
		s.suppliers[1].Policy.AcceptByHand = true
		desktest.Must(t, s.suppliers[1].Desk.SetPolicy(s.suppliers[1].Policy))
		b := s.hold(s.of(3, 2))
		_, err := s.baskets().Order(desktest.Ctx, b.ID, trade.BasketOrder{Delivery: desktest.Stockholm, CancelRest: cancel})
		desktest.Must(t, err)
		s.Settle()
		b = s.is(b.ID, basket.Ordering, basket.PartAccepted, basket.PartOrdered, basket.PartAccepted)
		_, err = s.suppliers[1].Desk.Supplier.RejectOrder(desktest.Ctx, b.Parts[1].Hold, "broken")
		desktest.Must(t, err)
		s.Settle()
		b = s.is(b.ID, basket.Done, basket.PartAccepted, basket.PartRejected, basket.PartAccepted)
		refunds := b.Refunds()
		want := 1
		if cancel {
			want = 3
		}
		if len(refunds) != want {
			t.Fatalf("cancel %v: refunds %+v", cancel, refunds)
		}
		for _, r := range refunds {
			q := b.Details[r.Part].Quote
			if r.Amount != (exchange.Money{Minor: q.Total, Currency: q.Currency}) || len(r.Lines) != 1 || r.Lines[0].Units != int64(q.Lines[0].Quantity) || r.Lines[0].Amount.Minor != q.Lines[0].Total {
				t.Errorf("the refund %+v of the quote %+v", r, q)
			}
		}
	}
}

// What ends a part by itself ends the basket with it: a recall, a release by hand, the end of the
// partnership. A part is not ordered by itself.
func TestBasketPartEndsByItself(t *testing.T) {
	for name, end := range map[string]func(s *stall, b *trade.Basket){
		"released by hand": func(s *stall, b *trade.Basket) {
			_, err := s.retailer.Desk.Retailer.Release(desktest.Ctx, b.Parts[0].Hold)
			desktest.Must(s.T, err)
		},
		"own released by hand": func(s *stall, b *trade.Basket) {
			_, err := s.retailer.Desk.Own.Release(desktest.Ctx, b.Parts[2].Hold)
			desktest.Must(s.T, err)
		},
		"recalled": func(s *stall, b *trade.Basket) {
			_, err := s.suppliers[0].Desk.Supplier.ReleaseProduct(desktest.Ctx, "shoe")
			desktest.Must(s.T, err)
		},
		"own recalled": func(s *stall, b *trade.Basket) {
			_, err := s.retailer.Desk.Supplier.ReleaseProduct(desktest.Ctx, "cup")
			desktest.Must(s.T, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStall(t, 2)
			b := s.hold(s.of(3, 2))
			if _, err := s.retailer.Desk.Retailer.PlaceOrder(desktest.Ctx, b.Parts[0].Hold, desktest.Stockholm); exchange.CodeOf(err) != exchange.CodeConflict {
				t.Errorf("a part was ordered by itself: %v", err)
			}
			if _, err := s.retailer.Desk.Own.Sell(desktest.Ctx, trade.SaleRequest{Reservation: b.Parts[2].Hold}); exchange.CodeOf(err) != exchange.CodeConflict {
				t.Errorf("the own part was sold by itself: %v", err)
			}
			end(s, b)
			s.Settle()
			s.is(b.ID, basket.Released, basket.PartReleased, basket.PartReleased, basket.PartReleased)
			if _, err := s.baskets().Order(desktest.Ctx, b.ID, trade.BasketOrder{Delivery: desktest.Stockholm}); exchange.CodeOf(err) != exchange.CodeReleased {
				t.Errorf("ordered: %v", err)
			}
			s.nothingHeld()
		})
	}
}

// One basket of two suppliers and the own shop: one commit here before the answer, one at each
// supplier. What is written behind shares a batch where the writer runs.
func TestBasketBudget(t *testing.T) {
	s := newStall(t, 2)
	at := workOf(t, s.retailer)
	supplier := workOf(t, s.suppliers[0])
	for _, shop := range s.suppliers {
		s.Greet(shop, s.retailer)
	}
	s.Settle()
	s.hold(s.of(1, 1))
	s.Settle()
	at.reset()
	supplier.reset()
	s.hold(s.of(1, 1))
	if got, want := supplier.spent(), (budget{encodes: 6, decodes: 1, reads: 1, commits: 1, rows: 5}); got != want {
		t.Errorf("a supplier spent %+v, as of a hold it is %+v: %v", got, want, supplier)
	}
	// The intent with the own hold; behind it, in one commit where the writer runs, the record of each
	// part, and the basket's with its event.
	if got := (budget{commits: at.commits, rows: at.rows}); got != (budget{commits: 4, rows: 12}) {
		t.Errorf("the retailer spent %+v: %v", got, at)
	}
}
