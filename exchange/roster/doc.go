// Package roster has a federation's member list as stored: it keeps the list in a store and
// answers who is a member. Each shop has a Roster, and so has the hub. Of the list's four
// rooms it alone keeps the list. Package [membership] has the rules, package members spreads
// the list, and package hub is its author. The doc of package [membership] draws the way of
// an entry through the four.
//
// [Open] reads the stored list and recomputes its root, so that a damaged store
// is found at start. [Roster.Apply] takes a bundle from anybody: it verifies the bundle, then
// stores what is new, then shows the new list to readers. [Roster.Append] makes the
// bundle of a new entry, at the hub only. Reads never wait: they see an immutable [membership.State].
//
// # In the store
//
// All keys start with "members/":
//
//	members/federation            the trust root as JSON; a folder serves one federation
//	members/entry/<u64 index>     an entry's exact bytes; index is big-endian
//	members/checkpoint            the newest signed note
//	members/evidence              u64 common, then the evidence that froze the list
//	members/profile/<32 ShopID>   a shop's newest signed profile
//
// The checkpoint is what commits: entries at or above its size are not part of the list.
// A bundle that fits one batch is one commit. A longer bundle, such as a first pull of
// thousands of entries, is stored in several batches, the checkpoint in the last. A crash
// between two batches leaves entries that nobody reads and that the next pull overwrites.
//
// # When a commit fails
//
// A refused commit (errors.Is kv.ErrRefused) changes nothing, and Apply may be
// repeated. After any other failure nobody knows what is stored: the Roster
// refuses all further writes, and the process must end.
package roster
