package shelf

import (
	"flag"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/record"
)

// A model of a shop whose shelf is sold from by Souk, to partners and in sales of its own, and by
// the shop's other channels. Figures of
// its system come by files that may be late, out of order and badly dated; channels tell their
// movements at once, late, twice, by clocks that are wrong, or never; a web shop adds up and writes
// what it has made of what it read; people count, and tell it later. What is on the shelf is known
// to the model alone.

const (
	modelBooked = 10 * time.Minute
	modelSlack  = time.Minute
)

// sold is an order of the model.
type sold struct {
	own                       bool // a sale of the shop's own channels that Souk knows
	at                        exchange.Time
	units, shipped, cancelled int64
	returned                  int64         // of the shipped ones of an own sale
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

// happening is what a channel has done to the shelf.
type happening struct {
	cause record.Cause
	units int64
	at    exchange.Time // true
	says  exchange.Time // by the channel's clock
	told  bool
}

// counting is what a person has counted and not yet told.
type counting struct {
	snapshot
	says     exchange.Time
	revision uint64 // that the person saw
}

// webShop reads a figure, adds up what it does, and writes the sum.
type webShop struct {
	revision uint64
	read     int64
	units    int64 // with what has been done since
	did      []*happening
}

type model struct {
	t      *rapid.T
	system record.Figure // what the system's figures truly mean; 0 = there are no files
	chosen record.Figure // what the owner says
	dated  bool

	now    exchange.Time
	shelf  int64 // units that are there
	counts int64 // what the system's figure says
	left   int64 // units that Souk has shipped, ever
	own    int64 // those of left that went with own sales

	stock  hold.Stock
	last   record.Reading
	known  bool
	source record.Source
	orders []*sold
	moves  []record.Movement
	files  []snapshot
	latest snapshot // of the readings that were taken, counts by hand among them

	imports  uint64
	happened []*happening
	lost     []*happening // what no channel knows of: counts alone tell it
	counted  []counting
	web      *webShop
}

// TestFigures: whatever a system's figures mean, if its owner says so, or says nothing, and
// whatever channels and people tell, the shelf that is believed is no more than what was there at
// the latest reading or count, less what Souk has sent since, and with what channels have told of
// the time since. So it never exceeds the shelf that there is by more than what nobody has told.
func TestFigures(t *testing.T) {
	checks := flag.Lookup("rapid.checks").Value
	if before := checks.String(); before == "100" { // each rule left out fails some 1 in 10,000
		checks.Set("50000")
		t.Cleanup(func() { checks.Set(before) })
	}
	rapid.Check(t, func(t *rapid.T) {
		m := &model{t: t, now: 1_000_000_000}
		m.system = record.Figure(rapid.IntRange(0, 3).Draw(t, "system"))
		if m.chosen = m.system; rapid.Bool().Draw(t, "not chosen") {
			m.chosen = record.FigureNotChosen
		}
		m.dated = rapid.Bool().Draw(t, "dated")
		m.shelf = rapid.Int64Range(0, 20).Draw(t, "shelf")
		m.counts = m.shelf
		if m.system == record.FigureNotChosen || rapid.IntRange(0, 3).Draw(t, "counted first") == 0 {
			m.count()
		} else {
			m.snapshot()
			m.importFile()
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			m.step()
		}
	})
}

func (m *model) step() {
	m.now += exchange.Time(rapid.SampledFrom([]int64{1, 1000, 30_000, 90_000, 700_000, 4_000_000}).Draw(m.t, "later"))
	m.book()
	units := rapid.Int64Range(1, 6).Draw(m.t, "units")
	switch rapid.IntRange(0, 17).Draw(m.t, "what") {
	case 0:
		if units <= m.stock.Available() {
			m.move(hold.MoveHold, units)
		}
	case 1:
		if units <= m.stock.Held {
			m.move(hold.MoveRelease, units)
		}
	case 2:
		m.order(units)
	case 3:
		m.ship(units)
	case 4:
		m.cancel(units)
	case 5, 6:
		m.happen(record.CauseSold, units)
	case 7:
		m.happen(record.CauseReceived, units)
	case 8, 9, 10:
		m.tellOne()
	case 11:
		if m.snapshot(); !m.dated {
			m.importFile()
		}
	case 12:
		m.importFile()
	case 13:
		m.startCount()
	case 14:
		m.tellCount()
	case 15:
		m.webStep(units)
	case 16:
		m.lose(units)
	case 17:
		m.takeBack(units)
	}
	m.check()
}

// happen has a channel sell or receive units, and tell it at once, later or never.
func (m *model) happen(cause record.Cause, units int64) *happening {
	if cause.Takes() {
		units = -min(units, m.shelf)
	}
	if units == 0 {
		return nil
	}
	m.shelf += units
	m.counts += units
	h := &happening{cause: cause, units: units, at: m.now, says: m.now + m.skew()}
	m.happened = append(m.happened, h)
	if rapid.IntRange(0, 2).Draw(m.t, "at once") == 0 {
		m.tell(h, span{low: m.now, high: m.now, now: true}, record.Movement{At: m.now})
	}
	return h
}

// lose has units go that nobody knows of, where there are no files: figures of a system that does not
// know of a loss are not what they are said to be.
func (m *model) lose(units int64) {
	if m.system != record.FigureNotChosen {
		return
	}
	if units = min(units, m.shelf); units > 0 {
		m.shelf -= units
		m.lost = append(m.lost, &happening{units: -units, at: m.now})
	}
}

func (m *model) skew() exchange.Time {
	return exchange.Time(rapid.Int64Range(-modelSlack.Milliseconds(), modelSlack.Milliseconds()).Draw(m.t, "skew"))
}

// tellOne tells one of what has happened, long ago or not.
func (m *model) tellOne() {
	if len(m.happened) == 0 {
		return
	}
	h := m.happened[rapid.IntRange(0, len(m.happened)-1).Draw(m.t, "which")]
	if h.told || h.cause == record.CauseOwnReturned {
		return // its id is known, or it is told at once or never
	}
	m.tell(h, spanOf(h.says, m.now, modelSlack), record.Movement{At: h.says, Slack: modelSlack, Told: m.now})
}

func (m *model) tell(h *happening, at span, line record.Movement) {
	s := m.standing()
	contained, err := s.tell(h.cause, max(h.units, -h.units), at)
	if exchange.CodeOf(err) == exchange.CodeState && h.cause.Brings() && m.chosen != record.FigureOnHand && m.chosen != record.FigureFree {
		return // by file only
	}
	if err != nil {
		m.t.Fatal(err)
	}
	line.Cause, line.Units, line.Contained = h.cause, h.units, contained
	m.moves = append(m.moves, line)
	m.take(s)
	h.told = true
}

func (m *model) standing() standing {
	return standing{stock: m.stock, reading: m.last, figure: m.chosen, filed: min(m.source.High, m.source.Ended)}
}

func (m *model) take(s standing) {
	m.stock, m.last, m.known = s.stock, s.reading, true
}

// startCount has a person count, who has seen the revision.
func (m *model) startCount() {
	m.counted = append(m.counted, counting{snapshot{read: m.now, shelf: m.shelf, shipped: m.left}, m.now + m.skew(), m.revision()})
	if rapid.IntRange(0, 3).Draw(m.t, "at once") == 0 {
		m.counted = m.counted[:len(m.counted)-1]
		m.count()
	}
}

// tellCount tells one of the counts, by its moment or by the revision.
func (m *model) tellCount() {
	if len(m.counted) == 0 {
		return
	}
	c := m.counted[rapid.IntRange(0, len(m.counted)-1).Draw(m.t, "which")]
	s, at := m.standing(), spanOf(c.says, m.now, modelSlack)
	moved := m.since(at.low, at.high)
	if rapid.Bool().Draw(m.t, "by revision") {
		moved = since{}
		if at = (span{high: m.now, unknown: true}); c.revision != m.revision() {
			return
		}
	}
	if s.stale(at) {
		return
	}
	if err := s.count(c.shelf, at, moved); err != nil {
		m.t.Fatal(err)
	}
	m.set(s, at.unknown)
	m.tookCount(c.snapshot)
}

// tell notes what a written sum has told: what came, and as many of the units that went as the
// sum is below what was read. Those that what came has hidden nobody has told.
func (w *webShop) tell() {
	less := w.read - w.units
	for _, h := range slices.Backward(w.did) {
		if h.units > 0 {
			h.told = true
		} else if less += h.units; less >= 0 {
			h.told = true
		}
	}
}

// set takes what was counted.
func (m *model) set(s standing, unknown bool) {
	if unknown {
		m.moves = append(m.moves, record.Movement{Cause: record.CauseSet, Units: s.stock.Net() - m.stock.Net(), At: m.now})
	}
	m.take(s)
}

// revision counts the changes of the shelf and the files that were read, as [Shelf.Revision] does.
func (m *model) revision() uint64 { return m.stock.Revision + m.imports }

// webStep has the web shop read, sell, receive, or write.
func (m *model) webStep(units int64) {
	if m.web == nil {
		m.web = &webShop{revision: m.revision(), read: m.stock.Net(), units: m.stock.Net()}
	}
	w := m.web
	switch rapid.IntRange(0, 3).Draw(m.t, "web shop") {
	case 0:
		m.web = nil
	case 1, 2:
		cause := record.CauseSold
		if rapid.Bool().Draw(m.t, "receives") {
			cause = record.CauseReceived
		}
		if h := m.happen(cause, units); h != nil {
			w.units += h.units
			w.did = append(w.did, h)
		}
	case 3:
		s := m.standing()
		if w.units < 0 || w.revision != m.revision() {
			return
		}
		if err := s.count(w.units, span{high: m.now, unknown: true}, since{}); err != nil {
			m.t.Fatal(err)
		}
		m.set(s, true)
		w.tell()
		m.web = nil
	}
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
	own := rapid.Bool().Draw(m.t, "own")
	m.orders = append(m.orders, &sold{own: own, at: m.now, units: units, bookAt: m.now + delay})
	m.note(own, hold.MoveCommit, record.Movement{Units: units, At: m.now, Ordered: m.now})
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
			how := hold.MoveShip
			if o.own {
				how = hold.MoveLeave
				m.own += n
			}
			m.move(how, n)
			o.shipped += n
			m.shelf -= n
			m.left += n
			if m.system == record.FigureOnHand {
				m.counts -= n
			}
			m.note(o.own, how, record.Movement{Units: -n, At: m.now, Ordered: o.at})
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
			m.note(o.own, hold.MoveCancel, record.Movement{Units: n, At: m.now, Ordered: o.at})
			return
		}
	}
}

