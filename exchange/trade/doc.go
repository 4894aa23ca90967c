// Package trade is partnerships, holds and orders, in both roles of a shop. Its types are
// the parts of that work, each with the fields it owns:
//
//	Partnerships  the terms with every partner, and what an owner does about them
//	Ledgers       entries: as supplier it appends them, as retailer it adopts them
//	Orders        what a ledger's entries make of an order, at either side
//	Supplier      holds, their expiry, and the orders that this shop ships
//	Retailer      reservations and purchases
//	Selling       whether the shop may sell at all
//	sender        when queued requests and entries are sent, and sent again
//
// All changes run in the writer's turn (package writer). What follows a commit is a value
// (effects.go), done by [Trade.Apply].
//
//	parts.go         the types above; tables.go the records they change; effects.go
//	ports.go         what trade asks of the member list
//	holds.go         a hold's request, release and extension, at the supplier
//	expiry.go        what ends by time; ended.go the holds of ended partnerships
//	quarantine.go    what could not end
//	reserve.go       reservations, at the retailer; reservations.go their list;
//	                 pending.go those whose record is not committed yet
//	quote_check.go   a quote against the request and the terms, before an order signs it
//	live.go          what a supplier has available now
//	expiry_notice.go the notices that own reservations have expired
//	purchases.go     orders that this shop places; orders.go those it received, and look-ups
//	submit.go        what the submit of an order does
//	partnerships.go  the terms in memory and as people see them; partner_acts.go the owner's acts
//	ledgers.go       what an entry does, at either side; outbox.go requests not answered yet
//	ledger_ends.go   where each ledger ends, in memory
//	serve.go         the answering side of the trade protocol; ask.go the asking side
//	sender.go        when messages go; sender_messages.go what is in them
//	adopt.go         the retailer's copy of a ledger: checked, countersigned, frozen
//	verify.go        the ledgers in the store, at opening
//	greeting.go      greetings; window.go suppliers' windows
//	cold_start.go    what a shop just opened cannot know of its earlier life
//	selling.go       when a shop that has lost records stops selling
//	quota.go         how much one shop can make this one keep
//	departed.go      what watchers are told of partners that were revoked or left
//
// # Taking a proposal back
//
// A withdrawal is a decline by the proposer, which every version understands. It names the
// entry that carries the proposal. A retailer's proposal has no entry until the supplier has
// entered it. Until then the withdrawal is noted in the partnership's record; the decline is
// queued in the commit that brings the entry (partner_acts.go). A queued request is never
// taken out of the outbox: it may have arrived though its answer did not.
//
// A proposal after a withdrawal replaces the withdrawn one, unless the supplier refuses it.
// Then the decline is queued in the commit that brings the refusal. So a withdrawal covers
// every proposal up to a request number, and is noted apart from the newest request.
//
// A partnership's record has, since when and why this shop is ending it, the reason of an
// entered end, the numbers of the queued request and of the queued end, and the number up to
// which proposals are withdrawn. Records of older versions lack these. Then an end shows
// without its reason, which the entries have. The first answer to a partnership request
// counts as that of the queued one, and the first entry of an end as this shop's end. A
// withdrawal covers what is queued when the record is read.
//
// # An order and its address
//
// A reservation is ordered once, for one address. The signed request has a salted hash of the
// address. The supplier keeps salt and address. The retailer keeps the salt alone, apart from
// the order (key a/), and erases it when the supplier refuses the order.
//
// With the salt, the retailer can compare the address of a repeated order with the first one;
// another address is CodeConflict. Once the salt is erased, every repeat is CodeConflict:
// nobody can compare, and no address is dropped silently. A retailer that has lost its
// records and adopts the order from the ledger has no salt either.
//
// # Losing and finding out
//
// A failed commit, a crash between commit and send, a lost or doubled message and a wrong clock
// change nothing that was promised. Package audit checks the invariants from the stores alone;
// TestSimulation does all of this to four shops. The scripts in testdata/scenarios show it case
// by case; TestScenarios runs them.
//
// A supplier after a rollback stops selling and enters nothing into its ledgers as soon as a
// partner proves the loss ([Selling.Stop]). The proof is a ledger entry, a quote, or a head of
// its catalog. Every sale moves that head, so a partner that pulls the catalog proves a sale to
// another partner too. Package feed says what becomes of the catalog from then on.
//
// After an absence a supplier does nothing by itself in a ledger before the retailer has greeted
// it (cold_start.go). A retailer that has lost records adopts its ledgers and gives its queued
// requests higher numbers (adopt.go, renumber). The ledger of a supplier that signs two
// different entries at one position is frozen as evidence.
//
// One gap stays. A supplier on an old copy of its store sells while the partner with the proof
// is away, if the partners that connect have a catalog as old. Nothing on one machine
// distinguishes a copied folder from the original. The remedy would be to wait for every
// partner at every start, and one absent partner would then stop all sales. What the old copy
// seals until it is stopped is in no other copy: should the newest copy run again, it is
// stopped too, where those records are later than its own end.
package trade
