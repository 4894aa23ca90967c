package record

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
)

// Feed is the supplier's stored state of its own feed.
type Feed struct {
	Epoch    uint64
	Sequence uint64
	Count    uint64
	Floor    uint64 // changes at or below it may be missing as tombstones: pull in full
	// Tombstones is how many removals are remembered.
	Tombstones uint64
	Key        message.FeedKey
	Head       message.SignedFeedHead // the last one signed
}

func (*Feed) Kind() message.Kind { return KindFeed }

// Replica is what a partner keeps of one feed it replicates.
type Replica struct {
	Shop  exchange.ShopID
	Head  message.SignedFeedHead // of the applied state: proven equal
	Epoch uint64
	At    uint64 // sequence applied
	Key   message.FeedKey
	// Refreshed is when the replica was last known equal to the supplier's head.
	Refreshed exchange.Time
}

func (*Replica) Kind() message.Kind { return KindReplica }
