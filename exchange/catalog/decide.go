package catalog

import (
	"math"

	"github.com/souk-market/souk/exchange"
)

// Position is where a feed stands.
type Position struct {
	Epoch    uint64
	Sequence uint64 // of the last change; 0 before the first
}

// Compare orders positions: the epoch first, then the sequence.
func (p Position) Compare(o Position) int {
	switch {
	case p == o:
		return 0
	case p.Epoch < o.Epoch, p.Epoch == o.Epoch && p.Sequence < o.Sequence:
		return -1
	}
	return 1
}

// NextEpoch is the epoch a supplier begins now, having seen epochs up to highest
// (0 = none): max(unix ms, highest + 1). It fails where there is none left, which
// takes a supplier that signed an absurd one.
func NextEpoch(now exchange.Time, highest uint64) (uint64, error) {
	if highest == math.MaxUint64 {
		return 0, exchange.Errorf(exchange.CodeOverflow, "the catalog feed has used up its epochs")
	}
	return max(uint64(max(now, 1)), highest+1), nil
}

// MaxTombstones is how many removals a feed remembers (design: Catalogs). A
// tombstone takes about 250 bytes in three rows.
const MaxTombstones = 100_000

// NeedsFull reports whether a replica at 'at' must take the whole set from a
// feed at 'now' with this floor: it has nothing, stands in another epoch or ahead,
// or may have missed a removal.
func NeedsFull(at, now Position, floor uint64) bool {
	return at.Epoch != now.Epoch || at.Sequence > now.Sequence || at.Sequence < floor
}

// Action is what a replica does with a head it is offered.
type Action uint32

const (
	// Ignore: the replica is there already, or further.
	Ignore Action = 1
	// Apply: the changes beside the head continue the replica's state.
	Apply Action = 2
	// PullAfter: ask for the changes after the replica's sequence.
	PullAfter Action = 3
	// PullFull: ask for the whole set.
	PullFull Action = 4
	// Conflict: the supplier signed two different sets for one position. Nothing is
	// applied; the operator is alarmed.
	Conflict Action = 5
)

func (a Action) String() string {
	switch a {
	case Ignore:
		return "ignore"
	case Apply:
		return "apply"
	case PullAfter:
		return "pull-after"
	case PullFull:
		return "pull-full"
	case Conflict:
		return "conflict"
	}
	return "unknown"
}

// Replica is what Decide needs to know of a replica.
type Replica struct {
	At Position // what is applied; the zero Position = nothing
	// Proven reports that the applied set's digest equalled the head signed for At;
	// it is false within a pull and after a mismatch.
	Proven bool
	Digest Digest // of that head
}

// Offer is a head, and the changes that came beside it, if any.
type Offer struct {
	Head    Position
	Digest  Digest
	Changes bool   // all changes of (After, Head.Sequence] come with it
	After   uint64 // meaningful where Changes is set
}

// Decide says what a replica does with an offer whose signature has been
// verified.
func Decide(r Replica, o Offer) Action {
	switch {
	case r.At == Position{}:
		return PullFull
	case o.Head.Epoch > r.At.Epoch:
		return PullFull
	case o.Head.Compare(r.At) < 0:
		return Ignore
	case o.Head == r.At && !r.Proven:
		return PullAfter
	case o.Head == r.At && o.Digest != r.Digest:
		return Conflict
	case o.Head == r.At:
		return Ignore
	case o.Changes && r.Proven && o.After <= r.At.Sequence:
		return Apply
	}
	return PullAfter
}

// RateMoves reports whether a product whose price in US dollars goes from old to
// next because of a new rate is rewritten: at a move of 1% or more (design:
// Catalogs). A price that there was none of is written; where there is no rate now, the price
// by the last one stays. Prices are in cents, ≥ 0.
func RateMoves(old, next exchange.USDPrice) bool {
	switch {
	case !next.Known():
		return false
	case !old.Known():
		return true
	case old.Cents == 0:
		return next.Cents != 0
	}
	move := next.Cents - old.Cents // both ≥ 0: cannot overflow
	if move < 0 {
		move = -move
	}
	// move × 100 ≥ old, without the product.
	return move >= old.Cents/100+min(1, old.Cents%100)
}
