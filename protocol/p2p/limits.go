package p2p

import "time"

// Limits of requests and frames.
const (
	// MaxMessage bounds a request, a reply and a piece of a bulk stream.
	MaxMessage = 1 << 20
	// frameOverhead is what a frame's body holds besides its payload: a uvarint id and the kind.
	frameOverhead = 10 + 1
	// MaxErrorText bounds the text of an error that crosses the wire.
	MaxErrorText = 1024

	// RequestStreams is how many pipelined streams serve one protocol with one
	// partner: two, so that a large reply on one does not hold up the other.
	RequestStreams = 2
	// MaxInFlight bounds the requests of one partner that are being handled, over
	// all protocols; the next one waits in its stream. Eight partners with 32
	// each are the load to reach, one partner with 256 the most it may ask for.
	MaxInFlight = 256
	// requestRate and requestBurst bound the requests that one partner has us read a second, over
	// all protocols; the next one waits in its stream. 15,000 holds a second come from eight
	// partners, 1,900 of each; this is ten times that, and more than all of them if one asks alone.
	// Reading and refusing 20,000 a second costs a fifth of a core (10 µs each).
	requestRate  = 20_000
	requestBurst = 2 * requestRate
	// smallRequest needs no share of MaxRequestBytes: MaxInFlight × 4 KiB = 1 MiB a partner.
	smallRequest = 4 << 10
	// MaxRequestBytes bounds the larger requests of one partner held in memory:
	// 8 of MaxMessage. 100 partners that all fill it hold 800 MiB; members are
	// known by name, and one that does is revoked.
	MaxRequestBytes = 8 * MaxMessage
	// maxIdleWorkers goroutines stay with a stream for its next requests:
	// 64 × 8 KiB of stack = 512 KiB a stream, only where there was that much load.
	maxIdleWorkers = 64

	// streamBuffer is the read buffer of a stream. 64 KiB holds some 500 small
	// requests; with RequestStreams both ways over 4 protocols it is 1 MiB a partner.
	streamBuffer = 64 << 10
	// maxQueued is how many bytes wait for a stream's writer before senders wait
	// too; one frame may go over it.
	maxQueued = 1 << 20
	// writeChunk is what must leave within 3/4 FrameTimeout: 12 KB/s, a bad mobile link.
	writeChunk = 256 << 10
	// keepBuffer is the largest write buffer that a stream keeps when idle.
	keepBuffer = 128 << 10

	// MaxBulkStreams bounds the bulk streams one partner has open with us, a protocol.
	MaxBulkStreams = 8
)

// Limits of hello and addresses.
const (
	// MaxHello bounds the application's bytes in a hello.
	MaxHello = 256 << 10
	// MaxRecord bounds a signed peer record: 32 addresses of ≤ 128 bytes, key, signature.
	MaxRecord = 8 << 10
	// MaxAddresses bounds the addresses taken from one record.
	MaxAddresses = 32
	// maxVersions bounds the versions a hello names.
	maxVersions = 16
	// maxHeader bounds a hello's header: the record, its versions, and room for later fields.
	maxHeader = MaxRecord + 1<<10
	// AddressTTL is how long an address is kept after it was last heard: trade
	// goes on with a hub dead for 30 days, so twice that.
	AddressTTL = 60 * 24 * time.Hour
)

// Timeouts. They bound how long a peer can hold a resource, not how fast it
// must be: links of satellites and of loaded machines fit.
const (
	// HelloTimeout bounds the time from connecting to a completed hello, and how
	// long an early stream waits for it. Three round trips of 600 ms and a log pull fit.
	HelloTimeout = 10 * time.Second
	// FrameTimeout bounds the time from a frame's first byte to its last, MaxMessage
	// at 35 KB/s; a write that stalls ends after three quarters of it to all of it.
	FrameTimeout = 30 * time.Second
	// RequestTimeout bounds a request whose context has no deadline.
	RequestTimeout = 30 * time.Second
	// openTimeout bounds the opening of one stream.
	openTimeout = 10 * time.Second
	// dialTimeout bounds one attempt of a path to a member.
	dialTimeout = 10 * time.Second
	// pingTimeout bounds the round trips of one Dial: three over the worst relay take 3 s.
	pingTimeout = 5 * time.Second
	// drainTimeout bounds how long a stopping node waits for requests in hand.
	drainTimeout = 5 * time.Second
	// goodbyeTimeout bounds how long it then waits for partners to read their replies.
	goodbyeTimeout = time.Second
	// refusedRest is how long nothing but a reconnector or Dial calls a member whose hello
	// failed: at most 2,880 useless handshakes a day.
	refusedRest = 30 * time.Second
	// refusalLinger is how long a refused peer has to read why before its connection is closed.
	refusalLinger = 2 * time.Second
)

