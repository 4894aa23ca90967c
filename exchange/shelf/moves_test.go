package shelf_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/store"
)

// tell tells one movement, at once where it says nothing else.
func tell(t testing.TB, s *desktest.Shop, l shelf.Line) shelf.Told {
	t.Helper()
	told, err := s.Desk.Moves.Tell(desktest.Ctx, []shelf.Line{l}, false)
	desktest.Must(t, err)
	return told[0]
}

func sold(sku exchange.SKU, units int64) shelf.Line {
	return shelf.Line{SKU: sku, Cause: record.CauseSold, Units: units}
}

// onHand imports a figure of a system whose figures are what lies on the shelf, read now.
func onHand(t testing.TB, s *desktest.Shop, sku exchange.SKU, units int64) {
	t.Helper()
	st := shelf.Statement{Source: "system", Figure: record.FigureOnHand, Low: s.W.Now, High: s.W.Now}
	put(t, s, st, item(sku, 9900, units))
	desktest.Must(t, s.Desk.Shelf.SetSource(desktest.Ctx, record.Source{Name: "system", Figure: record.FigureOnHand, Low: s.W.Now, High: s.W.Now, Ended: s.W.Now}))
}

func revision(t testing.TB, s *desktest.Shop, sku exchange.SKU) uint64 {
	t.Helper()
	n, err := s.Desk.Shelf.Revision(desktest.StockOf(t, s, sku))
	desktest.Must(t, err)
	return n
}

// TestStaleWriteSellsNothing: of 2, a partner buys 1 and it ships; the shop's own system, which
// had read 2, sells 1 and writes 1: refused. It tells the sale, and the next partner is refused.
func TestStaleWriteSellsNothing(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	onHand(t, acorn, "shoe", 2)
	w.Now = w.Now.Add(time.Hour)
	read := revision(t, acorn, "shoe")
	bought := desktest.Buy(t, birch, acorn, "shoe", 1)
	w.Settle()
	_, err := acorn.Desk.Supplier.ShipOrder(desktest.Ctx, bought.ID, nil, "", "")
	desktest.Must(t, err)
	for name, c := range map[string]struct {
		count shelf.Count
		code  exchange.Code
	}{
		"of what it had read": {shelf.Count{SKU: "shoe", Units: 1, Revision: &read}, exchange.CodeStale},
		"of nothing":          {shelf.Count{SKU: "shoe", Units: 1}, exchange.CodePrecondition},
	} {
		_, err := acorn.Desk.Shelf.Count(desktest.Ctx, []shelf.Count{c.count})
		var stale *shelf.StaleError
		if exchange.CodeOf(err) != c.code || !errors.As(err, &stale) || stale.Stock.Shelf() != 1 || stale.Revision != revision(t, acorn, "shoe") {
			t.Errorf("%s: %v, %+v", name, err, stale)
		}
	}
	if told := tell(t, acorn, sold("shoe", 1)); told.Result != shelf.Applied || told.Stock.Shelf() != 0 {
		t.Errorf("%+v", told)
	}
	if _, code := reserve(birch, acorn, line("shoe", 1)); code != exchange.CodeInsufficient {
		t.Errorf("a shelf that is empty is promised: %v", code)
	}
	sound(t, acorn)
}

