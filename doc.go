// Package souk is the root of the Souk module and holds no code. Souk lets
// independent online shops sell each other's products without a platform between
// them: each shop runs one node, and nodes trade directly.
//
// Read the code in this order:
//
//   - exchange: the words everything else is written in, the map of the core's packages,
//     and the walk of a hold and of a stock change through them;
//   - exchange/hold, order, partnership, ledger, catalog: the pure machines;
//   - exchange/kv, message, record: what the core asks of a store, what two shops send,
//     what a shop keeps; exchange/writer: how it changes;
//   - exchange/shelf, feed, trade, replica: the parts of a shop; exchange/desk opens them;
//   - protocol and store: how values are written down, sent and kept;
//   - node and hub: how a shop and the member list's keeper are put together;
//   - testnet: a federation on one machine; cmd/souk: the binary.
//
// Imports go one way, from the end of that list to its beginning. The table in
// imports_test.go is the rule and its proof.
package souk
