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
	// saveEvery is how often a member's addresses are written to the address book at most. What a process
	// that is killed has not written, its members tell it anew.
	saveEvery = 30 * time.Second
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
	// explainTimeout bounds the trying of all ways to a member, and explainRelay that through one relay:
	// they are tried one after the other, and there are a hub, memberRelays and relayTries of them.
	explainTimeout = 20 * time.Second
	explainRelay   = 5 * time.Second
	// lookUpAgain is how often a name is looked up while a dial to where it led hangs.
	lookUpAgain = time.Second
	// dhtPatience is how long a member's known addresses are dialed before the DHT is asked, too.
	dhtPatience = 2 * time.Second
	// quickDial bounds a dial for a request to a wanted member that is Away: a consumer waits for an answer
	// within a second. A member that is back on the same continent is connected and greeted in it, six
	// round trips of 100 ms.
	quickDial = 700 * time.Millisecond
	// lostGrace is how long after the loss of a connection a member is not yet away: whoever asks it in
	// that time dials with all the time there is.
	lostGrace = time.Second
	// suspectAfter is how long a request is under way before its connection is pinged. Most are
	// answered in a hundredth of that, and a ping that is answered changes nothing. With suspectTimeout
	// and what a busy machine adds, a dead connection is closed within 3 s.
	suspectAfter = 900 * time.Millisecond
	// suspectTimeout is how long nothing at all comes in, nor the answer to a ping, on a connection that
	// left a request unanswered, or that a newer connection stands beside, until it is closed: the worst
	// round trip over a relay, twice.
	suspectTimeout = 2 * time.Second
	// listenEvery is how often one looks meanwhile whether something has come in: a look is one question
	// to the system.
	listenEvery = 100 * time.Millisecond
	// checkSpacing is how often the death of one connection has those of all other members pinged. 2,000
	// pings are 0.6 MB.
	checkSpacing = 10 * time.Second
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
	retryHub = 60 * time.Second
	// knockEvery is how often, within such a pause, a hub's TCP ports are tried: a hub that is back is met
	// within it. A try sends three packets at most: 4 MB on each day that the hub is away.
	// A hub with a TCP port is knocked at from knockPatience on, and dialed every retryHub.
	knockEvery    = 4 * time.Second
	knockTimeout  = 2 * time.Second
	knockPatience = time.Minute
	retryPatience = 10 * time.Minute
	// absentPatience is how long a partner has been away when dials of it begin to go at lowPrice: most
	// restarts, updates and moves take less.
	absentPatience = 10 * time.Minute
	// absentEvery is how often it is then dialed by QUIC, from the first attempt on that is due: who can be
	// dialed in no other way, and does not dial, is met within two minutes. Such a dial lasts absentSpan, in
	// which QUIC sends six packets, 8 KB, and the worst round trip passes: 7 MB on each day for each address.
	absentEvery = 90 * time.Second
	absentSpan  = 1300 * time.Millisecond
	// retryAbsent is the longest pause between attempts. With the jitter, and the 5 s after which libp2p gives a
	// TCP address up, attempts begin less than 30 s apart. A relay's answer that a partner is not there takes 1 KB:
	// 4 MB on each day.
	retryAbsent = 20 * time.Second
	// callsAtOnce is how many members a starting hub dials at once. Handshakes with 500 members take
	// 2.5 s of a core. 250 members that do not answer, a dialTimeout each, take 40 s.
	callsAtOnce = 64
)

// Trying direct again with a member that is met through a relay.
const (
	// directTimeout bounds a dial of the direct addresses; QUIC gives up as early.
	directTimeout = 5 * time.Second
	// directSpacing is the shortest time between two tries where addresses change often.
	directSpacing = 5 * time.Second
	// directGrace is how long a direct connection has served before the relayed one is closed, and how
	// often a look finds whether that is idle.
	directGrace = 10 * time.Second
	// directForget is how long a member without a relayed connection keeps its place in directPauses.
	directForget = time.Minute
	// directIdle is how long nobody looks where nothing is to be done.
	directIdle = 10 * time.Minute
)