// TestTell: what becomes of one movement.
func TestTell(t *testing.T) {
	ago := func(d time.Duration) shelf.Moment { return shelf.Moment{Ago: d} }
	with := func(l shelf.Line, change func(*shelf.Line)) shelf.Line { change(&l); return l }
	received := shelf.Line{SKU: "shoe", Cause: record.CauseReceived, Units: 4}
	counted := shelf.Line{SKU: "shoe", Cause: record.CauseCounted, Units: 7}
	at := func(l shelf.Line, m shelf.Moment) shelf.Line { l.When = m; return l }
	for _, c := range []struct {
		name   string
		told   []shelf.Line // an hour after a file said 10
		result shelf.Result
		code   exchange.Code
		net    int64
	}{
		{"sold", []shelf.Line{sold("shoe", 3)}, shelf.Applied, 0, 7},
		{"more than there are", []shelf.Line{sold("shoe", 13)}, shelf.Applied, 0, -3},
		{"what comes pays what is missing", []shelf.Line{sold("shoe", 13), received}, shelf.Applied, 0, 1},
		{"damaged, of before the file", []shelf.Line{at(shelf.Line{SKU: "shoe", Cause: record.CauseDamaged, Units: 2}, ago(2*time.Hour))}, shelf.Contained, 0, 10},
		{"sold, about when the file was read", []shelf.Line{at(sold("shoe", 2), ago(time.Hour))}, shelf.Applied, 0, 8},
		{"received, about then", []shelf.Line{at(received, ago(time.Hour))}, shelf.Contained, 0, 10},
		{"returned since", []shelf.Line{{SKU: "shoe", Cause: record.CauseReturned, Units: 4, When: ago(30 * time.Minute)}}, shelf.Applied, 0, 14},
		{"told twice", []shelf.Line{with(sold("shoe", 3), func(l *shelf.Line) { l.ID = "a" }), with(sold("shoe", 3), func(l *shelf.Line) { l.ID = "a" })}, shelf.Repeated, 0, 7},
		{"told otherwise", []shelf.Line{with(sold("shoe", 3), func(l *shelf.Line) { l.ID = "a" }), with(sold("shoe", 2), func(l *shelf.Line) { l.ID = "a" })}, shelf.Refused, exchange.CodeConflict, 7},
		{"unknown", []shelf.Line{sold("boot", 1)}, shelf.Refused, exchange.CodeNotFound, 10},
		{"of tomorrow", []shelf.Line{at(sold("shoe", 1), shelf.Moment{At: 1_790_100_000_000})}, shelf.Refused, exchange.CodeInvalid, 10},
		{"counted now", []shelf.Line{at(counted, shelf.Now)}, shelf.Applied, 0, 7},
		{"counted, and sold since", []shelf.Line{sold("shoe", 1), at(counted, ago(10*time.Minute))}, shelf.Applied, 0, 6},
		{"counted, and received about then", []shelf.Line{at(received, ago(10*time.Minute)), at(counted, ago(10*time.Minute))}, shelf.Applied, 0, 7},
		{"counted, and received since", []shelf.Line{at(received, ago(5*time.Minute)), at(counted, ago(10*time.Minute))}, shelf.Applied, 0, 11},
		{"counted before the file", []shelf.Line{at(counted, ago(time.Hour))}, shelf.Refused, exchange.CodeStale, 10},
		{"counted before the last count", []shelf.Line{at(counted, ago(10*time.Minute)), at(counted, ago(9*time.Minute))}, shelf.Refused, exchange.CodeStale, 7},
		{"counted eight days ago", []shelf.Line{at(counted, ago(8*24*time.Hour))}, shelf.Refused, exchange.CodeStale, 10},
		{"of another revision", []shelf.Line{with(counted, func(l *shelf.Line) { l.Revision = new(uint64) })}, shelf.Refused, exchange.CodeStale, 10},
		{"sold before the count", []shelf.Line{at(counted, shelf.Now), at(sold("shoe", 1), ago(10*time.Minute))}, shelf.Contained, 0, 7},
		{"of a product without a count", []shelf.Line{sold("card", 2)}, shelf.Applied, 0, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, acorn, _ := desktest.Pair(t)
			onHand(t, acorn, "shoe", 10)
			card := item("card", 1000, 0)
			card.Stock.Unlimited = true
			put(t, acorn, shelf.Statement{Source: "cards"}, card)
			w.Now = w.Now.Add(time.Hour)
			var last shelf.Told
			for _, l := range c.told {
				last = tell(t, acorn, l)
			}
			if last.Result != c.result || exchange.CodeOf(last.Err) != c.code {
				t.Errorf("%v (%v), want %v (%v)", last.Result, last.Err, c.result, c.code)
			}
			if got := desktest.StockOf(t, acorn, "shoe").Net(); got != c.net {
				t.Errorf("%d are there, want %d", got, c.net)
			}
			if got := desktest.StockOf(t, acorn, "card"); !got.Unlimited {
				t.Errorf("what is not counted is counted: %+v", got)
			}
			sound(t, acorn)
		})
	}
}

