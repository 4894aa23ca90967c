package p2p

import (
	"encoding/binary"
	"time"

	"github.com/souk-market/souk/exchange/backoff"
)

// Limits of requests and frames.
const (
	// MaxMessage bounds a request, a reply and a piece of a bulk stream.
	MaxMessage = 1 << 20
	// frameOverhead is what a frame's body holds besides its payload: a uvarint id and the kind.
	frameOverhead = binary.MaxVarintLen64 + 1
	// MaxErrorText bounds the detail of an error that crosses the wire, in bytes.
	MaxErrorText = 1024

	// RequestStreams is how many pipelined streams serve one protocol with one partner. There are
	// two, so that a large reply on one stream does not hold up the other stream.
	RequestStreams = 2
	// MaxInFlight bounds the requests of one partner that are being handled, over all protocols;
	// the next request waits in its stream. The load to reach comes from eight partners; one partner
	// alone may ask for all of it.
	MaxInFlight = 256
	// requestRate and requestBurst bound the requests of one partner that are read in a second,
	// over all protocols; the next request waits in its stream. The load to reach, 15,000 holds a
	// second from eight partners, is 1,900 from each. The bound is ten times as much, and more than
	// one partner alone needs for the whole load. To read and refuse a request takes 10 µs: at the
	// bound, a fifth of a core.
	requestRate  = 20_000
	requestBurst = 2 * requestRate
	// smallRequest is the size up to which a request takes no share of MaxRequestBytes. MaxInFlight
	// such requests are as large as one of MaxMessage.
	smallRequest = 4 << 10
	// MaxRequestBytes bounds the memory for larger requests of one partner. 100 partners that all
	// fill it take 800 MiB; members are known by name, and may be revoked for it.
	MaxRequestBytes = 8 * MaxMessage
	// maxIdleWorkers is how many goroutines stay with a stream for its next requests, each with
	// 8 KiB of stack. They take half a MiB a stream, and only where there was as much load.
	maxIdleWorkers = 64

	// streamBuffer is the read buffer of a stream, room for some 500 small requests. With
	// RequestStreams both ways over four protocols a partner takes 1 MiB.
	streamBuffer = 64 << 10
	// maxQueued is how many bytes wait for a stream's writer before senders wait, too. The last
	// frame may exceed it.
	maxQueued = 1 << 20
	// writeChunk is how many bytes must leave within three quarters of FrameTimeout: 12 KB/s, a bad
	// mobile link.
	writeChunk = 256 << 10
	// keepBuffer is the largest write buffer that an idle stream keeps, in bytes.
	keepBuffer = 128 << 10

	// MaxBulkStreams bounds the bulk streams that one partner has open with us for one protocol.
	MaxBulkStreams = 8
)

// Limits of hello and addresses.
const (
	// MaxHello bounds the application's bytes in a hello.
	MaxHello = 256 << 10
	// MaxRecord bounds a signed peer record: MaxAddresses of up to 128 bytes each, the key, the
	// signature. Half of it is spare.
	MaxRecord = 8 << 10
	// MaxAddresses bounds the addresses taken from one record.
	MaxAddresses = 32
	// maxVersions bounds the versions a hello names.
	maxVersions = 16
	// maxHeader bounds a hello's header: the record, the versions, and room for later fields.
	maxHeader = MaxRecord + 1<<10
	// AddressTTL is how long an address is kept after its member last told it. Trade must go on
	// with a hub that is dead for 30 days; this is twice as long.
	AddressTTL = 60 * 24 * time.Hour
)

// Timeouts bound how long a peer can hold a resource. An honest peer over a satellite link, or on
// a loaded machine, stays below.
const (
	// HelloTimeout bounds the time from connecting to a completed hello, and how long an early
	// stream waits for the hello. Three round trips over the worst relay and a log pull fit.
	HelloTimeout = 10 * time.Second
	// FrameTimeout bounds the time from a frame's first byte to its last: MaxMessage at 35 KB/s. A
	// stalled write ends after three quarters of FrameTimeout to all of it.
	FrameTimeout = 30 * time.Second
	// RequestTimeout bounds a request whose context has no deadline.
	RequestTimeout = 30 * time.Second
	// openTimeout bounds the opening of one stream.
	openTimeout = 10 * time.Second
	// dialTimeout bounds an attempt to reach a member by one path.
	dialTimeout = 10 * time.Second
	// pingTimeout bounds the round trips of one Dial: three over the worst relay take 3 s.
	pingTimeout = 5 * time.Second
	// drainTimeout bounds how long a stopping node waits for requests in hand.
	drainTimeout = 5 * time.Second
	// goodbyeTimeout bounds how long a stopping node then waits for partners to read their replies.
	goodbyeTimeout = time.Second
	// refusedRest is how long libp2p's own services do not dial a member whose hello failed: at
	// most two useless handshakes a minute. Dial and the reconnector dial all the same.
	refusedRest = 30 * time.Second
	// refusalLinger is how long a refused peer has to read why before its connection is closed.
	refusalLinger = 2 * time.Second
)

