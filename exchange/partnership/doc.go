// Package partnership is the machine of the terms between one supplier and one
// retailer: who proposed which terms, which version is in force,
// and whether either side has ended it.
//
//	(none) ── Propose ──► proposal open ── Accept(hash) ──► ACTIVE(version+1)
//	                        │  └─ Decline(hash) ─► closed      │ Propose … Accept: next version
//	                        └─ a newer Propose supersedes      └─ End ──► ENDED ── Propose … ──► ACTIVE again
//
// At most one proposal is open; it is named by the hash of the ledger entry that
// carried it, so that an accept of a superseded one is CodeStale. What became of one that
// was declined, withdrawn or closed by an end is kept until a newer proposal comes. While
// a change is proposed, the terms in force stay in force. An End is never refused; who
// made it, when and why stays until terms are in force again.
// Supplier and retailer run the same machine on the same ledger.
package partnership
