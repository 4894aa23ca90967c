package trade_test

import (
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/protocol"
)

func shoes(n exchange.Quantity) exchange.Lines {
	return exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: n})
}

func reserveOwn(t *testing.T, s *desktest.Shop, lines exchange.Lines) *trade.Reservation {
	t.Helper()
	res, err := s.Desk.Own.Reserve(desktest.Ctx, trade.OwnRequest{Lines: lines})
	desktest.Must(t, err)
	return res
}

func isCode(t *testing.T, err error, code exchange.Code) {
	t.Helper()
	if exchange.CodeOf(err) != code {
		t.Fatalf("%v (%v), want %v", err, exchange.CodeOf(err), code)
	}
}

// sound holds a shop's books against each other.
func sound(t *testing.T, s *desktest.Shop) *audit.Books {
	t.Helper()
	b, err := audit.Shop(s.ID, s.Mem, protocol.Codec{}, s.W.Verifier())
	desktest.Must(t, err)
	return b
}

// TestOneShelf: an own channel and a partner sell from one shelf. What the one has taken, the other
// is refused; the last unit is sold once.
func TestOneShelf(t *testing.T) {
	_, acorn, birch := desktest.Pair(t) // 10 shoes
	own := reserveOwn(t, acorn, shoes(9))
	if own.State != hold.Held || own.Quote.Total != 9*9900 || own.Quote.Shipping != 0 {
		t.Fatalf("%+v, %+v", own, own.Quote)
	}
	_, err := birch.Desk.Retailer.Reserve(desktest.Ctx, trade.ReserveRequest{Supplier: acorn.ID, Lines: shoes(2), Country: "SE"})
	isCode(t, err, exchange.CodeInsufficient)
	desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	_, err = acorn.Desk.Own.Sell(desktest.Ctx, trade.SaleRequest{Lines: shoes(1), Left: true})
	isCode(t, err, exchange.CodeInsufficient)
	if short := exchange.ShortLines(err); len(short) != 1 || short[0].Available != 0 {
		t.Errorf("short: %+v", short)
	}
	sale, err := acorn.Desk.Own.Sell(desktest.Ctx, trade.SaleRequest{Reservation: own.Request.ID, Reference: "W-1"})
	desktest.Must(t, err)
	sound(t, acorn)
	again, err := acorn.Desk.Own.Sell(desktest.Ctx, trade.SaleRequest{Reservation: own.Request.ID, Reference: "W-1"})
	desktest.Must(t, err)
	if again.Sale.ID != sale.Sale.ID || again.Sale.Order.Submitted != sale.Sale.Order.Submitted {
		t.Error("a repeat sold again")
	}
	_, err = acorn.Desk.Own.Sell(desktest.Ctx, trade.SaleRequest{Reservation: own.Request.ID, Reference: "W-2"})
	isCode(t, err, exchange.CodeConflict)

	_, err = acorn.Desk.Own.Ship(desktest.Ctx, own.Request.ID, []order.Units{{SKU: "shoe", Units: 4}}, "DHL", "1")
	desktest.Must(t, err)
	_, err = acorn.Desk.Own.Cancel(desktest.Ctx, own.Request.ID, []order.Units{{SKU: "shoe", Units: 2}}, "")
	desktest.Must(t, err)
	_, err = acorn.Desk.Own.Return(desktest.Ctx, own.Request.ID, []order.Units{{SKU: "shoe", Units: 5}}, false)
	isCode(t, err, exchange.CodeState)
	_, err = acorn.Desk.Own.Return(desktest.Ctx, own.Request.ID, []order.Units{{SKU: "shoe", Units: 1}}, true)
	desktest.Must(t, err)
	desktest.Must(t, acorn.Desk.Shelf.Movements("shoe", 0, func(_ uint64, m *record.Movement) bool {
		if m.Cause != record.CauseOwnDamaged || m.Units != 1 || m.Order != own.Request.ID {
			t.Errorf("of the damaged one that came back the journal says %+v", m)
		}
		return false
	}))
	_, err = acorn.Desk.Own.Cancel(desktest.Ctx, own.Request.ID, []order.Units{{SKU: "shoe", Units: 4}}, "")
	isCode(t, err, exchange.CodeShipped)
	// 10 on the shelf, 4 left, 3 wait, 1 is held by the partner.
	if s := desktest.StockOf(t, acorn, "shoe"); s.Shelf() != 6 || s.Unshipped() != 3 || s.Available() != 2 {
		t.Errorf("%+v", s)
	}
	sound(t, acorn)
}

