// Package audit checks shops' books from their stores alone, without the code that keeps
// them: what
// a shop says it holds, sold and signed must follow from its records, and two shops'
// ledgers must tell the same story. Simulations run it after every step, crash tests
// on the folders that kill -9 left, and an owner on a copy of a suspect one.
//
// [Counts] adds up stock, holds and orders and can run at any moment. [Shop] reads
// everything, verifies every signature and replays each ledger through the machines.
// [Pair] compares two shops at any moment, [Healed] two that have had time to
// exchange what they owe each other.
//
// It shares nothing with that code but package record, which says what lies under which
// key: counts are added up from holds and orders and compared with the counters, never
// taken from them. The invariants
// (design: Holds and orders):
//
//	I1  Counts   available + held + sold = stocked + shortfall, none negative
//	I2  Shop     one entry for each request number; Pair: and one content
//	I3  Healed   both shops hold the same set of orders
//	I4  Pair     what a partner was answered is in the store
//	I5  Pair     one ledger is a prefix of the other; Healed: equal
//	I6  Shop     a hold is committed if and only if there is one order of it
//	I7  Shop     an order's price is that of the sealed quote
//	I8  Shop     signatures verify by the member list
//	I9  Healed   no request is unanswered
//
// Every function returns all faults it finds, joined, or nil.
package audit
