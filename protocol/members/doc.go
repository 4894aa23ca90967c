// Package members spreads a federation's member list and the shops' profiles among shops and
// hub: it serves and pulls the log, gossips what is new, and carries joins and leaves to the
// hub. What is true is decided in exchange/membership and kept by
// exchange/roster; this package only moves bytes.
//
// # How the list spreads
//
// Every hello carries the sender's checkpoint. A shop that sees a larger one pulls the
// entries it lacks from whoever showed it. The hub gossips each new entry with its
// checkpoint, and says hello again to everybody when a shop is gone, for gossip may be
// lost and a revoked shop must be. A shop that learned by a pull what others may lack
// passes it on. Gossip does not reach a shop before its neighbours take it into their mesh, a
// second or two after it said hello: then it pulls once more. Any member serves the log, so a federation whose hub is gone still agrees
// on who is in it.
//
// An unknown key that knocks, or that somebody wants to reach, may belong to a
// shop that joined a moment ago: it causes a pull, at most one a second.
//
// A shop that is out of the federation is gated by everybody, and so would never learn it where it, or
// the hub, was off as that was entered. While it meets no hub it asks the hub's open host how it
// stands: under its own key, which the list must name, so that strangers learn nothing.
//
// A list that does not continue the one held is pulled whole from its sender, wherever that is:
// then it either falls or proves that the hub signed two, which freezes the list. So that no two
// lists stay apart unseen, a shop compares its own with a few others' after each change. The
// proof is gossiped, and again with every [refresh] for those who come later.
//
// # How profiles spread
//
// A shop tells its profile in every hello and gossips a new one, which nobody else may
// do for it. Who was away, or joined later, asks the hub or any member for all profiles: at
// start and daily.
//
// # Formats
//
// Integers are big-endian. Bundles, statements, evidence, checkpoints and profiles are
// those of package membership.
//
//	log       request: u64 index of the first entry wanted
//	          answer:  bundle
//	profiles  request: [32] ShopID after which to continue, zeros for all
//	          answer:  n × (u16 length ‖ profile), ascending by ShopID; n = 0 at the end
//	join      request: u64 index ‖ statement          (to the hub's open host)
//	          answer:  to a join statement, the bundle from that index; to any other,
//	                   nothing. The statement is in the list when it comes
//	          request: u64 index, and nothing else: how does the shop whose key the
//	                   connection proves stand?
//	          answer:  the bundle from that index, to a shop that is or was in the list;
//	                   others are CodeNotMember. A hub that does not know this form
//	                   refuses it as CodeInvalid, and the shop is as wise as before
//	leave     request: leave statement                (to the hub's closed host)
//	          answer:  bundle: the newest entries
//	topic members    'B' ‖ bundle, or 'E' ‖ evidence
//	topic profiles   signed profile, by its shop alone
package members
