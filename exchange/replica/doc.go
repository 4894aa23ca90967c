// Package replica keeps the copies of catalogs that a shop searches: its partners' catalogs
// and its own. The copies live in a store of their own. That store may be lost, because
// every copy can be pulled again.
//
// [Replicas] apply updates and pulls to the copies, and search all of them
// ([Replicas.Search]). A [Follower] keeps the copies close to their feeds: it applies gossip,
// pulls where gossip does not continue a copy, and retries.
//
// # Own products
//
// A search sees every write to the own products that was answered before the search began.
// It reads every figure from the shelf; the copy's index only names candidates:
//
//	set-stock, price, removal, a partner's hold ─► shelf ─────────────► shown, filtered
//	title, category, … of an import ─► shelf ─► feed ─► copy's index ─► names candidates
//	                                     └─► late, while the index lacks it ─┘
//
// Only imports change the words and titles in the index. So an import waits
// ([Follower.CatchUp]) until its products are published and in the copy; holds, counts and
// rates do not wait. The wait fails if the shop has stopped selling, and so publishes
// nothing, or if it takes too long. Then the products are late: a search reads each late
// product from the shelf and merges it with the candidates. After a start, products that
// the feed knows and the copy lacks are late too: a few after a crash, all if the copies are
// lost. A late product costs a search some 20 µs. [Follower.Run] ends lateness by having the
// index catch up.
//
// An index made from the shelf, without feed and copy, would need a record of what the index
// lacks after a crash. The feed's marks and sequence are that record already.
//
// # Rows
//
// Integers are big-endian. A generation is one copy of one feed; its number is never used
// again. So a full pull is written beside the live copy and swapped in by one row, and the
// old copy is removed later.
//
//	m/ shop                          record.Replica: the head proven, the gossip key
//	w/ shop                          live and next generation; see generation
//	n                                next generation number (4)
//	x/ generation(4)                 a copy to be removed
//	i/ generation(4) bucket(2) sku   sequence (8) ‖ record
//	d/ generation(4) group(2)        bucket digests, as in package bucket
//	t/ generation(4) …               the search index; see index.go
//	u/, c/ generation(4) …           when this shop learned of changes; see changes.go
//	v                                version of the rows; see version.go
//
// # Orders
//
// A search by words reads what the index names for them, best first. Any other order is made in
// one of two ways, which agree on the place of every product, so that a cursor continues either:
// where the words name few products, they are read and sorted; else the rows of titles, prices or
// changes are walked over all copies at once, and a page may be short. What can be had first is
// two passes over the usual order, since stock changes all day and has no rows. Counts read up to
// a bound, and say so where there may be more.
//
// # What a replica claims
//
// A generation's At says which changes are applied, and grows in the commit that applies
// them. record.Replica.Head is a head whose digest the live copy equalled when the head was
// written. A pull that is broken off leaves At ahead of the head; the next pull goes on from
// At. A record that does not decode, or breaks catalog.CheckProduct, is kept, because the
// digest covers it, and is never shown.
package replica
