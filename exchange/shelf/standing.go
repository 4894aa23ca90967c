package shelf

import (
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/record"
)

// span is when something happened, by this shop's clock.
type span struct {
	low, high exchange.Time // at the earliest and at the latest
	// now reports that it is told as it happens: it comes after all that was told before.
	now bool
	// unknown reports of a count by a revision that it may be of any time until high: it may be what
	// a system has added up.
	unknown bool
}

// spanOf is when something happened that is told at now and dated at, by a clock that may be slack
// from this shop's. What is told has happened.
func spanOf(at, now exchange.Time, slack time.Duration) span {
	return span{low: min(at.Add(-slack), now), high: min(at.Add(slack), now)}
}

// standing is what a stock is counted by.
type standing struct {
	stock   hold.Stock
	reading record.Reading
	figure  record.Figure // what the figures of the reading's source mean
	// filed is when that source was last read, at the latest, whether or not the stock's reading
	// says so: of the same figure none is written.
	filed exchange.Time
}

// whole reports that the figures of the stock's source have all that came or went until they were
// read. Those of a system that knows nothing of Souk move the stock by what they grow and shrink.
func (s *standing) whole() bool {
	return s.figure == record.FigureOnHand || s.figure == record.FigureFree
}

// neverSet reports that nothing has ever told how many there are, or moved them.
func (s *standing) neverSet() bool {
	r := &s.reading
	return !r.Set && r.Counted == 0 && s.stock == (hold.Stock{})
}

// has reports whether what the stock is counted by has a movement already (design: SHELF,
// A movement told late). In doubt it has what came, and not what went.
func (s *standing) has(c record.Cause, at span) bool {
	r := &s.reading
	switch {
	case at.now:
		return false
	case c.Takes():
		return at.high < r.CountedFrom || s.whole() && r.Set && at.high < r.Low
	}
	return at.low <= r.Counted || r.Set && at.low <= max(r.High, s.filed)
}

// tell applies a movement, unless the stock has it. It fails with CodeState where units may not
// come by movements.
func (s *standing) tell(c record.Cause, units int64, at span) (contained bool, err error) {
	if c.Takes() {
		units = -units
	} else if s.reading.Set && !s.whole() {
		return false, exchange.Errorf(exchange.CodeState,
			"what comes to the shelf is told by the files of %s alone, for their figures, which know nothing of Souk or have no chosen meaning, would count it again: "+
				"import its next file, or say what its figures mean (souk catalog import --stock-figure on-hand or free)", sourceName(s.reading.Source))
	}
	if s.stock.Unlimited {
		s.stock.Revision++ // a count of before it is not one of after it
		return false, nil
	}
	if s.has(c, at) {
		return true, nil
	}
	s.stock, err = s.stock.WithNet(s.stock.Net() + units)
	return false, err
}

// stale reports whether a count may be older than what the stock is counted by.
func (s *standing) stale(at span) bool {
	r := &s.reading
	if at.now || at.unknown {
		return false
	}
	return at.low <= r.Counted || r.Set && at.low <= max(r.High, s.filed)
}

// count takes what was counted, and what the journal has since. The revision changes though the
// units may not: whoever read an earlier one has not seen what was counted.
func (s *standing) count(units int64, at span, moved since) error {
	before := s.stock
	var err error
	if s.stock, err = before.Count(units); err != nil {
		return err
	}
	if moved != (since{}) {
		if s.stock, err = before.WithNet(units - moved.Shipped - moved.Gone + moved.Come); err != nil {
			return err
		}
	}
	s.counted(before, at)
	return nil
}

// uncount makes the stock unlimited.
func (s *standing) uncount(at span) {
	before := s.stock
	s.stock = before.Uncount()
	s.counted(before, at)
}

// counted notes that the stock was counted, and had before until then.
func (s *standing) counted(before hold.Stock, at span) {
	s.stock.Revision = before.Revision + 1
	r := &s.reading
	r.CountedBy += s.stock.Net() - before.Net()
	r.Counted = at.high
	if !at.unknown { // else what an earlier count had, the system that added up has read
		r.CountedFrom = at.low
	}
}

func sourceName(name string) string {
	if name == "" {
		return "its system"
	}
	return name
}
