package bridgetest

import (
	"errors"
	"runtime"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
)

// rule is a rule that a system breaks, for the test that each case of the suite can fail.
type rule string

// The rules, each broken in the way in which a system of somebody's own would.
const (
	checksFirst     rule = "checks what is free, and takes it later"
	idCheckedLate   rule = "looks an ID up, and notes it later"
	takesSome       rule = "takes the lines that are there"
	linesAsTheyCome rule = "locks products in the order of the lines"
	namesOne        rule = "names one short line"
	keepsOne        rule = "refuses the last unit"
	unknownIsYes    rule = "an unknown product is no reason to refuse"
	forgetsYes      rule = "takes again for an ID that is held"
	orderMatters    rule = "lines in another order are other lines"
	otherLinesToo   rule = "answers an ID without looking at its lines"
	refusedAgain    rule = "asks the stock anew for an ID that was refused"
	batchStops      rule = "the first no ends a batch"
	lapsesByExpiry  rule = "holds end at expires_at"
	lapsesByClock   rule = "holds end after an hour by its clock"
	poolsApart      rule = "variants of a pool have a stock each"
	poolLineByLine  rule = "lines of one pool are looked at one by one"
	givesTwice      rule = "gives back as often as it is told"
	yesAfterRelease rule = "a late copy of a hold is answered as the first was"
	noMark          rule = "a release of an unknown ID leaves no mark"
	unknownIsNo     rule = "a release of an unknown ID is no"
	givesMore       rule = "gives back what a part names, not what is set aside"
	commitOnce      rule = "a second commit is no"
	commitTakes     rule = "a commit takes the units, which are taken"
	commitsAnything rule = "a commit is always yes"
	wholeAlways     rule = "a part gives everything back"
	seqIgnored      rule = "a part that comes twice is done twice"
	lastSeqAlone    rule = "a part with a lower seq than the last is old"
	partEnds        rule = "a part ends the ask"
	checkoutBlind   rule = "the own checkout does not see what is held"
	memoryOnly      rule = "forgets when it restarts"
	halfDone        rule = "has no transaction"
	tellsShelf      rule = "changes tell what stands on the shelf"
	alwaysAnew      rule = "changes begin anew each time"
	noGap           rule = "an unknown cursor is like one at the end"
	heldAlone       rule = "open lacks what is committed"
	openTooLong     rule = "open has what is given back"
	linesAsAsked    rule = "open tells the lines as asked"
	fromStart       rule = "open begins anew each time"
)

// between lets others go on where a system that checks first does not keep them out. The caller
// holds the lock.
func (s *System) between(r rule) {
	if s.broken == r {
		s.mu.Unlock()
		runtime.Gosched()
		s.mu.Lock()
	}
}

// errDeadlock is what a database says of two transactions that wait for each other.
var errDeadlock = errors.New("deadlock detected")

// deadlock fails a hold that meets another with its lines in another order, where the system locks
// products as they come. The caller holds the lock.
func (s *System) deadlock(lines []bridge.Line) error {
	if s.broken != linesAsTheyCome {
		return nil
	}
	first := lines[0].SKU
	if s.locked != "" && s.locked != first {
		return errDeadlock
	}
	s.locked = first
	s.between(linesAsTheyCome)
	s.locked = ""
	return nil
}

// forgets reports whether the system treats a known ask as new.
func (s *System) forgets(a *ask) bool {
	return s.broken == forgetsYes && a.state == bridge.Held || s.broken == refusedAgain && a.state == bridge.Refused
}

// lapse ends holds by time, where the system does that.
func (s *System) lapse() {
	for _, a := range s.asks {
		late := s.broken == lapsesByExpiry && s.now() > a.expires || s.broken == lapsesByClock && s.now().Sub(a.made) > time.Hour
		if a.state == bridge.Held && late {
			for sku, units := range a.rest {
				s.add(s.shelves[sku], units)
			}
			a.state, a.rest = bridge.Released, map[exchange.SKU]int64{}
		}
	}
}
