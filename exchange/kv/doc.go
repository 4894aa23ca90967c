// Package kv is what the core asks of a place to keep its state: ordered keys, opaque
// values, one atomic and durable commit.
//
// [Store] is the contract; package store implements it over Badger, and package
// store/storetest pins it, so that another database can take Badger's place. The packages
// above make keys with [Key] and [Uint64] and read ranges with [Rows]. Which record lies
// under which key says package record; the catalog's rows are described by the packages
// feed and replica, the member list's by roster.
package kv