// TestUnitsComeByFile: of a system that knows nothing of Souk, or whose figures have no chosen
// meaning, the next figure tells what came; what went is taken off all the same.
func TestUnitsComeByFile(t *testing.T) {
	for _, figure := range []record.Figure{record.FigureNotChosen, record.FigureFreeUnaware} {
		w, acorn, _ := desktest.Pair(t)
		put(t, acorn, shelf.Statement{Source: "till", Figure: figure}, item("shoe", 9900, 10))
		desktest.Must(t, acorn.Desk.Shelf.SetSource(desktest.Ctx, record.Source{Name: "till", Figure: figure, High: w.Now, Ended: w.Now}))
		for _, cause := range []record.Cause{record.CauseReceived, record.CauseReturned} {
			if told := tell(t, acorn, shelf.Line{SKU: "shoe", Cause: cause, Units: 1}); exchange.CodeOf(told.Err) != exchange.CodeState {
				t.Errorf("%q, %v: %+v", figure, cause, told)
			}
		}
		if told := tell(t, acorn, shelf.Line{SKU: "hat", Cause: record.CauseReceived, Units: 1}); told.Err == nil || !strings.Contains(told.Err.Error(), "files of its system") {
			t.Errorf("of a source without a name: %v", told.Err)
		}
		if told := tell(t, acorn, sold("shoe", 1)); told.Result != shelf.Applied || told.Stock.Net() != 9 {
			t.Errorf("%q: %+v", figure, told)
		}
		sound(t, acorn)
	}
}

// TestTellOffSale: products that are off sale move, too, and those of a pool move its stock.
func TestTellOffSale(t *testing.T) {
	_, acorn, _ := desktest.Pair(t)
	put(t, acorn, shelf.Statement{Source: "s", AllowRenamed: true}, pooled(t, "S", 9), pooled(t, "L", 9))
	_, err := acorn.Desk.Shelf.Withdraw(desktest.Ctx, []exchange.SKU{"S"}, "draft", false)
	desktest.Must(t, err)
	desktest.Must(t, acorn.Desk.Shelf.Remove(desktest.Ctx, "shoe"))
	before := desktest.StockOf(t, acorn, "shoe").Net()
	told, err := acorn.Desk.Moves.Tell(desktest.Ctx, []shelf.Line{sold("S", 2), sold("L", 3), sold("shoe", 1)}, true)
	desktest.Must(t, err)
	if told[0].Stock.Net() != 7 || told[1].Stock.Net() != 4 || told[2].Stock.Net() != before-1 {
		t.Errorf("%+v", told)
	}
	sound(t, acorn)
}

// TestTellTogether: of movements that are told together, one that is refused refuses all; told by
// themselves, the others are applied.
func TestTellTogether(t *testing.T) {
	for _, many := range []int{0, 1200} {
		t.Run(fmt.Sprint(many+2), func(t *testing.T) {
			_, acorn, _ := desktest.Pair(t)
			onHand(t, acorn, "shoe", 5000)
			lines := []shelf.Line{sold("shoe", 1), sold("boot", 1)}
			for range many {
				lines = append(lines, sold("shoe", 1))
			}
			moves := movements(t, acorn, "shoe")
			told, err := acorn.Desk.Moves.Tell(desktest.Ctx, lines, true)
			if exchange.CodeOf(err) != exchange.CodeNotFound || told[0].Err != nil || told[1].Err == nil {
				t.Errorf("%v, %+v", err, told[:2])
			}
			if n := movements(t, acorn, "shoe"); n != moves || desktest.StockOf(t, acorn, "shoe").Net() != 5000 {
				t.Errorf("%d lines, %+v", n-moves, desktest.StockOf(t, acorn, "shoe"))
			}
			told, err = acorn.Desk.Moves.Tell(desktest.Ctx, lines, false)
			if err != nil || told[1].Result != shelf.Refused || desktest.StockOf(t, acorn, "shoe").Net() != int64(4999-many) {
				t.Errorf("%v, %+v, %+v", err, told[1], desktest.StockOf(t, acorn, "shoe"))
			}
			sound(t, acorn)
		})
	}
}