// TestReturnGoesOntoTheShelf: with a movement that names the sale, unless the shop's own system
// brings what comes back with its next figure.
func TestReturnGoesOntoTheShelf(t *testing.T) {
	_, acorn, _ := desktest.Pair(t)
	sell := func() exchange.OrderID {
		sale, err := acorn.Desk.Own.Sell(desktest.Ctx, trade.SaleRequest{Lines: shoes(3), Left: true})
		desktest.Must(t, err)
		return sale.Sale.ID
	}
	first := sell()
	desktest.Must(t, acorn.Desk.Shelf.SetSource(desktest.Ctx, record.Source{}))
	_, err := acorn.Desk.Own.Return(desktest.Ctx, first, nil, false)
	isCode(t, err, exchange.CodeState) // its stock is told by a file of no chosen meaning
	desktest.Must(t, acorn.Desk.Shelf.SetSource(desktest.Ctx, record.Source{Figure: record.FigureOnHand}))
	_, err = acorn.Desk.Own.Return(desktest.Ctx, first, nil, false)
	desktest.Must(t, err)
	if s := desktest.StockOf(t, acorn, "shoe"); s.Shelf() != 10 || s.Available() != 10 {
		t.Errorf("%+v", s)
	}
	var newest *record.Movement
	desktest.Must(t, acorn.Desk.Shelf.Movements("shoe", 0, func(_ uint64, m *record.Movement) bool {
		newest = m
		return false
	}))
	if newest.Cause != record.CauseOwnReturned || newest.Units != 3 || newest.Order != first || newest.Partner != acorn.ID {
		t.Errorf("%+v", newest)
	}
	sound(t, acorn)
}

// TestLatePayment: a reservation that has expired is not sold, except where the seller says to take
// it again and its units are still there; the units are taken in that very step.
func TestLatePayment(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	res := reserveOwn(t, acorn, shoes(8))
	other := reserveOwn(t, acorn, exchangetest.Lines(exchange.Line{SKU: "hat", Quantity: 5}))
	w.Now = w.Now.Add(time.Hour)
	late := trade.SaleRequest{Reservation: res.Request.ID}
	_, err := acorn.Desk.Own.Sell(desktest.Ctx, late)
	isCode(t, err, exchange.CodeExpired)
	late.IfStillThere = true
	sale, err := acorn.Desk.Own.Sell(desktest.Ctx, late)
	desktest.Must(t, err)
	if !sale.Late || sale.Sale.Due() != 8*9900 {
		t.Errorf("%+v", sale)
	}
	desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "hat", Quantity: 2})
	_, err = acorn.Desk.Own.Sell(desktest.Ctx, trade.SaleRequest{Reservation: other.Request.ID, IfStillThere: true})
	isCode(t, err, exchange.CodeGone)
	if short := exchange.ShortLines(err); len(short) != 1 || short[0].Available != 3 {
		t.Errorf("short: %+v", short)
	}
	shown, err := acorn.Desk.Own.Reservation(res.Request.ID)
	desktest.Must(t, err)
	if shown.State != hold.Expired {
		t.Errorf("the hold is %v: it ended once", shown.State)
	}
	sound(t, acorn)
}

