// Package membership has the rules of a federation's member list: the format of each
// entry, and which list is valid. By them everybody finds the same members in the same bytes.
// Of the list's four rooms it alone decides, and it is pure: values in, values out, no clock,
// disk or network. Package roster has the list as stored, package members spreads it, and
// package hub is its author.
//
// # The four rooms
//
// The way of an entry, from a signed statement to the gate of every shop:
//
//	            at the hub                          at each shop
//
//	            a signed statement                  p2p's gate asks who is a member
//	                │                                   ▲
//	                ▼                                   │
//	authored    hub: takes it once, in order            │
//	                │                                   │
//	                ▼                                   │
//	stored      roster: signs, commits              roster: verifies, commits
//	                │ bundle                            ▲ bundle
//	                ▼                                   │
//	spread      members ─ gossip, greeting, pull ─▶ members
//
//	rules       membership: hub, roster and members ask it at each of these steps
//
// Any shop hands the list on, so that entries arrive without the hub, too. The other rooms
// are [github.com/souk-market/souk/exchange/roster],
// [github.com/souk-market/souk/protocol/members] and [github.com/souk-market/souk/hub].
//
// # The parts
//
// A [Federation] is what a shop trusts: an origin, the log key and the admission key. The
// admission key signs invites, revocations and voided invites: it decides which shops are in,
// and may live on another machine. The log key is online at the hub and decides only the order
// of the entries: alone it can add nobody.
//
// An [Invite] is one line of text for a shop's owner. It contains a private key of its own and
// a public [Token] that the admission key signed. With an invite a shop makes a [Join]. A join
// in the list does not reveal the invite's private key, so nobody can spend the invite again.
//
// A [Statement] is what its author signs: a [Join], [Leave], [Void] or [Revoke]. The
// hub adds its time and appends it as an [Entry] to a Merkle log (RFC 6962, package
// golang.org/x/mod/sumdb/tlog), over which it signs a [Checkpoint]. A [Bundle]
// carries a checkpoint and a run of entries from whoever has them.
//
// A [State] is a verified list: [State.Apply] takes a bundle and returns the next
// state or refuses. Two checkpoints that cannot belong to one log are [Evidence].
//
// # Encoding
//
// All formats below are built of these pieces, and each value has exactly one encoding. A
// decoder refuses bytes that are missing, left over or out of bounds, so that
// encode(decode(b)) = b and decode(encode(x)) = x.
//
//	u8 u16 u32 u64  unsigned, big-endian
//	time            u64, milliseconds since 1970, 1 to 253402300799999 (year 9999)
//	str, bytes      u16 length, then that many bytes; str is UTF-8
//	[n]             n raw bytes
//
// A token, signed by the admission key over everything before the signature:
//
//	str "souk/invite/1" · str origin · [16] id · [32] invite public key · u32 uses (1 to 10000)
//	· time expires · str shop name (may be empty) · [64] signature
//
// A statement. Every signature covers all bytes before the first signature:
//
//	str "souk/member/1" · str origin · u8 kind · body
//	 1 join    bytes token · [32] ShopID · str name · [32] SHA-256 of the recovery public key
//	           · [64] by the invite key · [64] by the shop's key
//	 2 leave   [32] ShopID · u64 index of the shop's join entry · [64] by the shop's key
//	 3 void    [16] invite id · str why · [64] by the admission key
//	 4 revoke  [32] ShopID · str why · [64] by the admission key
//	 5 rotate, 6 recover, 7 federate are reserved
//
// An entry, the leaf of the log:
//
//	str "souk/entry/1" · time · bytes statement
//
// A bundle, at most [MaxBundleBytes]:
//
//	str "souk/bundle/1" · str origin · u64 index of the first entry · bytes checkpoint
//	· u32 count · count × bytes entry
//
// Evidence: two notes, the smaller tree's first, and the proof that the larger
// tree's first entries hash to something else. Equal sizes: the smaller root first, a
// zero hash and no proof.
//
//	str "souk/evidence/1" · str origin · bytes note · bytes note · [32] prefix hash · u8 count · count × [32]
//
// A profile, at most [MaxProfileBytes], signed by the shop's key:
//
//	str "souk/profile/1" · str origin · [32] ShopID · u64 sequence · time · str name · str sells
//	· str contact · str returns · str web · str currency · u16 count · count × [2] country · [64] signature
//
// # Origin
//
// The origin is "souk/" name "-" and the first 8 hex digits of the log public key's SHA-256,
// such as souk/riverside-1a2b3c4d. All signed bytes contain the origin, which tells federations
// apart. Trust rests on the whole keys, never on the 8 digits. With a leading slash the origin
// is the prefix of the federation's network protocols.
//
// # Checkpoint
//
// A checkpoint is a C2SP tlog-checkpoint of three lines (origin, size, base64 root) in a C2SP
// signed note (golang.org/x/mod/sumdb/note). Two signature lines follow, both by the log key,
// with the origin as key name. The first is the note's own Ed25519 (type 0x01), the second a
// time-stamped cosignature/v1 (type 0x04, C2SP tlog-cosignature), whose time is the
// checkpoint's. The two signed messages start differently ("souk/…" and "cosignature/v1"), so
// one key serves both. Other signature lines are dropped on reading. The hub signs again
// hourly, so that a list without new entries is seen to be current.
//
// # Invite code
//
// "souk-invite-1-" and, in unpadded base64url,
//
//	u16 length of what lies between this and the checksum
//	str origin · [32] log key · [32] admission key
//	· [32] peer key of the hub's open host · u8 count · count × str multiaddr
//	· [32] peer key of the hub's closed host · u8 count · count × str multiaddr
//	· [32] the invite's private seed · bytes token
//	[4] the first bytes of the SHA-256 of all before
//
// By the length in front a code that was cut off is told from a mistyped code. White space
// anywhere is ignored, because mail programs fold lines.
//
// # Rules of the list
//
//   - Entry times never decrease. An entry is not dated before the checkpoint that the verifier
//     has, and not after the checkpoint over the entry. So the hub cannot date an entry far from
//     when the entry was published, and the entry's time decides whether an invite had expired.
//   - With an invite at most its token's number of shops join, and none after the invite's void
//     entry. An id belongs to one token. A token that names the shop fixes the shop's name.
//   - A member does not join again. A shop that left may join with another invite, and a revoked
//     shop never. A leave names the join that it ends, so that it does not end a later join.
//   - A larger checkpoint must extend the verifier's entries and not be older. A checkpoint with
//     an equal root needs a later time. No checkpoint is accepted that is dated more than
//     [MaxAhead] after the verifier's clock.
//   - An unknown kind of entry is refused with CodeVersion: the shop must be upgraded.
//
// # When the hub cheats
//
// Checkpoints that cannot belong to one log (a different list for two shops, a dropped member, a
// rewritten entry) freeze the list. A frozen list accepts no bundle, and [State.MayTakeOn]
// answers CodeFrozen. The members known until then stay members, because the admission key
// admitted each of them. A thief of the log key must not be able to stop trade. [State.Common] tells up to
// which entry the two lists agree. An entry that breaks the rules under a good signature is
// refused with CodeFork, and the list stays as it was.
package membership