// dying is a store whose process dies at a commit.
type dying struct {
	*store.Mem
	commits int // that are still made
}

func (d *dying) Commit(writes []kv.Write) error {
	if d.commits--; d.commits < 0 {
		return errors.New("the process dies")
	}
	return d.Mem.Commit(writes)
}

// TestListsSurvive: a list of 2,600 movements is told whole or not at all, wherever the shop dies.
func TestListsSurvive(t *testing.T) {
	for commits := range 8 {
		t.Run(fmt.Sprint(commits), func(t *testing.T) {
			w, acorn, _ := desktest.Pair(t)
			onHand(t, acorn, "shoe", 5000)
			onHand(t, acorn, "hat", 50)
			w.Now = w.Now.Add(time.Hour)
			lines := []shelf.Line{{SKU: "hat", Cause: record.CauseCounted, Units: 7, Revision: new(revision(t, acorn, "hat"))}}
			for i := range 2600 {
				l := sold("shoe", 1)
				l.ID = fmt.Sprint("till ", i)
				lines = append(lines, l)
			}
			cfg := acorn.Config()
			cfg.Store = &dying{acorn.Mem, commits}
			d, err := desk.Open(cfg)
			desktest.Must(t, err)
			told, err := d.Moves.Tell(desktest.Ctx, lines, true)
			w.Now = w.Now.Add(time.Minute)
			acorn.Restart()
			want := int64(2400)
			if commits == 0 {
				want = 5000
			}
			if got := desktest.StockOf(t, acorn, "shoe").Net(); got != want || (err == nil) != (commits >= 7) {
				t.Errorf("%d are there, want %d: %v", got, want, err)
			}
			if err == nil && (told[0].Stock.Net() != 7 || told[2600].Result != shelf.Applied) {
				t.Errorf("%+v, %+v", told[0], told[2600])
			}
			if got := desktest.StockOf(t, acorn, "hat").Net(); (got == 7) != (commits > 0) {
				t.Errorf("%d hats", got)
			}
			again, err := acorn.Desk.Moves.Tell(desktest.Ctx, lines[1:], true)
			if err != nil || again[5].Result != shelf.Applied && commits == 0 || again[5].Result != shelf.Repeated && commits > 0 {
				t.Errorf("again: %v, %+v", err, again[5])
			}
			if got := desktest.StockOf(t, acorn, "shoe").Net(); got != 2400 {
				t.Errorf("%d are there after it was told again", got)
			}
			sound(t, acorn)
		})
	}
}

// TestRevisionSeesFiles: a file that finds the figure as it was writes nothing, and what was
// made of an earlier figure is stale all the same; also after a restart.
func TestRevisionSeesFiles(t *testing.T) {
	w, acorn, _ := desktest.Pair(t)
	onHand(t, acorn, "shoe", 10)
	read := revision(t, acorn, "shoe")
	w.Now = w.Now.Add(time.Hour)
	onHand(t, acorn, "shoe", 10)
	acorn.Restart()
	if _, err := acorn.Desk.Shelf.Count(desktest.Ctx, []shelf.Count{{SKU: "shoe", Units: 10, Revision: &read}}); exchange.CodeOf(err) != exchange.CodeStale {
		t.Errorf("a sum of before the file: %v", err)
	}
	now := revision(t, acorn, "shoe")
	if _, err := acorn.Desk.Shelf.Count(desktest.Ctx, []shelf.Count{{SKU: "shoe", Units: 10, Revision: &now}}); err != nil {
		t.Error(err)
	}
	if _, err := acorn.Desk.Shelf.Count(desktest.Ctx, []shelf.Count{{SKU: "shoe", Units: 11, Revision: &now}}); exchange.CodeOf(err) != exchange.CodeStale {
		t.Errorf("a sum of before an equal count: %v", err)
	}
}

