package shelf_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/protocol"
)

func ship(t *testing.T, s *desktest.Shop, id exchange.OrderID) {
	t.Helper()
	_, err := s.Desk.Supplier.ShipOrder(desktest.Ctx, id, nil, "", "")
	desktest.Must(t, err)
}

// mug is a variant of the product mug.
func mug(sku exchange.SKU, units int64) shelf.Item {
	it := item(sku, 500, units)
	it.Group, it.ID = "mug", "mug"
	return it
}

// replaced is the stock of c after a file, read at a time, that has the variants c and d in place of a
// and b, 10 of each.
func replaced(t *testing.T, s *desktest.Shop, st shelf.Statement, read exchange.Time) hold.Stock {
	t.Helper()
	_, err := s.Desk.Shelf.Withdraw(desktest.Ctx, []exchange.SKU{"a", "b"}, "not-a-variant", false)
	desktest.Must(t, err)
	c, d := mug("c", 10), mug("d", 10)
	c.Takes = []exchange.StockID{"a", "b"}
	c.Fresh, d.Takes, d.Fresh = c.Takes, c.Takes, c.Takes
	st.Low, st.High = read.Add(-time.Minute), read.Add(time.Minute)
	put(t, s, st, c, d)
	return desktest.StockOf(t, s, "c")
}

// TestShippedByTheStockBefore: units shipped from the stock of a variant that went, between the reading of the
// file and its import, are not there, whatever the figure means.
func TestShippedByTheStockBefore(t *testing.T) {
	for _, fig := range []record.Figure{record.FigureOnHand, record.FigureNotChosen, record.FigureFreeUnaware} {
		t.Run(fig.String(), func(t *testing.T) {
			w, acorn, birch := desktest.Pair(t)
			st := shelf.Statement{Source: "shopify", Figure: fig}
			put(t, acorn, st, mug("a", 10), mug("b", 10))
			o := desktest.Buy(t, birch, acorn, "a", 3)
			w.Settle()
			w.Now = w.Now.Add(time.Hour)
			read := w.Now // the system has 10 of a's goods, now called c, and 10 of b's, now called d; 3 of a wait to be sent
			w.Now = w.Now.Add(10 * time.Minute)
			ship(t, acorn, o.ID)
			w.Now = w.Now.Add(10 * time.Minute)
			if s := replaced(t, acorn, st, read); s.Available() > 7 {
				t.Errorf("7 are on the shelf, %d available", s.Available())
			}
		})
	}
}

// TestReadingOfTheVersionBefore: the last figure of a version before 2 is of its import, not of what the owner
// changed by hand since.
func TestReadingOfTheVersionBefore(t *testing.T) {
	for _, touch := range []bool{false, true} {
		t.Run(fmt.Sprint(touch), func(t *testing.T) {
			w, acorn, birch := desktest.Pair(t)
			// as a version before 2 left it
			rec, err := acorn.Desk.Shelf.Record("shoe")
			desktest.Must(t, err)
			old := *rec
			old.FileStock = record.FileStock{Set: true, Units: 10}
			raw, err := record.Encode(protocol.Codec{}, &old)
			desktest.Must(t, err)
			desktest.Must(t, acorn.Mem.Commit([]kv.Write{{Key: record.ProductKey("shoe"), Value: raw}, {Key: record.ReadingKey("shoe"), Delete: true}}))
			acorn.Restart()
			w.Settle()
			w.Now = w.Now.Add(time.Hour)
			o := desktest.Buy(t, birch, acorn, "shoe", 3)
			w.Settle()
			w.Now = w.Now.Add(time.Hour)
			ship(t, acorn, o.ID)
			w.Now = w.Now.Add(time.Hour)
			if touch {
				desktest.Must(t, acorn.Desk.Shelf.SetPrice(desktest.Ctx, "shoe", exchange.Money{Minor: 9800, Currency: "EUR"}))
			}
			w.Now = w.Now.Add(time.Hour)
			// an undated file, exported before the shipment; what "date" makes of a source that is new
			put(t, acorn, shelf.Statement{Source: "csv", Figure: record.FigureOnHand, BookedWithin: 10 * time.Minute, High: w.Now}, item("shoe", 9900, 10))
			if s := desktest.StockOf(t, acorn, "shoe"); s.Available() > 7 {
				t.Errorf("7 are on the shelf, %d available", s.Available())
			}
		})
	}
}

