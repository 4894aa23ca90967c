package hold

import (
	"time"

	"github.com/souk-market/souk/exchange"
)

// State is where a hold stands. Numbers are stored and sent: append only.
type State uint32

const (
	None      State = 0 // the supplier has no record of it
	Held      State = 1
	Committed State = 2
	Released  State = 3
	Expired   State = 4
	Refused   State = 5
	// Asked: the units are set aside here, and the shop's own system is being asked for them. It is
	// the supplier's own business: no answer to a retailer says it.
	Asked State = 6
)

var stateNames = [...]string{"none", "held", "committed", "released", "expired", "refused", "asked"}

func (s State) String() string {
	if s < State(len(stateNames)) {
		return stateNames[s]
	}
	return "unknown"
}

// Terminal reports whether a hold in s can never change again.
func (s State) Terminal() bool { return s != None && !s.Open() }

// Open reports whether a hold in s has units set aside.
func (s State) Open() bool { return s == Held || s == Asked }

// Hold is units that a supplier sets aside for one retailer. The zero Hold is a hold of which
// the supplier has no record.
type Hold struct {
	State State
	Lines exchange.Lines // none where it was never placed
	// From is the stock record that each line's units were taken from; nil = each product's own.
	From    []exchange.StockID
	Issued  exchange.Time // when it was placed, refused or first released
	Expires exchange.Time // while now is before it, a HELD hold can be ordered
	// Deadline is by when an ASKED hold must be confirmed; 0 of every other.
	Deadline exchange.Time
	Ended    exchange.Time // when it became terminal
	Refusal  exchange.Code // why, when Refused
}

// Due is when an open hold ends by time alone: an ASKED one at its deadline.
func (h Hold) Due() exchange.Time {
	if h.State == Asked {
		return h.Deadline
	}
	return h.Expires
}

// Units is the sum of the lines.
func (h Hold) Units() int64 { return h.Lines.Units() }

// Event is what can happen to a hold.
type Event interface{ holdEvent() }

type (
	// Place holds the lines until Expires. The caller has checked terms and price.
	Place struct {
		Lines   exchange.Lines
		From    []exchange.StockID // as in Hold
		Expires exchange.Time
	}
	// Ask sets the lines aside whether they are available or not, until Deadline: the shop's own
	// system is asked for them.
	Ask struct {
		Place
		Deadline exchange.Time
	}
	// Confirm makes an ASKED hold a HELD one: the system has said yes.
	Confirm struct{}
	// Refuse answers a hold that cannot be placed, or that the system was asked for; Code says why.
	Refuse struct{ Code exchange.Code }
	// Extend moves the expiry to Until; a hold lives Limit at most, from its issue.
	Extend struct {
		Until exchange.Time
		Limit time.Duration
	}
	// Release gives the stock back, or leaves a tombstone for a hold still to come.
	Release struct{}
	// Expire ends a hold whose time has come.
	Expire struct{}
	// Commit turns the hold into an order.
	Commit struct{}
)

func (Place) holdEvent()   {}
func (Ask) holdEvent()     {}
func (Confirm) holdEvent() {}
func (Refuse) holdEvent()  {}
func (Extend) holdEvent()  {}
func (Release) holdEvent() {}
func (Expire) holdEvent()  {}
func (Commit) holdEvent()  {}

// Effects say what a step does to stock: each delta must be applied with it, or
// the step be dropped.
type Effects struct{ Stock []Delta }

// Step returns the hold after e. Refusals: CodeExpired, CodeReleased,
// CodeOrdered or the refusal's own code where the hold has ended; CodeLifetime
// for an extension beyond the limit; CodeNotFound where there is no hold;
// CodeConflict for a second Place or Ask; CodeState for an Expire that comes too early, and for
// what only a HELD hold can meet while it is ASKED; CodeUnavailable for a Confirm at the deadline
// or later; CodeInvalid for a Place without lines. On error the hold is unchanged.
func Step(h Hold, e Event, now exchange.Time) (Hold, Effects, error) {
	switch e := e.(type) {
	case Place:
		return place(h, e, now)
	case Ask:
		return ask(h, e, now)
	case Confirm:
		return confirm(h, now)
	case Refuse:
		if e.Code == exchange.CodeOK {
			return h, Effects{}, exchange.Errorf(exchange.CodeInternal, "a refusal without a reason")
		}
		if h.State == Asked {
			next, fx, err := end(h, Refused, MoveRelease, now)
			next.Refusal = e.Code
			return next, fx, err
		}
		if h.State != None {
			return h, Effects{}, ended(h, exchange.CodeConflict)
		}
		return Hold{State: Refused, Issued: now, Ended: now, Refusal: e.Code}, Effects{}, nil
	case Release:
		if h.State == None {
			return Hold{State: Released, Issued: now, Ended: now}, Effects{}, nil
		}
		return end(h, Released, MoveRelease, now)
	case Expire:
		if h.State == Held && now < h.Expires {
			return h, Effects{}, exchange.Errorf(exchange.CodeState, "the hold runs until %v", h.Expires)
		}
		if h.State == Asked {
			return h, Effects{}, ended(h, exchange.CodeState)
		}
		return end(h, Expired, MoveRelease, now)
	case Commit:
		if h.State == Held && now >= h.Expires {
			return h, Effects{}, exchange.Errorf(exchange.CodeExpired, "the hold expired at %v", h.Expires)
		}
		if h.State == Asked {
			return h, Effects{}, ended(h, exchange.CodeState)
		}
		return end(h, Committed, MoveCommit, now)
	case Extend:
		return extend(h, e, now)
	}
	return h, Effects{}, exchange.Errorf(exchange.CodeInternal, "unknown hold event %T", e)
}

