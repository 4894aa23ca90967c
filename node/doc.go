// Package node composes a shop: shelf, feed and trade over a store (connected by
// exchange/desk), the member list (exchange/roster, protocol/members), the network
// (protocol/p2p), the catalogs' gossip and pulls, and the local HTTP API (node/api).
//
// [Init] makes a shop's folder, [Join] brings it into a federation with an
// invite, [Open] reads the folder and [Folder.Run] runs the shop until its
// context ends. Underneath, [New] composes a [Shop] from parts without a folder: so tests
// run many shops in one process and in virtual time.
//
// # The folder
//
//	shop.toml         the owner's configuration; see Config
//	key               the shop's Ed25519 key, mode 0600 (package keyfile)
//	invite            an invite that has not been used yet; removed after joining
//	federation.json   whose member list counts, and where the hub is
//	rates             the last rates file, as it was given, or the rate that was stated
//	api.token         the local API's bearer token, mode 0600
//	api.addr          where the API listens while the node runs
//	db/               the synced store: everything that must not be lost
//	replicas/         partners' catalogs and the search index; may be deleted
//	LOCK              held by the process that uses the folder, with its pid
//
// A backup is key, shop.toml, federation.json and db/ of a stopped node. A
// backup older than the last order must not be started beside what partners hold:
// the node compares ledgers with them first and stops selling if it lacks entries.
package node
