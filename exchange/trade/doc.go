// Package trade is partnerships, holds and orders, in both roles of a shop. Its types are
// the parts of that work, each with the fields it owns:
//
//	Partnerships  the terms with every partner, and what an owner does about them
//	Ledgers       the chains of entries: as supplier appended, as retailer followed
//	Orders        what a ledger's entries make of an order, at either side
//	Supplier      holds and what becomes of them by time; the orders that this shop ships
//	Retailer      reservations, and the orders that this shop places
//	Selling       whether the shop may sell at all
//	sender        when queued requests and entries are sent, and sent again
//
// All changes run in the writer's turn (package writer). What follows a commit is a value
// (effects.go), done by [Trade.Apply].
//
//	holds.go         a hold's request, release and extension, as the shop that ships
//	expiry.go        what ends by itself; ended.go the holds of ended partnerships
//	quarantine.go    what could not end
//	reserve.go       reservations, as the shop that sells; reservations.go their list;
//	                 pending.go those whose record is not durable yet
//	quote_check.go   a quote against the request and the terms, before it is believed
//	expiry_notice.go when own reservations are told to be over
//	purchases.go     orders that this shop places; orders.go those it received, and look-ups
//	submit.go        what a submitted order does
//	ledgers.go       what an entry does, at either side; outbox.go requests not answered yet
//	serve.go         the answering side of the trade protocol; ask.go the asking side
//	adopt.go         the retailer's copy of a ledger: checked, countersigned, frozen
//	verify.go        the ledgers in the store, at opening
//	greeting.go      what two shops tell first; window.go the days of which holds are taken
//	cold_start.go    what a shop just opened cannot know of its earlier life
//	quota.go         how much one shop can make this one keep
//	departed.go      partners that were revoked or left
//
// # Taking a proposal back
//
// A withdrawal is a decline by the proposer, which every version understands. It names the
// entry that carries the proposal. A retailer's proposal has none until the supplier has
// entered it; until then the withdrawal is noted in the partnership's record, and the
// decline is queued in the commit that brings the entry (partner_acts.go). Nothing numbered
// is ever unsaid: the request may have arrived though its answer did not. What is proposed
// after a withdrawal replaces what was taken back, unless the supplier refuses it: then the
// decline is queued in the commit that brings the refusal. So a withdrawal covers every
// proposal up to a request number, and is noted apart from the newest request.
//
// A partnership's record says since when and why this shop is ending it, what was said with
// an end that is entered, the numbers of the request and of the end that are queued, and up
// to which number proposals are taken back. Records of older versions lack these: their
// ends show without a reason (the entries have it), the first answer to a partnership
// request is taken for that of the queued one, the first entry of an end releases this shop
// from it, and a withdrawal covers what is queued when they are read.
//
// # An order and its address
//
// A reservation is ordered once, for one address. The signed request holds a salted
// hash of it; the supplier keeps salt and address, the retailer keeps the salt alone,
// apart from the order (key a/), and erases it when the supplier refuses the order. So
// an order that is placed again can be told from one for another address, which is
// CodeConflict, at any time until the address is erased, and from then on every
// repeat is: nobody can tell, and no address is dropped silently. A retailer that has
// lost its records and adopts the order from the ledger has no salt either.
//
// # Losing and finding out
//
// A failed commit, a crash between commit and send, a lost or doubled message and
// a wrong clock change nothing that was promised: package audit checks the invariants
// from the stores alone, and TestSimulation does all of that to four shops. The scripts in
// testdata/scenarios tell it case by case; TestScenarios runs them. A supplier
// whose store has lost records stops selling and enters nothing into its ledgers as
// soon as a partner proves it ([Selling.Stop]): by a ledger entry or a quote, or by
// a head of its catalog, which every sale moves, so that a partner who connects and pulls
// proves a sale to another one too. Package
// feed says what it does with its catalog from then on.
//
// After an absence a supplier does nothing by itself in a ledger before that retailer has
// greeted it (cold_start.go). A retailer that has lost records adopts its ledgers and moves
// what it had queued up behind them (adopt.go, renumber). A supplier that signs two
// histories is frozen as evidence.
//
// One thing stays open: a supplier on an old copy sells to a partner who comes first and
// whose copy of the catalog is as old, while the one with the proof is away. Nothing on
// one machine tells a copied folder from the original, which leaves only to wait for
// every partner at every start, and one partner's absence would then stop all trade.
// What such a copy seals and signs until it is stopped is in no other copy either: where
// that is later than the end of the newest one, that one stops too.
package trade
