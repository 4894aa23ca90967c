// Package message is what two shops send, sign and seal: requests and answers of the trade
// protocol, ledger entries, catalog feeds, and greetings. They are native values; package
// protocol turns them into bytes and back, as a [Codec].
//
// # Trade requests
//
// A request or reply on the trade protocol is its [Kind] as an unsigned varint, then the
// encoded value ([Frame], [Unframe]). Hold, release, extend and status requests are
// unsigned, since the connection authenticates; they are answered by a sealed [HoldAnswer],
// and a repeat with the same bytes gets the same answer, byte for byte. Everything that
// enters a ledger is a numbered [Request] signed by the retailer, answered by one sealed
// [Entry] that embeds it, or the supplier's own [Act]. An error instead of a reply is an
// *exchange.Error; any other failure of the network leaves the outcome unknown, and the
// same request is sent again until a signed answer comes.
//
// What is signed or hashed is always the bytes received, never a value encoded again.
package message
