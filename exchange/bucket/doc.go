// Package bucket keeps the digests of a set of products: of a supplier's own feed, or of a
// partner's replica of the feed.
//
// Live products fall into catalog.Buckets buckets by their SKU. A bucket's digest covers the
// bucket's products in SKU order; the set's digest is the root over all buckets (design:
// Catalogs). A [Set] is the committed digests, in memory. A [Change] replaces some buckets
// of a set: it says what the set will be, and gives the rows to store. [SumOne] and [SumAll]
// digest the product rows of a feed or of a replica.
package bucket
