// Package audit checks shops' books by their stores alone, without the code that keeps the
// books. What a shop says it holds, sold and signed must follow from its records, and two
// shops' ledgers must be equal. Simulations run the checks after every step, crash tests on
// the folders that kill -9 left, and an owner, by souk audit, on a suspect folder.
//
// [Counts] adds up stock, holds and orders and can run at any moment. [Check] reads
// everything, verifies every signature and replays each ledger through the machines.
// [Compare] compares two shops at any moment; [Healed] compares two shops that have had time
// to exchange what they owe each other. [Shop] is Check, and [Pair] is Compare, for tests:
// they return all faults as one error. Counts, Healed, Shop and Pair are called by tests
// only: they are the oracle of the
// simulation and of the crash tests. An owner's audit is Check and Compare.
//
// A [Fault] is a sentence with its place and the rule that is broken. A [Finding] is what an
// owner should know and the shop has dealt with: a frozen ledger and its evidence, what is in
// quarantine, why selling has stopped. Damage is never an error or a panic: a record that
// cannot be read is a fault, and the check goes on.
//
// The checks leave out what can be made again, or what other packages check: the catalog's
// feed but its head, replicas, addresses, idempotency keys, and the member list.
//
// The package shares package record and the machines with the code that keeps the books, and
// nothing else. It adds counts up from holds and orders and compares the sums with the
// counters. The invariants (design: Holds and orders):
//
//	I1  Counts   available + held + sold = stocked − missing + deficit, none negative;
//	             of stock without a limit, none negative
//	I2  Shop     one entry for each request number; Pair: and one content
//	I3  Healed   both shops hold the same set of orders
//	I4  Pair     what a partner was answered is in the store
//	I5  Pair     one ledger is a prefix of the other; Healed: equal
//	I6  Shop     a hold is committed if and only if there is one order of it, or one own sale
//	I7  Shop     an order's price is that of the sealed quote
//	I8  Shop     signatures verify by the member list
//	I9  Healed   no request is unanswered
//
// Three rules stand beside them: "records", every record is readable and stands under its own
// key; "ledgers", a ledger has all its entries and the records follow from them; and "baskets", a
// basket is what its parts' reservations and orders are, and nothing is held that it does not keep.
package audit
