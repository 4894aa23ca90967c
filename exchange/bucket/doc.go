// Package bucket keeps the digests of a set of products: the supplier's own feed, or a
// partner's replica of it.
//
// Live products fall into catalog.Buckets buckets by their SKU. A bucket's digest covers
// its products in SKU order; the set's digest is the root over all buckets (design:
// Catalogs). [Set] is what is committed, in memory; [Change] tries other buckets in their
// place, says what the set would then be, and gives the rows to store. [SumOne] and
// [SumAll] make digests from product rows, wherever those are kept.
package bucket
