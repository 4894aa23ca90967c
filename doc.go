// Package souk is the root of the Souk module and holds no code. Souk lets
// independent online shops sell each other's products without a platform between
// them: each shop runs one node, and nodes trade directly.
//
// Read the code in this order:
//
//   - exchange: the words everything else is written in, and below it the pure
//     machines of stock, holds, orders, partnerships and the ledger;
//   - exchange/desk: the use cases of a shop, and what they need of a store, a
//     codec, a signer and a network;
//   - protocol and store: how values are written down, sent and kept;
//   - node and hub: how a shop and the member list's keeper are put together;
//   - testnet: a federation on one machine; cmd/souk: the binary.
//
// Imports go one way, from the end of that list to its beginning. The table in
// imports_test.go is the rule and its proof.
package souk
