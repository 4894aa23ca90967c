package shelf_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/protocol"
)

// put imports items under a statement and returns the outcomes.
func put(t testing.TB, s *desktest.Shop, st shelf.Statement, items ...shelf.Item) []shelf.Outcome {
	t.Helper()
	out, err := s.Desk.Shelf.Import(desktest.Ctx, st, items)
	desktest.Must(t, err)
	return out
}

// reserve asks for units of products and returns the refusal's code.
func reserve(s, supplier *desktest.Shop, lines ...exchange.Line) (*trade.Reservation, exchange.Code) {
	r, err := s.Desk.Retailer.Reserve(context.Background(), trade.ReserveRequest{Supplier: supplier.ID, Lines: exchangetest.Lines(lines...), Country: "SE"})
	return r, exchange.CodeOf(err)
}

func line(sku exchange.SKU, n exchange.Quantity) exchange.Line {
	return exchange.Line{SKU: sku, Quantity: n}
}

// sound checks the supplier's books.
func sound(t testing.TB, s *desktest.Shop) {
	t.Helper()
	if _, err := audit.Shop(s.ID, s.Mem, protocol.Codec{}, s.W.Verifier()); err != nil {
		t.Error(err)
	}
}

// TestStockStories are the two stories of a shop whose system and Souk sell from one shelf.
func TestStockStories(t *testing.T) {
	for _, c := range []struct {
		name    string
		figure  record.Figure
		ships   bool
		file    int64
		want    int64
		shelfIs int64
	}{
		{"Souk ships 3 of 10, the till sells 1, the file says 9: not chosen", record.FigureNotChosen, true, 9, 6, 6},
		{"the same, and the system knows nothing of Souk", record.FigureFreeUnaware, true, 9, 6, 6},
		{"the same, and the file says what is on hand: 6", record.FigureOnHand, true, 6, 6, 6},
		{"the shop books Souk's order itself, the file says 7: not chosen", record.FigureNotChosen, false, 7, 4, 7},
		{"the same, and the figure is what is free", record.FigureFree, false, 7, 7, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, acorn, birch := desktest.Pair(t)
			order := desktest.Buy(t, birch, acorn, "shoe", 3)
			w.Settle()
			if c.ships {
				_, err := acorn.Desk.Supplier.ShipOrder(desktest.Ctx, order.ID, nil, "", "")
				desktest.Must(t, err)
			}
			w.Now = w.Now.Add(time.Hour)
			read := w.Now
			w.Now = w.Now.Add(time.Hour)
			put(t, acorn, shelf.Statement{Figure: c.figure, BookedWithin: 10 * time.Minute, Low: read.Add(-time.Minute), High: read.Add(time.Minute)},
				item("shoe", 9900, c.file))
			if s := desktest.StockOf(t, acorn, "shoe"); s.Available() != c.want || s.Shelf() != c.shelfIs {
				t.Errorf("%d available, %d on the shelf; want %d, %d: %+v", s.Available(), s.Shelf(), c.want, c.shelfIs, s)
			}
			sound(t, acorn)
		})
	}
}

// TestOffSale: a product that is withdrawn or removed is not to be had, what was promised of it
// is kept, and it comes back by the word of who took it off sale.
func TestOffSale(t *testing.T) {
	draft := shelf.Item{Product: exchange.Product{SKU: "shoe"}, Withdrawn: "draft"}
	for _, c := range []struct {
		name         string
		off          func(*testing.T, *desktest.Shop)
		byFile       bool // the file brings it back
		byOwner      bool // the owner does
		withdrawnToo bool
	}{
		{"withdrawn", func(t *testing.T, s *desktest.Shop) { put(t, s, shelf.Statement{}, draft) }, true, false, false},
		{"removed", func(t *testing.T, s *desktest.Shop) { desktest.Must(t, s.Desk.Shelf.Remove(desktest.Ctx, "shoe")) }, false, true, false},
		{"both", func(t *testing.T, s *desktest.Shop) {
			put(t, s, shelf.Statement{}, draft)
			desktest.Must(t, s.Desk.Shelf.Remove(desktest.Ctx, "shoe"))
		}, false, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, acorn, birch := desktest.Pair(t)
			held := desktest.Reserve(t, birch, acorn, line("shoe", 2))
			ordered := desktest.Buy(t, birch, acorn, "shoe", 1)
			w.Settle()
			c.off(t, acorn)
			if _, code := reserve(birch, acorn, line("shoe", 1)); code != exchange.CodeNotFound {
				t.Errorf("a hold of it: %v", code)
			}
			if _, err := acorn.Desk.Shelf.Product("shoe"); exchange.CodeOf(err) != exchange.CodeNotFound {
				t.Errorf("it is offered: %v", err)
			}
			placed, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, held.Request.ID, desktest.Stockholm)
			desktest.Must(t, err)
			if placed.Quote.Total != held.Quote.Total {
				t.Errorf("the order costs %d, the quote said %d", placed.Quote.Total, held.Quote.Total)
			}
			w.Settle()
			_, err = acorn.Desk.Supplier.ShipOrder(desktest.Ctx, ordered.ID, nil, "", "")
			desktest.Must(t, err)
			put(t, acorn, shelf.Statement{}, item("shoe", 9900, 12))
			if _, code := reserve(birch, acorn, line("shoe", 1)); (code == exchange.CodeOK) != c.byFile {
				t.Errorf("after a file that has it: %v", code)
			}
			if c.withdrawnToo {
				put(t, acorn, shelf.Statement{}, draft)
			}
			desktest.Must(t, acorn.Desk.Shelf.Publish(desktest.Ctx, "shoe"))
			if _, code := reserve(birch, acorn, line("shoe", 1)); (code == exchange.CodeOK) != (c.byFile || c.byOwner) {
				t.Errorf("after its owner published it: %v", code)
			}
			sound(t, acorn)
		})
	}
}