// Reconnecting. Pauses double up to the longest, and vary by ±retryJitter, so that shops do not
// return to a restarted hub all at once.
const (
	retryPartner = backoff.Longest // an order is terminal ≤ 30 s after a network heals
	retryJitter  = 0.2
	// retryHub is the longest pause for a hub that has been away for retryPatience. Restarts and
	// updates take less. In that time shops behind a NAT, which the hub cannot call, are back within
	// retryPartner and sell through its relay. An attempt sends some 8 KB, most of it QUIC's first
	// packet, again and again by two paths. These are 0.6 MB within retryPatience, then 11 MB on each
	// day that the hub is away. Of 500 shops 62 come back in each second of the first retryPartner:
	// handshakes of 5 ms take a third of a core.
	retryHub      = 60 * time.Second
	retryPatience = 10 * time.Minute
	// callsAtOnce is how many members a starting hub dials at once. Handshakes with 500 members take
	// 2.5 s of a core. 250 members that do not answer, a dialTimeout each, take 40 s.
	callsAtOnce = 64
)

// Limits of libp2p's resource manager bound what a peer can make us hold, before and after the
// peer has proven to be a member.
const (
	// maxPeerStreams bounds one member's streams in each direction. RequestStreams for 16 protocols,
	// MaxBulkStreams for four, gossip, and bursts of up to 64 for the DHT and libp2p's services are
	// half of it. Streams beyond are reset.
	maxPeerStreams = 256
	// maxProtocolPeerStreams bounds one member's streams of one protocol: twice what an honest
	// member needs while its old connection times out, bursts of the DHT included.
	maxProtocolPeerStreams = 64
	// maxConns and maxStreams bound the whole host: 2,000 members with two
	// connections each, eight streams on each of those.
	maxConns   = 4096
	maxStreams = 8 * maxConns
	// maxPeerConns bounds one member's connections. TCP and QUIC, dialed from both sides at once,
	// make 4 and a relayed connection 5. There is room for the connections of a crashed process.
	maxPeerConns = 16
	// maxPeerMemory bounds the muxer memory of one member: 64 streams with a full window.
	maxPeerMemory = 64 * muxerWindow
	muxerWindow   = 256 << 10 // yamux's, at first
	// maxMemory bounds libp2p's own buffers.
	maxMemory = 64 * maxPeerMemory
	// maxTransientConns and maxTransientStreams bound connections that are not authenticated yet,
	// and streams that are not negotiated yet. A handshake takes 1 KiB to 32 KiB.
	maxTransientConns   = 256
	maxTransientStreams = 2048
	// maxConnsPerIP raises libp2p's 8, for an office or a data centre: shopsPerIP shops behind one
	// address, two connections each.
	maxConnsPerIP = 2 * shopsPerIP
	shopsPerIP    = 64
	// connRatePerIP and connBurstPerIP raise libp2p's 0.2/s and 16: all those shops come back at once
	// after a restart, and once more. An attempt that fails the handshake costs 200 µs.
	connRatePerIP  = 4
	connBurstPerIP = 2 * maxConnsPerIP
	// connHigh is how many connections make the connection manager close idle ones that belong to
	// no session, connLow how many it leaves.
	connHigh = maxConns * 3 / 4
	connLow  = maxConns / 2
)

// The DHT finds members whose addresses the address book does not have, or has wrong. Members enter
// its table as they connect.
const (
	// dhtFirst is when a node that started refreshes its table for the first time. The hub is
	// connected before.
	dhtFirst = 10 * time.Second
	// dhtRefresh is how often a node refreshes its table later. A refresh costs each of ten members
	// some 50 KB, and each of 500 under 2 MB. libp2p's own refresh, every two minutes, alone costs
	// more than an idle shop may move in all.
	dhtRefresh = 6 * time.Hour
)

// Limits of the relay that a hub serves. A shop behind a NAT trades through the relay until hole
// punching works. A circuit takes 2 KiB of buffer each way.
const (
	relayReservations      = 1024
	relayReservationsPerIP = shopsPerIP
	relayReservationsASN   = relayReservations / 2
	relayCircuits          = 32            // of one member, each with another partner
	relayDuration          = 2 * time.Hour // then the circuit is dialed anew
	relayData              = 256 << 20     // a first sync of 1M products (≤ 100 MB) and a day's trade
)