// note writes a line of what becomes of an order.
func (m *model) note(own bool, what hold.Move, line record.Movement) {
	line.Cause = Of{Own: own}.cause(what)
	m.moves = append(m.moves, line)
}

// takeBack has units of an own sale come back: onto the shelf, into the system, and to Souk, which
// takes them if they may come so. Else nobody tells of them but files and counts.
func (m *model) takeBack(units int64) {
	for _, o := range m.orders {
		if n := min(units, o.shipped-o.returned); o.own && n > 0 {
			o.returned += n
			m.shelf += n
			m.counts += n
			h := &happening{cause: record.CauseOwnReturned, units: n, at: m.now}
			m.happened = append(m.happened, h)
			m.tell(h, span{low: m.now, high: m.now, now: true}, record.Movement{At: m.now, Ordered: o.at})
			return
		}
	}
}

// count has a person count and tell it as they do.
func (m *model) count() {
	s := m.standing()
	if err := s.count(m.shelf, span{low: m.now, high: m.now, now: true}, since{}); err != nil {
		m.t.Fatal(err)
	}
	m.take(s)
	m.tookCount(snapshot{read: m.now, shelf: m.shelf, shipped: m.left})
}

func (m *model) snapshot() {
	f := snapshot{read: m.now, figure: m.counts, shelf: m.shelf, shipped: m.left}
	if m.system == record.FigureNotChosen {
		return
	}
	if m.dated {
		f.asOf = m.now + m.skew()
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
	m.imports++
	if m.source.High != 0 && st.High < m.source.Low {
		return // older than the source's last
	}
	when := st.dated(&m.last, m.now)
	told := told{stock: m.stock, left: m.own, last: m.last, known: m.known, figure: Figure{Set: true, Units: f.figure}, when: when, since: m.since(when.low, when.high)}
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
}

// took notes that a reading was taken.
func (m *model) took(f snapshot) {
	if f.read >= m.latest.read {
		m.latest = f
	}
}

// tookCount notes that a count was taken, which tells what was lost until then.
func (m *model) tookCount(f snapshot) {
	for _, h := range m.lost {
		h.told = h.told || h.at <= f.read
	}
	m.took(f)
}

// holds checks the stock against what was there at a reading, with what has been told since.
func (m *model) holds(f snapshot) {
	most := f.shelf - (m.left - f.shipped)
	for _, h := range m.happened {
		if h.told && h.at > f.read {
			most += h.units
		}
	}
	for _, h := range m.lost {
		if !h.told && h.at <= f.read {
			most -= h.units
		}
	}
	if m.stock.Net() > most {
		m.t.Fatalf("system %q, chosen %q: at %v, when the figure was %d, %d were there; Souk has sent %d since, and with what is told %d are there; the stock is %+v, which is %d",
			m.system, m.chosen, f.read, f.figure, f.shelf, m.left-f.shipped, most, m.stock, m.stock.Net())
	}
}

// since is what [journal.since] finds in the journal.
func (m *model) since(low, high exchange.Time) (sum since) {
	orders := low.Add(-modelBooked)
	for i := range m.moves {
		if v := &m.moves[i]; v.Recorded() >= orders {
			sum.add(v, low, high, orders)
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