// Reconnecting. Delays double up to the last and are jittered by ±20% so that
// shops do not return to a restarted hub all at once.
const (
	retryFirst   = 1 * time.Second
	retryPartner = 8 * time.Second // 1, 2, 4, 8, 8 … s: an order is terminal ≤ 30 s after a network heals
	retryJitter  = 0.2
	// retryHub is the longest pause for a hub that has been away for retryPatience. Restarts
	// and updates are over by then, and until then shops that the hub cannot call, behind a NAT,
	// are back within 8 s and sell through its relay. An attempt sends some 8 KB (QUIC's first packet
	// is 1,280 bytes and is sent again three times, by two paths): 0.5 MB in the first ten minutes,
	// 11 MB a day of the thirty that a hub may be dead. Of 500 shops, 62 come in each of the first 8 s:
	// a third of a core in handshakes of 5 ms.
	retryHub      = 60 * time.Second
	retryPatience = 10 * time.Minute
	// callsAtOnce is how many members a hub that starts dials at once. Handshakes of 500 that
	// are there take 2.5 s of a core; 250 that are not, 10 s each, take 40 s.
	callsAtOnce = 64
)

// Limits of libp2p's resource manager. They bound what a peer can make us hold
// before and after it proves to be a member.
const (
	// maxPeerStreams bounds one member's streams in each direction: RequestStreams
	// for 16 protocols = 32, MaxBulkStreams for 4 = 32, gossip 2, DHT and services
	// ≤ 64 in bursts; doubled. A member that opens 10,000 gets 9,744 resets.
	maxPeerStreams = 256
	// maxProtocolPeerStreams bounds them for one protocol: twice what an honest
	// partner needs while its old connection times out, with bursts of the DHT's.
	maxProtocolPeerStreams = 64
	// maxConns and maxStreams bound the whole host: 2,000 members with two
	// connections each, 16 streams apiece.
	maxConns   = 4096
	maxStreams = 32 * 1024
	// maxPeerConns bounds one member's connections: TCP and QUIC dialed from both
	// sides at once are 4, a relayed one 5; room for those of a crashed process.
	maxPeerConns = 16
	// maxPeerMemory bounds the muxer memory of one member: 64 streams with a full 256 KiB window.
	maxPeerMemory = 16 << 20
	// maxMemory bounds libp2p's own buffers: 64 members at maxPeerMemory.
	maxMemory = 1 << 30
	// maxTransient bounds connections and streams that are not yet authenticated
	// or negotiated: 256 handshakes at once, 1 KiB to 32 KiB each.
	maxTransientConns   = 256
	maxTransientStreams = 2048
	// maxConnsPerIP raises libp2p's 8: an office or a data centre with 64 shops
	// behind one address, two connections each.
	maxConnsPerIP = 128
	// connRatePerIP and connBurstPerIP raise libp2p's 0.2/s and 16: those 64 shops
	// come back within 15 s of a restart. An attempt that fails the handshake costs 200 µs.
	connRatePerIP  = 4
	connBurstPerIP = 2 * maxConnsPerIP
	// connHigh is where the connection manager starts to close idle connections
	// that are no session's, connLow where it stops.
	connHigh = maxConns * 3 / 4
	connLow  = maxConns / 2
)

// The DHT serves those whom the address book fails, and members enter its table as they connect.
const (
	// dhtFirst is when a node that started asks round who is near to what: the hub is met by then.
	dhtFirst = 10 * time.Second
	// dhtRefresh is how often it does so later. It costs each of ten members some 50 KB, and each
	// of 500 under 2 MB: a quarter to 8 MB a day. Every two minutes, as libp2p would have it, is
	// 20 MB a day among ten, more than an idle shop may move in all.
	dhtRefresh = 6 * time.Hour
)

// Limits of the relay a hub serves. A shop behind NAT trades through it until
// hole punching works: 500 members × 2 KiB of buffer each way.
const (
	relayReservations      = 1024
	relayReservationsPerIP = 64 // as many shops as maxConnsPerIP assumes
	relayReservationsASN   = 512
	relayCircuits          = 32            // of one member: 32 partners
	relayDuration          = 2 * time.Hour // then the circuit is dialed anew
	relayData              = 256 << 20     // a first sync of 1M products (≤ 100 MB) and a day's trade
)

