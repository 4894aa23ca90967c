package record

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
)

// The keys of the synced store. A key is a one- or two-letter prefix, a slash,
// and fixed-width binary parts, so that scans run in the order of the parts. All
// integers are big-endian. Values are encoded records unless said otherwise.
//
//	m                                    Meta
//	p/ sku                               Product
//	s/ stock                             Stock
//	j/ stock 0 number                    Movement: the stock's journal
//	jt/ id(16)                           ToldLine: a movement by the hash of the id that its channel gave it
//	ji/ time(8) number(8)                Intent: a list of movements that is being carried out
//	f/ stock                             Reading: the last figure of a file
//	ps/ stock 0 sku                      index of the products that sell from another stock than their own (no value)
//	pg/ group(16) sku                    index of the variants of a group: the hash of its source and name (no value)
//	px/ time(8) sku                      index of sales by when their price changes next (no value)
//	so/ name                             Source
//	sn/                                  in how many steps files were read (8 bytes); see shelf.Revision
//	d/ bucket(2) sku                     dirty mark: publish this product (no value); see package feed
//	c/ …                                 the catalog feed; see package feed
//	h/ retailer hold                     Hold (as supplier); of an own reservation under this shop's own ID
//	hx/ expiry retailer hold             index of HELD holds (no value)
//	os/ order partner                    Order (as supplier)
//	or/ order partner                    Order (as retailer)
//	ox/ acceptBy retailer order          index of SUBMITTED orders (as supplier, no value)
//	sa/ sale                             OwnSale
//	b/ basket                            Basket (as retailer)
//	kb/                                  how many units the published catalog keeps back by default (8 bytes); one zero byte more where it says that nothing is available
//	a/ retailer order                    ShipTo; of a bought order, and of an own sale, under this shop's own ID
//	l/ supplier retailer                 Ledger
//	e/ supplier retailer position        sealed entry, as sealed
//	n/ supplier retailer number          position (8 bytes) of the entry that answers the request
//	t/ supplier retailer                 Partnership
//	x/ supplier number                   Outbox (as retailer)
//	xm/ supplier                         number (8 bytes) of the next request to move up; see trade/adopt.go, renumber
//	r/ hold                              Reservation (as retailer)
//	v/ supplier retailer                 Evidence
//	g/ number                            Events: the event log, by the number of the row's first event
//	ba/ hold                             Asked: what the shop's own system was asked for
//	bo/ number                           Bridged: a commit or release that the system has not answered
//	bs/                                  how far the system's changes were read (its own text)
//	td/ shop                             the departure that watchers were told of: its status and time (text)
//	y/ hx/… or ox/…                      why that item of an index is in quarantine (text)
//
// Keys of other packages in the same store: "members/" member list (roster), "addr/"
// members' addresses (node), "k/" API idempotency (node/api).
const (
	PrefixProduct       = "p/"
	prefixStock         = "s/"
	PrefixMovement      = "j/"
	PrefixToldLine      = "jt/"
	PrefixIntent        = "ji/"
	PrefixReading       = "f/"
	prefixSharing       = "ps/"
	prefixGroup         = "pg/"
	PrefixPriceChange   = "px/"
	PrefixSource        = "so/"
	PrefixDirty         = "d/"
	PrefixHold          = "h/"
	PrefixHoldExpiry    = "hx/"
	PrefixOrderSale     = "os/"
	prefixOrderPurchase = "or/"
	PrefixOrderExpiry   = "ox/"
	PrefixOwnSale       = "sa/"
	PrefixBasket        = "b/"
	PrefixShipTo        = "a/"
	PrefixLedger        = "l/"
	PrefixEntry         = "e/"
	prefixNumber        = "n/"
	prefixPartnership   = "t/"
	PrefixOutbox        = "x/"
	prefixMoving        = "xm/"
	PrefixReservation   = "r/"
	prefixEvidence      = "v/"
	PrefixEvents        = "g/"
	PrefixAsked         = "ba/"
	PrefixBridged       = "bo/"
	prefixDeparture     = "td/"
	PrefixQuarantine    = "y/"
)

