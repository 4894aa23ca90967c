package hold

import "github.com/souk-market/souk/exchange"

// Stock counts the units of one product at its supplier.
type Stock struct {
	Unlimited bool  // not counted: nothing is ever short; the other counts still run
	Stocked   int64 // ≥ Shipped; units ever put on the shelf, less those a count found missing
	Held      int64 // in HELD holds
	Sold      int64 // committed to orders and not cancelled, shipped units included
	Shipped   int64 // ≤ Sold
}

// Available is what can still be held; meaningless when Unlimited.
func (s Stock) Available() int64 { return max(0, s.Stocked-s.Held-s.Sold) }

// Shortfall is what is promised and not there.
func (s Stock) Shortfall() int64 {
	if s.Unlimited {
		return 0
	}
	return max(0, s.Held+s.Sold-s.Stocked)
}

// Unshipped is what is sold and still on the shelf.
func (s Stock) Unshipped() int64 { return s.Sold - s.Shipped }

// Shelf is what a count should find: unsold, held and unshipped units;
// meaningless when Unlimited.
func (s Stock) Shelf() int64 { return s.Stocked - s.Shipped }

// Availability is what the catalog says.
func (s Stock) Availability() exchange.Availability {
	if s.Unlimited {
		return exchange.Availability{Unlimited: true}
	}
	return exchange.Availability{Units: s.Available()}
}

// Move is what happens to some units of a product.
type Move uint32

const (
	MoveHold    Move = 1 // available → held
	MoveRelease Move = 2 // held → available
	MoveCommit  Move = 3 // held → sold
	MoveShip    Move = 4 // sold → shipped
	MoveCancel  Move = 5 // sold, unshipped → available
)

// Delta moves units of one product.
type Delta struct {
	SKU   exchange.SKU
	Move  Move
	Units int64 // > 0
}

// Step applies a move. It fails with CodeInsufficient when a hold asks for more
// than is available, and with CodeInternal when a count would go below zero or
// leave 64 bits, which only a fault of the caller can cause. Units that are
// shipped though a count had not found them were there after all: they count as
// stocked again, and the shortfall shrinks by them.
func (s Stock) Step(m Move, units int64) (Stock, error) {
	if units <= 0 {
		return s, exchange.Errorf(exchange.CodeInternal, "a stock move of %d units", units)
	}
	next := s
	switch m {
	case MoveHold:
		if !s.Unlimited && units > s.Available() {
			return s, exchange.Errorf(exchange.CodeInsufficient, "%d asked, %d available", units, s.Available())
		}
		next.Held += units
	case MoveRelease:
		next.Held -= units
	case MoveCommit:
		next.Held -= units
		next.Sold += units
	case MoveShip:
		next.Shipped += units
		next.Stocked = max(next.Stocked, next.Shipped)
	case MoveCancel:
		next.Sold -= units
	default:
		return s, exchange.Errorf(exchange.CodeInternal, "unknown stock move %d", m)
	}
	if err := next.Check(); err != nil {
		return s, err
	}
	return next, nil
}

// MaxShelf bounds a count, so that sums stay far below 64 bits.
const MaxShelf = 1_000_000_000

// Count sets what the shelf holds now, committed but unshipped units included
// (design: Catalogs): available becomes max(0, shelf − held − unshipped).
func (s Stock) Count(shelf int64) (Stock, error) {
	if shelf < 0 || shelf > MaxShelf {
		return s, exchange.Errorf(exchange.CodeInvalid, "a stock count is 0 to %d, not %d", MaxShelf, shelf)
	}
	s.Unlimited = false
	s.Stocked = shelf + s.Shipped
	return s, nil
}

// Uncount makes the product unlimited.
func (s Stock) Uncount() Stock {
	s.Unlimited = true
	return s
}

// Check reports a negative count, or more shipped than was sold or stocked.
func (s Stock) Check() error {
	if s.Held < 0 || s.Shipped < 0 || s.Shipped > s.Sold || s.Shipped > s.Stocked {
		return exchange.Errorf(exchange.CodeInternal, "stock counts are inconsistent: %+v", s)
	}
	return nil
}
