package desk

import (
	"bytes"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/partnership"
	"github.com/souk-market/souk/exchange/reservation"
)

// Records are what the synced store keeps, one Value under one key; keys.go has
// the keys. Fields are only ever added; package protocol gives them numbers.

// ProductRecord is one of the shop's own products. Its stock is apart, because
// every hold writes that.
type ProductRecord struct {
	Product  exchange.Product // Available is unset: the stock record has it
	Imported exchange.Time    // of the last change by import or hand
	// FileStock is the value the last import read, so that the same file again
	// does not undo sales (design: Catalogs).
	FileStock FileStock
	Removed   bool // no longer offered; kept while holds or unshipped orders name it
}

// FileStock is what an import file said of a product's stock.
type FileStock struct {
	Set       bool // an import has said something
	Unlimited bool
	Units     int64
}

// StockRecord is one product's counts.
type StockRecord struct{ Stock reservation.Stock }

// HoldRecord is a hold at its supplier.
type HoldRecord struct {
	Retailer exchange.ShopID
	Hold     reservation.Hold
	Request  [32]byte // SHA-256 of the placing request's raw bytes; zero for a tombstone
	Terms    uint32   // version quoted
	Placed   []byte   // the sealed answer to the placing request, returned to every repeat
	Latest   []byte   // the sealed answer that tells the hold's state now, where it differs
	// LatestRequest is SHA-256 of the raw request that Latest answers.
	LatestRequest [32]byte
}

// answered reports whether sealed is an answer that this shop sealed about the hold, as
// its record has it; false of no record.
func (r *HoldRecord) answered(sealed []byte) bool {
	return r != nil && len(sealed) > 0 && (bytes.Equal(sealed, r.Placed) || bytes.Equal(sealed, r.Latest))
}

// OrderRecord is an order, at either side.
type OrderRecord struct {
	ID          exchange.OrderID
	Supplier    exchange.ShopID
	Retailer    exchange.ShopID
	Order       order.Order
	Quote       exchange.Quote
	ShipToHash  [32]byte
	First, Last uint64 // ledger positions of its first and latest entry
	Parcels     []Parcel
	// Cancelled is when units were last cancelled, by themselves or with the whole order
	// (rejected, expired), CancelledBy who did, and Reason what was said with it. Zero in
	// records older than these fields.
	Cancelled   exchange.Time
	CancelledBy exchange.Party
	Reason      string
	// Requested is set at the retailer from the commit that queued the order
	// until the supplier's entry answers it; Refusal is that answer when it is no.
	Requested exchange.Time
	Refusal   exchange.Code
	Detail    string
	CancelAt  exchange.Time // a cancel is queued and not yet answered, or was made here alone (closeHere)
}

// Parcel is one shipment.
type Parcel struct {
	At       exchange.Time
	Lines    []order.Units
	Carrier  string
	Tracking string
}

// ChainRecord is the end of a ledger and, at its retailer, of the outbox.
type ChainRecord struct {
	Chain  ledger.Chain
	Queued uint64 // retailer: number of the last request put into the outbox
	// Open is the supplier's count of units held and unshipped for this retailer.
	OpenHeld      int64
	OpenUnshipped int64
	// AckedHead is the retailer's countersigned head that Chain.Acked stands for.
	AckedHead SignedHead
}

// PartnershipRecord is one direction of trade.
type PartnershipRecord struct {
	State partnership.State
	// Ending is set at the retailer once its own EndTrade is queued: it binds at
	// once, before the supplier has answered. At either side it is also set by an
	// EndTrade that can enter no ledger (EndTrade says when).
	Ending bool
	// EndingAt is when that was, and EndingReason what was said with it; zero where Ending
	// is not set, and in records older than these fields.
	EndingAt     exchange.Time
	EndingReason string
	// Queued is the kind of the retailer's latest partnership request that is queued and
	// unanswered: "propose", "accept", "decline", "end" or ""; "withdraw" is a proposal
	// that is declined in the commit that brings its entry (WithdrawTerms).
	Queued string
	// QueuedNumber is that request's number; 0 in records older than this field, and then
	// the next answer to any partnership request is taken for its own.
	QueuedNumber uint64
	// EndNumber is the number of the retailer's last end that is queued, whatever is queued
	// behind it: Ending stands until that one has its entry. 0 where none is queued, and in
	// records older than this field.
	EndNumber uint64
	// WithdrawnTo is a request number of the retailer's: every proposal of its own up to it
	// is taken back, whether or not it has its entry. 0 where none was, and in records older
	// than this field.
	WithdrawnTo uint64
	// Withdrawn is the open proposal, where it is the retailer's own, is taken back, and its
	// decline is not entered yet; zero otherwise.
	Withdrawn ledger.Hash
	// Refusal is the supplier's answer to the last partnership request where it was no.
	Refusal exchange.Code
	Detail  string
}

// OutboxRecord is a retailer's signed request that the supplier has not yet answered.
type OutboxRecord struct {
	Number uint64
	Signed SignedRequest
	Salt   [16]byte
	ShipTo []byte // encoded ship-to, sent beside the request; empty for others
}

// ReservationRecord is a hold at its retailer.
type ReservationRecord struct {
	Supplier exchange.ShopID
	Request  Hold
	Raw      []byte // the request's exact bytes, sent again on a retry
	State    reservation.State
	Answer   []byte // the sealed answer, with the quote
	Refusal  exchange.Code
	Detail   string
	Created  exchange.Time
	Expires  exchange.Time
}

// ShipToRecord is a consumer's address and the salt that ties it to the order,
// erased together (design: Holds and orders). The retailer keeps the salt alone, to
// tell whether an order placed again is for the same address: with it anybody could
// try addresses against the hash in the ledger, so it is erased like an address.
type ShipToRecord struct {
	Salt [16]byte
	Raw  []byte // supplier: the encoded ship-to, as hashed; retailer: empty
}

// MetaRecord is the shop's own bookkeeping.
type MetaRecord struct {
	Written exchange.Time // time of the last committed batch: the writer's time never runs backwards
	Stopped string        // why selling is stopped (a partner proved records we lack); empty = it is not
}

// EvidenceRecord keeps what froze a chain: the stored entry and the one that
// contradicts it, both sealed by the supplier.
type EvidenceRecord struct {
	Supplier exchange.ShopID
	Retailer exchange.ShopID
	Position uint64
	Ours     []byte // sealed; empty where the entry was illegal by itself
	Theirs   []byte // sealed
	Why      string
	At       exchange.Time
}