var (
	KeyMeta     = []byte("m")
	KeyFiles    = []byte("sn/")
	KeyKeptBack = []byte("kb/")
	KeyBridge   = []byte("bs/")
)

func ProductKey(sku exchange.SKU) []byte { return kv.Key(PrefixProduct, []byte(sku)) }

func StockKey(id exchange.StockID) []byte   { return kv.Key(prefixStock, []byte(id)) }
func ReadingKey(id exchange.StockID) []byte { return kv.Key(PrefixReading, []byte(id)) }
func SourceKey(name string) []byte          { return kv.Key(PrefixSource, []byte(name)) }

// end ends a text within a key; no SKU holds it.
var end = []byte{0}

func MovementKey(id exchange.StockID, number uint64) []byte {
	return kv.Key(PrefixMovement, []byte(id), end, kv.Uint64(number))
}

// Journal is the keys of a stock's movements.
func Journal(id exchange.StockID) kv.Range { return kv.Prefix(kv.Key(PrefixMovement, []byte(id), end)) }

// ToldLineKey is where the movement that a channel gave an id is remembered.
func ToldLineKey(id string) []byte {
	sum := sha256.Sum256([]byte(id))
	return kv.Key(PrefixToldLine, sum[:16])
}

// IntentKey is the key of the number-th list that was taken at one time.
func IntentKey(at exchange.Time, number uint64) []byte {
	return kv.Key(PrefixIntent, kv.Uint64(uint64(at)), kv.Uint64(number))
}

func SharingKey(id exchange.StockID, sku exchange.SKU) []byte {
	return kv.Key(prefixSharing, []byte(id), end, []byte(sku))
}

// SharingSKU is the product of a key that SharingKey made.
func SharingSKU(id exchange.StockID, key []byte) exchange.SKU {
	return exchange.SKU(key[len(prefixSharing)+len(id)+len(end):])
}

// groupHash stands for a group's name of any length.
func groupHash(source, group string) []byte {
	sum := sha256.Sum256(slices.Concat([]byte(source), end, []byte(group)))
	return sum[:16]
}

func GroupKey(source, group string, sku exchange.SKU) []byte {
	return kv.Key(prefixGroup, groupHash(source, group), []byte(sku))
}

// GroupSKU is the product of a key that GroupKey made.
func GroupSKU(key []byte) exchange.SKU { return exchange.SKU(key[len(prefixGroup)+16:]) }

func PriceChangeKey(at exchange.Time, sku exchange.SKU) []byte {
	return kv.Key(PrefixPriceChange, kv.Uint64(uint64(at)), []byte(sku))
}

// ParsePriceChange reads the parts of a key that PriceChangeKey made.
func ParsePriceChange(key []byte) (at exchange.Time, sku exchange.SKU, ok bool) {
	key = key[len(PrefixPriceChange):]
	if len(key) < 9 {
		return 0, "", false
	}
	return exchange.Time(binary.BigEndian.Uint64(key)), exchange.SKU(key[8:]), true
}

func HoldKey(retailer exchange.ShopID, id exchange.HoldID) []byte {
	return kv.Key(PrefixHold, retailer[:], id[:])
}

func HoldExpiryKey(at exchange.Time, retailer exchange.ShopID, id exchange.HoldID) []byte {
	return kv.Key(PrefixHoldExpiry, kv.Uint64(uint64(at)), retailer[:], id[:])
}

func OrderExpiryKey(at exchange.Time, retailer exchange.ShopID, id exchange.OrderID) []byte {
	return kv.Key(PrefixOrderExpiry, kv.Uint64(uint64(at)), retailer[:], id[:])
}

// ParseExpiryKey reads the parts of a hold or order expiry key after its prefix.
func ParseExpiryKey(prefix string, k []byte) (at exchange.Time, retailer exchange.ShopID, id exchange.HoldID, ok bool) {
	k = k[len(prefix):]
	if len(k) != 8+len(retailer)+len(id) {
		return 0, retailer, id, false
	}
	at = exchange.Time(binary.BigEndian.Uint64(k))
	copy(retailer[:], k[8:])
	copy(id[:], k[8+len(retailer):])
	return at, retailer, id, true
}

