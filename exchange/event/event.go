package event

import "github.com/souk-market/souk/exchange"

// Event is one of [Holds], [Stock], [Order], [Partnership], [Catalog], [Frozen] and
// [Stopped].
type Event interface{ event() }

// Holds tells that holds were placed, released or expired: here, as supplier, or at a
// supplier, as retailer.
type Holds struct {
	At      exchange.Time
	Partner exchange.ShopID // zero where more shops have events than MaxHoldEvents
	Side    exchange.Party  // this shop's
	Status  string          // a hold's state, as its machine calls it
	// Count is how many; 0 says that some may have expired that are not counted.
	Count int
	ID    exchange.HoldID // of the hold, where it is one
	// Lines are those of all, summed up by product; none where they are of more than
	// exchange.MaxLines products.
	Lines []exchange.Line
}

// Stock tells that the counts of own products changed.
type Stock struct {
	At   exchange.Time
	SKUs []exchange.SKU // none where there are more than exchange.MaxLines
}

// Order tells that an order changed, at either side.
type Order struct {
	At      exchange.Time
	Partner exchange.ShopID
	Side    exchange.Party // this shop's
	ID      exchange.OrderID
	// Status is the order's, as its machine calls it, or "refused" where the supplier
	// refused a request of this shop's.
	Status string
	Detail string // a reason for people: of a refusal
	// Due is what is owed for the order as it stands, and Cancelled what this change took
	// off the amount due of an accepted one; minor units of Currency.
	Due, Cancelled int64
	Currency       exchange.Currency
}

// Partnership tells of a proposal, terms or an end.
type Partnership struct {
	At      exchange.Time
	Partner exchange.ShopID
	Side    exchange.Party // this shop's
	// Status is the partnership's (its record's Status), "refused" where the supplier
	// refused a request of this shop's, or "revoked" or "left" of a partner that is out.
	Status string
	By     exchange.Party // who ended it or refused; 0 where neither happened
	Detail string         // a reason for people: of a refusal, of an end
}

// Catalog tells that this shop's copy of a catalog, a supplier's or its own, is proven
// equal to a newer head.
type Catalog struct {
	At   exchange.Time
	Shop exchange.ShopID
}

// Frozen tells that a ledger was frozen as evidence.
type Frozen struct {
	At      exchange.Time
	Partner exchange.ShopID
	Why     string
}

// Stopped tells that the shop has stopped selling.
type Stopped struct {
	At  exchange.Time
	Why string
}

func (Holds) event()       {}
func (Stock) event()       {}
func (Order) event()       {}
func (Partnership) event() {}
func (Catalog) event()     {}
func (Frozen) event()      {}
func (Stopped) event()     {}
