// Package exchange is Souk's vocabulary: the nouns that every other package
// speaks in. Read it first.
//
// A [ShopID] names a member shop, a [SKU] one of its products, a [ProductID]
// both. [Money] is an amount in minor units of an ISO 4217 currency; [Rate]
// turns it into US cents. [Terms] are what a supplier and a retailer agreed
// on; [Lines] are what a hold asks for; a [Quote] is the supplier's priced answer to a hold; an [Error] is a
// refusal or fault whose [Code] survives the wire and a restart.
//
// The package has no clock, randomness, protobuf, network or disk: it imports
// the standard library only. Its subpackages follow the same rule.
// The pure machines ([github.com/souk-market/souk/exchange/partnership],
// reservation, order, ledger, catalog) each take a state, an event and the time and
// return the next state; they never import each other. The use cases that tie them to
// a store and a network are in exchange/desk.
//
// All times are [Time]: milliseconds since the Unix epoch, as they stand in
// signed records. Values of this package are plain data, safe to copy unless a
// field is a slice, in which case the owner of the value owns the slice.
package exchange
