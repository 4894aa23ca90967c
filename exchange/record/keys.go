package record

import (
	"encoding/binary"

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
//	s/ sku                               Stock
//	d/ bucket(2) sku                     dirty mark: publish this product (no value); see package feed
//	c/ …                                 the catalog feed; see package feed
//	h/ retailer hold                     Hold (as supplier)
//	hx/ expiry retailer hold             index of HELD holds (no value)
//	os/ order partner                    Order (as supplier)
//	or/ order partner                    Order (as retailer)
//	ox/ acceptBy retailer order          index of SUBMITTED orders (as supplier, no value)
//	a/ retailer order                    ShipTo; under this shop's own ID the salt alone
//	l/ supplier retailer                 Ledger
//	e/ supplier retailer position        sealed entry, as sealed
//	n/ supplier retailer number          position (8 bytes) of the entry that answers the request
//	t/ supplier retailer                 Partnership
//	x/ supplier number                   Outbox (as retailer)
//	xm/ supplier                         number (8 bytes) of the next request to move up; see trade/adopt.go, renumber
//	r/ hold                              Reservation (as retailer)
//	v/ supplier retailer                 Evidence
//	y/ hx/… or ox/…                      why that item of an index is in quarantine (text)
//
// Keys of other packages in the same store: "members/" member list (roster), "addr/"
// members' addresses (node), "k/" API idempotency (node/api).
const (
	PrefixProduct       = "p/"
	prefixStock         = "s/"
	PrefixDirty         = "d/"
	PrefixHold          = "h/"
	PrefixHoldExpiry    = "hx/"
	PrefixOrderSale     = "os/"
	prefixOrderPurchase = "or/"
	PrefixOrderExpiry   = "ox/"
	prefixShipTo        = "a/"
	PrefixLedger        = "l/"
	PrefixEntry         = "e/"
	prefixNumber        = "n/"
	prefixPartnership   = "t/"
	PrefixOutbox        = "x/"
	prefixMoving        = "xm/"
	PrefixReservation   = "r/"
	prefixEvidence      = "v/"
	PrefixQuarantine    = "y/"
)

var KeyMeta = []byte("m")

func ProductKey(sku exchange.SKU) []byte { return kv.Key(PrefixProduct, []byte(sku)) }
func StockKey(sku exchange.SKU) []byte   { return kv.Key(prefixStock, []byte(sku)) }

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

func ShipToKey(retailer exchange.ShopID, id exchange.OrderID) []byte {
	return kv.Key(prefixShipTo, retailer[:], id[:])
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

// QuarantineKey is the key of an item of an expiry index in quarantine.
func QuarantineKey(indexKey []byte) []byte { return kv.Key(PrefixQuarantine, indexKey) }

func MovingKey(supplier exchange.ShopID) []byte { return kv.Key(prefixMoving, supplier[:]) }

func ReservationKey(id exchange.HoldID) []byte { return kv.Key(PrefixReservation, id[:]) }

// HoldKeyBytes is how long a hold's key is.
const HoldKeyBytes = len(PrefixHold) + len(exchange.ShopID{}) + len(exchange.HoldID{})