// TestRevisionOfTheUncounted: what a channel tells of a stock that nothing counts moves its revision, so
// that a count of before is not taken for one of after.
func TestRevisionOfTheUncounted(t *testing.T) {
	_, acorn, _ := desktest.Pair(t)
	stock, err := acorn.Desk.Shelf.SetStock(desktest.Ctx, "shoe", 0, true)
	desktest.Must(t, err)
	revision, err := acorn.Desk.Shelf.Revision(stock)
	desktest.Must(t, err)
	_, err = acorn.Desk.Moves.Tell(desktest.Ctx, []shelf.Line{{SKU: "shoe", Cause: record.CauseSold, Units: 1}}, true)
	desktest.Must(t, err)
	if _, err := acorn.Desk.Shelf.Count(desktest.Ctx, []shelf.Count{{SKU: "shoe", Units: 5, Revision: &revision}}); exchange.CodeOf(err) != exchange.CodeStale {
		t.Errorf("one was sold after 5 were counted, and the count was taken: %v", err)
	}
}

// TestFigureOfACutImport: a file tells the figure that it told before, and brings back what was sold since;
// then the process ends before the file is read to its end. What came before the file was read,
// told after that, is in the figure.
func TestFigureOfACutImport(t *testing.T) {
	w, acorn, _ := desktest.Pair(t)
	onHand(t, acorn, "shoe", 10)
	w.Now = w.Now.Add(time.Hour)
	tell := func(cause record.Cause, at shelf.Moment) {
		_, err := acorn.Desk.Moves.Tell(desktest.Ctx, []shelf.Line{{SKU: "shoe", Cause: cause, Units: 3, When: at}}, true)
		desktest.Must(t, err)
	}
	tell(record.CauseSold, shelf.Now)
	w.Now = w.Now.Add(time.Hour)
	came := w.Now
	w.Now = w.Now.Add(time.Hour)
	put(t, acorn, shelf.Statement{Source: "system", Figure: record.FigureOnHand, Low: w.Now, High: w.Now}, item("shoe", 9900, 10))
	acorn.Restart()
	tell(record.CauseReceived, shelf.Moment{At: came})
	if s := desktest.StockOf(t, acorn, "shoe"); s.Net() != 10 {
		t.Errorf("10 are there, and the stock is %+v", s)
	}
}

// TestShippedWhileUncounted: what left a stock while nothing counted it is taken off a count that was made
// before, though the stock had none to lose.
func TestShippedWhileUncounted(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	_, err := acorn.Desk.Shelf.SetStock(desktest.Ctx, "shoe", 0, false)
	desktest.Must(t, err)
	w.Now = w.Now.Add(5 * time.Minute)
	_, err = acorn.Desk.Shelf.SetStock(desktest.Ctx, "shoe", 0, true)
	desktest.Must(t, err)
	w.Now = w.Now.Add(5 * time.Minute)
	counted := shelf.Count{SKU: "shoe", Units: 17, When: shelf.Moment{At: w.Now}}
	w.Now = w.Now.Add(5 * time.Minute)
	o := desktest.Buy(t, birch, acorn, "shoe", 6)
	w.Settle()
	_, err = acorn.Desk.Supplier.ShipOrder(desktest.Ctx, o.ID, nil, "", "")
	desktest.Must(t, err)
	after, err := acorn.Desk.Shelf.Count(desktest.Ctx, []shelf.Count{counted})
	desktest.Must(t, err)
	if after[0].Net() != 11 {
		t.Errorf("17 were counted, 6 left since, and the stock is %+v", after[0])
	}
}

