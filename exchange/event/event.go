package event

import "github.com/souk-market/souk/exchange"

// Event is one of [Holds], [Stock] and [Catalog], which watchers alone are told, of [Order],
// [Basket], [Partnership], [Shortfall], [Listing], [Bridge], [Frozen], [Stopped] and [Started], which the
// [Log] keeps,
// and of [Gap] and [Live], which a [Follower] alone is told.
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
	// Lines are the products whose shortfall changed, at most MaxProducts, and how many units are
	// missing now; 0 = none any more. There are none where more than MaxProducts sell from one stock.
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
	// Status is the order's, as its machine calls it; "requested" until the supplier has answered, and
	// "refused" if the answer is no.
	Status string
	Detail string // the reason for a refusal, for people
	// Due is what is owed for the order now. Cancelled is what this change took off the
	// amount due of an accepted order. Both are in minor units of Currency.
	Due, Cancelled int64
	Currency       exchange.Currency
}

// Basket tells that a basket of this shop's came into another state.
type Basket struct {
	At     exchange.Time
	ID     exchange.BasketID
	Status string // the basket's state, as its machine calls it
	Detail string // why it was refused or given back, for people
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

// Listing tells that own products which the shop had before came on sale or went off it.
type Listing struct {
	At     exchange.Time
	Status string         // ListingOffered, ListingWithdrawn or ListingRemoved
	Reason string         // of a withdrawal, for people
	SKUs   []exchange.SKU // at most MaxProducts
}

// States of a [Listing].
const (
	ListingOffered   = "offered"   // on sale
	ListingWithdrawn = "withdrawn" // off sale by what the owner's system says
	ListingRemoved   = "removed"   // off sale by the owner's own word
)

// Bridge tells of the shop's own system, where that has the authority over the stock.
type Bridge struct {
	At      exchange.Time
	Status  string           // BridgeDown, BridgeUp, BridgeDenied or BridgeLost
	Partner exchange.ShopID  // of the last two: whose order or hold it is
	Order   exchange.OrderID // and which
	Detail  string           // what the system said, for people
}

// States of a [Bridge].
const (
	BridgeDown   = "down"   // it does not answer: nothing can be reserved
	BridgeUp     = "up"     // it does again
	BridgeDenied = "denied" // it does not have the goods of an order, which it had set aside
	BridgeLost   = "lost"   // it has lost a hold, and does not set its goods aside again
)

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

// Started tells that this is the shop's first commit since it was opened: by a start, or by a
// store that was put back from a copy.
type Started struct {
	At exchange.Time
	// Found is the time of the newest commit in the store as it was opened; 0 = there was none.
	Found exchange.Time
	// Previous is the number of the Started before this one; 0 = there was none.
	Previous uint64
}

// Gap tells a follower that it may have missed events of the log. What they told of is read again
// where it is kept.
type Gap struct {
	At  exchange.Time
	Why GapReason
}

// GapReason is why a follower may have missed events.
type GapReason string

const (
	GapPruned   GapReason = "pruned"   // the log does not reach back as far
	GapRestored GapReason = "restored" // the log has not the event that the follower names: the store is not the one that it followed
	GapUnknown  GapReason = "unknown"  // what the follower names is no place in a log
	GapDamaged  GapReason = "damaged"  // a part of the log cannot be read
)

// Live tells a follower that it has been told all that the log has, and is told from now on what
// happens.
type Live struct{ At exchange.Time }

func (Listing) event()     {}
func (Started) event()     {}
func (Gap) event()         {}
func (Live) event()        {}
func (Holds) event()       {}
func (Stock) event()       {}
func (Shortfall) event()   {}
func (Order) event()       {}
func (Basket) event()      {}
func (Partnership) event() {}
func (Catalog) event()     {}
func (Frozen) event()      {}
func (Stopped) event()     {}
func (Bridge) event()      {}
