// Package feed is the supplier's own changefeed: it numbers, digests, signs and serves the
// changes of the catalog. Package replica keeps the partners' copies.
//
// Every change of a product or its stock leaves a dirty mark in its own transaction
// ([Feed.Changed]). The publisher ([Feed.Run]) drains the marks: it compares what the
// catalog says of a product to what was published last, gives a sequence number to what
// differs, and signs a head. A partner that misses changes pulls them ([Feed.Serve]). A caller
// that must know that all changes so far are published waits in [Feed.Flush], which does not
// make the publisher faster.
//
// # Rows
//
// Integers are big-endian. The order of the letters matters, because a scan is one snapshot.
// A scan from c/c to c/f reads changes and then the head that they add up to; a scan from
// c/f to c/g reads a head and then its bucket digests.
//
//	d/ bucket(2) sku     dirty mark; in bucket order, as they are drained
//	c/c/ sequence(8)     a change: len(SKU) (2) ‖ SKU ‖ record; no record = tombstone
//	c/f                  record.Feed
//	c/g/ group(2)        16 buckets: digest (32) ‖ live products (4) each
//	c/i/ bucket(2) sku   sequence (8) ‖ SHA-256(record) (32); a tombstone has no hash
//	c/t/ sequence(8)     a tombstone's SKU
//
// # A shop that has lost records
//
// A partner may show a head that this shop signed and does not have. That proves the loss:
// the shop stops selling, signs no more heads and answers no pull. Here the package departs
// from the design (Catalogs), by which such a supplier starts another epoch. The head of
// another epoch would outrank the heads in the newest copy of the folder; that copy, once
// put back, would itself lack a head. Another epoch begins only when the rows of the catalog
// are not those that the shop's own last head states ([Feed.Open]).
package feed
