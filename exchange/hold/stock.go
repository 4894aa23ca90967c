package hold

import "github.com/souk-market/souk/exchange"

// Stock counts the units of one stock record at its supplier: those of a product, or of a pool
// from which several products sell.
//
//	shelf     = stocked − shipped            what lies there, sold units that wait included
//	net       = shelf − missing              below zero, units were promised that never came
//	available = max(0, net − held − unshipped)
//	deficit   = max(0, held + unshipped − net)
//
// At every moment available + held + sold = stocked − missing + deficit (I1, design: SHELF).
type Stock struct {
	Unlimited bool  // not counted: nothing is ever short; the other counts still run
	Stocked   int64 // ≥ Shipped; units ever put on the shelf, less those that were taken or found missing
	Held      int64 // in HELD and ASKED holds
	Sold      int64 // committed to orders and not cancelled, shipped units included
	Shipped   int64 // ≤ Sold
	// Missing is ≥ 0: units that were taken though the shelf had none. What comes next pays
	// them first; a count clears them.
	Missing int64
	// Revision counts the changes of shelf and missing: shipments, counts, figures, movements.
	// Holds and orders do not change it.
	Revision uint64
}

// Unshipped is what is sold and still on the shelf.
func (s Stock) Unshipped() int64 { return s.Sold - s.Shipped }

// Shelf is what a count should find: unsold, held and unshipped units;
// meaningless when Unlimited.
func (s Stock) Shelf() int64 { return s.Stocked - s.Shipped }

// Net is Shelf less Missing.
func (s Stock) Net() int64 { return s.Shelf() - s.Missing }

// Promised is what is held, and sold and not shipped.
func (s Stock) Promised() int64 { return s.Held + s.Unshipped() }

// Free is what can still be promised, below zero where more is promised than there is;
// meaningless when Unlimited.
func (s Stock) Free() int64 { return s.Net() - s.Promised() }

// Available is what can still be held; meaningless when Unlimited.
func (s Stock) Available() int64 { return max(0, s.Free()) }

// Deficit is what of the promises, and of what has left, is not there; 0 when Unlimited.
func (s Stock) Deficit() int64 {
	if s.Unlimited {
		return 0
	}
	return max(0, -s.Free())
}

// Shortfall is what is promised and not there.
func (s Stock) Shortfall() int64 { return min(s.Deficit(), s.Promised()) }

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
	MoveLeave   Move = 6 // sold → gone: units of an own sale leave, and nothing counts them any more
	MoveAsk     Move = 7 // available → held, whether they are available or not: the shop's own system has the word
)

// Delta moves units of one product at one stock record.
type Delta struct {
	SKU   exchange.SKU
	Stock exchange.StockID
	Move  Move
	Units int64 // > 0
}

// Step applies a move. It fails with CodeInsufficient when a hold asks for more
// than is available, and with CodeInternal when a count would go below zero or
// leave 64 bits, which only a fault of the caller can cause. Units that are shipped though the
// shelf has none are missing from now on: whatever brings them is told later, or never.
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
	case MoveAsk:
		next.Held += units
	case MoveRelease:
		next.Held -= units
	case MoveCommit:
		next.Held -= units
		next.Sold += units
	case MoveShip:
		lacking := max(0, units-s.Shelf())
		next.Shipped += units
		next.Stocked += lacking
		if !s.Unlimited {
			next.Missing += lacking
		}
		next.Revision++
	case MoveCancel:
		next.Sold -= units
	case MoveLeave:
		lacking := max(0, units-s.Shelf())
		next.Sold -= units
		next.Stocked -= units - lacking
		if !s.Unlimited {
			next.Missing += lacking
		}
		next.Revision++
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
// (design: Catalogs): available becomes max(0, shelf − held − unshipped). What was missing is
// counted with the rest.
func (s Stock) Count(shelf int64) (Stock, error) {
	if shelf < 0 || shelf > MaxShelf {
		return s, exchange.Errorf(exchange.CodeInvalid, "a stock count is 0 to %d, not %d", MaxShelf, shelf)
	}
	return s.withNet(shelf), nil
}

// WithNet is the stock with Net units, which may be below zero: then the shelf has none, and
// the rest is missing. Units beyond ±MaxShelf are CodeOverflow.
func (s Stock) WithNet(net int64) (Stock, error) {
	if net < -MaxShelf || net > MaxShelf {
		return s, exchange.Errorf(exchange.CodeOverflow, "a stock of %d units is beyond %d", net, MaxShelf)
	}
	return s.withNet(net), nil
}

func (s Stock) withNet(net int64) Stock {
	next := s
	next.Unlimited = false
	next.Stocked = s.Shipped + max(net, 0)
	next.Missing = max(-net, 0)
	if next != s {
		next.Revision++
	}
	return next
}

// Uncount makes the product unlimited.
func (s Stock) Uncount() Stock {
	if !s.Unlimited {
		s.Unlimited = true
		s.Missing = 0
		s.Revision++
	}
	return s
}

// Check reports a negative count, or more shipped than was sold or stocked.
func (s Stock) Check() error {
	if s.Held < 0 || s.Shipped < 0 || s.Missing < 0 || s.Shipped > s.Sold || s.Shipped > s.Stocked {
		return exchange.Errorf(exchange.CodeInternal, "stock counts are inconsistent: %+v", s)
	}
	return nil
}
