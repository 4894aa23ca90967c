package shelf

import (
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/record"
)

// Figure is what a file says of a stock.
type Figure struct {
	Set       bool // the file says something
	Unlimited bool // the product is not counted
	Units     int64
	Committed int64 // of Units: what that system has sold by itself and not sent; 0 = not told
	// Said reports that the owner says it of a product that the file does not count. It is a count
	// of the shelf, made anew where it differs from what was said before.
	Said bool
}

// Statement says how the figures of one file are meant, and when the file was read. The zero
// Statement is that of an owner who has said nothing.
type Statement struct {
	Source       string
	Figure       record.Figure
	BookedWithin time.Duration // how soon that system books Souk's orders
	// The file was read between Low and High. Low = 0: after the last reading of each stock.
	// High = 0: until now.
	Low, High exchange.Time
	// Last is the High of the source's last file: a file that is not surely newer can only lower.
	// 0 = there was none, or each stock's last reading says enough.
	Last exchange.Time
	// Others reports that other sources tell of products, too: then each stock notes when its figure
	// was read, though it is the same.
	Others bool
	// Rebase takes the figures of a system that knows nothing of Souk as counts of the shelf, for
	// they were put right there.
	Rebase bool
	// AllowRenamed takes another product under a known SKU for the same one.
	AllowRenamed bool
	DryRun       bool // nothing is written; the outcome is that of a real run
}

// since is what the journal says of a stock since a file was read.
type since struct {
	// Shipped is units that may have left after the reading.
	Shipped int64
	// Ordered is units, less cancelled ones, of orders that may not have been booked then.
	Ordered int64
	// Gone is units that were sold or damaged elsewhere, and may have gone after the reading; Come is
	// units that were returned or received, and surely came after it.
	Gone, Come int64
	// Less is by how many units sums that a system wrote were below what it had read: of what it sold
	// itself the figure may not know. Gone has them, too.
	Less int64
}

// add adds a movement to what has been since a reading between low and high, and ordered since
// orders.
func (s *since) add(m *record.Movement, low, high, orders exchange.Time) {
	from, to := m.Span()
	switch {
	case (m.Cause == record.CauseShipped || m.Cause == record.CauseOwnShipped) && m.At >= low:
		s.Shipped -= m.Units
	case (m.Cause == record.CauseOrdered || m.Cause == record.CauseOwnSold) && m.At >= orders:
		s.Ordered += m.Units
	case (m.Cause == record.CauseCancelled || m.Cause == record.CauseOwnCancelled) && m.Ordered >= orders:
		s.Ordered -= m.Units
	case m.Cause.Takes() && to >= low:
		s.Gone -= m.Units
	case m.Cause == record.CauseSet && to >= low:
		s.Gone -= min(m.Units, 0)
		s.Less -= min(m.Units, 0)
	case m.Cause.Brings() && from > high:
		s.Come += m.Units
	}
}

// Readings are the units that each meaning of a figure makes available, below zero where it
// makes a shortfall.
type Readings struct{ OnHand, Free, FreeUnaware int64 }

// lowest is the least of the three.
func (r Readings) lowest() int64 { return min(r.OnHand, r.Free, r.FreeUnaware) }

// Differ reports that it matters which meaning a figure has.
func (r Readings) Differ() bool { return r.OnHand != r.Free || r.Free != r.FreeUnaware }

// of is the reading that a meaning chooses; not chosen, the least.
func (r Readings) of(f record.Figure) int64 {
	switch f {
	case record.FigureOnHand:
		return r.OnHand
	case record.FigureFree:
		return r.Free
	case record.FigureFreeUnaware:
		return r.FreeUnaware
	}
	return r.lowest()
}

// dated is when a file was read, as far as it matters to one stock.
type dated struct {
	low, high exchange.Time // at the earliest and at the latest
	newer     bool          // surely after the last reading and count
	older     bool          // surely before one of them
}

// dated says when the file of a statement was read, to a stock with this last reading. A file
// without a date is of a time since the last reading; whether it is of before a count by hand,
// nobody knows.
func (st Statement) dated(last *record.Reading, now exchange.Time) dated {
	d := dated{low: st.Low, high: st.High}
	told := d.low != 0
	if !told && (last.Set || last.Counted > 0) {
		d.low = max(last.High, last.Counted) + 1
	}
	if d.high == 0 {
		d.high = now
	}
	if d.low <= now {
		d.high = min(d.high, now) // whatever its clock says, it has been read
	}
	d.older = last.Set && d.high < last.Low || last.Counted > 0 && d.high < last.CountedFrom
	d.high = max(d.low, d.high)
	d.newer = (!last.Set || d.low > st.Last && d.low > last.High) && (last.Counted == 0 || told && d.low > last.Counted)
	return d
}

// told is a figure on its way into a stock.
type told struct {
	stock  hold.Stock
	last   record.Reading
	left   int64 // units of own sales that have left
	known  bool  // the stock had a record before, and it is of this time
	figure Figure
	when   dated
	since  since
	debts  debts
}

// taken is what became of a figure.
type taken struct {
	stock    hold.Stock
	reading  record.Reading
	readings Readings // of a figure that counts
	older    bool     // the file is older than what is known, and changed nothing
	doubted  bool     // the file may be older than what is known, and could only lower
	lowered  bool     // a meaning that was not chosen would have left more
}