// TestBackToItsOwnStock: a product that leaves a pool has none, until a figure or a count tells: its own
// counts are of another time.
func TestBackToItsOwnStock(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	pool, err := exchange.PoolStock("BOWL")
	desktest.Must(t, err)
	x := item("hat", 1250, 5)
	x.Pool = pool
	put(t, acorn, shelf.Statement{AllowRenamed: true}, x)
	o := desktest.Buy(t, birch, acorn, "hat", 5) // all there are
	w.Settle()
	ship(t, acorn, o.ID)
	w.Now = w.Now.Add(time.Hour)
	y := item("hat", 1250, 0)
	y.Stock.Set = false
	put(t, acorn, shelf.Statement{}, y)
	if s := desktest.StockOf(t, acorn, "hat"); s.Available() > 0 {
		t.Errorf("nothing is there, %d available", s.Available())
	}
}

// TestBackToItsOwnStockInTwoSteps: a figure of a system that knows nothing of Souk still counts what was
// sold from the pool, also where the file that changed the stock told no figure.
func TestBackToItsOwnStockInTwoSteps(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	pool, err := exchange.PoolStock("BOWL")
	desktest.Must(t, err)
	st := shelf.Statement{Source: "s", Figure: record.FigureFreeUnaware}
	it := item("B", 700, 10)
	put(t, acorn, st, it)
	it.Pool = pool
	w.Now = w.Now.Add(time.Hour)
	put(t, acorn, st, it)
	o := desktest.Buy(t, birch, acorn, "B", 5)
	w.Settle()
	ship(t, acorn, o.ID)
	w.Now = w.Now.Add(time.Hour)
	own := item("B", 700, 10)
	own.Stock.Set = false
	put(t, acorn, st, own)
	w.Now = w.Now.Add(time.Hour)
	put(t, acorn, st, item("B", 700, 10))
	if s := desktest.StockOf(t, acorn, "B"); s.Available() > 5 {
		t.Errorf("5 are there, %d available", s.Available())
	}
}

// TestRenamedTwice: a variant that is renamed twice sells from the first one's stock.
func TestRenamedTwice(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	mug := func(sku exchange.SKU, units int64) shelf.Item {
		it := item(sku, 500, units)
		it.Group, it.ID = "mug", "mug"
		return it
	}
	st := shelf.Statement{Source: "shopify", Figure: record.FigureFreeUnaware}
	put(t, acorn, st, mug("mug", 10))
	o := desktest.Buy(t, birch, acorn, "mug", 4)
	w.Settle()
	ship(t, acorn, o.ID)
	prev := exchange.SKU("mug")
	for _, sku := range []exchange.SKU{"mug/white", "mug/cream"} {
		w.Now = w.Now.Add(time.Hour)
		_, err := acorn.Desk.Shelf.Withdraw(desktest.Ctx, []exchange.SKU{prev}, "not-a-variant", false)
		desktest.Must(t, err)
		it := mug(sku, 10)
		prevRec, err := acorn.Desk.Shelf.Record(prev)
		desktest.Must(t, err)
		it.Takes, it.Alone = []exchange.StockID{prevRec.Stock()}, true
		it.Fresh = it.Takes
		put(t, acorn, st, it)
		rec, err := acorn.Desk.Shelf.Record(sku)
		desktest.Must(t, err)
		t.Logf("%s: %+v pool %q", sku, desktest.StockOf(t, acorn, sku), rec.Pool)
		prev = sku
	}
	rec, err := acorn.Desk.Shelf.Record("mug/cream")
	desktest.Must(t, err)
	if rec.Pool != exchange.OwnStock("mug") {
		t.Errorf("it sells from %q, not from the stock of the one whose place it took", rec.Pool)
	}
}

