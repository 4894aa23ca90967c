package message

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
)

// Kind names a wire message or, in package record, a stored one. Numbers are stored and
// sent: append only. 60 to 79, 85 and 86 are record's.
type Kind uint32

// Value is a native message or record: a type of this package or of package record.
type Value interface{ Kind() Kind }

const (
	// Requests a partner sends on the trade protocol, and their replies.
	KindHold       Kind = 1 // retailer → supplier, answered by KindSealedAnswer
	KindRelease    Kind = 2
	KindExtend     Kind = 3
	KindHoldStatus Kind = 4
	KindSubmit     Kind = 5 // retailer → supplier, answered by KindEntries
	KindPush       Kind = 6 // supplier → retailer, answered by KindSignedHead
	KindPull       Kind = 7 // retailer → supplier, answered by KindEntries
	KindStockQuery Kind = 8 // answered by KindStockAnswer

	KindHello Kind = 10 // on the hello protocol, both ways

	KindSealedAnswer Kind = 20 // also supplier → retailer, unasked, and answered by itself
	KindEntries      Kind = 21
	KindSignedHead   Kind = 22
	KindStockAnswer  Kind = 23

	// Payloads under a signature or seal.
	KindHoldAnswer Kind = 40 // a sealed leaf
	KindEntry      Kind = 41 // a sealed leaf
	KindRequest    Kind = 42 // payload of a SignedRequest
	KindHead       Kind = 43 // payload of a SignedHead
	KindShipTo     Kind = 44 // hashed with a salt

	// The catalog feed.
	KindFeedProduct Kind = 80 // one product or tombstone, the hashed bytes of the set digest
	KindFeedHead    Kind = 81 // payload of a signed head
	KindFeedUpdate  Kind = 82 // gossip: signed head and a small delta
	KindFeedPull    Kind = 83 // request of a catalog stream
	KindFeedChunk   Kind = 84 // part of its answer
)

// Hold asks the supplier for stock: all lines or none. It is unsigned; the
// connection says who asks. The supplier remembers the SHA-256 of its raw bytes:
// the same id with other bytes is CodeConflict.
type Hold struct {
	ID       exchange.HoldID
	Lines    exchange.Lines
	Country  string // ship-to, ISO 3166-1 alpha-2
	MaxTotal int64  // minor units; the hold is refused with CodePriceChanged above it; 0 = any
	Lifetime int64  // milliseconds wished; 0 = the longest the terms allow
	// Reads is the newest format of quotes that the retailer reads. The supplier quotes in the
	// newest that both know.
	Reads exchange.QuoteFormat
}

// Release gives a hold's stock back. A release that arrives before its hold
// leaves a tombstone on which the hold is refused.
type Release struct{ ID exchange.HoldID }

// Extend moves a hold's expiry to Until, within the terms.
type Extend struct {
	ID    exchange.HoldID
	Until exchange.Time
}

// HoldStatus asks for the latest answer about a hold of the asking retailer.
type HoldStatus struct{ ID exchange.HoldID }

// SealedAnswer carries a sealed HoldAnswer. A supplier also sends it unasked, where it has
// recalled a product and so ended the hold; the retailer answers with the same. A version before
// this one refuses it as a request.
type SealedAnswer struct{ Sealed []byte }

// HoldAnswer is what the supplier seals about a hold.
type HoldAnswer struct {
	Supplier exchange.ShopID
	Retailer exchange.ShopID
	Hold     exchange.HoldID
	Request  [32]byte // SHA-256 of the raw request that is answered
	State    hold.State
	Quote    *exchange.Quote  // set when State is hold.Held
	Refusal  exchange.Code    // set when State is hold.Refused, or a release, extend or status was refused
	Detail   string           // for a person, with the SKU that was short, say
	Short    []exchange.Short // every line that was short; none from a supplier of an older version
	At       exchange.Time
}

// Refused is the answer as a refusal for err's reason.
func (a HoldAnswer) Refused(err error) HoldAnswer {
	a.State, a.Refusal, a.Detail, a.Short = hold.Refused, exchange.CodeOf(err), err.Error(), exchange.ShortLines(err)
	return a
}

// Submit carries the retailer's signed requests that the supplier has not yet
// answered, in order of their numbers.
type Submit struct {
	Have     uint64 // the retailer's ledger position; the answer carries what follows
	Requests []SubmittedRequest
}

// SubmittedRequest is a signed request and, for an order, what only the
// supplier may see.
type SubmittedRequest struct {
	Signed SignedRequest
	Salt   [16]byte // with ShipTo: SHA-256(Salt ‖ ShipToBytes) stands in the request
	ShipTo []byte   // encoded ship-to; empty for requests other than an order
}

// SignedRequest is a Request's exact bytes and the retailer's signature over
// them under DomainRequest.
type SignedRequest struct {
	Payload   []byte
	Signature []byte
}

// Push carries ledger entries that the retailer's countersigned head does not
// cover. Sealed entries are in order of position.
type Push struct{ Entries [][]byte }

// Pull asks for ledger entries after a position.
type Pull struct{ After uint64 }

// Entries answers Submit and Pull: sealed entries in order of position, at
// most MaxEntriesBytes of them, and the supplier's head position.
type Entries struct {
	Entries [][]byte
	Head    uint64
}

// Head is a ledger's position and hash, as one side has them.
type Head struct {
	Supplier exchange.ShopID
	Retailer exchange.ShopID
	Position uint64   // of the last entry; 0 = the ledger is empty
	Hash     [32]byte // of the last entry's payload; zero when empty
}

// SignedHead is a Head's exact bytes, countersigned by the retailer under
// DomainHead.
type SignedHead struct {
	Payload   []byte
	Signature []byte
}

// StockQuery asks what is available now of up to exchange.MaxLines products.
type StockQuery struct{ SKUs []exchange.SKU }

// StockAnswer answers in the query's order; an unknown product has Known false.
type StockAnswer struct {
	At    exchange.Time
	Lines []StockLine
}

// StockLine is one product of a StockAnswer.
type StockLine struct {
	SKU       exchange.SKU
	Known     bool
	Available exchange.Availability
	Price     exchange.Money
}

// ShipTo is a consumer's address, with the retailer's reference and note, as it is hashed and sent
// to the supplier. A supplier of an older version reads the address alone, and keeps all bytes.
type ShipTo struct{ exchange.Delivery }

// Signature domains (DESIGN §6). Each is followed by origin and ShopID in the
// signed bytes; package protocol writes the exact layout down.
const (
	DomainBatch   = "souk/batch/1"
	DomainRequest = "souk/request/1"
	DomainHead    = "souk/head/1"
	DomainFeed    = "souk/feed/1"
)