// read applies a figure by its meaning (design: SHELF, What a figure means).
//
//	on-hand       net := figure − committed − shipped since + moved since
//	free          available := figure − held − ordered since + moved since
//	free-unaware  available := available + figure − last figure
//	not chosen    the least of the three
//
// What the file may not know yet is taken as it lowers. A file surely older than the last
// reading or count changes nothing, and one that is not surely newer can only lower. After a
// count by hand the first newer figure of a system that does not know of the count confirms what
// the count found, or it is taken back: what the figure has grown by may have been counted, and
// with such a system units come by file only.
func (t told) read(st Statement) (taken, error) {
	out := taken{stock: t.stock, reading: t.last}
	if t.figure.Said {
		return t.said(st)
	}
	if t.when.older {
		out.older = true
		return out, nil
	}
	doubt := !t.when.newer && t.known && !t.stock.Unlimited
	if t.figure.Unlimited {
		if out.doubted = doubt; doubt {
			return out, nil
		}
		out.reading, out.stock = t.reading(st), t.stock.Uncount()
		return out, nil
	}
	out.reading = t.reading(st)
	available := t.meanings(st)
	out.readings = available
	target := available.of(st.Figure)
	out.lowered = st.Figure == record.FigureNotChosen && target < max(available.OnHand, available.Free, available.FreeUnaware)
	if doubt {
		out.doubted = target > t.stock.Free()
		target = min(target, t.stock.Free())
	}
	switch {
	case out.reading.Counted == 0:
	case t.first():
		out.reading.CountedBy = target - t.alone()
	default:
		// What the old figure makes of the stock, without the count, moves with the figure alone.
		out.reading.CountedBy += target - t.stock.Free() - (out.reading.Units - out.reading.Owed - t.last.Units + t.last.Owed)
	}
	var err error
	out.stock, err = t.withFree(target)
	return out, err
}

// withFree is the stock with so many units free, as far as a stock can have them.
func (t told) withFree(free int64) (hold.Stock, error) {
	return t.stock.WithNet(min(max(free+t.stock.Promised(), -hold.MaxShelf), hold.MaxShelf))
}

// reading is the last reading after the figure. One that is not surely newer keeps the lower
// figure, and the count that it may be older than, unless the stock was not counted until then.
func (t told) reading(st Statement) record.Reading {
	r := record.Reading{
		Source: st.Source, Set: true, Unlimited: t.figure.Unlimited, Units: t.figure.Units,
		Low: t.when.low, High: t.when.high, Behind: t.last.Behind, Owed: t.debts.unaware,
	}
	if t.when.newer || t.stock.Unlimited { // of a stock that nothing counted, the figure is all that is known
		return r
	}
	r.Counted, r.CountedBy, r.CountedFrom = t.last.Counted, t.last.CountedBy, t.last.CountedFrom
	if t.last.Set {
		r.Low, r.High = min(r.Low, t.last.Low), max(r.High, t.last.High)
		if !t.last.Unlimited {
			// The figure and what was owed of it go together.
			if r.Units-r.Owed > t.last.Units-t.last.Owed {
				r.Units, r.Owed = t.last.Units, t.last.Owed
			}
		}
	}
	return r
}

// said applies the owner's own word.
func (t told) said(st Statement) (taken, error) {
	f := t.figure
	out := taken{stock: t.stock, reading: t.last}
	if t.last.Set && t.last.Unlimited == f.Unlimited && t.last.Units == f.Units {
		return out, nil
	}
	out.reading = record.Reading{Source: st.Source, Set: true, Unlimited: f.Unlimited, Units: f.Units, Low: t.when.high, High: t.when.high, Behind: t.last.Behind, Owed: t.debts.unaware}
	if f.Unlimited {
		out.stock = t.stock.Uncount()
		return out, nil
	}
	var err error
	out.stock, err = t.withFree(f.Units - t.debts.open - t.stock.Promised())
	return out, err
}

// first reports that there is no figure before with which this one could be compared.
func (t told) first() bool { return !t.last.Set || t.last.Unlimited || t.stock.Unlimited }

// alone is what the figure alone makes available, of a system that knows nothing of Souk.
func (t told) alone() int64 {
	return t.figure.Units - t.debts.unaware - t.stock.Held - t.stock.Sold - t.left - t.since.Gone
}

// meanings is what is available by each meaning of the figure.
func (t told) meanings(st Statement) Readings {
	s, f := t.stock, t.figure
	r := Readings{
		OnHand: f.Units - f.Committed - t.since.Shipped - t.debts.open - s.Promised() - t.since.Gone + t.since.Come,
		Free:   f.Units - t.since.Ordered - t.debts.open - s.Held - t.since.Gone + t.since.Come,
	}
	switch {
	case st.Rebase:
		r.FreeUnaware = r.OnHand
	case !t.known || !t.last.Set && s == (hold.Stock{}):
		r.FreeUnaware = t.alone()
	case t.first():
		r.FreeUnaware = t.alone()
		if !s.Unlimited {
			r.FreeUnaware = min(r.FreeUnaware, s.Free())
		}
	default:
		change := f.Units - t.last.Units + t.last.Owed - t.debts.unaware
		r.FreeUnaware = s.Free() + change
		if t.last.Counted > 0 {
			// What the count found may be what the figure grew by, and what it shrank by may have
			// gone before or after: both ways, the lower counts.
			r.FreeUnaware = min(r.FreeUnaware-t.last.CountedBy-t.since.Less, s.Free()+min(change, 0))
		}
	}
	return r
}