// TestMemoryOfMovements: ids are known for 90 days, lines of a journal kept for 400.
func TestMemoryOfMovements(t *testing.T) {
	const day = 24 * time.Hour
	w, acorn, _ := desktest.Pair(t)
	onHand(t, acorn, "shoe", 1000)
	l := sold("shoe", 1)
	l.ID = "till 1"
	tell(t, acorn, l)
	w.Now = w.Now.Add(89 * day)
	if told := tell(t, acorn, l); told.Result != shelf.Repeated {
		t.Errorf("after 89 days: %+v", told)
	}
	w.Now = w.Now.Add(2 * day)
	for range 256 { // of each hour, a part
		desktest.Must(t, acorn.Desk.Moves.PruneTold(desktest.Ctx))
		w.Now = w.Now.Add(time.Hour)
	}
	if _, ok, err := acorn.Mem.Get(record.ToldLineKey("till 1")); ok || err != nil {
		t.Errorf("the id is still there: %v", err)
	}
	if told := tell(t, acorn, l); told.Result != shelf.Applied {
		t.Errorf("after 91 days: %+v", told)
	}
	w.Now = w.Now.Add(401 * day)
	for range 70 {
		tell(t, acorn, sold("shoe", 1))
	}
	var oldest exchange.Time
	desktest.Must(t, acorn.Desk.Shelf.Movements("shoe", 0, func(_ uint64, m *record.Movement) bool { oldest = m.At; return true }))
	if oldest < w.Now.Add(-400*day) {
		t.Errorf("the journal has a line of %v, and it is %v", oldest, w.Now)
	}
	sound(t, acorn)
}

// TestLongestList: as many movements as a call has, of a product each, are told together.
func TestLongestList(t *testing.T) {
	_, acorn, _ := desktest.Pair(t)
	var items []shelf.Item
	var lines []shelf.Line
	for i := range shelf.MaxLines {
		sku := exchange.SKU(fmt.Sprint("AC-TRAIL-MOS-", i))
		items = append(items, item(sku, 100, 5))
		l := sold(sku, 2)
		l.ID, l.Channel = fmt.Sprint("till ", i), "till 2"
		lines = append(lines, l)
		if len(items) == shelf.ImportChunk {
			put(t, acorn, shelf.Statement{Source: "s"}, items...)
			items = nil
		}
	}
	told, err := acorn.Desk.Moves.Tell(desktest.Ctx, lines, true)
	desktest.Must(t, err)
	for i, r := range told {
		if r.Result != shelf.Applied || r.Stock.Net() != 3 {
			t.Fatalf("%+v: %+v", lines[i], r)
		}
	}
	if _, err := acorn.Desk.Moves.Tell(desktest.Ctx, append(lines, lines[0]), true); exchange.CodeOf(err) != exchange.CodeInvalid {
		t.Errorf("one more: %v", err)
	}
	sound(t, acorn)
}