// TestOwnReservationLives: by the shop's setting, extensions included; it is given back once, by its
// owner or by time.
func TestOwnReservationLives(t *testing.T) {
	w, acorn, _ := desktest.Pair(t)
	_, err := acorn.Desk.Own.Reserve(desktest.Ctx, trade.OwnRequest{Lines: shoes(1), Lifetime: 61 * time.Minute})
	isCode(t, err, exchange.CodeLifetime)
	res := reserveOwn(t, acorn, shoes(4))
	id := res.Request.ID
	if got := res.Expires.Sub(w.Now); got != 30*time.Minute {
		t.Errorf("it lives %v", got)
	}
	_, err = acorn.Desk.Own.Extend(desktest.Ctx, id, w.Now.Add(61*time.Minute))
	isCode(t, err, exchange.CodeLifetime)
	_, err = acorn.Desk.Own.Extend(desktest.Ctx, id, w.Now.Add(time.Hour))
	desktest.Must(t, err)
	w.Now = w.Now.Add(59 * time.Minute)
	desktest.Must(t, acorn.Desk.Tick())
	if s := desktest.StockOf(t, acorn, "shoe"); s.Held != 4 {
		t.Errorf("%+v", s)
	}
	w.Now = w.Now.Add(time.Minute)
	_, err = acorn.Desk.Own.Sell(desktest.Ctx, trade.SaleRequest{Lines: shoes(1)}) // a batch ends what is due
	desktest.Must(t, err)
	if s := desktest.StockOf(t, acorn, "shoe"); s.Held != 0 || s.Sold != 1 {
		t.Errorf("%+v", s)
	}
	_, err = acorn.Desk.Own.Release(desktest.Ctx, id)
	isCode(t, err, exchange.CodeExpired)

	desktest.Must(t, acorn.Desk.Shelf.Remove(desktest.Ctx, "hat"))
	_, err = acorn.Desk.Own.Reserve(desktest.Ctx, trade.OwnRequest{Lines: exchangetest.Lines(exchange.Line{SKU: "hat", Quantity: 1})})
	isCode(t, err, exchange.CodeWithdrawn)
	sound(t, acorn)
}

// TestKeptBack: partners are offered what is left when the units kept back are taken off, in the
// catalog, live and in holds; the own channels sell all.
func TestKeptBack(t *testing.T) {
	_, acorn, birch := desktest.Pair(t)
	keep := record.Bound{Set: true, Units: 7}
	desktest.Must(t, acorn.Desk.Shelf.Bounds.Set(desktest.Ctx, []shelf.SetBounds{{SKU: "shoe", Keep: &keep}}))
	lines, err := birch.Desk.Retailer.AskStock(desktest.Ctx, acorn.ID, []exchange.SKU{"shoe", "hat"})
	desktest.Must(t, err)
	if lines[0].Available.Units != 3 || lines[1].Available.Units != 5 {
		t.Errorf("%+v", lines)
	}
	ask := func(n exchange.Quantity) error {
		_, err := birch.Desk.Retailer.Reserve(desktest.Ctx, trade.ReserveRequest{Supplier: acorn.ID, Lines: shoes(n), Country: "SE"})
		return err
	}
	err = ask(4)
	isCode(t, err, exchange.CodeInsufficient)
	if short := exchange.ShortLines(err); len(short) != 1 || short[0].Available != 3 {
		t.Errorf("%+v", short)
	}
	desktest.Must(t, ask(3))
	reserveOwn(t, acorn, shoes(7))
	isCode(t, ask(1), exchange.CodeInsufficient)
	sound(t, acorn)
}

