// Package protocol is how Souk's values travel and rest: the schema, the names of
// protocols, every limit on messages, seals and signatures, and the encryption of
// catalog gossip. It implements the ports Codec, Signer and Verifier of package
// message; libp2p is package p2p below it.
//
//	ids.go         names of protocols and topics
//	limits.go      every limit, with its arithmetic
//	codec.go       Codec: a table of all kinds; codec_*.go convert, check*.go hold the rules
//	statement.go   the bytes that are signed; signer.go, verifier.go, seal.go
//	feedbox.go     encryption of a feed's gossip
//	pb/            the schema and its generated code; .ci/generate makes it
//
// # Values
//
// A value is a protobuf message of pb/*.proto, one for each message.Kind. Who holds the
// bytes knows the kind from their place (the store key, the protocol, the field, the
// uvarint before a trade request), with one exception: the payload of a seal is a
// Leaf, whose field number says whether it is a hold answer or a ledger entry, since
// one signature covers both.
//
// Native types are those of packages exchange, message and record; generated types stop at
// this package. In the
// schema a shop is 32 bytes, a hash 32, a hold or order 16, a time milliseconds since
// 1970, a duration milliseconds; a field of fixed size that is absent is all zeros, and any
// other length is an error. Codes and states are numbers whose list only grows.
//
// Signed and hashed bytes are those that were sent: they are stored and passed on as
// received, never encoded again, so that fields a reader does not know yet survive in
// them and no two encoders need to agree.
//
// # How the schema changes
//
// Fields are added, never renamed, renumbered or given a new meaning; a reader skips
// fields it does not know. Every stored record is versioned by this rule alone: an older
// record lacks the newer fields, which then have their zero value, and zero must mean
// what was true before the field was there. What must not be skipped by an older
// reader (a new act, a new kind of leaf) is a new member of a oneof, which the older
// reader refuses as CodeInvalid; or the writer knows what its reader reads, as a supplier
// does by a hold's newest format of quotes ([exchange.QuoteFormat]). Numbers are reserved in
// the schema for key rotation, recovery, federation, returns and settlement. A change that
// these rules do not allow is a new protocol version (see [Version]). .ci/generate checks a
// schema against pb/baseline.binpb, the image of the last released one.
//
// # Signatures
//
// All signatures are Ed25519 (RFC 8032) over a statement:
//
//	domain        ASCII, 1–32 printable characters without space
//	0x0A
//	len(origin)   1 byte
//	origin        1–255 bytes: the federation, as the member list names it
//	shop          32 bytes: ShopID of the signer
//	hash          32 bytes: SHA-256 of the payload
//
// The domain keeps a signature for one purpose from serving another, the origin from
// serving in another federation, and the ShopID ties it to the member even when its key
// is rotated. Domains: souk/batch/1 (seals), souk/request/1, souk/head/1, souk/feed/1.
// The first can be made only by [Signer.Seal] and accepted only by [Verifier.Open].
//
// # Seals
//
// A batch of n payloads becomes n leaves, 16 random bytes ‖ payload, of one RFC 6962
// tree (package exchange/merkle). Its root is signed once, under souk/batch/1, over the
// payload root (32 bytes) ‖ n (8 bytes, big-endian). Each leaf travels as message Sealed:
// the leaf, its index, n, the audit path from the leaf upwards (32 bytes a node), and
// the signature. A leaf therefore proves itself alone, and the random bytes hide its
// neighbours in the path from who guesses at them. A verifier checks one signature a
// batch and remembers it by (shop, key, root, n, signature); whether the shop is
// a member is asked for every leaf.
//
// # Encryption of catalog gossip
//
// A gossip message of a feed is
//
//	key id        8 bytes, in the clear: which of the feed's keys
//	nonce         24 bytes, random
//	ciphertext    XChaCha20-Poly1305 of an encoded FeedUpdate, with its 16-byte tag
//
// with associated data
//
//	"souk/feedbox/1" 0x0A len(origin) origin shop len(feed) feed key-id
//
// lengths being one byte. The head inside is signed, so that partners, who all have
// the key, cannot speak for the supplier.
//
// # Errors
//
// A protocol that cannot answer sends an error frame, which is no message of this
// schema: package p2p lays it out, beside the frames of answers. Refusals that are
// signed or stored are codes in messages; of those, too, a number that the reader does
// not know tells whether to retry ([exchange.RetryBit]).
package protocol
