package protocol

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/merkle"
)

// Limits of single fields, in bytes.
const (
	// MaxDetail bounds explanations for a person (details of refusals, why a chain
	// is frozen). Longer ones are cut when they are encoded: an explanation must
	// never be the reason why a batch cannot be written.
	MaxDetail = 500
	MaxAgent  = 64

	saltSize = 16 // 128 bits: of seals, and of the hash that stands for a ship-to
	tag      = 4  // a field's number and length, for lengths below 2 MiB
	number   = 11 // a field number and a 64-bit varint
)

// A hold has at most 64 lines of one SKU and a quantity:
// 64 × (tag + SKU + quantity) = 64 × (4 + 132 + 11) = 9,408, and its head.
const MaxHold = 10 << 10

// MaxHoldAnswer bounds a sealed answer's payload. A quote line is a SKU (132), a title
// (504), and six numbers (66): 706 with its tag; 64 of them are 45,184 bytes. Quote
// head, rate (three texts of 255) and detail stay below 2 KiB.
const MaxHoldAnswer = 48 << 10

// MaxSealOverhead is what a seal adds to its payload: 16 random bytes, a path of 32
// nodes, the signature, two numbers and five tags: 16 + 1,024 + 64 + 22 + 20 = 1,146.
const MaxSealOverhead = 1200

// MaxSealedAnswer bounds a sealed HoldAnswer.
const MaxSealedAnswer = MaxHoldAnswer + MaxSealOverhead

// MaxRequest bounds a signed request's payload. The greatest act is an order, which
// embeds the sealed answer that quoted it; its other fields, and any other act (64
// lines of 147 bytes; 250 countries), are far smaller.
const MaxRequest = MaxSealedAnswer + 1<<10

// MaxEntry bounds a ledger entry's payload: it embeds a request with its signature,
// beside its link (two shops, a hash, three numbers) and detail: below 1 KiB.
const MaxEntry = MaxRequest + 1<<10

// MaxSealedEntry bounds a sealed Entry: 52.6 KiB.
const MaxSealedEntry = MaxEntry + MaxSealOverhead

// MaxTradeMessage bounds a request or reply of the trade protocol: the entries that
// desk puts into one (768 KiB; its submits are smaller) and their tags, 4 bytes for
// each of at most 4,000 entries (the smallest has some 200 bytes).
const MaxTradeMessage = desk.MaxEntriesBytes + 32<<10

// MaxSubmit bounds a submit: desk fills it to 256 KiB of outbox records, which are
// longer than what is sent of them.
const MaxSubmit = desk.MaxSubmitBytes + 1<<10

// MaxParts bounds the items of any list that is a message's main content. The most
// there can be are removals in a chunk: 128 KiB at 25 bytes each, by desk's count,
// are 5,243; a reply of the smallest ledger entries has 4,000.
const MaxParts = 8192

// MaxShipTo bounds an encoded ship-to: 11 texts of 255 bytes and their tags are 2,849.
const MaxShipTo = 3 << 10

// Bounds of a hello: at most one chain for each direction, each proven by a sealed
// entry, and what package membership puts in: 2 × 52.6 + 8 + 8 + 1 = 122 KiB.
const (
	MaxHelloMembers = 8 << 10
	MaxHelloProfile = 8 << 10
	MaxChains       = 2
	MaxHello        = MaxChains*(MaxSealedEntry+256) + MaxHelloMembers + MaxHelloProfile + 1<<10
)

// Bounds of the catalog feed. One product has at most catalog.MaxRecord, 10 KiB.
const (
	// MaxGossip bounds a gossip message: measured, 64 KiB messages carry twenty
	// times the bytes of 1 KiB ones, and messages near 1 MiB vanish.
	MaxGossip = 64 << 10
	// MaxFeedUpdate bounds an update before its encryption.
	MaxFeedUpdate = MaxGossip - FeedBoxOverhead
	// MaxFeedChunk bounds a chunk: one that reached desk.ChunkBytes (128 KiB) with the
	// largest item added, a signed head and 5% for tags; or all 4,096 bucket digests.
	MaxFeedChunk = desk.ChunkBytes + 32<<10
	// MaxFeedPull bounds a pull: 4,096 bucket numbers of two bytes, and a signed head.
	MaxFeedPull = catalog.Buckets*2 + 2<<10
)

// MaxRecord bounds a stored record: below Badger's 1 MiB, above which it would
// leave the log-structured tree. The largest is an order (quote 45 KiB) and its
// parcels, each at most 64 × 147 + 522 = 9,930 bytes.
const MaxRecord = 896 << 10

// MaxParcels is how many parcels an order's record can hold whatever is in
// them: (896 − 64) KiB / 9,930 B = 85, and the desk stops before.
const MaxParcels = desk.MaxParcels

// maxSmall bounds messages of a few fixed-size fields: a feed's head, the
// largest, has two hashes, five numbers, a name of 255 bytes and a signature.
const maxSmall = 1 << 10

// maxStock bounds a stock query and its answer: 64 lines of a SKU (132) and,
// in the answer, a price, a count and their tags (50), and the time.
const maxStock = exchange.MaxLines*(exchange.MaxSKU+tag+50) + number

// maxSealed is the most that any sealed leaf may have.
const maxSealed = MaxSealedEntry

// maxPath is the longest audit path, in bytes.
const maxPath = merkle.MaxPath * 32
