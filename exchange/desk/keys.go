package desk

import (
	"encoding/binary"

	"github.com/souk-market/souk/exchange"
)

// The keys of the synced store. A key is a one- or two-letter prefix, a slash,
// and fixed-width binary parts, so that scans run in the order of the parts. All
// integers are big-endian. Values are encoded records unless said otherwise.
//
//	m                                    MetaRecord
//	p/ sku                               ProductRecord
//	s/ sku                               StockRecord
//	d/ bucket(2) sku                     dirty mark: publish this product (no value); see publish.go
//	c/ …                                 the catalog feed; see publish.go
//	h/ retailer hold                     HoldRecord (as supplier)
//	hx/ expiry retailer hold             index of HELD holds (no value)
//	os/ order partner                    OrderRecord (as supplier)
//	or/ order partner                    OrderRecord (as retailer)
//	ox/ acceptBy retailer order          index of SUBMITTED orders (as supplier, no value)
//	a/ retailer order                    ShipToRecord; under this shop's own ID the salts of what it bought
//	l/ supplier retailer                 ChainRecord
//	e/ supplier retailer position        sealed entry, as sealed
//	n/ supplier retailer number          position (8 bytes) of the entry that answers the request
//	t/ supplier retailer                 PartnershipRecord
//	x/ supplier number                   OutboxRecord (as retailer)
//	xm/ supplier                         number (8 bytes) of the next request to move up; see adopt.go, renumber
//	r/ hold                              ReservationRecord (as retailer)
//	v/ supplier retailer                 EvidenceRecord
//	y/ hx/… or ox/…                      why an item of that index was set aside (text); see expiry.go
//
// Keys of other packages in the same store: "members/" member list (roster), "addr/"
// members' addresses (node), "k/" API idempotency (node/api).
const (
	prefixProduct     = "p/"
	prefixStock       = "s/"
	prefixDirty       = "d/"
	prefixHold        = "h/"
	prefixHoldExpiry  = "hx/"
	prefixOrderSold   = "os/"
	prefixOrderBought = "or/"
	prefixOrderExpiry = "ox/"
	prefixShipTo      = "a/"
	prefixChain       = "l/"
	prefixEntry       = "e/"
	prefixNumber      = "n/"
	prefixPartnership = "t/"
	prefixOutbox      = "x/"
	prefixMoving      = "xm/"
	prefixReservation = "r/"
	prefixEvidence    = "v/"
	prefixAside       = "y/"
)

var keyMeta = []byte("m")

// chainID names one direction of trade.
type chainID struct{ supplier, retailer exchange.ShopID }

// partner is the other shop of the chain, and me's side in it.
func (c chainID) partner(me exchange.ShopID) (exchange.ShopID, exchange.Party) {
	if c.supplier == me {
		return c.retailer, exchange.Supplier
	}
	return c.supplier, exchange.Retailer
}

func key(prefix string, parts ...[]byte) []byte {
	n := len(prefix)
	for _, p := range parts {
		n += len(p)
	}
	k := append(make([]byte, 0, n), prefix...)
	for _, p := range parts {
		k = append(k, p...)
	}
	return k
}

func be64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func productKey(sku exchange.SKU) []byte { return key(prefixProduct, []byte(sku)) }
func stockKey(sku exchange.SKU) []byte   { return key(prefixStock, []byte(sku)) }

func holdKey(retailer exchange.ShopID, id exchange.HoldID) []byte {
	return key(prefixHold, retailer[:], id[:])
}

func holdExpiryKey(at exchange.Time, retailer exchange.ShopID, id exchange.HoldID) []byte {
	return key(prefixHoldExpiry, be64(uint64(at)), retailer[:], id[:])
}

func orderExpiryKey(at exchange.Time, retailer exchange.ShopID, id exchange.OrderID) []byte {
	return key(prefixOrderExpiry, be64(uint64(at)), retailer[:], id[:])
}

// parseExpiryKey reads the parts of a hold or order expiry key after its prefix.
func parseExpiryKey(prefix string, k []byte) (at exchange.Time, retailer exchange.ShopID, id exchange.HoldID, ok bool) {
	k = k[len(prefix):]
	if len(k) != 8+len(retailer)+len(id) {
		return 0, retailer, id, false
	}
	at = exchange.Time(binary.BigEndian.Uint64(k))
	copy(retailer[:], k[8:])
	copy(id[:], k[8+len(retailer):])
	return at, retailer, id, true
}

// orderKey is where an order is kept by the shop that has this side of it.
func orderKey(side exchange.Party, id exchange.OrderID, partner exchange.ShopID) []byte {
	return key(orderPrefix(side), id[:], partner[:])
}

func orderPrefix(side exchange.Party) string {
	if side == exchange.Supplier {
		return prefixOrderSold
	}
	return prefixOrderBought
}

func shipToKey(retailer exchange.ShopID, id exchange.OrderID) []byte {
	return key(prefixShipTo, retailer[:], id[:])
}

func chainKey(c chainID) []byte       { return key(prefixChain, c.supplier[:], c.retailer[:]) }
func partnershipKey(c chainID) []byte { return key(prefixPartnership, c.supplier[:], c.retailer[:]) }
func evidenceKey(c chainID) []byte    { return key(prefixEvidence, c.supplier[:], c.retailer[:]) }

func entryKey(c chainID, position uint64) []byte {
	return key(prefixEntry, c.supplier[:], c.retailer[:], be64(position))
}

func numberKey(c chainID, number uint64) []byte {
	return key(prefixNumber, c.supplier[:], c.retailer[:], be64(number))
}

func outboxKey(supplier exchange.ShopID, number uint64) []byte {
	return key(prefixOutbox, supplier[:], be64(number))
}

// asideKey is where an item of an expiry index is set aside.
func asideKey(indexKey []byte) []byte { return key(prefixAside, indexKey) }

func movingKey(supplier exchange.ShopID) []byte { return key(prefixMoving, supplier[:]) }

func reservationKey(id exchange.HoldID) []byte { return key(prefixReservation, id[:]) }