// TestOlderFileOfAnotherSource: of two sources that tell of one stock the older file changes nothing, though
// the newer one told the same figure as before.
func TestOlderFileOfAnotherSource(t *testing.T) {
	w, acorn, _ := desktest.Pair(t)
	at := func(src string, at exchange.Time, last exchange.Time) shelf.Statement {
		return shelf.Statement{Source: src, Figure: record.FigureOnHand, Low: at.Add(-time.Minute), High: at.Add(time.Minute), Last: last, AllowRenamed: true, Others: true}
	}
	t1 := w.Now.Add(1 * time.Hour)
	t2 := w.Now.Add(2 * time.Hour)
	t3 := w.Now.Add(3 * time.Hour)
	w.Now = w.Now.Add(4 * time.Hour)
	put(t, acorn, at("a", t1, 0), item("shoe", 9900, 4))
	put(t, acorn, at("a", t3, t1.Add(time.Minute)), item("shoe", 9900, 4))
	put(t, acorn, at("b", t2, 0), item("shoe", 9900, 10))
	if s := desktest.StockOf(t, acorn, "shoe"); s.Available() > 4 {
		t.Errorf("4 were there at the newest reading, %d available by an older file", s.Available())
	}
}

// TestJournalOfABusyWeek: a partner that orders and cancels a thousand times does not push the movements out
// against which figures are read.
func TestJournalOfABusyWeek(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	st := shelf.Statement{Source: "s", Figure: record.FigureFree, BookedWithin: 10 * time.Minute}
	put(t, acorn, st, item("shoe", 9900, 100))
	o := desktest.Buy(t, birch, acorn, "shoe", 60)
	w.Settle()
	ship(t, acorn, o.ID)
	w.Now = w.Now.Add(24 * time.Hour)
	read := w.Now
	put(t, acorn, shelf.Statement{Source: "s", Figure: record.FigureFree, BookedWithin: 10 * time.Minute, Low: read, High: read}, item("shoe", 9900, 100))
	w.Now = w.Now.Add(time.Hour)
	for range 1001 {
		o := desktest.Buy(t, birch, acorn, "shoe", 1)
		w.Settle()
		_, err := birch.Desk.Retailer.CancelPurchase(desktest.Ctx, o.ID, nil, "")
		desktest.Must(t, err)
		w.Settle()
	}
	w.Now = w.Now.Add(time.Hour)
	put(t, acorn, shelf.Statement{Source: "s", Figure: record.FigureFree, BookedWithin: 10 * time.Minute, Low: w.Now, High: w.Now, Last: read}, item("shoe", 9900, 101))
	w.Now = w.Now.Add(time.Hour)
	low := read.Add(time.Minute)
	put(t, acorn, shelf.Statement{Source: "s", Figure: record.FigureFree, BookedWithin: 10 * time.Minute, Low: low, High: w.Now}, item("shoe", 9900, 102))
	if a := desktest.StockOf(t, acorn, "shoe").Available(); a < 90 {
		t.Errorf("a hundred are free, %d available", a)
	}
}

// TestManyVariantsRenamed: 2,000 variants that are renamed at once fit the batches of their import.
func TestManyVariantsRenamed(t *testing.T) {
	_, acorn, _ := desktest.Pair(t)
	var old []exchange.SKU
	v := func(name string, i int) shelf.Item {
		it := item(exchange.SKU(fmt.Sprintf("a-handle-of-a-usual-length/%s/an-option/%06d", name, i)), 700, 100)
		it.Group, it.ID = "h", "h"
		return it
	}
	var items []shelf.Item
	flush := func() error {
		_, err := acorn.Desk.Shelf.Import(desktest.Ctx, shelf.Statement{Source: "s"}, items)
		items = nil
		return err
	}
	for i := range 2000 {
		it := v("blue", i)
		old = append(old, it.Product.SKU)
		if items = append(items, it); len(items) == shelf.ImportChunk {
			desktest.Must(t, flush())
		}
	}
	var stocks []exchange.StockID
	for _, sku := range old {
		stocks = append(stocks, exchange.OwnStock(sku))
	}
	for i := 0; i < len(old); i += 200 {
		_, err := acorn.Desk.Shelf.Withdraw(desktest.Ctx, old[i:i+200], "not-a-variant", false)
		desktest.Must(t, err)
	}
	for i := range 200 {
		it := v("navy", i)
		it.Takes, it.Fresh = stocks, stocks
		items = append(items, it)
	}
	if err := flush(); err != nil {
		t.Errorf("%v", err)
	}
	for i := range 200 {
		it := v("grey", i)
		it.Takes, it.Fresh = stocks, stocks
		it.Stock.Set = false
		items = append(items, it)
	}
	if err := flush(); err != nil {
		t.Errorf("without figures: %v", err)
	}
}