func place(h Hold, e Place, now exchange.Time) (Hold, Effects, error) {
	if h.State != None {
		return h, Effects{}, ended(h, exchange.CodeConflict)
	}
	if e.Expires <= now {
		return h, Effects{}, exchange.Errorf(exchange.CodeExpired, "the hold would have expired before it began")
	}
	if e.Lines.IsZero() {
		return h, Effects{}, exchange.Errorf(exchange.CodeInvalid, "a hold without lines")
	}
	if e.From != nil && len(e.From) != e.Lines.Len() {
		return h, Effects{}, exchange.Errorf(exchange.CodeInternal, "a hold of %d lines from %d stock records", e.Lines.Len(), len(e.From))
	}
	next := Hold{State: Held, Lines: e.Lines, From: e.From, Issued: now, Expires: e.Expires}
	return next, effects(next, MoveHold), nil
}

func ask(h Hold, e Ask, now exchange.Time) (Hold, Effects, error) {
	if h.State == None && e.Deadline <= now {
		return h, Effects{}, exchange.Errorf(exchange.CodeInternal, "a hold is asked for until %v, and it is %v", e.Deadline, now)
	}
	next, _, err := place(h, e.Place, now)
	if err != nil {
		return h, Effects{}, err
	}
	next.State, next.Deadline = Asked, e.Deadline
	return next, effects(next, MoveAsk), nil
}

// confirm changes no stock: the units are set aside from the ask on.
func confirm(h Hold, now exchange.Time) (Hold, Effects, error) {
	switch {
	case h.State != Asked:
		return h, Effects{}, ended(h, exchange.CodeConflict)
	case now >= h.Deadline, now >= h.Expires:
		return h, Effects{}, exchange.Errorf(exchange.CodeUnavailable, "the shop's own system answered too late: it was asked until %v", min(h.Deadline, h.Expires))
	}
	h.State, h.Deadline = Held, 0
	return h, Effects{}, nil
}

func extend(h Hold, e Extend, now exchange.Time) (Hold, Effects, error) {
	switch {
	case h.State == Asked:
		return h, Effects{}, ended(h, exchange.CodeState)
	case h.State != Held:
		return h, Effects{}, ended(h, exchange.CodeNotFound)
	case now >= h.Expires:
		return h, Effects{}, exchange.Errorf(exchange.CodeExpired, "the hold expired at %v", h.Expires)
	case e.Until > h.Issued.Add(e.Limit):
		return h, Effects{}, exchange.Errorf(exchange.CodeLifetime,
			"the terms let a hold live %s, extensions included; this one ends by %v", exchange.Span(e.Limit), h.Issued.Add(e.Limit))
	}
	h.Expires = max(h.Expires, e.Until)
	return h, Effects{}, nil
}

// end moves an open hold to a terminal state.
func end(h Hold, to State, m Move, now exchange.Time) (Hold, Effects, error) {
	if !h.State.Open() {
		return h, Effects{}, ended(h, exchange.CodeNotFound)
	}
	h.State, h.Ended, h.Deadline = to, now, 0
	return h, effects(h, m), nil
}

// ended is the refusal of an event on a hold that is not HELD; other is its
// code where the hold's state has none of its own.
func ended(h Hold, other exchange.Code) error {
	switch h.State {
	case Committed:
		return exchange.Errorf(exchange.CodeOrdered, "the hold has been ordered")
	case Released:
		return exchange.Errorf(exchange.CodeReleased, "the hold was released at %v", h.Ended)
	case Expired:
		return exchange.Errorf(exchange.CodeExpired, "the hold expired at %v", h.Ended)
	case Refused:
		return exchange.Errorf(h.Refusal, "the hold was refused")
	case Held:
		return exchange.Errorf(other, "the hold is already placed")
	case Asked:
		return exchange.Errorf(other, "the shop's own system is being asked for the hold")
	}
	return exchange.Errorf(other, "there is no such hold")
}

func effects(h Hold, m Move) Effects {
	deltas := make([]Delta, h.Lines.Len())
	for i, l := range h.Lines.All() {
		deltas[i] = Delta{SKU: l.SKU, Stock: StockOf(h.From, i, l.SKU), Move: m, Units: int64(l.Quantity)}
	}
	return Effects{Stock: deltas}
}

// StockOf is the stock record of line i, whose product is sku, by a list as in [Hold.From].
func StockOf(from []exchange.StockID, i int, sku exchange.SKU) exchange.StockID {
	if i < len(from) {
		return from[i]
	}
	return exchange.OwnStock(sku)
}
