package trade_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/protocol"
)

var (
	screw = exchange.Product{
		SKU: "screw", Title: "Screw", Price: exchange.Money{Minor: 6, Currency: "EUR"},
		Options: []exchange.Option{{Name: "Length", Value: "40 mm"}}, Barcode: "4012345000103", Image: "https://acorn.example/screw.jpg",
	}
	screws = exchange.Line{SKU: "screw", Quantity: 300}
)

// screwPair are two partners, 15% off, of whom acorn has 1,000 screws at 0.06 EUR.
func screwPair(t *testing.T) (w *desktest.World, acorn, birch *desktest.Shop) {
	t.Helper()
	w, acorn, birch = desktest.Pair(t)
	bring(t, acorn)
	return w, acorn, birch
}

func bring(t *testing.T, shop *desktest.Shop) {
	t.Helper()
	_, err := shop.Desk.Shelf.Import(desktest.Ctx, shelf.Statement{}, []shelf.Item{{Product: screw, Stock: shelf.Figure{Set: true, Units: 1000}}})
	desktest.Must(t, err)
}

// TestScrews: the discount is taken off the line, and off what is left of it, at both shops.
func TestScrews(t *testing.T) {
	w, acorn, birch := screwPair(t)
	res := desktest.Reserve(t, birch, acorn, screws)
	q := res.Quote
	want := exchange.QuoteLine{
		SKU: "screw", Title: "Screw", Quantity: 300, List: 6, Total: 1530, USDTotal: 1683,
		Options: screw.Options, Barcode: screw.Barcode, Image: screw.Image,
	}
	if q.Format != exchange.QuoteByLine || q.Discount != 1500 || !reflect.DeepEqual(q.Lines, []exchange.QuoteLine{want}) || q.Total != 1530+490 || q.USDTotal != 2222 {
		t.Errorf("quoted %+v", q)
	}
	_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	w.Settle()
	for _, step := range []struct{ cancel, due, usd int64 }{
		{1, 1525 + 490, 2217}, // 299 × 0.06 = 17.94 less 2.69
		{99, 1020 + 490, 1661},
		{200, 0, 0},
	} {
		_, err = birch.Desk.Retailer.CancelPurchase(desktest.Ctx, res.Request.ID, []order.Units{{SKU: "screw", Units: step.cancel}}, "")
		desktest.Must(t, err)
		w.Settle()
		for side, s := range map[exchange.Party]*desktest.Shop{exchange.Supplier: acorn, exchange.Retailer: birch} {
			got := desktest.OrderAt(t, s, side, res.Request.ID)
			if got.Due() != step.due || got.DueUSD() != step.usd {
				t.Errorf("%d cancelled: %d due, %d US cents at the %v; want %d, %d", step.cancel, got.Due(), got.DueUSD(), side, step.due, step.usd)
			}
			if l := got.Quote.Lines[0]; !reflect.DeepEqual(l.Options, screw.Options) || l.Barcode != screw.Barcode || l.Image != screw.Image {
				t.Errorf("the order at the %v has lost what the product was: %+v", side, l)
			}
		}
	}
	audited(t, acorn, birch)
}

// TestOlderRetailer: who does not say that it reads more is answered in format 1, of which it
// makes what it always made.
func TestOlderRetailer(t *testing.T) {
	w, acorn, birch := screwPair(t)
	raw, id := holdRequest(t, windowOf(w.Now), 1, screws)
	reply := ask(acorn, t, birch, raw)
	a := opened(acorn, t, reply)
	want := exchange.QuoteLine{SKU: "screw", Title: "Screw", Quantity: 300, List: 6, Unit: 6, Total: 1800, USDUnit: 7, USDTotal: 2100}
	if q := a.Quote; q.Format != exchange.QuoteByUnit || q.Discount != 0 || !reflect.DeepEqual(q.Lines, []exchange.QuoteLine{want}) || q.USDTotal != 2100+539 {
		t.Fatalf("quoted %+v", q)
	}
	until := w.Now.Add(1)
	again := opened(acorn, t, ask(acorn, t, birch, framed(t, &message.Extend{ID: id, Until: until})))
	if again.Quote.Format != exchange.QuoteByUnit || !reflect.DeepEqual(again.Quote.Lines, a.Quote.Lines) {
		t.Errorf("extended to %+v", again.Quote)
	}
	if same := ask(acorn, t, birch, raw); !bytes.Equal(same, reply) {
		t.Error("a repeat got other bytes")
	}
	newer := message.Hold{ID: exchange.NewHoldID(windowOf(w.Now), [12]byte{9}), Lines: exchangetest.Lines(screws), Country: "SE", Reads: exchange.NewestQuote + 5}
	if q := opened(acorn, t, ask(acorn, t, birch, framed(t, &newer))).Quote; q.Format != exchange.NewestQuote {
		t.Errorf("a retailer of a version to come is quoted in format %d", q.Format)
	}
}