// TestOrderedFromTheStockBefore: as TestShippedByTheStockBefore, of orders that came after the reading.
func TestOrderedFromTheStockBefore(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	st := shelf.Statement{Source: "shopify", Figure: record.FigureFree, BookedWithin: 10 * time.Minute}
	put(t, acorn, st, mug("a", 10), mug("b", 10))
	w.Now = w.Now.Add(time.Hour)
	read := w.Now
	w.Now = w.Now.Add(5 * time.Minute)
	o := desktest.Buy(t, birch, acorn, "a", 3)
	w.Settle()
	ship(t, acorn, o.ID)
	w.Now = w.Now.Add(10 * time.Minute)
	if s := replaced(t, acorn, st, read); s.Available() > 7 {
		t.Errorf("7 are free, %d available", s.Available())
	}
}

// TestUnlimitedInDoubt: a file of about the time of a count makes nothing unlimited.
func TestUnlimitedInDoubt(t *testing.T) {
	w, acorn, _ := desktest.Pair(t)
	old := w.Now
	w.Now = w.Now.Add(30_000_000_000)
	_, err := acorn.Desk.Shelf.SetStock(desktest.Ctx, "shoe", 2, false)
	desktest.Must(t, err)
	it := item("shoe", 9900, 0)
	it.Stock.Unlimited = true
	put(t, acorn, shelf.Statement{Figure: record.FigureOnHand, Low: old, High: w.Now.Add(60_000_000_000)}, it)
	if s := desktest.StockOf(t, acorn, "shoe"); s.Unlimited {
		t.Errorf("2 were counted; a file of about that time made it unlimited")
	}
}

// TestFigureOfTheUncounted: a figure that comes to a stock which nothing counted is what the next one is
// compared with, though it may be older than the word that nothing counts it.
func TestFigureOfTheUncounted(t *testing.T) {
	w, acorn, _ := desktest.Pair(t)
	w.Now += 1000
	unaware := shelf.Statement{Figure: record.FigureFreeUnaware, Low: w.Now, High: w.Now}
	put(t, acorn, unaware, item("shoe", 9900, 10))
	unaware.Low, unaware.Last = w.Now+1, w.Now
	w.Now += 1000
	_, err := acorn.Desk.Shelf.SetStock(desktest.Ctx, "shoe", 0, true)
	desktest.Must(t, err)
	for _, units := range []int64{19, 17} {
		w.Now += 1000
		unaware.High = w.Now
		put(t, acorn, unaware, item("shoe", 9900, units))
		if s := desktest.StockOf(t, acorn, "shoe"); s.Unlimited || s.Net() != units {
			t.Errorf("the system has %d, and the stock is %+v", units, s)
		}
		unaware.Low, unaware.Last = w.Now+1, w.Now
	}
}