// TestPool: products that sell from one pool are never sold beyond it, by one hold or by many, and
// what they took goes back there, wherever they sell from by then.
func TestPool(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	pool, err := exchange.PoolStock("BOWL")
	desktest.Must(t, err)
	bowl := func(sku exchange.SKU, units int64) shelf.Item {
		it := item(sku, 700, units)
		it.Pool = pool
		return it
	}
	put(t, acorn, shelf.Statement{}, bowl("BOWL-S", 9), bowl("BOWL-L", 9))
	for _, sku := range []exchange.SKU{"BOWL-S", "BOWL-L"} {
		if s := desktest.StockOf(t, acorn, sku); s.Available() != 9 {
			t.Fatalf("%s: %+v", sku, s)
		}
	}
	if _, code := reserve(birch, acorn, line("BOWL-S", 5), line("BOWL-L", 5)); code != exchange.CodeInsufficient {
		t.Errorf("5 and 5 of 9: %v", code)
	}
	held, code := reserve(birch, acorn, line("BOWL-S", 5), line("BOWL-L", 4))
	if code != exchange.CodeOK {
		t.Fatalf("5 and 4 of 9: %v", code)
	}
	if _, code := reserve(birch, acorn, line("BOWL-L", 1)); code != exchange.CodeInsufficient {
		t.Errorf("a tenth of 9: %v", code)
	}
	w.Now = w.Now.Add(5 * time.Minute)
	alone := item("BOWL-S", 700, 9) // it has a count of its own from now on, of the same bowls
	put(t, acorn, shelf.Statement{Figure: record.FigureOnHand}, alone)
	if s := desktest.StockOf(t, acorn, "BOWL-S"); s.Available() != 0 {
		t.Errorf("9 were counted, and 9 are promised from the pool: %+v", s)
	}
	_, err = birch.Desk.Retailer.Release(desktest.Ctx, held.Request.ID)
	desktest.Must(t, err)
	if s := desktest.StockOf(t, acorn, "BOWL-L"); s.Held != 0 || s.Available() != 9 {
		t.Errorf("after the release: %+v", s)
	}
	sound(t, acorn)
}

// TestRenamedVariant: a variant under another name sells from the stock of the one whose place it
// took, so that no unit is there twice; the old one's return ends that.
func TestRenamedVariant(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	mug := func(sku exchange.SKU, units int64) shelf.Item {
		it := item(sku, 500, units)
		it.Group, it.ID = "mug", "mug"
		return it
	}
	st := shelf.Statement{Source: "shopify", Figure: record.FigureFree}
	put(t, acorn, st, mug("mug", 6))
	desktest.Buy(t, birch, acorn, "mug", 2)
	w.Settle()
	w.Now = w.Now.Add(5 * time.Minute)
	white := mug("mug/white", 4)
	white.Takes, white.Alone = []exchange.StockID{"mug"}, true
	white.Fresh = white.Takes
	gone, err := acorn.Desk.Shelf.Withdraw(desktest.Ctx, []exchange.SKU{"mug"}, "not-a-variant", false)
	desktest.Must(t, err)
	if len(gone) != 1 {
		t.Fatalf("withdrawn: %v", gone)
	}
	put(t, acorn, st, white)
	if s := desktest.StockOf(t, acorn, "mug/white"); s.Available() != 4 || s.Unshipped() != 2 {
		t.Errorf("the new name: %+v", s)
	}
	if _, code := reserve(birch, acorn, line("mug", 1)); code != exchange.CodeNotFound {
		t.Errorf("the old name: %v", code)
	}
	if _, code := reserve(birch, acorn, line("mug/white", 5)); code != exchange.CodeInsufficient {
		t.Errorf("5 of 4: %v", code)
	}
	if _, code := reserve(birch, acorn, line("mug/white", 4)); code != exchange.CodeOK {
		t.Errorf("4 of 4: %v", code)
	}
	w.Now = w.Now.Add(5 * time.Minute)
	put(t, acorn, st, mug("mug", 0), mug("mug/white", 3))
	if s := desktest.StockOf(t, acorn, "mug"); s.Available() != 0 || s.Held != 4 {
		t.Errorf("the old one, back with its stock: %+v", s)
	}
	if s := desktest.StockOf(t, acorn, "mug/white"); s.Available() != 0 || s.Held != 0 {
		t.Errorf("3 are counted, and 6 are promised under the old name: %+v", s)
	}
	sound(t, acorn)
}

