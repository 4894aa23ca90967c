// Package merkle is the Merkle tree of RFC 6962 §2.1 over lists that are in
// memory: the batches a supplier seals and the 4,096 buckets of a catalog's set
// digest. (The member list, a growing log with consistency proofs, uses
// golang.org/x/mod/sumdb/tlog, which hashes the same way; a test holds the two
// against each other.)
//
// Leaf hash: SHA-256(0x00 ‖ leaf). Node hash: SHA-256(0x01 ‖ left ‖ right), where
// left covers the largest power of two of leaves that is smaller than their
// number. The empty tree's root is SHA-256 of nothing.
package merkle
