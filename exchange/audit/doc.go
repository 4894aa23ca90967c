// Package audit checks shops' books from their stores alone, without the code that keeps
// them: what a shop says it holds, sold and signed must follow from its records, and two
// shops' ledgers must tell the same story. Simulations run it after every step, crash tests
// on the folders that kill -9 left, and an owner, by souk audit, on a suspect one.
//
// [Counts] adds up stock, holds and orders and can run at any moment. [Check] reads
// everything, verifies every signature and replays each ledger through the machines.
// [Compare] compares two shops at any moment, [Healed] two that have had time to
// exchange what they owe each other. [Shop] and [Pair] are the same for tests, with all
// faults as one error.
//
// A [Fault] is a sentence with the place it is about and the rule that it breaks. A
// [Finding] is what an owner should know and what the shop has dealt with: a frozen ledger
// and its evidence, what is in quarantine, why selling has stopped. Damage is never an error
// or a panic: what cannot be read is a fault, and the rest is checked.
//
// Not checked is what can be made again or belongs to other packages: the catalog's feed but
// its head, replicas, addresses, idempotency keys. The member list is package roster's.
//
// It shares nothing with that code but package record, which says what lies under which
// key: counts are added up from holds and orders and compared with the counters, never
// taken from them. The invariants (design: Holds and orders):
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
// Two rules stand beside them: "records", every record is readable and stands under its own
// key, and "ledgers", a ledger has all its entries and the records follow from them.
package audit
