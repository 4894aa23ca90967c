// Package catalog is the rules of a catalog feed: how a supplier's set of
// products becomes one digest, which of two heads wins, what a replica does with
// what it is offered, and how product texts become search tokens. It is pure:
// values in, values out; package feed keeps a supplier's
// rows and serves them, package replica a partner's copy.
//
// # The feed
//
// A supplier writes one feed. Every change of a product takes the next sequence
// number, from 1; a product keeps only its latest change, so a feed of n live
// products holds n changes and the tombstones of removed ones. Tombstones are kept
// for the latest [MaxTombstones] removals. Dropping one raises the feed's floor to
// its sequence: a replica that stands below the floor may have missed a removal
// and takes the whole set again.
//
// A feed's sequence numbers belong to an epoch. A supplier that finds rows
// of its feed lost cannot know which numbers it has already used and starts another
// epoch: max(unix milliseconds, highest seen + 1). Heads compare by
// (epoch, sequence); the greater wins, an equal one must be the same.
//
// # The set digest
//
// A head states the digest of the set of live products, so that a replica can
// prove itself equal.
//
//	bucket(SKU)   = the first 12 bits of SHA-256(SKU): 0 … 4,095
//	row           = uint16 len(SKU) ‖ SKU ‖ uint64 sequence ‖ SHA-256(record)
//	bucket digest = SHA-256(row ‖ row ‖ …), rows in ascending byte order of their SKUs;
//	                SHA-256 of nothing for an empty bucket
//	set digest    = RFC 6962 root over 4,096 leaves, leaf i being the 32 bytes of
//	                bucket digest i: SHA-256(0x00 ‖ digest); node SHA-256(0x01 ‖ left ‖ right)
//
// Integers are big-endian. A record is the exact bytes that the supplier encoded;
// nobody encodes them again. 4,096 buckets keep a bucket of a million products at
// 244 rows: a change costs one bucket's rows and 13 hashes of the tree, and two
// sets that differ are compared by the digests of all buckets.
//
// # What a replica does
//
// [Decide] is the whole rule for a head, with or without changes beside it.
// Gossip is a hint: a replica applies changes that continue its own state, pulls
// what it lacks otherwise, and believes nothing until its own digest equals the
// signed one.
//
// # Search
//
// [Tokens] folds a product's texts into tokens with weights, [Score] ranks a
// product by them. Package replica has the index of them.
package catalog
