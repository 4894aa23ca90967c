// Package trade is partnerships, holds and orders, in both roles of a shop. Its types are
// the parts of that work, each with the fields it owns:
//
//	Partnerships  the terms with every partner, and what an owner does about them
//	Ledgers       entries: as supplier it appends them, as retailer it adopts them
//	Orders        what a ledger's entries make of an order, at either side
//	Supplier      holds, their expiry, and the orders that this shop ships
//	Retailer      reservations and purchases
//	OwnSales      reservations and sales of the shop's own channels
//	Baskets       reservations at several shops that are held, ordered and given back as one
//	Selling       whether the shop may sell at all
//	Bridged       what the shop's own system is asked and told, where that has the authority
//	sender        when queued requests and entries are sent, and sent again
//	asker         what a supplier is asked about a reservation, until it has answered
//
// All changes run in the writer's turn (package writer). What follows a commit is a value
// (effects.go), done by [Trade.Apply].
//
//	parts.go         the types above; tables.go the records they change; effects.go
//	ports.go         what trade asks of the member list
//	holds.go         a hold's request, release and extension, at the supplier
//	holdings.go      what partners' holds and own reservations have in common
//	own_holds.go     own reservations; own_sales.go what they become; own_list.go lists of both
//	bridged.go       the shop's side of its bridge; bridged_asks.go a hold's three steps;
//	                 bridged_calls.go the calls; bridged_outbox.go commits and releases;
//	                 bridged_compare.go what is open there and here, and what is free there;
//	                 own_bridged.go the own channels
//	expiry.go        what ends by time; ended.go the holds of ended partnerships
//	quarantine.go    what could not end
//	reserve.go       reservations, at the retailer; wish.go which one a caller asks for; change.go
//	                 releases and extensions; reservations.go their list; pending.go those whose
//	                 record is not committed yet
//	asker.go         reservations about which the supplier owes an answer; asker_messages.go what
//	                 it is asked, and the answers; callers.go callers that leave and come back
//	baskets.go       baskets: how they are held; baskets_acts.go what is done with one that is held;
//	                 baskets_turn.go how a basket follows its parts; baskets_resume.go after a crash;
//	                 baskets_calls.go the calls about them; baskets_view.go lists and refunds
//	overdue.go       what the log says of requests that stay unanswered
//	lost_request.go  the repeat of a request whose record a crash has lost
//	quote_check.go   a quote against the request and the terms, before an order signs it
//	live.go          what a supplier has available now
//	recall.go        a supplier ends the holds of a product, and tells their retailers
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
//	quota.go         how much one shop can make this one keep; released.go tombstones beyond that
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
// # How long a hold lives
//
// The terms bound a hold's life from issue to expiry, extensions included. A request without a
// lifetime (message.Hold.Lifetime 0) asks for all of it, and such a hold can never be extended.
// What 0 means is not changed, because signed terms and partners of the version before go by it.
// So the retailer chooses: where its owner says nothing it asks for half of the terms' lifetime
// ([exchange.Terms.DefaultHold]), and the hold can be extended once by as much. A supplier of
// any version answers that as it answers every lifetime within the terms. A repeat asks for the
// lifetime of the first request, which the reservation's record has: the supplier compares the
// two byte for byte. Where a crash lost that record and the terms or the version have changed
// since, the supplier refuses the repeat as another request (CodeConflict). Then the retailer asks
// for the hold that has the id, and takes it for the one that was asked for if its quote has the
// same lines, country and limit, and adds up under the terms of its version, which the ledger has
// (lost_request.go). A hold that has ended, or whose last extension was refused, stays a
// conflict; nothing is held twice.
//
// # Own channels
//
// A reservation of the shop's own channels is a hold whose retailer is the shop itself: under the
// same key, in the same index, through the same machine, stock and expiry. There is no network,
// no terms, ledger or seal, nothing is kept back from it and no share bounds it. Its record has
// the quote, at list price without shipping. A sale is a record of its own (record.OwnSale) with
// the machine of orders, in which it is accepted from its beginning.
//
// A payment may come after the reservation has expired. The hold stays expired, for a hold ends
// once; the sale takes units anew in its own commit, at the price that was quoted, and says that
// it was late. Sales of lines have no hold at all: they hold and commit in one step.
//
// What leaves with an own sale is taken off both sold and stocked, so that its record can go
// without an audit missing it. The stock record counts such units (record.Stock.Left), because
// figures of files take off what was ever sold, also where the journal does not reach back.
//
// What comes back goes onto the shelf with a movement that names the sale. It is refused where
// the next figure of the shop's own system would bring it again (design: SHELF, A5).
//
// # A bridge
//
// Where the shop has a bridge (package bridge), all of its products are its system's: for each hold
// the system is asked, and its own counts are a copy for the catalog, which refuses nothing. What the
// copy lacks is no shortfall. What is kept back bounds the catalog alone, and a partner's share what
// is asked for: how much a partner holds only this shop knows.
//
//  1. the writer checks all but the stock and places the hold ASKED, with a deadline of 2 s
//  2. a call outside the writer asks for up to 100 holds, four calls at once
//  3. the writer makes it HELD, or REFUSED, and seals the answer
//
// A repeat of the request meanwhile waits for the same answer, and nobody is ever told ASKED. Where
// the answer is unknown (an error, no answer by the deadline, an answer that is not one for each id,
// a crash), the hold is REFUSED, and a release is stored in the same commit: a system that has set
// something aside gives it back, and one that the ask reaches later refuses it. A release, a recall
// or the partnership's end that comes meanwhile does the same. At a start, whatever is ASKED is
// refused so.
//
// Commits and releases are rows of the commit that they tell of. They are sent in order of one id
// until they are answered. An order is accepted in the commit that notes the yes, or by its owner
// after it; a no rejects it, is an event and gives back. Parts of one id are numbered, for what is
// cancelled is told once. The system knows a hold by its id alone, so two retailers cannot have a
// hold of one id.
//
// Five calls that fail in a row, or one that says that the bridge is set up wrongly, stop the asking
// until a trial is answered. After ten seconds of that the catalog says that nothing is available.
//
// Every ten minutes the asks that are open there are compared with those here. What has ended here
// is given back, what is ordered here is committed again, and what is held here and unknown there is
// asked for again; a no to that is an alarm, for the retailer has a sealed answer. An order there
// that this shop does not know is its owner's to see to.
//
// Own channels ask the system too, for it is the authority for them as for partners. A sale is
// recorded once its commit was answered yes, while its caller waits; a sale of lines reserves first.
// A reservation that has expired is reserved anew, not sold late: its id has been given back.
// Returns and movements change the copy alone, so tell them to the system.
//
// Holds and orders of before the bridge was set up are not the system's: it was never asked for them.
//
// # Baskets
//
// A part of a basket is a reservation as any other, at a supplier or of the own shelf: no supplier
// knows of baskets. Whatever sets the record of a reservation, an own hold or an order tells the basket
// that it is a part of, found in memory, in the same commit; so the two never disagree, and a hold
// without a basket costs what it did. What is open is bounded (maxOpenParts), and read from the
// records of baskets at a start.
//
// The ids of a basket and of its parts' holds follow from the caller's secret, each by a hash of its
// own: no supplier can tell what lies in a basket elsewhere. A hold's id has its supplier's window, so
// it is found as that of a reservation with a key is.
//
// The intent (HOLDING, with the own hold) is committed while the suppliers are asked. That all have
// answered is not committed before the caller is told: the parts' records are pending then, and the
// basket follows behind. So a process may die when its caller knows that the basket is held and the
// store does not. The next one asks the suppliers about the holds of a basket that it finds HOLDING, and
// gives nothing back before one of them says that it has no such hold. A part whose request is noted
// (callers.go) was not answered within 0.2 s: the asker keeps it for ReturnTime, as it keeps others, and
// the basket ends with it unless its caller comes back. A process that dies before the intent is
// durable leaves holds that expire, or that a repeat finds.
//
// A no to a basket of all or none has no consequences before every supplier has answered, or a second
// has passed, or the caller leaves: each line that is short is told. Then what may be held is given back
// by the asker: a release, until it is answered, which leaves a tombstone where the request has not
// arrived. That holds for whatever is not surely unplaced: silence, a supplier that could not write,
// and refusals that a second copy of the request might not meet (found by TestBasketSimulation). Surely
// unplaced is only what was never sent, and what a supplier can never place.
//
// Orders are one commit, so MaxLines of package basket bounds what they may add to it. A part is not
// ordered by itself before: free.
//
// # The format of a quote
//
// A hold's request says the newest format that the retailer reads, and a supplier may answer in an
// older one: a version before format 2 knows no other. Nothing that a shop says of itself in a
// hello tells which formats it makes (its agent is a text for people, and protocol and greeting
// are those of every version), so a retailer takes format 1 from any supplier. Such a quote is
// checked by its own arithmetic and the same terms. It can differ from format 2 by what rounding
// each unit instead of the line comes to, it has no snapshots of the products, and the retailer
// sees its total before it orders.
//
// # An answer that nobody asked for
//
// A supplier may say unasked that it has released a hold (recall.go), and nothing else: such an
// answer names no request, has a reason and no quote. It makes a reservation that is held, or not
// answered yet, released; one that is ordered waits for its ledger. In every refusal, asked for or
// not, the reservation keeps the quote that it had, and short lines are noted as far as they were
// asked for.
//
// # An order and its address
//
// A reservation is ordered once, for one address, under one reference. The signed request has a
// salted hash of address, reference and note (exchange.Delivery). Both shops keep them and the salt,
// apart from the order (key a/); the retailer erases them when the supplier refuses the order,
// and each shop when Policy.KeepAddresses says so (erase.go).
//
// With the salt, the retailer can compare the delivery of a repeated order with the first one;
// another is CodeConflict. Once it is erased, every repeat is CodeConflict: nobody can compare,
// and no address is dropped silently. A retailer that has lost its records and adopts the order
// from the ledger has none either.
//
// # When the answer is lost
//
// A time-out is "unknown", never "failed": whatever a supplier was asked, it is asked until it has
// answered. A caller that waits gets the answer: ask.go sends the same bytes again after 1, 2, 4, 8 …
// seconds, and at once when the supplier greets. Where the caller leaves first, the asker goes on
// (asker.go), also after a restart: the reservation's record says what is owed.
//
//	hold       asked again, the same bytes. Whoever can name it, by a key, by an id of its own or by
//	           the id that came with the error, has 20 s to come back: then it gets the same answer,
//	           byte for byte, and the hold is its own. What nobody comes back for is released, and so
//	           is at once what nobody can name: an answer that comes late finds a tombstone.
//	           The reservation then is released, and says why; a repeat that comes too late is refused
//	           (CodeReleased).
//	release    asked again until the supplier has answered. Meanwhile it cannot be ordered.
//	extension  asked again, the same bytes; a later wish replaces it.
//	order, cancellation, and what is about a partnership: requests of the outbox
//
// So a supplier refuses no release for now: one that it keeps no tombstone of, since the retailer's
// share is used up, it answers and remembers in memory (released.go). What a supplier leaves unanswered
// for 30 s the log tells, with the reason and the next attempt (overdue.go).
//
// A reservation counts as held, or as not answered (hold.None), as long as the supplier has not said
// otherwise. Coming back is to repeat the request, to order or to extend; to look is not. Who looks
// sees when the hold is given back (record.Reservation.ReleaseAt).
//
// A request of which nothing was sent is sure to have had no effect (message.ErrNotAsked): it leaves
// nothing. A shop whose process ends within 0.2 s of asking has noted nothing, and its supplier holds
// the stock until the hold expires, or the caller's key finds it.
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
