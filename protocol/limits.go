package protocol

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/merkle"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// A limit's comment says what the limit is made of; how much that is, the tests say:
// they encode the longest values that the rules of form (check*.go) allow.

// Limits of single fields, in bytes.
const (
	// MaxDetail bounds explanations for a person (details of refusals, why a ledger
	// is frozen). Longer ones are cut when they are encoded: an explanation must
	// never be the reason why a batch cannot be written.
	MaxDetail = 500
	MaxAgent  = 64

	saltSize = 16 // 128 bits: of seals, and of the hash that stands for a ship-to
	tag      = 4  // a field's number and length, for lengths below 2 MiB
	number   = 11 // a field number and a 64-bit varint
)

// MaxHold bounds a hold: exchange.MaxLines of a SKU and a quantity each, and its head.
const MaxHold = 10 << 10

// MaxHoldAnswer bounds a sealed answer's payload. Most of it is the quote's lines,
// exchange.MaxLines of a SKU, a title and six numbers each, and what they all say of their
// products beside the title; the rest is the quote's head, the rate with its three texts, and
// the detail.
const MaxHoldAnswer = 48<<10 + exchange.MaxSnapshots

// MaxSealOverhead is what a seal adds to its payload: random bytes (saltSize), the audit
// path (maxPath), a signature, two numbers and five tags.
const MaxSealOverhead = 1200

// MaxSealedAnswer bounds a sealed HoldAnswer.
const MaxSealedAnswer = MaxHoldAnswer + MaxSealOverhead

// MaxRequest bounds a signed request's payload. The greatest act is an order, which
// embeds the sealed answer that quoted it; its other fields, and any other act (of
// exchange.MaxLines, or exchange.MaxCountries), are far smaller.
const MaxRequest = MaxSealedAnswer + 1<<10

// MaxEntry bounds a ledger entry's payload: it embeds a request with its signature,
// beside its link (two shops, a hash, three numbers) and detail.
const MaxEntry = MaxRequest + 1<<10

// MaxSealedEntry bounds a sealed Entry.
const MaxSealedEntry = MaxEntry + MaxSealOverhead

// MaxTradeMessage bounds a request or reply of the trade protocol. The longest carries
// ledger entries, as many as package trade puts into one message, and a tag for each: the smallest
// has some 200 bytes, so that tags are a fiftieth. A submit is no longer.
const MaxTradeMessage = message.MaxEntriesBytes + 32<<10

// MaxSubmit bounds a submit. Package trade counts outbox records, which are longer than what
// is sent of them, tags included.
const MaxSubmit = message.MaxSubmitBytes + 1<<10

// MaxParts bounds the items of any list that is a message's main content. The most
// there can be are removals in a chunk of the feed, by the bytes that package feed counts for each.
const MaxParts = 8192

// MaxShipTo bounds an encoded ship-to: exchange.MaxDelivery bytes of thirteen texts and their tags.
const MaxShipTo = 3 << 10

// Bounds of a hello: at most MaxLedgers ledgers, in which the two shops have one side each, and a sealed
// entry that proves each; the member list's part; a profile; the feed's head and key. A test
// of package members holds MaxHello against what p2p lets through.
const (
	MaxHelloMembers = 8 << 10
	MaxHelloProfile = 8 << 10
	MaxLedgers      = 2
	MaxHello        = MaxLedgers*(MaxSealedEntry+256) + MaxHelloMembers + MaxHelloProfile + 1<<10
)

// Bounds of the catalog feed. One product has at most catalog.MaxRecord.
const (
	// MaxGossip bounds a gossip message: measured, messages of this size carry twenty
	// times the bytes a second of 1 KiB ones, and messages near p2p.MaxMessage vanish.
	MaxGossip = 64 << 10
	// MaxFeedUpdate bounds an update before its encryption.
	MaxFeedUpdate = MaxGossip - FeedBoxOverhead
	// MaxFeedChunk bounds a chunk: a chunk that reached message.MaxChunkBytes with the largest
	// item added, a signed head and 5% for tags; or the digests of all buckets.
	MaxFeedChunk = message.MaxChunkBytes + 32<<10
	// MaxFeedPull bounds a pull: the numbers of all buckets, two bytes each, and a signed head.
	MaxFeedPull = catalog.Buckets*2 + 2<<10
)

// MaxRecord bounds a stored record, well below store.MaxValueBytes. The largest is an
// order: its quote and MaxParcels parcels, each of all lines, a carrier and a tracking code.
const MaxRecord = 896 << 10

// MaxParcels is how many parcels an order has at most: package trade refuses the next, so
// that the record has room for it whatever is in them.
const MaxParcels = record.MaxParcels

// maxSmall bounds messages of a few fixed-size fields: a feed's head, the
// largest, has two hashes, five numbers, a name of 255 bytes and a signature.
const maxSmall = 1 << 10

// maxStock bounds a stock query and its answer: exchange.MaxLines of a SKU and, in the
// answer, a price, a count and their tags (50 bytes), and the time.
const maxStock = exchange.MaxLines*(exchange.MaxSKU+tag+50) + number

// maxSealed is the most that any sealed leaf may have.
const maxSealed = MaxSealedEntry

// maxPath is the longest audit path, in bytes.
const maxPath = merkle.MaxPath * 32
