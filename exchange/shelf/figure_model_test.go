package shelf

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/record"
)

// A model of a shop whose shelf is sold from by Souk and by the shop's own system, and whose
// figures come by files that may be late, out of order and badly dated. What is on the shelf is
// known to the model alone.

const (
	modelBooked = 10 * time.Minute
	modelSlack  = time.Minute
)

// sold is an order of the model.
type sold struct {
	at                        exchange.Time
	units, shipped, cancelled int64
	bookAt                    exchange.Time // when the system books it, where it does
	bookedUnits               int64
}

func (o *sold) open() int64 { return o.units - o.shipped - o.cancelled }

// snapshot is a file.
type snapshot struct {
	read    exchange.Time
	figure  int64
	asOf    exchange.Time // as stated; 0 = not
	shelf   int64         // what was on the shelf
	shipped int64         // by Souk, until then
}

type model struct {
	t      *rapid.T
	system record.Figure // what the system's figures truly mean
	chosen record.Figure // what the owner says
	dated  bool

	now    exchange.Time
	shelf  int64 // units that are there
	counts int64 // what the system's figure says
	left   int64 // units that Souk has shipped, ever

	stock  hold.Stock
	last   record.Reading
	known  bool
	source record.Source
	orders []*sold
	moves  []record.Movement
	files  []snapshot
	latest snapshot // of the readings that were taken, counts by hand among them
}

// TestFigures: whatever a system's figures mean, if its owner says so, or says nothing, a file
// leaves no more than what was there when it was read, less what Souk has sent since.
func TestFigures(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{t: t, now: 1_000_000_000}
		m.system = record.Figure(rapid.IntRange(1, 3).Draw(t, "system"))
		if m.chosen = m.system; rapid.Bool().Draw(t, "not chosen") {
			m.chosen = record.FigureNotChosen
		}
		m.dated = rapid.Bool().Draw(t, "dated")
		m.shelf = rapid.Int64Range(0, 20).Draw(t, "shelf")
		m.counts = m.shelf
		m.snapshot()
		m.importFile()
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			m.step()
		}
	})
}

func (m *model) step() {
	m.now += exchange.Time(rapid.SampledFrom([]int64{1, 1000, 30_000, 90_000, 700_000, 4_000_000}).Draw(m.t, "later"))
	m.book()
	units := rapid.Int64Range(1, 6).Draw(m.t, "units")
	switch rapid.IntRange(0, 9).Draw(m.t, "what") {
	case 0:
		if units <= m.stock.Available() {
			m.move(hold.MoveHold, units)
		}
	case 1:
		if units <= m.stock.Held {
			m.move(hold.MoveRelease, units)
		}
	case 2, 3:
		m.order(units)
	case 4:
		m.ship(units)
	case 5:
		m.cancel(units)
	case 6: // the till
		if units <= m.shelf {
			m.shelf -= units
			m.counts -= units
		}
	case 7: // a delivery
		m.shelf += units
		m.counts += units
	case 8:
		m.snapshot()
		if !m.dated {
			m.importFile()
		}
	case 9:
		if rapid.IntRange(0, 4).Draw(m.t, "count") == 0 {
			m.count()
		} else {
			m.importFile()
		}
	}
	m.check()
}

func (m *model) move(what hold.Move, units int64) {
	next, err := m.stock.Step(what, units)
	if err != nil {
		m.t.Fatal(err)
	}
	m.stock = next
}

func (m *model) order(units int64) {
	if units > m.stock.Available() {
		return
	}
	m.move(hold.MoveHold, units)
	m.move(hold.MoveCommit, units)
	delay := exchange.Time(rapid.Int64Range(0, modelBooked.Milliseconds()).Draw(m.t, "booked after"))
	m.orders = append(m.orders, &sold{at: m.now, units: units, bookAt: m.now + delay})
	m.moves = append(m.moves, record.Movement{Cause: record.CauseOrdered, Units: units, At: m.now, Ordered: m.now})
	m.book()
}

// book has the system book the orders whose time has come.
func (m *model) book() {
	if m.system != record.FigureFree {
		return
	}
	for _, o := range m.orders {
		if o.bookAt > 0 && o.bookAt <= m.now {
			o.bookedUnits = o.units - o.cancelled
			m.counts -= o.bookedUnits
			o.bookAt = 0
		}
	}
}

