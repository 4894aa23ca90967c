package event

import "github.com/souk-market/souk/exchange"

// Event is one of [Holds], [Stock], [Shortfall], [Order], [Partnership], [Catalog], [Frozen] and
// [Stopped].
type Event interface{ event() }

// Holds tells that holds were placed, released or expired: here, as supplier, or at a
// supplier, as retailer.
type Holds struct {
	At      exchange.Time
	Partner exchange.ShopID // zero where more shops have events than MaxHoldEvents
	Side    exchange.Party  // this shop's
	Status  string          // a hold's state, as its machine calls it
	// Count is the number of holds; 0 says that holds may have expired that nobody counted.
	Count int
	ID    exchange.HoldID // of the hold, if Count is 1
	// Lines are the lines of all holds, summed up by product; none if they are of more than
	// exchange.MaxLines products, or of several suppliers.
	Lines []exchange.Line
}

// Stock tells that the counts of own products changed.
type Stock struct {
	At   exchange.Time
	SKUs []exchange.SKU // none if more than exchange.MaxLines products changed
}

// Shortfall tells that of own products more units are promised than are there, or no longer.
type Shortfall struct {
	At exchange.Time
	// Lines are the products whose shortfall changed, and how many units are missing now; 0 = none
	// any more. There are none where more than exchange.MaxLines changed.
	Lines []MissingUnits
}

// MissingUnits are units of one product that are promised and not there.
type MissingUnits struct {
	SKU   exchange.SKU
	Units int64
}

// Order tells that an order changed; this shop is its supplier or its retailer.
type Order struct {
	At      exchange.Time
	Partner exchange.ShopID
	Side    exchange.Party // this shop's
	ID      exchange.OrderID
	// Status is the order's, as its machine calls it, or "refused" if the supplier refused a
	// request of this shop.
	Status string
	Detail string // the reason for a refusal, for people
	// Due is what is owed for the order now. Cancelled is what this change took off the
	// amount due of an accepted order. Both are in minor units of Currency.
	Due, Cancelled int64
	Currency       exchange.Currency
}

// Partnership tells of a proposal, terms or an end.
type Partnership struct {
	At      exchange.Time
	Partner exchange.ShopID
	Side    exchange.Party // this shop's
	// Status is the partnership's (its record's Status), "refused" if the supplier refused a
	// request of this shop, or "revoked" or "left" if the partner is no member any more.
	Status string
	By     exchange.Party // who ended or refused; 0 = nobody
	Detail string         // the reason for a refusal or an end, for people
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
func (Shortfall) event()   {}
func (Order) event()       {}
func (Partnership) event() {}
func (Catalog) event()     {}
func (Frozen) event()      {}
func (Stopped) event()     {}