// TestFileWhileTheClockCatchesUp: until the clock of a shop that was set back is where it was, all
// that is told has one moment. What a file has of it does not count again.
func TestFileWhileTheClockCatchesUp(t *testing.T) {
	w, acorn, _ := desktest.Pair(t)
	onHand := func(units int64) {
		src, err := acorn.Desk.Shelf.Source("")
		desktest.Must(t, err)
		st := shelf.Statement{Figure: record.FigureOnHand, Last: src.High}
		st.Low, st.High = src.Undated(acorn.Desk.Shelf.Now())
		put(t, acorn, st, item("shoe", 9900, units))
		src.Figure, src.Low, src.High, src.Ended = st.Figure, st.Low, st.High, acorn.Desk.Shelf.Now()
		desktest.Must(t, acorn.Desk.Shelf.SetSource(desktest.Ctx, src))
	}
	tell := func(cause record.Cause, units int64) {
		_, err := acorn.Desk.Moves.Tell(desktest.Ctx, []shelf.Line{{SKU: "shoe", Cause: cause, Units: units}}, true)
		desktest.Must(t, err)
	}
	acorn.Skew = time.Hour
	onHand(10)
	acorn.Skew = 0
	for range 2 { // the file has what came, and the till sells after it was read
		w.Now += 1000
		tell(record.CauseReceived, 3)
		onHand(13)
		tell(record.CauseSold, 3)
		if s := desktest.StockOf(t, acorn, "shoe"); s.Net() > 10 {
			t.Errorf("10 are there, and the stock is %+v", s)
		}
	}
}

// TestPublishConverts: a product that its owner publishes has its US dollar price by the rate of now.
func TestPublishConverts(t *testing.T) {
	_, acorn, _ := desktest.Pair(t)
	rate := func(num int64, text string) exchange.Rate {
		return exchange.Rate{From: "EUR", Num: num, Den: 100, Text: text, Source: "fixed", Date: "2026-01-01"}
	}
	acorn.Desk.Shelf.SetRate(rate(100, "1"))
	_, err := acorn.Desk.Shelf.Reprice(desktest.Ctx)
	desktest.Must(t, err)
	desktest.Must(t, acorn.Desk.Shelf.Remove(desktest.Ctx, "shoe"))
	acorn.Desk.Shelf.SetRate(rate(200, "2"))
	_, err = acorn.Desk.Shelf.Reprice(desktest.Ctx)
	desktest.Must(t, err)
	desktest.Must(t, acorn.Desk.Shelf.Publish(desktest.Ctx, "shoe"))
	p, _, _ := acorn.Desk.Shelf.Current("shoe")
	if p.USD.Cents != 19800 {
		t.Errorf("99.00 EUR at 2 are %d cents (rate %s)", p.USD.Cents, p.USD.Rate)
	}
}

// TestLoweredWhileOpen: variants that came when several went are lowered by what those have
// promised, and no longer than it is promised, whatever the figure means.
func TestLoweredWhileOpen(t *testing.T) {
	for _, figure := range []record.Figure{record.FigureNotChosen, record.FigureOnHand, record.FigureFree, record.FigureFreeUnaware} {
		t.Run(figure.String(), func(t *testing.T) {
			w, acorn, birch := desktest.Pair(t)
			hut := func(sku exchange.SKU) shelf.Item {
				it := item(sku, 500, 6)
				it.Group, it.ID = "hut", "hut"
				return it
			}
			st := shelf.Statement{Source: "shopify", Figure: figure}
			put(t, acorn, st, hut("S"), hut("M"))
			small, _ := reserve(birch, acorn, line("S", 4))
			reserve(birch, acorn, line("M", 1))
			_, err := acorn.Desk.Shelf.Withdraw(desktest.Ctx, []exchange.SKU{"S", "M"}, "not-a-variant", false)
			desktest.Must(t, err)
			file := []shelf.Item{hut("SM"), hut("ME")}
			file[0].Takes = []exchange.StockID{"S", "M"}
			file[0].Fresh, file[1].Takes, file[1].Fresh = file[0].Takes, file[0].Takes, file[0].Takes
			for i, want := range []int64{1, 5} {
				w.Now = w.Now.Add(time.Minute)
				put(t, acorn, st, file...)
				for _, it := range file {
					if s := desktest.StockOf(t, acorn, it.Product.SKU); s.Available() != want {
						t.Errorf("import %d: %s has %d available, want %d", i+1, it.Product.SKU, s.Available(), want)
					}
				}
				_, err := birch.Desk.Retailer.Release(desktest.Ctx, small.Request.ID)
				desktest.Must(t, err)
			}
			sound(t, acorn)
		})
	}
}