// TestSale: a price follows its sale by the supplier's clock, in quotes and in the catalog.
func TestSale(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	flash := item("FLASH", 1000, 9)
	flash.Sale = &record.Sale{Price: 800, From: w.Now.Add(time.Hour), To: w.Now.Add(2 * time.Hour)}
	put(t, acorn, shelf.Statement{}, flash)
	for _, c := range []struct {
		after     time.Duration
		price     int64
		compareAt int64
	}{{0, 1000, 0}, {time.Hour, 800, 1000}, {59 * time.Minute, 800, 1000}, {time.Minute, 1000, 0}} {
		w.Now = w.Now.Add(c.after)
		held := desktest.Reserve(t, birch, acorn, line("FLASH", 1))
		if got := held.Quote.Lines[0].List; got != c.price {
			t.Errorf("at %v the quote says %d, want %d", w.Now, got, c.price)
		}
		desktest.Must(t, acorn.Desk.Tick())
		p, ok, err := acorn.Desk.Shelf.Current("FLASH")
		if err != nil || !ok || p.Price.Minor != c.price || p.CompareAt != c.compareAt {
			t.Errorf("at %v the catalog says %v, compared at %d (%v)", w.Now, p.Price, p.CompareAt, err)
		}
	}
	sound(t, acorn)
}

// TestConflict: another product under a known SKU changes nothing without the owner's word.
func TestConflict(t *testing.T) {
	acorn := desktest.NewWorld(t, 1, 1).Shops[0]
	cup := item("100", 900, 3)
	cup.Product.Title, cup.ID = "Tin cup", "cup"
	put(t, acorn, shelf.Statement{Source: "shopify"}, cup)
	hose := item("100", 4900, 2)
	hose.Product.Title, hose.ID = "Garden hose", "1"
	for _, c := range []struct {
		name string
		st   shelf.Statement
		item shelf.Item
		want shelf.Change
	}{
		{"of another source", shelf.Statement{Source: "woocommerce"}, hose, shelf.Conflict},
		{"of the same source", shelf.Statement{Source: "shopify"}, hose, shelf.Conflict},
		{"said to be the same", shelf.Statement{Source: "woocommerce", AllowRenamed: true}, hose, shelf.Changed},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := put(t, acorn, c.st, c.item)
			rec, err := acorn.Desk.Shelf.Product("100")
			if err != nil || out[0].Change != c.want || (rec.Product.Title == "Tin cup") != (c.want == shelf.Conflict) {
				t.Errorf("%+v, %v, %v", out[0], rec, err)
			}
		})
	}
}

// TestBelowZero: what was sold and never there is remembered, and paid by what comes.
func TestBelowZero(t *testing.T) {
	w, acorn, _ := desktest.Pair(t)
	for _, c := range []struct{ figure, available, missing int64 }{{-2, 0, 2}, {1, 1, 0}, {0, 0, 0}} {
		w.Now = w.Now.Add(time.Hour)
		put(t, acorn, shelf.Statement{Figure: record.FigureOnHand}, item("shoe", 9900, c.figure))
		if s := desktest.StockOf(t, acorn, "shoe"); s.Available() != c.available || s.Missing != c.missing {
			t.Errorf("figure %d: %+v", c.figure, s)
		}
	}
	sound(t, acorn)
}

// TestJournal: what moved a stock is told, the newest first.
func TestJournal(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	o := desktest.Buy(t, birch, acorn, "shoe", 3)
	w.Settle()
	_, err := acorn.Desk.Supplier.ShipOrder(desktest.Ctx, o.ID, nil, "", "")
	desktest.Must(t, err)
	_, err = acorn.Desk.Shelf.SetStock(desktest.Ctx, "shoe", 5, false)
	desktest.Must(t, err)
	var got []record.Movement
	desktest.Must(t, acorn.Desk.Shelf.Movements("shoe", 0, func(_ uint64, m *record.Movement) bool {
		got = append(got, record.Movement{Cause: m.Cause, Units: m.Units, Net: m.Net})
		return true
	}))
	want := []record.Movement{
		{Cause: record.CauseCounted, Units: -2, Net: 5}, {Cause: record.CauseShipped, Units: -3, Net: 7},
		{Cause: record.CauseOrdered, Units: 3, Net: 10}, {Cause: record.CauseFigure, Units: 10, Net: 10},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%d: %+v, want %+v", i, got[i], want[i])
		}
	}
}

// TestListingNamesTheUnknown: of several products all change or none.
func TestListingNamesTheUnknown(t *testing.T) {
	_, acorn, _ := desktest.Pair(t)
	err := acorn.Desk.Shelf.Remove(desktest.Ctx, "shoe", "none")
	if exchange.CodeOf(err) != exchange.CodeNotFound || errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := acorn.Desk.Shelf.Product("shoe"); err != nil {
		t.Errorf("the known one: %v", err)
	}
	desktest.Must(t, acorn.Desk.Shelf.Remove(desktest.Ctx, "shoe"))
	desktest.Must(t, acorn.Desk.Shelf.Remove(desktest.Ctx, "shoe")) // again
}