func (m *model) ship(units int64) {
	for _, o := range m.orders {
		if n := min(units, o.open(), m.shelf); n > 0 {
			m.move(hold.MoveShip, n)
			o.shipped += n
			m.shelf -= n
			m.left += n
			if m.system == record.FigureOnHand {
				m.counts -= n
			}
			m.moves = append(m.moves, record.Movement{Cause: record.CauseShipped, Units: -n, At: m.now, Ordered: o.at})
			return
		}
	}
}

func (m *model) cancel(units int64) {
	for _, o := range m.orders {
		if n := min(units, o.open()); n > 0 {
			m.move(hold.MoveCancel, n)
			o.cancelled += n
			if o.bookAt == 0 && m.system == record.FigureFree {
				m.counts += n
			}
			m.moves = append(m.moves, record.Movement{Cause: record.CauseCancelled, Units: n, At: m.now, Ordered: o.at})
			return
		}
	}
}

func (m *model) count() {
	next, err := m.stock.Count(m.shelf)
	if err != nil {
		m.t.Fatal(err)
	}
	m.last.CountedBy += next.Net() - m.stock.Net()
	m.stock, m.last.Counted = next, m.now
	m.took(snapshot{read: m.now, shelf: m.shelf, shipped: m.left})
}

func (m *model) snapshot() {
	f := snapshot{read: m.now, figure: m.counts, shelf: m.shelf, shipped: m.left}
	if m.dated {
		f.asOf = m.now + exchange.Time(rapid.Int64Range(-modelSlack.Milliseconds(), modelSlack.Milliseconds()).Draw(m.t, "skew"))
	}
	m.files = append(m.files, f)
}

// importFile imports one of the files that wait, not always the oldest, and keeps it, so that
// it may come again. A file without a date comes once, when it was read.
func (m *model) importFile() {
	if len(m.files) == 0 {
		return
	}
	f := m.files[rapid.IntRange(0, len(m.files)-1).Draw(m.t, "file")]
	if !m.dated {
		f = m.files[len(m.files)-1]
		m.files = nil
	}
	st := Statement{Figure: m.chosen, BookedWithin: modelBooked, Last: m.source.High}
	switch {
	case f.asOf != 0:
		st.Low, st.High = f.asOf.Add(-modelSlack), f.asOf.Add(modelSlack)
	case m.source.Ended != 0:
		st.Low, st.High = m.source.Ended+1, max(m.now, m.source.Ended+1)
	default:
		st.High = m.now
	}
	if m.source.High != 0 && st.High < m.source.Low {
		return // older than the source's last
	}
	when := st.dated(&m.last, m.now)
	told := told{stock: m.stock, last: m.last, known: m.known, figure: Figure{Set: true, Units: f.figure}, when: when, since: m.since(when.low)}
	out, err := told.read(st)
	if err != nil {
		m.t.Fatal(err)
	}
	if tells(&m.last, &out.reading, false) {
		m.last = out.reading
	}
	m.stock, m.known = out.stock, true
	m.source.Low, m.source.High, m.source.Ended = st.Low, max(m.source.High, st.High), m.now
	if out.older {
		return
	}
	m.took(f)
	m.holds(f)
}

// took notes that a reading was taken.
func (m *model) took(f snapshot) {
	if f.read >= m.latest.read {
		m.latest = f
	}
}

// holds checks the stock against what was there at a reading, less what Souk has sent since.
func (m *model) holds(f snapshot) {
	if most := f.shelf - (m.left - f.shipped); m.stock.Net() > most {
		m.t.Fatalf("system %v, chosen %q: at %v, when the figure was %d, %d were there, and Souk has sent %d since; the stock is %+v, which is %d",
			m.system, m.chosen, f.read, f.figure, f.shelf, m.left-f.shipped, m.stock, m.stock.Net())
	}
}

// since is what [journal.since] finds in the journal.
func (m *model) since(low exchange.Time) (sum since) {
	orders := low.Add(-modelBooked)
	for _, v := range m.moves {
		switch {
		case v.At < orders:
		case v.Cause == record.CauseShipped && v.At >= low:
			sum.Shipped -= v.Units
		case v.Cause == record.CauseOrdered:
			sum.Ordered += v.Units
		case v.Cause == record.CauseCancelled && v.Ordered >= orders:
			sum.Ordered -= v.Units
		}
	}
	return sum
}

func (m *model) check() {
	m.holds(m.latest)
	s := m.stock
	if err := s.Check(); err != nil {
		m.t.Fatal(err)
	}
	if s.Available()+s.Held+s.Sold != s.Stocked-s.Missing+s.Deficit() {
		m.t.Fatalf("I1 is broken: %+v", s)
	}
}
