package message

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
)

// FeedItem is one change of a supplier's catalog feed: the latest of its
// product. Record holds the exact encoded FeedProduct; it is empty for a
// tombstone. The set digest covers (SKU, Sequence, SHA-256(Record)) of live items.
type FeedItem struct {
	Sequence uint64
	SKU      exchange.SKU
	Record   []byte
}

// FeedProduct is what a Record decodes to; a codec refuses one that catalog.CheckProduct does.
type FeedProduct struct{ exchange.Product }

// FeedHead states a feed's content: signed, so that a replica can prove itself
// equal to the supplier's set. Compare by (Epoch, Sequence); the greater wins.
type FeedHead struct {
	Shop     exchange.ShopID
	Feed     string // exchange.MainFeed
	Epoch    uint64 // max(unix ms, highest seen + 1) when the supplier began it
	Sequence uint64 // of the last change
	Count    uint64 // live products
	Digest   [32]byte
	At       exchange.Time
}

// Position is where the feed stands that the head states.
func (h *FeedHead) Position() catalog.Position {
	return catalog.Position{Epoch: h.Epoch, Sequence: h.Sequence}
}

// SignedFeedHead is a FeedHead's exact bytes and the supplier's signature under
// DomainFeed.
type SignedFeedHead struct {
	Payload   []byte
	Signature []byte
}

// FeedUpdate is one gossip message, before encryption: a head and the changes
// (After, head.Sequence], if they are few; none where they are many (pull then).
type FeedUpdate struct {
	Head  SignedFeedHead
	After uint64
	Items []FeedItem
}

// FeedPull opens a catalog stream. After 0 with a zero Epoch asks for everything.
// Buckets asks for the whole content of those buckets instead (after a digest
// mismatch); BucketDigests asks for the digests of all buckets only.
type FeedPull struct {
	Feed          string
	Epoch         uint64
	After         uint64
	Buckets       []uint32 // ascending, each below catalog.Buckets; the supplier refuses more than MaxPullBuckets
	BucketDigests bool
	// Have is the latest head of this supplier's feed that the asker knows, if any:
	// a supplier that lacks it has lost state and stops selling.
	Have *SignedFeedHead
}

// MaxPullBuckets is how many buckets one pull may ask for: an eighth of all.
// A replica that differs in more asks again, or for everything.
const MaxPullBuckets = catalog.Buckets / 8

// FeedChunk is a frame of the answer. The first carries a signed head, the feed's
// key, and whether the items are everything (Full: swap in when complete) or the
// changes after the asked sequence. All items come from one snapshot; where it is
// newer than the first frame's head, the last frame carries the snapshot's own.
type FeedChunk struct {
	Head    *SignedFeedHead
	Key     *FeedKey
	Full    bool
	Items   []FeedItem // in ascending Sequence (changes, full) or by bucket, then SKU (buckets)
	Digests [][32]byte // answer to BucketDigests
	Last    bool
}

// FeedKey encrypts a feed's gossip. A new one is made when a partnership ends.
type FeedKey struct {
	ID  [8]byte
	Key [32]byte
}

// Greeting is the part of a [Hello] that is about trade. It is sent to partners
// only; a member that is no partner gets an empty one.
type Greeting struct {
	Window   exchange.Window  // the sender's current hold window, as a supplier
	Ledgers  []LedgerGreeting // one for each ledger with the receiver
	FeedHead *SignedFeedHead  // where the receiver may see the sender's feed
	FeedKey  *FeedKey
}

// LedgerGreeting says where the sender's copy of a ledger ends. Proof is the sealed last
// entry: a supplier that lacks the entry knows that its store has lost records.
type LedgerGreeting struct {
	Head  Head
	Proof []byte
}

// Hello is what one shop tells another first on each connection.
type Hello struct {
	Agent    string   // "souk/1.0.0", for people
	Members  []byte   // checkpoint and freshness, of package membership
	Profile  []byte   // signed profile, of package membership
	Greeting Greeting // trade
}

func (*FeedProduct) Kind() Kind { return KindFeedProduct }
func (*FeedHead) Kind() Kind    { return KindFeedHead }
func (*FeedUpdate) Kind() Kind  { return KindFeedUpdate }
func (*FeedPull) Kind() Kind    { return KindFeedPull }
func (*FeedChunk) Kind() Kind   { return KindFeedChunk }
func (*Hello) Kind() Kind       { return KindHello }
