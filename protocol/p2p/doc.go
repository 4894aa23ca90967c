// Package p2p is Souk's network: it carries opaque bytes for named protocols
// between the members of one federation. It is the only package that imports
// libp2p, and it knows nothing of what the bytes mean.
//
// A [Node] is one member's host, a shop's or the hub's. [New] checks a
// [Config], [Node.Start] opens the host, [Node.Run] serves until its context
// ends and closes everything in order. On a Node,
//
//   - [Node.Request] asks a member and [Node.Handle] answers: many requests in
//     flight over a few long-lived streams;
//   - [Node.OpenStream] and [Node.HandleStream] move bulk data;
//   - [Node.Topic] publishes to and hears from everybody who subscribes (gossip:
//     a hint that may be lost, never the truth);
//   - [Node.Dial] reaches a member by its ID alone; [Node.SetWanted] keeps
//     connections to partners.
//
// [ServeOpen] and [Ask] are the one door for those who are not members yet: the
// hub's join service and its client. Package p2psim runs Nodes in virtual time.
//
// # Who may connect
//
// Membership is closed. A [Directory] says who is a member; the hubs named in
// the configuration are trusted besides. Nobody else completes a handshake
// (ConnectionGater), and every stream handler and topic validator asks again,
// so that a connection which a revocation has not reached yet is of no use.
// [Node.Disconnect] and [Node.Recheck] cut connections that exist.
//
// A libp2p dialer does not notice that the other side's gater refused it. So
// connected means: a hello was exchanged. Until then no stream of any protocol
// is served (identify and ping excepted, which libp2p answers itself and which
// tell a member nothing secret); one that arrives early waits for the hello, at
// most [HelloTimeout].
//
// A hub's AutoNAT probes come from a key of their own, which no gater admits. The
// first version of AutoNAT only looks whether the handshake succeeds and so works
// all the same; the second also wants a stream, so that its probes of shops end
// without a result. A shop takes itself for reachable or not by the first.
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
//	kind 3 error     id of the request; payload = uvarint exchange.Code ‖ UTF-8 text
//	kind 4 data      id 0; a piece of a bulk stream
//	kind 5 hello     id 0; see below
//
// A length above the stream's limit ends the stream before a byte of the body
// is read. Any other kind, or one that does not belong on the stream, ends it
// too. On a request stream only the side that opened it sends requests; replies
// come in any order. An error frame is the partner's answer ([IsAnswer] reports
// true): everything else that goes wrong with a request leaves its outcome
// unknown, and the caller asks again with the same id of its own.
//
// On a bulk stream each side sends data frames and half-closes when done; an
// error frame ends it with a reason.
//
// # Hello
//
// The side that dialed opens /souk/<federation>/hello/1 and sends one hello
// frame; the other answers with its own, or with an error frame and closes the
// connection. Either side may do so again later to tell news ([Node.Rehello]).
//
//	hello payload = uvarint n ‖ header (n bytes) ‖ application's bytes
//	header        = uvarint count ‖ count × uvarint version      ascending, ≤ 16
//	                ‖ incarnation (8 bytes)
//	                ‖ uvarint m ‖ signed peer record (m bytes)   libp2p RFC 0003, may be empty
//	                ‖ bytes of later versions, ignored
//
// The two sides go by the highest version both name; without one the hello is
// refused with exchange.CodeVersion. The incarnation is drawn at each start: a
// new one tells that the partner's process restarted, so that what is left of
// the old connections is closed at once instead of timing out. The signed
// record carries the sender's addresses.
//
// # Who owns what
//
// A Node is composed of parts, one for each subject, and each part owns its fields:
//
//	gate         who is a member, and who is not to be dialed for a while
//	sessions     the connected peers; a session is all that is shared with one of them
//	greeter      hellos, said and heard
//	addresses    own addresses, and those of members
//	dialer       ways to a member: address book, DHT, relay
//	reconnector  who is to stay connected, one goroutine for each
//	streams      opens streams, and admits those of members who said hello
//	requests     request protocols, both sides
//	bulk         protocols of bulk streams, both sides
//	topics       gossip
//	events       who came and went, told to the application by one goroutine
//
// The lock of a part is called mu and guards the fields that say so. sessions.mu may
// be held while the lock of dialer, reconnector or events is taken, never the other
// way round; of the others nobody holds two. topics.mu is held while gossip's own loop
// is waited for, so that loop takes no lock but the filter's. A session's streams have
// locks of their own, which are taken while sessions.mu is not held. Callbacks of
// [Node.OnConnect] and [Node.OnDisconnect] run one at a time, in order, without locks.
package p2p
