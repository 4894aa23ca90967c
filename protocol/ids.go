package protocol

import "github.com/souk-market/souk/exchange"

// Names of the protocols that members speak; [ID] makes protocol IDs of them.
const (
	Hello   = "hello"   // first on each connection, both ways
	Trade   = "trade"   // holds, orders and ledgers, pipelined requests
	Catalog = "catalog" // bulk pulls of a feed, a stream of their own
	Log     = "log"     // the member list, from any member
	Leave   = "leave"   // a shop's leave entry, to the hub
	Join    = "join"    // on the hub's open host, the only one strangers may speak
	DHT     = "kad"     // address lookup among members
)

// Names of gossip topics; [Topic] and [FeedTopic] make topic names of them.
const (
	TopicMembers  = "members"  // new entries and checkpoints of the member list
	TopicProfiles = "profiles" // shops' signed profiles
	TopicAddrs    = "addrs"    // signed address records
)

// Version is the one version of every protocol here. A protocol that changes so
// that an older reader would misunderstand it gets the next number and an ID of
// its own; both are then spoken for a while.
const Version = "1"

// ID is the libp2p protocol ID /souk/<federation>/<name>/<version>. The federation
// is in it so that two federations never speak with each other by mistake.
func ID(federation, name string) string {
	return "/souk/" + federation + "/" + name + "/" + Version
}

// Prefix is what a protocol stack that makes IDs of its own, such as the DHT's,
// puts before them.
func Prefix(federation string) string { return "/souk/" + federation }

// Topic is the gossip topic of that name in a federation.
func Topic(federation, name string) string { return ID(federation, "topic/"+name) }

// FeedTopic is the gossip topic of one shop's feed.
func FeedTopic(federation string, shop exchange.ShopID, feed string) string {
	return Topic(federation, "feed/"+shop.String()+"/"+feed)
}
