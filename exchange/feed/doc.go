// Package feed is the supplier's own changefeed: what changed becomes numbered, digested,
// signed and served. A partner's copy of it is package replica's.
//
// Every change of a product or its stock leaves a dirty mark in its own transaction
// ([Feed.Changed]). The publisher ([Feed.Run]) drains the marks: it compares what the
// catalog says of a product to what was published last, gives a sequence number to what
// differs, and signs a head. A partner that misses changes pulls them ([Feed.Serve]). Who must
// know that the changes so far are out waits for it ([Feed.Flush]), and hurries nobody.
//
// # Rows
//
// Integers are big-endian. The order of the letters matters: one scan from c/c
// ends at the feed's own row, one from c/f begins with it, so that changes and the
// head they add up to, or the digests and their head, come from one snapshot.
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
// A partner that shows a head which this shop signed and does not have proves the loss:
// the shop stops selling, signs no head from then on and answers no pull. Here the package
// departs from the design (Catalogs), by which a supplier that meets a newer head of its own
// starts another epoch: that head would outrank those of the newest copy of the folder, so
// that the copy, once put back, would itself lack a head. Another epoch begins only where
// the rows of the catalog are not those that the shop's own last head states ([Feed.Open]).
package feed
