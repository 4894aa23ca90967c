// Package desk is a shop's desk: it opens the parts of a shop, connects them, and runs them.
// What a shop does is in the parts, which the fields of [Desk] name; package exchange has
// the map. The desk has no network, disk or protobuf of its own: its [Config] says what it
// needs of them.
//
// # How the parts are connected
//
//	shelf.Config.Changed   ─► feed.Feed.Changed        a changed product is marked for the catalog
//	trade.Config.Feed      ─► feed.Feed                a greeting has its head; an end rotates its key
//	feed.Config.MayRead    ─► trade.Partnerships       who may pull
//	feed.Config.Selling    ─► trade.Selling            a shop that lost records signs no head
//	writer.Config.Stamp    ─► event.Log, trade.Selling every commit carries its events and the writer's time
//	writer.Config.Apply    ─► the part whose effect it is
//
// Replicas are not among the parts: they lie in a store of their own, follow partners over the
// network, and need nothing of the writer. Package node opens and runs them beside the desk.
//
// [Open] reads the store and verifies the ledgers; it starts nothing. [Desk.Run] runs until
// its context ends; the writer outlives the other goroutines, so that their last operations
// are still committed.
package desk