// OrderKey is where an order is kept by the shop that has this side of it.
func OrderKey(side exchange.Party, id exchange.OrderID, partner exchange.ShopID) []byte {
	return kv.Key(OrderPrefix(side), id[:], partner[:])
}

func OrderPrefix(side exchange.Party) string {
	if side == exchange.Supplier {
		return PrefixOrderSale
	}
	return prefixOrderPurchase
}

func OwnSaleKey(id exchange.OrderID) []byte { return kv.Key(PrefixOwnSale, id[:]) }

func BasketKey(id exchange.BasketID) []byte { return kv.Key(PrefixBasket, id[:]) }

func ShipToKey(retailer exchange.ShopID, id exchange.OrderID) []byte {
	return kv.Key(PrefixShipTo, retailer[:], id[:])
}

// ParseShipToKey reads the parts of a ShipToKey.
func ParseShipToKey(k []byte) (retailer exchange.ShopID, id exchange.OrderID, ok bool) {
	k = k[len(PrefixShipTo):]
	ok = len(k) == len(retailer)+len(id)
	copy(retailer[:], k)
	copy(id[:], k[min(len(k), len(retailer)):])
	return retailer, id, ok
}

func LedgerKey(c ledger.ID) []byte { return kv.Key(PrefixLedger, c.Supplier[:], c.Retailer[:]) }
func PartnershipKey(c ledger.ID) []byte {
	return kv.Key(prefixPartnership, c.Supplier[:], c.Retailer[:])
}
func EvidenceKey(c ledger.ID) []byte { return kv.Key(prefixEvidence, c.Supplier[:], c.Retailer[:]) }

func EntryKey(c ledger.ID, position uint64) []byte {
	return kv.Key(PrefixEntry, c.Supplier[:], c.Retailer[:], kv.Uint64(position))
}

func NumberKey(c ledger.ID, number uint64) []byte {
	return kv.Key(prefixNumber, c.Supplier[:], c.Retailer[:], kv.Uint64(number))
}

func OutboxKey(supplier exchange.ShopID, number uint64) []byte {
	return kv.Key(PrefixOutbox, supplier[:], kv.Uint64(number))
}

func EventsKey(first uint64) []byte { return kv.Key(PrefixEvents, kv.Uint64(first)) }

// ParseEventsKey is the number in a key that EventsKey made.
func ParseEventsKey(key []byte) (first uint64, ok bool) {
	key = key[len(PrefixEvents):]
	if len(key) != 8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(key), true
}

func AskedKey(id exchange.HoldID) []byte { return kv.Key(PrefixAsked, id[:]) }

// BridgedKey is the key of the number-th message to the shop's own system.
func BridgedKey(number uint64) []byte { return kv.Key(PrefixBridged, kv.Uint64(number)) }

// ParseBridgedKey is the number in a key that BridgedKey made.
func ParseBridgedKey(key []byte) (number uint64, ok bool) {
	key = key[len(PrefixBridged):]
	if len(key) != 8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(key), true
}

// DepartureKey is where it stands that watchers were told of a partner's departure.
func DepartureKey(shop exchange.ShopID) []byte { return kv.Key(prefixDeparture, shop[:]) }

// QuarantineKey is the key of an item of an expiry index in quarantine.
func QuarantineKey(indexKey []byte) []byte { return kv.Key(PrefixQuarantine, indexKey) }

func MovingKey(supplier exchange.ShopID) []byte { return kv.Key(prefixMoving, supplier[:]) }

func ReservationKey(id exchange.HoldID) []byte { return kv.Key(PrefixReservation, id[:]) }

// HoldKeyBytes is how long a hold's key is.
const HoldKeyBytes = len(PrefixHold) + len(exchange.ShopID{}) + len(exchange.HoldID{})
