package partnership

import (
	"slices"

	"github.com/souk-market/souk/exchange"
)

// State is the state of one partnership. The zero State is two shops that have not
// spoken yet.
type State struct {
	Version uint32         // of Terms; 0 = none were ever in force
	Terms   exchange.Terms // in force while Active; the last ones after an end
	Active  bool
	Since   exchange.Time // when Version came into force
	Ended   exchange.Time // when it last ended; 0 while active
	EndedBy exchange.Party
	// EndReason is what was said with that end, a text for people; empty while active.
	EndReason string
	Open      Proposal // the one open proposal; By is 0 where there is none
	// Declined is the newest proposal, where it was declined, withdrawn or closed by an end.
	Declined Declined
}

// Declined says how a proposal was closed. The zero value is none.
type Declined struct {
	Hash [32]byte       // of the ledger entry that carried it
	Of   exchange.Party // whose proposal it was
	By   exchange.Party // who closed it: Of itself where it was withdrawn
	At   exchange.Time
}

// Proposal is terms one side offers.
type Proposal struct {
	Hash  [32]byte // of the ledger entry that carries it
	By    exchange.Party
	Terms exchange.Terms
	At    exchange.Time
}

// Event is what either side can do.
type Event interface{ by() exchange.Party }

type (
	// Propose offers terms; it supersedes an open proposal of either side.
	Propose struct {
		By    exchange.Party
		Terms exchange.Terms
		Hash  [32]byte
	}
	// Accept puts the open proposal of the other side into force.
	Accept struct {
		By   exchange.Party
		Hash [32]byte
	}
	// Decline closes the open proposal: the other side's, or one's own (a withdrawal).
	Decline struct {
		By   exchange.Party
		Hash [32]byte
	}
	// End stops new holds and orders and closes an open proposal as a Decline does. It cannot be
	// refused and may come twice; of two that follow each other the first counts, with
	// its time and reason.
	End struct {
		By     exchange.Party
		Reason string
	}
)

func (e Propose) by() exchange.Party { return e.By }
func (e Accept) by() exchange.Party  { return e.By }
func (e Decline) by() exchange.Party { return e.By }
func (e End) by() exchange.Party     { return e.By }

// Effects say what else a step causes.
type Effects struct {
	Activated bool // a version came into force
	Ended     bool // an active partnership ended: release its holds, make a new catalog key
}

// Step returns the state after e. Refusals: CodeInvalid for bad terms or a By
// that is no party, CodeStale where the named proposal is not the open one,
// CodeState for accepting one's own. On error the state is unchanged. The state
// shares no list of countries with e.
func Step(s State, e Event, now exchange.Time) (State, Effects, error) {
	if err := e.by().Check(); err != nil {
		return s, Effects{}, err
	}
	switch e := e.(type) {
	case Propose:
		if err := e.Terms.Check(); err != nil {
			return s, Effects{}, err
		}
		s.Open = Proposal{Hash: e.Hash, By: e.By, Terms: e.Terms, At: now}
		s.Open.Terms.Countries = slices.Clone(e.Terms.Countries)
		s.Declined = Declined{}
		return s, Effects{}, nil
	case Accept:
		if s.Open.By == 0 || s.Open.Hash != e.Hash {
			return s, Effects{}, stale(s)
		}
		if s.Open.By == e.By {
			return s, Effects{}, exchange.Errorf(exchange.CodeState, "the proposal is your own; the other shop accepts it")
		}
		s.Terms, s.Active, s.Since = s.Open.Terms, true, now
		s.Version++
		s.Ended, s.EndedBy, s.EndReason = 0, 0, ""
		s.Open = Proposal{}
		return s, Effects{Activated: true}, nil
	case Decline:
		if s.Open.By == 0 || s.Open.Hash != e.Hash {
			return s, Effects{}, stale(s)
		}
		return s.closed(e.By, now), Effects{}, nil
	case End:
		if s.Open.By != 0 {
			s = s.closed(e.By, now)
		}
		if !s.Active {
			return s, Effects{}, nil
		}
		s.Active, s.Ended, s.EndedBy, s.EndReason = false, now, e.By, e.Reason
		return s, Effects{Ended: true}, nil
	}
	return s, Effects{}, exchange.Errorf(exchange.CodeInternal, "unknown partnership event %T", e)
}

// closed is the state without its open proposal, which by has closed.
func (s State) closed(by exchange.Party, now exchange.Time) State {
	s.Declined = Declined{Hash: s.Open.Hash, Of: s.Open.By, By: by, At: now}
	s.Open = Proposal{}
	return s
}

func stale(s State) error {
	if s.Open.By == 0 {
		return exchange.Errorf(exchange.CodeStale, "there is no open proposal; it was answered, withdrawn or ended")
	}
	return exchange.Errorf(exchange.CodeStale, "a newer proposal by the %v has replaced it; look at that one first", s.Open.By)
}
