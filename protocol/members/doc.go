// Package members spreads a federation's member list, and the shops' profiles, among shops
// and hub. It serves and pulls the log, gossips what is new, and carries joins and leaves to
// the hub. Of the list's four rooms it alone uses the network. Package [membership] has the
// rules, package [roster] has the list as stored, and package hub is its author. The doc of
// package [membership] draws the way of an entry through the four.
//
// # How the list spreads
//
// Every hello carries the sender's checkpoint. A shop that sees a larger checkpoint pulls
// the entries it lacks from the sender. A shop that learned entries by a pull gossips them,
// because others may lack them too. Any member serves the log, so that a federation whose
// hub is gone still agrees on who is in it.
//
// The hub gossips each new entry with its checkpoint. When a shop left or was revoked the hub
// also says hello to everybody again: gossip may be lost, but every member must learn of this.
//
// Gossip reaches a shop only when its neighbours have taken it into their mesh, a second or
// two after the hello. The shop then pulls once more, for what was published in between.
//
// A key that is not in the list may belong to a shop that joined a second ago. When such a
// key knocks, or is to be dialed, the list is pulled, at most once a second.
//
// A shop that left or was revoked is admitted by no member, and so no member can tell it.
// A shop that meets no hub therefore asks the hub's open host for its status. The shop asks
// under its own key, which the list must name, so that strangers learn nothing.
//
// A list that does not continue the list held is pulled whole from its sender. Either it does
// not verify, or it proves that the hub signed two lists, which freezes the list. After
// each change a shop compares its list with the lists of a few other shops, so that two lists
// are noticed. The proof is gossiped, and again with every [refresh], for shops that come later.
//
// # How profiles spread
//
// A shop tells its profile in every hello and gossips a new profile; no other shop may gossip
// it. At start and daily a shop asks the hub, or any member, for all profiles, because the shop
// may have been away or have joined later.
//
// # Formats
//
// Integers are big-endian. Package [membership] has the formats of bundle, statement, evidence,
// checkpoint and profile.
//
//	log       request: u64 index of the first entry wanted
//	          answer:  bundle
//	profiles  request: [32] ShopID after which to continue, zeros for all
//	          answer:  n × (u16 length ‖ profile), ascending by ShopID; n = 0 at the end
//	join      request: u64 index ‖ statement          (to the hub's open host)
//	          answer:  to a join statement, the bundle from that index; to any other,
//	                   nothing. The statement is in the list when it comes
//	          request: u64 index, and nothing else: the question for the status of the
//	                   shop whose key the connection proves
//	          answer:  the bundle from that index, to a shop that is or was in the list;
//	                   others are CodeNotMember. A hub that does not know this form
//	                   refuses it as CodeInvalid, and the shop learns nothing
//	leave     request: leave statement                (to the hub's closed host)
//	          answer:  bundle: the newest entries
//	topic members    'B' ‖ bundle, or 'E' ‖ evidence
//	topic profiles   signed profile, by its shop alone
package members