// TestUnawareFigures are two stories of a system that knows nothing of Souk that the model found.
func TestUnawareFigures(t *testing.T) {
	till := func(low, high exchange.Time) shelf.Statement {
		return shelf.Statement{Source: "till", Figure: record.FigureFreeUnaware, Low: low, High: high}
	}
	count := func(t *testing.T, s *desktest.Shop, units int64) {
		t.Helper()
		_, err := s.Desk.Shelf.SetStock(desktest.Ctx, "lamp", units, false)
		desktest.Must(t, err)
		s.W.Now = s.W.Now.Add(time.Minute)
	}
	t.Run("counts around the first figure", func(t *testing.T) {
		w, acorn, _ := desktest.Pair(t)
		untold := item("lamp", 9900, 0)
		untold.Stock.Set = false
		put(t, acorn, till(0, 0), untold)
		count(t, acorn, 0)
		tell(t, acorn, shelf.Line{SKU: "lamp", Cause: record.CauseReceived, Units: 1})
		w.Now = w.Now.Add(time.Minute)
		count(t, acorn, 0) // the till has sold it
		put(t, acorn, till(0, 0), item("lamp", 9900, 0))
		read := w.Now
		w.Now = w.Now.Add(time.Minute)
		count(t, acorn, 1) // one was delivered, and then the till sells it
		put(t, acorn, till(read+1, w.Now), item("lamp", 9900, 0))
		if got := desktest.StockOf(t, acorn, "lamp").Net(); got > 0 {
			t.Errorf("%d are there, and the till has sold the last", got)
		}
	})
	t.Run("a count that finds what was delivered", func(t *testing.T) {
		w, acorn, _ := desktest.Pair(t)
		put(t, acorn, till(w.Now.Add(-time.Minute), w.Now), item("lamp", 9900, 10))
		w.Now = w.Now.Add(time.Hour)
		count(t, acorn, 12)
		put(t, acorn, till(w.Now, w.Now), item("lamp", 9900, 12))
		if got := desktest.StockOf(t, acorn, "lamp").Net(); got != 12 {
			t.Errorf("%d are there, want 12", got)
		}
	})
	t.Run("a sum about when the file was read", func(t *testing.T) {
		w, acorn, _ := desktest.Pair(t)
		put(t, acorn, till(w.Now.Add(-time.Minute), w.Now), item("lamp", 9900, 0))
		write := func(units int64) {
			t.Helper()
			_, err := acorn.Desk.Shelf.Count(desktest.Ctx, []shelf.Count{{SKU: "lamp", Units: units, Revision: new(revision(t, acorn, "lamp"))}})
			desktest.Must(t, err)
			w.Now = w.Now.Add(time.Second)
		}
		write(2) // it has received 2; another channel has sold 1
		read := w.Now
		write(1) // it has sold the last
		put(t, acorn, till(read.Add(-time.Minute), read.Add(time.Minute)), item("lamp", 9900, 1))
		if got := desktest.StockOf(t, acorn, "lamp").Net(); got > 0 {
			t.Errorf("%d are there, and the web shop has sold the last", got)
		}
	})
}

// TestNeverSet: only of a stock of which nothing was ever told a count need not say when it was.
func TestNeverSet(t *testing.T) {
	_, acorn, _ := desktest.Pair(t)
	untold := item("lamp", 9900, 0)
	untold.Stock.Set = false
	put(t, acorn, shelf.Statement{Source: "s"}, untold)
	tell(t, acorn, sold("lamp", 1))
	count := func(units int64, when shelf.Moment) exchange.Code {
		_, err := acorn.Desk.Shelf.Count(desktest.Ctx, []shelf.Count{{SKU: "lamp", Units: units, When: when}})
		return exchange.CodeOf(err)
	}
	if code := count(5, shelf.Moment{}); code != exchange.CodePrecondition {
		t.Errorf("one was sold: %v", code)
	}
	if code := count(5, shelf.Now); code != exchange.CodeOK {
		t.Error(code)
	}
	if code := count(4, shelf.Moment{At: acorn.W.Now.Add(time.Minute)}); code != exchange.CodeStale {
		t.Errorf("counted at the moment of the last count, or later: %v", code)
	}
	untold.Product.SKU = "cap"
	put(t, acorn, shelf.Statement{Source: "s"}, untold)
	tell(t, acorn, shelf.Line{SKU: "cap", Cause: record.CauseReceived, Units: 1})
	tell(t, acorn, sold("cap", 1))
	_, err := acorn.Desk.Shelf.Count(desktest.Ctx, []shelf.Count{{SKU: "cap", Units: 1}})
	if exchange.CodeOf(err) != exchange.CodePrecondition {
		t.Errorf("one came and went: %v", err)
	}
}
