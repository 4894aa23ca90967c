package basket

import (
	"slices"

	"github.com/souk-market/souk/exchange"
)

const (
	// MaxParts is how many suppliers a basket may have parts at, the own shop among them.
	MaxParts = 64
	// MaxLines is how many lines all parts have together, so that all their orders fit one
	// commit: some 2.5 KB a line and 6 KB a part where every text is at its longest.
	MaxLines = 128
)

// State is where a basket stands. Numbers are stored: append only.
type State uint32

const (
	None       State = 0
	Holding    State = 1 // suppliers are being asked
	Held       State = 2 // every part is held
	PartlyHeld State = 3 // of a partial basket
	Releasing  State = 4 // not every supplier has answered that it holds nothing any more
	Refused    State = 5
	Ordering   State = 6 // not every supplier has answered its order
	Done       State = 7
	Released   State = 8
	Expired    State = 9
)

var stateNames = [...]string{"none", "holding", "held", "partly_held", "releasing", "refused", "ordering", "done", "released", "expired"}

func (s State) String() string { return nameOf(stateNames[:], uint32(s)) }

// Terminal reports whether a basket in s can never change its state again.
func (s State) Terminal() bool {
	return s == Refused || s == Done || s == Released || s == Expired
}

// IsHeld reports whether a basket in s can be ordered and extended.
func (s State) IsHeld() bool { return s == Held || s == PartlyHeld }

// PartState is where a part stands. Numbers are stored: append only.
type PartState uint32

const (
	PartAsked     PartState = 1 // its supplier owes the answer
	PartHeld      PartState = 2
	PartRefused   PartState = 3 // never held, or not as it was asked for
	PartReturning PartState = 4 // being given back: its supplier owes the answer
	PartReleased  PartState = 5
	PartExpired   PartState = 6
	PartOrdered   PartState = 7 // its supplier owes the answer to the order
	PartAccepted  PartState = 8
	PartRejected  PartState = 9 // the order; there is something to pay back
)

var partNames = [...]string{"none", "asked", "held", "refused", "returning", "released", "expired", "ordered", "accepted", "rejected"}

func (s PartState) String() string { return nameOf(partNames[:], uint32(s)) }

// Ended reports whether a part in s can never change again.
func (s PartState) Ended() bool {
	return s != 0 && s != PartAsked && s != PartHeld && s != PartReturning && s != PartOrdered
}

// IsOrdered reports that a part's hold became an order.
func (s PartState) IsOrdered() bool {
	return s == PartOrdered || s == PartAccepted || s == PartRejected
}

func nameOf(names []string, n uint32) string {
	if int(n) < len(names) {
		return names[n]
	}
	return "unknown"
}

// Basket is what a retailer holds, orders and gives back as one. The zero Basket has not begun.
type Basket struct {
	State State
	Parts []Part
	// Partial keeps what could be had; else it is all or none.
	Partial bool
	// CancelRest has the other orders cancelled as soon as one is rejected.
	CancelRest bool
	// End is what a RELEASING basket becomes.
	End   State
	Began exchange.Time
	Ended exchange.Time // when it became terminal
}

// Part is one supplier's.
type Part struct {
	Supplier exchange.ShopID
	Hold     exchange.HoldID // zero where it could not be asked
	Lines    exchange.Lines
	State    PartState
	// Expires is when the hold ends; of one that was not answered, as it was asked for.
	Expires exchange.Time
	// Why it is not held any more, or was never, or its order was not accepted.
	Refusal exchange.Code
	Detail  string
	Short   []exchange.Short // every line that was short
}

// Expires is when the first part expires that is held or asked for; 0 where none is.
func (b *Basket) Expires() (first exchange.Time) {
	for i := range b.Parts {
		if p := &b.Parts[i]; (p.State == PartHeld || p.State == PartAsked) && (first == 0 || p.Expires < first) {
			first = p.Expires
		}
	}
	return first
}

// Settled reports that nobody owes an answer about the basket: it can never change again.
func (b *Basket) Settled() bool {
	return b.State.Terminal() && !slices.ContainsFunc(b.Parts, func(p Part) bool { return !p.State.Ended() })
}

// count is how many parts are in one of states.
func (b *Basket) count(states ...PartState) (n int) {
	for i := range b.Parts {
		if slices.Contains(states, b.Parts[i].State) {
			n++
		}
	}
	return n
}
