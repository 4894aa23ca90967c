// Package members spreads a federation's member list among shops and hub: it
// serves and pulls the log, gossips what is new, and carries joins and leaves to the
// hub. What is true is decided in exchange/membership and kept by
// exchange/roster; this package only moves bytes.
//
// # How the list spreads
//
// Every hello carries the sender's checkpoint and profile. A shop that sees a
// larger checkpoint pulls the entries it lacks from whoever showed it. The hub
// gossips each new entry with its checkpoint; a shop that learned by a pull what
// others may lack passes it on. Any member serves the log, so a federation whose
// hub is gone still agrees on who is in it.
//
// An unknown key that knocks, or that somebody wants to reach, may belong to a
// shop that joined a moment ago: it causes a pull, at most one a second.
//
// # Formats
//
// Integers are big-endian. Bundles, statements, evidence, checkpoints and profiles are
// those of package membership.
//
//	log     request: u64 index of the first entry wanted
//	        answer:  bundle
//	join    request: u64 index ‖ statement          (to the hub's open host)
//	        answer:  to a join statement, the bundle from that index; to any other,
//	                 nothing. The statement is in the list when it comes
//	leave   request: leave statement                (to the hub's closed host)
//	        answer:  bundle: the newest entries
//	topic members    'B' ‖ bundle, or 'E' ‖ evidence
//	topic profiles   signed profile, by its shop alone
package members