// Limits of gossip.
const (
	// MaxTopicMessage bounds a published message: four full deltas. pubsub drops a message that
	// reaches maxGossipRPC without an error.
	MaxTopicMessage = 4 * fullDelta
	// fullDelta is the most that a publisher coalesces into one message (protocol.MaxGossip).
	fullDelta = 64 << 10
	// maxGossipRPC bounds an RPC between two peers: a message, its envelope and control messages.
	maxGossipRPC = 1 << 20
	// gossipQueue is the length of pubsub's outbound and validation queues. With pubsub's own 32, a
	// burst of 2,000 messages lost 65%; this is twice the burst.
	gossipQueue = 4096
	// gossipDontWant is the size from which on neighbours are told not to send a message again. For a
	// message smaller than a usual delta, the telling costs more (measured).
	gossipDontWant = 16 << 10
	// gossipLeave is how long neighbours do not take a shop back that left a topic. pubsub's 10 s
	// would keep a restarted shop out of the mesh for a minute.
	gossipLeave = 1 * time.Second
	// topicBuffer is how many messages wait for Topic.Next.
	topicBuffer = 1024
	// authorRate and authorBurst bound one author's messages in a second, over all topics. A
	// publisher coalesces to 10/s a feed: there is room for five feeds, and for a burst of 2,000
	// messages that were not coalesced.
	authorRate  = 50
	authorBurst = 2048
	// authorByteRate and authorByteBurst bound the data of these messages: each message a full delta,
	// and 256 full deltas at once. The rate is a quarter of senderByteRate.
	authorByteRate  = authorRate * fullDelta
	authorByteBurst = 256 * fullDelta
	// senderRate and senderBurst bound the messages that one neighbour hands us, before their
	// signatures are checked (73 µs each, together 15% of a core). Messages beyond are dropped,
	// without blame: nine authors, each within authorBurst, may send more at once. As many messages
	// of the neighbour's own are a fault: no author may write so many.
	senderRate  = 40 * authorRate
	senderBurst = 8 * authorBurst
	// senderByteRate and senderByteBurst bound the data of these messages: all of a 100 Mbit/s line,
	// and a burst of a thousand full deltas.
	senderByteRate  = 12 << 20
	senderByteBurst = 1024 * fullDelta
	// faultBurst and faultRate bound a neighbour's faults: bad signatures, messages that are too
	// large, a flood of its own. A neighbour beyond the bound is not heard for muteTime. As many bad
	// signatures as the bound admits cost 5 ms of a core a minute.
	faultBurst = 64
	faultRate  = 0.1
	muteTime   = time.Minute
	// maxPruneBackoff bounds for how many seconds a neighbour keeps us out of its mesh: ten times as
	// long as pubsub asks for.
	maxPruneBackoff = 600
	// maxTopicName bounds a topic's name after its prefix, and a protocol's: a ShopID in text
	// fits twice.
	maxTopicName = 128
	// maxPeerTopics bounds the topics that one member subscribes to: the feeds of 2,000 partners,
	// doubled.
	maxPeerTopics = 4096
	// replayWindow is how far behind an author's highest sequence number a message is still accepted,
	// once: messages overtake each other on their way.
	replayWindow = 4096
)

// Limits of the open host. Requests are changes of the list (joins, and the operator's statements
// from another machine) and questions (OpenConfig.Question). Each class has limits of its own, so
// that a crowd of questions is not in the way of joins.
const (
	// MaxOpenRequest and MaxOpenReply bound a request and its answer, in bytes. The answer to a join or
	// a question is as much of the member log as fits; the asker asks again for more.
	MaxOpenRequest = 64 << 10
	MaxOpenReply   = MaxMessage
	// openHandlers bounds the requests of a class that are handled or answered at once. A join waits
	// for a durable commit. Answers, up to MaxOpenReply each, are in memory until they are sent.
	openHandlers = 32
	// openRatePerIP and openBurstPerIP bound the requests of both classes from one address. They let a
	// person retry by hand. While their hub is away, shopsPerIP shops of one office ask once each in
	// 9 minutes.
	openRatePerIP  = 1
	openBurstPerIP = shopsPerIP
	// openRate and openBurst bound changes, over all addresses. To verify the signatures of so many
	// changes costs 0.2% of a core.
	openRate  = 20
	openBurst = 256
	// openAskRate and openAskBurst bound questions, over all addresses. 5,000 shops that no closed host
	// admits ask as often, each every 9 minutes. An answer has some 600 bytes, and MaxOpenReply for a
	// shop that lacks the whole log.
	openAskRate  = 10
	openAskBurst = 32
	// openConns bounds connections of the open host.
	openConns = 256
	// openTimeoutTotal bounds one request from the stream's opening to its answer's last byte.
	openTimeoutTotal = 15 * time.Second
	// openIdle is the age at which a connection to the open host is closed.
	openIdle = 30 * time.Second
)