// directPauses lie between tries, jittered; the last repeats. The first is short: libp2p's own try, as the
// relayed connection begins, knows only the addresses of before the hello. A change of addresses is tried at once; what
// heals without one is a router's filter or a path. A try dials each address, and has both sides punch up
// to three times. Where nothing answers, and each side has one address, QUIC's, a pair's tries cost each
// side 40 KB: half a MB in the first hour, and 1 MB on each day that follows.
var directPauses = [...]time.Duration{
	2 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute,
	10 * time.Minute, 10 * time.Minute, 10 * time.Minute, 10 * time.Minute,
	30 * time.Minute, 30 * time.Minute, time.Hour,
}

// Limits of libp2p's resource manager bound what a peer can make us hold, before and after the
// peer has proven to be a member.
const (
	// maxPeerStreams bounds one member's streams in each direction. Half of it is for circuits: a shop
	// that is reached through one relay has a stream with it for each partner. RequestStreams for 16
	// protocols, MaxBulkStreams for four, gossip, and bursts of up to 64 for the DHT and libp2p's
	// services are an eighth. Streams beyond are reset.
	maxPeerStreams = 2 * relayPeerCircuits
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
// punching works, and through nothing else where that never works. A circuit takes 2 KiB of buffer
// each way.
const (
	relayReservations      = 1024
	relayReservationsPerIP = shopsPerIP
	relayReservationsASN   = relayReservations / 2
	relayPeerCircuits      = 512           // of one member, each with another partner
	relayCircuits          = 16_384        // in all: 16 for each reservation, 64 MiB of buffers
	relayDuration          = 2 * time.Hour // then the circuit is dialed anew
	relayData              = 256 << 20     // a first sync of 1M products (≤ 100 MB) and a day's trade
)

// Limits of the relay that a publicly reachable member serves for others, a small office's line: an
// owner lends it and must not notice. It is where shops meet while their hub is away, so that two
// thirds of a hub's tasks, first syncs among them, are not needed.
const (
	memberReservations = 256
	memberPeerCircuits = 64
	memberCircuits     = 1024     // 4 MiB of buffers
	memberData         = 64 << 20 // of one circuit, each way; 8 orders a minute for a day
	// DefaultRelayBytes is how much a member relays in a day, by default: 190 kbit/s all day long. A
	// shop that trades steadily moves some 10 MB, so that 200 shops behind NATs fit.
	DefaultRelayBytes = 2 << 30
)

// Reservations of a shop at relays, and dials that prove where it is reached.
const (
	// maxRelays is at how many relays a shop reserves that is not reached directly, its hubs among them:
	// when the hub and one member are gone, the other member serves.
	maxRelays = 3
	// relayTries is through how many members' relays a member is dialed whose own relays are not
	// known, or gone. One request costs a round trip; a member who is none of them holds dialTimeout.
	relayTries = 4
	// throughEvery is how often relays that are not connected are dialed for one member: relayTries
	// handshakes of 6 KB.
	throughEvery = time.Minute
	// relayAsks is how many connected members that relay are asked for a member. A supplier with 200 of
	// them would else ask all, one after the other and every few seconds, for each partner that is off.
	relayAsks = 16
	// reservationTime is the longest that a reservation is taken for good without being renewed: that of
	// libp2p's relays. A relay says until when by its own clock, which may be hours ahead.
	reservationTime = time.Hour
	// reserveTimeout bounds one reservation: two round trips over the worst link.
	reserveTimeout = 5 * time.Second
	// relayRest is the longest pause before a member that did not relay is asked again: it may be of a
	// version that relays for nobody, full, or away for good.
	relayRest = 10 * time.Minute
	// relaysEvery is how often a shop looks whether its reservations last. They are renewed when half
	// of their time, an hour by libp2p's default, has passed.
	relaysEvery = time.Minute
	// askRelaysEvery is how often a shop that lacks relays asks a hub who relays. In a federation where
	// nobody does, a shop spends 0.1 MB a day on it.
	askRelaysEvery = 5 * time.Minute
	// maxToldRelays bounds the records in an answer to askRelays.
	maxToldRelays = 16
	// relayAddrs bounds the addresses of one relay that a shop tells as ways to it: TCP and QUIC over
	// IPv4 and IPv6.
	relayAddrs = 4

	// maxProbeAddrs bounds the addresses in one probe: TCP and QUIC, IPv4 and IPv6, announced and seen.
	maxProbeAddrs = 8
	// probeTimeout bounds the dial of one address, all being dialed at once.
	probeTimeout = 5 * time.Second
	// probeAsk bounds a whole probe: its dials, after names were resolved.
	probeAsk = 2 * probeTimeout
	// ProbeEvery is how often a shop has its addresses tried while nothing changes: a router may lose a
	// forwarded port. 48 probes of 8 dials a day are 2 MB for the hub of one shop, of which most is the
	// 1,200 bytes that each QUIC dial to nobody sends a few times.
	ProbeEvery = 30 * time.Minute
	// provenLasts is for how long a restarted node goes by an earlier proof of where it is reached, while
	// nobody is there to prove it anew. Trade must go on with a hub that is dead for 30 days.
	provenLasts = 30 * 24 * time.Hour
	// probeRate and probeBurst bound the probes that a member may ask of us. Each sends at most 8 TCP
	// and QUIC dials to addresses that the member names: 4 KB a second.
	probeRate  = 0.1
	probeBurst = 4
	// probeAgain is the first pause after a probe that was not answered; pauses double. A member may ask
	// as often.
	probeAgain = 10 * time.Second
	// askRate and askBurst bound the other questions of the reach protocol that one member may ask of us,
	// which are few a minute. An answer takes up to a millisecond and 64 KB.
	askRate  = 4
	askBurst = 32
	// probesAtOnce bounds all probes under way. Others wait, at most probeTimeout.
	probesAtOnce = 16
)

// Limits of what a node tells of its addresses.
const (
	// maxAddress bounds one multiaddr: a DNS name of 253 characters, ports, and two peer IDs.
	maxAddress = 512
	// maxNear bounds the addresses in private networks that a hello names.
	maxNear = 8
	// seenVotes is how many members must see this node at an address of which its hubs say nothing.
	seenVotes = 3
	// lookAtInterfaces is how often a node looks whether the machine's addresses have changed. One look
	// takes some 50 µs.
	lookAtInterfaces = time.Second
	// tellAfter gathers changes of the own addresses before partners are told: a start or a returning
	// hub makes several within a round trip or two.
	tellAfter = 300 * time.Millisecond
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
	// gossipStay is how long a stream of gossip has lived whose end alone, on a connection that lives, is
	// no reason to take the peer for dead.
	gossipStay = 10 * time.Second
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

// maxNames bounds the names of which a host remembers what was found.
const maxNames = 256

// maxSegment is the most that a TCP segment carries to or from another machine: 1280 bytes, less 40 of
// IPv6 and 20 of TCP. Where packets of 1500 bytes pass, headers then are 5% of the bytes instead of 4%.
const maxSegment = 1220

// Limits of a SharedPort, of connections that no host has taken yet. A host's own limits hold from
// then on.
const (
	// sharedTimeout bounds the time from a connection's first byte to a host that takes it. A client's
	// first bytes are there after a round trip.
	sharedTimeout = 5 * time.Second
	// sharedWaiting bounds such connections, sharedWaitingPerIP those of one address: all the shops of
	// an office come at once. Each takes a file descriptor and 8 KiB.
	sharedWaiting      = maxTransientConns
	sharedWaitingPerIP = shopsPerIP
	// strangerDrain bounds the header of an HTTP request.
	strangerDrain = 16 << 10
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
