// Package p2p is Souk's network: it carries opaque bytes for named protocols between the
// members of one federation. No other package imports libp2p, and this package does not know
// what the bytes mean.
//
// A [Node] is one member's host, a shop's or the hub's. [New] checks a
// [Config], [Node.Start] opens the host, [Node.Run] serves until its context
// ends and closes everything in order. On a Node,
//
//   - [Node.Request] asks a member and [Node.Handle] answers: many requests are in flight
//     over a few long-lived streams.
//   - [Node.OpenStream] and [Node.HandleStream] move bulk data.
//   - [Node.Topic] publishes to all subscribers and receives from them. Gossip is a hint that
//     may be lost, never the truth.
//   - [Node.Dial] reaches a member by its ID alone. [Node.SetWanted] keeps connections to
//     partners, and [Node.Away] tells which of them are known to be out of reach.
//
// [OpenServe] and [Ask] are for shops that are not members yet: the hub's join service and its
// client. Package p2psim runs Nodes in virtual time.
//
// # Who may connect
//
// Membership is closed. A [Directory] says which shops are members; the hubs named in the
// configuration are trusted besides. No other peer completes a handshake (ConnectionGater).
// Every stream handler and topic validator asks again, so that a connection of a revoked shop
// is of no use. [Node.Disconnect] and [Node.Recheck] close such connections.
//
// A libp2p dialer does not notice that the other side's gater refused the connection. So
// connected means: a hello was exchanged. A stream that arrives before the hello waits for it,
// at most [HelloTimeout]. Identify and ping are served before, by libp2p itself; they tell
// nothing secret.
//
// # Ways in
//
// Most shops sit behind routers that let nobody in. Three things make each reachable, and none waits
// for libp2p's AutoNAT and AutoRelay, which need a quarter of a minute, a hub known by an IP address,
// and give the way in up as soon as they take the shop for public:
//
//   - relays: a shop reserves at every hub as soon as a hello was exchanged, and at two members that
//     relay (relays.go). Ways through relays are told besides all others, announced ones included.
//   - proofs: a hub, or a member that is reached from outside, dials the shop back at the addresses that
//     it might have: announced, of its interfaces, of its router as others see it (proofs.go,
//     prober.go). What was not reached is not told; what was, is.
//   - relaying: a shop that is reached from outside relays for members, within bounds, while its
//     configuration allows it (relay_service.go). So the hub's death stops no pair for which one such
//     member is up: members rank the relays of a shop alike, and try the first few.
//
// A relay sees who is connected with whom, when, and how many bytes pass. It sees nothing of what they
// say: the two members' own handshake goes through it. It may drop or delay what it carries. A dial
// back tells its dialer nothing that it could not try by itself.
//
// Probes come from a key of their own, which no gater admits: the handshake is all that they need. A hub
// also serves libp2p's AutoNAT, of which shops of versions before this one ask.
//
// A connection may die without a word: the machine slept or moved, a router forgot, a process was
// killed. A request without an answer for a second has its connections pinged, a hello on a new
// connection has the others pinged, and so do a change of the machine's addresses and a sleep. What
// answers nothing within two seconds is closed (alive.go, moved.go).
//
// # One port for two hosts
//
// A hub's two hosts may share a TCP port, a [SharedPort]. The first bytes of a connection say which
// of them is meant: the cipher suite that the client proposes first is /souk/join/noise for the
// open host, and for the closed host any other. Both names mean the suite /noise of libp2p, so
// that no key and no byte of the handshake depends on the name. An open host of an earlier version
// declines the first and takes /noise, the second proposal. A shop of an earlier version does not
// propose the first: it can join at the open host's own port only, and trade by either.
//
// What begins with HTTP there is for a small web server, which takes WebSockets and routes what comes over
// them in the same way. So a hub may be behind a web server that ends TLS, at /dns/NAME/tcp/443/tls/ws.
//
// # Protocol IDs
//
// Every protocol is /souk/<federation>/<name>/1, the private DHT is
// /souk/<federation>/kad/1.0.0, topics are /souk/<federation>/<name>. Shops of
// another federation therefore have no protocol in common with this one.
//
// # Frames
//
// All streams of this package carry frames:
//
//	frame = uvarint length ‖ body              length of body in bytes
//	body  = uvarint id ‖ kind (1 byte) ‖ payload
//	uvarint is that of encoding/binary, at most 10 bytes
//
//	kind 1 request   id chosen by the asking side, unique on its stream
//	kind 2 reply     id of the request; payload = the answer
//	kind 3 error     id of the request; see below
//	kind 4 data      id 0; a piece of a bulk stream
//	kind 5 hello     id 0; see below
//
// A length above the stream's limit ends the stream before a byte of the body is read. A kind
// that is unknown, or that does not belong on the stream, ends the stream, too. On a request
// stream only the side that opened it sends requests; replies come in any order. An error frame
// is the partner's answer ([IsAnswer] reports true). Every other fault leaves a request's
// outcome unknown, and the caller asks again with the same id of its own.
//
// On a bulk stream each side sends data frames and half-closes when done; an
// error frame ends it with a reason.
//
// # Errors
//
// This is the one form in which an error goes from one shop to another:
//
//	error payload = uvarint code ‖ detail
//
// The code is an [exchange.Code], never CodeOK, and at most 32 bits. The detail is for
// a person: UTF-8 of at most [MaxErrorText] bytes, up to the end of the frame. Whether
// the same request may work later follows from the code: a reader that does not know
// it goes by its bit 16, [exchange.RetryBit]. It keeps the code as it is, and so may pass
// it on. An internal fault is sent without its detail. Golden vectors are in
// testdata/golden/errors.json; errors-before.json has those of the first version, which
// knew no RetryBit and takes a code that has it for an unknown one.
//
// # Hello
//
// The side that dialed opens /souk/<federation>/hello/1 and sends one hello frame. The other
// side answers with its own hello; or it answers with an error frame and closes the connection.
// Either side may exchange hellos again, to tell news ([Node.Rehello]).
//
//	hello payload = uvarint n ‖ header (n bytes) ‖ application's bytes
//	header        = uvarint count ‖ count × uvarint version      ascending, ≤ 16
//	                ‖ incarnation (8 bytes)
//	                ‖ uvarint m ‖ signed peer record (m bytes)   libp2p RFC 0003, may be empty
//	                ‖ bytes of later versions, ignored
//
// The two sides use the highest version that both name. Where there is none, the hello is refused
// with exchange.CodeVersion. A node draws its incarnation at each start. A new incarnation shows
// that the partner's process restarted; the partner's old connections are then closed at once,
// before they time out. The signed record has the sender's addresses.
//
// # Reach
//
// The protocol reach has four requests, to a hub or any other member. A program that does not know it has
// no such protocol.
//
//	probe   = 1 (1 byte) ‖ uvarint count ‖ count × (uvarint n ‖ multiaddr)      ≤ 8
//	reply   = uvarint count ‖ count × (1 byte: 1 = reached ‖ uvarint n ‖ why)   in the request's order
//	relays  = 2 (1 byte)
//	reply   = uvarint count ‖ count × (uvarint n ‖ signed peer record)          ≤ 16, of members that relay
//	tell    = 4 (1 byte) ‖ as the reply before                                  to one that asked, of a further relay
//	reply   = empty
//	online  = 3 (1 byte)
//	reply   = uvarint count ‖ count × ShopID (32 bytes)                         of members connected to a hub or relay
//
// Only public addresses are dialed. Golden vectors are in
// testdata/golden/hellos.json and reach.json.
//
// # Who owns what
//
// A Node is composed of parts. Each part has one subject and owns its fields:
//
//	gate         which peers may connect, which are not dialed for a while, and which at low price (absences)
//	sessions     the sessions with connected peers
//	greeter      says hello, and judges hellos
//	addresses    own addresses, and addresses of members
//	dialer       reaches a member by address book, relays or DHT
//	reconnector  keeps members connected, with a goroutine for each
//	streams      opens streams, and admits streams of members that have said hello
//	requests     asks, and serves requests
//	bulk         opens bulk streams, and serves bulk streams
//	topics       gossip
//	direct       brings members that are met through a relay to a direct connection
//	pulse        pings connections, and closes the dead
//	mover        notices that the machine has moved or slept
//	relays       reservations at hubs and members
//	service      relays for members
//	prober       dials members back
//	proofs       has the own addresses tried
//	events       tells the application who connected and disconnected, from one goroutine
//
// Fields that no comment gives an owner are set by New or Start and never change afterwards. The
// lock of a part is called mu and guards the fields that say so; addresses has a second one, own. Lock
// order: relays.mu, sessions.mu, then the mu of dialer, reconnector or events, or addresses.own; a
// gossipStream's mu, then sessions.mu, the mu of reconnector or that of gossip's filter. Nobody holds two
// other locks at once, but for that of absences, which is taken last. Whoever holds topics.mu waits for gossip's loop, so that loop takes none but the mu
// of reconnector, of the filter, and, to end a stream, of a gossipStream. The streams of a session have
// locks of their own, which are taken while sessions.mu is not held. The functions of [Node.OnConnect] and
// [Node.OnDisconnect] run one at a time, in order, without locks.
package p2p
