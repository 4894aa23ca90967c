// Package desk is a shop's desk: the use cases that tie the pure machines to a
// store, a signer and partners. It has no network, disk or protobuf of its own; it
// declares what it needs of them (ports.go) and speaks native values
// (message.go, act.go, record.go, feed.go).
//
// # The way of a request
//
//	bytes from a partner ─► decode ─► verify signatures ─► queue ─► writer
//	writer: load → Step → encode → sign → commit → answer, send
//
// One [Writer] owns all changes of a shop's state, in both roles. It drains its
// queue, applies the whole batch to an overlay, seals every answer and ledger
// entry of the batch under one signature, and commits everything in one durable
// transaction; only then are answers returned and messages sent. Nothing signed
// leaves the process before it is durable. A failed commit ends the process
// (whether it happened is unknown until the store is read again).
//
//	desk.go      Desk: what it owns, opening, verification of the chains
//	batch.go     one batch: overlay, savepoints, sealing, commit
//	writer.go    the queue and the goroutine around it; virtual single-step for simulations
//	supplier.go  holds, orders and stock, as the shop that ships
//	retailer.go  reservations, as the shop that sells; reservations.go the list of them,
//	             recent.go those whose record is not durable yet; bought.go its orders,
//	             outbox.go what it has signed and is not answered yet
//	partners.go  partnerships, both roles, as they stand; partner_acts.go what an owner
//	             does about them; ledger.go the chains both roles share
//	adopt.go     the retailer's copy of a ledger: checked, countersigned, frozen, continued
//	quote_check.go  a quote against the request and the terms, before it is believed
//	quota.go     how much one shop can make this one keep
//	clock.go     a clock behind the newest record
//	greeting.go  what two shops tell first; window.go the days of which a supplier takes holds
//	courier.go   when queued requests and entries are sent, and sent again
//	expiry.go    what ends by itself; ended.go the holds of ended partnerships;
//	             lapse.go when a retailer's own reservations are told to be over
//	resumed.go   what a shop just opened cannot know of its earlier life
//	watch.go     events for who wants to know; news.go those of a hot product, told together
//	publish.go   the catalog feed's sequence numbers, heads and gossip
//	sync.go      replicas of partners' catalogs
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
// from the stores alone, and TestSimulation does all of that to four shops. A supplier
// whose store has lost records stops selling and enters nothing into its ledgers as
// soon as a partner proves it (desk.go, stopSelling): by a ledger entry or a quote, or by
// a head of its catalog, which every sale moves, so that a partner who connects and pulls
// proves a sale to another one too. It signs no head of its catalog from then on and
// answers no pull. Here the desk departs from the design (Catalogs), by which a supplier
// that meets a newer head of its own starts another epoch: that head would outrank those
// of the newest copy of the folder, so that the copy, put back as [RestoreAdvice] says,
// would itself be one that lacks a head. Another epoch begins only where the rows of the
// catalog are not those that the shop's own last head states (publish.go, openFeed).
//
// After an absence a supplier does nothing by itself in a ledger before that retailer has
// greeted it (resumed.go). A retailer that has lost records adopts its ledgers and moves
// what it had queued up behind them (adopt.go, renumber). A supplier that signs two
// histories is frozen as evidence.
//
// One thing stays open: a supplier on an old copy sells to a partner who comes first and
// whose copy of the catalog is as old, while the one with the proof is away. Nothing on
// one machine tells a copied folder from the original, which leaves only to wait for
// every partner at every start, and one partner's absence would then stop all trade.
// What such a copy seals and signs until it is stopped is in no other copy either: where
// that is later than the end of the newest one, that one stops too.
//
// # Trade requests
//
// A request or reply on the trade protocol is its [Kind] as an unsigned varint,
// then the encoded value. Hold, release, extend and status requests are unsigned (the
// connection authenticates) and answered by a sealed [HoldAnswer]; a repeat with
// the same bytes gets the same answer, byte for byte. Everything that enters a
// ledger is a numbered [Request] signed by the retailer, answered by one sealed
// [Entry] that embeds it, or the supplier's own act. An error instead of a reply is
// an *exchange.Error; any other failure of the network leaves the outcome
// unknown, and the same request is sent again until a signed answer comes.
package desk
