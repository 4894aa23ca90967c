package record

import (
	"bytes"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
)

// Records are what the synced store keeps, one Value under one key; keys.go has
// the keys. Fields are only ever added; package protocol gives them numbers.

// Hold is a hold at its supplier.
type Hold struct {
	Retailer exchange.ShopID
	Hold     hold.Hold
	Request  [32]byte // SHA-256 of the placing request's raw bytes; zero for a tombstone
	Terms    uint32   // version quoted
	Placed   []byte   // the sealed answer to the placing request, returned to every repeat
	Latest   []byte   // the sealed answer that tells the hold's state now, where it differs
	// LatestRequest is SHA-256 of the raw request that Latest answers.
	LatestRequest [32]byte
	// Own is what an own reservation was quoted; nil of a partner's hold. Nothing of it is sealed.
	Own *exchange.Quote
	// Counted says by line, from the lowest bit on, whether it is counted against the retailer's
	// share of its stock.
	Counted uint64
}

// Answered reports whether sealed is an answer that this shop sealed about the hold, as
// its record has it; false of no record.
func (r *Hold) Answered(sealed []byte) bool {
	return r != nil && len(sealed) > 0 && (bytes.Equal(sealed, r.Placed) || bytes.Equal(sealed, r.Latest))
}

// Ledger is the end of a ledger and, at its retailer, of the outbox.
type Ledger struct {
	Chain  ledger.Chain
	Queued uint64 // retailer: number of the last request put into the outbox
	// Open is the supplier's count of units held and unshipped for this retailer.
	OpenHeld      int64
	OpenUnshipped int64
	// AckedHead is the retailer's countersigned head that Chain.Acked stands for.
	AckedHead message.SignedHead
}

// Outbox is a retailer's signed request that the supplier has not yet answered.
type Outbox struct {
	Number uint64
	Signed message.SignedRequest
	Salt   [16]byte
	ShipTo []byte // encoded ship-to, sent beside the request; empty for others
}

// ShipTo is a consumer's address, the retailer's reference and note, and the salt that ties
// them to the order, kept by either shop and erased together (design: Holds and orders). With
// the salt alone anybody could try addresses against the hash in the ledger, so it goes too.
type ShipTo struct {
	Salt [16]byte
	Raw  []byte // the encoded message.ShipTo, as hashed; empty at a retailer that placed the order with a version that kept the salt alone
}

// Meta is the shop's own bookkeeping.
type Meta struct {
	Written exchange.Time // time of the last committed batch: the writer's time never runs backwards
	Stopped string        // why selling is stopped (a partner proved records we lack); empty = it is not
	// Journaled is since when the store has journals of its stocks (shelf): the first commit of
	// version 2 or later.
	Journaled exchange.Time

	// Of the event log: the number of its newest event, that of its newest EventStarted, and of the
	// newest event that was deleted, with the time of that one's commit; 0 = there was none.
	LastEvent, LastStart, PrunedEvent uint64
	PrunedAt                          exchange.Time
}

// Evidence keeps what froze a ledger: the stored entry and the entry that
// contradicts it, both sealed by the supplier.
type Evidence struct {
	Supplier exchange.ShopID
	Retailer exchange.ShopID
	Position uint64
	Ours     []byte // sealed; empty where the entry was illegal by itself
	Theirs   []byte // sealed
	Why      string
	At       exchange.Time
}