// Limits of gossip.
const (
	// MaxTopicMessage bounds what may be published: deltas are coalesced to 16–64
	// KiB; 1 MiB and more would vanish without an error in pubsub.
	MaxTopicMessage = 256 << 10
	// maxGossipRPC bounds an RPC between two peers: one message and its envelope, with control messages.
	maxGossipRPC = 1 << 20
	// gossipQueue raises pubsub's 32 of outbound and validation queues, where a
	// burst of 2,000 messages lost 65%: twice that burst.
	gossipQueue = 4096
	// gossipDontWant is from which size on neighbours are told not to send a
	// message again: below 16 KiB, a coalesced delta, the telling costs more (measured).
	gossipDontWant = 16 << 10
	// gossipLeave is how long neighbours do not take a shop back that left a topic: pubsub's 10 s
	// would keep one that restarts out of the mesh for a minute.
	gossipLeave = 1 * time.Second
	// topicBuffer is how many messages wait for Topic.Next.
	topicBuffer = 1024
	// authorRate and authorBurst bound one author's messages a second over all
	// topics: a publisher coalesces to 10/s a feed, so five times that, and a
	// burst of 2,000 uncoalesced ones.
	authorRate  = 50
	authorBurst = 2048
	// authorByteRate and authorByteBurst bound their data: five feeds with a full delta of 64 KiB
	// ten times a second, which is a quarter of senderByteRate; and 256 such deltas at once.
	authorByteRate  = authorRate << 16
	authorByteBurst = 256 << 16
	// senderRate and senderBurst bound the messages one neighbour hands us before
	// signatures are checked (73 µs each): 2,000/s cost 15% of one core. What is beyond is
	// dropped, and no fault: twelve authors within their own bounds are 24,576 at once.
	// As much of what the neighbour wrote itself is one: it is forty times authorRate.
	senderRate  = 2000
	senderBurst = 16384
	// senderByteRate and senderByteBurst bound their data: all of a 100 Mbit/s line; a burst is
	// 1,000 coalesced deltas of 64 KiB.
	senderByteRate  = 12 << 20
	senderByteBurst = 64 << 20
	// A neighbour that does what no honest one does (bad signatures, messages that are too large,
	// a flood of its own) more than faultBurst times, less one each ten seconds, is not heard for muteTime:
	// 64 + 6 bad signatures a minute cost 5 ms of a core.
	faultBurst = 64
	faultRate  = 0.1
	muteTime   = time.Minute
	// maxPruneBackoff bounds how many seconds a neighbour keeps us from its mesh; ours are 60.
	maxPruneBackoff = 600
	// maxTopicName bounds a topic's name after its prefix: a ShopID has 52 characters.
	maxTopicName = 128
	// maxPeerTopics bounds the topics one member subscribes to: every feed of 2,000 partners, twice.
	maxPeerTopics = 4096
	// replayWindow is how many sequence numbers behind an author's highest are
	// still accepted once each: messages overtake each other on their way.
	replayWindow = 4096
)

// Limits of the open host: what changes the list (joins, and the operator's statements from another
// machine), and questions (OpenConfig.Question), which must not be in the way of the former.
const (
	// MaxOpenRequest and MaxOpenReply bound a request and its answer. The answer to a join or a question
	// is a part of the member log, as much of it as fits; the asker comes again for more.
	MaxOpenRequest = 64 << 10
	MaxOpenReply   = MaxMessage
	// openHandlers bounds the joins, and as many questions, that are handled or answered at once: a join
	// waits for one durable commit, and each answer is in memory until it is sent: 64 MiB in all.
	openHandlers = 32
	// openRatePerIP and openBurstPerIP bound an address, questions included: a person retrying by hand, or
	// 64 shops in one office, which without their hub ask 64 times in 9 minutes.
	openRatePerIP  = 1
	openBurstPerIP = 64
	// openRate and openBurst bound what changes the list, over all addresses: 20 signatures verified a
	// second cost 0.2% of a core.
	openRate  = 20
	openBurst = 256
	// openAskRate and openAskBurst bound questions, over all addresses: 5,000 shops that no closed host
	// lets in, each asking every 9 minutes, are 10 a second. An answer has some 600 bytes, to a shop
	// that lacks the whole log 1 MiB: a burst of those is 32 MiB.
	openAskRate  = 10
	openAskBurst = 32
	// openConns bounds connections of the open host.
	openConns = 256
	// openTimeoutTotal bounds one request from the stream's opening to its answer's last byte.
	openTimeoutTotal = 15 * time.Second
	// openIdle closes a connection to the open host that is older.
	openIdle = 30 * time.Second
)