// TestOlderSupplier: a quote of format 1 is ordered, and paid, by its own arithmetic.
func TestOlderSupplier(t *testing.T) {
	w, acorn, birch := screwPair(t)
	lied(t, acorn, birch, message.KindHold, func(a *message.HoldAnswer) {
		for i := range a.Quote.Lines {
			l := &a.Quote.Lines[i]
			l.Options, l.Barcode, l.Image = nil, "", ""
		}
		inFormat1(t, a.Quote)
	})
	res := desktest.Reserve(t, birch, acorn, screws)
	if res.Quote.Format != exchange.QuoteByUnit || res.Quote.Total != 1800+490 {
		t.Fatalf("quoted %+v", res.Quote)
	}
	if unit, exact := res.Quote.UnitPrice(&res.Quote.Lines[0]); unit != 6 || !exact {
		t.Errorf("a unit is %d", unit)
	}
	rec := record.Order{Quote: *res.Quote, Order: order.Order{Submitted: w.Now, Lines: []order.Line{{SKU: "screw", Ordered: 300, Cancelled: 100}}}}
	if rec.Due() != 200*6+490 || rec.DueUSD() != 200*7+539 {
		t.Errorf("%d due, %d US cents", rec.Due(), rec.DueUSD())
	}
}

// TestNoRate: a supplier without a rate sells to retailers of this version, in its own
// currency alone, and tells an older one what to do.
func TestNoRate(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	acorn.Policy.Rate = exchange.Rate{}
	acorn.Restart()
	w.Greet(acorn, birch)
	bring(t, acorn)
	if p, err := acorn.Desk.Shelf.Product("screw"); err != nil || p.Product.USD.Known() {
		t.Fatalf("%+v, %v", p, err)
	}
	raw, _ := holdRequest(t, windowOf(w.Now), 1, screws)
	a := opened(acorn, t, ask(acorn, t, birch, raw))
	if a.State != hold.Refused || a.Refusal != exchange.CodeNoRate || !strings.Contains(a.Detail, "newer version of Souk") || len(a.Detail) >= protocol.MaxDetail {
		t.Errorf("an older retailer is answered %v %v: %s", a.State, a.Refusal, a.Detail)
	}
	bought := desktest.Buy(t, birch, acorn, "screw", 300)
	w.Settle()
	if bought.Quote.Rate.Known() || bought.Quote.USDTotal != 0 || bought.Due() != 1530+490 || bought.DueUSD() != 0 {
		t.Errorf("bought %+v", bought.Quote)
	}
	// A rate gives the product its price, and the next quote its dollars.
	acorn.Policy.Rate = exchange.Rate{From: "EUR", Num: 11, Den: 10, Text: "1.1", Source: "fixed", Date: "2026-09-21"}
	desktest.Must(t, acorn.Desk.SetPolicy(acorn.Policy))
	if n, err := acorn.Desk.Shelf.Reprice(desktest.Ctx); n != 1 || err != nil { // the shoe and the hat had their price
		t.Errorf("%d products got a price, %v", n, err)
	}
	p, err := acorn.Desk.Shelf.Product("screw")
	desktest.Must(t, err)
	if want := (exchange.USDPrice{Cents: 7, Rate: "1.1", Source: "fixed", Date: "2026-09-21"}); p.Product.USD != want {
		t.Errorf("the price is %+v", p.Product.USD)
	}
	if q := desktest.Reserve(t, birch, acorn, screws).Quote; q.USDTotal != 2222 {
		t.Errorf("quoted %+v", q)
	}
	// What was priced once keeps it while there is no rate, until its own price changes.
	acorn.Policy.Rate = exchange.Rate{}
	acorn.Restart()
	bring(t, acorn)
	p, err = acorn.Desk.Shelf.Product("screw")
	desktest.Must(t, err)
	if p.Product.USD.Cents != 7 {
		t.Errorf("the price by the last rate is gone: %+v", p.Product.USD)
	}
	dearer := screw
	dearer.Price.Minor = 8
	_, err = acorn.Desk.Shelf.Import(desktest.Ctx, shelf.Statement{}, []shelf.Item{{Product: dearer}})
	desktest.Must(t, err)
	if p, err = acorn.Desk.Shelf.Product("screw"); err != nil || p.Product.USD.Known() {
		t.Errorf("a new price has the old one's dollars: %+v, %v", p.Product.USD, err)
	}
	audited(t, acorn, birch)
}

// TestRepeatAfterUpgrade: a reservation that was asked for by an older version is asked for
// again in the same bytes.
func TestRepeatAfterUpgrade(t *testing.T) {
	w, acorn, birch := screwPair(t)
	id, err := birch.Desk.Retailer.NewID(acorn.ID, [12]byte{7})
	desktest.Must(t, err)
	asked := message.Hold{ID: id, Lines: exchangetest.Lines(screws), Country: "SE"}
	raw := framed(t, &asked)
	a := opened(acorn, t, ask(acorn, t, birch, raw))
	// Its record, as the older version left it: not answered.
	rec := record.Reservation{Supplier: acorn.ID, Request: asked, Raw: raw, Created: w.Now}
	encoded, err := protocol.Codec{}.Encode(&rec)
	desktest.Must(t, err)
	desktest.Must(t, birch.Mem.Commit([]kv.Write{{Key: record.ReservationKey(id), Value: encoded}}))
	birch.Restart()
	w.Greet(acorn, birch)
	res, err := birch.Desk.Retailer.Reserve(desktest.Ctx, trade.ReserveRequest{Supplier: acorn.ID, Lines: asked.Lines, Country: "SE", ID: id})
	desktest.Must(t, err)
	if res.State != hold.Held || res.Quote.Total != a.Quote.Total {
		t.Errorf("%v: %+v", res.State, res.Quote)
	}
}