// TestShare: one partner holds no more than its share, however many holds it makes; another has
// a share of its own. An order frees it, as an expiry does.
func TestShare(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	acorn.Policy.Share = 4
	desktest.Must(t, acorn.Desk.SetPolicy(acorn.Policy))
	ask := func(n exchange.Quantity) (*trade.Reservation, error) {
		return birch.Desk.Retailer.Reserve(desktest.Ctx, trade.ReserveRequest{Supplier: acorn.ID, Lines: shoes(n), Country: "SE"})
	}
	first, err := ask(3)
	desktest.Must(t, err)
	_, err = ask(2)
	isCode(t, err, exchange.CodeInsufficient)
	if short := exchange.ShortLines(err); len(short) != 1 || short[0].Available != 1 || !strings.Contains(err.Error(), "one partner") {
		t.Errorf("%v", err)
	}
	reserveOwn(t, acorn, shoes(6)) // no share bounds an own channel
	sound(t, acorn)
	_, err = birch.Desk.Retailer.PlaceOrder(desktest.Ctx, first.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	w.Settle()
	_, err = ask(1)
	desktest.Must(t, err)
	sound(t, acorn)
	w.Now = w.Now.Add(time.Hour)
	desktest.Must(t, acorn.Desk.Tick())
	sound(t, acorn)
	stock, err := record.Get[record.Stock](acorn.Mem, protocol.Codec{}, record.StockKey(exchange.OwnStock("shoe")))
	desktest.Must(t, err)
	if stock.Shares != nil {
		t.Errorf("nothing is held: %+v", *stock.Shares)
	}
}

// TestOwnBudget holds what the own channels cost: one synced commit each.
func TestOwnBudget(t *testing.T) {
	_, acorn, _ := desktest.Pair(t)
	at := workOf(t, acorn)
	sell := func(req trade.SaleRequest) {
		_, err := acorn.Desk.Own.Sell(desktest.Ctx, req)
		desktest.Must(t, err)
	}
	res := reserveOwn(t, acorn, shoes(1))
	sell(trade.SaleRequest{Reservation: res.Request.ID})
	for _, step := range []struct {
		name string
		run  func()
		rows int
	}{
		{"reserve", func() { res = reserveOwn(t, acorn, shoes(1)) }, 4},                                 // hold, its expiry, stock, meta; the mark of the product stands
		{"sell", func() { sell(trade.SaleRequest{Reservation: res.Request.ID}) }, 7},                    // and a line of the journal, the sale, the event log's
		{"till", func() { sell(trade.SaleRequest{Lines: shoes(1), Left: true}) }, 6},                    // two lines of the journal, no hold
		{"return", func() { _, _ = acorn.Desk.Own.Return(desktest.Ctx, res.Request.ID, nil, true) }, 0}, // nothing was shipped
	} {
		at.reset()
		step.run()
		if want := min(step.rows, 1); at.commits != want || at.rows != step.rows {
			t.Errorf("%s: %d commits of %d rows, want %d of %d", step.name, at.commits, at.rows, want, step.rows)
		}
	}
}

// TestOwnAddressIsErased as that of an order is.
func TestOwnAddressIsErased(t *testing.T) {
	w, acorn, _ := desktest.Pair(t)
	acorn.Policy.KeepAddresses = 24 * time.Hour
	desktest.Must(t, acorn.Desk.SetPolicy(acorn.Policy))
	sale, err := acorn.Desk.Own.Sell(desktest.Ctx, trade.SaleRequest{Lines: shoes(1), ShipTo: &desktest.Stockholm.ShipTo, Reference: "W-1", Note: "a gift"})
	desktest.Must(t, err)
	kept := func() bool {
		for more := true; more; {
			more, err = acorn.Desk.Prune(desktest.Ctx)
			desktest.Must(t, err)
		}
		to, err := acorn.Desk.Orders.Delivery(exchange.Supplier, &sale.Sale)
		return err == nil && to.Name == desktest.Stockholm.Name && to.Note == "a gift"
	}
	w.Now = w.Now.Add(48 * time.Hour)
	if !kept() {
		t.Error("erased before the parcel left")
	}
	_, err = acorn.Desk.Own.Ship(desktest.Ctx, sale.Sale.ID, nil, "", "")
	desktest.Must(t, err)
	if !kept() {
		t.Error("erased at once")
	}
	sound(t, acorn)
	w.Now = w.Now.Add(25 * time.Hour)
	if kept() {
		t.Error("kept for ever")
	}
	sound(t, acorn)
}
