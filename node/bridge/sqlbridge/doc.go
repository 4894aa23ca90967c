// Package sqlbridge is a stock bridge into a shop's own PostgreSQL database, version 13 or later:
// for a system whose own checkout takes units by one column of one table.
//
//	tables.go     which table and columns; the two tables that are added, and their schema
//	sqlbridge.go  the connection and the calls; errors.go what an error tells
//	work.go       the transactions of hold, commit and release
//	reading.go    changes and open asks
//
// # Transactions
//
// Each ask, reference or part is a transaction of its own, so that one bad ask does not undo the
// others. It writes the row of the ID first: of two calls about one ID the second waits for the
// first and then sees what it did; a call that is killed before its COMMIT did nothing, and is
// repeated. Then it locks the stock rows, in the order of their keys, so that no two calls wait for
// each other. The own checkout takes units by
//
//	UPDATE stock SET free = free - 1 WHERE sku = 'LAMP-1' AND free >= 1
//
// and needs to know nothing of holds: what is held is not free. Sessions set synchronous_commit,
// whatever the database's default is: an answer is durable.
//
// # Changes
//
// A trigger notes with which transaction each stock row changed last. Numbers of a sequence would
// not do: they do not commit in their order. A cursor has the oldest transaction that was open when
// the reading began (pg_snapshot_xmin): what it finished is read, what was open is read again. It
// also has the cluster and its timeline, so that a restored or promoted database is a gap.
package sqlbridge
