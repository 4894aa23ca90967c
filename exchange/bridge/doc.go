// Package bridge says what a node asks of a shop's own system where that system must stay the
// authority over the stock: before an answer to a hold is sealed, and before an order is accepted.
//
//	bridge.go   the interface and its words
//	answers.go  whether answers are one for each ID
//
// The words are the core's; exchange/trade asks. The ways to a system are in node/bridge: over HTTP,
// and in the system's own SQL database.
package bridge
