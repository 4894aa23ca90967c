// Package replica keeps the copies of catalogs that a shop searches: its partners' and, by
// the same way, its own. The copies live in a store of their own, which may be lost: a
// replica is pulled again.
//
// [Replicas] are the copies: what an update or a pull makes of them, and search over all
// ([Replicas.Search]). [Follower] keeps them close to their feeds: it applies gossip, pulls
// where gossip does not continue what is there, and tries again.
//
// # Own products
//
// A read after a write sees it: whatever was answered before a search began is in what it
// finds of the own products. Every figure comes from where it is written; the copy only
// says where to look:
//
//	set-stock, price, removal, a partner's hold ─► shelf ─────────────► shown, filtered
//	title, category, … of an import ─► shelf ─► feed ─► copy's index ─► names candidates
//	                                     └─► late, while the index lacks it ─┘
//
// The words and titles that the index goes by change with imports alone. So an import waits
// ([Follower.CatchUp]) until they are published and in the copy; holds, counts and rates wait
// for nothing. Where the wait fails, for the shop has stopped selling and publishes nothing, or
// for it takes too long, the products are late: searches read them from the shelf, one by one,
// and put them between what the index names. So are, after a start, those that the feed
// knows and the copy lacks: a few after a crash, all where the copies are lost. Late
// products cost a search some 20 µs each; [Follower.Run] has the index catch up with them.
//
// An index made from the shelf without feed and copy would need a record of its own of what
// it lacks after a crash. The feed's marks and sequence are that record already.
//
// # Rows
//
// Integers are big-endian. A generation is one copy of one feed; its number is
// never used again, so that a full pull is written beside the live copy, swapped in
// by one row, and the old copy removed at leisure.
//
//	m/ shop                          record.Replica: the head proven, the gossip key
//	w/ shop                          live and next generation; see generation
//	n                                next generation number (4)
//	x/ generation(4)                 to be removed
//	i/ generation(4) bucket(2) sku   sequence (8) ‖ record
//	d/ generation(4) group(2)        bucket digests, as in package bucket
//	t/ generation(4) …               the search index; see index.go
//
// # What a replica claims
//
// A generation's At says which changes are applied, and grows in the commit that
// applies them. record.Replica.Head is a head whose digest the live copy equalled when
// it was written. A pull that is broken off leaves At ahead of the head, and goes
// on from At. A record that does not decode, or says what no product may, is kept,
// because the digest covers it, and shown to nobody.
package replica
