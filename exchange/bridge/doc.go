// Package bridge says what a node asks of a shop's own system where that system must stay the
// authority over the stock: before an answer to a hold is sealed, and before an order is accepted.
//
// The words are the core's; exchange/trade asks, and node/bridge has the ways to a system: over
// HTTP, and in the system's own SQL database.
package bridge
