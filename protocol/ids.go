package protocol

import "github.com/souk-market/souk/exchange"

// Names of the protocols that members speak, as package p2p is given them; p2p
// makes /souk/<federation>/<name>/1 of them on the wire.
const (
	Hello   = "hello"   // first on each connection, both ways
	Trade   = "trade"   // holds, orders and ledgers, pipelined requests
	Catalog = "catalog" // bulk pulls of a feed, a stream of their own
	Log     = "log"     // the member list, from any member
	Leave   = "leave"   // a shop's leave entry, to the hub
	Join    = "join"    // on the hub's open host, the only one strangers may speak
)

// Names of gossip topics, beside those of [FeedTopic]. On the wire each follows
// /souk/<federation>/.
const (
	TopicMembers  = "topic/members/" + Version  // new entries and checkpoints of the member list
	TopicProfiles = "topic/profiles/" + Version // shops' signed profiles
)

// Version is the one version of every protocol and topic here. One that changes so
// that an older reader would misunderstand it gets the next number and an ID of
// its own; both are then spoken for a while.
const Version = "1"

// FeedTopic names the gossip topic of one shop's feed.
func FeedTopic(shop exchange.ShopID, feed string) string {
	return "topic/feed/" + shop.String() + "/" + feed + "/" + Version
}
